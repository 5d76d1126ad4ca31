//! Why a score is what it is: breakdowns that add up to it. docs/scoring.md, section 16.

mod breakdown;
mod posts;

use klout_model::{Network, Score};

pub use self::posts::Moment;
use crate::{
    Factors, Model, PersonScore, Portrait,
    ledger::{Ledger, Whole},
    person,
};

/// A score taken apart in several ways. Each list adds up to the score: points of a group are its part of
/// the influence, and one more row, [`FLOOR`], is the point that everybody with evidence has. A list is in the
/// order of what the score would lose without each group.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    pub score: PersonScore,
    /// The 90 % interval of the score: from, to. Section 11.
    pub interval: (Score, Score),
    /// By network; `plus_k` is +K, which is of none.
    pub networks: Vec<Contribution>,
    /// By [`TRUE_REACH`], [`AMPLIFICATION`], [`NETWORK_IMPACT`], [`OUTSIDE_INFLUENCE`] and [`PLUS_K`].
    pub dimensions: Vec<Contribution>,
    /// By kind of interaction, [`COUNTERS`] and [`UNNAMED`].
    pub kinds: Vec<Contribution>,
    /// By post, as NETWORK:HASH, at most [`POSTS_MAX`] by name; [`OTHER_POSTS`] and [`NO_POST`].
    pub posts: Vec<Contribution>,
    /// By [`ActorClass`], [`UNNAMED`] and [`NONE`].
    pub actor_classes: Vec<Contribution>,
}

/// What something contributes to a score.
#[derive(Clone, Debug, PartialEq)]
pub struct Contribution {
    pub name: String,
    /// Points of the score.
    pub points: f64,
    /// What the score would lose without it. As every further point is harder, these are less than `points`
    /// taken together.
    pub without: f64,
    /// How many interactions or counters it is.
    pub count: u64,
}

/// Who reacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ActorClass {
    /// Members who receive at least half as much credible attention as makes half a prestige: ten people's,
    /// with `prestige.half` = 20, which is a prestige of a third.
    Influential,
    /// Other members.
    Member,
    /// Accounts of nobody who joined, with some credibility.
    Known,
    /// The same without any.
    Unknown,
}

/// The point that everybody with evidence has.
pub const FLOOR: &str = "floor";
/// The people who are reached, as if nobody of them had prestige or did much, and strangers' allowance.
pub const TRUE_REACH: &str = "true_reach";
/// What it adds that people do so much about the posts.
pub const AMPLIFICATION: &str = "amplification";
/// What it adds that people have prestige themselves.
pub const NETWORK_IMPACT: &str = "network_impact";
/// Pages.
pub const OUTSIDE_INFLUENCE: &str = "outside_influence";
/// +K, as a dimension and a kind, and among networks.
pub const PLUS_K: &str = "plus_k";
/// Numbers without actors.
pub const COUNTERS: &str = "counters";
/// Interactions without an actor.
pub const UNNAMED: &str = "unnamed";
/// All posts that are not listed by name.
pub const OTHER_POSTS: &str = "other_posts";
/// What belongs to no post.
pub const NO_POST: &str = "no_post";
/// What has no actors.
pub const NONE: &str = "none";

/// So many posts are listed by name.
pub const POSTS_MAX: usize = 20;
/// From this prestige on, a member is influential.
const INFLUENTIAL_PRESTIGE: f64 = 1.0 / 3.0;
/// Losses that differ by less are one: in points.
const EQUAL_LOSS: f64 = 1e-3;

/// A part of what a score is made of, while it is looked at.
#[derive(Clone, Debug)]
struct Group {
    name: String,
    /// Its part of the influence, in people.
    credit: f64,
    /// What the score would lose without it.
    without: f64,
    count: u64,
}

impl Portrait {
    /// Takes the score apart. `None`: there is no evidence.
    ///
    /// # Panics
    ///
    /// When a row names an actor that is not there.
    #[must_use]
    pub fn explain(&self, model: &Model) -> Option<Explanation> {
        let ledger = Ledger::new(model, self);
        let score = ledger.score()?;
        let rates = ledger.rates();
        let listed = |groups: Vec<Group>| contributions(score.score, groups);
        Some(Explanation {
            score,
            interval: score.interval(model),
            networks: listed(ledger.networks(&rates)),
            dimensions: listed(ledger.dimensions(&rates)),
            kinds: listed(ledger.kinds(&rates)),
            posts: listed(ledger.posts(&rates).into_groups()),
            actor_classes: listed(ledger.actor_classes(&rates)),
        })
    }

    /// The posts that something was done about, with their points of the score, best first. Points of the
    /// [`POSTS_MAX`] best are those of the explanation, and the other posts share what is left among them.
    ///
    /// # Panics
    ///
    /// When a row names an actor that is not there.
    #[must_use]
    pub fn moments(&self, model: &Model) -> Vec<Moment> {
        let ledger = Ledger::new(model, self);
        let Some(score) = ledger.score() else { return Vec::new() };
        ledger.posts(&ledger.rates()).into_moments(score.score)
    }

    /// What changed since the same person was `then`, by network, most first. Adds up to the difference of
    /// the scores: what each network brings more of influence, or less, at what influence is worth between
    /// the two. `without` is what the score would not have, had that network stayed as it was. Empty when
    /// there was no score, or is none.
    ///
    /// # Panics
    ///
    /// When a row names an actor that is not there.
    #[must_use]
    pub fn changes(&self, model: &Model, then: &Self) -> Vec<Contribution> {
        let (then, now) = (Ledger::new(model, then), Ledger::new(model, self));
        let (Some(old), Some(new)) = (then.score(), now.score()) else { return Vec::new() };
        let (old_rates, rates) = (then.rates(), now.rates());
        let (old_parts, parts) = (then.networks(&old_rates), now.networks(&rates));
        let mut names: Vec<&str> =
            old_parts.iter().chain(&parts).map(|group| group.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let of = |groups: &[Group], name: &str| {
            let found = groups.iter().find(|group| group.name == name);
            found.map_or((0.0, 0), |group| (group.credit, group.count))
        };
        let differences: Vec<(f64, u64)> = names
            .iter()
            .map(|name| {
                let (old, new) = (of(&old_parts, name), of(&parts, name));
                (new.0 - old.0, new.1.abs_diff(old.1))
            })
            .collect();
        let change = new.score.points() - old.score.points();
        let sum: f64 = differences.iter().map(|it| it.0).sum();
        let worth = if sum.abs() > SMALL * rates.influence.max(1.0) {
            change / sum
        } else {
            // What goes up as much as down is not divided by.
            person::slope(model, rates.influence)
        };
        let mut changes: Vec<Contribution> = names
            .iter()
            .zip(differences)
            .map(|(name, (credit, count))| Contribution {
                name: (*name).to_owned(),
                points: credit * worth,
                without: new.score.points()
                    - now.as_it_was(&then, name).score(model).score.points(),
                count,
            })
            .filter(|it| it.points != 0.0 || it.count > 0)
            .collect();
        changes.sort_by(|one, other| {
            let by_points = other.points.abs().total_cmp(&one.points.abs());
            by_points.then_with(|| one.name.cmp(&other.name))
        });
        changes
    }
}

/// Sums of differences are taken for nothing from here on.
const SMALL: f64 = 1e-9;

// === impl Ledger ===

impl Ledger<'_> {
    /// With one network, or +K, as it was.
    fn as_it_was(&self, then: &Self, name: &str) -> Whole {
        if name == PLUS_K {
            return Whole { plus_k: then.whole.plus_k, ..self.whole.clone() };
        }
        let is = |network: &Network| network.as_str() == name;
        let mut whole = Whole { plus_k: self.whole.plus_k, ..Whole::default() };
        for (ledger, keep) in [(self, false), (then, true)] {
            for (entry, presence) in ledger.entries.iter().zip(&ledger.whole.presences) {
                if is(&entry.of.network) == keep {
                    whole.presences.push(*presence);
                    whole.counters.extend(&entry.of.counters);
                }
            }
        }
        whole
    }
}

/// Gives each group its points, in the order of what the score would lose without it.
///
/// Points are parts of the influence. Where several groups bring the same, as when a person both likes
/// and reshares, none of them may be missed and all have their part of it; so that the order is kept all
/// the same, neighbours that are in the wrong order share their points.
fn contributions(score: Score, mut groups: Vec<Group>) -> Vec<Contribution> {
    #[expect(clippy::cast_possible_truncation, reason = "a hundred points are few")]
    let lost = |group: &Group| (group.without / EQUAL_LOSS).round() as i64;
    groups.sort_by(|one, other| {
        let by_loss = lost(other).cmp(&lost(one));
        by_loss
            .then_with(|| other.credit.total_cmp(&one.credit))
            .then_with(|| one.name.cmp(&other.name))
    });
    let credits: f64 = groups.iter().map(|group| group.credit).sum();
    let worth = if credits > 0.0 { (score.points() - FLOOR_POINTS) / credits } else { 0.0 };
    let points = falling(groups.iter().map(|group| group.credit * worth));
    let with_points = groups.into_iter().zip(points);
    let contribution = |(group, points): (Group, f64)| {
        let Group { name, without, count, .. } = group;
        Contribution { name, points, without, count }
    };
    let floor =
        Contribution { name: FLOOR.to_owned(), points: FLOOR_POINTS, without: 0.0, count: 0 };
    with_points.map(contribution).chain([floor]).collect()
}

const FLOOR_POINTS: f64 = 1.0;

/// The nearest numbers that never rise, with the same sum (Ayer et al. 1955, pooling of adjacent violators).
fn falling(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut pools: Vec<(f64, usize)> = Vec::new();
    let mean = |(sum, length): (f64, usize)| sum / crate::float(length as u64);
    for value in values {
        let mut pool = (value, 1);
        while let Some(before) = pools.pop_if(|before| mean(*before) < mean(pool)) {
            pool = (before.0 + pool.0, before.1 + pool.1);
        }
        pools.push(pool);
    }
    pools.into_iter().flat_map(|pool| std::iter::repeat_n(mean(pool), pool.1)).collect()
}

// === impl ActorClass ===

impl ActorClass {
    pub const ALL: [Self; 4] = [Self::Influential, Self::Member, Self::Known, Self::Unknown];

    /// Of somebody with these factors.
    #[must_use]
    pub fn of(factors: &Factors, registered: bool) -> Self {
        let repute = factors.repute();
        match registered {
            true if repute.prestige >= INFLUENTIAL_PRESTIGE => Self::Influential,
            true => Self::Member,
            false if repute.credibility > 0.0 => Self::Known,
            false => Self::Unknown,
        }
    }

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Influential => "influential",
            Self::Member => "members",
            Self::Known => "known",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::Repute;

    fn group(name: &str, credit: f64, without: f64) -> Group {
        Group { name: name.to_owned(), credit, without, count: 1 }
    }

    fn listed(groups: Vec<Group>) -> Vec<(String, f64)> {
        let score = Score::new(41.0).expect("a score");
        contributions(score, groups).into_iter().map(|it| (it.name, it.points)).collect()
    }

    fn row(name: &str, points: f64) -> (String, f64) {
        (name.to_owned(), points)
    }

    #[test]
    fn points_are_parts_of_the_influence_in_the_order_of_what_would_be_lost() {
        let groups = vec![group("b", 1.0, 0.5), group("a", 3.0, 9.0)];
        assert_eq!(listed(groups), [row("a", 30.0), row("b", 10.0), row(FLOOR, 1.0)]);
    }

    #[test]
    fn who_would_be_missed_more_has_no_fewer_points() {
        let groups = vec![group("a", 1.0, 2.0), group("b", 2.0, 1.0), group("c", 1.0, 0.5)];
        let expected = [row("a", 15.0), row("b", 15.0), row("c", 10.0), row(FLOOR, 1.0)];
        assert_eq!(listed(groups), expected);
        // A difference that nobody can see is none.
        let groups = vec![group("a", 1.0, 2.000_01), group("b", 3.0, 2.0)];
        assert_eq!(listed(groups), [row("b", 30.0), row("a", 10.0), row(FLOOR, 1.0)]);
    }

    #[test]
    fn what_is_worth_nothing_has_no_points() {
        assert_eq!(listed(Vec::new()), [row(FLOOR, 1.0)]);
        assert_eq!(listed(vec![group("a", 0.0, 0.0)]), [row("a", 0.0), row(FLOOR, 1.0)]);
    }

    proptest! {
        #[test]
        fn pooling_keeps_the_sum_and_what_falls_already(values in vec(0.0..100.0_f64, 0..30)) {
            let pooled = falling(values.iter().copied());
            prop_assert_eq!(pooled.len(), values.len());
            prop_assert!(pooled.windows(2).all(|pair| pair[0] >= pair[1]));
            prop_assert!((pooled.iter().sum::<f64>() - values.iter().sum::<f64>()).abs() < 1e-9);
            let mut ordered = values;
            ordered.sort_by(|one, other| other.total_cmp(one));
            prop_assert_eq!(falling(ordered.iter().copied()), ordered);
        }
    }

    #[test]
    fn a_class_is_told_by_joining_credibility_and_ten_people() {
        let model = Model::current();
        let of = |registered, credibility, received| {
            let repute = Repute::new(model, credibility, 0, received);
            ActorClass::of(&repute.factors(), registered)
        };
        assert_eq!(of(true, 1.0, 10.001), ActorClass::Influential);
        assert_eq!(of(true, 1.0, 9.999), ActorClass::Member);
        assert_eq!(of(false, 1.0, 1_000.0), ActorClass::Known);
        assert_eq!(of(false, 1e-6, 0.0), ActorClass::Known);
        assert_eq!(of(false, 0.0, 5.0), ActorClass::Unknown);
    }
}
