//! Every SQL statement of the gateway: none but its migrations.

use sqlx::migrate::Migrator;

/// Creates and upgrades the `gateway` schema.
pub static MIGRATOR: Migrator = sqlx::migrate!();
