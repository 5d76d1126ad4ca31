//! What to share next: content that does well among people of the same topics. docs/topics.md.

use klout_model::TopicId;
use klout_ontology::Ontology;

/// A link or a post of somebody else, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Candidate {
    /// Each topic once, with its weight, above 0 and at most 1.
    pub topics: Vec<(TopicId, f32)>,
    /// How many people reacted, by age in days, in any order.
    pub days: Vec<(u8, u32)>,
    /// Distinct people who reacted.
    pub people: u32,
    /// Distinct people who are taken to have seen it: the audiences of those who shared it.
    pub exposed: u32,
    /// The age in days at which it was first seen.
    pub first_age: u8,
    /// Whether somebody who reacts to the person reacted to it before: then it is not new to their audience.
    pub known_to_audience: bool,
    /// Whether the person wrote or shared it.
    pub own: bool,
}

/// What to share.
#[derive(Clone, Debug, PartialEq)]
pub struct SuggestedContent {
    /// The place among the candidates.
    pub candidate: usize,
    pub reason: ContentReason,
    /// A sentence for people, with its numbers.
    pub explanation: String,
    /// How promising, above 0 and at most 1.
    pub strength: f64,
}

/// Why something is suggested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ContentReason {
    /// Reactions to it come faster than before.
    OnTheRise,
    /// Those who saw it react more than to most, and few have.
    HiddenGem,
    /// Neither, and it does well.
    Popular,
}

/// The days that are now.
const RECENT_DAYS: u8 = 2;
/// The days before them that are compared with, at most.
const BASE_DAYS_MAX: u8 = 14;
/// Reactions come so many times faster, at least and with all caution, when something is on the rise.
const RISE_MIN: f64 = 2.0;
const RISING_PEOPLE_MIN: u32 = 5;
/// Those who saw a gem react so many times more often, at least and with all caution.
const GEM_MIN: f64 = 2.0;
/// More people than that, and it is hidden no more.
const GEM_PEOPLE_MAX: u32 = 30;
/// Whatever fewer people reacted to is not suggested.
const PEOPLE_MIN: u32 = 3;
/// What that many people react to is two thirds of as popular as can be.
const POPULAR_PEOPLE: f64 = 20.0;
/// 1.645 standard errors: 95 % sure that a rate is not lower.
const CAUTION: f64 = 1.645;

/// The most promising first. Never the person's own, what their audience knows, or what is about a vetoed topic or a
/// part of one; and only what is about a wanted topic or a part of one.
///
/// - `wanted`: what the person is known for or declared, with how much, above 0.
#[must_use]
pub fn suggest_content(
    ontology: &Ontology,
    wanted: &[(TopicId, f64)],
    vetoed: &[TopicId],
    candidates: &[Candidate],
) -> Vec<SuggestedContent> {
    let usual = usual_rate(candidates);
    let mut suggested = Vec::new();
    for (place, it) in candidates.iter().enumerate() {
        if it.own || it.known_to_audience || it.people < PEOPLE_MIN {
            continue;
        }
        let relevance = relevance(ontology, wanted, vetoed, it);
        if relevance <= 0.0 {
            continue;
        }
        if let Some((reason, explanation, promise)) = judge(it, usual) {
            let strength = relevance * promise;
            suggested.push(SuggestedContent { candidate: place, reason, explanation, strength });
        }
    }
    suggested.sort_by(|one, next| {
        next.strength.total_cmp(&one.strength).then(one.candidate.cmp(&next.candidate))
    });
    suggested
}

/// How much a candidate is about what is wanted, 0 to 1.
fn relevance(
    ontology: &Ontology,
    wanted: &[(TopicId, f64)],
    vetoed: &[TopicId],
    it: &Candidate,
) -> f64 {
    let most = wanted.iter().map(|(_, much)| *much).fold(0.0, f64::max);
    let mut relevance = 0.0_f64;
    for (topic, weight) in &it.topics {
        let is_of = |other: TopicId| {
            other == *topic
                || (ontology.get(*topic).is_some() && ontology.ancestors(*topic).contains(&other))
        };
        if vetoed.iter().any(|other| is_of(*other)) {
            return 0.0;
        }
        let of_topic = wanted.iter().filter(|(other, _)| is_of(*other));
        let much = of_topic.map(|(_, much)| *much).fold(0.0, f64::max);
        if most > 0.0 {
            relevance = relevance.max(f64::from(*weight) * much / most);
        }
    }
    relevance.clamp(0.0, 1.0)
}

/// How well it does, and how it is said.
fn judge(it: &Candidate, usual: f64) -> Option<(ContentReason, String, f64)> {
    let (people, exposed) = (it.people, it.exposed.max(it.people));
    if let Some((faster, explanation)) = rise(it) {
        return Some((ContentReason::OnTheRise, explanation, 1.0 - 1.0 / faster));
    }
    let at_least = at_least(u64::from(people), u64::from(exposed));
    let hundred = usual * 100.0;
    if people <= GEM_PEOPLE_MAX && usual > 0.0 && at_least >= GEM_MIN * usual {
        let explanation = format!(
            "{people} of the {exposed} people who are likely to have seen it reacted; usually it is {hundred:.0} of 100."
        );
        return Some((ContentReason::HiddenGem, explanation, 1.0 - usual / at_least));
    }
    if f64::from(people) >= usual * f64::from(exposed) {
        let explanation = format!("{people} people reacted to it.");
        let promise = -0.5 * libm::expm1(-f64::from(people) / POPULAR_PEOPLE);
        return Some((ContentReason::Popular, explanation, promise));
    }
    None
}

/// How many times faster reactions come than before, at least, if they do.
fn rise(it: &Candidate) -> Option<(f64, String)> {
    let base_days = it.first_age.saturating_add(1).saturating_sub(RECENT_DAYS).min(BASE_DAYS_MAX);
    let of_ages = |from: u8, to: u8| -> u64 {
        let days = it.days.iter().filter(|(age, _)| (from..to).contains(age));
        days.map(|(_, people)| u64::from(*people)).sum()
    };
    let recent = of_ages(0, RECENT_DAYS);
    let before = of_ages(RECENT_DAYS, RECENT_DAYS + base_days);
    if base_days == 0 || recent < u64::from(RISING_PEOPLE_MIN) {
        return None;
    }
    let part = at_least(recent, recent + before);
    let faster = part / (1.0 - part) * (f64::from(base_days) / f64::from(RECENT_DAYS));
    let days = if base_days == 1 { "day".to_owned() } else { format!("{base_days} days") };
    let explanation = format!(
        "{recent} reactions in the last {RECENT_DAYS} days, after {before} in the {days} before."
    );
    (faster >= RISE_MIN).then_some((faster, explanation))
}

/// How many of those who see something react, of all candidates together.
fn usual_rate(candidates: &[Candidate]) -> f64 {
    let sum =
        |of: fn(&Candidate) -> u32| -> u64 { candidates.iter().map(|it| u64::from(of(it))).sum() };
    let (people, exposed) = (sum(|it| it.people), sum(|it| it.exposed.max(it.people)));
    if exposed > 0 { float(people) / float(exposed) } else { 0.0 }
}

/// What the rate is at least, behind so many of so many: the lower end of Wilson's interval, so that one of one is
/// no certainty.
fn at_least(count: u64, of: u64) -> f64 {
    if of == 0 {
        return 0.0;
    }
    let (of, caution) = (float(of), CAUTION * CAUTION);
    let rate = float(count) / of;
    let spread = CAUTION * libm::sqrt((rate * (1.0 - rate) + caution / (4.0 * of)) / of);
    ((rate + caution / (2.0 * of) - spread) / (1.0 + caution / of)).clamp(0.0, 1.0)
}

#[expect(clippy::cast_precision_loss, reason = "to the nearest")]
const fn float(whole: u64) -> f64 {
    whole as f64
}

// === impl ContentReason ===

impl ContentReason {
    /// As the contract writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnTheRise => "on_the_rise",
            Self::HiddenGem => "hidden_gem",
            Self::Popular => "popular",
        }
    }
}

#[cfg(test)]
mod tests {
    use klout_ontology::Ontology;

    use super::*;
    use crate::testing::{GARDENING, LAMBS, NATURE, TOMATOES, id, ontology};

    fn about(topic: u64) -> Candidate {
        Candidate {
            topics: vec![(id(topic), 1.0)],
            days: vec![(3, 4), (9, 4)],
            people: 8,
            exposed: 100,
            first_age: 20,
            ..Candidate::default()
        }
    }

    fn suggest(ontology: &Ontology, candidates: &[Candidate]) -> Vec<(usize, ContentReason)> {
        let found = suggest_content(ontology, &[(id(GARDENING), 50.0)], &[], candidates);
        found.into_iter().map(|it| (it.candidate, it.reason)).collect()
    }

    #[test]
    fn what_does_well_is_said_with_its_numbers() {
        let rising =
            Candidate { days: vec![(0, 7), (1, 5), (5, 3)], people: 15, ..about(TOMATOES) };
        let gem = Candidate { people: 9, exposed: 20, ..about(GARDENING) };
        let lame = Candidate { people: 3, exposed: 100, ..about(GARDENING) };
        let candidates = [rising, gem, lame, about(GARDENING), about(GARDENING), about(GARDENING)];
        let wanted = [(id(GARDENING), 50.0)];
        let found = suggest_content(&ontology(), &wanted, &[], &candidates);
        let said: Vec<_> = found.iter().map(|it| (it.candidate, &*it.explanation)).collect();
        assert_eq!(
            said,
            [
                (0, "12 reactions in the last 2 days, after 3 in the 14 days before."),
                (
                    1,
                    "9 of the 20 people who are likely to have seen it reacted; usually it is 10 of 100."
                ),
            ]
        );
        let found = suggest(&ontology(), &[about(TOMATOES), about(GARDENING)]);
        assert_eq!(found, [(0, ContentReason::Popular), (1, ContentReason::Popular)]);
    }

    #[test]
    fn one_of_one_is_no_gem() {
        assert!(at_least(1, 1) < 0.3 && at_least(9, 20) > 0.25 && at_least(0, 0) < 1e-9);
        let once = Candidate { people: 1, exposed: 1, ..about(GARDENING) };
        assert!(suggest(&ontology(), &[once]).is_empty());
    }

    #[test]
    fn nothing_is_suggested_that_is_ones_own_known_vetoed_or_about_something_else() {
        let own = Candidate { own: true, ..about(GARDENING) };
        let known = Candidate { known_to_audience: true, ..about(GARDENING) };
        assert!(suggest(&ontology(), &[own, known, about(LAMBS), about(NATURE)]).is_empty());
        let wanted = [(id(GARDENING), 50.0)];
        for vetoed in [TOMATOES, GARDENING, NATURE] {
            let vetoed = [id(vetoed)];
            let found = suggest_content(&ontology(), &wanted, &vetoed, &[about(TOMATOES)]);
            assert!(found.is_empty(), "{found:?}");
        }
    }
}
