//! Topics that somebody could be influential on. docs/topics.md.

use std::collections::BTreeMap;

use klout_model::TopicId;
use klout_ontology::{Language, Ontology};

use crate::{
    expertise::{Expertise, Influencer, Missing, OCCASIONS_MIN, PEOPLE_MIN, STRENGTH_MIN},
    related::RelatedTopics,
};

/// What is known of whom topics are suggested to.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// On all networks.
    pub expertise: &'a [Expertise],
    pub declared: &'a [TopicId],
    pub vetoed: &'a [TopicId],
    pub influencers: &'a [Influencer],
}

/// A topic that somebody could be influential on.
#[derive(Clone, Debug, PartialEq)]
pub struct SuggestedTopic {
    pub topic: TopicId,
    pub reason: TopicReason,
    /// A sentence for people, in English with names in their language.
    pub explanation: String,
    /// How promising, above 0 and at most 1.
    pub strength: f64,
}

/// Why a topic is suggested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TopicReason {
    /// There is evidence, and little is missing.
    NearlyEarned,
    /// Who is influential on what one is known for, often is on it too.
    Related,
    /// Those whom one reacts to are known for it.
    Influencers,
}

/// What is nearly earned has so much of what is asked for.
const NEARLY: f64 = 0.7;

/// The most promising first, each topic once. Never what is shown, declared or vetoed or part of that, and nothing
/// sensitive.
#[must_use]
pub fn suggest_topics(
    ontology: &Ontology,
    language: Option<Language>,
    related: &RelatedTopics,
    known: &Known<'_>,
) -> Vec<SuggestedTopic> {
    let mut best: BTreeMap<TopicId, SuggestedTopic> = BTreeMap::new();
    let candidates = nearly_earned(known)
        .chain(related_to_known(ontology, language, related, known))
        .chain(of_influencers(ontology, known));
    for candidate in candidates.filter(|it| is_open(ontology, known, it.topic) && it.strength > 0.0)
    {
        let kept = best.entry(candidate.topic).or_insert_with(|| candidate.clone());
        if candidate.strength > kept.strength {
            *kept = candidate;
        }
    }
    let mut suggested: Vec<_> = best.into_values().collect();
    suggested.sort_by(|one, next| next.strength.total_cmp(&one.strength));
    suggested
}

/// Whether a topic may be suggested at all.
fn is_open(ontology: &Ontology, known: &Known<'_>, topic: TopicId) -> bool {
    let ancestors = ontology.ancestors(topic);
    let vetoed = known.vetoed.iter().any(|it| *it == topic || ancestors.contains(it));
    let shown = known.expertise.iter().any(|it| it.topic == topic && it.is_shown());
    let taken = vetoed || shown || known.declared.contains(&topic);
    ontology.get(topic).is_some() && !taken && !ontology.is_sensitive(topic)
}

fn nearly_earned<'a>(known: &Known<'a>) -> impl Iterator<Item = SuggestedTopic> + use<'a> {
    // What is nearly all about a part is suggested as that part.
    let candidates = known.expertise.iter().filter(|it| it.network.is_none());
    let candidates = candidates.filter(|it| !it.is_shown() && it.mostly == it.topic);
    candidates.filter_map(|it| {
        let strength = earned_part(it);
        let missing: Vec<_> = it.missing.iter().map(Missing::to_string).collect();
        let explanation = format!("Still missing: {}.", missing.join("; "));
        let reason = TopicReason::NearlyEarned;
        let suggested = SuggestedTopic { topic: it.topic, reason, explanation, strength };
        (strength >= NEARLY).then_some(suggested)
    })
}

/// How much there is of what is asked for, 0 to 1.
fn earned_part(it: &Expertise) -> f64 {
    let parts = it.missing.iter().map(|missing| match missing {
        Missing::People(more) => 1.0 - f64::from(*more) / f64::from(PEOPLE_MIN),
        Missing::Occasions(more) => 1.0 - f64::from(*more) / f64::from(OCCASIONS_MIN),
        Missing::Strength(more) => 1.0 - more / STRENGTH_MIN,
    });
    let complete = 3.0 - it.missing.iter().map(|_| 1.0).sum::<f64>();
    ((complete + parts.sum::<f64>()) / 3.0).clamp(0.0, 1.0)
}

fn related_to_known(
    ontology: &Ontology,
    language: Option<Language>,
    related: &RelatedTopics,
    known: &Known<'_>,
) -> Vec<SuggestedTopic> {
    let shown = known.expertise.iter().filter(|it| it.network.is_none() && it.is_shown());
    let mut suggested = Vec::new();
    for it in shown {
        for other in related.of(it.topic) {
            let name = ontology.display_name(it.topic, language).0;
            suggested.push(SuggestedTopic {
                topic: other.topic,
                reason: TopicReason::Related,
                explanation: format!("People who are influential on {name} often are on this too."),
                strength: (other.closeness * it.score / 100.0).clamp(0.0, 1.0),
            });
        }
    }
    suggested
}

fn of_influencers(ontology: &Ontology, known: &Known<'_>) -> Vec<SuggestedTopic> {
    // Thousandths, so that it does not matter who comes first.
    let mut all: BTreeMap<TopicId, (u32, u64)> = BTreeMap::new();
    for influencer in known.influencers {
        for (topic, score) in &influencer.topics {
            let part = influencer.tie.clamp(0.0, 1.0) * ((score - 1.0) / 99.0).clamp(0.0, 1.0);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "0 to 1,000"
            )]
            let part = (part * 1_000.0) as u64;
            let (people, known) = all.entry(*topic).or_default();
            *people += 1;
            *known += part;
        }
    }
    // What they are known for as a whole says less than what it is made of.
    let is_whole = |topic: TopicId| {
        ontology.get(topic).is_some()
            && ontology.descendants(topic).iter().any(|part| all.contains_key(part))
    };
    let parts = all.iter().filter(|(topic, _)| !is_whole(**topic));
    let suggested = parts.map(|(topic, (people, known))| {
        #[expect(clippy::cast_precision_loss, reason = "far below 2⁵³")]
        let known = *known as f64 / 1_000.0;
        let explanation = match people {
            1 => "One of those whom you react to is known for it.".to_owned(),
            _ => format!("{people} of those whom you react to are known for it."),
        };
        let strength = -0.5 * libm::expm1(-known);
        SuggestedTopic { topic: *topic, reason: TopicReason::Influencers, explanation, strength }
    });
    suggested.collect()
}

// === impl TopicReason ===

impl TopicReason {
    /// As the contract writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NearlyEarned => "nearly_earned",
            Self::Related => "related",
            Self::Influencers => "influencers",
        }
    }
}

#[cfg(test)]
mod tests {
    use klout_model::Kind;
    use klout_score_math::{Model, Repute, Share};

    use super::*;
    use crate::{
        expertise::{Actor, PersonEvidence, Post, Reaction, expertise},
        related::RelatedTopic,
        testing::{ANIMALS, FOOD, GARDENING, LAMBS, NATURE, TOMATOES, id, ontology},
    };

    /// Known for gardening, and nearly for lambs.
    fn gardener() -> Vec<Expertise> {
        let factors = Repute { credibility: 1.0, ..Repute::UNSEEN }.factors();
        let topics = [GARDENING, GARDENING, GARDENING, LAMBS, LAMBS];
        let topics = topics.into_iter().zip(0_u8..);
        let evidence = PersonEvidence {
            posts: topics
                .map(|(topic, age)| Post { network: 0, age, topics: vec![(id(topic), 1.0)] })
                .collect(),
            reactions: (0..5)
                .map(|post| {
                    let actor = Some(post % 3);
                    Reaction { post, actor, kind: Kind::Like, age: 0, count: 1 }
                })
                .collect(),
            actors: vec![Actor { factors, discount: Share::NONE }; 3],
            ..PersonEvidence::default()
        };
        expertise(Model::current(), &ontology(), &RelatedTopics::default(), &evidence)
    }

    fn related_to_gardening() -> RelatedTopics {
        let food = RelatedTopic { topic: id(FOOD), closeness: 0.5 };
        [(id(GARDENING), vec![food])].into_iter().collect()
    }

    #[test]
    fn topics_are_suggested_for_three_reasons() {
        let expertise = gardener();
        let influencer = Influencer { tie: 1.0, topics: vec![(id(TOMATOES), 80.0)] };
        let known = Known {
            expertise: &expertise,
            declared: &[],
            vetoed: &[],
            influencers: &[influencer.clone(), influencer],
        };
        let found = suggest_topics(&ontology(), None, &related_to_gardening(), &known);
        let reasons: Vec<_> = found.iter().map(|it| (it.topic, it.reason.as_str())).collect();
        assert_eq!(
            reasons,
            [(id(LAMBS), "nearly_earned"), (id(TOMATOES), "influencers"), (id(FOOD), "related")]
        );
        assert!(found[0].explanation.starts_with("Still missing: 1 more person"), "{found:?}");
        assert_eq!(found[1].explanation, "2 of those whom you react to are known for it.");
        let because = "People who are influential on gardening often are on this too.";
        assert_eq!(found[2].explanation, because);
    }

    #[test]
    fn nothing_sensitive_is_suggested_for_whatever_reason() {
        let (expertise, everyday) = (gardener(), ontology());
        let influencers = [Influencer { tie: 1.0, topics: vec![(id(TOMATOES), 80.0)] }];
        let known =
            Known { expertise: &expertise, declared: &[], vetoed: &[], influencers: &influencers };
        for (sensitive, rest) in [
            (vec![], vec![LAMBS, TOMATOES, FOOD]),
            (vec![LAMBS], vec![TOMATOES, FOOD]),
            (vec![TOMATOES], vec![LAMBS, FOOD]),
            // With what is part of it.
            (vec![FOOD], vec![LAMBS]),
        ] {
            let mut topics = everyday.topics().to_vec();
            topics.iter_mut().for_each(|it| it.sensitive = sensitive.contains(&it.id.get()));
            let ontology = Ontology::new("made-up", "2", topics).expect("it fits together");
            let found = suggest_topics(&ontology, None, &related_to_gardening(), &known);
            let found: Vec<u64> = found.iter().map(|it| it.topic.get()).collect();
            assert_eq!(found, rest);
        }
    }

    #[test]
    fn what_influencers_are_known_for_as_a_whole_is_not_suggested_beside_its_parts() {
        let suggested = |topics: &[u64]| -> Vec<u64> {
            let topics = topics.iter().map(|it| (id(*it), 80.0)).collect();
            let influencers = [Influencer { tie: 1.0, topics }];
            let known =
                Known { expertise: &[], declared: &[], vetoed: &[], influencers: &influencers };
            let found =
                suggest_topics(&ontology(), None, &RelatedTopics::default(), &known).into_iter();
            found.map(|it| it.topic.get()).collect()
        };
        assert_eq!(suggested(&[NATURE, ANIMALS, LAMBS]), [LAMBS]);
        assert_eq!(suggested(&[NATURE, FOOD]), [NATURE, FOOD]);
    }

    #[test]
    fn what_one_has_declared_or_vetoed_is_not_suggested() {
        let expertise = gardener();
        let everything = [NATURE, GARDENING, TOMATOES, ANIMALS, LAMBS, FOOD].map(id);
        let all = everything.iter().map(|it| (*it, 90.0)).collect();
        let influencers = [Influencer { tie: 1.0, topics: all }];
        for (declared, vetoed) in
            [(&[LAMBS, FOOD, TOMATOES].map(id)[..], &[][..]), (&[], &[NATURE, FOOD].map(id)[..])]
        {
            let known =
                Known { expertise: &expertise, declared, vetoed, influencers: &influencers };
            let found = suggest_topics(&ontology(), None, &related_to_gardening(), &known);
            let taken = found.iter().any(|it| {
                it.topic == id(GARDENING)
                    || declared.contains(&it.topic)
                    || vetoed.contains(&it.topic)
            });
            assert!(!taken, "{found:?}");
            assert!(vetoed.is_empty() || found.is_empty(), "{found:?}");
        }
    }
}
