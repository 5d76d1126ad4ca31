//! From strengths to topic scores.

use std::collections::BTreeMap;

use klout_model::TopicId;
use klout_ontology::Ontology;
use klout_score_math::Model;

use super::{Expertise, RELATED_WORTH};
use crate::related::RelatedTopics;

type Strengths = BTreeMap<(Option<u32>, TopicId), f64>;

/// Follows the strongest child down for as long as most of the strength is about it.
pub(super) fn find_mostly(ontology: &Ontology, found: &mut [Expertise]) {
    let strengths = strengths(found);
    for it in found {
        loop {
            let of = |topic| strengths.get(&(it.network, topic)).copied().unwrap_or(0.0);
            let children = ontology.children(it.mostly).iter().copied();
            // Of equals the first by id, which is of the ontology and not of anybody's evidence.
            let strongest = children
                .map(|child| (of(child), child))
                .reduce(|best, next| if next.0 > best.0 { next } else { best });
            match strongest {
                Some((strength, child)) if strength * 2.0 > it.strength => it.mostly = child,
                _ => break,
            }
        }
    }
}

/// A topic score is more than counts: who is known for what is near, and for much, is more likely to be listened to
/// than the same few reactions tell. Without influence it is that of the support alone. What supports a part supports
/// the whole, so that nobody scores higher on tomatoes than on gardening.
pub(super) fn score(
    model: &Model,
    ontology: &Ontology,
    related: &RelatedTopics,
    influence: f64,
    found: &mut [Expertise],
) {
    let strengths = strengths(found);
    let mut supports = Strengths::new();
    for it in &*found {
        let of = |topic| strengths.get(&(it.network, topic)).copied().unwrap_or(0.0);
        let (mut near, mut closeness) = (0.0, 0.0);
        for other in related.of(it.topic) {
            near += other.closeness * of(other.topic);
            closeness += other.closeness;
        }
        let near = if closeness > 0.0 { near / closeness } else { 0.0 };
        let support = it.strength + RELATED_WORTH * near;
        for whole in ontology.ancestors(it.topic).iter().chain([&it.topic]) {
            let kept = supports.entry((it.network, *whole)).or_default();
            *kept = support.max(*kept);
        }
    }
    for it in found {
        let support = supports.get(&(it.network, it.topic)).copied().unwrap_or(0.0);
        it.score = model.score(blended(support, influence)).points();
    }
}

/// Overall influence enters by its cube root. docs/topics.md, section 4.
fn blended(support: f64, influence: f64) -> f64 {
    libm::cbrt(support * support * influence.max(support))
}

fn strengths(found: &[Expertise]) -> Strengths {
    found.iter().map(|it| ((it.network, it.topic), it.strength)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_the_page_is_the_topic_score() {
        for (strength, influence, score) in [
            (1.0, 1.0, 20.5),
            (3.0, 3.0, 32.9),
            (3.0, 1_000.0, 53.3),
            (30.0, 100.0, 59.8),
            (100.0, 100.0, 65.7),
        ] {
            let found = Model::current().score(blended(strength, influence)).points();
            assert!((found - score).abs() < 0.05, "{strength} {influence}: {found}");
        }
    }
}
