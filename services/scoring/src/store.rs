//! Every SQL statement of scoring, by table. A function is one statement; tables are always written
//! with their schema.

pub(crate) mod account;
pub(crate) mod applied_batch;
pub(crate) mod contest;
pub(crate) mod dirty_person;
pub(crate) mod epoch;
pub(crate) mod evidence;
pub(crate) mod finding;
pub(crate) mod history;
pub(crate) mod pass;
pub(crate) mod rebuild;
pub(crate) mod replica;
pub(crate) mod score;
pub(crate) mod standing;

use sqlx::migrate::Migrator;

/// Creates and upgrades the `scoring` schema.
pub static MIGRATOR: Migrator = sqlx::migrate!();
