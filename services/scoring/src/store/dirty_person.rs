//! `scoring.dirty_person`: who has to be scored again.

use std::collections::BTreeSet;

use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use tracing::instrument;

/// Puts people on the list. Whoever takes them off sees the evidence of the same transaction.
#[instrument(name = "db.dirty_person.mark", skip_all, fields(people.len = people.len()))]
pub(crate) async fn mark(
    db: impl PgExecutor<'_>,
    people: &BTreeSet<i64>,
) -> Result<(), sqlx::Error> {
    let people: Vec<_> = people.iter().copied().collect();
    sqlx::query!(
        "insert into scoring.dirty_person (person_id) select * from unnest($1::bigint[])",
        &people,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Puts everybody on the list whose score is not of the day from `start` to `end`.
#[instrument(name = "db.dirty_person.mark_all", skip_all)]
pub(crate) async fn mark_all(
    db: impl PgExecutor<'_>,
    start: OffsetDateTime,
    end: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into scoring.dirty_person (person_id)
        select person_id
        from scoring.score
        where score_time < $1 or score_time >= $2
        "#,
        start,
        end,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How many rows of the list are looked through for people: the same ones stand there again and again.
const ROWS_MAX: i64 = 16_384;

/// Where the list ends; `None` when nobody is on it.
#[instrument(name = "db.dirty_person.end", skip_all)]
pub(crate) async fn end(db: impl PgExecutor<'_>) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!("select max(position) from scoring.dirty_person").fetch_one(db).await
}

/// What tells these locks from others of the database: "scor".
const LOCK_CLASS: i32 = 0x7363_6f72;

/// People share so many locks, as a server has not many for each connection.
const LOCKS: i32 = 256;

/// Takes up to `max` people off the list up to `end`, of those that have waited longest, and keeps
/// everybody else from scoring them until the transaction ends: of two scores the one of more evidence has
/// to be written last. Whom somebody
/// else may be scoring right now stays on the list, and so does who is not `named`, or when `only_named` is
/// false, who is.
#[instrument(name = "db.dirty_person.take", skip_all)]
pub(crate) async fn take(
    db: &mut PgConnection,
    end: i64,
    max: i64,
    named: &[i64],
    only_named: bool,
) -> Result<BTreeSet<i64>, sqlx::Error> {
    let people = sqlx::query_scalar!(
        r#"
        with due as materialized (
            select person_id
            from (
                select person_id
                from scoring.dirty_person
                where position <= $3 and (person_id = any($6)) = $7
                order by position
                limit $2
            ) as oldest
            group by person_id
            limit $1
        ),
        people as materialized (
            select person_id
            from due
            where pg_try_advisory_xact_lock($4::integer, (person_id % $5::integer)::integer)
        ),
        gone as (
            delete from scoring.dirty_person as dirty
            using people
            where dirty.person_id = people.person_id
        )
        select person_id as "person_id!"
        from people
        "#,
        max,
        ROWS_MAX,
        end,
        LOCK_CLASS,
        LOCKS,
        named,
        only_named,
    )
    .fetch_all(db)
    .await?;
    Ok(people.into_iter().collect())
}

/// Whether anybody is on the list.
#[instrument(name = "db.dirty_person.any", skip_all)]
pub(crate) async fn any(db: impl PgExecutor<'_>) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"select exists (select from scoring.dirty_person) as "any!""#)
        .fetch_one(db)
        .await
}
