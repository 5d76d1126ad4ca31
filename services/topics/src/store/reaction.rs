//! `topics.reaction`: what was done about members and what they publish.

use std::{collections::BTreeMap, time::Duration};

use klout_store::interval;
use sqlx::PgExecutor;
use tracing::instrument;
use uuid::Uuid;

use crate::batch::ReactionKey;

/// Adds reactions.
#[instrument(name = "db.reaction.add", skip_all, fields(reactions.len = reactions.len()))]
pub(crate) async fn add(
    db: impl PgExecutor<'_>,
    reactions: &BTreeMap<ReactionKey, i64>,
) -> Result<(), sqlx::Error> {
    let accounts: Vec<i64> = reactions.keys().map(|it| it.0).collect();
    let hashes: Vec<Uuid> = reactions.keys().map(|it| it.1).collect();
    let actors: Vec<i64> = reactions.keys().map(|it| it.2).collect();
    let kinds: Vec<i16> = reactions.keys().map(|it| it.3.into()).collect();
    let days: Vec<i32> = reactions.keys().map(|it| it.4).collect();
    let counts: Vec<i64> = reactions.values().copied().collect();
    sqlx::query!(
        r#"
        insert into topics.reaction as reaction (account_id, post_hash, actor_id, kind, day, count)
        select *
        from unnest(
            $1::bigint[], $2::uuid[], $3::bigint[], $4::smallint[], $5::integer[], $6::bigint[]
        )
        on conflict on constraint reaction_pkey do update
        set count = reaction.count + excluded.count
        "#,
        &accounts,
        &hashes,
        &actors,
        &kinds,
        &days,
        &counts,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Drops what was done about these accounts, of what has waited for `time`.
#[instrument(name = "db.reaction.drop_of", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn drop_of(
    db: impl PgExecutor<'_>,
    accounts: &[i64],
    time: Duration,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        delete from topics.reaction
        where account_id = any($1) and take_time <= now() - $2::interval
        "#,
        accounts,
        interval(time),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Drops what is older than anybody asks for.
#[instrument(name = "db.reaction.expire", skip_all)]
pub(crate) async fn expire(
    db: impl PgExecutor<'_>,
    before_day: i32,
    max: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        delete from topics.reaction
        where ctid = any(array(
            select ctid from topics.reaction where day < $1 limit $2 for update skip locked
        ))
        "#,
        before_day,
        max,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}
