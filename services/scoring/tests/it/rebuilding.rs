//! Evidence that is made again from the log.

use klout_chassis::Link;
use klout_proto::{
    score::v1::{
        ExplainScoreRequest, FinishRebuildRequest, GetBacklogRequest, Score, StartRebuildRequest,
        explain_score_request::Subject, score_operator_service_client::ScoreOperatorServiceClient,
    },
    signal::v1::SignalBatch,
};
use klout_testkit::link;
use tonic::Code;

use crate::world::{World, likes, told};

fn operator(world: &World) -> ScoreOperatorServiceClient<Link> {
    ScoreOperatorServiceClient::new(link(&world.running))
}

async fn start(world: &World) -> String {
    let started = operator(world).start_rebuild(StartRebuildRequest {}).await.expect("started");
    started.into_inner().rebuild
}

async fn finish(world: &World, rebuild: String) {
    // Twice is once.
    for _ in 0..2 {
        let request = FinishRebuildRequest { rebuild: rebuild.clone() };
        operator(world).finish_rebuild(request).await.expect("finished");
    }
    world.scored().await;
}

/// What the connector has in its log: likes, and some of them taken back.
fn log() -> Vec<SignalBatch> {
    let mut taken_back = likes(3, &[]);
    taken_back.retracted_interactions = likes(0, &[(11, 92, 30)]).interactions;
    vec![
        likes(1, &[(11, 90, 3), (12, 91, 2)]),
        likes(2, &[(11, 92, 30), (12, 90, 1)]),
        taken_back,
        likes(4, &[(12, 93, 5)]),
    ]
}

async fn world() -> World {
    let world = World::start().await;
    world.own(11, 1, 1).await;
    world.own(12, 2, 1).await;
    for batch in log() {
        world.apply(batch).await.expect("applied");
    }
    world.scored().await;
    world
}

/// What of a score does not hang on when it was made: to the bit.
fn bits(score: &Score) -> [Option<u64>; 5] {
    let numbers = [
        score.score,
        score.confidence,
        score.true_reach,
        score.amplification,
        score.network_impact,
    ];
    numbers.map(|number| number.map(f64::to_bits))
}

async fn scores(world: &World) -> Vec<[Option<u64>; 5]> {
    vec![bits(&world.score(1).await), bits(&world.score(2).await)]
}

#[tokio::test]
async fn scores_made_again_have_the_same_bits_in_any_order_and_with_repetitions() {
    let world = world().await;
    let before = scores(&world).await;

    let rebuild = start(&world).await;
    for batch in log().into_iter().rev().chain(log()) {
        world.apply(batch).await.expect("applied");
    }
    finish(&world, rebuild).await;

    assert_eq!(scores(&world).await, before);
}

#[tokio::test]
async fn while_evidence_is_in_pieces_scores_stay_what_they_were() {
    let world = world().await;
    let before = scores(&world).await;

    start(&world).await;
    world.apply(likes(1, &[(11, 90, 3)])).await.expect("applied");
    let backlog = world.client().get_backlog(GetBacklogRequest {}).await.expect("a backlog");

    assert!(backlog.into_inner().people > 0, "somebody waits");
    assert_eq!(scores(&world).await, before);
    // Also for somebody who has to be read anew.
    let other = World::start_on(world.stores.clone()).await;
    assert_eq!(scores(&other).await, before);
}

#[tokio::test]
async fn a_rebuild_that_broke_off_starts_over() {
    let world = world().await;
    let before = scores(&world).await;
    let broken_off = start(&world).await;
    for batch in log().into_iter().take(2) {
        world.apply(batch).await.expect("applied");
    }
    let request = ExplainScoreRequest {
        subject: Some(Subject::Person("1".to_owned())),
        ..ExplainScoreRequest::default()
    };
    let refused = world.client().explain_score(request).await.expect_err("of a part of it");
    assert_eq!(told(&refused), (Code::Unavailable, "EVIDENCE_INCOMPLETE".to_owned()));

    let rebuild = start(&world).await;
    let request = FinishRebuildRequest { rebuild: broken_off };
    let refused = operator(&world).finish_rebuild(request).await.expect_err("another one goes on");
    assert_eq!(told(&refused), (Code::FailedPrecondition, "REBUILD_UNKNOWN".to_owned()));
    for batch in log() {
        let repeated = world.apply(batch).await.expect("applied");
        assert!(!repeated, "nothing of before is remembered");
    }
    finish(&world, rebuild).await;

    assert_eq!(scores(&world).await, before);
}

#[tokio::test]
async fn what_comes_in_meanwhile_counts_once() {
    let world = world().await;
    let rebuild = start(&world).await;
    // New, and delivered once more with the rest of the log.
    let newest = likes(5, &[(11, 94, 50)]);
    world.apply(newest.clone()).await.expect("applied");
    for batch in log().into_iter().chain([newest.clone()]) {
        world.apply(batch).await.expect("applied");
    }
    finish(&world, rebuild).await;
    let made_again = scores(&world).await;

    let straight = self::world().await;
    straight.apply(newest).await.expect("applied");
    straight.scored().await;
    assert_eq!(made_again, scores(&straight).await);
}

#[tokio::test]
async fn nothing_can_be_finished_that_was_not_begun() {
    let world = World::start().await;
    for (rebuild, code, reason) in [
        ("7", Code::FailedPrecondition, "REBUILD_UNKNOWN"),
        ("the last", Code::InvalidArgument, "FIELD_INVALID"),
    ] {
        let request = FinishRebuildRequest { rebuild: rebuild.to_owned() };
        let refused = operator(&world).finish_rebuild(request).await.expect_err("no rebuild");
        assert_eq!(told(&refused), (code, reason.to_owned()));
    }
}
