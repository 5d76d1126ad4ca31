//! `topics.dirty_topic` and `topics.topic_standing`: ranks within topics, and where they are to be told again.

use futures::stream::BoxStream;
use sqlx::{PgConnection, PgExecutor};
use tracing::instrument;

/// Puts topics on the list.
#[instrument(name = "db.dirty_topic.mark", skip_all, fields(topics.len = topics.len()))]
pub(crate) async fn mark(db: impl PgExecutor<'_>, topics: &[i64]) -> Result<(), sqlx::Error> {
    if topics.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        insert into topics.dirty_topic (topic_id)
        select distinct topic_id from unnest($1::bigint[]) as changed (topic_id)
        "#,
        topics,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A topic whose ranks are to be told again.
#[derive(Clone, Debug)]
pub(crate) struct Due {
    pub(crate) topic: i64,
    /// Its rows of the list that were there. Others may be there later, and before these: a row has its position
    /// before anybody sees it.
    pub(crate) rows: Vec<i64>,
}

/// How many rows of the list are looked through for topics.
const ROWS_MAX: i64 = 16_384;

/// What tells these locks from others of the database: "topi".
const LOCK_CLASS: i32 = 0x746f_7069;

/// Topics share so many locks, as a server has not many for each connection.
const LOCKS: i64 = 1_024;

/// A topic on the list that nobody else ranks until the transaction ends. Who was ranked a moment ago rests
/// `pause` times as long as that took.
#[instrument(name = "db.dirty_topic.take", skip_all)]
pub(crate) async fn take(db: &mut PgConnection, pause: f64) -> Result<Option<Due>, sqlx::Error> {
    sqlx::query_as!(
        Due,
        r#"
        with due as materialized (
            select oldest.topic_id, array_agg(position) as positions
            from (
                select topic_id, position from topics.dirty_topic order by position limit $1
            ) as oldest
            left join topics.topic_standing as standing on standing.topic_id = oldest.topic_id
            where standing.renew_time is null
                or standing.renew_time
                    < clock_timestamp() - make_interval(secs => standing.work_seconds * $2)
            group by oldest.topic_id
            order by min(position)
        )
        select topic_id as "topic!", positions as "rows!"
        from due
        where pg_try_advisory_xact_lock($3::integer, (abs(topic_id % $4::bigint))::integer)
        limit 1
        "#,
        ROWS_MAX,
        pause,
        LOCK_CLASS,
        LOCKS,
    )
    .fetch_optional(db)
    .await
}

/// Takes a topic off the list, as far as it was there when it was taken.
#[instrument(name = "db.dirty_topic.done", skip_all)]
pub(crate) async fn done(db: impl PgExecutor<'_>, due: &Due) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from topics.dirty_topic where position = any($1)", &due.rows)
        .execute(db)
        .await?;
    Ok(())
}

/// Where a person stands within a topic.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) person: i64,
    pub(crate) rank: i64,
    pub(crate) percentile: f64,
}

/// Streams the people of a topic who stand elsewhere than was told last, in no order.
pub(crate) fn moved(
    db: &mut PgConnection,
    topic: i64,
) -> BoxStream<'_, Result<Place, sqlx::Error>> {
    sqlx::query_as!(
        Place,
        r#"
        select person_id as person, new_rank as "rank!", new_percentile as "percentile!"
        from (
            select person_id, rank, percentile,
                rank() over best as new_rank,
                100.0::float8 * (
                    count(*) over () - rank() over best + 1
                    - (count(*) over (partition by score))::float8 / 2
                ) / count(*) over () as new_percentile
            from topics.person_topic
            where topic_id = $1 and network = '' and shown
            window best as (order by score desc)
        ) as standing
        where (rank, percentile) is distinct from (new_rank, new_percentile)
        "#,
        topic,
    )
    .fetch(db)
}

/// Writes where people stand within a topic, but of those whom somebody else writes right now. Returns of how many.
#[instrument(name = "db.person_topic.place", skip_all, fields(places.len = places.len()))]
pub(crate) async fn place(
    db: impl PgExecutor<'_>,
    topic: i64,
    places: &[Place],
) -> Result<u64, sqlx::Error> {
    let people: Vec<_> = places.iter().map(|it| it.person).collect();
    let ranks: Vec<_> = places.iter().map(|it| it.rank).collect();
    let percentiles: Vec<_> = places.iter().map(|it| it.percentile).collect();
    let done = sqlx::query!(
        r#"
        update topics.person_topic as topic
        set rank = place.rank, percentile = place.percentile
        from (
            select topic.person_id, place.rank, place.percentile
            from unnest($2::bigint[], $3::bigint[], $4::float8[])
                as place (person_id, rank, percentile)
            join topics.person_topic as topic on topic.person_id = place.person_id
            where topic.topic_id = $1 and topic.network = '' and topic.shown
            for update of topic skip locked
        ) as place
        where topic.person_id = place.person_id and topic.topic_id = $1 and topic.network = ''
        "#,
        topic,
        &people,
        &ranks,
        &percentiles,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// How many people are influential on a topic, counted.
#[instrument(name = "db.person_topic.count", skip_all)]
pub(crate) async fn count(db: impl PgExecutor<'_>, topic: i64) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from topics.person_topic
        where topic_id = $1 and network = '' and shown
        "#,
        topic,
    )
    .fetch_one(db)
    .await
}

/// Notes how many people are influential on a topic, and how long it took to rank them.
#[instrument(name = "db.topic_standing.write", skip_all)]
pub(crate) async fn write(
    db: impl PgExecutor<'_>,
    topic: i64,
    people: i64,
    work_seconds: f64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into topics.topic_standing as standing (topic_id, people, work_seconds)
        values ($1, $2, $3)
        on conflict on constraint topic_standing_pkey do update
        set people = excluded.people, work_seconds = excluded.work_seconds,
            renew_time = clock_timestamp()
        "#,
        topic,
        people,
        work_seconds,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How many people are influential on a topic, as of when they were ranked.
#[instrument(name = "db.topic_standing.people", skip_all)]
pub(crate) async fn people(db: impl PgExecutor<'_>, topic: i64) -> Result<i64, sqlx::Error> {
    let people =
        sqlx::query_scalar!("select people from topics.topic_standing where topic_id = $1", topic)
            .fetch_optional(db)
            .await?;
    Ok(people.unwrap_or(0))
}

/// Where somebody of that score stands within a topic, counted: for who was not ranked yet.
#[instrument(name = "db.person_topic.stand", skip_all)]
pub(crate) async fn stand(
    db: impl PgExecutor<'_>,
    topic: i64,
    score: f64,
) -> Result<(i64, f64), sqlx::Error> {
    let row = sqlx::query!(
        r#"
        select count(*) filter (where score > $2) + 1 as "rank!",
            coalesce(
                100.0::float8 * (
                    count(*) filter (where score < $2)
                    + (count(*) filter (where score = $2))::float8 / 2
                ) / nullif(count(*), 0),
                50
            ) as "percentile!"
        from topics.person_topic
        where topic_id = $1 and network = '' and shown
        "#,
        topic,
        score,
    )
    .fetch_one(db)
    .await?;
    Ok((row.rank, row.percentile))
}
