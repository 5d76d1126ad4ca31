//! Every SQL statement of topics: none but its migrations.

use sqlx::migrate::Migrator;

/// Creates and upgrades the `topics` schema.
pub static MIGRATOR: Migrator = sqlx::migrate!();
