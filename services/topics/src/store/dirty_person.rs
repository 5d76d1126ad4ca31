//! `topics.dirty_person` and `topics.claim`: whose topics have to be computed again, and who does.

use std::{collections::BTreeSet, time::Duration};

use klout_store::interval;
use sqlx::{PgConnection, PgExecutor};
use tracing::instrument;
use uuid::Uuid;

/// How many rows of the list are looked through for people: the same ones stand there again and again.
const ROWS_MAX: i64 = 16_384;

/// Puts people on the list. Whoever takes them off sees the evidence of the same transaction.
#[instrument(name = "db.dirty_person.mark", skip_all, fields(people.len = people.len()))]
pub(crate) async fn mark(
    db: impl PgExecutor<'_>,
    people: &BTreeSet<i64>,
) -> Result<(), sqlx::Error> {
    let people: Vec<_> = people.iter().copied().collect();
    sqlx::query!(
        "insert into topics.dirty_person (person_id) select * from unnest($1::bigint[])",
        &people,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Puts everybody on the list but those who left. Returns where it ends.
#[instrument(name = "db.dirty_person.mark_everybody", skip_all)]
pub(crate) async fn mark_everybody(db: impl PgExecutor<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with marked as (
            insert into topics.dirty_person (person_id)
            select person_id
            from (
                select person_id from topics.account where person_id is not null
                union
                select person_id from topics.person
            ) as everybody
            where not exists (
                select from topics.person_state as state
                where state.person_id = everybody.person_id and state.state <> 'MEMBER'
            )
            returning position
        )
        select coalesce(max(position), 0) as "end!" from marked
        "#
    )
    .fetch_one(db)
    .await
}

/// Takes up to `max` people off the list, of those that have waited longest, whose topics nobody else computes,
/// and those whose claim has lapsed. Until the new claim lapses they are nobody else's.
#[instrument(name = "db.dirty_person.claim", skip_all)]
pub(crate) async fn claim(
    db: &mut PgConnection,
    claim: Uuid,
    time: Duration,
    max: i64,
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with due as materialized (
            select person_id, min(position) as position, min(since_time) as since_time
            from (
                select person_id, position, since_time
                from (
                    select person_id, position, since_time
                    from topics.dirty_person
                    order by position
                    limit $4
                ) as oldest
                where not exists (
                    select from topics.claim
                    where claim.person_id = oldest.person_id
                        and claim.lapse_time > clock_timestamp()
                )
                union all
                select person_id, position, since_time
                from topics.claim
                where lapse_time <= clock_timestamp()
            ) as everybody
            group by person_id
            order by min(position), person_id
            limit $3
        ),
        claimed as (
            insert into topics.claim as claim
                (person_id, claim, position, since_time, lapse_time)
            select person_id, $1, position, since_time, clock_timestamp() + $2::interval
            from due
            order by person_id
            on conflict on constraint claim_pkey do update
            set claim = excluded.claim, position = excluded.position,
                since_time = excluded.since_time, lapse_time = excluded.lapse_time
            where claim.lapse_time <= clock_timestamp()
            returning person_id
        ),
        gone as (
            delete from topics.dirty_person as dirty
            using claimed
            where dirty.person_id = claimed.person_id
        )
        select person_id as "person_id!" from claimed order by person_id
        "#,
        claim,
        interval(time),
        max,
        ROWS_MAX,
    )
    .fetch_all(db)
    .await
}

/// Says that a claim goes on.
#[instrument(name = "db.claim.renew", skip_all)]
pub(crate) async fn renew(
    db: impl PgExecutor<'_>,
    claim: Uuid,
    time: Duration,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update topics.claim set lapse_time = clock_timestamp() + $2::interval where claim = $1",
        claim,
        interval(time),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ends the claim on a person. Returns whether it was still held.
#[instrument(name = "db.claim.end", skip_all)]
pub(crate) async fn end(
    db: impl PgExecutor<'_>,
    claim: Uuid,
    person: i64,
) -> Result<bool, sqlx::Error> {
    let done =
        sqlx::query!("delete from topics.claim where claim = $1 and person_id = $2", claim, person)
            .execute(db)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives a claim up: whose topics were not written is on the list again, where they were, so that a pass goes on
/// waiting for them.
#[instrument(name = "db.claim.give_up", skip_all)]
pub(crate) async fn give_up(db: impl PgExecutor<'_>, claim: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with given as (
            delete from topics.claim where claim = $1 returning person_id, position, since_time
        )
        insert into topics.dirty_person (position, person_id, since_time)
        overriding system value
        select position, person_id, since_time from given
        "#,
        claim,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What is on the list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    pub(crate) people: i64,
    /// Of the oldest.
    pub(crate) age_seconds: f64,
}

/// How many people are on the list, or being computed.
#[instrument(name = "db.dirty_person.waiting", skip_all)]
pub(crate) async fn waiting(db: impl PgExecutor<'_>) -> Result<Waiting, sqlx::Error> {
    sqlx::query_as!(
        Waiting,
        r#"
        select (
                select count(*) from (
                    select person_id from topics.dirty_person
                    union
                    select person_id from topics.claim
                ) as everybody
            ) as "people!",
            coalesce((
                select greatest(extract(epoch from now() - since_time), 0)
                from topics.dirty_person
                order by position
                limit 1
            ), 0)::float8 as "age_seconds!"
        "#,
    )
    .fetch_one(db)
    .await
}

/// Whether anybody is on the list up to a row of it, or being computed.
#[instrument(name = "db.dirty_person.any_up_to", skip_all)]
pub(crate) async fn any_up_to(db: impl PgExecutor<'_>, end: i64) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select exists (select from topics.dirty_person where position <= $1)
            or exists (select from topics.claim where position <= $1) as "any!"
        "#,
        end,
    )
    .fetch_one(db)
    .await
}

/// Where the list ended last, whether or not anybody is on it still.
#[instrument(name = "db.dirty_person.last", skip_all)]
pub(crate) async fn last(db: impl PgExecutor<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select coalesce(
            pg_sequence_last_value(
                pg_get_serial_sequence('topics.dirty_person', 'position')::regclass
            ),
            0
        ) as "last!"
        "#
    )
    .fetch_one(db)
    .await
}
