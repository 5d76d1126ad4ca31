//! `topics.post`: what members published.

use std::{collections::BTreeMap, time::Duration};

use klout_store::interval;
use sqlx::{PgConnection, PgExecutor};
use tracing::instrument;
use uuid::Uuid;

use crate::batch::{PostChange, PostKey};

/// What posts have that is one list each: joined for the statement, which takes no lists of lists.
const SEPARATOR: &str = "\u{1f}";

/// Adds posts, which are read as soon as somebody owns them. Of what was taken back nothing stays but that.
#[instrument(name = "db.post.add", skip_all, fields(posts.len = posts.len()))]
pub(crate) async fn add(
    db: impl PgExecutor<'_>,
    posts: &BTreeMap<PostKey, PostChange>,
    owners: &BTreeMap<i64, i64>,
) -> Result<(), sqlx::Error> {
    let accounts: Vec<_> = posts.keys().map(|(account, ..)| *account).collect();
    let hashes: Vec<_> = posts.keys().map(|(_, hash, _)| *hash).collect();
    let signals: Vec<_> = posts.keys().map(|(.., signal)| *signal).collect();
    let owned: Vec<_> = posts.keys().map(|it| owners.contains_key(&it.0)).collect();
    let days: Vec<_> = posts.values().map(|post| post.day).collect();
    let told: Vec<_> = posts.values().map(|post| post.told).collect();
    let texts: Vec<_> = posts.values().map(|post| post.text.as_deref()).collect();
    let links: Vec<_> = posts.values().map(|post| post.links.join(SEPARATOR)).collect();
    let tags: Vec<_> = posts.values().map(|post| post.tags.join(SEPARATOR)).collect();
    sqlx::query!(
        r#"
        insert into topics.post as post
            (account_id, post_hash, signal, day, told, owned, text, links, tags)
        select account_id, post_hash, signal, day, told, owned,
            case when told > 0 then text end,
            case when told > 0 then string_to_array(links, $10) else '{}' end,
            case when told > 0 then string_to_array(tags, $10) else '{}' end
        from unnest(
            $1::bigint[], $2::uuid[], $3::bigint[], $4::integer[], $5::bigint[], $6::text[],
            $7::text[], $8::text[], $9::boolean[]
        ) as new (account_id, post_hash, signal, day, told, text, links, tags, owned)
        on conflict on constraint post_pkey do update
        set told = post.told + excluded.told, owned = excluded.owned, read_generation = 0,
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
        &owned,
        SEPARATOR,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Keeps the posts of these accounts, whose owner is another now, or lets them wait for one. What they are about
/// depends on the owner, so they are read again, whoever owned them before.
#[instrument(name = "db.post.own", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn own(
    db: impl PgExecutor<'_>,
    accounts: &[i64],
    owned: bool,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update topics.post
        set owned = $2, read_generation = 0, take_time = case when $2 then take_time else now() end
        where account_id = any($1)
        "#,
        accounts,
        owned,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Drops the posts of these accounts that have waited for `time`, with what they were about.
#[instrument(name = "db.post.drop_of", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn drop_of(
    db: impl PgExecutor<'_>,
    accounts: &[i64],
    time: Duration,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with gone as (
            delete from topics.post
            where account_id = any($1) and take_time <= now() - $2::interval
            returning account_id, post_hash, signal
        )
        delete from topics.post_topic as topic
        using gone
        where topic.account_id = gone.account_id and topic.post_hash = gone.post_hash
            and topic.signal = gone.signal
        "#,
        accounts,
        interval(time),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A post to read.
#[derive(Clone, Debug)]
pub(crate) struct Unread {
    pub(crate) account: i64,
    pub(crate) hash: Uuid,
    pub(crate) signal: i64,
    pub(crate) told: i64,
    pub(crate) text: Option<String>,
    pub(crate) links: Vec<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) person: i64,
}

/// Up to `max` posts of members that were not read with this generation of the ontology, which nobody else reads
/// or changes until the transaction ends. Those of authors of whom something else is known now come first, then
/// new ones. What a version before wrote as owned waits until it is known by whom.
#[instrument(name = "db.post.take_unread", skip_all)]
pub(crate) async fn take_unread(
    db: &mut PgConnection,
    generation: i64,
    max: i64,
) -> Result<Vec<Unread>, sqlx::Error> {
    sqlx::query_as!(
        Unread,
        r#"
        select post.account_id as account, post.post_hash as hash, post.signal, post.told,
            post.text, post.links, post.tags, account.person_id as "person!"
        from topics.post as post
        join topics.account as account on account.account_id = post.account_id
        where post.owned and post.read_generation < $1 and account.person_id is not null
        order by post.read_generation, post.account_id
        limit $2
        for update of post skip locked
        "#,
        generation,
        max,
    )
    .fetch_all(db)
    .await
}

/// Notes that locked posts were read.
#[instrument(name = "db.post.mark_read", skip_all, fields(posts.len = posts.len()))]
pub(crate) async fn mark_read(
    db: &mut PgConnection,
    posts: &[PostKey],
    generation: i64,
) -> Result<(), sqlx::Error> {
    let accounts: Vec<_> = posts.iter().map(|it| it.0).collect();
    let hashes: Vec<_> = posts.iter().map(|it| it.1).collect();
    let signals: Vec<_> = posts.iter().map(|it| it.2).collect();
    sqlx::query!(
        r#"
        update topics.post as post
        set read_generation = $4
        from unnest($1::bigint[], $2::uuid[], $3::bigint[]) as read (account_id, post_hash, signal)
        where post.account_id = read.account_id and post.post_hash = read.post_hash
            and post.signal = read.signal
        "#,
        &accounts,
        &hashes,
        &signals,
        generation,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Has all posts of these people read again, also those that were not read yet: whoever reads one right now, which
/// this waits for, may not know what changed. In the order of the key, as posts are added.
#[instrument(name = "db.post.read_again", skip_all, fields(people.len = people.len()))]
pub(crate) async fn read_again(db: impl PgExecutor<'_>, people: &[i64]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with theirs as (
            select post.account_id, post.post_hash, post.signal
            from topics.account as account
            join topics.post as post on post.account_id = account.account_id
            where account.person_id = any($1) and post.owned
            order by post.account_id, post.post_hash, post.signal
            for update of post
        )
        update topics.post as post
        set read_generation = -1
        from theirs
        where post.account_id = theirs.account_id and post.post_hash = theirs.post_hash
            and post.signal = theirs.signal
        "#,
        people,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How many posts are to be read.
#[instrument(name = "db.post.count_unread", skip_all)]
pub(crate) async fn count_unread(
    db: impl PgExecutor<'_>,
    generation: i64,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from topics.post as post
        join topics.account as account on account.account_id = post.account_id
        where post.owned and post.read_generation < $1 and account.person_id is not null
        "#,
        generation,
    )
    .fetch_one(db)
    .await
}

/// What is to be read, besides what is new.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unfinished {
    /// Whether some were read with an edition before.
    pub(crate) of_before: bool,
    /// Whether some are to be read again since what is known of their author is another.
    pub(crate) again: bool,
}

/// Whether anything is to be read besides what is new.
#[instrument(name = "db.post.unfinished", skip_all)]
pub(crate) async fn unfinished(
    db: impl PgExecutor<'_>,
    generation: i64,
) -> Result<Unfinished, sqlx::Error> {
    sqlx::query_as!(
        Unfinished,
        r#"
        select exists (
                select from topics.post
                where owned and read_generation > 0 and read_generation < $1
            ) as "of_before!",
            exists (select from topics.post where owned and read_generation < 0) as "again!"
        "#,
        generation,
    )
    .fetch_one(db)
    .await
}

/// Drops what is older than anybody asks for.
#[instrument(name = "db.post.expire", skip_all)]
pub(crate) async fn expire(
    db: impl PgExecutor<'_>,
    before_day: i32,
    max: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        with old as (
            select account_id, post_hash, signal
            from topics.post
            where day < $1
            limit $2
            for update skip locked
        ),
        topics as (
            delete from topics.post_topic as topic
            using old
            where topic.account_id = old.account_id and topic.post_hash = old.post_hash
                and topic.signal = old.signal
        )
        delete from topics.post as post
        using old
        where post.account_id = old.account_id and post.post_hash = old.post_hash
            and post.signal = old.signal
        "#,
        before_day,
        max,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// What a post says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    pub(crate) account: i64,
    pub(crate) hash: Uuid,
    pub(crate) excerpt: Option<String>,
    pub(crate) links: Vec<String>,
    /// What in it is about the topics that were asked for.
    pub(crate) words: Vec<String>,
}

/// What these posts say, of several editions of one the first with a text, and what in them is about topics.
#[instrument(name = "db.post.said", skip_all, fields(posts.len = accounts.len()))]
pub(crate) async fn said(
    db: impl PgExecutor<'_>,
    accounts: &[i64],
    hashes: &[Uuid],
    topics: &[i64],
    characters: usize,
) -> Result<Vec<Said>, sqlx::Error> {
    sqlx::query_as!(
        Said,
        r#"
        select distinct on (post.account_id, post.post_hash)
            post.account_id as account, post.post_hash as hash, left(post.text, $4) as excerpt,
            post.links,
            coalesce((
                select array_agg(distinct word)
                from topics.post_topic as topic
                cross join unnest(topic.words) as word
                where topic.account_id = post.account_id and topic.post_hash = post.post_hash
                    and topic.signal = post.signal and topic.topic_id = any($3)
                    and topic.weight > 0
            ), '{}') as "words!"
        from unnest($1::bigint[], $2::uuid[]) as asked (account_id, post_hash)
        join topics.post as post
            on post.account_id = asked.account_id and post.post_hash = asked.post_hash
            and post.told > 0
        order by post.account_id, post.post_hash, post.text is null, post.signal
        "#,
        accounts,
        hashes,
        topics,
        i32::try_from(characters).unwrap_or(i32::MAX),
    )
    .fetch_all(db)
    .await
}
