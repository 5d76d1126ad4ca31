//! `social_graph.lookup`: who looked at whom, and why.

use klout_model::PersonId;
use sqlx::PgExecutor;
use time::OffsetDateTime;
use tracing::instrument;

/// Whoever adds look-ups holds it with others, whoever forgets a person holds it alone.
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

/// Where a list of look-ups goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) day: i32,
    pub(crate) caller: String,
    pub(crate) purpose: String,
    pub(crate) what: String,
}

/// What a caller had been told of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) caller: String,
    pub(crate) purpose: String,
    pub(crate) count: i64,
    pub(crate) last_time: OffsetDateTime,
}

/// Keeps everybody who would forget a person waiting until the transaction ends. To be taken before [`add`] looks who
/// is there.
#[instrument(name = "db.lookup.lock_shared", skip_all)]
pub(crate) async fn lock_shared(db: impl PgExecutor<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!(r#"select pg_advisory_xact_lock_shared($1) as "locked!: ()""#, LOCK)
        .fetch_one(db)
        .await?;
    Ok(())
}

/// Waits for those who are adding look-ups. To be taken before [`forget`], in its transaction: whoever comes later sees
/// that the person is erased.
#[expect(dead_code, reason = "erasing a person calls it")]
#[instrument(name = "db.lookup.lock", skip_all)]
pub(crate) async fn lock(db: impl PgExecutor<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!(r#"select pg_advisory_xact_lock($1) as "locked!: ()""#, LOCK)
        .fetch_one(db)
        .await?;
    Ok(())
}

/// Adds look-ups, each with its person. Those of somebody who was merged are the other person's, those of somebody who
/// was erased are left out. Rows are written in their order, so that no two writers wait for one another in a circle.
#[instrument(name = "db.lookup.add", skip_all, fields(lookups.len = lookups.len()))]
pub(crate) async fn add(
    db: impl PgExecutor<'_>,
    lookups: &[(PersonId, Looked)],
) -> Result<(), sqlx::Error> {
    let people: Vec<_> = lookups.iter().map(|(person, _)| person.get()).collect();
    let days: Vec<_> = lookups.iter().map(|(_, it)| it.day).collect();
    let callers: Vec<_> = lookups.iter().map(|(_, it)| it.caller.as_str()).collect();
    let purposes: Vec<_> = lookups.iter().map(|(_, it)| it.purpose.as_str()).collect();
    let whats: Vec<_> = lookups.iter().map(|(_, it)| it.what.as_str()).collect();
    let counts: Vec<_> = lookups.iter().map(|(_, it)| it.count).collect();
    let firsts: Vec<_> = lookups.iter().map(|(_, it)| it.first_time).collect();
    let lasts: Vec<_> = lookups.iter().map(|(_, it)| it.last_time).collect();
    sqlx::query!(
        r#"
        insert into social_graph.lookup as kept
            (person_id, day, caller, purpose, what, count, first_time, last_time)
        select
            coalesce(person.merged_into, person.person_id) as looked_at, day, caller, purpose, what,
            sum(count)::bigint, min(first_time), max(last_time)
        from unnest(
            $1::bigint[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::bigint[],
            $7::timestamptz[], $8::timestamptz[]
        ) as new (person_id, day, caller, purpose, what, count, first_time, last_time)
        join social_graph.person using (person_id)
        where person.state <> 'ERASED'
        group by looked_at, day, caller, purpose, what
        order by looked_at, day, caller, purpose, what
        on conflict on constraint lookup_pkey do update
        set
            count = kept.count + excluded.count,
            first_time = least(kept.first_time, excluded.first_time),
            last_time = greatest(kept.last_time, excluded.last_time)
        "#,
        &people,
        &days,
        &callers as &[&str],
        &purposes as &[&str],
        &whats as &[&str],
        &counts,
        &firsts,
        &lasts,
    )
    .execute(db)
    .await?;
    Ok(())
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
            day, caller, purpose, what,
            sum(count)::bigint as "count!", min(first_time) as "first_time!", max(last_time) as "last_time!"
        from social_graph.lookup
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

/// What each caller was told of a person, by name and purpose.
#[expect(dead_code, reason = "receipts are made of it")]
#[instrument(name = "db.lookup.left_before", skip_all)]
pub(crate) async fn left_before(
    db: impl PgExecutor<'_>,
    person: PersonId,
) -> Result<Vec<Left>, sqlx::Error> {
    sqlx::query_as!(
        Left,
        r#"
        select caller, purpose, sum(count)::bigint as "count!", max(last_time) as "last_time!"
        from social_graph.lookup
        where person_id = $1
        group by caller, purpose
        order by caller, purpose
        "#,
        person.get(),
    )
    .fetch_all(db)
    .await
}

/// Deletes the look-ups of a person. Returns how many rows that were.
#[expect(dead_code, reason = "erasing a person calls it")]
#[instrument(name = "db.lookup.forget", skip_all)]
pub(crate) async fn forget(db: impl PgExecutor<'_>, person: PersonId) -> Result<u64, sqlx::Error> {
    let deleted =
        sqlx::query!("delete from social_graph.lookup where person_id = $1", person.get(),);
    Ok(deleted.execute(db).await?.rows_affected())
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
