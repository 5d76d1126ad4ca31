//! Every SQL statement of perks, one module for each table.

pub(crate) mod campaign;
pub(crate) mod code;

use sqlx::migrate::Migrator;

/// Creates and upgrades the `perks` schema.
pub static MIGRATOR: Migrator = sqlx::migrate!();
