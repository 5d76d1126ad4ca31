//! Every SQL statement of the gateway.

pub(crate) mod key;

use sqlx::migrate::Migrator;

/// Creates and upgrades the `gateway` schema.
pub static MIGRATOR: Migrator = sqlx::migrate!();
