//! `connector.forgetting` and `forgetting_hand`: whose signals are being taken out of the log.

use std::collections::HashMap;

use klout_proto::people::Erased;
use sqlx::{PgConnection, PgExecutor};
use tracing::instrument;
use uuid::Uuid;

use super::{batch::Logged, lane};

/// How far the hand has come that goes through the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hand {
    /// How often it was all of it.
    pub(crate) lap: i64,
    /// Up to and with that batch.
    pub(crate) lane: i16,
    pub(crate) batch_id: Uuid,
}

/// How far a person is forgotten.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    pub(crate) done: bool,
    pub(crate) signals: i64,
}

/// A batch, and what consumers get besides who have not confirmed it.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) batch_id: Uuid,
    pub(crate) consumer: String,
    pub(crate) payload: Vec<u8>,
}

/// Where the hand stands; nobody else moves it until the transaction ends.
#[instrument(name = "db.forgetting_hand.lock", skip_all)]
pub(crate) async fn lock_hand(db: &mut PgConnection) -> Result<Hand, sqlx::Error> {
    sqlx::query_as!(Hand, "select lap, lane, batch_id from connector.forgetting_hand for update")
        .fetch_one(db)
        .await
}

#[instrument(name = "db.forgetting_hand.move", skip_all)]
pub(crate) async fn move_hand(db: &mut PgConnection, to: Hand) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update connector.forgetting_hand set lap = $1, lane = $2, batch_id = $3",
        to.lap,
        to.lane,
        to.batch_id,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Has the log gone through for these accounts from where the hand stands, unless it is already.
#[instrument(name = "db.forgetting.add", skip_all)]
pub(crate) async fn add(
    db: impl PgExecutor<'_>,
    person: i64,
    accounts: &[i64],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into connector.forgetting
            (account_id, person_id, since_lap, since_lane, since_batch)
        select account_id, $1, lap, lane, batch_id
        from unnest($2::bigint[]) as asked (account_id), connector.forgetting_hand
        on conflict on constraint forgetting_pkey do nothing
        "#,
        person,
        accounts,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// For whom the log is gone through.
#[instrument(name = "db.forgetting.pending", skip_all)]
pub(crate) async fn pending(db: impl PgExecutor<'_>) -> Result<HashMap<i64, Erased>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Erased,
        r#"
        select account_id as "account!", through_day as "through_day?"
        from connector.forgetting
        left join connector.erased_account using (account_id)
        "#
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| (it.account, it)).collect())
}

/// The next `max` batches after one.
#[instrument(name = "db.batch.next", skip_all)]
pub(crate) async fn next_batches(
    db: impl PgExecutor<'_>,
    after: Hand,
    max: i64,
) -> Result<Vec<Logged>, sqlx::Error> {
    sqlx::query_as!(
        Logged,
        r#"
        select batch_id, payload, signal_ids
        from connector.batch
        where (lane, batch_id) > ($1, $2)
        order by lane, batch_id
        limit $3
        "#,
        after.lane,
        after.batch_id,
        max,
    )
    .fetch_all(db)
    .await
}

/// Puts batches in the place of what they were.
#[instrument(name = "db.batch.rewrite", skip_all, fields(batches.len = batches.len()))]
pub(crate) async fn rewrite(db: &mut PgConnection, batches: &[Logged]) -> Result<(), sqlx::Error> {
    let lanes: Vec<_> = batches.iter().map(|it| lane(it.batch_id)).collect();
    let ids: Vec<_> = batches.iter().map(|it| it.batch_id).collect();
    let payloads: Vec<_> = batches.iter().map(|it| it.payload.as_slice()).collect();
    let signal_ids: Vec<_> = batches.iter().map(|it| it.signal_ids.as_slice()).collect();
    sqlx::query!(
        r#"
        update connector.batch as batch
        set payload = new.payload, signal_ids = new.signal_ids
        from unnest($1::smallint[], $2::uuid[], $3::bytea[], $4::bytea[])
            as new (lane, batch_id, payload, signal_ids)
        where batch.lane = new.lane and batch.batch_id = new.batch_id
        "#,
        &lanes,
        &ids,
        &payloads as &[&[u8]],
        &signal_ids as &[&[u8]],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What consumers get besides of these batches. Nobody else changes it until the transaction ends.
#[instrument(name = "db.outbox.beside", skip_all, fields(batches.len = batches.len()))]
pub(crate) async fn beside(
    db: &mut PgConnection,
    batches: &[Uuid],
) -> Result<Vec<Waiting>, sqlx::Error> {
    let lanes: Vec<_> = batches.iter().map(|it| lane(*it)).collect();
    sqlx::query_as!(
        Waiting,
        r#"
        select batch_id as "batch_id!", consumer, payload as "payload!"
        from unnest($1::smallint[], $2::uuid[]) as asked (lane, batch_id)
        join connector.outbox using (lane, batch_id)
        where payload is not null
        for update of outbox
        "#,
        &lanes,
        batches,
    )
    .fetch_all(db)
    .await
}

/// Puts something else in the place of what a consumer gets besides.
#[instrument(name = "db.outbox.rewrite", skip_all)]
pub(crate) async fn rewrite_beside(
    db: &mut PgConnection,
    waiting: &Waiting,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update connector.outbox set payload = $4 where lane = $1 and consumer = $2 and batch_id = $3",
        lane(waiting.batch_id),
        waiting.consumer,
        waiting.batch_id,
        &waiting.payload,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes signals off the list, by whom they are about, their batch and the first 8 bytes of their ids.
#[instrument(name = "db.signal.forget", skip_all, fields(signals.len = signals.len()))]
pub(crate) async fn remove_signals(
    db: &mut PgConnection,
    signals: &[(i64, Uuid, [u8; 8])],
) -> Result<(), sqlx::Error> {
    let subjects: Vec<_> = signals.iter().map(|it| it.0).collect();
    let batches: Vec<_> = signals.iter().map(|it| it.1).collect();
    let first = |it: &(i64, Uuid, [u8; 8]), rest: u8| {
        let mut bytes = [rest; 16];
        bytes[..8].copy_from_slice(&it.2);
        Uuid::from_bytes(bytes)
    };
    let from: Vec<_> = signals.iter().map(|it| first(it, 0)).collect();
    let to: Vec<_> = signals.iter().map(|it| first(it, u8::MAX)).collect();
    sqlx::query!(
        r#"
        delete from connector.signal as signal
        using unnest($1::bigint[], $2::uuid[], $3::uuid[], $4::uuid[])
            as gone (subject_account_id, batch_id, from_id, to_id)
        where signal.subject_account_id = gone.subject_account_id
            and signal.signal_id between gone.from_id and gone.to_id
            and signal.batch_id = gone.batch_id
        "#,
        &subjects,
        &batches,
        &from,
        &to,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes up to `max` signals about accounts off the list of which nothing is taken in whatever the day. Returns how
/// many there were.
#[instrument(name = "db.signal.forget_all", skip_all)]
pub(crate) async fn remove_all(
    db: impl PgExecutor<'_>,
    accounts: &[i64],
    max: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        delete from connector.signal
        where (subject_account_id, signal_id) in (
            select subject_account_id, signal_id
            from connector.signal
            where subject_account_id = any($1) and not exists (
                select from connector.erased_account
                where account_id = subject_account_id and through_day is not null
            )
            limit $2
        )
        "#,
        accounts,
        max,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Notes what was taken out.
#[instrument(name = "db.forgetting.count", skip_all)]
pub(crate) async fn count(
    db: &mut PgConnection,
    taken: &HashMap<i64, i64>,
) -> Result<(), sqlx::Error> {
    let accounts: Vec<_> = taken.keys().copied().collect();
    let signals: Vec<_> = taken.values().copied().collect();
    sqlx::query!(
        r#"
        update connector.forgetting as forgetting
        set signals = forgetting.signals + taken.signals
        from unnest($1::bigint[], $2::bigint[]) as taken (account_id, signals)
        where forgetting.account_id = taken.account_id
        "#,
        &accounts,
        &signals,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether the hand has come round for all accounts of a person, and what was taken out.
#[instrument(name = "db.forgetting.progress", skip_all)]
pub(crate) async fn progress(
    db: impl PgExecutor<'_>,
    person: i64,
) -> Result<Progress, sqlx::Error> {
    sqlx::query_as!(
        Progress,
        r#"
        select coalesce(
                bool_and((lap, lane, batch_id) >= (since_lap + 1, since_lane, since_batch)), true
            ) as "done!",
            coalesce(sum(signals), 0)::bigint as "signals!"
        from connector.forgetting, connector.forgetting_hand
        where person_id = $1
        "#,
        person,
    )
    .fetch_one(db)
    .await
}

/// Notes that it is done.
#[instrument(name = "db.forgetting.remove", skip_all)]
pub(crate) async fn remove(db: impl PgExecutor<'_>, person: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from connector.forgetting where person_id = $1", person)
        .execute(db)
        .await?;
    Ok(())
}

/// A row of the list of signals, for whoever describes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listed {
    pub(crate) subject: i64,
    pub(crate) signal_id: Uuid,
    pub(crate) batch_id: Uuid,
    pub(crate) retracted: bool,
}

/// The next `max` signals about accounts after one.
#[instrument(name = "db.signal.list", skip_all)]
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    accounts: &[i64],
    after: (i64, Uuid),
    max: i64,
) -> Result<Vec<Listed>, sqlx::Error> {
    sqlx::query_as!(
        Listed,
        r#"
        select subject_account_id as subject, signal_id, batch_id, retracted
        from connector.signal
        where subject_account_id = any($1) and (subject_account_id, signal_id) > ($2, $3)
        order by subject_account_id, signal_id
        limit $4
        "#,
        accounts,
        after.0,
        after.1,
        max,
    )
    .fetch_all(db)
    .await
}
