//! Reads that are at least as fresh as a write.

use klout_proto::{
    revision::{Deployment, Revision},
    score::v1::{
        Consistency, GetScoreRequest, Score, consistency::Requirement, get_score_request::Subject,
    },
};
use klout_testkit::{Stores, until};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::world::{World, here, likes, told};

async fn score_as_fresh_as(world: &World, token: String) -> Result<Score, Status> {
    score_with(world, Requirement::AtLeastAsFresh(token)).await
}

async fn score_with(world: &World, requirement: Requirement) -> Result<Score, Status> {
    let request = GetScoreRequest {
        subject: Some(Subject::Person("1".to_owned())),
        consistency: Some(Consistency { requirement: Some(requirement) }),
        ..Default::default()
    };
    let response = world.client().get_score(request).await?.into_inner();
    Ok(response.score.expect("always present"))
}

#[tokio::test]
async fn a_read_sees_the_batch_that_its_token_names() {
    let world = World::start().await;
    world.own(11, 1, 1).await;
    world.apply(likes(1, &[(11, 90, 1)])).await.expect("applied");
    world.scored().await;
    let before = world.score(1).await;

    for id in 2..10 {
        world.apply(likes(id, &[(11, 90 + i64::from(id), 1)])).await.expect("applied");
        let token = Revision::Batches(vec![Uuid::from_bytes([id; 16])]).to_token(here());
        let after = score_as_fresh_as(&world, token).await.expect("fresh");
        assert!(after.score > before.score, "{after:?}");
    }
}

#[tokio::test]
async fn a_read_is_as_fresh_as_a_score_that_was_seen() {
    let world = World::start().await;
    world.own(11, 1, 1).await;
    world.apply(likes(1, &[(11, 90, 1)])).await.expect("applied");
    world.scored().await;
    let seen = world.score(1).await;

    let again = score_as_fresh_as(&world, seen.revision_token.clone()).await.expect("fresh");

    assert_eq!(again.score, seen.score);
}

#[tokio::test]
async fn a_token_that_is_not_reached_in_time_is_told() {
    let settings = [("scoring.freshness_time_max", "100ms")];
    let world = World::start_with(Stores::fresh().await, &settings).await;
    let token = Revision::Batches(vec![Uuid::from_bytes([7; 16])]).to_token(here());

    let refused = score_as_fresh_as(&world, token).await.expect_err("not applied");

    assert_eq!(told(&refused), (Code::Unavailable, "REVISION_NOT_REACHED".to_owned()));
}

#[tokio::test]
async fn a_token_that_is_not_ours_is_refused() {
    let world = World::start().await;
    for token in ["x", "s.", "s.x", "b.zz"] {
        let refused = score_as_fresh_as(&world, token.to_owned()).await.expect_err("not ours");
        assert_eq!(told(&refused), (Code::InvalidArgument, "FIELD_INVALID".to_owned()), "{token}");
    }
}

async fn score_at_most_so_old(world: &World, seconds: i64, nanos: i32) -> Result<Score, Status> {
    let time = prost_types::Duration { seconds, nanos };
    score_with(world, Requirement::MaxStaleness(time)).await
}

#[tokio::test]
async fn a_read_has_what_was_applied_so_long_ago() {
    let settings = [("scoring.freshness_time_max", "100ms")];
    let world = World::start_with(Stores::fresh().await, &settings).await;
    world.own(11, 1, 1).await;
    world.apply(likes(1, &[(11, 90, 1)])).await.expect("applied");
    world.scored().await;
    let before = world.score(1).await;
    assert_eq!(score_at_most_so_old(&world, 0, 0).await.expect("nobody waits"), before);

    // Nobody is scored meanwhile.
    let db = world.stores.db().await;
    let mut lock = db.begin().await.expect("begun");
    sqlx::query("lock table scoring.standing in share row exclusive mode")
        .execute(&mut *lock)
        .await
        .expect("locked");
    world.apply(likes(2, &[(11, 91, 30)])).await.expect("applied");

    let hour = score_at_most_so_old(&world, 3_600, 0).await.expect("it has waited for less");
    assert_eq!(hour.score, before.score);
    let refused = score_at_most_so_old(&world, 0, 0).await.expect_err("not scored yet");
    assert_eq!(told(&refused), (Code::Unavailable, "REVISION_NOT_REACHED".to_owned()));

    lock.rollback().await.expect("unlocked");
    until("it is scored", async || match score_at_most_so_old(&world, 0, 0).await {
        Ok(score) => {
            assert!(score.score > before.score, "{score:?}");
            true
        }
        Err(_) => false,
    })
    .await;
}

#[tokio::test]
async fn no_read_can_be_fresher_than_now() {
    let world = World::start().await;
    for (seconds, nanos) in [(-1, 0), (0, -1)] {
        let refused = score_at_most_so_old(&world, seconds, nanos).await.expect_err("negative");
        assert_eq!(told(&refused), (Code::InvalidArgument, "FIELD_INVALID".to_owned()));
    }
}

#[tokio::test]
async fn a_token_of_another_deployment_is_told() {
    let world = World::start().await;
    let elsewhere = Deployment::of(&[9; 16]);
    for revision in [Revision::Score(1), Revision::Batches(vec![Uuid::nil()])] {
        let token = revision.to_token(elsewhere);
        let refused = score_as_fresh_as(&world, token).await.expect_err("elsewhere");
        assert_eq!(told(&refused), (Code::InvalidArgument, "REVISION_ELSEWHERE".to_owned()));
    }
}
