//! Every SQL statement of the connector, by table. A function is one statement.

pub(crate) mod account_key;
pub(crate) mod outbox;
pub(crate) mod signal;

use sqlx::migrate::Migrator;

/// Creates and upgrades the `connector` schema.
pub static MIGRATOR: Migrator = sqlx::migrate!();
