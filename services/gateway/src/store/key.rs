//! Keys of customers, their secrets, and how often they are used.

use sqlx::{PgExecutor, PgTransaction};
use time::{Date, OffsetDateTime};
use tracing::instrument;

/// A key of a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) purpose: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) calls_per_second: i64,
    pub(crate) calls_per_day: i64,
    pub(crate) create_time: OffsetDateTime,
    pub(crate) expire_time: Option<OffsetDateTime>,
    pub(crate) revoke_time: Option<OffsetDateTime>,
}

/// One secret of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Secret {
    pub(crate) key: String,
    pub(crate) hash: Vec<u8>,
    pub(crate) ending: String,
    pub(crate) create_time: OffsetDateTime,
    pub(crate) expire_time: Option<OffsetDateTime>,
}

/// How often a key is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Use {
    pub(crate) key: String,
    /// Of the day that was asked for.
    pub(crate) calls: i64,
    pub(crate) last_day: Date,
}

/// What changes of a key; `None`: nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change {
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) calls_per_second: Option<i64>,
    pub(crate) calls_per_day: Option<i64>,
    pub(crate) expire_time: Option<OffsetDateTime>,
}

/// The secret that keys the check of ids.
#[instrument(name = "db.id_check.read", skip_all)]
pub(crate) async fn id_check(db: impl PgExecutor<'_>) -> Result<Vec<u8>, sqlx::Error> {
    sqlx::query_scalar!("select secret from gateway.id_check").fetch_one(db).await
}

/// Those keys of these that there are.
#[instrument(name = "db.key.find", skip_all)]
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    keys: &[String],
) -> Result<Vec<Key>, sqlx::Error> {
    sqlx::query_as!(
        Key,
        "
        select
            key, name, purpose, scopes, calls_per_second, calls_per_day, create_time, expire_time, revoke_time
        from gateway.key
        where key = any($1)
        ",
        keys,
    )
    .fetch_all(db)
    .await
}

/// The same for whoever changes it: until the transaction ends nobody else does.
#[instrument(name = "db.key.lock", skip_all)]
pub(crate) async fn lock(
    transaction: &mut PgTransaction<'_>,
    key: &str,
) -> Result<Option<Key>, sqlx::Error> {
    sqlx::query_as!(
        Key,
        "
        select
            key, name, purpose, scopes, calls_per_second, calls_per_day, create_time, expire_time, revoke_time
        from gateway.key
        where key = $1
        for update
        ",
        key,
    )
    .fetch_optional(&mut **transaction)
    .await
}

/// A page of them by name and age, after one; from the first when there is none.
#[instrument(name = "db.key.list", skip_all)]
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Key>, sqlx::Error> {
    sqlx::query_as!(
        Key,
        "
        select
            key, name, purpose, scopes, calls_per_second, calls_per_day, create_time, expire_time, revoke_time
        from gateway.key as key
        where $1::text is null or (name, create_time, key) > (
            select before.name, before.create_time, before.key from gateway.key as before where before.key = $1
        )
        order by name, create_time, key
        limit $2
        ",
        after,
        limit,
    )
    .fetch_all(db)
    .await
}

/// The secrets of keys, the oldest first.
#[instrument(name = "db.key_secret.list", skip_all)]
pub(crate) async fn secrets(
    db: impl PgExecutor<'_>,
    keys: &[String],
) -> Result<Vec<Secret>, sqlx::Error> {
    sqlx::query_as!(
        Secret,
        "
        select key, hash, ending, create_time, expire_time
        from gateway.key_secret
        where key = any($1)
        order by key, create_time, hash
        ",
        keys,
    )
    .fetch_all(db)
    .await
}

/// Adds a key; `false`: one of its name is in use.
#[instrument(name = "db.key.add", skip_all)]
pub(crate) async fn add(
    transaction: &mut PgTransaction<'_>,
    key: &Key,
) -> Result<bool, sqlx::Error> {
    let added = sqlx::query!(
        "
        insert into gateway.key
            (key, name, purpose, scopes, calls_per_second, calls_per_day, create_time, expire_time, revoke_time)
        values ($1, $2, $3, $4, $5, $6, $7, $8, null)
        on conflict (name) where revoke_time is null do nothing
        ",
        key.key,
        key.name,
        key.purpose,
        &key.scopes,
        key.calls_per_second,
        key.calls_per_day,
        key.create_time,
        key.expire_time,
    )
    .execute(&mut **transaction)
    .await?;
    Ok(added.rows_affected() == 1)
}

/// Adds a secret to a key.
#[instrument(name = "db.key_secret.add", skip_all)]
pub(crate) async fn add_secret(
    transaction: &mut PgTransaction<'_>,
    secret: &Secret,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "
        insert into gateway.key_secret (key, hash, ending, create_time, expire_time)
        values ($1, $2, $3, $4, $5)
        ",
        secret.key,
        secret.hash,
        secret.ending,
        secret.create_time,
        secret.expire_time,
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Deletes the secrets of a key that have ended.
#[instrument(name = "db.key_secret.delete", skip_all)]
pub(crate) async fn delete_ended_secrets(
    transaction: &mut PgTransaction<'_>,
    key: &str,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from gateway.key_secret where key = $1 and expire_time <= $2", key, now)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// Says when the secrets of a key end that it has.
#[instrument(name = "db.key_secret.end", skip_all)]
pub(crate) async fn end_secrets(
    transaction: &mut PgTransaction<'_>,
    key: &str,
    time: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!("update gateway.key_secret set expire_time = $2 where key = $1", key, time)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// Changes a key that was locked.
#[instrument(name = "db.key.change", skip_all)]
pub(crate) async fn change(
    transaction: &mut PgTransaction<'_>,
    key: &str,
    change: &Change,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "
        update gateway.key
        set scopes = coalesce($2, scopes),
            calls_per_second = coalesce($3, calls_per_second),
            calls_per_day = coalesce($4, calls_per_day),
            expire_time = coalesce($5, expire_time)
        where key = $1
        ",
        key,
        change.scopes.as_deref(),
        change.calls_per_second,
        change.calls_per_day,
        change.expire_time,
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Takes a key back; `false`: there is none. Whenever it was taken back first stays.
#[instrument(name = "db.key.revoke", skip_all)]
pub(crate) async fn revoke(
    db: impl PgExecutor<'_>,
    key: &str,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let revoked = sqlx::query!(
        "update gateway.key set revoke_time = coalesce(revoke_time, $2) where key = $1",
        key,
        now,
    )
    .execute(db)
    .await?;
    Ok(revoked.rows_affected() == 1)
}

/// How often keys were used on a day, and when last.
#[instrument(name = "db.key_usage.list", skip_all)]
pub(crate) async fn uses(
    db: impl PgExecutor<'_>,
    keys: &[String],
    day: Date,
) -> Result<Vec<Use>, sqlx::Error> {
    sqlx::query_as!(
        Use,
        r#"
        select key, coalesce(sum(calls) filter (where day = $2), 0)::bigint as "calls!", max(day) as "last_day!"
        from gateway.key_usage
        where key = any($1)
        group by key
        "#,
        keys,
        day,
    )
    .fetch_all(db)
    .await
}

/// Adds calls of a day to those of keys.
#[instrument(name = "db.key_usage.add", skip_all)]
pub(crate) async fn add_uses(
    db: impl PgExecutor<'_>,
    day: Date,
    keys: &[String],
    calls: &[i64],
) -> Result<(), sqlx::Error> {
    // In one order, so that two gateways do not wait for one another in a circle.
    sqlx::query!(
        "
        insert into gateway.key_usage as usage (key, day, calls)
        select key, $1, calls from unnest($2::text[], $3::bigint[]) as added (key, calls)
        order by key
        on conflict (key, day) do update set calls = usage.calls + excluded.calls
        ",
        day,
        keys,
        calls,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes what was counted before a day.
#[instrument(name = "db.key_usage.delete", skip_all)]
pub(crate) async fn delete_uses_before(
    db: impl PgExecutor<'_>,
    day: Date,
) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from gateway.key_usage where day < $1", day).execute(db).await?;
    Ok(())
}
