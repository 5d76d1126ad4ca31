//! `gateway.lookup_job`: files that are looked up. All times are those of Postgres, which all gateways share.

use sqlx::{PgConnection, PgExecutor, postgres::types::PgInterval};
use time::OffsetDateTime;
use tracing::instrument;

/// A file, and how far it is.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) job_id: i64,
    pub(crate) caller: String,
    pub(crate) min_likelihood: f64,
    pub(crate) state: String,
    pub(crate) create_time: OffsetDateTime,
    pub(crate) finish_time: Option<OffsetDateTime>,
    pub(crate) expire_time: OffsetDateTime,
    pub(crate) parts: i32,
    pub(crate) bytes: i64,
    pub(crate) rows: i64,
    pub(crate) looked_up: i64,
    pub(crate) matched: i64,
    pub(crate) unmatched: i64,
    pub(crate) failed: i64,
}

/// What a job is made of.
#[derive(Clone, Debug)]
pub(crate) struct NewJob<'a> {
    pub(crate) job_id: i64,
    pub(crate) caller: &'a str,
    pub(crate) purpose: &'a str,
    pub(crate) request_id: &'a str,
    pub(crate) min_likelihood: f64,
}

/// A job whose next rows are whoever's has the lease.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub(crate) job_id: i64,
    pub(crate) lease: i64,
    pub(crate) caller: String,
    pub(crate) purpose: String,
    pub(crate) min_likelihood: f64,
    pub(crate) cursor_part: i32,
    pub(crate) cursor_chunk: i32,
}

/// What came out of rows that were looked up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) matched: i64,
    pub(crate) unmatched: i64,
    pub(crate) failed: i64,
}

/// What a key has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) unfinished: i64,
    pub(crate) jobs: i64,
    pub(crate) rows: i64,
}

/// Has whoever opens a job for the same key wait until the transaction ends.
#[instrument(name = "db.lookup_job.hold_caller", skip_all)]
pub(crate) async fn hold_caller(db: &mut PgConnection, caller: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('lookup_job ' || $1::text, 0))",
        caller,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes jobs of a key away from everybody whose time is over.
#[instrument(name = "db.lookup_job.end_expired", skip_all)]
pub(crate) async fn end_expired(db: impl PgExecutor<'_>, caller: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update gateway.lookup_job set state = 'DELETED'
        where caller = $1 and state <> 'DELETED' and expire_time <= now()
        "#,
        caller,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The job that a key opened by a request of that id.
#[instrument(name = "db.lookup_job.by_request", skip_all)]
pub(crate) async fn by_request(
    db: impl PgExecutor<'_>,
    caller: &str,
    request_id: &str,
) -> Result<Option<Job>, sqlx::Error> {
    sqlx::query_as!(
        Job,
        r#"
        select job_id, caller, min_likelihood, state, create_time, finish_time, expire_time, parts, bytes, rows,
            looked_up, matched, unmatched, failed
        from gateway.lookup_job
        where caller = $1 and request_id = $2 and request_id <> '' and state <> 'DELETED'
        "#,
        caller,
        request_id,
    )
    .fetch_optional(db)
    .await
}

#[instrument(name = "db.lookup_job.held", skip_all)]
pub(crate) async fn held(db: impl PgExecutor<'_>, caller: &str) -> Result<Held, sqlx::Error> {
    sqlx::query_as!(
        Held,
        r#"
        select count(*) filter (where state in ('OPEN', 'RUNNING')) as "unfinished!",
            count(*) as "jobs!", coalesce(sum(rows), 0)::bigint as "rows!"
        from gateway.lookup_job
        where caller = $1 and state <> 'DELETED'
        "#,
        caller,
    )
    .fetch_one(db)
    .await
}

#[instrument(name = "db.lookup_job.insert", skip_all)]
pub(crate) async fn insert(
    db: impl PgExecutor<'_>,
    job: &NewJob<'_>,
    kept: PgInterval,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into gateway.lookup_job
            (job_id, caller, purpose, request_id, min_likelihood, state, create_time, expire_time)
        values ($1, $2, $3, $4, $5, 'OPEN', now(), now() + $6)
        "#,
        job.job_id,
        job.caller,
        job.purpose,
        job.request_id,
        job.min_likelihood,
        kept,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What is not deleted.
#[instrument(name = "db.lookup_job.find", skip_all)]
pub(crate) async fn find(db: impl PgExecutor<'_>, job: i64) -> Result<Option<Job>, sqlx::Error> {
    sqlx::query_as!(
        Job,
        r#"
        select job_id, caller, min_likelihood, state, create_time, finish_time, expire_time, parts, bytes, rows,
            looked_up, matched, unmatched, failed
        from gateway.lookup_job
        where job_id = $1 and state <> 'DELETED' and expire_time > now()
        "#,
        job,
    )
    .fetch_optional(db)
    .await
}

/// The same, which stays as it is until the transaction ends.
#[instrument(name = "db.lookup_job.lock", skip_all)]
pub(crate) async fn lock(db: &mut PgConnection, job: i64) -> Result<Option<Job>, sqlx::Error> {
    sqlx::query_as!(
        Job,
        r#"
        select job_id, caller, min_likelihood, state, create_time, finish_time, expire_time, parts, bytes, rows,
            looked_up, matched, unmatched, failed
        from gateway.lookup_job
        where job_id = $1 and state <> 'DELETED' and expire_time > now()
        for no key update
        "#,
        job,
    )
    .fetch_optional(db)
    .await
}

/// Jobs of a key after a place, newest first.
#[instrument(name = "db.lookup_job.list", skip_all)]
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    caller: &str,
    after: Option<(OffsetDateTime, i64)>,
    max: i64,
) -> Result<Vec<Job>, sqlx::Error> {
    let (time, id) = after.unzip();
    sqlx::query_as!(
        Job,
        r#"
        select job_id, caller, min_likelihood, state, create_time, finish_time, expire_time, parts, bytes, rows,
            looked_up, matched, unmatched, failed
        from gateway.lookup_job
        where caller = $1 and state <> 'DELETED' and expire_time > now()
            and ($2::timestamptz is null or (create_time, job_id) < ($2, $3))
        order by create_time desc, job_id desc
        limit $4
        "#,
        caller,
        time,
        id,
        max,
    )
    .fetch_all(db)
    .await
}

/// Counts a part to a job.
#[instrument(name = "db.lookup_job.add_part", skip_all)]
pub(crate) async fn add_part(
    db: &mut PgConnection,
    job: i64,
    bytes: i64,
    rows: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update gateway.lookup_job
        set parts = parts + 1, bytes = bytes + $2, rows = rows + $3
        where job_id = $1
        "#,
        job,
        bytes,
        rows,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Has an open job looked up.
#[instrument(name = "db.lookup_job.close", skip_all)]
pub(crate) async fn close(
    db: &mut PgConnection,
    job: i64,
    kept: PgInterval,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update gateway.lookup_job set state = 'RUNNING', expire_time = now() + $2
        where job_id = $1 and state = 'OPEN'
        "#,
        job,
        kept,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes a job away from everybody.
#[instrument(name = "db.lookup_job.mark_deleted", skip_all)]
pub(crate) async fn mark_deleted(db: impl PgExecutor<'_>, job: i64) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update gateway.lookup_job set state = 'DELETED', expire_time = least(expire_time, now())
        where job_id = $1 and state <> 'DELETED'
        "#,
        job,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Leases a job: of the key that was served least lately, its own that was served least lately.
#[instrument(name = "db.lookup_job.claim", skip_all)]
pub(crate) async fn claim(
    db: impl PgExecutor<'_>,
    lease: i64,
    time: PgInterval,
) -> Result<Option<Claimed>, sqlx::Error> {
    sqlx::query_as!(
        Claimed,
        r#"
        update gateway.lookup_job
        set lease = $1, leased_until = clock_timestamp() + $2, serve_time = clock_timestamp()
        where job_id = (
            select due.job_id
            from gateway.lookup_job as due
            where due.state = 'RUNNING' and due.leased_until < clock_timestamp()
            order by (
                select max(other.serve_time) from gateway.lookup_job as other
                where other.caller = due.caller
            ), due.serve_time, due.job_id
            limit 1
            for no key update skip locked
        )
        returning job_id, lease, caller, purpose, min_likelihood, cursor_part, cursor_chunk
        "#,
        lease,
        time,
    )
    .fetch_optional(db)
    .await
}

/// Has a lease last for that time from now on.
#[instrument(name = "db.lookup_job.renew", skip_all)]
pub(crate) async fn renew(
    db: impl PgExecutor<'_>,
    job: i64,
    lease: i64,
    time: PgInterval,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update gateway.lookup_job set leased_until = clock_timestamp() + $3
        where job_id = $1 and lease = $2 and state = 'RUNNING'
        "#,
        job,
        lease,
        time,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Counts rows that were looked up, up to a chunk of a part, and ends the lease. Returns whether it still held: if not,
/// somebody else has looked the same rows up, or does.
#[instrument(name = "db.lookup_job.advance", skip_all)]
pub(crate) async fn advance(
    db: &mut PgConnection,
    claimed: &Claimed,
    part: i32,
    chunk: i32,
    counts: Counts,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        update gateway.lookup_job
        set cursor_part = $3, cursor_chunk = $4, matched = matched + $5, unmatched = unmatched + $6,
            failed = failed + $7, looked_up = looked_up + $5 + $6 + $7, leased_until = '-infinity'
        where job_id = $1 and lease = $2 and state = 'RUNNING'
        "#,
        claimed.job_id,
        claimed.lease,
        part,
        chunk,
        counts.matched,
        counts.unmatched,
        counts.failed,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Says that all was looked up.
#[instrument(name = "db.lookup_job.finish", skip_all)]
pub(crate) async fn finish(
    db: impl PgExecutor<'_>,
    claimed: &Claimed,
    kept: PgInterval,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update gateway.lookup_job
        set state = 'DONE', finish_time = now(), expire_time = now() + $3, leased_until = '-infinity'
        where job_id = $1 and lease = $2 and state = 'RUNNING'
        "#,
        claimed.job_id,
        claimed.lease,
        kept,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Marks jobs whose time is over, and tells one that is to be deleted.
#[instrument(name = "db.lookup_job.expired", skip_all)]
pub(crate) async fn expired(db: impl PgExecutor<'_>) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        update gateway.lookup_job set state = 'DELETED'
        where job_id = (
            select job_id from gateway.lookup_job
            where expire_time <= now()
            order by expire_time
            limit 1
        )
        returning job_id
        "#,
    )
    .fetch_optional(db)
    .await
}
