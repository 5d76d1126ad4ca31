//! `connector.outbox`: what consumers have not confirmed.

use std::time::Duration;

use klout_store::interval;
use sqlx::PgExecutor;
use tracing::instrument;
use uuid::Uuid;

use super::{LANES, lane};
use crate::deliver::Consumer;

/// A batch for one consumer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) batch_id: Uuid,
    pub(crate) consumer: Consumer,
    /// What this consumer gets after the batch: an encoded `SignalBatch`, to be joined with it.
    pub(crate) payload: Option<&'a [u8]>,
}

/// A batch that nobody else delivers for a while.
#[derive(Clone, Debug)]
pub(crate) struct Leased {
    pub(crate) batch_id: Uuid,
    /// Which lease it is: see [`delete`].
    pub(crate) attempts: i32,
    pub(crate) payload: Vec<u8>,
    /// Since it was added.
    pub(crate) waited_seconds: f64,
}

/// How many batches wait or are being delivered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count {
    pub(crate) batches: i64,
    /// Those of them that are for topics.
    pub(crate) for_topics: i64,
}

/// What a consumer has not confirmed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waiting {
    pub(crate) consumer: String,
    /// At most 2³¹ of them are told.
    pub(crate) batches: i32,
    /// Of the oldest.
    pub(crate) age_seconds: f64,
}

/// Adds batches, each on the lane that its random id chooses.
#[instrument(name = "db.outbox.append", skip_all)]
pub(crate) async fn append(
    db: impl PgExecutor<'_>,
    entries: &[Entry<'_>],
) -> Result<(), sqlx::Error> {
    let lanes: Vec<_> = entries.iter().map(|it| lane(it.batch_id)).collect();
    let consumers: Vec<_> = entries.iter().map(|it| it.consumer.name()).collect();
    let batches: Vec<_> = entries.iter().map(|it| it.batch_id).collect();
    let payloads: Vec<_> = entries.iter().map(|it| it.payload).collect();

    sqlx::query!(
        r#"
        insert into connector.outbox (lane, consumer, batch_id, payload)
        select * from unnest($1::smallint[], $2::text[], $3::uuid[], $4::bytea[])
        "#,
        &lanes,
        &consumers as &[&str],
        &batches,
        &payloads as &[Option<&[u8]>],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How far a lane was gone through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    /// How many batches were put there.
    pub(crate) added: i64,
    /// The last one that was looked at; `None` at the end of the lane.
    pub(crate) last: Option<Uuid>,
}

/// Adds the next `max` batches of a lane of the log after a batch once more for a consumer. One that is there
/// already stays once, and is due: it may have been confirmed a moment ago and not be deleted yet, so
/// whoever has leased it does not delete it.
#[instrument(name = "db.outbox.append_again", skip_all, fields(lane))]
pub(crate) async fn append_again(
    db: impl PgExecutor<'_>,
    consumer: Consumer,
    lane: i16,
    after: Option<Uuid>,
    max: i64,
) -> Result<Progress, sqlx::Error> {
    sqlx::query_as!(
        Progress,
        r#"
        with logged as materialized (
            select batch_id
            from connector.batch
            where lane = $1 and ($3::uuid is null or batch_id > $3)
            order by batch_id
            limit $4
        ),
        added as (
            insert into connector.outbox as outbox (lane, consumer, batch_id)
            select $1, $2, batch_id from logged
            on conflict on constraint outbox_pkey do update
            set attempts = outbox.attempts + 1, leased_until = '-infinity'
            returning batch_id
        )
        select (select count(*) from added) as "added!",
            (select batch_id from logged order by batch_id desc limit 1) as last
        "#,
        lane,
        consumer.name(),
        after,
        max,
    )
    .fetch_one(db)
    .await
}

/// Adds batches of before the log was packed once more for a consumer: what of them is in the list of
/// signals. Returns how many there were.
#[instrument(name = "db.outbox.append_unpacked", skip_all)]
pub(crate) async fn append_unpacked(
    db: impl PgExecutor<'_>,
    consumer: Consumer,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        insert into connector.outbox as outbox (lane, consumer, batch_id, payload)
        select get_byte(uuid_send(batch_id), 0) % $2::integer, $1, batch_id,
            '\x0a10' || uuid_send(batch_id) || string_agg(content, '')
        from connector.signal
        where content is not null
        group by batch_id
        on conflict on constraint outbox_pkey do update
        set attempts = outbox.attempts + 1, leased_until = '-infinity'
        "#,
        consumer.name(),
        i32::from(LANES),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// The lanes on which something waits for `consumer` that nobody delivers right now.
#[instrument(name = "db.outbox.lanes_due", skip_all)]
pub(crate) async fn lanes_due(
    db: impl PgExecutor<'_>,
    consumer: Consumer,
) -> Result<Vec<i16>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select distinct lane
        from connector.outbox
        where consumer = $1 and leased_until < now()
        "#,
        consumer.name(),
    )
    .fetch_all(db)
    .await
}

/// Takes up to `max` batches of a lane for `time`.
#[instrument(name = "db.outbox.lease", skip_all, fields(lane))]
pub(crate) async fn lease(
    db: impl PgExecutor<'_>,
    consumer: Consumer,
    lane: i16,
    max: i64,
    time: Duration,
) -> Result<Vec<Leased>, sqlx::Error> {
    sqlx::query_as!(
        Leased,
        r#"
        update connector.outbox as outbox
        set leased_until = now() + $4, attempts = attempts + 1
        from (
            select outbox.batch_id, batch.payload
            from connector.outbox
            left join connector.batch using (lane, batch_id)
            where lane = $1 and consumer = $2 and leased_until < now()
            limit $3
            for update of outbox skip locked
        ) as due
        where outbox.lane = $1 and outbox.consumer = $2 and outbox.batch_id = due.batch_id
        returning outbox.batch_id, outbox.attempts,
            coalesce(due.payload, '') || coalesce(outbox.payload, '') as "payload!",
            extract(epoch from clock_timestamp() - outbox.added_time)::float8 as "waited_seconds!"
        "#,
        lane,
        consumer.name(),
        max,
        interval(time),
    )
    .fetch_all(db)
    .await
}

/// Keeps batches that are being pushed for `time` from now on.
#[instrument(name = "db.outbox.renew", skip_all, fields(batches.len = batches.len()))]
pub(crate) async fn renew(
    db: impl PgExecutor<'_>,
    consumer: Consumer,
    lane: i16,
    batches: &[Uuid],
    time: Duration,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update connector.outbox
        set leased_until = now() + $4
        where lane = $1 and consumer = $2 and batch_id = any($3)
        "#,
        lane,
        consumer.name(),
        batches,
        interval(time),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets batches that their consumer has confirmed, each by the number of attempts that its lease was told.
/// One that was added again meanwhile ([`append_again`]) stays: what was confirmed may be forgotten by now.
#[instrument(name = "db.outbox.delete", skip_all, fields(batches.len = batches.len()))]
pub(crate) async fn delete(
    db: impl PgExecutor<'_>,
    consumer: Consumer,
    lane: i16,
    batches: &[(Uuid, i32)],
) -> Result<(), sqlx::Error> {
    if batches.is_empty() {
        return Ok(());
    }
    let (batches, attempts): (Vec<_>, Vec<_>) = batches.iter().copied().unzip();
    sqlx::query!(
        r#"
        delete from connector.outbox as outbox
        using unnest($3::uuid[], $4::integer[]) as confirmed (batch_id, attempts)
        where outbox.lane = $1 and outbox.consumer = $2
            and outbox.batch_id = confirmed.batch_id and outbox.attempts = confirmed.attempts
        "#,
        lane,
        consumer.name(),
        &batches,
        &attempts,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lets batches that were not taken wait: 0.1 s doubled by each attempt, at most 30 s.
#[instrument(name = "db.outbox.release", skip_all, fields(batches.len = batches.len()))]
pub(crate) async fn release(
    db: impl PgExecutor<'_>,
    consumer: Consumer,
    lane: i16,
    batches: &[Uuid],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update connector.outbox
        set leased_until = now()
            + least(interval '30 seconds', interval '100 milliseconds' * 2 ^ least(attempts, 10))
        where lane = $1 and consumer = $2 and batch_id = any($3)
        "#,
        lane,
        consumer.name(),
        batches,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How many batches wait or are being delivered, counted once a consumer.
#[instrument(name = "db.outbox.count", skip_all)]
pub(crate) async fn count(db: impl PgExecutor<'_>) -> Result<Count, sqlx::Error> {
    sqlx::query_as!(
        Count,
        r#"
        select count(*) as "batches!",
            count(*) filter (where consumer = 'topics') as "for_topics!"
        from connector.outbox
        "#
    )
    .fetch_one(db)
    .await
}

/// What each consumer has not confirmed; consumers that have confirmed all are left out.
#[instrument(name = "db.outbox.waiting", skip_all)]
pub(crate) async fn waiting(db: impl PgExecutor<'_>) -> Result<Vec<Waiting>, sqlx::Error> {
    sqlx::query_as!(
        Waiting,
        r#"
        select consumer,
            least(count(*), 2147483647)::integer as "batches!",
            greatest(extract(epoch from now() - min(added_time)), 0)::float8 as "age_seconds!"
        from connector.outbox
        group by consumer
        "#,
    )
    .fetch_all(db)
    .await
}
