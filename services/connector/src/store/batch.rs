//! `connector.batch`: the log.

use sqlx::PgExecutor;
use tracing::instrument;
use uuid::Uuid;

use super::lane;

/// A batch as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Logged {
    pub(crate) batch_id: Uuid,
    /// An encoded `SignalBatch`.
    pub(crate) payload: Vec<u8>,
    /// The first 8 bytes of the id of each of its items.
    pub(crate) signal_ids: Vec<u8>,
}

/// Adds a batch, on the lane that its random id chooses.
#[instrument(name = "db.batch.append", skip_all)]
pub(crate) async fn append(db: impl PgExecutor<'_>, batch: &Logged) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into connector.batch (lane, batch_id, payload, signal_ids)
        values ($1, $2, $3, $4)
        "#,
        lane(batch.batch_id),
        batch.batch_id,
        &batch.payload,
        &batch.signal_ids,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Those of these batches that are there; batches of the version before are not.
#[instrument(name = "db.batch.find", skip_all, fields(batches.len = batches.len()))]
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    batches: &[Uuid],
) -> Result<Vec<Logged>, sqlx::Error> {
    let lanes: Vec<_> = batches.iter().map(|batch| lane(*batch)).collect();
    sqlx::query_as!(
        Logged,
        r#"
        select batch.batch_id, batch.payload, batch.signal_ids
        from unnest($1::smallint[], $2::uuid[]) as asked (lane, batch_id)
        join connector.batch using (lane, batch_id)
        "#,
        &lanes,
        batches,
    )
    .fetch_all(db)
    .await
}
