//! `connector.task`: requests that are due or wait.

use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use tracing::instrument;
use uuid::Uuid;

/// A request to be made, and ours until `leased_until`.
#[derive(Clone, Debug)]
pub(crate) struct Leased {
    pub(crate) account_id: i64,
    pub(crate) task_id: i64,
    pub(crate) host: String,
    pub(crate) content: String,
    pub(crate) part: i32,
    pub(crate) seen_item: Option<Uuid>,
    pub(crate) seen_value: Option<String>,
    pub(crate) attempts: i32,
}

/// A request that is to be made.
#[derive(Clone, Debug)]
pub(crate) struct New {
    pub(crate) host: String,
    pub(crate) content: String,
    pub(crate) part: i32,
    pub(crate) seen: Option<(Uuid, String)>,
}

/// Takes the request that has been due for longest, of a host that may be asked now and whom nobody else asks at this
/// moment, and notes when that host may be asked again.
#[instrument(name = "db.task.lease", skip_all)]
pub(crate) async fn lease(
    db: impl PgExecutor<'_>,
    now: OffsetDateTime,
    leased_until: OffsetDateTime,
    free_time: OffsetDateTime,
) -> Result<Option<Leased>, sqlx::Error> {
    sqlx::query_as!(
        Leased,
        r#"
        with due as (
            select task.account_id, task.task_id, task.host
            from connector.task
            join connector.host using (host)
            where task.due_time <= $1
                and task.leased_until <= $1
                and host.free_time <= $1
                and host.blocked_until <= $1
            order by task.due_time, task.task_id
            limit 1
            for update skip locked
        ),
        paced as (
            update connector.host
            set free_time = $3
            from due
            where host.host = due.host
        )
        update connector.task
        set leased_until = $2, attempts = task.attempts + 1
        from due
        where task.account_id = due.account_id and task.task_id = due.task_id
        returning task.account_id, task.task_id, task.host, task.content, task.part, task.seen_item, task.seen_value,
            task.attempts
        "#,
        now,
        leased_until,
        free_time,
    )
    .fetch_optional(db)
    .await
}

/// Keeps a request leased for longer.
#[instrument(name = "db.task.renew", skip_all)]
pub(crate) async fn renew(
    db: impl PgExecutor<'_>,
    account_id: i64,
    task_id: i64,
    leased_until: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update connector.task
        set leased_until = $3
        where account_id = $1 and task_id = $2
        "#,
        account_id,
        task_id,
        leased_until,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Adds requests to what is to be asked of an account, those first that come first.
#[instrument(name = "db.task.append", skip_all, fields(tasks.len = tasks.len()))]
pub(crate) async fn append(
    db: &mut PgConnection,
    account_id: i64,
    tasks: &[New],
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    let hosts: Vec<&str> = tasks.iter().map(|it| it.host.as_str()).collect();
    let contents: Vec<&str> = tasks.iter().map(|it| it.content.as_str()).collect();
    let parts: Vec<i32> = tasks.iter().map(|it| it.part).collect();
    let items: Vec<Option<Uuid>> =
        tasks.iter().map(|it| it.seen.as_ref().map(|(item, _)| *item)).collect();
    let values: Vec<Option<&str>> =
        tasks.iter().map(|it| it.seen.as_ref().map(|(_, value)| value.as_str())).collect();
    sqlx::query!(
        r#"
        with host as (
            insert into connector.host (host)
            select distinct * from unnest($2::text[])
            on conflict on constraint host_pkey do nothing
        )
        insert into connector.task (account_id, host, content, part, seen_item, seen_value, due_time)
        select $1, host, content, part, seen_item, seen_value, $7
        from unnest($2::text[], $3::text[], $4::integer[], $5::uuid[], $6::text[])
            with ordinality as task (host, content, part, seen_item, seen_value, place)
        order by place
        "#,
        account_id,
        &hosts as &[&str],
        &contents as &[&str],
        &parts,
        &items as &[Option<Uuid>],
        &values as &[Option<&str>],
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ends a request. Returns whether it was there.
#[instrument(name = "db.task.remove", skip_all)]
pub(crate) async fn remove(
    db: &mut PgConnection,
    account_id: i64,
    task_id: i64,
) -> Result<bool, sqlx::Error> {
    let removed = sqlx::query!(
        "delete from connector.task where account_id = $1 and task_id = $2",
        account_id,
        task_id,
    )
    .execute(db)
    .await?;
    Ok(removed.rows_affected() > 0)
}

/// Gives a request back, to be made later.
#[instrument(name = "db.task.put_off", skip_all)]
pub(crate) async fn put_off(
    db: impl PgExecutor<'_>,
    account_id: i64,
    task_id: i64,
    due_time: OffsetDateTime,
    attempts: i32,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update connector.task
        set due_time = $3, attempts = $4, leased_until = '-infinity'
        where account_id = $1 and task_id = $2
        "#,
        account_id,
        task_id,
        due_time,
        attempts,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ends all requests about an account.
#[instrument(name = "db.task.clear", skip_all)]
pub(crate) async fn clear(db: &mut PgConnection, account_id: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from connector.task where account_id = $1", account_id)
        .execute(db)
        .await?;
    Ok(())
}
