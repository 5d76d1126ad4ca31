//! From reactions to a score: pure functions, and the models as data.
//!
//! They read no clock and no environment, they cannot fail, and the same evidence gives the same bits
//! on every machine and in every order: shares of people are whole numbers and so are their sums, the
//! few floats are added in the order of their values or of kind and day, and `ln`, `exp` and `pow` come from the `libm` crate.
//! `docs/scoring.md` has the formulas with their sources; the code cites its sections.
//!
//! A [`Portrait`] is everything that one person's score is made of; it can be scored, explained ([`explain`]) and
//! tried with more ([`simulate`]).
//!
//! [`counted`] is the first model, by which `klout rank --model` alone scores.

pub mod counted;

mod actor;
mod burst;
pub mod explain;
mod ledger;
mod model;
mod percentile;
mod person;
mod portrait;
mod presence;
mod share;
pub mod simulate;

pub use crate::{
    actor::{Factors, Repute, attention, credibility, discount, handed_on},
    burst::PresenceBurst,
    model::{Model, ModelInvalid},
    percentile::percentile,
    person::{Counters, Parts, PersonEvidence, PersonScore, PlusK},
    portrait::{
        Portrait, PortraitActor, PortraitPlusK, PortraitPresence, PortraitReaction, PostHash,
        PostTally,
    },
    presence::{Presence, Sums, Unnamed},
    share::{Factor, People, Received, Share, Squares},
};

/// A count as a float. Exact up to 2⁵³, then rounded to the nearest.
#[expect(clippy::cast_precision_loss, reason = "the one place where integers become floats")]
const fn float(count: u64) -> f64 {
    count as f64
}

/// Adds in ascending order, so that the order of the values cannot matter. `values` are not NaN.
fn ordered_sum(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.iter().sum()
}
