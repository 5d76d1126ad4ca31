//! `scoring.applied_batch`: what was applied.

use klout_chassis::switched_on;
use sqlx::PgExecutor;
use tracing::instrument;
use uuid::Uuid;

/// Notes a batch. Returns whether it is new.
#[instrument(name = "db.applied_batch.append", skip_all)]
pub(crate) async fn append(db: impl PgExecutor<'_>, batch: Uuid) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        insert into scoring.applied_batch (batch_id)
        values ($1)
        on conflict on constraint applied_batch_pkey do nothing
        "#,
        batch,
    )
    .execute(db)
    .await?;
    // A test shows that nothing else keeps a batch from being applied twice.
    Ok(done.rows_affected() == 1 || switched_on!("scoring.batches_always_new"))
}

/// How many of these were applied.
#[instrument(name = "db.applied_batch.count", skip_all)]
pub(crate) async fn count(db: impl PgExecutor<'_>, batches: &[Uuid]) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from scoring.applied_batch where batch_id = any($1)"#,
        batches,
    )
    .fetch_one(db)
    .await
}
