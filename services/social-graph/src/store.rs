//! Every SQL statement of social-graph, by table. A function is one statement.

pub(crate) mod account;
pub(crate) mod account_key;
pub(crate) mod applied_batch;
pub(crate) mod block;
pub(crate) mod consent_entry;
pub(crate) mod contact;
pub(crate) mod dispute;
pub(crate) mod erased_account;
pub(crate) mod forgetting;
pub(crate) mod handle_use;
pub(crate) mod held;
#[cfg(test)]
mod identified;
pub(crate) mod lookup;
pub(crate) mod member;
pub(crate) mod membership_outbox;
pub(crate) mod person;
pub(crate) mod person_state;
pub(crate) mod person_state_outbox;
pub(crate) mod plus_k;
pub(crate) mod plus_k_outbox;
pub(crate) mod plus_k_suggestion;
pub(crate) mod receipt;
pub(crate) mod shown;
pub(crate) mod state_number;
pub(crate) mod suppressed_contact;
pub(crate) mod tie;
pub(crate) mod topic_proposal;
pub(crate) mod used_link;

use sqlx::migrate::Migrator;

/// Creates and upgrades the `social_graph` schema.
pub static MIGRATOR: Migrator = sqlx::migrate!();
