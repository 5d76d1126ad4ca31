//! `scoring.contest`: what people have to say against their scores.

use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use tracing::instrument;

/// A case.
#[derive(Clone, Debug)]
pub(crate) struct Contest {
    pub(crate) contest_id: i64,
    pub(crate) person_id: i64,
    pub(crate) reason: String,
    pub(crate) open_time: OffsetDateTime,
    /// An encoded `Explanation`.
    pub(crate) explanation: Option<Vec<u8>>,
    pub(crate) answer: Option<String>,
    pub(crate) answer_time: Option<OffsetDateTime>,
    pub(crate) reversed_findings: Vec<i64>,
}

/// Which cases to list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Which {
    /// `None`: of everybody.
    pub(crate) person: Option<i64>,
    pub(crate) open_only: bool,
    /// Before that one.
    pub(crate) before: i64,
}

/// What tells this lock from others of the database: "cont".
const LOCK_CLASS: i32 = 0x636f_6e74;

/// Keeps everybody else from opening cases of a person until the transaction ends.
#[instrument(name = "db.contest.lock", skip_all)]
pub(crate) async fn lock(db: &mut PgConnection, person: i64) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"select pg_advisory_xact_lock($1, ($2::bigint % 2147483647)::integer) as "locked!: ()""#,
        LOCK_CLASS,
        person,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What a request of a person has opened.
#[instrument(name = "db.contest.by_request", skip_all)]
pub(crate) async fn by_request(
    db: impl PgExecutor<'_>,
    person: i64,
    request_id: &str,
) -> Result<Option<Contest>, sqlx::Error> {
    sqlx::query_as!(
        Contest,
        r#"
        select contest_id, person_id, reason, open_time, explanation, answer, answer_time,
            reversed_findings
        from scoring.contest
        where person_id = $1 and request_id = $2
        "#,
        person,
        request_id,
    )
    .fetch_optional(db)
    .await
}

/// How many cases of a person nobody has answered.
#[instrument(name = "db.contest.count_open", skip_all)]
pub(crate) async fn count_open(db: impl PgExecutor<'_>, person: i64) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from scoring.contest
        where person_id = $1 and answer is null
        "#,
        person,
    )
    .fetch_one(db)
    .await
}

/// Opens a case.
#[instrument(name = "db.contest.append", skip_all)]
pub(crate) async fn append(
    db: impl PgExecutor<'_>,
    person: i64,
    reason: &str,
    request_id: &str,
    explanation: Option<&[u8]>,
) -> Result<Contest, sqlx::Error> {
    sqlx::query_as!(
        Contest,
        r#"
        insert into scoring.contest (person_id, reason, request_id, explanation)
        values ($1, $2, $3, $4)
        returning contest_id, person_id, reason, open_time, explanation, answer, answer_time,
            reversed_findings
        "#,
        person,
        reason,
        request_id,
        explanation,
    )
    .fetch_one(db)
    .await
}

/// A case, which nobody else answers until the transaction ends.
#[instrument(name = "db.contest.find_locked", skip_all)]
pub(crate) async fn find_locked(
    db: &mut PgConnection,
    contest: i64,
) -> Result<Option<Contest>, sqlx::Error> {
    sqlx::query_as!(
        Contest,
        r#"
        select contest_id, person_id, reason, open_time, explanation, answer, answer_time,
            reversed_findings
        from scoring.contest
        where contest_id = $1
        for update
        "#,
        contest,
    )
    .fetch_optional(db)
    .await
}

/// Answers a case that is locked.
#[instrument(name = "db.contest.answer", skip_all)]
pub(crate) async fn answer(
    db: &mut PgConnection,
    contest: i64,
    answer: &str,
    reversed_findings: &[i64],
) -> Result<Contest, sqlx::Error> {
    sqlx::query_as!(
        Contest,
        r#"
        update scoring.contest
        set answer = $2, answer_time = now(), reversed_findings = $3
        where contest_id = $1
        returning contest_id, person_id, reason, open_time, explanation, answer, answer_time,
            reversed_findings
        "#,
        contest,
        answer,
        reversed_findings,
    )
    .fetch_one(db)
    .await
}

/// Up to `max` cases, newest first.
#[instrument(name = "db.contest.list", skip_all)]
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    which: Which,
    max: i64,
) -> Result<Vec<Contest>, sqlx::Error> {
    sqlx::query_as!(
        Contest,
        r#"
        select contest_id, person_id, reason, open_time, explanation, answer, answer_time,
            reversed_findings
        from scoring.contest
        where contest_id < $1
            and ($2::bigint is null or person_id = $2)
            and (not $3 or answer is null)
        order by contest_id desc
        limit $4
        "#,
        which.before,
        which.person,
        which.open_only,
        max,
    )
    .fetch_all(db)
    .await
}
