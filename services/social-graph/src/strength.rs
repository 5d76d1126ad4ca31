//! How strong a tie is. Pure; docs/influence.md.
//!
//! Strengths are kept as they were on one day for ever, so that the order of two ties does not change as time passes:
//! instead of old reactions fading, newer ones weigh more.

use klout_model::{Day, Kind};
use time::{Duration, OffsetDateTime};

/// Days in which a reaction loses half its strength, as in a score.
const HALF_LIFE_DAYS: i32 = 15;

/// The day on which a like has the strength of its weight: 2026-01-01. Databases hold it. Some 37 years before and
/// after it strengths are what a float can hold.
const LANDMARK: i32 = 20_454;

/// 2^(n/15) in 256ths: nine bits each, so that sums of them are exact.
const GROWTH: [u16; 15] =
    [256, 268, 281, 294, 308, 323, 338, 354, 371, 388, 406, 426, 446, 467, 489];

/// Half-lives from the landmark on that are told apart: beyond, sums could be too large for a float.
const HALF_LIVES_MAX: i32 = 900;

/// What reactions of a day add to a tie.
///
/// A whole number of at most 43 bits, times a power of two that hangs on the half-life alone, so sums do not hang on
/// their order as long as they fit into the 53 bits of a float.
pub(crate) fn kept(kind: Kind, count: u32, day: i32) -> f64 {
    f64::from(weight(kind)) * f64::from(count) * growth(day)
}

/// The strength of a tie as it is told on a day: 1 is a like of that day.
pub(crate) fn told(kept: f64, today: Day) -> f64 {
    kept / (f64::from(weight(Kind::Like)) * growth(today.number()))
}

/// When a day that is kept begins; the end of time for one that cannot be.
pub(crate) fn midnight(day: i32) -> OffsetDateTime {
    let time = OffsetDateTime::UNIX_EPOCH.checked_add(Duration::days(day.into()));
    time.unwrap_or_else(|| time::PrimitiveDateTime::MAX.assume_utc())
}

/// What a kind weighs, in tenths: as in the score, whose weights are in hundredths. Databases hold sums of these, so
/// they stay when a later model has others.
const fn weight(kind: Kind) -> u8 {
    match kind {
        Kind::Like | Kind::Reshare | Kind::Comment | Kind::List | Kind::PlusK => 10,
        Kind::Reply | Kind::Mention => 8,
        Kind::Follow => 5,
        Kind::Endorse | Kind::Accept => 15,
    }
}

/// By how much a reaction of this day outweighs one of the landmark.
fn growth(day: i32) -> f64 {
    let days = day.saturating_sub(LANDMARK);
    let step = usize::try_from(days.rem_euclid(HALF_LIFE_DAYS)).unwrap_or_default();
    let half_lives = days.div_euclid(HALF_LIFE_DAYS).clamp(-HALF_LIVES_MAX, HALF_LIVES_MAX);
    f64::from(GROWTH[step]) / 256.0 * 2_f64.powi(half_lives)
}

#[cfg(test)]
mod tests {
    use klout_score_math::Model;
    use proptest::prelude::*;

    use super::*;

    /// Days on which one reaction after the other leaves sums exact.
    const EXACT_DAYS: i32 = 540;

    #[test]
    fn kinds_weigh_what_they_weigh_in_the_score() {
        for kind in Kind::ALL {
            let like = Model::current().mass(Kind::Like, 0, 1);
            let tenths = Model::current().mass(kind, 0, 10) / like;
            assert_eq!(u64::from(weight(kind)), tenths, "{kind}");
        }
    }

    #[test]
    fn a_like_of_today_is_one_and_halves_in_15_days() {
        let today = Day::from_date(time::macros::date!(2018 - 06 - 01));
        let like = kept(Kind::Like, 1, today.number());
        let told = [0, 15, 30, 90].map(|days| told(like, today.plus(days)));
        assert_eq!(told.map(f64::to_bits), [1.0, 0.5, 0.25, 1.0 / 64.0].map(f64::to_bits));
    }

    #[test]
    fn the_steps_are_powers_of_two_to_a_five_hundredth() {
        for (step, growth) in (0_u8..).zip(GROWTH) {
            let exact = (f64::from(step) / 15.0).exp2();
            assert!((f64::from(growth) / 256.0 / exact - 1.0).abs() < 0.002, "{step}");
        }
    }

    #[test]
    fn a_day_that_cannot_be_has_a_strength_that_can() {
        for day in [i32::MIN, i32::MAX] {
            let most = kept(Kind::Accept, u32::MAX, day) * 1e9;
            assert!(most.is_finite() && most > 0.0, "{day}");
        }
    }

    proptest! {
        /// What is taken back leaves nothing, whatever comes first, also in more than a year of reactions.
        #[test]
        fn sums_do_not_hang_on_their_order(
            reactions in prop::collection::vec(
                (0_usize..Kind::ALL.len(), 1_u32..4, 0..EXACT_DAYS, any::<bool>()),
                1..EXACT_DAYS as usize,
            ),
            order in any::<u64>(),
        ) {
            let mut amounts = Vec::new();
            let mut left = 0.0;
            for (kind, count, day, taken_back) in reactions {
                let amount = kept(Kind::ALL[kind], count, LANDMARK + day);
                amounts.push(amount);
                if taken_back {
                    amounts.push(-amount);
                } else {
                    left += amount;
                }
            }
            // Some order that has nothing to do with the first.
            let scattered = |number: usize| (number as u64 + 1).wrapping_mul(order | 1).swap_bytes();
            let mut shuffled: Vec<_> = amounts.into_iter().enumerate().collect();
            shuffled.sort_by_key(|(number, _)| scattered(*number));
            let sum = shuffled.into_iter().fold(0.0, |sum, (_, amount)| sum + amount);
            prop_assert_eq!(sum.to_bits(), left.to_bits());
        }
    }
}
