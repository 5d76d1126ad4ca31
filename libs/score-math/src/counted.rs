//! The first model, `klout-2026-11`: who reacts is counted and not weighed.
//! docs/scoring-klout-2026-11.md has its formulas.

mod influence;
mod model;
mod person;

pub use self::{
    influence::{AccountEvidence, AccountInfluence, Cell, account_influence},
    model::{Epoch, Model},
    person::{PersonScore, person_score},
};
