//! From accounts to a person. docs/scoring-klout-2026-11.md, sections 4 and 5.

use klout_model::Score;

use super::{AccountInfluence, Model};
use crate::ordered_sum;

/// A score and what stands behind it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PersonScore {
    pub score: Score,
    /// Unbounded, additive, at least 0.
    pub influence: f64,
    /// People.
    pub true_reach: f64,
    /// 0 to 100.
    pub amplification: f64,
    /// 0 to 100.
    pub network_impact: f64,
    /// 0 to 1.
    pub confidence: f64,
}

/// The score of whoever owns `accounts`, in any order. `None` when there is no evidence at all: that
/// is not a low score but an unknown one.
///
/// ```text
/// I              = Σ influence of the accounts
/// score          = 100 − 99 · (1 + I)^(−0.2)
/// true reach     = Σ (1 − exp(−m)) over actors
/// amplification  = 100 · r / (r + 5),  r = reactions / (posts + 3)
/// network impact = 100 · influence that comes from credible actors / influence of known actors
/// confidence     = true reach / (true reach + 10)
/// ```
///
/// Networks add up in the domain of influence, so one more never lowers the score; the curve is
/// concave, so every further point is harder; I = 0 gives 1.
#[must_use]
pub fn person_score(model: &Model, accounts: &[AccountInfluence]) -> Option<PersonScore> {
    if !accounts.iter().any(|account| account.evidence) {
        return None;
    }
    let sum = |part: fn(&AccountInfluence) -> f64| {
        ordered_sum(&mut accounts.iter().map(part).collect::<Vec<_>>())
    };
    let influence = sum(|account| account.influence);
    let true_reach = sum(|account| account.reach);
    let reactions_per_post =
        sum(|account| account.reactions) / (sum(|account| account.posts) + model.prior_posts);
    let known = sum(|account| account.known_influence);
    let credible = sum(|account| account.credible_influence);

    Some(PersonScore {
        score: curve(model, influence),
        influence,
        true_reach,
        amplification: 100.0 * share(reactions_per_post, model.amplification_half),
        network_impact: if known > 0.0 { 100.0 * (credible / known) } else { 0.0 },
        confidence: share(true_reach, model.confidence_half),
    })
}

/// Influence on the published scale: 1 at 0, rising ever more slowly, below 100.
fn curve(model: &Model, influence: f64) -> Score {
    let points = 100.0 - 99.0 * libm::pow(1.0 + influence, -model.curve);
    Score::new(points.clamp(1.0, 100.0)).expect("clamped, and influence is not NaN")
}

/// 0 at 0, one half at `half`, below or at 1.
fn share(amount: f64, half: f64) -> f64 {
    amount / (amount + half)
}

#[cfg(test)]
mod tests {
    use klout_model::{CounterName, CounterValue, Kind};
    use proptest::prelude::*;

    use super::*;
    use crate::counted::{AccountEvidence, Cell, Epoch, account_influence};

    fn any_cell() -> impl Strategy<Value = Cell> {
        let actor = prop_oneof![Just(None), (0_i64..6).prop_map(Some)];
        let count = prop_oneof![1_u64..20, Just(1_000_000_000_000_000_000)];
        (actor, 0..Kind::ALL.len(), 0_u8..90, count).prop_map(|(actor, kind, age, count)| Cell {
            actor,
            kind: Kind::ALL[kind],
            age,
            count,
        })
    }

    fn any_cells() -> impl Strategy<Value = Vec<Cell>> {
        prop::collection::vec(any_cell(), 0..30)
    }

    fn any_counters() -> impl Strategy<Value = Vec<(CounterName, CounterValue)>> {
        let values = prop::collection::vec(prop::option::of(0.0..1e300), CounterName::ALL.len());
        values.prop_map(|values| {
            let named = CounterName::ALL.into_iter().zip(values);
            named
                .filter_map(|(name, value)| Some((name, CounterValue::new(value?).ok()?)))
                .collect()
        })
    }

    fn influence(cells: &[Cell], counters: &[(CounterName, CounterValue)]) -> AccountInfluence {
        let cells = &mut cells.to_vec();
        let evidence = AccountEvidence { cells, counters, posts: &[] };
        account_influence(Model::current(), Epoch::ZERO, &[], evidence)
    }

    fn score_of(accounts: &[AccountInfluence]) -> Option<PersonScore> {
        person_score(Model::current(), accounts)
    }

    fn score(cells: &[Cell]) -> f64 {
        score_of(&[influence(cells, &[])]).map_or(0.0, |it| it.score.points())
    }

    fn cell(actor: i64, kind: Kind, age: u8, count: u64) -> Cell {
        Cell { actor: Some(actor), kind, age, count }
    }

    proptest! {
        #[test]
        fn a_score_is_from_1_to_100_and_its_parts_keep_to_their_ranges(
            cells in any_cells(), counters in any_counters(), posts in 0_u64..10,
        ) {
            let mut copy = cells.clone();
            let evidence = AccountEvidence { cells: &mut copy, counters: &counters, posts: &[(3, posts)] };
            let account = account_influence(Model::current(), Epoch::ZERO, &[], evidence);
            let found = score_of(&[account]).expect("there is evidence");
            prop_assert!(found.influence.is_finite() && found.influence >= 0.0);
            prop_assert!(found.true_reach.is_finite() && found.true_reach >= 0.0);
            prop_assert!((0.0..=100.0).contains(&found.amplification));
            prop_assert!((0.0..=100.0).contains(&found.network_impact));
            prop_assert!((0.0..=1.0).contains(&found.confidence));
        }

        #[test]
        fn order_and_splitting_do_not_matter_to_the_bit(
            (cells, shuffled) in any_cells().prop_flat_map(|cells| {
                (Just(cells.clone()), Just(cells).prop_shuffle())
            }),
            counters in any_counters(),
        ) {
            let mut split = Vec::new();
            for cell in shuffled {
                split.push(Cell { count: cell.count / 2, ..cell });
                split.push(Cell { count: cell.count - cell.count / 2, ..cell });
            }
            let mut reversed = counters.clone();
            reversed.reverse();
            prop_assert_eq!(influence(&cells, &counters).influence.to_bits(),
                influence(&split, &reversed).influence.to_bits());
        }

        #[test]
        fn one_more_reaction_never_lowers_the_score(cells in any_cells(), more in any_cell()) {
            let mut longer = cells.clone();
            longer.push(more);
            prop_assert!(score(&cells) <= score(&longer));
        }

        #[test]
        fn a_further_network_never_lowers_the_score(
            cells in any_cells(), further in any_cells(), counters in any_counters(),
        ) {
            let one = influence(&cells, &[]);
            let other = influence(&further, &counters);
            let before = score_of(&[one]).map(|it| it.score);
            let after = score_of(&[one, other]).map(|it| it.score);
            prop_assert!(before <= after);
            prop_assert_eq!(score_of(&[one, other]), score_of(&[other, one]));
        }

        #[test]
        fn posting_without_reactions_never_raises_the_score(cells in any_cells(), posts in 1_u64..1_000) {
            let mut copy = cells.clone();
            let evidence = AccountEvidence { cells: &mut copy, counters: &[], posts: &[(0, posts)] };
            let posting = account_influence(Model::current(), Epoch::ZERO, &[], evidence);
            let posting = score_of(&[posting]).expect("posts are evidence").score.points();
            prop_assert!(posting <= score(&cells).max(1.0));
        }

        #[test]
        fn anonymous_reactions_count_at_most_as_much_as_as_many_known_people(
            reactions in prop::collection::vec((0..Kind::ALL.len(), 0_u8..90), 1..200),
        ) {
            let cells = |named: bool| -> Vec<Cell> {
                (0..).zip(&reactions).map(|(actor, (kind, age))| {
                    let actor = named.then_some(actor);
                    Cell { actor, kind: Kind::ALL[*kind], age: *age, count: 1 }
                }).collect()
            };
            prop_assert!(score(&cells(false)) <= score(&cells(true)) + 1e-9);
        }

        #[test]
        fn what_is_older_never_counts_more(cell in any_cell(), older in 0_u8..90) {
            let later = Cell { age: cell.age.max(older), ..cell };
            prop_assert!(score(&[later]) <= score(&[cell]));
        }
    }

    #[test]
    fn no_evidence_is_no_score() {
        assert_eq!(score_of(&[]), None);
        assert_eq!(score_of(&[influence(&[], &[])]), None);
        assert_eq!(score_of(&[influence(&[cell(1, Kind::Like, 90, 1)], &[])]), None);
    }

    #[test]
    fn evidence_of_no_influence_is_the_floor() {
        assert_eq!(score(&[cell(1, Kind::Like, 0, 0)]).to_bits(), 1.0_f64.to_bits());
    }

    #[test]
    fn a_hundred_people_count_more_than_one_who_repeats() {
        for kind in Kind::ALL {
            let many: Vec<_> = (0..100).map(|actor| cell(actor, kind, 3, 1)).collect();
            assert!(score(&many) > score(&[cell(1, kind, 3, 100)]), "{kind}");
        }
    }

    #[test]
    fn every_further_point_is_harder() {
        let people = |count: i64| {
            let cells: Vec<_> = (0..count).map(|actor| cell(actor, Kind::Reshare, 0, 1)).collect();
            score(&cells)
        };
        let steps: Vec<_> = (1..50).map(|count| people(count + 1) - people(count)).collect();
        assert!(steps.windows(2).all(|pair| pair[1] < pair[0]));
    }

    #[test]
    fn a_month_offline_takes_a_67_to_between_55_and_60() {
        let fans =
            |age| -> Vec<_> { (0..352).map(|actor| cell(actor, Kind::Reshare, age, 1)).collect() };
        assert!((66.5..67.5).contains(&score(&fans(0))), "{}", score(&fans(0)));
        assert!((55.0..60.0).contains(&score(&fans(30))), "{}", score(&fans(30)));
    }

    #[test]
    fn what_the_owners_accounts_do_is_evidence_and_weighs_nothing() {
        let cells = &mut [cell(7, Kind::Reshare, 0, 50)];
        let evidence = AccountEvidence { cells, counters: &[], posts: &[] };
        let own = account_influence(Model::current(), Epoch::ZERO, &[7], evidence);
        assert_eq!(score_of(&[own]).map(|it| it.score), Some(Score::MIN));
    }

    #[test]
    fn counters_of_what_somebody_does_weigh_nothing() {
        let value = CounterValue::new(1e6).expect("a value");
        for name in [CounterName::FollowingCount, CounterName::RetweetsSent, CounterName::Posts] {
            assert_eq!(influence(&[], &[(name, value)]).influence.to_bits(), 0.0_f64.to_bits());
        }
    }

    #[test]
    fn a_known_world_has_the_same_bits_on_every_machine() {
        let cells = [
            cell(1, Kind::Reshare, 0, 3),
            cell(2, Kind::Like, 41, 1),
            Cell { actor: None, kind: Kind::Like, age: 7, count: 12 },
        ];
        let value = CounterValue::new(1234.0).expect("a value");
        let found = score_of(&[influence(&cells, &[(CounterName::FollowerCount, value)])]);
        assert_eq!(found.map(|it| it.score.points().to_bits()), Some(GOLDEN));
    }

    const GOLDEN: u64 = 4_630_698_937_792_389_651;
}
