use std::collections::{BTreeMap, BTreeSet};

use klout_model::TopicId;
use klout_proto::topic::v1::{
    BatchGetPersonTopicsRequest, BatchGetPersonTopicsResponse, PersonTopicNames,
};

use super::{TopicRpc, page, parse};
use crate::{error::Error, ontologies::Current, store};

/// People in one request.
const PEOPLE_MAX: usize = 1_000;

/// Topics of each.
const TOPICS_MAX: u16 = 100;

/// What people said of themselves.
struct Said {
    declared: BTreeMap<i64, Vec<TopicId>>,
    vetoed: BTreeMap<i64, Vec<TopicId>>,
}

pub(super) async fn batch_get_person_topics(
    rpc: &TopicRpc,
    request: BatchGetPersonTopicsRequest,
) -> Result<BatchGetPersonTopicsResponse, Error> {
    if request.people.len() > PEOPLE_MAX {
        return Err(Error::FieldInvalid { field: "people", problem: "are more than 1000" });
    }
    let people = request.people.iter().map(|it| Ok(parse::person("people", it)?.get()));
    let people: Vec<i64> = people.collect::<Result<_, Error>>()?;
    let negative = Error::FieldInvalid { field: "topics_max", problem: "is negative" };
    let max = page::size(request.topics_max, 0, TOPICS_MAX).map_err(|_| negative)?;
    let current = rpc.ontologies.current().await?;
    let topic = match request.topic.as_str() {
        "" => None,
        topic => Some(parse::topic(rpc, &current, topic).await?),
    };

    let store = Error::store;
    let asked = i64::try_from(max).unwrap_or(i64::MAX);
    let shown = store::person_topic::shown_of_people(&rpc.db, &people, asked).await;
    let shown = shown.map_err(store("read topics of people"))?;
    let having = match topic {
        Some(topic) => {
            let having = store::person_topic::who_has(&rpc.db, &people, topic.bits()).await;
            having.map_err(store("read who has a topic"))?
        }
        None => Vec::new(),
    };
    // After what is kept: what was vetoed in between is not told.
    let said = Said::read(rpc, &current, &people).await?;
    let having: BTreeSet<i64> = having.into_iter().collect();
    let mut topics: BTreeMap<i64, Vec<TopicId>> = BTreeMap::new();
    for (person, topic) in shown {
        topics.entry(person).or_default().extend(current.topics([topic]));
    }
    let told = people.iter().map(|person| {
        let declared = said.declared(*person);
        let mut topics = topics.remove(person).unwrap_or_default();
        topics
            .extend(declared.iter().copied().filter(|it| !topics.contains(it)).collect::<Vec<_>>());
        topics.retain(|it| said.may_tell(&current, *person, *it));
        topics.truncate(max);
        let slug = |topic: TopicId| current.ontology.get(topic).map(|it| it.slug.clone());
        let has = |topic: TopicId| {
            (having.contains(person) || declared.contains(&topic))
                && said.may_tell(&current, *person, topic)
        };
        PersonTopicNames {
            person: person.to_string(),
            topics: topics.into_iter().filter_map(slug).collect(),
            has_topic: topic.is_some_and(has),
        }
    });
    Ok(BatchGetPersonTopicsResponse { people: told.collect() })
}

// === impl Said ===

impl Said {
    async fn read(rpc: &TopicRpc, current: &Current, people: &[i64]) -> Result<Self, Error> {
        let store = Error::store;
        let (mut declared, mut vetoed) = (BTreeMap::new(), BTreeMap::new());
        let all = store::said::declared(&rpc.db, people).await;
        for it in all.map_err(store("read what people declared"))? {
            let of: &mut Vec<_> = declared.entry(it.person).or_default();
            of.extend(current.topics([it.topic]));
        }
        let all = store::said::vetoed(&rpc.db, people).await;
        for (person, topic) in all.map_err(store("read what people vetoed"))? {
            let of: &mut Vec<_> = vetoed.entry(person).or_default();
            of.extend(current.topics([topic]));
        }
        Ok(Self { declared, vetoed })
    }

    fn declared(&self, person: i64) -> &[TopicId] {
        self.declared.get(&person).map_or(&[], Vec::as_slice)
    }

    fn may_tell(&self, current: &Current, person: i64, topic: TopicId) -> bool {
        let vetoed = self.vetoed.get(&person).map_or(&[][..], Vec::as_slice);
        current.may_tell(topic, self.declared(person)) && !current.is_within(topic, vetoed)
    }
}
