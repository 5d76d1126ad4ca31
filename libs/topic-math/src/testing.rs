//! A small ontology that tests share.

use klout_model::TopicId;
use klout_ontology::{Language, Ontology, Topic};

pub(crate) const NATURE: u64 = 1;
pub(crate) const GARDENING: u64 = 2;
pub(crate) const TOMATOES: u64 = 3;
pub(crate) const ANIMALS: u64 = 4;
pub(crate) const LAMBS: u64 = 5;
pub(crate) const FOOD: u64 = 6;
pub(crate) const TOPICS: u64 = 6;

pub(crate) fn id(topic: u64) -> TopicId {
    TopicId::new(topic).expect("not 0")
}

/// Tomatoes are both of gardening and of food.
pub(crate) fn ontology() -> Ontology {
    let topic = |number: u64, slug: &str, parents: &[u64]| Topic {
        id: id(number),
        slug: slug.to_owned(),
        names: [(Language::ENGLISH, slug.to_owned())].into(),
        parents: parents.iter().map(|it| id(*it)).collect(),
        wikidata: None,
        phrases: Vec::new(),
        sensitive: false,
        description: None,
    };
    let topics = vec![
        topic(NATURE, "nature", &[]),
        topic(GARDENING, "gardening", &[NATURE]),
        topic(TOMATOES, "tomatoes", &[GARDENING, FOOD]),
        topic(ANIMALS, "animals", &[NATURE]),
        topic(LAMBS, "lambs", &[ANIMALS]),
        topic(FOOD, "food", &[]),
    ];
    Ontology::new("made-up", "1", topics).expect("it fits together")
}
