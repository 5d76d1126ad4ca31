//! Every SQL statement of social-graph, by table. A function is one statement.

pub(crate) mod account;
pub(crate) mod account_key;
pub(crate) mod applied_batch;
pub(crate) mod block;
pub(crate) mod edge;
pub(crate) mod member;
pub(crate) mod membership_outbox;
pub(crate) mod person;
pub(crate) mod plus_k;
pub(crate) mod plus_k_outbox;
pub(crate) mod plus_k_suggestion;
pub(crate) mod topic_proposal;

use sqlx::migrate::Migrator;

/// Creates and upgrades the `social_graph` schema.
pub static MIGRATOR: Migrator = sqlx::migrate!();
