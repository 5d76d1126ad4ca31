//! Every SQL statement of perks, one module for each table.

pub(crate) mod budget;
pub(crate) mod campaign;
pub(crate) mod code;
pub(crate) mod decision;
pub(crate) mod grant;
pub(crate) mod ledger;

use sqlx::migrate::Migrator;

/// Creates and upgrades the `perks` schema.
pub static MIGRATOR: Migrator = sqlx::migrate!();
