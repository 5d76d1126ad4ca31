use std::collections::BTreeMap;

use klout_chassis::{Caller, Seen};
use klout_model::TopicId;
use klout_ontology::Language;
use klout_proto::topic::v1::{ListPersonTopicsRequest, ListPersonTopicsResponse, PersonTopic};

use super::{TopicRpc, page, parse, show};
use crate::{
    error::Error,
    ontologies::Current,
    store::{self, person_topic::Kept},
};

/// Topics of one person that are listed.
const TOPICS_MAX: i64 = 10_000;

/// Where a topic of a person stands in the list, in its order: what it is, score, id. Floats above 0 are in the
/// order of their bits.
type Place = [i64; 3];

/// What a person has to do with topics.
pub(super) struct Listing {
    kept: BTreeMap<TopicId, Kept>,
    declared: Vec<TopicId>,
    vetoed: Vec<TopicId>,
    networks: BTreeMap<i64, Vec<String>>,
}

pub(super) async fn list_person_topics(
    rpc: &TopicRpc,
    caller: &Caller,
    request: ListPersonTopicsRequest,
) -> Result<ListPersonTopicsResponse, Error> {
    let language = parse::language(&request.language)?;
    let size = page::size(request.page_size, 20, 100)?;
    let after = page::after::<3>(&request.page_token)?;
    let person = parse::member(rpc, caller.purpose(), &request.person).await?;
    let current = rpc.ontologies.current().await?;
    let mut listing = Listing::read(rpc, &current, person.get()).await?;
    let mut places: Vec<(Place, TopicId)> =
        listing.topics(request.include_vetoed).map(|it| (listing.place(it), it)).collect();
    places.sort_unstable();
    if let Some(after) = after {
        places.retain(|(place, _)| *place > after);
    }
    let more = places.len() > size;
    places.truncate(size);
    let last = places.last().filter(|_| more);
    let next_page_token = last.map_or_else(String::new, |it| page::token(it.0));
    let shown: Vec<TopicId> = places.iter().map(|it| it.1).collect();
    listing.complete(rpc, &current, person.get(), &shown).await?;
    rpc.lookups.note(caller, Seen::Topics, person);
    let topics = shown.iter().map(|topic| listing.show(&current, *topic, language));
    Ok(ListPersonTopicsResponse { topics: topics.collect(), next_page_token })
}

// === impl Listing ===

impl Listing {
    pub(super) async fn read(
        rpc: &TopicRpc,
        current: &Current,
        person: i64,
    ) -> Result<Self, Error> {
        let store = Error::store;
        let kept = store::person_topic::of_person(&rpc.db, person, TOPICS_MAX).await;
        let kept = kept.map_err(store("read topics of a person"))?;
        // After what is kept: what was vetoed in between is not told.
        let declared = store::said::declared(&rpc.db, &[person]).await;
        let declared = declared.map_err(store("read what a person declared"))?;
        let declared: Vec<TopicId> =
            current.topics(declared.into_iter().map(|it| it.topic)).collect();
        let vetoed = store::said::vetoed(&rpc.db, &[person]).await;
        let vetoed = vetoed.map_err(store("read what a person vetoed"))?;
        let vetoed: Vec<TopicId> = current.topics(vetoed.into_iter().map(|it| it.1)).collect();
        let may_tell = |topic: TopicId| {
            current.may_tell(topic, &declared) && !current.is_within(topic, &vetoed)
        };
        let kept: BTreeMap<TopicId, Kept> = kept
            .into_iter()
            .filter_map(|it| Some((current.topics([it.topic]).next()?, it)))
            .filter(|(topic, _)| may_tell(*topic))
            .collect();
        let declared = declared.into_iter().filter(|it| !current.is_within(*it, &vetoed)).collect();
        Ok(Self { kept, declared, vetoed, networks: BTreeMap::new() })
    }

    /// Reads what is told of the topics of a page alone. Where nobody was ranked since the person is there, it is
    /// counted.
    pub(super) async fn complete(
        &mut self,
        rpc: &TopicRpc,
        current: &Current,
        person: i64,
        topics: &[TopicId],
    ) -> Result<(), Error> {
        let store = Error::store;
        for topic in topics {
            let Some(it) = self.kept.get_mut(topic) else { continue };
            it.words.retain(|words| current.may_show(words, &self.declared, &self.vetoed));
            if it.shown && it.rank.is_none() {
                let stands = store::standing::stand(&rpc.db, it.topic, it.score).await;
                let (rank, percentile) = stands.map_err(store("look where a person stands"))?;
                (it.rank, it.percentile) = (Some(rank), Some(percentile));
            }
        }
        let topics: Vec<i64> = topics.iter().map(|it| it.bits()).collect();
        let networks = store::person_topic::networks(&rpc.db, person, &topics).await;
        self.networks = show::by_topic(networks.map_err(store("read networks of topics"))?);
        Ok(())
    }

    /// The topics that are declared, in that order.
    pub(super) fn all_declared(&self) -> &[TopicId] {
        &self.declared
    }

    /// What is declared, in the order in which that was said.
    pub(super) fn declared(
        &self,
        current: &Current,
        language: Option<Language>,
    ) -> Vec<PersonTopic> {
        self.declared.iter().map(|it| self.show(current, *it, language)).collect()
    }

    fn topics(&self, with_vetoed: bool) -> impl Iterator<Item = TopicId> + '_ {
        let earned = self.kept.iter().filter(|(_, kept)| kept.shown).map(|(topic, _)| *topic);
        let declared = self.declared.iter().copied();
        let declared = declared.filter(|it| !self.kept.get(it).is_some_and(|kept| kept.shown));
        let vetoed = self.vetoed.iter().copied().filter(move |_| with_vetoed);
        earned.chain(declared).chain(vetoed)
    }

    fn place(&self, topic: TopicId) -> Place {
        let kept = self.kept.get(&topic);
        let what = match kept {
            _ if self.vetoed.contains(&topic) => 2,
            Some(kept) if kept.shown => 0,
            Some(_) | None => 1,
        };
        let score = kept.map_or(0.0, |it| it.score);
        [what, -score.to_bits().cast_signed(), topic.bits()]
    }

    fn show(&self, current: &Current, topic: TopicId, language: Option<Language>) -> PersonTopic {
        let kept = self.kept.get(&topic);
        let states: Vec<&str> = [
            (kept.is_some_and(|it| it.shown), "earned"),
            (self.declared.contains(&topic), "declared"),
            (self.vetoed.contains(&topic), "vetoed"),
        ]
        .into_iter()
        .filter_map(|(is, state)| is.then_some(state))
        .collect();
        show::person_topic(current, topic, kept, &states, &self.networks, language)
    }
}
