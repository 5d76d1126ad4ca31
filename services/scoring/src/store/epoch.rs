//! `scoring.epoch` and `epoch_part`: what passes found out about everybody.

use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use tracing::instrument;

/// An epoch that is published.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) epoch: i64,
    pub(crate) model: String,
    /// Of the pass, since 1970.
    pub(crate) day: i32,
    /// How many parts it has.
    pub(crate) parts: i32,
}

/// The epoch that people are scored by; `None` before the first.
#[instrument(name = "db.epoch.current", skip_all)]
pub(crate) async fn current(db: impl PgExecutor<'_>) -> Result<Option<Head>, sqlx::Error> {
    sqlx::query_as!(
        Head,
        "select epoch, model, day, parts from scoring.epoch order by epoch desc limit 1"
    )
    .fetch_optional(db)
    .await
}

/// Whatever is written of an epoch.
#[instrument(name = "db.epoch_part.read", skip_all)]
pub(crate) async fn parts(
    db: impl PgExecutor<'_>,
    epoch: i64,
) -> Result<Vec<Vec<u8>>, sqlx::Error> {
    sqlx::query_scalar!("select content from scoring.epoch_part where epoch = $1", epoch)
        .fetch_all(db)
        .await
}

/// Writes a part of an epoch that is not published yet.
#[instrument(name = "db.epoch_part.write", skip_all)]
pub(crate) async fn write_part(
    db: &mut PgConnection,
    epoch: i64,
    part: i32,
    content: &[u8],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into scoring.epoch_part (epoch, part, content) values ($1, $2, $3)",
        epoch,
        part,
        content,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Publishes an epoch whose parts are written.
#[instrument(name = "db.epoch.publish", skip_all)]
pub(crate) async fn publish(
    db: &mut PgConnection,
    head: &Head,
    time: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into scoring.epoch (epoch, model, day, publish_time, parts) values ($1, $2, $3, $4, $5)",
        head.epoch,
        head.model,
        head.day,
        time,
        head.parts,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Drops what was written of epochs that were never published, and of those before `first`.
#[instrument(name = "db.epoch_part.clear", skip_all)]
pub(crate) async fn clear(db: &mut PgConnection, first: i64) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        delete from scoring.epoch_part
        where epoch < $1 or epoch > (select coalesce(max(epoch), 0) from scoring.epoch)
        "#,
        first,
    )
    .execute(db)
    .await?;
    Ok(())
}
