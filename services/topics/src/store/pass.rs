//! `topics.pass`: passes over everybody.

use sqlx::{PgConnection, PgExecutor};
use tracing::instrument;

/// A pass that goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pass {
    pub(crate) pass_id: i64,
    pub(crate) day: i32,
    pub(crate) generation: i64,
    pub(crate) stage: i16,
    pub(crate) up_to: i64,
}

/// The pass that goes on, unless somebody else looks at it; nobody else does until the transaction ends.
#[instrument(name = "db.pass.take", skip_all)]
pub(crate) async fn take(db: &mut PgConnection) -> Result<Option<Pass>, sqlx::Error> {
    sqlx::query_as!(
        Pass,
        r#"
        select pass_id, day, generation, stage, up_to
        from topics.pass
        where end_time is null
        for update skip locked
        "#,
    )
    .fetch_optional(db)
    .await
}

/// What passes are made for: each other value of any asks for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Occasion {
    /// UTC day.
    pub(crate) day: i32,
    /// What scoring knows of actors.
    pub(crate) epoch: i64,
    /// Of the ontology.
    pub(crate) generation: i64,
}

/// The last pass.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Last {
    pub(crate) day: i32,
    pub(crate) epoch: i64,
    pub(crate) generation: i64,
    pub(crate) going_on: bool,
    /// Since it ended.
    pub(crate) seconds: f64,
    /// That it went on.
    pub(crate) work_seconds: f64,
}

/// The last pass, if there was any.
#[instrument(name = "db.pass.last", skip_all)]
pub(crate) async fn last(db: impl PgExecutor<'_>) -> Result<Option<Last>, sqlx::Error> {
    sqlx::query_as!(
        Last,
        r#"
        select day, epoch, generation, end_time is null as "going_on!",
            extract(epoch from now() - coalesce(end_time, now()))::float8 as "seconds!",
            extract(epoch from coalesce(end_time, now()) - begin_time)::float8 as "work_seconds!"
        from topics.pass
        order by pass_id desc
        limit 1
        "#
    )
    .fetch_optional(db)
    .await
}

/// Whether there is anybody whom a pass would be over.
#[instrument(name = "db.person.any", skip_all)]
pub(crate) async fn anybody(db: impl PgExecutor<'_>) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"select exists (select from topics.person) as "any!""#)
        .fetch_one(db)
        .await
}

/// Begins a pass, unless one goes on or nobody has joined.
#[instrument(name = "db.pass.begin", skip_all)]
pub(crate) async fn begin(db: impl PgExecutor<'_>, of: Occasion) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        insert into topics.pass (day, epoch, generation)
        select $1, $2, $3
        where exists (select from topics.person)
            and not exists (select from topics.pass where end_time is null)
            and not exists (
                select from (select * from topics.pass order by pass_id desc limit 1) as last
                where (day, epoch, generation) = ($1, $2, $3)
            )
        on conflict do nothing
        "#,
        of.day,
        of.epoch,
        of.generation,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The stage of the pass that goes on.
#[instrument(name = "db.pass.stage", skip_all)]
pub(crate) async fn stage(db: impl PgExecutor<'_>) -> Result<Option<i16>, sqlx::Error> {
    sqlx::query_scalar!("select stage from topics.pass where end_time is null")
        .fetch_optional(db)
        .await
}

/// The last pass that found out which topics are related; 0: none has.
#[instrument(name = "db.pass.last_related", skip_all)]
pub(crate) async fn last_related(db: impl PgExecutor<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select coalesce(max(pass_id), 0) as "pass!" from topics.pass where stage >= 3"#
    )
    .fetch_one(db)
    .await
}

/// Forgets passes of before, but for the last.
#[instrument(name = "db.pass.forget", skip_all)]
pub(crate) async fn forget(db: impl PgExecutor<'_>, before: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from topics.pass where pass_id < $1 and end_time is not null", before)
        .execute(db)
        .await?;
    Ok(())
}

/// Goes on to a stage.
#[instrument(name = "db.pass.go_on", skip_all)]
pub(crate) async fn go_on(
    db: impl PgExecutor<'_>,
    pass: i64,
    stage: i16,
    up_to: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update topics.pass set stage = $2, up_to = $3 where pass_id = $1",
        pass,
        stage,
        up_to,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ends a pass.
#[instrument(name = "db.pass.end", skip_all)]
pub(crate) async fn end(db: impl PgExecutor<'_>, pass: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("update topics.pass set end_time = now() where pass_id = $1", pass)
        .execute(db)
        .await?;
    Ok(())
}

/// Whether a pass goes on.
#[instrument(name = "db.pass.any", skip_all)]
pub(crate) async fn any(db: impl PgExecutor<'_>) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from topics.pass where end_time is null) as "any!""#
    )
    .fetch_one(db)
    .await
}
