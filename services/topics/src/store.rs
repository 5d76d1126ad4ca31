//! Every SQL statement of topics, by table. A function is one statement, or few that belong together.

pub(crate) mod account;
pub(crate) mod applied_batch;
pub(crate) mod content;
pub(crate) mod description;
pub(crate) mod dirty_person;
pub(crate) mod edition;
pub(crate) mod evidence;
pub(crate) mod forgetting;
pub(crate) mod label;
pub(crate) mod pass;
pub(crate) mod person;
pub(crate) mod person_state;
pub(crate) mod person_topic;
pub(crate) mod post;
pub(crate) mod post_topic;
pub(crate) mod reaction;
pub(crate) mod related_topic;
pub(crate) mod said;
pub(crate) mod standing;

use sqlx::{PgConnection, migrate::Migrator};
use tracing::instrument;

/// Creates and upgrades the `topics` schema.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// Has the statements of a transaction planned for the tables as they are. A plan that a connection keeps may be of a
/// moment at which they were empty.
#[instrument(name = "db.plan_anew", skip_all)]
pub(crate) async fn plan_anew(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!(r#"select set_config('plan_cache_mode', 'force_custom_plan', true) as "set!""#)
        .fetch_one(db)
        .await?;
    Ok(())
}
