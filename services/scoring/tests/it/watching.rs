//! Scores that are sent whenever they change.

use klout_proto::{
    revision::{Deployment, Revision},
    score::v1::{
        Score, WatchScoresRequest, WatchScoresResponse, score_service_client::ScoreServiceClient,
    },
};
use klout_testkit::{Stores, until};
use tonic::{Code, Status, Streaming, transport::Endpoint};
use uuid::Uuid;

use crate::world::{World, here, likes, told};

type Watch = Streaming<WatchScoresResponse>;

fn request(people: impl IntoIterator<Item = i64>, resume_token: &str) -> WatchScoresRequest {
    let people = people.into_iter().map(|person| person.to_string()).collect();
    WatchScoresRequest { people, resume_token: resume_token.to_owned() }
}

async fn try_watch(world: &World, request: WatchScoresRequest) -> Result<Watch, Status> {
    Ok(world.client().watch_scores(request).await?.into_inner())
}

async fn watch(world: &World, people: &[i64], resume_token: &str) -> Watch {
    try_watch(world, request(people.iter().copied(), resume_token)).await.expect("watched")
}

async fn next(watch: &mut Watch) -> WatchScoresResponse {
    watch.message().await.expect("it goes on").expect("it does not end")
}

async fn next_score(watch: &mut Watch) -> Score {
    loop {
        if let Some(score) = next(watch).await.score {
            return score;
        }
    }
}

/// What a watch sends at first, and the token when that was all.
async fn all_at_first(watch: &mut Watch) -> (Vec<Score>, String) {
    let mut scores = Vec::new();
    loop {
        let answer = next(watch).await;
        match answer.score {
            Some(score) => scores.push(score),
            None if answer.gone_person.is_empty() => return (scores, answer.resume_token),
            None => {}
        }
    }
}

fn people(scores: &[Score]) -> Vec<&str> {
    scores.iter().map(|score| score.person.as_str()).collect()
}

fn revision(token: &str) -> u64 {
    match Revision::from_token(token, here()) {
        Ok(Revision::Score(revision)) => revision,
        other => panic!("a token of a score: {other:?}"),
    }
}

/// People 1 and 2 have likes.
async fn world_on(stores: Stores, settings: &[(&'static str, &str)]) -> World {
    let world = World::start_with(stores, settings).await;
    world.own(11, 1, 1).await;
    world.own(12, 2, 1).await;
    world.apply(likes(1, &[(11, 90, 1), (12, 91, 2)])).await.expect("applied");
    world.scored().await;
    world
}

/// A token after which nothing of now is sent again.
async fn token_of_now(world: &World) -> String {
    let mut newest = String::new();
    until("the watermark is that of all scores", async || {
        let (scores, token) = all_at_first(&mut watch(world, &[1, 2], "").await).await;
        newest = token;
        scores.iter().all(|score| revision(&score.revision_token) <= revision(&newest))
    })
    .await;
    newest
}

#[tokio::test]
async fn a_change_is_sent_to_those_who_watch() {
    let world = world_on(Stores::fresh().await, &[]).await;
    let mut both = watch(&world, &[1, 2], "").await;
    let (at_first, _) = all_at_first(&mut both).await;
    assert_eq!(people(&at_first), ["1", "2"]);
    assert_eq!(at_first[0].score, world.score(1).await.score);

    world.apply(likes(2, &[(11, 92, 30)])).await.expect("applied");

    let changed = next_score(&mut both).await;
    assert_eq!(changed.person, "1");
    assert!(changed.score > at_first[0].score, "{changed:?}");
}

#[tokio::test]
async fn whoever_resumes_is_sent_what_changed_since_and_nothing_else() {
    let world = world_on(Stores::fresh().await, &[]).await;
    let token = token_of_now(&world).await;
    let nothing = all_at_first(&mut watch(&world, &[1, 2], &token).await).await.0;
    assert_eq!(people(&nothing), [""; 0]);

    world.apply(likes(2, &[(12, 92, 30)])).await.expect("applied");
    world.scored().await;

    let (since, newer) = all_at_first(&mut watch(&world, &[1, 2], &token).await).await;
    assert_eq!(people(&since), ["2"]);
    assert_eq!(since[0].score, world.score(2).await.score);
    assert!(revision(&newer) >= revision(&token));
    // However old: what is sent is what there is, not what happened.
    for old in ["s.0".to_owned(), Revision::Score(0).to_token(here())] {
        let (all, _) = all_at_first(&mut watch(&world, &[1, 2], &old).await).await;
        assert_eq!(people(&all), ["1", "2"]);
    }
}

#[tokio::test]
async fn a_change_is_sent_by_the_other_replica_too() {
    let stores = Stores::fresh().await;
    let one = world_on(stores.clone(), &[]).await;
    let other = World::start_on(stores).await;
    let mut watches = [watch(&one, &[1], "").await, watch(&other, &[1], "").await];
    for watch in &mut watches {
        all_at_first(watch).await;
    }

    one.apply(likes(2, &[(11, 92, 30)])).await.expect("applied");
    one.scored().await;

    let newest = one.score(1).await;
    for watch in &mut watches {
        while next_score(watch).await.score != newest.score {}
    }
}

#[tokio::test]
async fn a_watch_outlives_an_outage_of_postgres_and_misses_nothing() {
    let stores = Stores::fresh().await;
    let (disturbed, postgres) = stores.clone().with_disturbed_postgres().await;
    let world = world_on(stores, &[]).await;
    let other = World::start_with(disturbed, &[("scoring.watch_heartbeat_interval", "50ms")]).await;
    let mut watch = watch(&other, &[1, 2], "").await;
    all_at_first(&mut watch).await;

    for (id, misbehaves) in [(2, true), (3, false)] {
        if misbehaves {
            postgres.cut()
        } else {
            postgres.hang()
        }
        world.apply(likes(id, &[(11, 92, 30)])).await.expect("applied");
        world.scored().await;
        let newest = world.score(1).await;
        until("the lease is lost", async || other.try_score("1").await.is_err()).await;
        // It goes on, and says so.
        next(&mut watch).await;

        postgres.clear_up();

        while next_score(&mut watch).await.score != newest.score {}
    }
}

#[tokio::test]
async fn whoever_reads_slowly_is_sent_the_newest_and_nothing_piles_up() {
    const CHANGES: u8 = 50;
    let world = world_on(Stores::fresh().await, &[]).await;
    // What is on its way is at most a kilobyte, which is a few scores.
    let endpoint = Endpoint::from_shared(format!("http://{}", world.running.grpc_address));
    let endpoint = endpoint.expect("an address").initial_stream_window_size(1_024);
    let mut client = ScoreServiceClient::new(endpoint.connect().await.expect("it listens"));
    let response = client.watch_scores(request([1], "")).await.expect("watched");
    let mut watch = response.into_inner();
    all_at_first(&mut watch).await;

    for id in 0..CHANGES {
        world.apply(likes(id + 100, &[(11, i64::from(id), 1)])).await.expect("applied");
        world.scored().await;
    }
    let newest = world.score(1).await;

    let mut received = 0;
    loop {
        received += 1;
        if next_score(&mut watch).await.score == newest.score {
            break;
        }
    }
    assert!(received < 30, "{received} of {CHANGES} changes had waited somewhere");
}

#[tokio::test]
async fn somebody_without_a_score_is_sent_as_soon_as_there_is_one() {
    let world = world_on(Stores::fresh().await, &[]).await;
    // 71 has an account, and scoring has not heard of it.
    let mut pending = watch(&world, &[71], "").await;
    assert_eq!(people(&all_at_first(&mut pending).await.0), [""; 0]);

    world.own(17, 71, 1).await;
    world.apply(likes(2, &[(17, 92, 30)])).await.expect("applied");

    while next_score(&mut pending).await.score.is_none() {}
}

#[tokio::test]
async fn that_there_is_nobody_is_sent_once() {
    let world = world_on(Stores::fresh().await, &[]).await;
    let mut nobody = watch(&world, &[8], "").await;
    let gone = next(&mut nobody).await;
    assert_eq!((gone.gone_person.as_str(), gone.score), ("8", None));
    let then = next(&mut nobody).await;
    assert_eq!((then.gone_person.as_str(), then.score), ("", None));

    world.own(18, 8, 1).await;
    world.apply(likes(2, &[(18, 92, 30)])).await.expect("applied");

    assert_eq!(next_score(&mut nobody).await.person, "8");
}

#[tokio::test]
async fn a_watch_says_that_it_goes_on() {
    let settings = [("scoring.watch_heartbeat_interval", "20ms")];
    let world = world_on(Stores::fresh().await, &settings).await;
    let mut quiet = watch(&world, &[1], "").await;
    all_at_first(&mut quiet).await;
    for _ in 0..3 {
        let answer = next(&mut quiet).await;
        assert_eq!((answer.score, answer.gone_person.as_str()), (None, ""));
        assert!(!answer.resume_token.is_empty());
    }
}

#[tokio::test]
async fn a_thousand_people_are_watched_at_once() {
    let world = World::start().await;
    let accounts: Vec<_> = (1..=1_000).map(|person| (10_000 + person, person)).collect();
    world.own_all(&accounts).await;
    let liked: Vec<_> = accounts.iter().map(|(account, _)| (*account, 90, 1)).collect();
    world.apply(likes(1, &liked)).await.expect("applied");
    world.scored().await;
    let mut all = try_watch(&world, request(1..=1_000, "")).await.expect("watched");

    assert_eq!(all_at_first(&mut all).await.0.len(), 1_000);

    let liked: Vec<_> = accounts.iter().map(|(account, _)| (*account, 91, 50)).collect();
    world.apply(likes(2, &liked)).await.expect("applied");
    let mut changed = std::collections::BTreeSet::new();
    while changed.len() < 1_000 {
        changed.insert(next_score(&mut all).await.person);
    }
}

#[tokio::test]
async fn what_cannot_be_watched_is_refused() {
    let world = World::start().await;
    let refusal = async |request| told(&try_watch(&world, request).await.expect_err("refused"));
    let invalid = |reason: &str| (Code::InvalidArgument, reason.to_owned());

    assert_eq!(refusal(request([], "")).await, invalid("SUBJECTS_EMPTY"));
    assert_eq!(refusal(request(1..=1_001, "")).await, invalid("SUBJECTS_TOO_MANY"));
    assert_eq!(refusal(request([0], "")).await, invalid("FIELD_INVALID"));
    assert_eq!(refusal(request([1], "x")).await, invalid("FIELD_INVALID"));
    let batches = Revision::Batches(vec![Uuid::nil()]);
    assert_eq!(refusal(request([1], &batches.to_token(here()))).await, invalid("FIELD_INVALID"));
    let elsewhere = Revision::Score(1).to_token(Deployment::of(&[9; 16]));
    assert_eq!(refusal(request([1], &elsewhere)).await, invalid("REVISION_ELSEWHERE"));
    assert!(try_watch(&world, request(1..=1_000, "")).await.is_ok());
}

#[tokio::test]
async fn a_process_has_so_many_watches_and_room_again_when_one_has_ended() {
    let world = world_on(Stores::fresh().await, &[("scoring.watches_max", "1")]).await;
    let mut first = watch(&world, &[1], "").await;
    all_at_first(&mut first).await;

    let refused = try_watch(&world, request([1], "")).await.expect_err("no room");
    assert_eq!(told(&refused), (Code::Unavailable, "WATCHES_TOO_MANY".to_owned()));

    drop(first);
    until("there is room", async || try_watch(&world, request([1], "")).await.is_ok()).await;
}

#[tokio::test]
async fn a_watch_ends_when_the_process_does() {
    let world = world_on(Stores::fresh().await, &[]).await;
    let mut watch = watch(&world, &[1], "").await;
    all_at_first(&mut watch).await;

    let World { running, .. } = world;
    let (stopped, ended) = tokio::join!(running.stop(), async {
        loop {
            if let Err(status) = watch.message().await {
                return status;
            }
        }
    });

    stopped.expect("in order");
    assert_eq!(told(&ended), (Code::Unavailable, "STOPPING".to_owned()));
}
