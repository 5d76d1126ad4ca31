//! Whether the gateway says that it can answer.

use std::sync::atomic::Ordering;

use reqwest::StatusCode;
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn a_gateway_serves_when_scoring_answers() {
    let world = World::start().await;
    let answer = world.get("/healthz").await;
    assert_eq!((answer.status, answer.json), (StatusCode::OK, json!({"status": "SERVING"})));
}

#[tokio::test]
async fn a_gateway_does_not_serve_when_scoring_cannot() {
    let world = World::start().await;
    world.scoring.down.store(true, Ordering::SeqCst);
    let answer = world.get("/healthz").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json, json!({"status": "NOT_SERVING"}));
}
