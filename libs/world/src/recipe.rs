//! What a world is made from.

use klout_model::Day;
use time::{Date, macros::date};

/// How many UTC days a world lives.
pub const DAYS: u16 = 120;

/// The last UTC day of every world that is not given another.
pub const LAST_DAY: Date = date!(2026 - 10 - 31);

/// What a world is made from: the same recipe gives the same world, to the bit.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    pub seed: u64,
    /// [`Recipe::PEOPLE_MIN`] to [`Recipe::PEOPLE_MAX`], fakes not counted.
    pub people: u32,
    /// The last of the [`DAYS`] days, in the years 1971 to 2199.
    pub last_day: Day,
    /// The share of the people who joined, 0 to 1.
    pub joined: f64,
    /// Attacks are laid over the honest world, which is the same with any of them and with none.
    pub attacks: Attacks,
    /// What people say of one another without being asked, beside reactions: lists that they put somebody on and
    /// skills that they endorse, for each reaction to a post, 0 to 1. All else is the same with any of it.
    pub said: f64,
}

/// How large each attack is. All 0: none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attacks {
    /// Accounts that buy, for each attack that sells; also the noise bots. At most 100, and at most one
    /// in a hundred people.
    pub buyers: u32,
    /// Fakes that each buyer of a star, a ring, camouflage or a slow drip gets. At most 10,000, and
    /// 500,000 for all buyers.
    pub fakes: u32,
    /// How often each of those fakes reacts to its buyer. At most 1,000, and 2,000,000 reactions for
    /// all buyers.
    pub repeats: u32,
    /// Fakes that each buyer of a burst gets, each of which likes once. At most 10,000.
    pub burst: u32,
    /// Members of the pod. At most 200, and at most a twentieth of the people.
    pub pod: u32,
}

/// What of a recipe is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecipeInvalid {
    #[error("people is not within {min} to {max}", min = Recipe::PEOPLE_MIN, max = Recipe::PEOPLE_MAX)]
    People,
    #[error("last_day is not within the years 1971 to 2199")]
    LastDay,
    #[error("joined is not within 0 to 1")]
    Joined,
    #[error("said is not within 0 to 1")]
    Said,
    #[error("attacks are larger than a world of so many people has room for")]
    Attacks,
}

// === impl Recipe ===

impl Recipe {
    /// Fewer do not show a heavy tail, and leave no room for attacks.
    pub const PEOPLE_MIN: u32 = 200;
    /// More belong into [`Interactions`](crate::Interactions); a million people take about 1 GB.
    pub const PEOPLE_MAX: u32 = 1_000_000;

    /// A world in which six in ten have joined and say nothing of one another, with attacks that fit its size.
    #[must_use]
    pub const fn new(seed: u64, people: u32, last_day: Day) -> Self {
        Self { seed, people, last_day, joined: 0.6, attacks: Attacks::sized_for(people), said: 0.0 }
    }

    pub(crate) fn check(&self) -> Result<(), RecipeInvalid> {
        /// 2199-12-31, in days since 1970. Post ids hold 53 bits of microseconds, enough for it.
        const LAST: i32 = 84_005;
        if !(Self::PEOPLE_MIN..=Self::PEOPLE_MAX).contains(&self.people) {
            Err(RecipeInvalid::People)
        } else if !(365..=LAST).contains(&self.last_day.number()) {
            Err(RecipeInvalid::LastDay)
        } else if !(0.0..=1.0).contains(&self.joined) {
            Err(RecipeInvalid::Joined)
        } else if !(0.0..=1.0).contains(&self.said) {
            Err(RecipeInvalid::Said)
        } else if !self.attacks.fit(self.people) {
            Err(RecipeInvalid::Attacks)
        } else {
            Ok(())
        }
    }
}

// === impl Attacks ===

impl Attacks {
    /// Honest people only.
    pub const NONE: Self = Self { buyers: 0, fakes: 0, repeats: 0, burst: 0, pod: 0 };

    /// Large enough to be seen and too small to drown a world of `people`.
    #[must_use]
    pub const fn sized_for(people: u32) -> Self {
        Self {
            buyers: clamp(people / 2_000, 1, 10),
            fakes: clamp(people / 50, 10, 100),
            repeats: 5,
            burst: clamp(people / 10, 50, 1_000),
            pod: clamp(people / 100, 5, 50),
        }
    }

    /// Whether a world of `people` has room for them, in people and in memory for a day.
    const fn fit(self, people: u32) -> bool {
        let Self { buyers, fakes, repeats, burst, pod } = self;
        buyers <= people / 100
            && buyers <= 100
            && fakes <= 10_000
            && burst <= 10_000
            && repeats <= 1_000
            && buyers * fakes <= 500_000
            && buyers as u64 * fakes as u64 * repeats as u64 <= 2_000_000
            && pod <= 200
            && pod <= people / 20
    }
}

/// `Ord::clamp` is not `const`.
const fn clamp(value: u32, min: u32, max: u32) -> u32 {
    if value < min {
        min
    } else if value > max {
        max
    } else {
        value
    }
}
