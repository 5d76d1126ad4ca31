//! Scores in the memory of several processes, and in Redis between them.

use klout_proto::revision::Revision;
use klout_testkit::{Stores, until};
use redis::AsyncCommands as _;
use tonic::Code;

use crate::world::{World, here, likes, told};

fn revision(token: &str) -> u64 {
    match Revision::from_token(token, here()) {
        Ok(Revision::Score(revision)) => revision,
        other => panic!("a score has the revision of a score: {other:?}"),
    }
}

/// Two replicas on the same stores, with person 1 who has two likes.
async fn two_on(stores: Stores) -> (World, World) {
    let one = World::start_on(stores.clone()).await;
    let other = World::start_on(stores).await;
    one.own(11, 1, 1).await;
    one.apply(likes(1, &[(11, 90, 2)])).await.expect("applied");
    one.scored().await;
    (one, other)
}

async fn a_change_reaches_the_other_replica(stores: Stores) {
    let (one, other) = two_on(stores).await;
    // Both have it in memory.
    let before = one.score(1).await;
    assert_eq!(other.score(1).await, before);

    one.apply(likes(2, &[(11, 91, 30)])).await.expect("applied");
    one.scored().await;

    for replica in [&one, &other] {
        until("a replica serves the newer score", async || {
            replica.score(1).await.score > before.score
        })
        .await;
    }
}

#[tokio::test]
async fn a_change_reaches_the_memory_of_the_other_replica() {
    a_change_reaches_the_other_replica(Stores::fresh().await).await;
}

#[tokio::test]
async fn a_change_reaches_the_memory_of_the_other_replica_without_redis() {
    a_change_reaches_the_other_replica(Stores::fresh().await.without_redis()).await;
}

#[tokio::test]
async fn the_scores_that_a_replica_serves_never_go_back() {
    let (one, other) = two_on(Stores::fresh().await).await;
    let read = async |replica: &World| {
        let mut newest = 0;
        for _ in 0..300 {
            let revision = revision(&replica.score(1).await.revision_token);
            assert!(revision >= newest, "{revision} after {newest}");
            newest = revision;
        }
        newest
    };
    let write = async || {
        for id in 2..12 {
            one.apply(likes(id, &[(11, i64::from(id), 5)])).await.expect("applied");
            one.scored().await;
        }
    };

    let (by_one, by_other, ()) = tokio::join!(read(&one), read(&other), write());

    assert!(by_one > 0 && by_other > 0);
    let newest = revision(&one.score(1).await.revision_token);
    until("both serve the newest", async || {
        revision(&other.score(1).await.revision_token) == newest
    })
    .await;
}

#[tokio::test]
async fn whoever_was_unknown_is_known_as_soon_as_scored() {
    let world = World::start().await;
    let refused = world.try_score("7").await.expect_err("nobody yet");
    assert_eq!(told(&refused), (Code::NotFound, "PERSON_UNKNOWN".to_owned()));

    world.own(17, 7, 1).await;
    world.apply(likes(1, &[(17, 90, 2)])).await.expect("applied");
    world.scored().await;

    until("the newcomer is found", async || world.try_score("7").await.is_ok()).await;
}

/// A replica that has just been started, so that all it knows comes from the stores.
async fn newcomer(stores: &Stores) -> World {
    World::start_on(stores.clone()).await
}

#[tokio::test]
async fn a_redis_that_lost_everything_is_filled_again() {
    let (one, _other) = two_on(Stores::fresh().await).await;
    let score = one.score(1).await;

    one.stores.flush_redis().await;

    assert_eq!(newcomer(&one.stores).await.score(1).await, score);
    let replica = newcomer(&one.stores).await;
    until("Redis has it again", async || {
        replica.score(1).await;
        !one.stores.redis_keys().await.is_empty()
    })
    .await;
}

#[tokio::test]
async fn what_does_not_belong_into_redis_is_not_served() {
    let (one, _other) = two_on(Stores::fresh().await).await;
    one.own(12, 2, 1).await;
    one.apply(likes(9, &[(12, 90, 1), (12, 91, 1), (12, 92, 1)])).await.expect("applied");
    one.scored().await;
    let (score, stranger) = (one.score(1).await, one.score(2).await);
    assert_ne!(score.score, stranger.score);
    until("Redis has both", async || one.stores.redis_keys().await.len() == 2).await;

    let mut redis = one.stores.redis().await;
    let keys = one.stores.redis_keys().await;
    let key = keys.iter().find(|key| key.ends_with("/1")).expect("a key of person 1");
    let other_key = keys.iter().find(|key| key.ends_with("/2")).expect("a key of person 2");
    let others: Vec<u8> = redis.hget(other_key, "value").await.expect("what person 2 has");
    let bad: [&[u8]; 4] = [b"", b"short", b"12345678 not a message", &others];
    for value in bad {
        let put: Result<usize, _> = redis.hset(key, "value", value).await;
        put.expect("put");
        assert_eq!(newcomer(&one.stores).await.score(1).await, score, "{value:?}");
    }
    let gone: Result<usize, _> = redis.del(key).await;
    gone.expect("deleted");
    let put: Result<(), _> = redis.set(key, "somebody else's string").await;
    put.expect("put");
    assert_eq!(newcomer(&one.stores).await.score(1).await, score);
}
