//! Every SQL statement of scoring, by table. A function is one statement; tables are always written
//! with their schema.

pub(crate) mod account;
pub(crate) mod applied_batch;
pub(crate) mod contest;
pub(crate) mod description;
pub(crate) mod dirty_person;
pub(crate) mod epoch;
pub(crate) mod evidence;
pub(crate) mod finding;
pub(crate) mod forgetting;
pub(crate) mod history;
pub(crate) mod model;
pub(crate) mod pass;
pub(crate) mod person_state;
pub(crate) mod rebuild;
pub(crate) mod replica;
pub(crate) mod score;
pub(crate) mod shadow_score;
pub(crate) mod standing;

use sqlx::{PgConnection, migrate::Migrator};
use tracing::instrument;

/// Creates and upgrades the `scoring` schema.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// The row is there but breaks an invariant that the table promises to keep.
fn broken(column: &'static str, value: impl std::fmt::Display) -> sqlx::Error {
    sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: format!("{value} cannot be").into(),
    }
}

/// Has the statements of a transaction planned for the tables as they are. A plan that a connection keeps may be of a
/// moment at which they were empty: then it goes through all of a table for each of some thousand people, until
/// the server has looked at the table again.
#[instrument(name = "db.plan_anew", skip_all)]
pub(crate) async fn plan_anew(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!(r#"select set_config('plan_cache_mode', 'force_custom_plan', true) as "set!""#)
        .fetch_one(db)
        .await?;
    Ok(())
}
