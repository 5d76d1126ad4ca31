//! `connector.connection`: accounts that are asked for, and how far that is.

use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use tracing::instrument;

/// A connection, as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) account_id: i64,
    pub(crate) person_id: i64,
    pub(crate) network: String,
    pub(crate) native_id: String,
    pub(crate) handle: Option<String>,
    pub(crate) public_url: String,
    pub(crate) own_url: Option<String>,
    pub(crate) method: String,
    pub(crate) state: String,
    pub(crate) mode: String,
    pub(crate) create_time: OffsetDateTime,
    pub(crate) visit: i32,
    pub(crate) sync_time: Option<OffsetDateTime>,
    pub(crate) next_time: OffsetDateTime,
    pub(crate) error_reason: Option<String>,
    pub(crate) error_message: Option<String>,
    pub(crate) error_time: Option<OffsetDateTime>,
    pub(crate) requests: i64,
    pub(crate) requests_done: i64,
    pub(crate) signals: i64,
    pub(crate) waiting: i32,
    pub(crate) whole_time: Option<OffsetDateTime>,
}

/// An account that is connected.
#[derive(Clone, Debug)]
pub(crate) struct New<'a> {
    pub(crate) account_id: i64,
    pub(crate) person_id: i64,
    pub(crate) network: &'a str,
    pub(crate) native_id: &'a str,
    pub(crate) handle: Option<&'a str>,
    pub(crate) public_url: &'a str,
    pub(crate) own_url: Option<&'a str>,
    pub(crate) method: &'a str,
    pub(crate) now: OffsetDateTime,
}

/// Connects an account, which is due at once, or gives one that is connected new access.
#[instrument(name = "db.connection.open", skip_all)]
pub(crate) async fn open(db: &mut PgConnection, new: &New<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into connector.connection as connection (
            account_id, person_id, network, native_id, handle, public_url, own_url, method, mode, create_time, visit_time,
            next_time, whole_time
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, 'IDLE', $9, $9, $9, null)
        on conflict on constraint connection_pkey do update
        set person_id = excluded.person_id,
            handle = coalesce(excluded.handle, connection.handle),
            public_url = excluded.public_url,
            own_url = excluded.own_url,
            method = excluded.method,
            state = 'ACTIVE',
            next_time = least(connection.next_time, excluded.next_time),
            error_reason = null,
            error_message = null,
            error_time = null,
            error_task = null
        "#,
        new.account_id,
        new.person_id,
        new.network,
        new.native_id,
        new.handle,
        new.public_url,
        new.own_url,
        new.method,
        new.now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// One connection.
#[instrument(name = "db.connection.read", skip_all)]
pub(crate) async fn read(
    db: impl PgExecutor<'_>,
    account_id: i64,
) -> Result<Option<Connection>, sqlx::Error> {
    sqlx::query_as!(
        Connection,
        r#"
        select account_id, person_id, network, native_id, handle, public_url, own_url, method, state, mode, create_time,
            visit, sync_time, next_time, error_reason, error_message, error_time, requests, requests_done,
            signals, waiting, whole_time
        from connector.connection
        where account_id = $1
        "#,
        account_id,
    )
    .fetch_optional(db)
    .await
}

/// One connection, which nobody else writes until the transaction ends.
#[instrument(name = "db.connection.hold", skip_all)]
pub(crate) async fn hold(
    db: &mut PgConnection,
    account_id: i64,
) -> Result<Option<Connection>, sqlx::Error> {
    sqlx::query_as!(
        Connection,
        r#"
        select account_id, person_id, network, native_id, handle, public_url, own_url, method, state, mode, create_time,
            visit, sync_time, next_time, error_reason, error_message, error_time, requests, requests_done,
            signals, waiting, whole_time
        from connector.connection
        where account_id = $1
        for update
        "#,
        account_id,
    )
    .fetch_optional(db)
    .await
}

/// Connections behind `after`, of one person or of everybody, by their accounts.
#[instrument(name = "db.connection.list", skip_all)]
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    person_id: Option<i64>,
    after: i64,
    limit: i64,
) -> Result<Vec<Connection>, sqlx::Error> {
    sqlx::query_as!(
        Connection,
        r#"
        select account_id, person_id, network, native_id, handle, public_url, own_url, method, state, mode, create_time,
            visit, sync_time, next_time, error_reason, error_message, error_time, requests, requests_done,
            signals, waiting, whole_time
        from connector.connection
        where account_id > $2
            and ($1::bigint is null or person_id = $1)
        order by account_id
        limit $3
        "#,
        person_id,
        after,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Those of which the next visit is due, who waited longest first.
#[instrument(name = "db.connection.due", skip_all)]
pub(crate) async fn due(
    db: impl PgExecutor<'_>,
    now: OffsetDateTime,
    limit: i64,
) -> Result<Vec<Connection>, sqlx::Error> {
    sqlx::query_as!(
        Connection,
        r#"
        select account_id, person_id, network, native_id, handle, public_url, own_url, method, state, mode, create_time,
            visit, sync_time, next_time, error_reason, error_message, error_time, requests, requests_done,
            signals, waiting, whole_time
        from connector.connection
        where mode = 'IDLE'
            and next_time <= $1
            and state in ('ACTIVE', 'FAILING')
        order by next_time
        limit $2
        "#,
        now,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Begins a visit with so many requests.
#[instrument(name = "db.connection.begin", skip_all)]
pub(crate) async fn begin(
    db: &mut PgConnection,
    account_id: i64,
    mode: &str,
    waiting: i32,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update connector.connection
        set mode = $2,
            visit = visit + 1,
            visit_time = $4,
            requests_done = 0,
            waiting = $3,
            state = case when state = 'FAILING' then 'ACTIVE' else state end,
            error_reason = null,
            error_message = null,
            error_time = null,
            error_task = null,
            whole_time = case when $2 = 'BACKFILL' then $4 else whole_time end
        where account_id = $1
        "#,
        account_id,
        mode,
        waiting,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Counts requests that came and went. When none is left, the visit has ended.
#[instrument(name = "db.connection.went_on", skip_all)]
pub(crate) async fn went_on(
    db: &mut PgConnection,
    account_id: i64,
    change: i32,
    next_time: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update connector.connection
        set waiting = waiting + $2,
            mode = case when waiting + $2 <= 0 then 'IDLE' else mode end,
            sync_time = case when waiting + $2 <= 0 then visit_time else sync_time end,
            next_time = case when waiting + $2 <= 0 then $3 else next_time end
        where account_id = $1
        "#,
        account_id,
        change,
        next_time,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ends a visit that has not seen all.
#[instrument(name = "db.connection.stop", skip_all)]
pub(crate) async fn stop(
    db: &mut PgConnection,
    account_id: i64,
    state: &str,
    next_time: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update connector.connection
        set state = $2, mode = 'IDLE', waiting = 0, next_time = $3
        where account_id = $1
        "#,
        account_id,
        state,
        next_time,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What an answer adds to a connection. What came in the way of its request does so no more.
#[instrument(name = "db.connection.answered", skip_all)]
pub(crate) async fn answered(
    db: &mut PgConnection,
    account_id: i64,
    task_id: i64,
    handle: Option<&str>,
    signals: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update connector.connection
        set requests = requests + 1,
            requests_done = requests_done + 1,
            signals = signals + $4,
            handle = coalesce($3, handle),
            state = case when state = 'FAILING' and error_task = $2 then 'ACTIVE' else state end,
            error_reason = case when error_task = $2 then null else error_reason end,
            error_message = case when error_task = $2 then null else error_message end,
            error_time = case when error_task = $2 then null else error_time end,
            error_task = nullif(error_task, $2)
        where account_id = $1
        "#,
        account_id,
        task_id,
        handle,
        signals,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes what came in the way of a request, and in which state that leaves the connection, if in another one.
#[instrument(name = "db.connection.failed", skip_all)]
pub(crate) async fn failed(
    db: impl PgExecutor<'_>,
    (account_id, task_id): (i64, i64),
    state: Option<&str>,
    (reason, message): (&str, &str),
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update connector.connection
        set state = case when state in ('ACTIVE', 'FAILING') then coalesce($3, state) else state end,
            error_reason = $4,
            error_message = $5,
            error_time = $6,
            error_task = $2
        where account_id = $1
        "#,
        account_id,
        task_id,
        state,
        reason,
        message,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Has a connection looked at as soon as it can be, all of it once more if `whole`. Whose account was gone may be there
/// again.
#[instrument(name = "db.connection.hasten", skip_all)]
pub(crate) async fn hasten(
    db: impl PgExecutor<'_>,
    account_id: i64,
    whole: bool,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update connector.connection
        set next_time = least(next_time, $2),
            state = case when state = 'GONE' then 'ACTIVE' else state end,
            whole_time = case when $3 or state = 'GONE' then null else whole_time end
        where account_id = $1
        "#,
        account_id,
        now,
        whole,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Holds people, by whoever connects them and by whoever ends what is connected, until the transaction ends. In one order,
/// so that nobody waits for one another.
#[instrument(name = "db.connection.lock_people", skip_all)]
pub(crate) async fn lock_people(db: &mut PgConnection, people: &[i64]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        select pg_advisory_xact_lock(person)
        from (select unnest($1::bigint[]) as person order by 1) as people
        "#,
        people,
    )
    .fetch_all(db)
    .await?;
    Ok(())
}

/// Gives a connection to whoever its account belongs to now.
#[instrument(name = "db.connection.hand_over", skip_all)]
pub(crate) async fn hand_over(
    db: impl PgExecutor<'_>,
    account_id: i64,
    person_id: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update connector.connection set person_id = $2 where account_id = $1",
        account_id,
        person_id,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Who has been merged is who stayed.
#[instrument(name = "db.connection.merge", skip_all)]
pub(crate) async fn merge(
    db: &mut PgConnection,
    people: &[i64],
    into: &[i64],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update connector.connection as connection
        set person_id = merged.into_person
        from unnest($1::bigint[], $2::bigint[]) as merged (person, into_person)
        where connection.person_id = merged.person
        "#,
        people,
        into,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The accounts of these people that are connected.
#[instrument(name = "db.connection.accounts", skip_all)]
pub(crate) async fn accounts(
    db: impl PgExecutor<'_>,
    people: &[i64],
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        "select account_id from connector.connection where person_id = any($1)",
        people,
    )
    .fetch_all(db)
    .await
}

/// Ends connections, with all that hangs on them: their access, what is still to be asked, and what was seen.
#[instrument(name = "db.connection.remove", skip_all)]
pub(crate) async fn remove(db: &mut PgConnection, accounts: &[i64]) -> Result<u64, sqlx::Error> {
    let removed = sqlx::query_scalar!(
        r#"
        with task as (delete from connector.task where account_id = any($1)),
            listed as (delete from connector.listed where account_id = any($1)),
            seen as (delete from connector.seen where account_id = any($1)),
            validator as (delete from connector.validator where account_id = any($1)),
            credential as (delete from connector.credential where account_id = any($1)),
            connection as (delete from connector.connection where account_id = any($1) returning 1)
        select count(*) as "removed!" from connection
        "#,
        accounts,
    )
    .fetch_one(db)
    .await?;
    Ok(removed.unsigned_abs())
}

/// Accounts of a network that are asked for, at most so many.
#[instrument(name = "db.connection.of_network", skip_all)]
pub(crate) async fn of_network(
    db: impl PgExecutor<'_>,
    network: &str,
    max: i64,
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select account_id
        from connector.connection
        where network = $1 and state <> 'GONE'
        limit $2
        "#,
        network,
        max,
    )
    .fetch_all(db)
    .await
}

/// Something about these accounts changed: the next visit begins at once. With what each is called now, if that was told.
#[instrument(name = "db.connection.changed", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn changed(
    db: &mut PgConnection,
    accounts: &[i64],
    handles: &[Option<String>],
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update connector.connection as connection
        set next_time = least(connection.next_time, $3),
            handle = coalesce(changed.handle, connection.handle)
        from unnest($1::bigint[], $2::text[]) as changed (account_id, handle)
        where connection.account_id = changed.account_id and connection.state <> 'GONE'
        "#,
        accounts,
        handles as &[Option<String>],
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}
