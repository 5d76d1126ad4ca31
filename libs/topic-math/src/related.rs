//! Topics that people are influential on together. docs/topics.md.

use std::collections::BTreeMap;

use klout_model::TopicId;
use klout_ontology::Ontology;

/// What is related to each topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RelatedTopics(BTreeMap<TopicId, Vec<RelatedTopic>>);

/// A topic that is related to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RelatedTopic {
    pub topic: TopicId,
    /// How closely, above 0 and at most 1.
    pub closeness: f64,
}

/// At most so many are related to one topic.
pub const RELATED_MAX: usize = 20;

/// Of each person the strongest topics are looked at, so many: what somebody with hundreds knows is not related by it.
const TOPICS_MAX: usize = 50;
/// Fewer people than these relate nothing.
const PEOPLE_MIN: u64 = 3;
/// So many people who know both make a closeness half of what they say.
const PEOPLE_HALF: f64 = 5.0;
/// A person's whole attention, so that what is added up are whole numbers.
const WHOLE: f64 = 1_048_576.0;

/// What two topics, or one with itself, have in common.
#[derive(Clone, Copy, Debug, Default)]
struct Common {
    people: u64,
    product: u128,
}

/// Finds what is related by who is influential on both.
///
/// - `people`: of each person every topic once, with its strength, in any order.
/// - A person has one vector of length 1, whatever the strength: who is strong in everything relates no more than
///   others. The closeness of two topics is the cosine of their columns, shrunk by how few people know both.
/// - Topics are related only if more people know both than would by chance, and never to their own ancestors or
///   descendants.
#[must_use]
pub fn related<P>(ontology: &Ontology, people: impl IntoIterator<Item = P>) -> RelatedTopics
where
    P: IntoIterator<Item = (TopicId, f64)>,
{
    let mut pairs: BTreeMap<(TopicId, TopicId), Common> = BTreeMap::new();
    let mut all = 0;
    for person in people {
        let topics = vector(person);
        all += u64::from(!topics.is_empty());
        for (place, (one, of_one)) in topics.iter().enumerate() {
            for (other, of_other) in &topics[place..] {
                let common = pairs.entry((*one, *other)).or_default();
                common.people += 1;
                common.product += u128::from(*of_one) * u128::from(*of_other);
            }
        }
    }
    let mut related: BTreeMap<TopicId, Vec<RelatedTopic>> = BTreeMap::new();
    for ((one, other), both) in &pairs {
        let is_part =
            ontology.ancestors(*one).contains(other) || ontology.ancestors(*other).contains(one);
        if one == other || is_part || both.people < PEOPLE_MIN {
            continue;
        }
        let (of_one, of_other) = (pairs[&(*one, *one)], pairs[&(*other, *other)]);
        let by_chance = u128::from(of_one.people) * u128::from(of_other.people);
        if u128::from(both.people) * u128::from(all) <= by_chance {
            continue;
        }
        let closeness = closeness(*both, of_one, of_other);
        if closeness > 0.0 {
            related.entry(*one).or_default().push(RelatedTopic { topic: *other, closeness });
            related.entry(*other).or_default().push(RelatedTopic { topic: *one, closeness });
        }
    }
    related.into_iter().collect()
}

/// In the order of topics.
fn vector(person: impl IntoIterator<Item = (TopicId, f64)>) -> Vec<(TopicId, u64)> {
    let mut topics: Vec<_> = person
        .into_iter()
        .filter(|(_, strength)| *strength > 0.0 && strength.is_finite())
        .collect();
    topics.sort_by(|one, next| next.1.total_cmp(&one.1).then(one.0.cmp(&next.0)));
    topics.truncate(TOPICS_MAX);
    // In the order of their values, whatever the order they came in.
    let all: f64 = topics.iter().map(|(_, strength)| strength).sum();
    topics.sort_by_key(|(topic, _)| *topic);
    let part = |strength: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "is 0 to 2²⁰")]
        let part = (libm::sqrt(strength / all) * WHOLE) as u64;
        part
    };
    topics.into_iter().map(|(topic, strength)| (topic, part(strength))).collect()
}

fn closeness(both: Common, of_one: Common, of_other: Common) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "to the nearest")]
    let [both_product, one, other, people] =
        [both.product as f64, of_one.product as f64, of_other.product as f64, both.people as f64];
    let lengths = libm::sqrt(one) * libm::sqrt(other);
    if lengths > 0.0 {
        (both_product / lengths).min(1.0) * (people / (people + PEOPLE_HALF))
    } else {
        0.0
    }
}

// === impl RelatedTopics ===

impl RelatedTopics {
    /// The closest first, at most [`RELATED_MAX`].
    #[must_use]
    pub fn of(&self, topic: TopicId) -> &[RelatedTopic] {
        self.0.get(&topic).map_or(&[], Vec::as_slice)
    }

    /// In the order of topics.
    pub fn iter(&self) -> impl Iterator<Item = (TopicId, &[RelatedTopic])> {
        self.0.iter().map(|(topic, related)| (*topic, related.as_slice()))
    }
}

impl FromIterator<(TopicId, Vec<RelatedTopic>)> for RelatedTopics {
    /// In whatever order they were kept.
    fn from_iter<I: IntoIterator<Item = (TopicId, Vec<RelatedTopic>)>>(all: I) -> Self {
        let mut all: BTreeMap<_, _> = all.into_iter().collect();
        for related in all.values_mut() {
            related.sort_by(|one, next| {
                next.closeness.total_cmp(&one.closeness).then(one.topic.cmp(&next.topic))
            });
            related.truncate(RELATED_MAX);
        }
        Self(all)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{GARDENING, LAMBS, NATURE, TOMATOES, TOPICS, id, ontology};

    fn any_people() -> impl Strategy<Value = Vec<Vec<(TopicId, f64)>>> {
        let person = prop::collection::btree_map((1..=TOPICS).prop_map(id), 0.0..50.0, 0..5);
        prop::collection::vec(person.prop_map(|it| it.into_iter().collect()), 0..30)
    }

    #[test]
    fn what_people_are_influential_on_together_is_related() {
        let gardener = vec![(id(TOMATOES), 3.0), (id(GARDENING), 9.0), (id(LAMBS), 2.0)];
        let others = vec![(id(NATURE), 1.0)];
        let people: Vec<_> = [vec![gardener; 5], vec![others; 5]].concat();
        let related = related(&ontology(), people);
        // Neither tomatoes, which are of gardening, nor nature, which lambs are of.
        let of_gardening: Vec<_> = related.of(id(GARDENING)).iter().map(|it| it.topic).collect();
        assert_eq!(of_gardening, [id(LAMBS)]);
        assert!((related.of(id(LAMBS))[0].closeness - 0.5).abs() < 1e-6);
        assert!(related.of(id(NATURE)).is_empty());
    }

    #[test]
    fn what_everybody_is_influential_on_is_related_to_nothing() {
        let gardener = vec![(id(GARDENING), 9.0), (id(LAMBS), 2.0)];
        let everybody = vec![gardener.clone(); 9];
        assert!(related(&ontology(), everybody.clone()).of(id(GARDENING)).is_empty());
        // Nine of ten know each and eight know both, which is less than by chance.
        let [one, other] = [GARDENING, LAMBS].map(|it| vec![(id(it), 1.0)]);
        let fewer = [everybody[..8].to_vec(), vec![one, other]].concat();
        assert!(related(&ontology(), fewer).of(id(GARDENING)).is_empty());
    }

    #[test]
    fn the_strongest_fifty_are_looked_at_in_whatever_order_they_come() {
        let topics: Vec<_> = (1..=60_u32).map(|it| (id(it.into()), f64::from(it))).collect();
        let backwards: Vec<_> = topics.iter().rev().copied().collect();
        let found = vector(topics);
        assert_eq!(found, vector(backwards));
        let numbers: Vec<u64> = found.iter().map(|(topic, _)| topic.get()).collect();
        assert_eq!(numbers, (11..=60).collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn the_order_of_people_and_of_their_topics_does_not_matter_to_the_bit(
            (ordered, mut shuffled) in any_people().prop_flat_map(|people| {
                (Just(people.clone()), Just(people).prop_shuffle())
            }),
        ) {
            shuffled.iter_mut().for_each(|topics| topics.reverse());
            prop_assert_eq!(related(&ontology(), ordered), related(&ontology(), shuffled));
        }

        #[test]
        fn what_is_related_is_so_both_ways_and_no_part_of_it(people in any_people()) {
            let (ontology, people) = (ontology(), people);
            let related = related(&ontology, people);
            for (topic, others) in related.iter() {
                for other in others {
                    prop_assert!(other.closeness > 0.0 && other.closeness <= 1.0);
                    prop_assert!(!ontology.ancestors(topic).contains(&other.topic));
                    prop_assert!(!ontology.descendants(topic).contains(&other.topic));
                    let back = related.of(other.topic).iter().find(|it| it.topic == topic);
                    prop_assert_eq!(back.map(|it| it.closeness), Some(other.closeness));
                }
            }
        }
    }
}
