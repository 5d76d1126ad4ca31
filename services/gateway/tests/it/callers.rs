//! For whom the gateway asks, and why.

use klout_chassis::{Clock, TokenKey, reason};
use klout_proto::score::v1::{
    GetScoreRequest, get_score_request::Subject, score_service_client::ScoreServiceClient,
};
use reqwest::{Method, StatusCode};
use time::Duration;
use tonic::{Code, Request};

use crate::world::{ANN, World};

const SECRET: &str = "a secret of more than thirty-two characters";

async fn world() -> World {
    let key = "ab".repeat(32);
    World::start_with(&[
        ("server.dev", "false"),
        ("server.token_secret", SECRET),
        ("server.account_key", &key),
    ])
    .await
}

fn token(name: &str, purpose: &str) -> String {
    TokenKey::new(SECRET.as_bytes())
        .mint(name, purpose, Clock::running().now(), Duration::HOUR)
        .expect("a token")
}

/// The caller and the purpose of each call that scoring got, in order.
fn asked(world: &World) -> Vec<(Option<String>, Option<String>)> {
    let asked = world.scoring.asked.lock().expect("not poisoned");
    let header = |name: &str, metadata: &std::collections::HashMap<String, String>| {
        metadata.get(name).cloned()
    };
    asked
        .iter()
        .map(|it| (header("klout-caller", &it.metadata), header("klout-purpose", &it.metadata)))
        .collect()
}

async fn over_grpc(
    world: &World,
    key: &str,
    headers: &[(&'static str, &str)],
) -> tonic::Result<()> {
    let channel = tonic::transport::Endpoint::from_shared(world.url("")).expect("an address");
    let channel = channel.connect().await.expect("connected");
    let subject = Some(Subject::Person(ANN.to_owned()));
    let mut request = Request::new(GetScoreRequest { subject, ..Default::default() });
    request.metadata_mut().insert("x-api-key", key.parse().expect("a header"));
    for (name, value) in headers {
        request.metadata_mut().insert(*name, value.parse().expect("a header"));
    }
    ScoreServiceClient::new(channel).get_score(request).await.map(|_| ())
}

#[tokio::test]
async fn services_hear_for_whom_the_gateway_asks_whatever_the_caller_says() {
    let world = world().await;
    let key = token("acme desk", "check-in");
    let forged = [("klout-caller", "somebody"), ("klout-purpose", "operator")];
    let mut headers = vec![("x-api-key", key.as_str())];
    headers.extend(forged);

    let answer = world.send(Method::GET, "/v1/people/42/score", &headers, "").await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    over_grpc(&world, &key, &forged).await.expect("answered");

    let acme = (Some("acme%20desk".to_owned()), Some("check-in".to_owned()));
    assert_eq!(asked(&world), [acme.clone(), acme]);
}

#[tokio::test]
async fn whoever_reads_the_pages_is_the_web_that_shows() {
    let world = world().await;
    let forged = [("klout-caller", "somebody"), ("klout-purpose", "operator")];
    let answer = world.send(Method::GET, "/people/42", &forged, "").await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    for asked in asked(&world) {
        assert_eq!(asked, (Some("web".to_owned()), Some("show".to_owned())));
    }
}

#[tokio::test]
async fn a_key_for_hiring_is_refused_at_every_door_and_nobody_is_asked() {
    let world = world().await;
    let key = token("desk", "Pre-employment screening");

    let answer = world.send(Method::GET, "/v1/people/42/score", &[("x-api-key", &key)], "").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.json["reason"], "PURPOSE_REFUSED");
    assert_eq!(answer.json["metadata"]["word"], "employment");
    let refused = over_grpc(&world, &key, &[]).await.expect_err("refused");
    assert_eq!(
        (refused.code(), reason(&refused).as_deref()),
        (Code::PermissionDenied, Some("PURPOSE_REFUSED"))
    );
    assert!(asked(&world).is_empty());
}

#[tokio::test]
async fn who_gets_a_perk_is_chosen_with_a_key_for_perks() {
    let world = world().await;
    let asked = |purpose: &str| {
        let (world, key) = (&world, token("desk", purpose));
        async move { world.send(Method::GET, "/v1/people/42/perks", &[("x-api-key", &key)], "").await }
    };
    let refused = asked("crm").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
    assert_eq!(refused.json["reason"], "PURPOSE_NOT_PERKS");
    for purpose in ["check-in", "perks", "operator"] {
        let answer = asked(purpose).await;
        assert_ne!(answer.status, StatusCode::FORBIDDEN, "{purpose}: {answer:?}");
    }
}

#[tokio::test]
async fn a_service_refuses_what_another_asks_for_such_a_key() {
    let world = world().await;
    // As a gateway of an earlier version would pass it on, which knew of no such keys.
    let passed_on = [("klout-caller", "desk"), ("klout-purpose", "hiring")];
    let refused = over_grpc(&world, &token("gateway", "internal"), &passed_on).await;
    assert_eq!(reason(&refused.expect_err("refused")).as_deref(), Some("PURPOSE_REFUSED"));
}
