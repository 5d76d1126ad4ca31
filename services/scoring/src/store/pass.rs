//! `scoring.pass`: passes over everybody, the one that goes on and those that were.

use std::time::Duration;

use klout_store::interval;
use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use tracing::instrument;

/// A pass, as the table has it.
#[derive(Clone, Debug)]
pub(crate) struct PassRow {
    pub(crate) pass_id: i64,
    pub(crate) state: String,
    pub(crate) epoch: i64,
    pub(crate) model: String,
    pub(crate) start_time: OffsetDateTime,
    pub(crate) end_time: Option<OffsetDateTime>,
    pub(crate) resumptions: i32,
    pub(crate) people: i64,
    pub(crate) people_done: i64,
    pub(crate) cells: i64,
    pub(crate) findings: i64,
    pub(crate) problem: String,
}

impl PassRow {
    /// How far it was.
    pub(crate) fn progress(&self) -> Progress<'_> {
        Progress {
            state: &self.state,
            model: &self.model,
            epoch: self.epoch,
            people: self.people,
            people_done: self.people_done,
            cells: self.cells,
            findings: self.findings,
        }
    }
}

/// A pass that this process works on, until somebody else takes it up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    pub(crate) pass_id: i64,
    pub(crate) resumptions: i32,
}

/// How far a pass is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress<'a> {
    pub(crate) state: &'a str,
    pub(crate) model: &'a str,
    pub(crate) epoch: i64,
    pub(crate) people: i64,
    pub(crate) people_done: i64,
    pub(crate) cells: i64,
    /// How often findings about anybody had come or gone.
    pub(crate) findings: i64,
}

/// Asks for a pass, unless one goes on or this one was asked for before. Times are those of the server: the
/// clock of scores may stand still.
#[instrument(name = "db.pass.ask", skip_all)]
pub(crate) async fn ask(
    db: impl PgExecutor<'_>,
    request_id: Option<&str>,
) -> Result<Option<PassRow>, sqlx::Error> {
    sqlx::query_as!(
        PassRow,
        r#"
        insert into scoring.pass (request_id, state, epoch, model, start_time, running_until)
        values ($1, 'READING', 0, '', now(), '-infinity')
        on conflict do nothing
        returning pass_id, state, epoch, model, start_time, end_time, resumptions, people,
            people_done, cells, findings, problem
        "#,
        request_id,
    )
    .fetch_optional(db)
    .await
}

/// The pass with that number, or that was asked for so; when neither is given, the one that goes on or was the
/// newest.
#[instrument(name = "db.pass.find", skip_all)]
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    pass_id: Option<i64>,
    request_id: Option<&str>,
) -> Result<Option<PassRow>, sqlx::Error> {
    // A hundred passes are kept: whatever way is taken through them is short.
    sqlx::query_as!(
        PassRow,
        r#"
        select pass_id, state, epoch, model, start_time, end_time, resumptions, people, people_done,
            cells, findings, problem
        from scoring.pass
        where ($1::bigint is null or pass_id = $1) and ($2::text is null or request_id = $2)
        order by pass_id desc
        limit 1
        "#,
        pass_id,
        request_id,
    )
    .fetch_optional(db)
    .await
}

/// Takes the pass up that goes on and that nobody works on.
#[instrument(name = "db.pass.claim", skip_all)]
pub(crate) async fn claim(
    db: impl PgExecutor<'_>,
    time: Duration,
) -> Result<Option<(Claim, PassRow)>, sqlx::Error> {
    let row = sqlx::query_as!(
        PassRow,
        r#"
        update scoring.pass
        set running_until = clock_timestamp() + $1,
            resumptions = resumptions + case when running_until = '-infinity' then 0 else 1 end
        where end_time is null and running_until < clock_timestamp()
        returning pass_id, state, epoch, model, start_time, end_time, resumptions, people,
            people_done, cells, findings, problem
        "#,
        interval(time),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| (Claim { pass_id: row.pass_id, resumptions: row.resumptions }, row)))
}

/// Says that the pass is still worked on, and how far it is. Returns false when somebody else has taken it up;
/// else nobody does before the transaction ends.
#[instrument(name = "db.pass.go_on", skip_all)]
pub(crate) async fn go_on(
    db: impl PgExecutor<'_>,
    claim: Claim,
    time: Duration,
    progress: &Progress<'_>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        update scoring.pass
        set running_until = clock_timestamp() + $3, state = $4, model = $5, epoch = $6, people = $7,
            people_done = $8, cells = $9, findings = $10
        where pass_id = $1 and resumptions = $2 and end_time is null
        "#,
        claim.pass_id,
        claim.resumptions,
        interval(time),
        progress.state,
        progress.model,
        progress.epoch,
        progress.people,
        progress.people_done,
        progress.cells,
        progress.findings,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether nobody else has taken the pass up; then nobody does before the transaction ends.
#[instrument(name = "db.pass.is_ours", skip_all)]
pub(crate) async fn is_ours(db: impl PgExecutor<'_>, claim: Claim) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!(
        r#"
        select true as "ours!" from scoring.pass
        where pass_id = $1 and resumptions = $2 and end_time is null
        for share
        "#,
        claim.pass_id,
        claim.resumptions,
    )
    .fetch_optional(db)
    .await?;
    Ok(found.is_some())
}

/// Whether a pass that published this epoch still writes scores.
#[instrument(name = "db.pass.writes", skip_all)]
pub(crate) async fn writes(db: impl PgExecutor<'_>, epoch: i64) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select exists (
            select from scoring.pass where end_time is null and epoch = $1
        ) as "writes!"
        "#,
        epoch,
    )
    .fetch_one(db)
    .await
}

/// Ends a pass, as DONE or, with a problem, as FAILED.
#[instrument(name = "db.pass.end", skip_all)]
pub(crate) async fn end(
    db: impl PgExecutor<'_>,
    claim: Claim,
    problem: Option<&str>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update scoring.pass
        set state = case when $3::text is null then 'DONE' else 'FAILED' end, end_time = now(),
            people_done = case when $3::text is null then people else people_done end,
            problem = coalesce($3, '')
        where pass_id = $1 and resumptions = $2 and end_time is null
        "#,
        claim.pass_id,
        claim.resumptions,
        problem,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lets somebody take a pass up at once, as if nobody had worked on it: nobody died over it.
#[instrument(name = "db.pass.give_up", skip_all)]
pub(crate) async fn give_up(db: impl PgExecutor<'_>, claim: Claim) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update scoring.pass set running_until = '-infinity'
        where pass_id = $1 and resumptions = $2 and end_time is null
        "#,
        claim.pass_id,
        claim.resumptions,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// When a pass is due by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    /// Since the last one that was done began; `None`: there was none.
    pub(crate) since_seconds: Option<f64>,
    /// Since the last one that failed ended.
    pub(crate) failed_seconds: Option<f64>,
    /// How many have failed since one was done.
    pub(crate) failures: i64,
    /// Whether one goes on.
    pub(crate) going_on: bool,
    /// Whether somebody owns an account.
    pub(crate) any_member: bool,
    /// Whether findings about anybody came or went since the last one that was done read.
    pub(crate) found_out: bool,
}

/// What decides whether a pass is due.
#[instrument(name = "db.pass.schedule", skip_all)]
pub(crate) async fn schedule(db: impl PgExecutor<'_>) -> Result<Schedule, sqlx::Error> {
    sqlx::query_as!(
        Schedule,
        r#"
        select extract(epoch from now() - (
                select start_time from scoring.pass
                where state = 'DONE'
                order by pass_id desc
                limit 1
            ))::float8 as since_seconds,
            extract(epoch from now() - (
                select end_time from scoring.pass
                where state = 'FAILED'
                order by pass_id desc
                limit 1
            ))::float8 as failed_seconds,
            (
                select count(*) from scoring.pass
                where state = 'FAILED' and pass_id > coalesce(
                    (select max(pass_id) from scoring.pass where state = 'DONE'), 0
                )
            ) as "failures!",
            exists (select from scoring.pass where end_time is null) as "going_on!",
            exists (select from scoring.account where owned_since is not null) as "any_member!",
            coalesce((
                select findings from scoring.pass
                where state = 'DONE'
                order by pass_id desc
                limit 1
            ) <> (
                select count(*) + count(reverse_time) from scoring.finding where person_id is null
            ), false) as "found_out!"
        "#,
    )
    .fetch_one(db)
    .await
}

/// Drops all but the last hundred passes.
#[instrument(name = "db.pass.clear", skip_all)]
pub(crate) async fn clear(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        delete from scoring.pass
        where end_time is not null
            and pass_id < (select max(pass_id) - 100 from scoring.pass)
        "#,
    )
    .execute(db)
    .await?;
    Ok(())
}
