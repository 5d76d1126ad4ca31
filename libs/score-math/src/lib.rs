//! From cells to a score: the first model.
//!
//! Pure functions. They read no clock and no environment, they cannot fail, and the same evidence
//! gives the same bits on every machine and in every order: integers are added before they become
//! floats, floats are added in a fixed order, and `ln`, `exp` and `pow` come from the `libm` crate.
//! `docs/scoring.md` has the formulas with their sources; the code cites its sections.

mod influence;
mod model;
mod percentile;
mod person;

pub use crate::{
    influence::{AccountEvidence, AccountInfluence, Cell, account_influence},
    model::{Epoch, Model},
    percentile::percentile,
    person::{PersonScore, person_score},
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
