//! `topics.applied_batch`: what was applied.

use sqlx::PgExecutor;
use tracing::instrument;
use uuid::Uuid;

/// Notes a batch. Returns whether it is new.
#[instrument(name = "db.applied_batch.append", skip_all)]
pub(crate) async fn append(db: impl PgExecutor<'_>, batch: Uuid) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        insert into topics.applied_batch (batch_id)
        values ($1)
        on conflict on constraint applied_batch_pkey do nothing
        "#,
        batch,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}
