//! Spearman's rank correlation.

use super::Both;

/// Everybody once, to be put in order.
pub(super) fn order(people: usize) -> Vec<u32> {
    (0..u32::try_from(people).expect("there are not 2^32 people in one answer")).collect()
}

/// The correlation of both models' ranks, where equal scores share the mean of their ranks; `None` where one
/// model says the same of everybody.
///
/// Ranks are taken from the mean rank and doubled, which makes whole numbers of them, so that all sums are exact.
pub(super) fn correlation(both: &[Both], order: &mut [u32]) -> Option<f64> {
    let mut of_old = vec![0_i64; both.len()];
    let mut old_squares = 0_i128;
    ranked(
        order,
        |index| both[index].old,
        |index, rank| {
            of_old[index] = rank;
            old_squares += i128::from(rank) * i128::from(rank);
        },
    );
    let (mut new_squares, mut products) = (0_i128, 0_i128);
    ranked(
        order,
        |index| both[index].new,
        |index, rank| {
            new_squares += i128::from(rank) * i128::from(rank);
            products += i128::from(rank) * i128::from(of_old[index]);
        },
    );
    if old_squares == 0 || new_squares == 0 {
        return None;
    }
    if old_squares == new_squares && products.abs() == old_squares {
        return Some(if products > 0 { 1.0 } else { -1.0 });
    }
    Some(float(products) / (float(old_squares).sqrt() * float(new_squares).sqrt()))
}

/// Tells everybody's rank: twice its distance from the mean rank.
fn ranked(order: &mut [u32], score: impl Fn(usize) -> f64, mut tell: impl FnMut(usize, i64)) {
    order.sort_unstable_by(|one, other| score(*one as usize).total_cmp(&score(*other as usize)));
    let people = i64::try_from(order.len()).expect("there are not 2^63 people");
    let mut before = 0;
    let equal = |one: &u32, other: &u32| score(*one as usize) == score(*other as usize);
    for equals in order.chunk_by(equal) {
        let many = i64::try_from(equals.len()).expect("they are some of all");
        // Ranks before + 1 to before + many have the mean before + (many + 1) / 2; that of all is (people + 1) / 2.
        let rank = 2 * before + many - people;
        for index in equals {
            tell(*index as usize, rank);
        }
        before += many;
    }
}

#[expect(clippy::cast_precision_loss, reason = "a correlation of sixteen digits is exact enough")]
const fn float(sum: i128) -> f64 {
    sum as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spearman(pairs: &[(f64, f64)]) -> Option<f64> {
        let both: Vec<_> = (1..)
            .zip(pairs)
            .map(|(person, (old, new))| Both { person, old: *old, new: *new })
            .collect();
        correlation(&both, &mut order(both.len()))
    }

    #[test]
    fn without_ties_it_is_the_formula_of_the_books() {
        let pairs = [(1.0, 10.0), (2.0, 30.0), (3.0, 20.0), (4.0, 60.0), (5.0, 15.0)];
        // Ranks of the second: 1, 4, 3, 5, 2; differences 0, 2, 0, 1, 3; squares 14; 1 − 84 / 120 = 0.3.
        let found = spearman(&pairs).expect("they differ");
        assert!((found - 0.3).abs() < 1e-12, "{found}");
    }

    #[test]
    fn equal_scores_share_the_mean_of_their_ranks() {
        // Ranks 1, 2.5, 2.5, 4 and 1, 2, 3, 4: Pearson of them is 4.5 / √(4.5 · 5).
        let found =
            spearman(&[(1.0, 1.0), (2.0, 2.0), (2.0, 3.0), (9.0, 4.0)]).expect("they differ");
        let expected = 4.5 / (4.5_f64 * 5.0).sqrt();
        assert!((found - expected).abs() < 1e-12, "{found}");
    }

    #[test]
    fn the_same_order_is_1_the_other_way_round_is_minus_1_and_no_order_is_none() {
        assert_eq!(spearman(&[(1.0, 2.0), (2.0, 3.0), (3.0, 90.0)]), Some(1.0));
        assert_eq!(spearman(&[(1.0, 90.0), (2.0, 3.0), (3.0, 2.0)]), Some(-1.0));
        assert_eq!(spearman(&[(1.0, 5.0), (2.0, 5.0)]), None);
        assert_eq!(spearman(&[(1.0, 5.0)]), None);
        assert_eq!(spearman(&[]), None);
    }

    /// Straight from the definition: ranks by counting, then Pearson's formula.
    fn reference(pairs: &[(f64, f64)]) -> Option<f64> {
        let ranks = |score: fn(&(f64, f64)) -> f64| -> Vec<f64> {
            let rank = |one: &(f64, f64)| {
                let below = pairs.iter().filter(|it| score(it) < score(one)).count();
                let equal = pairs.iter().filter(|it| score(it) == score(one)).count();
                crate::compare::count(below) + (crate::compare::count(equal) + 1.0) / 2.0
            };
            pairs.iter().map(rank).collect()
        };
        let (old, new) = (ranks(|it| it.0), ranks(|it| it.1));
        let mean = |it: &[f64]| it.iter().sum::<f64>() / crate::compare::count(it.len());
        let (old_mean, new_mean) = (mean(&old), mean(&new));
        let sum = |one: &[f64], one_mean: f64, other: &[f64], other_mean: f64| -> f64 {
            one.iter().zip(other).map(|(x, y)| (x - one_mean) * (y - other_mean)).sum()
        };
        let squares = sum(&old, old_mean, &old, old_mean) * sum(&new, new_mean, &new, new_mean);
        (squares > 0.0).then(|| sum(&old, old_mean, &new, new_mean) / squares.sqrt())
    }

    proptest! {
        #[test]
        fn it_is_what_the_definition_says(
            pairs in prop::collection::vec((1..20_u32, 1..20_u32), 0..60)
        ) {
            let pairs: Vec<_> =
                pairs.iter().map(|(old, new)| (f64::from(*old), f64::from(*new))).collect();
            match (spearman(&pairs), reference(&pairs)) {
                (Some(found), Some(expected)) => {
                    prop_assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
                    prop_assert!((-1.0..=1.0).contains(&found));
                }
                (found, expected) => prop_assert_eq!(found, expected),
            }
        }

        #[test]
        fn only_the_order_matters(pairs in prop::collection::vec((1.0..100.0, 1.0..100.0), 2..60)) {
            let stretched: Vec<_> = pairs.iter().map(|(old, new): &(f64, f64)| (old.powi(3), new.sqrt())).collect();
            prop_assert_eq!(spearman(&pairs), spearman(&stretched));
        }
    }
}
