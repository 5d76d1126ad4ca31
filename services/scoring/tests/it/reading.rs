//! Reading scores.

use klout_chassis::from_row;
use klout_proto::score::v1::{
    BatchLookupScoresRequest, GetScoreRequest, LookupSubject, get_score_request,
    lookup_result::Result as Row, lookup_subject::Subject,
};
use klout_testkit::Stores;
use tonic::{Code, Status};

use crate::world::{World, handle, likes, told};

async fn look_up(world: &World, subjects: Vec<Subject>) -> Result<Vec<Row>, Status> {
    let subjects = subjects.into_iter().map(|subject| LookupSubject { subject: Some(subject) });
    let request = BatchLookupScoresRequest { subjects: subjects.collect() };
    let response = world.client().batch_lookup_scores(request).await?.into_inner();
    Ok(response.results.into_iter().map(|row| row.result.expect("either")).collect())
}

fn person(id: &str) -> Subject {
    Subject::Person(id.to_owned())
}

/// A world in which 1 has three likes and 2 has two.
async fn world_of_two() -> World {
    two_on(Stores::fresh().await).await
}

async fn two_on(stores: Stores) -> World {
    let world = World::start_on(stores).await;
    world.own(11, 1, 1).await;
    world.own(12, 2, 1).await;
    world.apply(likes(1, &[(11, 90, 3), (12, 91, 2)])).await.expect("applied");
    world.scored().await;
    world
}

#[tokio::test]
async fn unknown_is_not_zero_and_pending_is_not_unknown() {
    let world = World::start().await;
    world.own(11, 1, 1).await;
    world.scored().await;

    let (silent, newcomer, visitor) =
        (world.score(1).await, world.score(71).await, world.score(72).await);

    assert_eq!((silent.state.as_str(), silent.score), ("UNKNOWN", None));
    assert_eq!((newcomer.state.as_str(), newcomer.score), ("PENDING", None), "not heard of yet");
    assert_eq!((visitor.state.as_str(), visitor.score), ("UNKNOWN", None), "has no account");
    for score in [silent, newcomer, visitor] {
        assert!(score.score_time.is_some() && !score.model.is_empty() && score.bucket.is_empty());
    }
}

#[tokio::test]
async fn who_is_not_there_is_told_by_reason() {
    let world = World::start().await;
    let unknown = (Code::NotFound, "PERSON_UNKNOWN".to_owned());
    let invalid = (Code::InvalidArgument, "FIELD_INVALID".to_owned());

    assert_eq!(told(&world.try_score("7").await.expect_err("nobody")), unknown);
    for bad in ["", "0", "-1", "ann", "9223372036854775808"] {
        assert_eq!(told(&world.try_score(bad).await.expect_err("no person")), invalid, "{bad}");
    }
    let by_handle = async |name| {
        let subject = Some(get_score_request::Subject::Account(handle(name)));
        let request = GetScoreRequest { subject, ..Default::default() };
        told(&world.client().get_score(request).await.expect_err("refused"))
    };
    assert_eq!(by_handle("nobody").await, unknown);
    let ambiguous = (Code::FailedPrecondition, "HANDLE_AMBIGUOUS".to_owned());
    assert_eq!(by_handle("twin").await, ambiguous);
    let nobody = GetScoreRequest { subject: None, ..Default::default() };
    assert_eq!(told(&world.client().get_score(nobody).await.expect_err("nobody")), invalid);
}

#[tokio::test]
async fn a_look_up_answers_row_by_row_in_the_order_asked() {
    let world = world_of_two().await;

    let rows = look_up(
        &world,
        vec![
            person("2"),
            person("7"),
            Subject::Account(handle("one")),
            person("x"),
            Subject::Account(handle("twin")),
            person("2"),
        ],
    )
    .await
    .expect("looked up");

    let told: Vec<_> = rows
        .iter()
        .map(|row| match row {
            Row::Score(score) => score.person.clone(),
            Row::Status(status) => told(&from_row(status)).1,
        })
        .collect();
    let expected = ["2", "PERSON_UNKNOWN", "1", "FIELD_INVALID", "HANDLE_AMBIGUOUS", "2"];
    assert_eq!(told, expected);
    let Row::Score(score) = &rows[2] else { panic!("{rows:?}") };
    assert_eq!(*score, world.score(1).await, "the same as alone");
}

#[tokio::test]
async fn a_look_up_of_nobody_or_of_too_many_is_refused() {
    let world = World::start().await;

    let refused = look_up(&world, vec![]).await.expect_err("nobody");
    assert_eq!(told(&refused), (Code::InvalidArgument, "SUBJECTS_EMPTY".to_owned()));
    let refused = look_up(&world, vec![person("1"); 1_001]).await.expect_err("too many");
    assert_eq!(told(&refused), (Code::InvalidArgument, "SUBJECTS_TOO_MANY".to_owned()));
    assert_eq!(look_up(&world, vec![person("1"); 1_000]).await.expect("enough").len(), 1_000);
}

#[tokio::test]
async fn without_redis_the_answers_are_the_same() {
    let stores = Stores::fresh().await;
    let with = two_on(stores.clone()).await;
    let cached = (with.score(1).await, with.score(1).await, with.score(2).await);
    with.running.stop().await.expect("stopped in order");

    let without = World::start_on(stores.without_redis()).await;
    without.scored().await;

    assert_eq!(cached, (without.score(1).await, without.score(1).await, without.score(2).await));
}

#[tokio::test]
async fn a_cached_score_makes_way_for_a_newer_one() {
    let world = world_of_two().await;
    let before = world.score(1).await;

    world.apply(likes(2, &[(11, 92, 9)])).await.expect("applied");
    world.scored().await;

    let after = world.score(1).await;
    assert!(after.score > before.score, "{after:?}");
    assert_ne!(after.revision_token, before.revision_token);
}
