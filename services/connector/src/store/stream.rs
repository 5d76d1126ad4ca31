//! `connector.stream`: how far what networks tell as it happens was read, and by whom.

use std::time::Duration;

use klout_store::interval;
use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use tracing::instrument;
use uuid::Uuid;

/// How far it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) source: Option<String>,
    pub(crate) number: Option<i64>,
    pub(crate) micros: Option<i64>,
}

/// Has nobody else read a stream for a while. `None`: somebody else does.
#[instrument(name = "db.stream.lease", skip_all)]
pub(crate) async fn lease(
    db: impl PgExecutor<'_>,
    network: &str,
    holder: Uuid,
    time: Duration,
) -> Result<Option<Progress>, sqlx::Error> {
    sqlx::query_as!(
        Progress,
        r#"
        insert into connector.stream as stream (network, holder, leased_until)
        values ($1, $2, now() + $3)
        on conflict on constraint stream_pkey do update
        set holder = excluded.holder, leased_until = excluded.leased_until
        where stream.holder = excluded.holder or stream.leased_until < now()
        returning source, number, micros
        "#,
        network,
        holder,
        interval(time),
    )
    .fetch_optional(db)
    .await
}

/// Notes how far a stream was read, and keeps it. Returns whether it was still ours.
#[instrument(name = "db.stream.move_on", skip_all)]
pub(crate) async fn move_on(
    db: &mut PgConnection,
    network: &str,
    holder: Uuid,
    to: &Progress,
    time: Duration,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        update connector.stream
        set source = $3, number = $4, micros = $5, leased_until = now() + $6,
            error_reason = null, error_message = null, error_time = null
        where network = $1 and holder = $2
        "#,
        network,
        holder,
        to.source,
        to.number,
        to.micros,
        interval(time),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Keeps a stream on which nothing happens. Returns whether it was still ours.
#[instrument(name = "db.stream.renew", skip_all)]
pub(crate) async fn renew(
    db: impl PgExecutor<'_>,
    network: &str,
    holder: Uuid,
    time: Duration,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "update connector.stream set leased_until = now() + $3 where network = $1 and holder = $2",
        network,
        holder,
        interval(time),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Lets somebody else read it at once.
#[instrument(name = "db.stream.release", skip_all)]
pub(crate) async fn release(
    db: impl PgExecutor<'_>,
    network: &str,
    holder: Uuid,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update connector.stream set leased_until = '-infinity' where network = $1 and holder = $2",
        network,
        holder,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes why it ended.
#[instrument(name = "db.stream.failed", skip_all)]
pub(crate) async fn failed(
    db: impl PgExecutor<'_>,
    network: &str,
    (reason, message): (&str, &str),
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update connector.stream
        set error_reason = $2, error_message = $3, error_time = $4
        where network = $1
        "#,
        network,
        reason,
        message,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes between which times not all was told.
#[instrument(name = "db.stream.missed", skip_all)]
pub(crate) async fn missed(
    db: impl PgExecutor<'_>,
    network: &str,
    from: OffsetDateTime,
    to: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update connector.stream set gap_from = $2, gap_to = $3 where network = $1",
        network,
        from,
        to,
    )
    .execute(db)
    .await?;
    Ok(())
}
