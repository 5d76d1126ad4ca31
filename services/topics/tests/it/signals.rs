//! Batches as the connector pushes them.

use klout_proto::signal::v1::{
    BatchedInteraction, BatchedLabel, BatchedPost, BatchedText, SignalBatch,
};
use uuid::Uuid;

use crate::world::{NETWORK, TODAY};

/// The first of the accounts that react in these tests.
pub(crate) const FANS: i64 = 1_000;

/// A batch with an id of its own.
pub(crate) fn batch() -> SignalBatch {
    SignalBatch { batch_id: Uuid::new_v4().into_bytes().to_vec(), ..SignalBatch::default() }
}

fn hash(post: u64) -> Vec<u8> {
    let mut bytes = vec![7; 8];
    bytes.extend(post.to_be_bytes());
    bytes
}

pub(crate) fn post(account_id: i64, post: u64) -> BatchedPost {
    BatchedPost {
        account_id,
        network: NETWORK.to_owned(),
        post_hash: hash(post),
        day: TODAY,
        signal: post,
    }
}

pub(crate) fn text(account_id: i64, post: u64, text: &str) -> BatchedText {
    BatchedText {
        account_id,
        post_hash: hash(post),
        text: Some(text.to_owned()),
        links: Vec::new(),
        tags: vec!["bread".to_owned(), "two words".to_owned()],
        signal: post,
    }
}

/// Somebody writes something.
pub(crate) fn says(account: i64, number: u64, days_ago: i32, words: &str) -> SignalBatch {
    let post = BatchedPost { day: TODAY - days_ago, ..post(account, number) };
    let text = BatchedText { tags: Vec::new(), ..text(account, number, words) };
    SignalBatch { posts: vec![post], texts: vec![text], ..batch() }
}

/// The first so many fans like a post.
pub(crate) fn likes(account: i64, number: u64, fans: i64) -> SignalBatch {
    let interactions =
        (FANS..FANS + fans).map(|actor| interaction("like", actor, account, Some(number)));
    SignalBatch { interactions: interactions.collect(), ..batch() }
}

pub(crate) fn interaction(
    kind: &str,
    actor: i64,
    subject: i64,
    post: Option<u64>,
) -> BatchedInteraction {
    BatchedInteraction {
        subject_account_id: subject,
        actor_account_id: Some(actor),
        network: NETWORK.to_owned(),
        kind: kind.to_owned(),
        day: TODAY,
        count: 1,
        post_hash: post.map(hash),
        signal: None,
    }
}

/// The first so many fans put somebody on a list of that name.
pub(crate) fn lists(account: i64, name: &str, fans: i64) -> SignalBatch {
    let mut all = batch();
    for actor in FANS..FANS + fans {
        let signal = actor.cast_unsigned();
        let listed = interaction("list", actor, account, None);
        all.interactions.push(BatchedInteraction { signal: Some(signal), ..listed });
        all.labels.push(BatchedLabel { account_id: account, signal, label: name.to_owned() });
    }
    all
}

/// The same batch with everything in it taken back, under another id.
pub(crate) fn retracted(told: &SignalBatch) -> SignalBatch {
    SignalBatch {
        retracted_posts: told.posts.clone(),
        retracted_interactions: told.interactions.clone(),
        ..batch()
    }
}

/// Three posts about something on three days, each liked by so many fans: enough to be known for it by.
pub(crate) fn known_for(account: i64, words: &str, fans: i64) -> Vec<SignalBatch> {
    let mut batches = Vec::new();
    for number in 0..3_u8 {
        let post = account.unsigned_abs() * 1_000 + u64::from(number);
        batches.push(says(account, post, i32::from(number), words));
        batches.push(likes(account, post, fans));
    }
    batches
}
