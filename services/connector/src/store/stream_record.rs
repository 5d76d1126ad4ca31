//! `connector.stream_record`: which record told which signals.

use sqlx::{PgConnection, PgExecutor};
use tracing::instrument;
use uuid::Uuid;

/// A record, by who wrote it and a hash of what they call it.
pub(crate) type RecordId = (i64, i64);

/// A signal that a record told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) actor_account_id: i64,
    pub(crate) record_id: i64,
    pub(crate) subject_account_id: i64,
    pub(crate) signal_id: Uuid,
    pub(crate) post_hash: Option<Uuid>,
    pub(crate) day: i32,
    pub(crate) part: i16,
    pub(crate) kind: Option<i16>,
    pub(crate) own: bool,
}

/// Which of these records are known, whether they were taken back or not.
#[instrument(name = "db.stream_record.known", skip_all, fields(records.len = records.len()))]
pub(crate) async fn known(
    db: impl PgExecutor<'_>,
    records: &[RecordId],
) -> Result<Vec<RecordId>, sqlx::Error> {
    let (actors, ids): (Vec<_>, Vec<_>) = records.iter().copied().unzip();
    let rows = sqlx::query!(
        r#"
        select distinct record.actor_account_id, record.record_id
        from unnest($1::bigint[], $2::bigint[]) as asked (actor_account_id, record_id)
        join connector.stream_record as record using (actor_account_id, record_id)
        "#,
        &actors,
        &ids,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| (it.actor_account_id, it.record_id)).collect())
}

/// Notes what records told, each once.
#[instrument(name = "db.stream_record.append", skip_all, fields(rows.len = rows.len()))]
pub(crate) async fn append(
    db: &mut PgConnection,
    rows: &[Row],
    read_day: i32,
) -> Result<(), sqlx::Error> {
    let actors: Vec<_> = rows.iter().map(|it| it.actor_account_id).collect();
    let records: Vec<_> = rows.iter().map(|it| it.record_id).collect();
    let subjects: Vec<_> = rows.iter().map(|it| it.subject_account_id).collect();
    let signals: Vec<_> = rows.iter().map(|it| it.signal_id).collect();
    let posts: Vec<_> = rows.iter().map(|it| it.post_hash).collect();
    let days: Vec<_> = rows.iter().map(|it| it.day).collect();
    let parts: Vec<_> = rows.iter().map(|it| it.part).collect();
    let kinds: Vec<_> = rows.iter().map(|it| it.kind).collect();
    let own: Vec<_> = rows.iter().map(|it| it.own).collect();
    sqlx::query!(
        r#"
        insert into connector.stream_record (actor_account_id, record_id, subject_account_id,
            signal_id, post_hash, day, read_day, part, kind, own)
        select actor, record, subject, signal, post, day, $10::integer, part, kind, own
        from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::uuid[], $5::uuid[],
                $6::integer[], $7::smallint[], $8::smallint[], $9::boolean[])
            as new (actor, record, subject, signal, post, day, part, kind, own)
        on conflict on constraint stream_record_pkey do nothing
        "#,
        &actors,
        &records,
        &subjects,
        &signals,
        &posts as &[Option<Uuid>],
        &days,
        &parts,
        &kinds as &[Option<i16>],
        &own,
        read_day,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that records are taken back. Returns what they told.
#[instrument(name = "db.stream_record.take_back", skip_all, fields(records.len = records.len()))]
pub(crate) async fn take_back(
    db: &mut PgConnection,
    records: &[RecordId],
) -> Result<Vec<Row>, sqlx::Error> {
    let (actors, ids): (Vec<_>, Vec<_>) = records.iter().copied().unzip();
    sqlx::query_as!(
        Row,
        r#"
        update connector.stream_record as record
        set gone = true
        from unnest($1::bigint[], $2::bigint[]) as asked (actor_account_id, record_id)
        where record.actor_account_id = asked.actor_account_id
            and record.record_id = asked.record_id
            and not record.gone
        returning record.actor_account_id, record.record_id, record.subject_account_id,
            record.signal_id, record.post_hash, record.day, record.part, record.kind, record.own
        "#,
        &actors,
        &ids,
    )
    .fetch_all(db)
    .await
}

/// Notes that up to `max` of the signals of an account's records are taken back. Returns them.
#[instrument(name = "db.stream_record.take_back_all", skip_all)]
pub(crate) async fn take_back_all(
    db: &mut PgConnection,
    actor: i64,
    max: i64,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"
        update connector.stream_record
        set gone = true
        where (actor_account_id, record_id, part) in (
            select actor_account_id, record_id, part
            from connector.stream_record
            where actor_account_id = $1 and not gone
            limit $2
        )
        returning actor_account_id, record_id, subject_account_id, signal_id, post_hash, day, part,
            kind, own
        "#,
        actor,
        max,
    )
    .fetch_all(db)
    .await
}

/// Deletes up to `max` rows that were read before a day. Returns how many there were.
#[instrument(name = "db.stream_record.drop", skip_all)]
pub(crate) async fn drop_before(
    db: impl PgExecutor<'_>,
    day: i32,
    max: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        delete from connector.stream_record
        where (actor_account_id, record_id, part) in (
            select actor_account_id, record_id, part
            from connector.stream_record
            where read_day < $1
            limit $2
        )
        "#,
        day,
        max,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Deletes what is left about accounts that were erased.
#[instrument(name = "db.stream_record.forget_subjects", skip_all)]
pub(crate) async fn forget_subjects(db: impl PgExecutor<'_>) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        delete from connector.stream_record as record
        using connector.erased_account as erased
        where record.subject_account_id = erased.account_id
            and (erased.through_day is null or record.day <= erased.through_day)
        "#,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Deletes up to `max` rows of what accounts did of which nothing is taken in whatever the day. Returns how many there
/// were.
#[instrument(name = "db.stream_record.forget", skip_all)]
pub(crate) async fn forget(
    db: impl PgExecutor<'_>,
    actors: &[i64],
    max: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        delete from connector.stream_record
        where (actor_account_id, record_id, part) in (
            select actor_account_id, record_id, part
            from connector.stream_record as record
            where actor_account_id = any($1) and not exists (
                select from connector.erased_account
                where account_id = record.actor_account_id
                    and through_day is not null and through_day < record.day
            )
            limit $2
        )
        "#,
        actors,
        max,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
