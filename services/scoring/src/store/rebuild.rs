//! `scoring.rebuild`: evidence that is made again.

use sqlx::{PgConnection, PgExecutor};
use tracing::instrument;

/// Whether evidence is being made again. Right until the transaction ends when it holds a lock of
/// [`super::standing`], which the beginning and the end of a rebuild wait for.
#[instrument(name = "db.rebuild.goes_on", skip_all)]
pub(crate) async fn goes_on(db: impl PgExecutor<'_>) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"select since_time is not null as "goes_on!" from scoring.rebuild"#)
        .fetch_one(db)
        .await
}

/// How often evidence was made again; `None` while it is. What was read from one moment to another is whole when
/// this was the same number at both.
#[instrument(name = "db.rebuild.whole", skip_all)]
pub(crate) async fn whole(db: impl PgExecutor<'_>) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!("select number from scoring.rebuild where since_time is null")
        .fetch_optional(db)
        .await
}

/// Forgets all evidence that came from the log of the connector, and which batches it was made of. Who owns
/// which account stays: it came from elsewhere. Only right in the transaction that calls [`begin`].
///
/// Batches are forgotten first: whoever applies one has that table first too, so the two cannot lock one another
/// out.
#[instrument(name = "db.rebuild.forget", skip_all)]
pub(crate) async fn forget(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        truncate scoring.applied_batch, scoring.evidence, scoring.evidence_delta,
            scoring.evidence_gap
        "#
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that evidence is made again from now on. Returns the number of the rebuild.
#[instrument(name = "db.rebuild.begin", skip_all)]
pub(crate) async fn begin(db: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        update scoring.rebuild set number = number + 1, since_time = clock_timestamp()
        returning number
        "#
    )
    .fetch_one(db)
    .await
}

/// Notes that evidence is whole again. `None`: that rebuild is not the last one; else whether it went on.
#[instrument(name = "db.rebuild.end", skip_all)]
pub(crate) async fn end(db: &mut PgConnection, number: i64) -> Result<Option<bool>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with before as (select number, since_time from scoring.rebuild where number = $1 for update)
        update scoring.rebuild as rebuild
        set since_time = null
        from before
        where rebuild.number = before.number
        returning before.since_time is not null as "went_on!"
        "#,
        number,
    )
    .fetch_optional(db)
    .await
}
