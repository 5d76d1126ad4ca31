//! Evidence of members, and of nobody else.

use klout_proto::{
    graph::v1::Membership,
    signal::v1::{BatchedPost, BatchedText, SignalBatch},
};
use klout_testkit::until;
use tonic::Code;

use crate::{
    signals::{batch, known_for, likes, lists, post, says, text},
    world::{NETWORK, TODAY, World},
};

/// Nothing waits, and it is looked often.
const AT_ONCE: [(&str, &str); 2] =
    [("topics.unowned_time_max", "0s"), ("topics.sweep_interval", "10ms")];

fn membership(account_id: i64, person_id: i64, revision: u64) -> Membership {
    let (country, city) = (String::new(), String::new());
    Membership { account_id, network: NETWORK.to_owned(), person_id, revision, country, city }
}

#[tokio::test]
async fn a_batch_is_kept_once_with_what_its_posts_say() {
    let world = World::start(&[]).await;
    let posts = vec![post(1, 7), post(1, 8)];
    let batch = SignalBatch { posts, texts: vec![text(1, 7, "hello")], ..batch() };

    assert!(!world.apply(batch.clone()).await.expect("applied"));
    assert!(world.apply(batch).await.expect("repeated"));

    let tags = vec!["bread".to_owned(), "two words".to_owned()];
    assert_eq!(world.posts().await, [(1, Some("hello".to_owned()), tags), (1, None, vec![])]);
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
        let said: Vec<_> = posts.iter().map(|post| post.1.as_deref()).collect();
        assert_eq!(said, [Some("second")], "{order:?}");
    }
}

#[tokio::test]
async fn what_is_about_those_who_never_joined_is_dropped() {
    let world = World::start(&AT_ONCE).await;
    world.members.know(membership(1, 71, 1));
    for account in [1, 2] {
        world.apply(says(account, 7, 0, "tomatoes")).await.expect("applied");
        world.apply(likes(account, 7, 2)).await.expect("applied");
        world.apply(lists(account, "tomatoes", 2)).await.expect("applied");
    }

    until("what is about the stranger is dropped", async || {
        world.rows("account").await == 1 && world.rows("post").await == 1
    })
    .await;
    assert_eq!(world.posts().await[0].0, 1);
    assert_eq!([world.rows("reaction").await, world.rows("label").await], [4, 2]);
}

#[tokio::test]
async fn posts_stay_while_their_owner_may_still_join() {
    let flags = [("topics.unowned_time_max", "1h"), ("topics.sweep_interval", "10ms")];
    let world = World::start(&flags).await;
    let age = async |account: i64, minutes: i32| {
        for (table, column) in [("post", "take_time"), ("account", "waiting_since")] {
            let statement = format!(
                "update topics.{table} set {column} = now() - make_interval(mins => $2)
                where account_id = $1"
            );
            sqlx::query(sqlx::AssertSqlSafe(statement))
                .bind(account)
                .bind(minutes)
                .execute(&world.stores.db().await)
                .await
                .expect("aged");
        }
    };
    for account in [2, 3] {
        world.apply(SignalBatch { posts: vec![post(account, 8)], ..batch() }).await.expect("kept");
    }
    // A sweep has gone over the younger one by the time that the older one is dropped.
    age(2, 59).await;
    age(3, 120).await;

    until("the older one is dropped", async || world.rows("post").await == 1).await;
    assert_eq!(world.posts().await[0].0, 2);
}

#[tokio::test]
async fn what_a_version_before_kept_is_read_when_its_owner_is_known() {
    let world = World::in_the_garden().await;
    let db = world.stores.db().await;
    for batch in known_for(1, "tomatoes", 4) {
        world.apply(batch).await.expect("applied");
    }
    sqlx::query("update topics.post set owned = true").execute(&db).await.expect("as before");
    // The reader has had its turn by the time that somebody else's posts are read.
    world.join(2, 72).await;
    for batch in known_for(2, "tomatoes", 4) {
        world.apply(batch).await.expect("applied");
    }
    world.settled().await;
    assert_eq!(world.people("tomatoes").await, [72]);

    world.join(1, 71).await;
    world.settled().await;
    assert_eq!(world.people("tomatoes").await.len(), 2);
}

#[tokio::test]
async fn posts_of_accounts_that_are_not_known_are_asked_about() {
    let world = World::start(&AT_ONCE).await;
    world.members.know(membership(1, 71, 1));
    sqlx::query(
        "insert into topics.post (account_id, post_hash, signal, day, told, owned, links, tags)
        select account_id, gen_random_uuid(), 1, $1, 1, account_id < 3, '{}', '{}'
        from generate_series(1, 3) as account_id",
    )
    .bind(TODAY)
    .execute(&world.stores.db().await)
    .await
    .expect("as a process of the version before leaves them");

    until("those of strangers are dropped", async || world.rows("post").await == 1).await;
    world.settled().await;
    assert_eq!(world.posts().await[0].0, 1);
}

#[tokio::test]
async fn what_changes_hands_is_read_as_the_new_owners() {
    let world = World::in_the_garden().await;
    world.join(1, 71).await;
    world.declare(71, &["diabetes"]).await.expect("declared");
    for batch in known_for(1, "diabetes", 4) {
        world.apply(batch).await.expect("applied");
    }
    world.settled().await;
    assert!(world.rows("post_topic").await > 0);

    world.tell(membership(1, 72, 2)).await;
    world.settled().await;
    assert_eq!(world.rows("post_topic").await, 0, "the new owner has not declared it");
}

#[tokio::test]
async fn old_evidence_is_dropped() {
    let world = World::start(&[]).await;
    world.apply(says(1, 7, 200, "tomatoes")).await.expect("applied");
    world.apply(says(1, 8, 100, "tomatoes")).await.expect("applied");

    let _beside = world.beside().await;
    until("it is dropped", async || world.rows("post").await == 1).await;
}

#[tokio::test]
async fn who_leaves_is_listed_no_more_and_forgotten() {
    let world = World::start(&AT_ONCE).await;
    world.import("1", &[("garden.toml", crate::world::GARDEN)]).await.expect("an ontology");
    world.join(1, 71).await;
    for batch in known_for(1, "tomatoes", 4) {
        world.apply(batch).await.expect("applied");
    }
    world.settled().await;
    assert_eq!(world.people("tomatoes").await, [71]);

    world.tell(membership(1, 0, 2)).await;

    assert_eq!(world.people("tomatoes").await, [0_i64; 0], "at once");
    until("nothing is left", async || world.rows("post").await == 0).await;
    world.tell(membership(1, 71, 1)).await;
    world.settled().await;
    assert_eq!(world.people("tomatoes").await, [0_i64; 0], "what is told late changes nothing");
}

#[tokio::test]
async fn what_other_services_do_not_send_is_refused() {
    let world = World::start(&[]).await;
    let refused = world.apply(SignalBatch::default()).await.expect_err("no id");
    assert_eq!(refused.code(), Code::InvalidArgument);
}
