use std::collections::{BTreeMap, BTreeSet};

use klout_chassis::{Caller, Seen};
use klout_model::{PersonId, TopicId};
use klout_ontology::fold;
use klout_proto::topic::v1::{
    CountedLabel, EvidenceFamilies, EvidencePerson, EvidencePost, ExplainPersonTopicRequest,
    ExplainPersonTopicResponse, PersonTopic,
};
use klout_topic_math::expertise::{Behind, Expertise, Missing, behind, expertise};
use klout_topic_math::expertise::{OCCASIONS_MIN, PEOPLE_MIN, STRENGTH_MIN};
use tokio::task::spawn_blocking;

use super::{TopicRpc, parse, show};
use crate::{
    error::Error,
    evidence::{Gathered, REACTIONS_MAX_OF_ANSWERS, model},
    ontologies::Current,
    store::{self, person_state::sees, post::Said},
};

/// Posts, people and labels that are told.
const ROWS_MAX: usize = 20;

/// Characters of a post that are told.
pub(super) const EXCERPT_CHARS_MAX: usize = 280;

/// What is behind a topic of a person: on all networks, if anything; with what is told of it on each.
struct Found {
    expertise: Option<Expertise>,
    networks: Vec<String>,
    behind: Behind,
    gathered: Gathered,
}

pub(super) async fn explain_person_topic(
    rpc: &TopicRpc,
    caller: &Caller,
    request: ExplainPersonTopicRequest,
) -> Result<ExplainPersonTopicResponse, Error> {
    let language = parse::language(&request.language)?;
    let member = parse::member(rpc, caller.purpose(), &request.person).await?;
    let person = member.get();
    let current = rpc.ontologies.current().await?;
    let topic = parse::topic(rpc, &current, &request.topic).await?;
    let store = Error::store;
    let related = rpc.related.current(&current).await?;
    let gathered = rpc.gatherer.gather(&current, &[person], REACTIONS_MAX_OF_ANSWERS).await;
    let mut gathered = gathered?;
    let gathered = gathered.remove(&person).unwrap_or_default();
    let of = current.clone();
    let found = spawn_blocking(move || {
        let all = expertise(model(), &of.ontology, &related, &gathered.evidence);
        let may_tell = of.may_tell(topic, &gathered.declared);
        let of_topic: Vec<_> = all.into_iter().filter(|it| may_tell && it.topic == topic).collect();
        let networks = of_topic.iter().filter_map(|it| it.network);
        let networks = networks.map(|it| gathered.networks[it as usize].clone()).collect();
        let expertise = of_topic.into_iter().find(|it| it.network.is_none());
        let behind = expertise
            .as_ref()
            .map(|it| behind(model(), &of.ontology, &gathered.evidence, it))
            .unwrap_or_default();
        Found { expertise, networks, behind, gathered }
    });
    let found = found.await.map_err(Error::Lost)?;
    let posts: Vec<_> = found
        .behind
        .posts
        .iter()
        .take(ROWS_MAX)
        .map(|it| found.gathered.posts[it.post as usize])
        .collect();
    let accounts: Vec<i64> = posts.iter().map(|it| it.account).collect();
    let hashes: Vec<_> = posts.iter().map(|it| it.hash).collect();
    let kept = store::person_topic::named(&rpc.db, person, &[topic.bits()]).await;
    let kept = kept.map_err(store("read a topic of a person"))?.pop();
    // Last: what was vetoed meanwhile is not told.
    let vetoed = store::said::vetoed(&rpc.db, &[person]).await;
    let vetoed = vetoed.map_err(store("read what a person vetoed"))?;
    let vetoed: Vec<TopicId> = current.topics(vetoed.into_iter().map(|it| it.1)).collect();
    // From here on something is told, if only that there is nothing.
    rpc.lookups.note(caller, Seen::TopicExplanation, member);
    if current.is_within(topic, &vetoed) {
        return Ok(nothing(&current, topic, language));
    }
    let declared = &found.gathered.declared;
    let mut below: Vec<i64> = current.below(topic);
    below.retain(|it| {
        current
            .topics([*it])
            .any(|it| current.may_tell(it, declared) && !current.is_within(it, &vetoed))
    });
    let said = store::post::said(&rpc.db, &accounts, &hashes, &below, EXCERPT_CHARS_MAX).await;
    let mut said = said.map_err(store("read posts"))?;
    let words = found.gathered.words_of(&current, &BTreeSet::from([topic]));
    let mut words: Vec<String> = words.into_values().flatten().collect();
    let may_show = |words: &str| current.may_show(words, declared, &vetoed);
    for it in &mut said {
        it.words.retain(|words| may_show(words));
    }
    let Some(expertise) = &found.expertise else {
        let mut response = nothing(&current, topic, language);
        if found.gathered.declared.contains(&topic) {
            let of = response.topic.get_or_insert_default();
            of.states = vec!["declared".to_owned()];
        }
        return Ok(response);
    };
    words.retain(|it| may_show(it));
    let actors: Vec<i64> = found.gathered.actors.iter().copied().flatten().collect();
    let standings = store::person_state::find(&rpc.db, &actors).await;
    let standings = standings.map_err(store("look who is a member"))?;
    let of = person_topic(&current, expertise, &found, kept.as_ref(), language);
    Ok(ExplainPersonTopicResponse {
        topic: Some(PersonTopic { words, ..of }),
        posts: found.posts(&said),
        people: found.people(|person| sees(caller.purpose(), &standings, person)),
        labels: found.labels(may_show),
        missing: expertise.missing.iter().map(sentence).collect(),
    })
}

/// Of somebody of whom nothing may be told, or is known.
fn nothing(
    current: &Current,
    topic: TopicId,
    language: Option<klout_ontology::Language>,
) -> ExplainPersonTopicResponse {
    let missing = [
        Missing::People(PEOPLE_MIN),
        Missing::Occasions(OCCASIONS_MIN),
        Missing::Strength(STRENGTH_MIN),
    ];
    let topic = Some(show::topic(current, topic, language));
    ExplainPersonTopicResponse {
        topic: Some(PersonTopic { topic, ..PersonTopic::default() }),
        missing: missing.iter().map(sentence).collect(),
        ..ExplainPersonTopicResponse::default()
    }
}

fn sentence(missing: &Missing) -> String {
    format!("It takes {missing}.")
}

/// As the evidence is now; where the person stands is as of the last ranking.
fn person_topic(
    current: &Current,
    it: &Expertise,
    found: &Found,
    kept: Option<&store::person_topic::Kept>,
    language: Option<klout_ontology::Language>,
) -> PersonTopic {
    let earned = it.is_shown();
    let states = [(earned, "earned"), (found.gathered.declared.contains(&it.topic), "declared")];
    let ranked = kept.filter(|kept| earned && kept.shown);
    PersonTopic {
        topic: Some(show::topic(current, it.topic, language)),
        states: states.into_iter().filter(|it| it.0).map(|it| it.1.to_owned()).collect(),
        score: earned.then_some(it.score),
        strength: it.strength,
        rank: ranked.and_then(|it| it.rank),
        percentile: ranked.and_then(|it| it.percentile),
        people: it.people.into(),
        posts: it.posts.into(),
        families: Some(EvidenceFamilies {
            written: it.written,
            reacted: it.reacted,
            said: it.said,
            influencers: it.influencers,
        }),
        networks: {
            let names: BTreeSet<String> = found.networks.iter().cloned().collect();
            names.into_iter().collect()
        },
        compute_time: kept.map(|it| klout_proto::convert::timestamp(it.compute_time)),
        words: Vec::new(),
    }
}

// === impl Found ===

impl Found {
    fn posts(&self, said: &[Said]) -> Vec<EvidencePost> {
        let rows = self.behind.posts.iter().take(ROWS_MAX).map(|it| {
            let post = self.gathered.posts[it.post as usize];
            let evidence = &self.gathered.evidence.posts[it.post as usize];
            let said = said.iter().find(|it| (it.account, it.hash) == (post.account, post.hash));
            let said = said.cloned().unwrap_or_default();
            EvidencePost {
                network: self.gathered.networks[evidence.network as usize].clone(),
                excerpt: said.excerpt.unwrap_or_default(),
                links: said.links,
                day: self.gathered.window.map_or_else(String::new, |it| it.date(post.day)),
                weight: it.weight,
                words: said.words,
                people: it.people.into(),
                strength: it.strength,
            }
        });
        rows.collect()
    }

    /// Members alone, whom the caller may see.
    fn people(&self, sees: impl Fn(i64) -> bool) -> Vec<EvidencePerson> {
        let rows = self.behind.people.iter().filter_map(|it| {
            let person = self.gathered.actors[it.actor as usize].and_then(PersonId::new)?;
            if !sees(person.get()) {
                return None;
            }
            Some(EvidencePerson {
                person: person.to_string(),
                kinds: {
                    let kinds: BTreeSet<&str> = it.kinds.iter().map(|it| it.as_str()).collect();
                    kinds.into_iter().map(str::to_owned).collect()
                },
                strength: it.strength,
            })
        });
        rows.take(ROWS_MAX).collect()
    }

    /// The same words in other letters are one label.
    fn labels(&self, may_show: impl Fn(&str) -> bool) -> Vec<CountedLabel> {
        let mut people: BTreeMap<String, (&str, BTreeSet<Option<u32>>)> = BTreeMap::new();
        for place in &self.behind.labels {
            let Some(label) = &self.gathered.labels[*place as usize] else { continue };
            let of_label = people.entry(fold(label)).or_insert((label.as_str(), BTreeSet::new()));
            of_label.1.insert(self.gathered.evidence.labels[*place as usize].actor);
        }
        let mut labels: Vec<CountedLabel> = people
            .into_values()
            .map(|(label, people)| CountedLabel {
                label: label.to_owned(),
                people: i64::try_from(people.len()).unwrap_or(i64::MAX),
            })
            .collect();
        labels.sort_by(|one, other| {
            other.people.cmp(&one.people).then_with(|| one.label.cmp(&other.label))
        });
        labels.into_iter().filter(|it| may_show(&it.label)).take(ROWS_MAX).collect()
    }
}
