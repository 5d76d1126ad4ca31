//! Topics as they are answered.

use std::collections::BTreeMap;

use klout_model::TopicId;
use klout_ontology::Language;
use klout_proto::{
    convert,
    topic::v1::{EvidenceFamilies, PersonTopic, Topic},
};

use crate::{ontologies::Current, store::person_topic::Kept};

/// A topic. Empty when the ontology does not have it.
pub(super) fn topic(current: &Current, id: TopicId, language: Option<Language>) -> Topic {
    let ontology = &current.ontology;
    let Some(topic) = ontology.get(id) else { return Topic::default() };
    let (name, language) = ontology.display_name(id, language);
    let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    Topic {
        topic: id.to_string(),
        slug: topic.slug.clone(),
        display_name: name.to_owned(),
        language: language.to_string(),
        wikidata_id: topic.wikidata.clone().unwrap_or_default(),
        parents: topic.parents.iter().map(ToString::to_string).collect(),
        level: i32::try_from(ontology.level(id)).unwrap_or(i32::MAX),
        descendants: count(ontology.descendants(id).len()),
        sensitive: ontology.is_sensitive(id),
        description: topic.description.clone().unwrap_or_default(),
    }
}

/// What a person has to do with a topic: what is kept of it, if anything.
pub(super) fn person_topic(
    current: &Current,
    id: TopicId,
    kept: Option<&Kept>,
    states: &[&str],
    networks: &BTreeMap<i64, Vec<String>>,
    language: Option<Language>,
) -> PersonTopic {
    let topic = Some(topic(current, id, language));
    let states = states.iter().map(|it| (*it).to_owned()).collect();
    let Some(kept) = kept else { return PersonTopic { topic, states, ..PersonTopic::default() } };
    PersonTopic {
        topic,
        states,
        score: kept.shown.then_some(kept.score),
        strength: kept.strength,
        rank: kept.rank.filter(|_| kept.shown),
        percentile: kept.percentile.filter(|_| kept.shown),
        people: kept.people.into(),
        posts: kept.posts.into(),
        families: Some(EvidenceFamilies {
            written: kept.written,
            reacted: kept.reacted,
            said: kept.said,
            influencers: kept.influencers,
        }),
        networks: networks.get(&kept.topic).cloned().unwrap_or_default(),
        compute_time: Some(convert::timestamp(kept.compute_time)),
        words: kept.words.clone(),
    }
}

/// The networks of each topic.
pub(super) fn by_topic(networks: Vec<(i64, String)>) -> BTreeMap<i64, Vec<String>> {
    let mut by_topic: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for (topic, network) in networks {
        by_topic.entry(topic).or_default().push(network);
    }
    by_topic
}
