//! `connector.credential`: access that people gave, sealed.

use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use tracing::instrument;

use crate::seal::Sealed;

/// Access, as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Credential {
    pub(crate) account_id: i64,
    pub(crate) sealed: Vec<u8>,
    pub(crate) key_id: String,
    /// From when on it is of no use; `None`: nobody said.
    pub(crate) expire_time: Option<OffsetDateTime>,
}

/// The access to an account, in place of what was there.
#[instrument(name = "db.credential.write", skip_all)]
pub(crate) async fn write(
    db: &mut PgConnection,
    account_id: i64,
    sealed: &Sealed,
    expire_time: Option<OffsetDateTime>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into connector.credential (account_id, sealed, key_id, expire_time)
        values ($1, $2, $3, $4)
        on conflict on constraint credential_pkey do update
        set sealed = excluded.sealed,
            key_id = excluded.key_id,
            expire_time = excluded.expire_time,
            refreshing_until = '-infinity'
        "#,
        account_id,
        sealed.bytes,
        sealed.key_id,
        expire_time,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The account gives no access any more.
#[instrument(name = "db.credential.remove", skip_all)]
pub(crate) async fn remove(db: &mut PgConnection, account_id: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from connector.credential where account_id = $1", account_id)
        .execute(db)
        .await?;
    Ok(())
}

#[instrument(name = "db.credential.read", skip_all)]
pub(crate) async fn read(
    db: impl PgExecutor<'_>,
    account_id: i64,
) -> Result<Option<Credential>, sqlx::Error> {
    sqlx::query_as!(
        Credential,
        r#"
        select account_id, sealed, key_id, expire_time
        from connector.credential
        where account_id = $1
        "#,
        account_id,
    )
    .fetch_optional(db)
    .await
}

/// Takes the turn to get new access, if nobody has it and the access is still what was read. Returns whether.
#[instrument(name = "db.credential.take_turn", skip_all)]
pub(crate) async fn take_turn(
    db: impl PgExecutor<'_>,
    read: &Credential,
    now: OffsetDateTime,
    until: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let taken = sqlx::query!(
        r#"
        update connector.credential
        set refreshing_until = $4
        where account_id = $1 and sealed = $2 and refreshing_until <= $3
        "#,
        read.account_id,
        read.sealed,
        now,
        until,
    )
    .execute(db)
    .await?;
    Ok(taken.rows_affected() > 0)
}

/// New access in place of what was read, which ends the turn. Whoever connected the account meanwhile gave other access,
/// which stays.
#[instrument(name = "db.credential.renew", skip_all)]
pub(crate) async fn renew(
    db: impl PgExecutor<'_>,
    read: &Credential,
    sealed: &Sealed,
    expire_time: Option<OffsetDateTime>,
) -> Result<bool, sqlx::Error> {
    let renewed = sqlx::query!(
        r#"
        update connector.credential
        set sealed = $3, key_id = $4, expire_time = $5, refreshing_until = '-infinity'
        where account_id = $1 and sealed = $2
        "#,
        read.account_id,
        read.sealed,
        sealed.bytes,
        sealed.key_id,
        expire_time,
    )
    .execute(db)
    .await?;
    Ok(renewed.rows_affected() > 0)
}

/// Ends a turn that brought nothing.
#[instrument(name = "db.credential.end_turn", skip_all)]
pub(crate) async fn end_turn(
    db: impl PgExecutor<'_>,
    read: &Credential,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update connector.credential
        set refreshing_until = '-infinity'
        where account_id = $1 and sealed = $2
        "#,
        read.account_id,
        read.sealed,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Some that are sealed with other keys than `key_id`, and that nobody is about to renew; nobody else gets them until the
/// transaction ends.
#[instrument(name = "db.credential.of_other_keys", skip_all)]
pub(crate) async fn of_other_keys(
    db: &mut PgConnection,
    key_id: &str,
    limit: i64,
) -> Result<Vec<Credential>, sqlx::Error> {
    sqlx::query_as!(
        Credential,
        r#"
        select account_id, sealed, key_id, expire_time
        from connector.credential
        where key_id <> $1 and refreshing_until <= now()
        limit $2
        for update skip locked
        "#,
        key_id,
        limit,
    )
    .fetch_all(db)
    .await
}

#[instrument(name = "db.credential.reseal", skip_all)]
pub(crate) async fn reseal(
    db: &mut PgConnection,
    account_id: i64,
    sealed: &Sealed,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update connector.credential set sealed = $2, key_id = $3 where account_id = $1",
        account_id,
        sealed.bytes,
        sealed.key_id,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Which keys seal how much, registrations included.
#[instrument(name = "db.credential.keys", skip_all)]
pub(crate) async fn keys(db: impl PgExecutor<'_>) -> Result<Vec<(String, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select key_id as "key_id!", count(*) as "count!"
        from (
            select key_id from connector.credential
            union all
            select key_id from connector.registration
        ) as sealed
        group by key_id
        "#,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.key_id, row.count)).collect())
}
