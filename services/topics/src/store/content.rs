//! What could be shared: posts of those who are influential on a topic.

use sqlx::PgExecutor;
use tracing::instrument;
use uuid::Uuid;

/// A post that could be shared.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) account: i64,
    pub(crate) person: i64,
    pub(crate) network: String,
    pub(crate) hash: Uuid,
    pub(crate) day: i32,
    pub(crate) links: Vec<String>,
    pub(crate) topics: Vec<i64>,
    pub(crate) weights: Vec<f32>,
}

/// What bounds a search for candidates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// People of one topic.
    pub(crate) experts_max: i64,
    /// Newest posts of one account that are looked through.
    pub(crate) looked_through_max: i64,
    /// Of these, the newest that are about it.
    pub(crate) posts_max: i64,
    /// Candidates in all.
    pub(crate) candidates_max: i64,
}

/// Posts of other members who are influential on `wanted` topics, published from `first_day` to `last_day`, that are
/// about any of `about`: the newest of each.
#[instrument(name = "db.post.candidates", skip_all)]
pub(crate) async fn candidates(
    db: impl PgExecutor<'_>,
    person: i64,
    wanted: &[i64],
    about: &[i64],
    (first_day, last_day): (i32, i32),
    bounds: Bounds,
) -> Result<Vec<Candidate>, sqlx::Error> {
    sqlx::query_as!(
        Candidate,
        r#"
        with expert as materialized (
            select distinct best.person_id
            from unnest($2::bigint[]) as wanted (topic_id)
            cross join lateral (
                select person_id
                from topics.person_topic
                where topic_id = wanted.topic_id and network = '' and shown and person_id <> $1
                order by strength desc, person_id
                limit $6
            ) as best
        )
        select newest.account_id as account, account.person_id as "person!", account.network,
            newest.post_hash as hash, newest.day, newest.links,
            array_agg(topic.topic_id order by topic.topic_id) as "topics!",
            array_agg(topic.weight order by topic.topic_id) as "weights!"
        from expert
        join topics.account as account on account.person_id = expert.person_id
        cross join lateral (
            select account_id, post_hash, signal, day, links
            from (
                select account_id, post_hash, signal, day, links
                from topics.post
                where account_id = account.account_id and told > 0 and day between $4 and $5
                order by day desc, post_hash, signal
                limit $9
            ) as post
            where exists (
                select from topics.post_topic as topic
                where topic.account_id = post.account_id
                    and topic.post_hash = post.post_hash and topic.signal = post.signal
                    and topic.weight > 0 and topic.topic_id = any($3)
            )
            order by day desc, post_hash, signal
            limit $7
        ) as newest
        join topics.post_topic as topic
            on topic.account_id = newest.account_id and topic.post_hash = newest.post_hash
            and topic.signal = newest.signal and topic.weight > 0
        group by newest.account_id, account.person_id, account.network, newest.post_hash,
            newest.signal, newest.day, newest.links
        order by newest.day desc, newest.account_id, newest.post_hash, newest.signal
        limit $8
        "#,
        person,
        wanted,
        about,
        first_day,
        last_day,
        bounds.experts_max,
        bounds.posts_max,
        bounds.candidates_max,
        bounds.looked_through_max,
    )
    .fetch_all(db)
    .await
}

/// Somebody's first reaction to a post.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reactor {
    pub(crate) account: i64,
    pub(crate) hash: Uuid,
    pub(crate) actor: i64,
    pub(crate) day: i32,
}

/// Who reacted to these posts, of each post up to `max`.
#[instrument(name = "db.reaction.reactors", skip_all, fields(posts.len = accounts.len()))]
pub(crate) async fn reactors(
    db: impl PgExecutor<'_>,
    accounts: &[i64],
    hashes: &[Uuid],
    max: i64,
) -> Result<Vec<Reactor>, sqlx::Error> {
    sqlx::query_as!(
        Reactor,
        r#"
        select asked.account_id as "account!", asked.post_hash as "hash!",
            first.actor_id as "actor!", first.day as "day!"
        from unnest($1::bigint[], $2::uuid[]) as asked (account_id, post_hash)
        cross join lateral (
            select actor_id, min(day) as day
            from topics.reaction
            where account_id = asked.account_id and post_hash = asked.post_hash and count > 0
                and actor_id <> 0
            group by actor_id
            order by actor_id
            limit $3
        ) as first
        "#,
        accounts,
        hashes,
        max,
    )
    .fetch_all(db)
    .await
}

/// Which of these posts any of these actors did something about.
#[instrument(name = "db.reaction.reacted_to", skip_all, fields(posts.len = accounts.len()))]
pub(crate) async fn reacted_to(
    db: impl PgExecutor<'_>,
    actors: &[i64],
    accounts: &[i64],
    hashes: &[Uuid],
) -> Result<Vec<(i64, Uuid)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select distinct reaction.account_id, reaction.post_hash
        from unnest($2::bigint[], $3::uuid[]) as asked (account_id, post_hash)
        join topics.reaction as reaction
            on reaction.account_id = asked.account_id and reaction.post_hash = asked.post_hash
        where reaction.actor_id = any($1) and reaction.count > 0
        "#,
        actors,
        accounts,
        hashes,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| (it.account_id, it.post_hash)).collect())
}

/// Those who react to somebody, by account: in the newest `max` reactions to each.
#[instrument(name = "db.reaction.audience", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn audience(
    db: impl PgExecutor<'_>,
    accounts: &[i64],
    (first_day, last_day): (i32, i32),
    max: i64,
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select distinct actor.actor_id as "actor!"
        from unnest($1::bigint[]) as asked (account_id)
        cross join lateral (
            select actor_id
            from topics.reaction
            where account_id = asked.account_id and count > 0 and actor_id <> 0
                and day between $2 and $3
            order by day desc, post_hash, actor_id, kind
            limit $4
        ) as actor
        "#,
        accounts,
        first_day,
        last_day,
        max,
    )
    .fetch_all(db)
    .await
}

/// How many react to each of these accounts, in the newest `max` reactions.
#[instrument(name = "db.reaction.audience_sizes", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn audience_sizes(
    db: impl PgExecutor<'_>,
    accounts: &[i64],
    (first_day, last_day): (i32, i32),
    max: i64,
) -> Result<Vec<(i64, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select asked.account_id as "account!", audience.size as "size!"
        from unnest($1::bigint[]) as asked (account_id)
        cross join lateral (
            select count(distinct actor_id) as size
            from (
                select actor_id
                from topics.reaction
                where account_id = asked.account_id and count > 0 and actor_id <> 0
                    and day between $2 and $3
                order by day desc, post_hash, actor_id, kind
                limit $4
            ) as actors
        ) as audience
        "#,
        accounts,
        first_day,
        last_day,
        max,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| (it.account, it.size)).collect())
}

/// The links that these accounts shared from a day on, up to `max`.
#[instrument(name = "db.post.links", skip_all)]
pub(crate) async fn links(
    db: impl PgExecutor<'_>,
    accounts: &[i64],
    first_day: i32,
    max: i64,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select distinct link as "link!"
        from topics.post as post
        cross join unnest(post.links) as link
        where post.account_id = any($1) and post.told > 0 and post.day >= $2
        limit $3
        "#,
        accounts,
        first_day,
        max,
    )
    .fetch_all(db)
    .await
}
