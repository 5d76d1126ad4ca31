//! `social_graph.block`: from whom members take nothing.

use sqlx::PgExecutor;
use time::OffsetDateTime;
use tracing::instrument;

use super::plus_k::Place;

/// Somebody who is blocked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blocked {
    pub(crate) person: i64,
    pub(crate) time: OffsetDateTime,
}

/// Whether `person` blocks `other`.
#[instrument(name = "db.block.is_there", skip_all)]
pub(crate) async fn is_there(
    db: impl PgExecutor<'_>,
    person: i64,
    other: i64,
) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "select person_id from social_graph.block where person_id = $1 and blocked_id = $2",
        person,
        other,
    )
    .fetch_optional(db)
    .await?;
    Ok(found.is_some())
}

/// Adds a block, unless it is there.
#[instrument(name = "db.block.add", skip_all)]
pub(crate) async fn add(
    db: impl PgExecutor<'_>,
    person: i64,
    blocked: i64,
    time: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into social_graph.block (person_id, blocked_id, block_time)
        values ($1, $2, $3)
        on conflict on constraint block_pkey do nothing
        "#,
        person,
        blocked,
        time,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ends a block.
#[instrument(name = "db.block.remove", skip_all)]
pub(crate) async fn remove(
    db: impl PgExecutor<'_>,
    person: i64,
    blocked: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from social_graph.block where person_id = $1 and blocked_id = $2",
        person,
        blocked,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How many people somebody blocks.
#[instrument(name = "db.block.count", skip_all)]
pub(crate) async fn count(db: impl PgExecutor<'_>, person: i64) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from social_graph.block where person_id = $1"#,
        person,
    )
    .fetch_one(db)
    .await
}

/// Whom somebody blocks and who is still a member, newest first.
#[instrument(name = "db.block.list", skip_all)]
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    person: i64,
    after: Option<Place>,
    max: i64,
) -> Result<Vec<Blocked>, sqlx::Error> {
    let (time, id) = after.map_or((None, i64::MAX), |it| (Some(it.time), it.id));
    sqlx::query_as!(
        Blocked,
        r#"
        select blocked_id as person, block_time as time
        from social_graph.block
        join social_graph.person as blocked on blocked.person_id = blocked_id
        where block.person_id = $1 and blocked.state = 'MEMBER'
            and (block_time, blocked_id) < (coalesce($2, timestamptz 'infinity'), $3::bigint)
        order by block_time desc, blocked_id desc
        limit $4
        "#,
        person,
        time,
        id,
        max,
    )
    .fetch_all(db)
    .await
}
