//! Who may ask.

use klout_chassis::{Clock, TokenKey};
use reqwest::{Method, StatusCode};
use time::Duration;

use crate::world::{DISTRUSTED, World};

const SECRET: &str = "a secret of more than thirty-two characters";

fn token(secret: &str, time_to_live: Duration) -> String {
    token_for("look-ups", secret, time_to_live)
}

fn token_for(purpose: &str, secret: &str, time_to_live: Duration) -> String {
    TokenKey::new(secret.as_bytes())
        .mint("crm", purpose, Clock::running().now(), time_to_live)
        .expect("a token")
}

async fn world() -> World {
    let key = "ab".repeat(32);
    World::start_with(&[
        ("server.dev", "false"),
        ("server.token_secret", SECRET),
        ("server.account_key", &key),
    ])
    .await
}

#[tokio::test]
async fn a_valid_key_opens_by_either_header() {
    let world = world().await;
    let key = token(SECRET, Duration::HOUR);

    for header in [("authorization", format!("Bearer {key}")), ("x-api-key", key)] {
        let headers = [(header.0, header.1.as_str())];
        let answer = world.send(Method::GET, "/v1/people/42/score", &headers, "").await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }
}

#[tokio::test]
async fn a_missing_or_wrong_key_is_told_apart_and_nobody_is_asked() {
    let world = world().await;
    let expired = token(SECRET, -Duration::HOUR);
    let foreign = token("another secret of thirty-two characters", Duration::HOUR);

    let answer = world.get("/v1/people/42/score").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.headers["www-authenticate"], "Bearer");
    assert_eq!(answer.json["reason"], "TOKEN_MISSING");
    for key in ["wrong", &expired, &foreign] {
        let headers = [("x-api-key", key)];
        let answer = world.send(Method::GET, "/v1/people/42/score", &headers, "").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.json["reason"], "TOKEN_INVALID");
    }
    assert!(world.scoring.asked.lock().expect("not poisoned").is_empty());
}

#[tokio::test]
async fn cases_are_listed_for_the_operator_alone() {
    let world = world().await;
    let list = async |purpose: &str| {
        let key = token_for(purpose, SECRET, Duration::HOUR);
        world.send(Method::GET, "/v1/people/42/contests", &[("x-api-key", &key)], "").await
    };

    let refused = list("look-ups").await;
    assert_eq!(
        (refused.status, &refused.json["reason"]),
        (StatusCode::NOT_FOUND, &"PATH_UNKNOWN".into())
    );
    let listed = list("operator").await;
    assert_eq!(
        (listed.status, &listed.json["contests"][0]["person"]),
        (StatusCode::OK, &"42".into())
    );
}

#[tokio::test]
async fn what_somebody_decides_for_themselves_no_customer_decides_for_them() {
    let world = world().await;
    let key = token_for("crm", SECRET, Duration::HOUR);
    let send = async |method: Method, path: &str, body: &str| {
        world.send(method, path, &[("x-api-key", &key)], body).await
    };

    for (method, path, body) in [
        (Method::POST, "/v1/people", "{}"),
        (Method::DELETE, "/v1/people/42/accounts/bluesky/ann", ""),
        (Method::POST, "/v1/people/42/contacts", "{}"),
        (Method::POST, "/v1/people/42/contacts/remove", "{}"),
        (Method::GET, "/v1/people/42/lookups", ""),
        (Method::POST, "/v1/people/42/plusK/given", "{}"),
        (Method::PUT, "/v1/people/42/blocked/7", ""),
        (Method::GET, "/v1/people/42/blocked", ""),
    ] {
        let refused = send(method.clone(), path, body).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{method} {path}");
        assert_eq!(refused.json["reason"], "PATH_UNKNOWN", "{method} {path}");
    }
    for (method, path, body, field) in [
        (Method::PATCH, "/v1/people/42", r#"{"ageBand": "under_13"}"#, "age_band"),
        (Method::GET, "/v1/people/42/plusK/received?viewer=42", "", "viewer"),
        (Method::GET, "/v1/people/42/plusK/given?viewer=42", "", "viewer"),
    ] {
        let refused = send(method, path, body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(refused.json["metadata"]["field"], field, "{path}");
    }
}

#[tokio::test]
async fn the_callers_key_goes_no_further() {
    let world = world().await;
    let key = token(SECRET, Duration::HOUR);
    let headers = [("x-api-key", key.as_str())];

    world.send(Method::GET, "/v1/people/42/score", &headers, "").await;

    let asked = world.scoring.asked.lock().expect("not poisoned");
    assert!(!asked[0].metadata.values().any(|value| value.contains(&key)), "{asked:?}");
    assert!(!asked[0].metadata["x-api-key"].is_empty(), "our own");
}

#[tokio::test]
async fn that_a_service_distrusts_the_gateway_is_not_the_callers_mistake() {
    let world = World::start().await;

    let answer = world.get(&format!("/v1/people/{DISTRUSTED}/score")).await;

    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.json["reason"], "PEER_FAILED");
}

#[tokio::test]
async fn health_needs_no_key() {
    let answer = world().await.get("/healthz").await;
    assert_eq!(answer.status, StatusCode::OK);
}
