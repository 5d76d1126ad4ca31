//! `connector.host`: how fast each host may be asked, over all replicas.

use sqlx::PgExecutor;
use time::OffsetDateTime;
use tracing::instrument;

/// A host answered. It is left alone until `blocked_until`, if it asked for that.
#[instrument(name = "db.host.answered", skip_all)]
pub(crate) async fn answered(
    db: impl PgExecutor<'_>,
    host: &str,
    blocked_until: Option<OffsetDateTime>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update connector.host
        set failures = 0, blocked_until = greatest(blocked_until, $2)
        where host = $1
            and (failures > 0 or $2::timestamptz > blocked_until)
        "#,
        host,
        blocked_until,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A host failed. Returns how often it has, in a row.
#[instrument(name = "db.host.failed", skip_all)]
pub(crate) async fn failed(db: impl PgExecutor<'_>, host: &str) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar!(
        "update connector.host set failures = failures + 1 where host = $1 returning failures",
        host,
    )
    .fetch_one(db)
    .await
}

/// Leaves a host alone for a while.
#[instrument(name = "db.host.block", skip_all)]
pub(crate) async fn block(
    db: impl PgExecutor<'_>,
    host: &str,
    until: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update connector.host
        set blocked_until = greatest(blocked_until, $2)
        where host = $1
        "#,
        host,
        until,
    )
    .execute(db)
    .await?;
    Ok(())
}
