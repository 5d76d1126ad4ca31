//! Every SQL statement of the connector, by table. A function is one statement.

pub(crate) mod account_key;
pub(crate) mod batch;
pub(crate) mod connection;
pub(crate) mod credential;
pub(crate) mod description;
pub(crate) mod forgetting;
pub(crate) mod host;
pub(crate) mod listed;
pub(crate) mod outbox;
pub(crate) mod person_state;
pub(crate) mod registration;
pub(crate) mod seen;
pub(crate) mod signal;
pub(crate) mod stream;
pub(crate) mod stream_record;
pub(crate) mod task;
#[cfg(test)]
pub(crate) mod told;
pub(crate) mod validator;

use sqlx::migrate::Migrator;
use uuid::Uuid;

/// Creates and upgrades the `connector` schema.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// How many lanes there are. Replicas work on different lanes, so more of them than replicas.
pub(crate) const LANES: u8 = 64;

/// The lane that a batch is on.
fn lane(batch_id: Uuid) -> i16 {
    i16::from(batch_id.as_bytes()[0] % LANES)
}
