//! What a batch of signals tells of posts. No database.

use std::collections::BTreeMap;

use klout_proto::signal::v1::{BatchedPost, BatchedText, SignalBatch};
use uuid::Uuid;

use crate::error::Error;

/// A post of an account as one signal told it, in the order of the table's key.
pub(crate) type PostKey = (i64, Uuid, i64);

/// What a batch says of a post.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PostChange {
    /// The earliest day that was told.
    pub(crate) day: i32,
    /// How often it was told, less how often it was taken back.
    pub(crate) told: i64,
    pub(crate) text: Option<String>,
    pub(crate) links: Vec<String>,
    pub(crate) tags: Vec<String>,
}

/// What of one batch belongs to topics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Posts {
    pub(crate) batch_id: Uuid,
    pub(crate) posts: BTreeMap<PostKey, PostChange>,
}

/// Sums a batch up.
///
/// # Errors
///
/// [`Error::BatchMalformed`] when it is not what the connector sends.
pub(crate) fn posts(batch: SignalBatch) -> Result<Posts, Error> {
    let batch_id = uuid(&batch.batch_id, "batch_id is not 16 bytes")?;
    let mut posts = Posts { batch_id, ..Posts::default() };
    for (told, all) in [(1, batch.posts), (-1, batch.retracted_posts)] {
        all.into_iter().try_for_each(|post| posts.add(told, &post))?;
    }
    batch.texts.into_iter().try_for_each(|text| posts.say(text))?;
    Ok(posts)
}

// === impl Posts ===

impl Posts {
    fn add(&mut self, told: i64, post: &BatchedPost) -> Result<(), Error> {
        let hash = uuid(&post.post_hash, "a post hash is not 16 bytes")?;
        let key = (post.account_id, hash, post.signal.cast_signed());
        let change = PostChange { day: post.day, ..PostChange::default() };
        let change = self.posts.entry(key).or_insert(change);
        change.day = post.day.min(change.day);
        change.told += told;
        Ok(())
    }

    fn say(&mut self, text: BatchedText) -> Result<(), Error> {
        let hash = uuid(&text.post_hash, "a post hash is not 16 bytes")?;
        let change = self.posts.get_mut(&(text.account_id, hash, text.signal.cast_signed()));
        let change = change.ok_or(Error::BatchMalformed { problem: "a text without a post" })?;
        (change.text, change.links, change.tags) = (text.text, text.links, text.tags);
        Ok(())
    }
}

fn uuid(bytes: &[u8], problem: &'static str) -> Result<Uuid, Error> {
    Uuid::from_slice(bytes).map_err(|_| Error::BatchMalformed { problem })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(day: i32) -> BatchedPost {
        BatchedPost {
            account_id: 1,
            network: "bluesky".to_owned(),
            post_hash: vec![7; 16],
            day,
            signal: 3,
        }
    }

    fn text(text: &str) -> BatchedText {
        BatchedText {
            account_id: 1,
            post_hash: vec![7; 16],
            text: Some(text.to_owned()),
            signal: 3,
            ..BatchedText::default()
        }
    }

    fn batch() -> SignalBatch {
        SignalBatch { batch_id: vec![1; 16], ..SignalBatch::default() }
    }

    #[test]
    fn a_post_comes_with_what_it_says() {
        let batch = SignalBatch { posts: vec![post(9)], texts: vec![text("a")], ..batch() };
        let posts = posts(batch).expect("one of ours").posts;
        let change = &posts[&(1, Uuid::from_bytes([7; 16]), 3)];
        assert_eq!((change.day, change.told, change.text.as_deref()), (9, 1, Some("a")));
    }

    #[test]
    fn what_is_told_and_taken_back_is_told_no_more() {
        let batch = SignalBatch { posts: vec![post(9)], retracted_posts: vec![post(9)], ..batch() };
        let posts = posts(batch).expect("one of ours").posts;
        assert!(posts.values().all(|change| change.told == 0));
    }

    #[test]
    fn what_the_connector_does_not_send_is_refused() {
        assert!(posts(SignalBatch::default()).is_err(), "no id");
        assert!(posts(SignalBatch { texts: vec![text("a")], ..batch() }).is_err(), "no post");
        let broken = BatchedPost { post_hash: vec![1], ..post(1) };
        assert!(posts(SignalBatch { posts: vec![broken], ..batch() }).is_err());
    }
}
