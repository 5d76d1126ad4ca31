//! When things happen: hours of the day, weekends, and how fast reactions come.

use crate::{
    draw::{Draw, below, float, whole},
    name::Place,
};

pub(crate) const DAY_MILLISECONDS: u32 = 86_400_000;
const HOUR_MILLISECONDS: u32 = 3_600_000;

/// How many days after its own a post still draws reactions.
pub(crate) const DAYS_AFTER: u16 = 2;

/// How awake people are in each hour of their own day, 1 at most.
const AWAKE: [f64; 24] = [
    0.28, 0.15, 0.08, 0.05, 0.05, 0.08, 0.18, 0.34, 0.48, 0.58, 0.66, 0.76, 0.90, 0.90, 0.82, 0.82,
    0.85, 0.90, 0.96, 1.00, 1.00, 0.92, 0.72, 0.48,
];

/// Hours that people are before (+) or behind (−) UTC, and how many of them.
const ZONES: [(i8, f64); 9] = [
    (-8, 0.08),
    (-6, 0.09),
    (-5, 0.14),
    (-3, 0.05),
    (0, 0.15),
    (1, 0.26),
    (2, 0.11),
    (5, 0.05),
    (8, 0.07),
];

/// Hours before (+) or behind (−) UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Zone(i8);

/// Delays between a post and a reaction: seconds in [from, to), within [`DELAY_MAX`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delays {
    /// Both as shares of all delays.
    from: f64,
    to: f64,
}

// === impl Zone ===

impl Zone {
    /// Hours before (+) or behind (−) UTC.
    pub(crate) const fn hours(self) -> i8 {
        self.0
    }

    pub(crate) fn draw(draw: &mut Draw) -> Self {
        let weights = ZONES.map(|(_, weight)| weight);
        Self(ZONES[draw.weighted(&weights)].0)
    }

    /// How awake people here are at this millisecond of the UTC day, 0 to 1.
    pub(crate) fn awake(self, at: u32) -> f64 {
        let utc = i32::try_from(at / HOUR_MILLISECONDS).expect("an hour of the day");
        let local = (utc + i32::from(self.0)).rem_euclid(24);
        AWAKE[usize::try_from(local).expect("an hour of the day")]
    }

    /// A millisecond of the UTC day, drawn in proportion to how awake people here are.
    pub(crate) fn moment(self, draw: &mut Draw) -> u32 {
        loop {
            let at = below(draw.word(), DAY_MILLISECONDS);
            if draw.chance(self.awake(at)) {
                return at;
            }
        }
    }
}

/// What share of the posts of a working day is also written on a day, 0 to 1. `day` counts from
/// 1970-01-01, a Thursday.
pub(crate) const fn weekday(place: Place, day: i32) -> f64 {
    let weekend = (day + 3).rem_euclid(7) >= 5;
    match (weekend, place) {
        (false, _) => 1.0,
        (true, Place::Bluesky | Place::Mastodon) => 0.85,
        (true, Place::Github) => 0.45,
    }
}

// === impl Delays ===

/// In seconds: two days.
const DELAY_MAX: f64 = 172_800.0;
/// Until here reactions come at an even pace; in seconds.
const EVEN: f64 = 300.0;
/// How slowly they die down from there on.
const SLOWNESS: f64 = 0.1;

impl Delays {
    /// The delays that lead from a post at millisecond `at` of its day into the day that is `after`
    /// days later.
    pub(crate) fn into_day(at: u32, after: u16) -> Self {
        let midnight = |days: u16| {
            let milliseconds = u64::from(days) * u64::from(DAY_MILLISECONDS);
            float(milliseconds.saturating_sub(u64::from(at))) / 1_000.0
        };
        Self { from: before(midnight(after)), to: before(midnight(after + 1)) }
    }

    /// The share of all reactions that comes so late, 0 to 1.
    pub(crate) fn share(self) -> f64 {
        self.to - self.from
    }

    /// The millisecond of that day at which one of them comes.
    pub(crate) fn draw(self, draw: &mut Draw, at: u32, after: u16) -> u32 {
        let share = self.from + draw.unit() * self.share();
        let delay = inverse(share) * 1_000.0 + float(u64::from(at));
        let midnight = float(u64::from(after) * u64::from(DAY_MILLISECONDS));
        whole(delay - midnight).min(DAY_MILLISECONDS - 1)
    }
}

/// The share of reactions that come before `delay` seconds.
///
/// The density is even until [`EVEN`] and falls as `delay`^−(1 + [`SLOWNESS`]) from there, the shape
/// that Zhao et al. measured on reshares ("SEISMIC", KDD 2015), where it is steeper: 0.242, for direct
/// reactions alone. Here one delay stands for a whole cascade. Cut off at [`DELAY_MAX`].
fn before(delay: f64) -> f64 {
    uncut(delay.min(DELAY_MAX)) / uncut(DELAY_MAX)
}

fn uncut(delay: f64) -> f64 {
    let even = SLOWNESS / (1.0 + SLOWNESS);
    if delay <= EVEN {
        even * delay / EVEN
    } else {
        1.0 - (1.0 - even) * libm::pow(delay / EVEN, -SLOWNESS)
    }
}

/// The delay in seconds before which a share of the reactions comes.
fn inverse(share: f64) -> f64 {
    let even = SLOWNESS / (1.0 + SLOWNESS);
    let share = share * uncut(DELAY_MAX);
    if share <= even {
        share / even * EVEN
    } else {
        EVEN * libm::pow((1.0 - share) / (1.0 - even), -1.0 / SLOWNESS)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::draw::Purpose;

    proptest! {
        #[test]
        fn the_days_of_a_post_share_all_its_reactions(at in 0..DAY_MILLISECONDS) {
            let shares: f64 =
                (0..=DAYS_AFTER).map(|after| Delays::into_day(at, after).share()).sum();
            prop_assert!((shares - 1.0).abs() < 1e-12);
        }

        #[test]
        fn a_share_goes_back_to_its_delay(delay in 0.0..DELAY_MAX) {
            prop_assert!((inverse(before(delay)) - delay).abs() < 1e-6 * (1.0 + delay));
        }

        #[test]
        fn a_reaction_of_the_same_day_is_not_before_its_post(
            at in 0..DAY_MILLISECONDS,
            seed: u64,
        ) {
            let mut draw = Draw::new(seed, Purpose::Reactions, &[]);
            prop_assert!(Delays::into_day(at, 0).draw(&mut draw, at, 0) >= at);
        }
    }

    #[test]
    fn a_day_in_1970_is_a_thursday() {
        let github = |day| weekday(Place::Github, day) < 1.0;
        assert_eq!([0, 1, 2, 3, 4].map(github), [false, false, true, true, false]);
    }
}
