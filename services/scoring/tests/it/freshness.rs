//! Reads that are at least as fresh as a write.

use klout_proto::{
    revision::Revision,
    score::v1::{
        Consistency, GetScoreRequest, Score, consistency::Requirement, get_score_request::Subject,
    },
};
use klout_testkit::Stores;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::world::{World, likes, told};

async fn score_as_fresh_as(world: &World, token: String) -> Result<Score, Status> {
    let requirement = Some(Requirement::AtLeastAsFresh(token));
    let request = GetScoreRequest {
        subject: Some(Subject::Person("1".to_owned())),
        consistency: Some(Consistency { requirement }),
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
        let token = Revision::Batches(vec![Uuid::from_bytes([id; 16])]).to_token();
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
    let token = Revision::Batches(vec![Uuid::from_bytes([7; 16])]).to_token();

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
