//! Every SQL statement of topics, by table. A function is one statement.

pub(crate) mod applied_batch;
pub(crate) mod post;

use sqlx::migrate::Migrator;

/// Creates and upgrades the `topics` schema.
pub static MIGRATOR: Migrator = sqlx::migrate!();
