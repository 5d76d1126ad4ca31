//! Passes over everybody.

use klout_proto::score::v1::{
    GetRescoreRequest, GetScoreRequest, ListScoresRequest, Rescore, Score, StartRescoreRequest,
    get_score_request::Subject,
};
use klout_testkit::{Stores, evidence, until};
use tonic::Code;

use crate::world::{AS_OF, World, likes, retracted, told};

/// Members 1 to 4 who own 11 to 14, and react to one another and to 90, who is nobody.
async fn town(world: &World) {
    for person in 1..=4 {
        world.own(10 + person, person, 1).await;
    }
    let batch = likes(
        1,
        &[
            (11, 12, 1),
            (11, 13, 1),
            (12, 13, 1),
            (90, 13, 1),
            (90, 14, 1),
            (14, 90, 1),
            (14, 91, 1),
        ],
    );
    world.apply(batch).await.expect("applied");
}

async fn all(world: &World) -> Vec<Score> {
    let mut scores = Vec::new();
    for person in 1..=4 {
        scores.push(world.score(person).await);
    }
    scores
}

/// What a score says, but for which pass and write it is of.
fn said(scores: &[Score]) -> Vec<[Option<f64>; 4]> {
    scores.iter().map(|it| [it.score, it.percentile, it.true_reach, it.network_impact]).collect()
}

#[tokio::test]
async fn a_pass_finds_out_who_is_credible_and_says_how_far_it_is() {
    let world = World::start().await;
    town(&world).await;
    let pass = world.passed().await;
    assert_eq!((pass.state.as_str(), pass.people, pass.people_done), ("DONE", 4, 4));
    assert_eq!((pass.cells, pass.resumptions, pass.problem.as_str()), (7, 0, ""));
    assert!(pass.end_time.is_some() && pass.epoch > 0, "{pass:?}");

    let scores = all(&world).await;
    assert!(scores.iter().all(|score| score.epoch == pass.epoch && score.model == pass.model));
    // Two members made 90 somebody, and nobody made 91 so.
    assert!(scores[3].true_reach.is_some_and(|reach| reach > 0.5 && reach < 1.0), "{scores:?}");
    assert_eq!(scores[2].state, "UNKNOWN", "who only reacts has no evidence");
}

#[tokio::test]
async fn who_is_rescored_after_a_pass_gets_its_bits() {
    let world = World::start().await;
    town(&world).await;
    world.passed().await;
    let passed = all(&world).await;
    // Evidence comes and goes again, so everybody is scored anew and nothing is another one.
    let more = likes(2, &[(11, 95, 1), (12, 95, 1), (13, 95, 1), (14, 95, 1)]);
    world.apply(more.clone()).await.expect("applied");
    world.scored().await;
    let with_more = all(&world).await;
    assert!(with_more.iter().zip(&passed).all(|(more, less)| more.score > less.score));
    world.apply(retracted(3, &more)).await.expect("applied");
    world.scored().await;
    let again = all(&world).await;
    assert!(again.iter().zip(&passed).all(|(again, before)| {
        again.revision_token != before.revision_token && again.epoch == before.epoch
    }));
    assert_eq!(said(&again), said(&passed));
}

#[tokio::test]
async fn passes_one_after_the_other_give_the_same_bits_wherever_evidence_lies() {
    let world = World::start().await;
    town(&world).await;
    let first = world.passed().await;
    let scores = all(&world).await;
    let db = world.stores.db().await;
    let before = evidence(&db).await;
    until("all changes are put into blocks", async || {
        let left: i64 = sqlx::query_scalar("select count(*) from scoring.evidence_delta")
            .fetch_one(&db)
            .await
            .expect("a count");
        left == 0
    })
    .await;
    assert_eq!(evidence(&db).await, before);
    let second = world.passed().await;
    assert!(second.epoch > first.epoch);
    assert_eq!(said(&all(&world).await), said(&scores));
}

#[tokio::test]
async fn a_pass_that_is_asked_for_twice_is_one() {
    let world = World::start().await;
    town(&world).await;
    let mut client = world.client();
    let request = StartRescoreRequest { request_id: "tonight".to_owned() };
    let first = client.start_rescore(request.clone()).await.expect("asked").into_inner();
    let number = |rescore: Option<Rescore>| rescore.expect("always present").rescore;
    let first = number(first.rescore);
    world.passed().await;
    let again = client.start_rescore(request).await.expect("asked").into_inner();
    let again = number(again.rescore);
    // It may have been another one that went on when it was asked for; then it is asked for now.
    if again == first {
        let found = client.get_rescore(GetRescoreRequest { rescore: again }).await;
        assert_eq!(found.expect("found").into_inner().rescore.expect("there").state, "DONE");
    }

    let long = StartRescoreRequest { request_id: "x".repeat(101) };
    let refused = client.start_rescore(long).await.expect_err("refused");
    assert_eq!(told(&refused), (Code::InvalidArgument, "FIELD_INVALID".to_owned()));
    for (rescore, code, reason) in [
        ("9000", Code::NotFound, "RESCORE_UNKNOWN"),
        ("tonight", Code::InvalidArgument, "FIELD_INVALID"),
    ] {
        let request = GetRescoreRequest { rescore: rescore.to_owned() };
        let refused = client.get_rescore(request).await.expect_err("refused");
        assert_eq!(told(&refused), (code, reason.to_owned()));
    }
}

#[tokio::test]
async fn another_process_goes_on_where_one_died_over_a_pass() {
    for (state, running) in [("READING", "-1 hour"), ("COMPUTING", "-1 second")] {
        let stores = Stores::fresh().await;
        let world = World::start_on(stores.clone()).await;
        town(&world).await;
        world.passed().await;
        world.running.stop().await.expect("stopped in order");
        // As a process leaves it that is killed.
        let db = stores.db().await;
        let left = format!(
            "insert into scoring.pass (state, epoch, model, start_time, running_until)
             values ('{state}', 0, '', now(), now() + interval '{running}')"
        );
        sqlx::query(sqlx::AssertSqlSafe(left)).execute(&db).await.expect("left");

        let world = World::start_on(stores).await;
        let mut client = world.client();
        until("the pass is over", async || {
            let found = client.get_rescore(GetRescoreRequest::default()).await.expect("found");
            let pass = found.into_inner().rescore.expect("there");
            pass.state == "DONE" && pass.resumptions == 1
        })
        .await;
    }
}

#[tokio::test]
async fn whom_a_pass_left_when_its_epoch_was_out_is_rescored_with_that_epoch() {
    let stores = Stores::fresh().await;
    let world = World::start_on(stores.clone()).await;
    town(&world).await;
    let passed = world.passed().await;
    let scores = all(&world).await;
    world.running.stop().await.expect("stopped in order");
    // As if it had died before it wrote a score.
    let db = stores.db().await;
    for statement in [
        "update scoring.score set epoch = epoch - 1",
        "insert into scoring.pass (state, epoch, model, start_time, running_until)
         select 'WRITING', max(epoch), '', now(), now() - interval '1 second' from scoring.epoch",
    ] {
        sqlx::query(statement).execute(&db).await.expect("left");
    }

    let world = World::start_on(stores).await;
    world.scored().await;
    let again = all(&world).await;
    assert!(again.iter().all(|score| score.epoch == passed.epoch), "{again:?}");
    assert_eq!(said(&again), said(&scores));
}

#[tokio::test]
async fn what_a_score_was_on_a_day_stays_and_says_by_which_model() {
    let world = World::start().await;
    town(&world).await;
    world.passed().await;
    let first = world.score(1).await;
    let noon = world.running.clock.now();
    let at = |days: i64| klout_proto::convert::timestamp(noon + time::Duration::days(days));
    world.running.clock.set(noon + time::Duration::days(3));
    world.apply(likes(2, &[(11, 14, 1)])).await.expect("applied");
    world.passed().await;
    let last = world.score(1).await;
    assert!(last.score > first.score, "{last:?}");
    assert_eq!(last.day_change, Some(last.score.unwrap_or(0.0) - first.score.unwrap_or(0.0)));

    let ask = async |days, model: &str| {
        let request = GetScoreRequest {
            subject: Some(Subject::Person("1".to_owned())),
            at_time: Some(at(days)),
            model: model.to_owned(),
            ..GetScoreRequest::default()
        };
        Ok(world.client().get_score(request).await?.into_inner().score.expect("always present"))
    };
    for (days, expected) in [(0, &first), (2, &first), (3, &last), (30, &last)] {
        assert_eq!(&ask(days, "").await.expect("a score"), expected, "day {days}");
        assert_eq!(&ask(days, &first.model).await.expect("a score"), expected, "day {days}");
    }
    let refused: tonic::Status = ask(-1, "").await.expect_err("refused");
    assert_eq!(told(&refused), (Code::NotFound, "SCORE_NOT_YET".to_owned()));

    let list = async |start: Option<i64>, end: Option<i64>| {
        let request = ListScoresRequest {
            person: "1".to_owned(),
            start_time: start.map(at),
            end_time: end.map(at),
            ..ListScoresRequest::default()
        };
        Ok(world.client().list_scores(request).await?.into_inner().scores)
    };
    assert_eq!(list(None, None).await.expect("scores"), [last.clone(), first.clone()]);
    assert_eq!(list(Some(1), None).await.expect("scores"), [last]);
    assert_eq!(list(None, Some(3)).await.expect("scores"), [first]);
    let refused: tonic::Status = list(Some(2), Some(2)).await.expect_err("refused");
    assert_eq!(told(&refused), (Code::InvalidArgument, "FIELD_INVALID".to_owned()));
    assert!(AS_OF.starts_with(&noon.date().to_string()));
}
