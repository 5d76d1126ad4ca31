//! Every SQL statement of perks, one module for each table.
//!
//! What is on the way of a decision looks rows up one by one, in a `lateral` with a `limit`: by its whole key, however many
//! rows there are. Joined to a list of keys, a table that has grown since the planner last counted its rows is read whole.

pub(crate) mod arrival;
pub(crate) mod before;
pub(crate) mod campaign;
pub(crate) mod check_in;
pub(crate) mod code;
pub(crate) mod decision;
pub(crate) mod description;
pub(crate) mod forgetting;
pub(crate) mod grant;
pub(crate) mod granted;
pub(crate) mod ledger;
pub(crate) mod left;
pub(crate) mod person_state;
pub(crate) mod preview;
pub(crate) mod property;
#[cfg(test)]
mod swept;

use sqlx::migrate::Migrator;

/// Creates and upgrades the `perks` schema.
pub static MIGRATOR: Migrator = sqlx::migrate!();
