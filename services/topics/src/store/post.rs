//! `topics.post`: what members published.

use std::{collections::BTreeMap, time::Duration};

use klout_store::interval;
use sqlx::PgExecutor;
use tracing::instrument;

use crate::batch::{PostChange, PostKey};

/// What posts have that is one list each: joined for the statement, which takes no lists of lists.
const SEPARATOR: &str = "\u{1f}";

/// Adds posts. Of what was taken back nothing stays but that.
#[instrument(name = "db.post.add", skip_all, fields(posts.len = posts.len()))]
pub(crate) async fn add(
    db: impl PgExecutor<'_>,
    posts: &BTreeMap<PostKey, PostChange>,
) -> Result<(), sqlx::Error> {
    let accounts: Vec<_> = posts.keys().map(|(account, ..)| *account).collect();
    let hashes: Vec<_> = posts.keys().map(|(_, hash, _)| *hash).collect();
    let signals: Vec<_> = posts.keys().map(|(.., signal)| *signal).collect();
    let days: Vec<_> = posts.values().map(|post| post.day).collect();
    let told: Vec<_> = posts.values().map(|post| post.told).collect();
    let texts: Vec<_> = posts.values().map(|post| post.text.as_deref()).collect();
    let links: Vec<_> = posts.values().map(|post| post.links.join(SEPARATOR)).collect();
    let tags: Vec<_> = posts.values().map(|post| post.tags.join(SEPARATOR)).collect();
    sqlx::query!(
        r#"
        insert into topics.post as post
            (account_id, post_hash, signal, day, told, text, links, tags)
        select account_id, post_hash, signal, day, told,
            case when told > 0 then text end,
            case when told > 0 then string_to_array(links, $9) else '{}' end,
            case when told > 0 then string_to_array(tags, $9) else '{}' end
        from unnest(
            $1::bigint[], $2::uuid[], $3::bigint[], $4::integer[], $5::bigint[], $6::text[],
            $7::text[], $8::text[]
        ) as new (account_id, post_hash, signal, day, told, text, links, tags)
        on conflict on constraint post_pkey do update
        set told = post.told + excluded.told,
            text = case
                when post.told + excluded.told > 0 then coalesce(excluded.text, post.text)
            end,
            links = case
                when post.told + excluded.told <= 0 then '{}'
                when excluded.links = '{}' then post.links
                else excluded.links
            end,
            tags = case
                when post.told + excluded.told <= 0 then '{}'
                when excluded.tags = '{}' then post.tags
                else excluded.tags
            end
        "#,
        &accounts,
        &hashes,
        &signals,
        &days,
        &told,
        &texts as &[Option<&str>],
        &links,
        &tags,
        SEPARATOR,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Up to `max` accounts with posts that have waited for an owner for `time`.
#[instrument(name = "db.post.accounts_waiting", skip_all)]
pub(crate) async fn accounts_waiting(
    db: impl PgExecutor<'_>,
    time: Duration,
    max: i64,
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select distinct account_id
        from topics.post
        where not owned and take_time < now() - $1::interval
        limit $2
        "#,
        interval(time),
        max,
    )
    .fetch_all(db)
    .await
}

/// Keeps the posts of these accounts.
#[instrument(name = "db.post.own", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn own(db: impl PgExecutor<'_>, accounts: &[i64]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update topics.post set owned = true where account_id = any($1) and not owned",
        accounts,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Drops the posts of these accounts that have waited for `time`.
#[instrument(name = "db.post.drop_of", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn drop_of(
    db: impl PgExecutor<'_>,
    accounts: &[i64],
    time: Duration,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        delete from topics.post
        where account_id = any($1) and not owned and take_time < now() - $2::interval
        "#,
        accounts,
        interval(time),
    )
    .execute(db)
    .await?;
    Ok(())
}
