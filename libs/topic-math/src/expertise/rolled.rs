//! Topics with their ancestors.

use klout_model::TopicId;
use klout_ontology::Ontology;
use klout_score_math::Share;

/// What counts as evidence for what.
#[derive(Debug)]
pub(super) struct Rolling<'a> {
    ontology: &'a Ontology,
    vetoed: &'a [TopicId],
}

/// What a post or a label is about, ancestors included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct About {
    pub(super) topic: TopicId,
    /// In 32,768ths: the largest of whatever is part of the topic.
    pub(super) weight: Share,
    /// Whether it names the topic itself.
    pub(super) direct: bool,
}

// === impl Rolling ===

impl<'a> Rolling<'a> {
    pub(super) const fn new(ontology: &'a Ontology, vetoed: &'a [TopicId]) -> Self {
        Self { ontology, vetoed }
    }

    /// Each topic once, in order, with its ancestors. What is vetoed, and what is part of it, is left out before.
    pub(super) fn up(&self, topics: impl IntoIterator<Item = (TopicId, f32)>) -> Vec<About> {
        let mut all = Vec::new();
        for (topic, weight) in topics {
            let weight = share_of(weight);
            if self.ontology.get(topic).is_none() || self.is_vetoed(topic) || weight == Share::NONE
            {
                continue;
            }
            all.push(About { topic, weight, direct: true });
            let ancestors = self.ontology.ancestors(topic).iter();
            all.extend(ancestors.map(|topic| About { topic: *topic, weight, direct: false }));
        }
        all.sort_unstable();
        all.dedup_by(|next, kept| {
            let same = next.topic == kept.topic;
            if same {
                // The later one has the larger weight.
                kept.weight = next.weight;
                kept.direct |= next.direct;
            }
            same
        });
        all
    }

    fn is_vetoed(&self, topic: TopicId) -> bool {
        let ancestors = self.ontology.ancestors(topic);
        self.vetoed.iter().any(|it| *it == topic || ancestors.contains(it))
    }
}

/// A weight as a whole number, and no topic weighs nothing only because little is said of it.
fn share_of(weight: f32) -> Share {
    if weight.is_nan() || weight <= 0.0 {
        return Share::NONE;
    }
    let parts = f32::from(Share::WHOLE.parts()) * weight.min(1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "is 0 to 32,768")]
    Share::of_parts((parts as u16).max(1))
}
