//! `scoring.dirty_person`: who has to be scored again.

use std::{collections::BTreeSet, time::Instant};

use sqlx::{PgConnection, PgExecutor};
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

/// Puts somebody on the list who has an account or a score; anybody else would get a score by it.
#[instrument(name = "db.dirty_person.mark_known", skip_all)]
pub(crate) async fn mark_known(db: impl PgExecutor<'_>, person: i64) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into scoring.dirty_person (person_id)
        select $1::bigint
        where exists (select from scoring.score where person_id = $1)
            or exists (select from scoring.account where person_id = $1)
        "#,
        person,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Puts who owns an account on the list, if anybody does.
#[instrument(name = "db.dirty_person.mark_owner", skip_all)]
pub(crate) async fn mark_owner(db: impl PgExecutor<'_>, account: i64) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into scoring.dirty_person (person_id)
        select person_id from scoring.account
        where account_id = $1 and person_id is not null
        "#,
        account,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Puts everybody on the list, whatever their scores.
#[instrument(name = "db.dirty_person.mark_everybody", skip_all)]
pub(crate) async fn mark_everybody(db: impl PgExecutor<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into scoring.dirty_person (person_id)
        select person_id from scoring.score
        union
        select person_id from scoring.account where person_id is not null
        "#
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes everybody off the list, of what can be seen.
#[instrument(name = "db.dirty_person.clear", skip_all)]
pub(crate) async fn clear(db: impl PgExecutor<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from scoring.dirty_person").execute(db).await?;
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

/// How long people had waited who were taken off the list, until the score that followed.
#[derive(Clone, Debug)]
pub(crate) struct Waited {
    /// Until they were taken.
    seconds: Vec<f64>,
    taken: Instant,
}

/// What is on the list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    /// At most 2³¹ of them are told.
    pub(crate) changes: i32,
    /// Of the oldest.
    pub(crate) age_seconds: f64,
}

/// How fresh the score of a person is, all of one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    /// Of the score; 0 when there is none.
    pub(crate) revision: i64,
    /// Since when evidence has waited that is not in it; `None` when there is none.
    pub(crate) dirty_seconds: Option<f64>,
}

/// Looks how fresh the score of a person is.
#[instrument(name = "db.dirty_person.see", skip_all)]
pub(crate) async fn see(db: impl PgExecutor<'_>, person: i64) -> Result<Seen, sqlx::Error> {
    sqlx::query_as!(
        Seen,
        r#"
        select
            coalesce((select revision from scoring.score where person_id = $1), 0) as "revision!",
            (
                select extract(epoch from clock_timestamp() - min(since_time))::float8
                from scoring.dirty_person
                where person_id = $1
            ) as dirty_seconds
        "#,
        person,
    )
    .fetch_one(db)
    .await
}

/// Takes up to `max` people off the list up to `end`, of those that have waited longest, and keeps
/// everybody else from scoring them until the transaction ends: of two scores the one of more evidence has
/// to be written last. Whom somebody else may be scoring right now stays on the list, and so does who is not
/// `named`, or when `only_named` is false, who is. Tells how long each of them has waited.
#[instrument(name = "db.dirty_person.take", skip_all)]
pub(crate) async fn take(
    db: &mut PgConnection,
    end: i64,
    max: i64,
    named: &[i64],
    only_named: bool,
) -> Result<(BTreeSet<i64>, Waited), sqlx::Error> {
    let people = sqlx::query!(
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
            returning dirty.person_id, dirty.since_time
        )
        select people.person_id as "person_id!",
            extract(epoch from clock_timestamp() - min(gone.since_time))::float8 as waited_seconds
        from people
        left join gone on gone.person_id = people.person_id
        group by people.person_id
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
    let seconds = people.iter().filter_map(|it| it.waited_seconds).collect();
    let waited = Waited { seconds, taken: Instant::now() };
    Ok((people.into_iter().map(|it| it.person_id).collect(), waited))
}

/// How much is on the list.
#[instrument(name = "db.dirty_person.waiting", skip_all)]
pub(crate) async fn waiting(db: impl PgExecutor<'_>) -> Result<Waiting, sqlx::Error> {
    sqlx::query_as!(
        Waiting,
        r#"
        select (select least(count(*), 2147483647)::integer from scoring.dirty_person) as "changes!",
            coalesce((
                select greatest(extract(epoch from now() - since_time), 0)
                from scoring.dirty_person
                order by position
                limit 1
            ), 0)::float8 as "age_seconds!"
        "#,
    )
    .fetch_one(db)
    .await
}

/// Whether anybody is on the list.
#[instrument(name = "db.dirty_person.any", skip_all)]
pub(crate) async fn any(db: impl PgExecutor<'_>) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"select exists (select from scoring.dirty_person) as "any!""#)
        .fetch_one(db)
        .await
}

// === impl Waited ===

impl Waited {
    /// In seconds, by person.
    pub(crate) fn until_now(&self) -> impl Iterator<Item = f64> {
        let since = self.taken.elapsed().as_secs_f64();
        self.seconds.iter().map(move |seconds| seconds + since)
    }
}
