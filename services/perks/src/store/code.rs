//! `perks.code`: codes that were uploaded, and who has them.

use sqlx::PgExecutor;
use tracing::instrument;

/// How many nobody has.
#[instrument(name = "db.code.left", skip_all)]
pub(crate) async fn left(db: impl PgExecutor<'_>, campaign: i64) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "left!" from perks.code where campaign_id = $1 and grant_id is null"#,
        campaign,
    )
    .fetch_one(db)
    .await
}
