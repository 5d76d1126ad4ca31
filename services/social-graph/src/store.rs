//! Every SQL statement of social-graph, by table. A function is one statement.

pub(crate) mod account;
pub(crate) mod account_key;
pub(crate) mod applied_batch;
pub(crate) mod edge;
pub(crate) mod lookup;
pub(crate) mod membership_outbox;
pub(crate) mod person;
pub(crate) mod shown;

use sqlx::migrate::Migrator;

/// Creates and upgrades the `social_graph` schema.
pub static MIGRATOR: Migrator = sqlx::migrate!();
