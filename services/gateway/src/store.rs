//! Every SQL statement of the gateway, one module for each table.

pub(crate) mod job;
pub(crate) mod job_part;
pub(crate) mod job_result;
pub(crate) mod key;
pub(crate) mod person_state;

use sqlx::migrate::Migrator;

/// Creates and upgrades the `gateway` schema.
pub static MIGRATOR: Migrator = sqlx::migrate!();
