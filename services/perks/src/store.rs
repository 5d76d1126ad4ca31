//! Every SQL statement of perks, one module for each table.

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
