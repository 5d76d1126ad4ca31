//! What is known of people and topics, out of all tables of evidence.

use futures::stream::BoxStream;
use sqlx::{PgConnection, PgExecutor};
use tracing::instrument;
use uuid::Uuid;

/// A topic of a post in the window.
#[derive(Clone, Debug)]
pub(crate) struct PostTopic {
    pub(crate) account: i64,
    pub(crate) hash: Uuid,
    pub(crate) day: i32,
    pub(crate) topic: i64,
    pub(crate) weight: f32,
    /// What said so, joined with [`SEPARATOR`].
    pub(crate) words: String,
}

/// What words are joined with.
pub(crate) const SEPARATOR: char = '\u{1f}';

/// Streams what the posts of these accounts are about that were published from `first_day` to `last_day`: of each
/// account the newest `max`, in the order of accounts and posts.
pub(crate) fn posts<'a>(
    db: &'a mut PgConnection,
    accounts: &'a [i64],
    first_day: i32,
    last_day: i32,
    max: i64,
) -> BoxStream<'a, Result<PostTopic, sqlx::Error>> {
    sqlx::query_as!(
        PostTopic,
        r#"
        select newest.account_id as "account!", newest.post_hash as "hash!", newest.day as "day!",
            topic.topic_id as "topic!", max(topic.weight) as "weight!",
            max(array_to_string(topic.words, $5)) as "words!"
        from unnest($1::bigint[]) as asked (account_id)
        cross join lateral (
            select account_id, post_hash, min(day) as day
            from topics.post
            where account_id = asked.account_id and told > 0 and day between $2 and $3
            group by account_id, post_hash
            order by min(day) desc, post_hash
            limit $4
        ) as newest
        join topics.post as post
            on post.account_id = newest.account_id and post.post_hash = newest.post_hash
            and post.told > 0
        join topics.post_topic as topic
            on topic.account_id = post.account_id and topic.post_hash = post.post_hash
            and topic.signal = post.signal and topic.weight > 0
        group by newest.account_id, newest.post_hash, newest.day, topic.topic_id
        order by newest.account_id, newest.post_hash, topic.topic_id
        "#,
        accounts,
        first_day,
        last_day,
        max,
        SEPARATOR.to_string(),
    )
    .fetch(db)
}

/// What somebody did about a post.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reaction {
    pub(crate) account: i64,
    pub(crate) hash: Uuid,
    /// 0: the network does not tell.
    pub(crate) actor: i64,
    pub(crate) kind: i16,
    pub(crate) day: i32,
    pub(crate) count: i64,
}

/// Streams what was done about posts of these accounts from `first_day` to `last_day`, of each account the newest
/// `max` rows.
pub(crate) fn reactions<'a>(
    db: &'a mut PgConnection,
    accounts: &'a [i64],
    first_day: i32,
    last_day: i32,
    max: i64,
) -> BoxStream<'a, Result<Reaction, sqlx::Error>> {
    sqlx::query_as!(
        Reaction,
        r#"
        select newest.account_id as "account!", newest.post_hash as "hash!",
            newest.actor_id as "actor!", newest.kind as "kind!", newest.day as "day!",
            newest.count as "count!"
        from unnest($1::bigint[]) as asked (account_id)
        cross join lateral (
            select account_id, post_hash, actor_id, kind, day, count
            from topics.reaction
            where account_id = asked.account_id and count > 0 and day between $2 and $3
                and post_hash <> '00000000-0000-0000-0000-000000000000'::uuid
            order by day desc, post_hash, actor_id, kind
            limit $4
        ) as newest
        "#,
        accounts,
        first_day,
        last_day,
        max,
    )
    .fetch(db)
}

/// What somebody called a person.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    pub(crate) account: i64,
    /// 0: the network does not tell.
    pub(crate) actor: i64,
    pub(crate) kind: i16,
    pub(crate) day: i32,
    pub(crate) count: i64,
    pub(crate) label: String,
}

/// What the owners of these accounts were called from `first_day` to `last_day`, of each account the newest `max`
/// times.
#[instrument(name = "db.label.of_accounts", skip_all)]
pub(crate) async fn labels(
    db: &mut PgConnection,
    accounts: &[i64],
    first_day: i32,
    last_day: i32,
    max: i64,
) -> Result<Vec<Label>, sqlx::Error> {
    sqlx::query_as!(
        Label,
        r#"
        select newest.account_id as "account!", newest.actor_id as "actor!",
            newest.kind as "kind!", newest.day as "day!", newest.count as "count!",
            newest.label as "label!"
        from unnest($1::bigint[]) as asked (account_id)
        cross join lateral (
            select account_id, signal, actor_id, kind, day, count, label
            from topics.label
            where account_id = asked.account_id and told > 0 and label is not null
                and day between $2 and $3
            order by day desc, signal
            limit $4
        ) as newest
        order by newest.account_id, newest.day, newest.signal
        "#,
        accounts,
        first_day,
        last_day,
        max,
    )
    .fetch_all(db)
    .await
}

/// What somebody did about a member on a day.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tie {
    pub(crate) actor: i64,
    /// The member.
    pub(crate) person: i64,
    pub(crate) kind: i16,
    pub(crate) day: i32,
    pub(crate) count: i64,
}

/// What these accounts did about members from `first_day` to `last_day`, by day: of each account the newest `max`.
#[instrument(name = "db.reaction.ties", skip_all)]
pub(crate) async fn ties(
    db: &mut PgConnection,
    accounts: &[i64],
    first_day: i32,
    last_day: i32,
    max: i64,
) -> Result<Vec<Tie>, sqlx::Error> {
    sqlx::query_as!(
        Tie,
        r#"
        select newest.actor_id as "actor!", newest.person_id as "person!", newest.kind as "kind!",
            newest.day as "day!", newest.count as "count!"
        from unnest($1::bigint[]) as asked (account_id)
        cross join lateral (
            select reaction.actor_id, account.person_id, reaction.kind, reaction.day,
                sum(reaction.count)::bigint as count
            from topics.reaction as reaction
            join topics.account as account on account.account_id = reaction.account_id
            where reaction.actor_id = asked.account_id and reaction.actor_id <> 0
                and reaction.count > 0 and reaction.day between $2 and $3
                and account.person_id is not null
            group by reaction.actor_id, account.person_id, reaction.kind, reaction.day
            order by reaction.day desc, account.person_id, reaction.kind
            limit $4
        ) as newest
        order by newest.person_id
        "#,
        accounts,
        first_day,
        last_day,
        max,
    )
    .fetch_all(db)
    .await
}

/// What the posts of people in the window are about by their words alone: of each person the `max` topics that most
/// posts are about, at least `posts_min`. Person and topic.
#[instrument(name = "db.post_topic.known_for", skip_all, fields(people.len = people.len()))]
pub(crate) async fn known_for(
    db: &mut PgConnection,
    people: &[i64],
    first_day: i32,
    last_day: i32,
    posts_min: i64,
    max: i64,
) -> Result<Vec<(i64, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select asked.person_id as "person!", topics.topic_id as "topic!"
        from unnest($1::bigint[]) as asked (person_id)
        cross join lateral (
            select topic.topic_id, count(distinct (topic.account_id, topic.post_hash)) as posts
            from topics.account as account
            join topics.post as post on post.account_id = account.account_id
            join topics.post_topic as topic
                on topic.account_id = post.account_id and topic.post_hash = post.post_hash
                and topic.signal = post.signal
            where account.person_id = asked.person_id and post.told > 0
                and post.day between $2 and $3 and topic.alone > 0
            group by topic.topic_id
            having count(distinct (topic.account_id, topic.post_hash)) >= $4
            order by posts desc, topic.topic_id
            limit $5
        ) as topics
        order by 1, 2
        "#,
        people,
        first_day,
        last_day,
        posts_min,
        max,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| (it.person, it.topic)).collect())
}

/// How many rows of evidence there are about each of these people, who have any.
#[instrument(name = "db.evidence.sizes", skip_all, fields(people.len = people.len()))]
pub(crate) async fn sizes(
    db: impl PgExecutor<'_>,
    people: &[i64],
) -> Result<Vec<(i64, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select account.person_id as "person!",
            sum(
                (
                    select count(*) from topics.post_topic
                    where post_topic.account_id = account.account_id
                )
                + (
                    select count(*) from topics.reaction
                    where reaction.account_id = account.account_id
                )
            )::bigint as "rows!"
        from topics.account as account
        where account.person_id = any($1)
        group by account.person_id
        "#,
        people,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| (it.person, it.rows)).collect())
}
