//! `topics.label`: what members were called.

use std::{collections::BTreeMap, time::Duration};

use klout_store::interval;
use sqlx::PgExecutor;
use tracing::instrument;

use crate::batch::{LabelChange, LabelKey};

/// Adds what people were called. Of what was taken back no words stay.
#[instrument(name = "db.label.add", skip_all, fields(labels.len = labels.len()))]
pub(crate) async fn add(
    db: impl PgExecutor<'_>,
    labels: &BTreeMap<LabelKey, LabelChange>,
) -> Result<(), sqlx::Error> {
    let accounts: Vec<i64> = labels.keys().map(|it| it.0).collect();
    let signals: Vec<i64> = labels.keys().map(|it| it.1).collect();
    let actors: Vec<i64> = labels.values().map(|it| it.actor).collect();
    let kinds: Vec<i16> = labels.values().map(|it| it.kind.code().into()).collect();
    let days: Vec<i32> = labels.values().map(|it| it.day).collect();
    let counts: Vec<i64> = labels.values().map(|it| it.count).collect();
    let told: Vec<i64> = labels.values().map(|it| it.told).collect();
    let words: Vec<Option<&str>> = labels.values().map(|it| it.label.as_deref()).collect();
    sqlx::query!(
        r#"
        insert into topics.label as label
            (account_id, signal, actor_id, kind, day, count, told, label)
        select account_id, signal, actor_id, kind, day, count, told,
            case when told > 0 then label end
        from unnest(
            $1::bigint[], $2::bigint[], $3::bigint[], $4::smallint[], $5::integer[],
            $6::bigint[], $7::bigint[], $8::text[]
        ) as new (account_id, signal, actor_id, kind, day, count, told, label)
        on conflict on constraint label_pkey do update
        set told = label.told + excluded.told,
            label = case
                when label.told + excluded.told > 0 then coalesce(excluded.label, label.label)
            end
        "#,
        &accounts,
        &signals,
        &actors,
        &kinds,
        &days,
        &counts,
        &told,
        &words as &[Option<&str>],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Drops what the owners of these accounts were called, of what has waited for `time`.
#[instrument(name = "db.label.drop_of", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn drop_of(
    db: impl PgExecutor<'_>,
    accounts: &[i64],
    time: Duration,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        delete from topics.label
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
#[instrument(name = "db.label.expire", skip_all)]
pub(crate) async fn expire(
    db: impl PgExecutor<'_>,
    before_day: i32,
    max: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        delete from topics.label
        where ctid = any(array(
            select ctid from topics.label where day < $1 limit $2 for update skip locked
        ))
        "#,
        before_day,
        max,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}
