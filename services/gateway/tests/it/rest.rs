//! REST, as the contract has it.

use klout_proto::{graph::v1::account_name::Name, score::v1::get_score_request::Subject};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::world::{ANN, Answer, BROKEN, SLOW, World};

fn assert_problem(answer: &Answer, status: StatusCode, reason: &str) {
    assert_eq!((answer.status, &answer.json["reason"]), (status, &json!(reason)), "{answer:?}");
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert_eq!(answer.json["status"], status.as_u16());
    assert_eq!(answer.json["domain"], "klout");
}

#[tokio::test]
async fn a_score_is_the_bare_resource_in_canonical_json() {
    let world = World::start().await;

    let answer = world.get("/v1/people/42/score").await;

    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!((&answer.json["person"], &answer.json["score"]), (&json!("42"), &json!(61.5)));
    assert_eq!(answer.json["epoch"], "0", "64 bits are a string");
    assert_eq!(answer.json["revisionToken"], "", "printed although it is empty");
    assert!(answer.json.get("trueReach").is_none(), "optional and absent");
}

#[tokio::test]
async fn a_score_is_answered_alike_with_descriptors_and_without() {
    let world = World::start().await;
    for path in ["/v1/people/42/score", "/v1/people/7/score", "/v1/accounts/bluesky/ann/score"] {
        let typed = world.get(path).await;
        // What a query says is read by the descriptors.
        let described = world.get(&format!("{path}?consistency.minimizeLatency=true")).await;
        assert_eq!((typed.status, &typed.text), (described.status, &described.text), "{path}");
        for header in ["content-type", "etag", "cache-control"] {
            assert_eq!(typed.headers.get(header), described.headers.get(header), "{path}");
        }
        let Some(tag) = typed.headers.get("etag") else { continue };
        let again = world.send(Method::GET, path, &[("if-none-match", tag)], "").await;
        assert_eq!((again.status, &*again.text), (StatusCode::NOT_MODIFIED, ""), "{path}");
        assert_eq!(again.headers.get("etag"), Some(tag));
    }
}

#[tokio::test]
async fn an_account_is_named_by_percent_encoded_segments() {
    let world = World::start().await;

    let answer = world.get("/v1/accounts/stackexchange/quantum%2F55%20%C3%BC/score").await;

    assert_eq!(answer.status, StatusCode::OK);
    let asked = world.scoring.asked.lock().expect("not poisoned");
    let Some(Subject::Account(account)) = &asked[0].subject else { panic!("{asked:?}") };
    assert_eq!(account.network, "stackexchange");
    assert_eq!(account.name, Some(Name::Handle("quantum/55 ü".to_owned())));
}

#[tokio::test]
async fn the_query_names_the_other_fields() {
    let world = World::start().await;

    for query in ["pageSize=7&pageToken=x%20y", "page_size=7&page_token=x+y"] {
        let answer = world.get(&format!("/v1/people/42/scores?{query}")).await;
        assert_eq!(answer.json["nextPageToken"], "7 after \"x y\"");
        assert_eq!(answer.json["scores"][0]["person"], "42");
    }
    for query in ["pageSize=many", "pagesize=7", "pageSize=1&pageSize=2", "person=43"] {
        let answer = world.get(&format!("/v1/people/42/scores?{query}")).await;
        assert_problem(&answer, StatusCode::BAD_REQUEST, "FIELD_INVALID");
    }
}

#[tokio::test]
async fn a_score_of_a_time_is_asked_by_query() {
    let world = World::start().await;
    let (first, last) = ("2026-10-05T00:00:00Z", "2026-10-31T00:00:00Z");

    let query = format!("atTime={first}&model=older&consistency.maxStaleness=1.5s");
    let answer = world.get(&format!("/v1/people/42/score?{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(
        (&answer.json["scoreTime"], &answer.json["model"]),
        (&json!(first), &json!("older"))
    );

    let query = format!("startTime={first}&endTime={last}&model=older");
    let answer = world.get(&format!("/v1/people/42/scores?{query}")).await;
    let times = [0, 1].map(|place| answer.json["scores"][place]["scoreTime"].clone());
    assert_eq!(times, [json!(first), json!(last)]);

    for query in ["atTime=yesterday", "consistency.maxStaleness=2"] {
        let answer = world.get(&format!("/v1/people/42/score?{query}")).await;
        assert_problem(&answer, StatusCode::BAD_REQUEST, "FIELD_INVALID");
    }
}

#[tokio::test]
async fn a_score_is_explained_and_tried_with_more() {
    let world = World::start().await;

    let since = "2026-10-05T00:00:00Z";
    let answer = world.get(&format!("/v1/people/42/explanation?sinceTime={since}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.json["sinceTime"], since, "the bare resource");
    assert_eq!(answer.json["networks"][0]["name"], "bluesky");

    let events = json!([{"network": "bluesky", "kind": "reshare", "count": 20}]);
    let answer = world.post("/v1/people/42/score/simulate", json!({ "events": events })).await;
    assert_eq!(
        (&answer.json["simulatedScore"], &answer.json["change"]),
        (&json!(81.5), &json!(20.0))
    );

    let answer = world.get("/v1/people/42/moments?pageSize=3").await;
    assert_eq!(
        (&answer.json["moments"][0]["post"], &answer.json["nextPageToken"]),
        (&json!("of 42"), &json!("3"))
    );
    assert_eq!(world.get("/v1/models").await.json["models"][0]["name"], "test");
}

#[tokio::test]
async fn a_case_is_opened_over_rest() {
    let world = World::start().await;
    let case = json!({"reason": "I was away", "requestId": "1"});

    let answer = world.post("/v1/people/42/contests", &case).await;

    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(
        (&answer.json["person"], &answer.json["reason"]),
        (&json!("42"), &json!("I was away"))
    );
}

#[tokio::test]
async fn a_body_that_names_somebody_beside_its_path_is_refused() {
    let world = World::start().await;
    let account = json!({"account": {"network": "bluesky", "handle": "ann"}});
    for subject in [json!({"person": "42"}), json!({"person": "43"}), account] {
        let answer = world.post("/v1/people/42/score/simulate", &subject).await;
        assert_problem(&answer, StatusCode::BAD_REQUEST, "FIELD_INVALID");
    }
}

#[tokio::test]
async fn a_query_that_names_somebody_beside_the_path_is_refused_by_whatever_name() {
    let world = World::start().await;
    let ann = "account.network=bluesky&account.handle=ann";
    let two_of_one = "consistency.minimizeLatency=true&consistency.maxStaleness=1s";
    for path in [
        format!("/v1/people/42/score?{ann}"),
        format!("/v1/people/42/explanation?{ann}"),
        format!("/v1/people/42/score?{two_of_one}"),
        "/v1/people/42/score?account.network=bluesky".to_owned(),
        "/v1/people/42/score?person=43".to_owned(),
        "/v1/accounts/bluesky/ann/score?person=43".to_owned(),
        "/v1/accounts/bluesky/ann/score?account.nativeId=43".to_owned(),
        "/v1/accounts/bluesky/ann/score?account.native_id=43".to_owned(),
        "/v1/accounts/bluesky/ann/score?account.handle=bob".to_owned(),
    ] {
        let answer = world.get(&path).await;
        assert_problem(&answer, StatusCode::BAD_REQUEST, "FIELD_INVALID");
        assert!(answer.text.contains("given twice"), "{path}: {answer:?}");
    }
    // A name of the JSON is no other field than that of the contract.
    let path = "/v1/people/42/plusK/given/7/takeBack?plusK=8";
    let answer = world.send(Method::POST, path, &[], "").await;
    assert_problem(&answer, StatusCode::BAD_REQUEST, "FIELD_INVALID");
    assert_eq!(answer.json["metadata"]["field"], "plusK");
    // Nor does a query change what a body says.
    let body = json!({"accounts": [{"network": "bluesky", "handle": "ann"}], "person": "42"});
    let answer = world.post("/v1/people:score?person=43", &body).await;
    assert_problem(&answer, StatusCode::BAD_REQUEST, "FIELD_INVALID");
    assert!(world.scoring.asked.lock().expect("not poisoned").is_empty(), "nobody was asked");
}

#[tokio::test]
async fn a_batch_is_asked_in_json() {
    let world = World::start().await;
    let subjects = json!([{"person": ANN}, {"account": {"network": "x", "nativeId": "ann"}}]);

    let answer = world.post("/v1/scores:batchLookup", json!({ "subjects": subjects })).await;

    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json["results"].as_array().expect("rows").len(), 2);
    assert_eq!(answer.json["results"][1]["score"]["bucket"], "60-69");
}

#[tokio::test]
async fn json_that_is_not_the_request_is_refused() {
    let world = World::start().await;
    let deep = "[".repeat(10_000);
    for body in ["", "{", "[]", r#"{"subject": []}"#, r#"{"subjects": [{"person": 42}]}"#, &deep] {
        let answer = world.post("/v1/scores:batchLookup", body).await;
        assert_problem(&answer, StatusCode::BAD_REQUEST, "MESSAGE_MALFORMED");
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let world = World::start_with(&[("gateway.body_size_max", "1000")]).await;
    let answer = world.post("/v1/scores:batchLookup", " ".repeat(1_001)).await;
    assert_problem(&answer, StatusCode::PAYLOAD_TOO_LARGE, "MESSAGE_TOO_LARGE");
}

#[tokio::test]
async fn what_a_service_refuses_is_told_with_its_reason() {
    let world = World::start().await;

    let answer = world.get("/v1/people/7/score").await;
    assert_problem(&answer, StatusCode::NOT_FOUND, "PERSON_UNKNOWN");
    assert_eq!(
        (&answer.json["code"], &answer.json["metadata"]["person"]),
        (&json!("NOT_FOUND"), &json!("7"))
    );

    let answer = world.get("/v1/accounts/ambiguous/ann/score").await;
    assert_problem(&answer, StatusCode::CONFLICT, "HANDLE_AMBIGUOUS");
    assert_eq!(answer.json["metadata"]["native_ids"], "1 2");

    let answer = world.get(&format!("/v1/people/{BROKEN}/score")).await;
    assert_problem(&answer, StatusCode::INTERNAL_SERVER_ERROR, "PEER_FAILED");
    assert!(!answer.json.to_string().contains("secret"), "{answer:?}");
}

#[tokio::test]
async fn a_service_that_is_not_there_is_unavailable_and_says_when_to_come_back() {
    let world = World::start_with(&[("links.scoring", "http://127.0.0.1:1")]).await;

    let answer = world.get("/v1/people/42/score").await;

    assert_problem(&answer, StatusCode::SERVICE_UNAVAILABLE, "PEER_UNAVAILABLE");
    assert_eq!(answer.headers["retry-after"], "1");
}

#[tokio::test]
async fn a_call_ends_at_its_deadline_which_the_service_was_told() {
    let world = World::start_with(&[("gateway.request_time_max", "100ms")]).await;

    let answer = world.get(&format!("/v1/people/{SLOW}/score")).await;

    assert_problem(&answer, StatusCode::GATEWAY_TIMEOUT, "DEADLINE_EXCEEDED");
    let asked = world.scoring.asked.lock().expect("not poisoned");
    assert!(asked[0].metadata["grpc-timeout"].ends_with('m'), "{asked:?}");
}

#[tokio::test]
async fn a_path_or_method_that_is_not_there_is_told_as_a_problem() {
    let world = World::start().await;

    let answer = world.get("/v1/nothing").await;
    assert_problem(&answer, StatusCode::NOT_FOUND, "PATH_UNKNOWN");
    let answer = world.send(Method::DELETE, "/v1/people/42/score", &[], "").await;
    assert_problem(&answer, StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED");
    assert_eq!(answer.headers["allow"], "GET,HEAD");
    let answer = world.get("/v1/people/%ff/score").await;
    assert_problem(&answer, StatusCode::BAD_REQUEST, "MESSAGE_MALFORMED");
}
