//! Models in shadow, announced and withdrawn; and what two of them say of everybody.

use std::collections::BTreeSet;

use klout_chassis::Caller;
use klout_proto::{
    convert::timestamp,
    score::v1::{
        AnnounceModelRequest, CompareModelsRequest, ListModelsRequest, ListScoresRequest, Model,
        ScorePair, ShadowModelRequest, WithdrawModelRequest,
        score_operator_service_client::ScoreOperatorServiceClient,
    },
};
use klout_score_math::{Model as Numbers, ModelInvalid};
use klout_testkit::Stores;
use time::macros::datetime;
use tonic::{Code, Status};

use crate::world::{World, likes, told};

const BUILT_IN: &str = "klout-2027-01";

/// The numbers of the built-in model with another name, as a file whose checksum is right.
fn numbers(name: &str) -> String {
    let file = Numbers::CURRENT_FILE.replace(BUILT_IN, name);
    let refused = Numbers::load(&file).expect_err("the checksum covers the name");
    let ModelInvalid::Checksum { right, .. } = refused else { panic!("{refused}") };
    file.replace(Numbers::current().checksum(), &right)
}

async fn shadow(world: &World, numbers: String) -> Result<Model, Status> {
    let response = world.operator().shadow_model(ShadowModelRequest { numbers }).await?;
    Ok(response.into_inner().model.expect("always present"))
}

async fn announce(
    world: &World,
    model: &str,
    serve_time: time::OffsetDateTime,
) -> Result<Model, Status> {
    let request =
        AnnounceModelRequest { model: model.to_owned(), serve_time: Some(timestamp(serve_time)) };
    let response = world.operator().announce_model(request).await?;
    Ok(response.into_inner().model.expect("always present"))
}

async fn withdraw(world: &World, model: &str) -> Result<(), Status> {
    let request = WithdrawModelRequest { model: model.to_owned() };
    world.operator().withdraw_model(request).await.map(|_| ())
}

/// The models, page by page, each with its state.
async fn list(world: &World, page_size: i32) -> Vec<(String, String)> {
    let (mut models, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListModelsRequest { page_size, page_token };
        let page = world.client().list_models(request).await.expect("a page").into_inner();
        models.extend(page.models.into_iter().map(|it| (it.name, it.state)));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return models;
        }
    }
}

/// Says that a pass has scored by a model.
async fn passed(world: &World, model: &str, epoch: i64) {
    let done = sqlx::query("update scoring.model set shadow_epoch = $2 where name = $1")
        .bind(model)
        .bind(epoch)
        .execute(&world.stores.db().await)
        .await
        .expect("noted");
    assert_eq!(done.rows_affected(), 1);
}

/// Every answer of a comparison.
async fn compare(world: &World, model: &str) -> Result<Vec<Vec<ScorePair>>, Status> {
    let request = CompareModelsRequest { model: model.to_owned() };
    let mut stream = world.operator().compare_models(request).await?.into_inner();
    let mut answers = Vec::new();
    while let Some(answer) = stream.message().await? {
        assert_eq!(answer.serving_model, BUILT_IN);
        answers.push(answer.pairs);
    }
    Ok(answers)
}

fn state_refused() -> (Code, String) {
    (Code::FailedPrecondition, "MODEL_STATE".to_owned())
}

#[tokio::test]
async fn the_serving_model_is_listed_with_its_numbers() {
    let world = World::start().await;
    let response = world.client().list_models(ListModelsRequest::default()).await;
    let models = response.expect("models").into_inner().models;
    let [model] = &models[..] else { panic!("{models:?}") };
    assert_eq!((model.name.as_str(), model.state.as_str()), (BUILT_IN, "SERVING"));
    assert_eq!(model.checksum, Numbers::current().checksum());
    assert_eq!(model.numbers, Numbers::CURRENT_FILE);
    assert!(model.serve_time.is_some());
}

#[tokio::test]
async fn a_model_goes_from_shadow_to_announced_and_away() {
    let world = World::start().await;
    let model = shadow(&world, numbers("own-1")).await.expect("taken in");
    assert_eq!((model.state.as_str(), model.serve_time), ("SHADOW", None));
    assert_eq!(shadow(&world, numbers("own-1")).await.expect("again"), model, "nothing changes");

    let time = datetime!(2018-06-02 00:00 UTC);
    let refused = announce(&world, "own-1", time).await.expect_err("no pass yet");
    assert_eq!(told(&refused), state_refused());
    passed(&world, "own-1", 1).await;
    let model = announce(&world, "own-1", time).await.expect("announced");
    assert_eq!((model.state.as_str(), model.serve_time), ("ANNOUNCED", Some(timestamp(time))));
    let later = datetime!(2018-06-03 00:00 UTC);
    let model = announce(&world, "own-1", later).await.expect("announced for later");
    assert_eq!(model.serve_time, Some(timestamp(later)));

    let pair = |name: &str, state: &str| (name.to_owned(), state.to_owned());
    assert_eq!(list(&world, 0).await, [pair(BUILT_IN, "SERVING"), pair("own-1", "ANNOUNCED")]);
    withdraw(&world, "own-1").await.expect("withdrawn");
    assert_eq!(list(&world, 0).await, [pair(BUILT_IN, "SERVING")]);
}

#[tokio::test]
async fn the_scores_of_a_model_that_was_withdrawn_go_after_it() {
    let world = World::start().await;
    shadow(&world, numbers("own-1")).await.expect("taken in");
    let db = world.stores.db().await;
    sqlx::raw_sql(
        "insert into scoring.shadow_score (person_id, model, score, epoch, score_time) \
         select it, 'own-1', 50, 7, now() from generate_series(1, 20000) as it",
    )
    .execute(&db)
    .await
    .expect("scores");
    withdraw(&world, "own-1").await.expect("withdrawn");
    klout_testkit::until("no score is left, and the model is forgotten", async || {
        let count = "select (select count(*) from scoring.shadow_score) \
                     + (select count(*) from scoring.model where name = 'own-1')";
        sqlx::query_scalar::<_, i64>(count).fetch_one(&db).await.expect("a count") == 0
    })
    .await;
}

#[tokio::test]
async fn models_are_listed_whatever_the_page() {
    let world = World::start().await;
    for name in ["b", "a", "d.1", "c"] {
        shadow(&world, numbers(name)).await.expect("taken in");
    }
    let all = list(&world, 0).await;
    let names: Vec<_> = all.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, [BUILT_IN, "a", "b", "c", "d.1"]);
    for page_size in [1, 2, 3, 5] {
        assert_eq!(list(&world, page_size).await, all, "{page_size} a page");
    }
}

#[tokio::test]
async fn what_is_no_model_is_refused_and_named() {
    let world = World::start().await;
    let mut wrong_number = numbers("own-1");
    wrong_number = wrong_number.replace("like = 100\n", "like = \"much\"\n");
    let large = format!("{}{}", numbers("own-1"), "#".repeat(64 * 1024));
    let taken = Numbers::CURRENT_FILE.replace("like = 100\n", "like = 101\n");
    for (file, says) in [
        (String::new(), "missing field"),
        (wrong_number, "at line 35"),
        (large, "65536"),
        (taken, "checksum"),
        (numbers("own 1"), "`name`"),
    ] {
        let refused = shadow(&world, file).await.expect_err("no model");
        assert_eq!(told(&refused), (Code::InvalidArgument, "MODEL_INVALID".to_owned()));
        assert!(refused.message().contains(says), "{says} is missing in {}", refused.message());
    }
}

#[tokio::test]
async fn a_name_is_never_given_to_other_numbers() {
    let world = World::start().await;
    shadow(&world, numbers("own-1")).await.expect("taken in");
    let other = numbers("own-1").replace("like = 100\n", "like = 101\n");
    let ModelInvalid::Checksum { right, found } = Numbers::load(&other).expect_err("wrong") else {
        panic!("the checksum covers every number")
    };
    let refused = shadow(&world, other.replace(&found, &right)).await.expect_err("taken");
    assert_eq!(told(&refused), (Code::InvalidArgument, "MODEL_INVALID".to_owned()));
    assert!(refused.message().contains("own-1"), "{}", refused.message());
}

#[tokio::test]
async fn four_are_in_shadow_at_most_also_when_all_come_at_once() {
    let world = World::start().await;
    let files = ["a", "b", "c", "d", "e", "f", "g", "h"].map(numbers);
    let all = futures::future::join_all(files.map(|file| shadow(&world, file))).await;
    let (taken, refused): (Vec<_>, Vec<_>) = all.into_iter().partition(Result::is_ok);
    assert_eq!((taken.len(), refused.len()), (4, 4));
    for refusal in refused {
        let refusal = refusal.expect_err("one too many");
        assert_eq!(told(&refusal), (Code::FailedPrecondition, "MODELS_TOO_MANY".to_owned()));
    }
}

#[tokio::test]
async fn what_cannot_be_done_with_a_model_is_refused() {
    let world = World::start().await;
    shadow(&world, numbers("own-1")).await.expect("taken in");
    let unknown = (Code::NotFound, "MODEL_UNKNOWN".to_owned());
    let invalid = (Code::InvalidArgument, "FIELD_INVALID".to_owned());
    let (past, future) = (datetime!(2018-06-01 12:00 UTC), datetime!(2018-07-01 00:00 UTC));

    let told = |status: Status| told(&status);
    assert_eq!(told(announce(&world, "nobody", future).await.expect_err("refused")), unknown);
    assert_eq!(told(announce(&world, "own-1", past).await.expect_err("refused")), invalid);
    assert_eq!(
        told(announce(&world, BUILT_IN, future).await.expect_err("refused")),
        state_refused()
    );
    assert_eq!(told(withdraw(&world, "nobody").await.expect_err("refused")), unknown);
    assert_eq!(told(withdraw(&world, BUILT_IN).await.expect_err("refused")), state_refused());
    assert_eq!(told(compare(&world, "nobody").await.expect_err("refused")), unknown);
    assert_eq!(told(compare(&world, BUILT_IN).await.expect_err("refused")), state_refused());
    let too_soon = compare(&world, "own-1").await.expect_err("no pass yet");
    assert_eq!(told(too_soon), state_refused());
}

#[tokio::test]
async fn a_comparison_has_everybody_once_and_who_has_one_score_too() {
    let world = World::start().await;
    shadow(&world, numbers("own-1")).await.expect("taken in");
    shadow(&world, numbers("own-2")).await.expect("taken in");
    // 1 to 10,000: every third has no serving score, every fifth none in shadow; another model in shadow and a
    // pass before are not asked for.
    let db = world.stores.db().await;
    sqlx::raw_sql(
        "insert into scoring.shadow_score \
             (person_id, model, score, epoch, score_time, serving_score) \
         select it, 'own-1', case when it % 5 <> 0 then 2 + it % 90 end, 7, now(), \
             case when it % 3 <> 0 then 1 + it % 90 end \
         from generate_series(1, 10000) as it; \
         insert into scoring.shadow_score (person_id, model, score, epoch, score_time) \
         select it, 'own-2', 3, 7, now() from generate_series(1, 10000) as it; \
         insert into scoring.shadow_score (person_id, model, score, epoch, score_time) \
         values (10002, 'own-1', 60, 6, now()), (10003, 'own-1', null, 7, now())",
    )
    .execute(&db)
    .await
    .expect("scores");
    passed(&world, "own-1", 7).await;

    let answers = compare(&world, "own-1").await.expect("pairs");
    assert!(answers.iter().all(|pairs| (1..=4_096).contains(&pairs.len())));
    let expected: Vec<_> = (1..=10_000_u32)
        .filter(|it| it % 15 != 0)
        .map(|it| ScorePair {
            person: it.to_string(),
            serving_score: (it % 3 != 0).then(|| f64::from(1 + it % 90)),
            shadow_score: (it % 5 != 0).then(|| f64::from(2 + it % 90)),
        })
        .collect();
    assert_eq!(answers.concat(), expected);
}

#[tokio::test]
async fn a_comparison_is_a_look_at_everybody_in_it() {
    let world = World::start().await;
    few(&world).await;
    shadow(&world, numbers("own-1")).await.expect("taken in");
    world.passed().await;
    let desk = Caller::new("desk", "operator").expect("a caller");
    let mut operators = ScoreOperatorServiceClient::new(world.link_for(&desk));
    let request = CompareModelsRequest { model: "own-1".to_owned() };
    let mut stream = operators.compare_models(request).await.expect("a stream").into_inner();
    let mut compared = BTreeSet::new();
    while let Some(answer) = stream.message().await.expect("an answer") {
        compared.extend(answer.pairs.into_iter().map(|pair| pair.person));
    }
    assert!(!compared.is_empty());
    klout_testkit::until("all of them are in the log", async || {
        let looks = world.looks_of(&desk);
        let people = looks.keys().filter(|(_, what)| what == "ranking");
        people.map(|(person, _)| person.to_string()).collect::<BTreeSet<_>>() == compared
    })
    .await;
}

#[tokio::test]
async fn a_caller_who_reads_slowly_holds_no_transaction() {
    let world = World::start().await;
    shadow(&world, numbers("own-1")).await.expect("taken in");
    let db = world.stores.db().await;
    sqlx::raw_sql(
        "insert into scoring.shadow_score (person_id, model, score, epoch, score_time) \
         select it, 'own-1', 50, 7, now() from generate_series(1, 100000) as it",
    )
    .execute(&db)
    .await
    .expect("scores");
    passed(&world, "own-1", 7).await;

    let request = CompareModelsRequest { model: "own-1".to_owned() };
    let stream = world.operator().compare_models(request).await;
    let mut stream = stream.expect("a stream").into_inner();
    let first = stream.message().await.expect("an answer").expect("pairs");
    assert_eq!(first.pairs.len(), 4_096);

    // Most of it is not read: what takes the table for itself gets it all the same, and nobody has a
    // transaction that goes on.
    sqlx::raw_sql("begin; lock table scoring.shadow_score in access exclusive mode; commit")
        .execute(&db)
        .await
        .expect("nobody holds it");
    klout_testkit::until("nothing is held open", async || {
        let open = sqlx::query_scalar::<_, i64>(
            "select count(*) from pg_stat_activity \
             where datname = current_database() and state like 'idle in transaction%'",
        );
        open.fetch_one(&db).await.expect("a count") == 0
    })
    .await;
    let mut people = first.pairs.len();
    while let Some(answer) = stream.message().await.expect("an answer") {
        people += answer.pairs.len();
    }
    assert_eq!(people, 100_000);
}

/// Members 1 and 2, to whom 3 reacts.
async fn few(world: &World) {
    for person in 1..=3 {
        world.own(10 + person, person, 1).await;
    }
    world.apply(likes(1, &[(11, 13, 3), (12, 13, 1)])).await.expect("applied");
    world.scored().await;
}

#[tokio::test]
async fn a_pass_scores_everybody_by_the_models_in_shadow_too() {
    let world = World::start().await;
    few(&world).await;
    shadow(&world, numbers("own-1")).await.expect("taken in");
    world.passed().await;

    let pairs = compare(&world, "own-1").await.expect("pairs").concat();
    let people: Vec<_> = pairs.iter().map(|pair| pair.person.as_str()).collect();
    assert_eq!(people, ["1", "2"], "the third has no evidence");
    for pair in &pairs {
        assert!(pair.serving_score.is_some());
        assert_eq!(pair.serving_score, pair.shadow_score, "only the name differs");
        let person = pair.person.parse().expect("a number");
        assert_eq!(world.score(person).await.score, pair.serving_score);
    }
}

#[tokio::test]
async fn the_first_pass_after_its_time_goes_over_to_an_announced_model_and_history_stays() {
    let stores = Stores::fresh().await;
    let world = World::start_on(stores.clone()).await;
    few(&world).await;
    shadow(&world, numbers("own-1")).await.expect("taken in");
    world.passed().await;
    announce(&world, "own-1", datetime!(2018-06-02 00:00 UTC)).await.expect("announced");
    world.passed().await;
    assert_eq!(world.score(1).await.model, BUILT_IN, "its time has not come");
    world.running.stop().await.expect("stopped in order");

    let flags = [("server.as_of", "2018-06-02T12:00:00Z")];
    let world = World::start_with(stores, &flags).await;
    world.scored().await;
    world.passed().await;
    let score = world.score(1).await;
    assert_eq!(score.model, "own-1");
    let pair = |name: &str, state: &str| (name.to_owned(), state.to_owned());
    assert_eq!(list(&world, 0).await, [pair("own-1", "SERVING"), pair(BUILT_IN, "RETIRED")]);

    let request = ListScoresRequest { person: "1".to_owned(), ..Default::default() };
    let history = world.client().list_scores(request).await.expect("a page").into_inner();
    let models: Vec<_> = history.scores.iter().map(|score| score.model.as_str()).collect();
    assert_eq!(models.first(), Some(&"own-1"), "{models:?}");
    assert_eq!(models.last(), Some(&BUILT_IN), "closed days keep their model: {models:?}");
    // Somebody whose evidence changes between two passes is rescored by the model of the epoch.
    world.apply(likes(2, &[(11, 12, 1)])).await.expect("applied");
    world.scored().await;
    assert_eq!(world.score(1).await.model, "own-1");
}
