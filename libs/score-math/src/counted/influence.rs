//! From the evidence of one account to its influence. docs/scoring-klout-2026-11.md, section 3.

use klout_model::{CounterName, CounterValue, Kind, WINDOW_DAYS};

use super::{Epoch, Model};
use crate::{float, ordered_sum};

/// How often an actor did something to the subject on one UTC day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// Any number where equal means the same actor. `None`: the network did not say who.
    pub actor: Option<i64>,
    pub kind: Kind,
    /// In whole UTC days, 0 to 89; what is older counts for nothing.
    pub age: u8,
    pub count: u64,
}

/// Everything known of one account in the window.
#[derive(Debug)]
pub struct AccountEvidence<'a> {
    /// In any order, and the same cell may come in parts. Sorted in place.
    pub cells: &'a mut [Cell],
    /// Counters of the account itself, each name at most once.
    pub counters: &'a [(CounterName, CounterValue)],
    /// Published posts, as age in days and how many.
    pub posts: &'a [(u8, u64)],
}

/// What one account adds to its owner.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AccountInfluence {
    /// Whether there was any evidence at all.
    pub evidence: bool,
    /// Unbounded, additive, at least 0.
    pub influence: f64,
    /// People who are really influenced.
    pub reach: f64,
    /// Decayed, weighted reactions.
    pub reactions: f64,
    /// Decayed posts.
    pub posts: f64,
    /// Influence that comes from credible actors.
    pub credible_influence: f64,
    /// Influence that comes from known actors.
    pub known_influence: f64,
}

/// Sums the evidence of one account up.
///
/// ```text
/// m(a)      = Σ weight(kind) · count · decay(age)      over the cells of one actor a
/// known     = Σ ln(1 + m(a))                           over the actors that are told apart
/// anonymous = A · ln(1 + U / A)                        over the cells without an actor,
///             U = Σ ln(1 + weight(kind)) · count · decay(age)
/// counted   = Σ weight(name) · ln(1 + value)           over the counters
/// influence = known + anonymous + counted
/// ```
///
/// - `owner_accounts`: the actors that belong to the subject's own owner. What they did is evidence,
///   and weighs nothing.
/// - The logarithm makes the first reaction of an actor count most, so distinct people count more
///   than repetition; more of anything never lowers a term.
/// - Anonymous reactions count at most as much as those of as many known people.
/// - No evidence gives no influence and `evidence: false`.
///
/// Source: the concave mass of an edge is common in the literature on retweet influence; the weights
/// are ours. docs/scoring-klout-2026-11.md, section 3.
#[must_use]
pub fn account_influence(
    model: &Model,
    epoch: Epoch,
    owner_accounts: &[i64],
    evidence: AccountEvidence<'_>,
) -> AccountInfluence {
    let AccountEvidence { cells, counters, posts } = evidence;
    let mut total = AccountInfluence {
        evidence: !counters.is_empty()
            || cells.iter().any(|cell| cell.age < WINDOW_DAYS)
            || posts.iter().any(|(age, _)| *age < WINDOW_DAYS),
        ..AccountInfluence::default()
    };

    cells.sort_unstable();
    let (mut known, mut credible) = (Vec::new(), Vec::new());
    let (mut reach, mut masses) = (Vec::new(), Vec::new());
    for one_actor in cells.chunk_by(|left, right| left.actor == right.actor) {
        let mass = match one_actor[0].actor {
            Some(actor) if owner_accounts.contains(&actor) => continue,
            Some(actor) => {
                let mass = mass(model, one_actor, Model::kind_weight);
                let influence = libm::log1p(mass);
                known.push(influence);
                credible.push(epoch.credibility(actor) * influence);
                reach.push(-libm::expm1(-mass));
                mass
            }
            None => {
                let people = model.anonymous_people;
                let worth = |model: &Model, kind| libm::log1p(model.kind_weight(kind));
                let mass = mass(model, one_actor, worth);
                total.influence = people * libm::log1p(mass / people);
                reach.push(-people * libm::expm1(-mass / people));
                mass
            }
        };
        masses.push(mass);
    }
    total.known_influence = ordered_sum(&mut known);
    total.credible_influence = ordered_sum(&mut credible);
    total.reach = ordered_sum(&mut reach);
    total.reactions = ordered_sum(&mut masses);
    total.influence += total.known_influence;
    for name in CounterName::ALL {
        if let Some((_, value)) = counters.iter().find(|(it, _)| *it == name) {
            total.influence += model.counter_weight(name) * libm::log1p(value.get());
        }
    }
    total.posts = decayed_posts(model, posts);
    total
}

/// The mass of the sorted cells of one actor. Parts of one cell are added as integers first.
fn mass(model: &Model, cells: &[Cell], weight: impl Fn(&Model, Kind) -> f64) -> f64 {
    cells
        .chunk_by(|left, right| (left.kind, left.age) == (right.kind, right.age))
        .map(|parts| {
            let count = parts.iter().fold(0_u64, |sum, part| sum.saturating_add(part.count));
            weight(model, parts[0].kind) * float(count) * model.decay(parts[0].age)
        })
        .sum()
}

fn decayed_posts(model: &Model, posts: &[(u8, u64)]) -> f64 {
    let mut by_age = [0_u64; WINDOW_DAYS as usize];
    for (age, count) in posts {
        if let Some(day) = by_age.get_mut(usize::from(*age)) {
            *day = day.saturating_add(*count);
        }
    }
    (0..WINDOW_DAYS).zip(by_age).map(|(age, count)| float(count) * model.decay(age)).sum()
}
