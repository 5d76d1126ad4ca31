//! `topics.post_topic`: what posts are about.

use std::collections::BTreeMap;

use sqlx::{PgConnection, PgExecutor};
use tracing::instrument;

use crate::batch::{PostChange, PostKey};

/// What phrases of a topic are joined with for the statement, which takes no lists of lists.
const SEPARATOR: &str = "\u{1f}";

/// A topic of a post.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewTopic {
    pub(crate) post: PostKey,
    pub(crate) topic: i64,
    /// 0: the post is not about it, to those who know its author.
    pub(crate) weight: f32,
    /// 0: the post is not about it by its words alone.
    pub(crate) alone: f32,
    pub(crate) words: Vec<String>,
}

/// Forgets what posts of a batch were about that are there no more.
#[instrument(name = "db.post_topic.drop_of_retracted", skip_all)]
pub(crate) async fn drop_of_retracted(
    db: impl PgExecutor<'_>,
    posts: &BTreeMap<PostKey, PostChange>,
) -> Result<(), sqlx::Error> {
    let retracted = || posts.iter().filter(|(_, change)| change.told < 0).map(|(key, _)| *key);
    let accounts: Vec<_> = retracted().map(|it| it.0).collect();
    let hashes: Vec<_> = retracted().map(|it| it.1).collect();
    let signals: Vec<_> = retracted().map(|it| it.2).collect();
    if accounts.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        delete from topics.post_topic as topic
        using unnest($1::bigint[], $2::uuid[], $3::bigint[]) as old (account_id, post_hash, signal),
            topics.post as post
        where topic.account_id = old.account_id and topic.post_hash = old.post_hash
            and topic.signal = old.signal
            and post.account_id = old.account_id and post.post_hash = old.post_hash
            and post.signal = old.signal and post.told <= 0
        "#,
        &accounts,
        &hashes,
        &signals,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Writes what locked posts are about, in place of what was known of them.
#[instrument(name = "db.post_topic.renew", skip_all, fields(posts.len = posts.len()))]
pub(crate) async fn renew(
    db: &mut PgConnection,
    posts: &[PostKey],
    topics: &[NewTopic],
) -> Result<(), sqlx::Error> {
    let accounts: Vec<_> = posts.iter().map(|it| it.0).collect();
    let hashes: Vec<_> = posts.iter().map(|it| it.1).collect();
    let signals: Vec<_> = posts.iter().map(|it| it.2).collect();
    sqlx::query!(
        r#"
        delete from topics.post_topic as topic
        using unnest($1::bigint[], $2::uuid[], $3::bigint[]) as old (account_id, post_hash, signal)
        where topic.account_id = old.account_id and topic.post_hash = old.post_hash
            and topic.signal = old.signal
        "#,
        &accounts,
        &hashes,
        &signals,
    )
    .execute(&mut *db)
    .await?;
    insert(db, topics).await
}

async fn insert(db: &mut PgConnection, topics: &[NewTopic]) -> Result<(), sqlx::Error> {
    let accounts: Vec<_> = topics.iter().map(|it| it.post.0).collect();
    let hashes: Vec<_> = topics.iter().map(|it| it.post.1).collect();
    let signals: Vec<_> = topics.iter().map(|it| it.post.2).collect();
    let ids: Vec<_> = topics.iter().map(|it| it.topic).collect();
    let weights: Vec<_> = topics.iter().map(|it| it.weight).collect();
    let alone: Vec<_> = topics.iter().map(|it| it.alone).collect();
    let words: Vec<_> = topics.iter().map(|it| it.words.join(SEPARATOR)).collect();
    sqlx::query!(
        r#"
        insert into topics.post_topic
            (account_id, post_hash, signal, topic_id, weight, alone, words)
        select account_id, post_hash, signal, topic_id, weight, alone, string_to_array(words, $8)
        from unnest(
            $1::bigint[], $2::uuid[], $3::bigint[], $4::bigint[], $5::real[], $6::real[],
            $7::text[]
        ) as new (account_id, post_hash, signal, topic_id, weight, alone, words)
        "#,
        &accounts,
        &hashes,
        &signals,
        &ids,
        &weights,
        &alone,
        &words,
        SEPARATOR,
    )
    .execute(db)
    .await?;
    Ok(())
}
