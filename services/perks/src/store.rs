//! Every SQL statement of perks: none but its migrations.

use sqlx::migrate::Migrator;

/// Creates and upgrades the `perks` schema.
pub static MIGRATOR: Migrator = sqlx::migrate!();
