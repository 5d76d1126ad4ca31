//! How often a key may call, over all gateways.

use klout_chassis::{Clock, reason};
use klout_proto::score::v1::{
    GetScoreRequest, GetScoreResponse, get_score_request::Subject,
    score_service_client::ScoreServiceClient,
};
use klout_testkit::{Stores, until};
use prost::Message as _;
use reqwest::{Method, StatusCode};
use serde_json::json;
use time::{Date, Duration};
use tonic::{Code, Request, Response, transport::Endpoint};
use tonic_types::StatusExt as _;

use crate::world::{ANN, Answer, World};

const SCORE: &str = "/v1/people/42/score";

/// What a key may call in the tests that count, and the block of that.
const PER_DAY: usize = 50;
const BLOCK: usize = 5;

/// However slow the machine is, Redis is waited for: a gateway that goes by itself lets through as much again.
const PATIENT: [(&str, &str); 1] = [("stores.redis_time_max", "30s")];

/// Makes a key with these limits.
async fn key(world: &World, calls_per_second: usize, calls_per_day: usize) -> String {
    let what = json!({
        "name": "crm", "purpose": "crm",
        "callsPerSecond": calls_per_second.to_string(), "callsPerDay": calls_per_day.to_string(),
    });
    let made = world.post("/v1/keys", &what).await;
    assert_eq!(made.status, StatusCode::OK, "{made:?}");
    made.json["secret"].as_str().expect("a secret").to_owned()
}

async fn get(world: &World, key: &str) -> Answer {
    world.send(Method::GET, SCORE, &[("x-api-key", key)], "").await
}

/// Asks until it is refused: how often it was answered.
async fn exhaust(world: &World, key: &str) -> usize {
    for answered in 0.. {
        let answer = get(world, key).await;
        if answer.status != StatusCode::OK {
            assert_eq!(answer.json["reason"], "LIMIT_REACHED", "{answer:?}");
            return answered;
        }
        assert!(answered <= 3 * PER_DAY, "nobody puts an end to it");
    }
    unreachable!("it ends before numbers do")
}

/// What Redis has counted of the day.
async fn told(stores: &Stores) -> u64 {
    let mut counted = 0;
    for key in stores.redis_keys().await.iter().filter(|key| key.contains(":limit:")) {
        counted += stores.redis_number(key).await.unwrap_or_default();
    }
    counted
}

fn today() -> Date {
    Clock::running().now().date()
}

/// Counts within one UTC day: once more when it ended meanwhile.
async fn within_a_day<T>(mut count: impl AsyncFnMut() -> T) -> T {
    loop {
        let day = today();
        let counted = count().await;
        if day == today() {
            return counted;
        }
    }
}

#[tokio::test]
async fn two_gateways_together_keep_to_the_limit_of_a_key() {
    let together = within_a_day(async || {
        let stores = Stores::fresh().await;
        let one = World::start_on(&stores, &PATIENT).await;
        let other = World::start_on(&stores, &PATIENT).await;
        let key = key(&one, 0, PER_DAY).await;
        // Four at a time at each, so that they overtake one another.
        let asking = (0..8).map(|place| exhaust(if place % 2 == 0 { &one } else { &other }, &key));
        futures::future::join_all(asking).await.into_iter().sum::<usize>()
    });
    let together = together.await;
    assert!((PER_DAY..=PER_DAY + BLOCK).contains(&together), "{together}");
}

#[tokio::test]
async fn without_redis_each_gateway_keeps_to_the_limit_by_itself() {
    let counted = within_a_day(async || {
        let stores = Stores::fresh().await.without_redis();
        let one = World::start_on(&stores, &[]).await;
        let other = World::start_on(&stores, &[]).await;
        let key = key(&one, 0, PER_DAY).await;
        [exhaust(&one, &key).await, exhaust(&other, &key).await]
    });
    assert_eq!(counted.await, [PER_DAY, PER_DAY]);
}

#[tokio::test]
async fn a_redis_that_stops_takes_nobody_with_it_and_hears_later_what_was_let_through() {
    let counted = within_a_day(async || {
        let (stores, proxy) = Stores::fresh().await.with_disturbed_redis().await;
        let one = World::start_on(&stores, &PATIENT).await;
        let other = World::start_on(&stores, &PATIENT).await;
        let key = key(&one, 0, PER_DAY).await;
        for _ in 0..10 {
            assert_eq!(get(&one, &key).await.status, StatusCode::OK);
        }
        proxy.cut();
        for _ in 0..30 {
            assert_eq!(get(&one, &key).await.status, StatusCode::OK);
        }
        proxy.clear_up();
        // It is asked again after a second, and told of the forty: the other gateway hears of them.
        let mut more = 0;
        until("Redis is told", async || {
            more += usize::from(get(&one, &key).await.status == StatusCode::OK);
            told(&stores).await >= 40
        })
        .await;
        let together = 40 + more + exhaust(&one, &key).await + exhaust(&other, &key).await;
        (together, told(&stores).await)
    });
    let (together, told) = counted.await;
    // Blocks that Redis handed out while it was cut off are lost, and nobody has called with them.
    assert!((40..=PER_DAY + BLOCK).contains(&together), "{together}");
    assert!(told >= PER_DAY as u64, "all is handed out: {told}");
}

#[tokio::test]
async fn every_answer_says_how_far_a_key_is_and_the_one_that_is_refused_when_to_come_again() {
    let world = World::start().await;
    within_a_day(async || {
        let what = json!({"name": today().to_string(), "purpose": "crm", "callsPerSecond": "0", "callsPerDay": "3"});
        let made = world.post("/v1/keys", &what).await;
        let key = made.json["secret"].as_str().expect("a secret").to_owned();

        for (path, status, left) in [
            (SCORE, StatusCode::OK, 2),
            ("/v1/people/7/score", StatusCode::NOT_FOUND, 1),
            ("/v1/people/42/scores?pageSize=x", StatusCode::BAD_REQUEST, 0),
            (SCORE, StatusCode::TOO_MANY_REQUESTS, 0),
        ] {
            let answer = world.send(Method::GET, path, &[("x-api-key", &key)], "").await;
            assert_eq!(answer.status, status, "{answer:?}");
            assert_eq!(answer.headers["ratelimit-policy"], "\"day\";q=3;w=86400");
            let state = &answer.headers["ratelimit"];
            assert!(state.starts_with(&format!("\"day\";r={left};t=")), "{state}");
            assert_eq!(answer.headers["ratelimit-limit"], "3");
            assert_eq!(answer.headers["ratelimit-remaining"], left.to_string());
            let reset: i64 = answer.headers["ratelimit-reset"].parse().expect("a number");
            assert!((0..=86_400).contains(&reset), "{reset}");
        }
        let refused = get(&world, &key).await;
        assert_eq!(refused.json["reason"], "LIMIT_REACHED");
        assert_eq!(refused.json["metadata"]["limit"], "calls_per_day");
        assert_eq!(refused.json["metadata"]["max"], "3");
        let tomorrow = today() + Duration::DAY;
        assert_eq!(refused.json["metadata"]["reset_time"], format!("{tomorrow}T00:00:00Z"));
        let after: i64 = refused.headers["retry-after"].parse().expect("a number");
        assert!((1..=86_400).contains(&after), "{after}");
    })
    .await;
}

async fn over_grpc(world: &World, key: &str) -> tonic::Result<Response<GetScoreResponse>> {
    let channel = Endpoint::from_shared(world.url("")).expect("an address");
    let channel = channel.connect().await.expect("connected");
    let subject = Some(Subject::Person(ANN.to_owned()));
    let mut request = Request::new(GetScoreRequest { subject, ..Default::default() });
    request.metadata_mut().insert("x-api-key", key.parse().expect("a header"));
    ScoreServiceClient::new(channel).get_score(request).await
}

#[tokio::test]
async fn grpc_and_grpc_web_are_counted_and_told_as_rest_is() {
    let world = World::start().await;
    let key = key(&world, 0, 2).await;
    let answer = over_grpc(&world, &key).await.expect("answered");
    let state = answer.metadata().get("ratelimit").expect("how far it is").to_str().expect("text");
    assert!(state.starts_with("\"day\";r=1;t="), "{state}");

    let subject = Some(Subject::Person(ANN.to_owned()));
    let message = GetScoreRequest { subject, ..Default::default() }.encode_to_vec();
    let mut frame = vec![0];
    frame.extend(u32::try_from(message.len()).expect("short").to_be_bytes());
    frame.extend(message);
    let request = world.client.post(world.url("/klout.score.v1.ScoreService/GetScore"));
    let request = request.header("content-type", "application/grpc-web+proto");
    let answer = request.header("x-api-key", &key).body(frame).send().await.expect("answered");
    assert_eq!(answer.headers()["ratelimit-remaining"], "0");

    let refused = over_grpc(&world, &key).await.expect_err("refused");
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(reason(&refused).as_deref(), Some("LIMIT_REACHED"));
    let delay = refused.get_details_retry_info().and_then(|info| info.retry_delay);
    assert!(delay.is_some_and(|delay| !delay.is_zero()), "{delay:?}");
    let policy = refused.metadata().get("ratelimit-policy").expect("which limits there are");
    assert_eq!(policy, "\"day\";q=2;w=86400");
}

#[tokio::test]
async fn a_key_may_call_again_when_the_second_is_over() {
    let world = World::start().await;
    let key = key(&world, 2, 0).await;
    let mut refused = None;
    until("it is refused", async || {
        let answer = get(&world, &key).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(answer);
            return true;
        }
        false
    })
    .await;
    let refused = refused.expect("refused");
    assert_eq!(refused.json["metadata"]["limit"], "calls_per_second");
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(refused.headers["ratelimit"], "\"second\";r=0;t=1");
    until("it is answered", async || get(&world, &key).await.status == StatusCode::OK).await;
}

#[tokio::test]
async fn who_has_no_limit_is_told_of_none() {
    let world = World::start().await;
    let key = key(&world, 0, 0).await;
    let pages = world.get("/").await;
    let operator = world.get(SCORE).await;
    for answer in [get(&world, &key).await, operator, pages] {
        let limits = answer.headers.keys().find(|name| name.starts_with("ratelimit"));
        assert_eq!(limits, None);
    }
}
