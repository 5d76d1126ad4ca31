//! Posts of members, and of nobody else.

use klout_proto::signal::v1::{BatchedPost, BatchedText, SignalBatch};
use klout_testkit::until;
use tonic::Code;

use crate::world::{World, batch, post, text};

/// Nothing waits, and it is looked often.
const AT_ONCE: [(&str, &str); 2] =
    [("topics.unowned_time_max", "0s"), ("topics.sweep_interval", "10ms")];

#[tokio::test]
async fn a_batch_is_kept_once_with_what_its_posts_say() {
    let world = World::start(&[]).await;
    let posts = vec![post(1, 7), post(1, 8)];
    let batch = SignalBatch { posts, texts: vec![text(1, 7, "hello")], ..batch() };

    assert!(!world.apply(batch.clone()).await.expect("applied"));
    assert!(world.apply(batch).await.expect("repeated"));

    let mut kept = world.posts().await;
    kept.sort();
    let tags = vec!["bread".to_owned(), "two words".to_owned()];
    assert_eq!(kept, [(1, 17_000, None, vec![]), (1, 17_000, Some("hello".to_owned()), tags)]);
}

#[tokio::test]
async fn of_a_post_that_is_taken_back_nothing_is_kept_in_any_order() {
    for told_first in [true, false] {
        let world = World::start(&[]).await;
        let told =
            SignalBatch { posts: vec![post(1, 7)], texts: vec![text(1, 7, "hello")], ..batch() };
        let retracted = SignalBatch { retracted_posts: vec![post(1, 7)], ..batch() };
        let batches = if told_first { [told, retracted] } else { [retracted, told] };
        for batch in batches {
            world.apply(batch).await.expect("applied");
        }
        assert_eq!(world.posts().await, []);
        let said: Option<String> = sqlx::query_scalar("select text from topics.post")
            .fetch_one(&world.stores.db().await)
            .await
            .expect("a row");
        assert_eq!(said, None, "its text is gone");
    }
}

#[tokio::test]
async fn of_an_edited_post_the_edition_stays_that_was_not_taken_back_in_any_order() {
    let edition = |signal: u64, said: &str| SignalBatch {
        posts: vec![BatchedPost { signal, ..post(1, 7) }],
        texts: vec![BatchedText { signal, ..text(1, 7, said) }],
        ..batch()
    };
    let retracted =
        SignalBatch { retracted_posts: vec![BatchedPost { signal: 1, ..post(1, 7) }], ..batch() };
    let batches = [edition(1, "first"), retracted, edition(2, "second")];
    for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
        let world = World::start(&[]).await;
        for index in order {
            world.apply(batches[index].clone()).await.expect("applied");
        }
        let posts = world.posts().await;
        let said: Vec<_> = posts.iter().map(|post| post.2.as_deref()).collect();
        assert_eq!(said, [Some("second")], "{order:?}");
    }
}

#[tokio::test]
async fn posts_of_those_who_never_joined_are_dropped() {
    let world = World::start(&AT_ONCE).await;
    world.members.join(1);
    let posts = vec![post(1, 7), post(2, 8)];
    let batch =
        SignalBatch { posts, texts: vec![text(1, 7, "mine"), text(2, 8, "theirs")], ..batch() };
    world.apply(batch).await.expect("applied");

    until("the stranger's post is dropped", async || world.rows().await == 1).await;
    assert_eq!(world.posts().await[0].2.as_deref(), Some("mine"));
}

#[tokio::test]
async fn posts_stay_while_their_owner_may_still_join() {
    let flags = [("topics.unowned_time_max", "1h"), ("topics.sweep_interval", "10ms")];
    let world = World::start(&flags).await;
    world.apply(SignalBatch { posts: vec![post(2, 8)], ..batch() }).await.expect("applied");
    // A sweep has run by the time that this one has gone through it as well.
    sqlx::query("update topics.post set take_time = now() - interval '59 minutes'")
        .execute(&world.stores.db().await)
        .await
        .expect("aged");
    world.apply(SignalBatch { posts: vec![post(3, 9)], ..batch() }).await.expect("applied");
    sqlx::query(
        "update topics.post set take_time = now() - interval '2 hours' where account_id = 3",
    )
    .execute(&world.stores.db().await)
    .await
    .expect("aged");

    until("the older one is dropped", async || world.rows().await == 1).await;
    assert_eq!(world.posts().await[0].0, 2);
}

#[tokio::test]
async fn what_the_connector_does_not_send_is_refused() {
    let world = World::start(&[]).await;
    let refused = world.apply(SignalBatch::default()).await.expect_err("no id");
    assert_eq!(refused.code(), Code::InvalidArgument);
}
