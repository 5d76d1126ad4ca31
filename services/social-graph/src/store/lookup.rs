//! `social_graph.lookup` and `lookup_batch`: who looked at whom, and why. What came is in batches until it is folded; the
//! view `looked` has both.

use klout_model::PersonId;
use sqlx::PgExecutor;
use time::OffsetDateTime;
use tracing::instrument;

/// Whoever folds look-ups holds it with others, whoever forgets a person holds it alone.
const LOCK: i64 = 0x6c6f_6f6b;

/// Look-ups of a person by a caller on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Looked {
    /// Since 1970.
    pub(crate) day: i32,
    pub(crate) caller: String,
    pub(crate) purpose: String,
    pub(crate) what: String,
    pub(crate) count: i64,
    pub(crate) first_time: OffsetDateTime,
    pub(crate) last_time: OffsetDateTime,
}

/// Look-ups of the same kind by one caller, as they came.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    /// Since 1970.
    pub(crate) day: i32,
    pub(crate) caller: String,
    pub(crate) purpose: String,
    pub(crate) what: String,
    pub(crate) first_time: OffsetDateTime,
    pub(crate) last_time: OffsetDateTime,
    pub(crate) people: Vec<i64>,
    /// Of each of the people, in the same order.
    pub(crate) counts: Vec<i64>,
}

/// Where a list of look-ups goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) day: i32,
    pub(crate) caller: String,
    pub(crate) purpose: String,
    pub(crate) what: String,
}

/// Keeps everybody who would forget a person waiting until the transaction ends. To be taken before [`fold`] looks who
/// is there.
#[instrument(name = "db.lookup.lock_shared", skip_all)]
pub(crate) async fn lock_shared(db: impl PgExecutor<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!(r#"select pg_advisory_xact_lock_shared($1) as "locked!: ()""#, LOCK)
        .fetch_one(db)
        .await?;
    Ok(())
}

/// Waits for those who fold look-ups, and keeps them waiting until the transaction ends. Once somebody is erased and this was held for a moment, no fold adds any of
/// theirs.
#[instrument(name = "db.lookup.lock", skip_all)]
pub(crate) async fn lock(db: impl PgExecutor<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!(r#"select pg_advisory_xact_lock($1) as "locked!: ()""#, LOCK)
        .fetch_one(db)
        .await?;
    Ok(())
}

/// Adds look-ups of the same kind by one caller.
#[instrument(name = "db.lookup.append", skip_all, fields(people.len = batch.people.len()))]
pub(crate) async fn append(db: impl PgExecutor<'_>, batch: &Batch) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into social_graph.lookup_batch
            (day, caller, purpose, what, first_time, last_time, person_ids, counts)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        "#,
        batch.day,
        batch.caller,
        batch.purpose,
        batch.what,
        batch.first_time,
        batch.last_time,
        &batch.people,
        &batch.counts,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes rows by person of up to `max` batches, the oldest first. Those of somebody who was merged are the other
/// person's, those of somebody who was erased are left out. What was told of somebody before they left is added to the
/// receipt for that, too. Rows are written in their order, so that no two writers wait for one another in a circle.
/// Returns how many batches that were.
#[instrument(name = "db.lookup.fold", skip_all)]
pub(crate) async fn fold(db: impl PgExecutor<'_>, max: i64) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with taken as (
            delete from social_graph.lookup_batch
            where number in (
                select number from social_graph.lookup_batch
                order by number
                limit $1
                for update skip locked
            )
            returning day, caller, purpose, what, first_time, last_time, person_ids, counts
        ), folded as (
            insert into social_graph.lookup as kept
                (person_id, day, caller, purpose, what, count, first_time, last_time)
            select
                who.person_id as looked_at, day, caller, purpose, what,
                sum(looked.count)::bigint, min(first_time), max(last_time)
            from taken
            cross join lateral unnest(person_ids, counts) as looked (person_id, count)
            join social_graph.person as named on named.person_id = looked.person_id
            join social_graph.person as who
                on who.person_id = coalesce(named.merged_into, named.person_id)
            where who.state <> 'ERASED'
            group by looked_at, day, caller, purpose, what
            order by looked_at, day, caller, purpose, what
            on conflict on constraint lookup_pkey do update
            set
                count = kept.count + excluded.count,
                first_time = least(kept.first_time, excluded.first_time),
                last_time = greatest(kept.last_time, excluded.last_time)
        ), already_left as (
            insert into social_graph.receipt_already_left as kept
                (receipt_id, caller, purpose, count, last_time)
            select receipt_id, caller, purpose, sum(looked.count)::bigint, max(last_time)
            from taken
            cross join lateral unnest(person_ids, counts) as looked (person_id, count)
            left join social_graph.person as named on named.person_id = looked.person_id
            join social_graph.receipt
                on receipt.person_id = coalesce(named.merged_into, looked.person_id)
                and receipt.request_time >= first_time
            group by receipt_id, caller, purpose
            order by receipt_id, caller, purpose
            on conflict on constraint receipt_already_left_pkey do update
            set
                count = kept.count + excluded.count,
                last_time = greatest(kept.last_time, excluded.last_time)
        )
        select count(*) as "count!" from taken
        "#,
        max,
    )
    .fetch_one(db)
    .await
}

/// Up to `max` look-ups of a person, and of who was merged into them; newest day first, from a place on.
#[instrument(name = "db.lookup.list", skip_all)]
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    person: PersonId,
    after: Option<&Place>,
    max: i64,
) -> Result<Vec<Looked>, sqlx::Error> {
    sqlx::query_as!(
        Looked,
        r#"
        select
            day as "day!", caller as "caller!", purpose as "purpose!", what as "what!",
            sum(count)::bigint as "count!", min(first_time) as "first_time!", max(last_time) as "last_time!"
        from social_graph.looked
        where person_id in (
            select person_id from social_graph.person where person_id = $1 or merged_into = $1
        )
        and ($2::integer is null or (day, caller, purpose, what) < ($2, $3, $4, $5))
        group by day, caller, purpose, what
        order by day desc, caller desc, purpose desc, what desc
        limit $6
        "#,
        person.get(),
        after.map(|it| it.day),
        after.map(|it| it.caller.as_str()),
        after.map(|it| it.purpose.as_str()),
        after.map(|it| it.what.as_str()),
        max,
    )
    .fetch_all(db)
    .await
}

/// Deletes up to `max` look-ups of days before `day`. Returns how many.
#[instrument(name = "db.lookup.delete_before", skip_all)]
pub(crate) async fn delete_before(
    db: impl PgExecutor<'_>,
    day: i32,
    max: i64,
) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query!(
        r#"
        delete from social_graph.lookup
        where ctid = any(array(
            select ctid from social_graph.lookup where day < $1 order by day limit $2 for update skip locked
        ))
        "#,
        day,
        max,
    );
    Ok(deleted.execute(db).await?.rows_affected())
}
