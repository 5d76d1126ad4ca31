//! The documents of what can be called, held against a gateway that runs.

use klout_chassis::{Clock, TokenKey};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use time::Duration;

use crate::world::{ANN, Answer, BROKEN, SLOW, World};

const SECRET: &str = "a secret of more than thirty-two characters";

async fn guarded() -> World {
    let key = "ab".repeat(32);
    World::start_with(&[
        ("server.dev", "false"),
        ("server.token_secret", SECRET),
        ("server.account_key", &key),
    ])
    .await
}

fn token(purpose: &str) -> String {
    TokenKey::new(SECRET.as_bytes())
        .mint("crm", purpose, Clock::running().now(), Duration::HOUR)
        .expect("a token")
}

/// Every operation with its path and method.
fn operations(document: &Value) -> Vec<(&str, Method, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let of_path = paths.iter().flat_map(|(path, item)| {
        let item = item.as_object().expect("an object");
        item.iter().map(move |(method, operation)| {
            let method = method.to_uppercase().parse().expect("a method");
            (path.as_str(), method, operation)
        })
    });
    of_path.collect()
}

/// The same schema, by which nothing may be there that it does not name.
fn closed(schema: &Value) -> Value {
    match schema {
        Value::Object(object) => {
            let mut object: serde_json::Map<_, _> =
                object.iter().map(|(name, value)| (name.clone(), closed(value))).collect();
            if object.contains_key("properties") && !object.contains_key("additionalProperties") {
                object.insert("additionalProperties".to_owned(), false.into());
            }
            Value::Object(object)
        }
        Value::Array(elements) => elements.iter().map(closed).collect(),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            other.clone()
        }
    }
}

/// Holds an answer against what the document says of its operation.
fn assert_documented(document: &Value, path: &str, method: &Method, answer: &Answer) {
    let method = method.as_str().to_lowercase();
    let what = format!("{method} {path}: {answer:?}");
    let mut response = &document["paths"][path][&method]["responses"][answer.status.as_str()];
    assert!(response.is_object(), "the status is not in the document: {what}");
    if let Some(reference) = response["$ref"].as_str() {
        response = document.pointer(&reference[1..]).expect("it is there");
    }
    let Some(content) = response["content"].as_object() else {
        assert!(answer.text.is_empty(), "{what}");
        return;
    };
    let media = content.get(&answer.headers["content-type"]);
    let media = media.unwrap_or_else(|| panic!("another content type: {what}"));
    let mut schema = closed(&media["schema"]);
    schema["components"] = closed(&document["components"]);
    let validator = jsonschema::draft4::new(&schema).expect("a schema");
    let wrong: Vec<_> = validator.iter_errors(&answer.json).map(|it| it.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?}: {what}");
    let reasons = response["x-klout-reasons"].as_array();
    let known = reasons.is_none_or(|it| it.contains(&answer.json["reason"]));
    assert!(known, "the reason is not in the document: {what}");
}

#[tokio::test]
async fn every_operation_of_the_document_is_there_and_answers_as_it_says() {
    let world = World::start().await;
    let document = world.get("/openapi-operators.json").await.json;
    let operations = operations(&document);
    assert!(operations.len() > 80, "{}", operations.len());
    let mut answered = 0;
    for (path, method, operation) in operations {
        let address = path.replace("{person}", ANN).replace("{network}", "bluesky");
        let address = address.replace("{handle}", "ann").replace('{', "").replace('}', "");
        let media = &operation["requestBody"]["content"]["application/json"];
        let example = media["example"].clone();
        let body = if example.is_null() { json!({}) } else { example };
        let body = if media.is_null() { String::new() } else { body.to_string() };

        let answer = world.send(method.clone(), &address, &[], &body).await;

        assert_ne!(answer.json["reason"], "METHOD_NOT_ALLOWED", "{method} {path}");
        assert_documented(&document, path, &method, &answer);
        assert!(!answer.headers["x-request-id"].is_empty());
        answered += u32::from(answer.status == StatusCode::OK);
    }
    assert!(answered > 15, "the played services answer {answered}");
}

#[tokio::test]
async fn real_answers_are_what_their_schemas_say_and_problems_too() {
    let world = World::start().await;
    let document = world.get("/openapi.json").await.json;
    let score = "/v1/people/{person}/score";
    let scores = "/v1/people/{person}/scores";
    for (path, address) in [
        (score, format!("/v1/people/{ANN}/score")),
        (score, format!("/v1/people/{ANN}/score?atTime=2026-10-05T00:00:00Z&model=m")),
        (score, format!("/v1/people/{ANN}/score?fields=score,state")),
        (score, format!("/v1/people/{ANN}/score?fields=nothing")),
        (score, format!("/v1/people/{BROKEN}/score")),
        (score, "/v1/people/7/score".to_owned()),
        (score, "/v1/people/%ff/score".to_owned()),
        (scores, format!("/v1/people/{ANN}/scores?pageSize=3")),
        (scores, format!("/v1/people/{ANN}/scores?pageSize=x")),
        ("/v1/accounts/{network}/{handle}/score", "/v1/accounts/ambiguous/a/score".to_owned()),
        ("/v1/people/{person}/explanation", format!("/v1/people/{ANN}/explanation")),
        ("/healthz", "/healthz".to_owned()),
        ("/openapi.json", "/openapi.json".to_owned()),
    ] {
        let answer = world.get(&address).await;
        assert_documented(&document, path, &Method::GET, &answer);
    }
    let batch = "/v1/scores:batchLookup";
    for body in
        [json!({"subjects": [{"person": ANN}]}).to_string(), "{".to_owned(), "x".repeat(5 << 20)]
    {
        let answer = world.post(batch, body).await;
        assert_documented(&document, batch, &Method::POST, &answer);
    }

    let answer = world.get(&format!("/v1/people/{ANN}/score")).await;
    let held = [("if-none-match", answer.headers["etag"].as_str())];
    let address = format!("/v1/people/{ANN}/score");
    let same = world.send(Method::GET, &address, &held, "").await;
    assert_eq!(same.status, StatusCode::NOT_MODIFIED);
    assert_documented(&document, score, &Method::GET, &same);
}

#[tokio::test]
async fn what_takes_too_long_and_who_has_no_key_are_in_the_document_too() {
    let hurried = World::start_with(&[("gateway.request_time_max", "100ms")]).await;
    let document = hurried.get("/openapi.json").await.json;
    let answer = hurried.get(&format!("/v1/people/{SLOW}/score")).await;
    assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);
    assert_documented(&document, "/v1/people/{person}/score", &Method::GET, &answer);

    let guarded = guarded().await;
    for (path, method, operation) in operations(&document) {
        if operation["security"] == json!([]) {
            continue;
        }
        let answer = guarded.send(method.clone(), path, &[], "{}").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
        assert_documented(&document, path, &method, &answer);
    }
}

#[tokio::test]
async fn anybody_reads_what_anybody_may_call_and_operators_alone_the_rest() {
    let world = guarded().await;
    for path in ["/openapi.json", "/openapi-crm.json", "/swagger-crm.json", "/docs"] {
        let answer = world.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
        assert!(!answer.text.contains("/v1/disputes"), "{path}");
        let held = [("if-none-match", answer.headers["etag"].as_str())];
        let same = world.send(Method::GET, path, &held, "").await;
        assert_eq!(same.status, StatusCode::NOT_MODIFIED, "{path}");
    }
    assert!(
        world.get("/openapi.json").await.json["openapi"].as_str().expect("text").starts_with("3.0")
    );
    let swagger = world.get("/swagger-crm.json").await.json;
    assert_eq!(swagger["host"], world.url("").trim_start_matches("http://"));

    let path = "/openapi-operators.json";
    assert_eq!(world.get(path).await.status, StatusCode::UNAUTHORIZED);
    let ask = async |purpose: &str| {
        world.send(Method::GET, path, &[("x-api-key", &token(purpose))], "").await
    };
    let refused = ask("crm").await;
    assert_eq!(
        (refused.status, &refused.json["reason"]),
        (StatusCode::NOT_FOUND, &json!("PATH_UNKNOWN"))
    );
    assert!(ask("operator").await.json["paths"]["/v1/disputes"].is_object());
    let refused = world.post("/openapi.json", "").await;
    assert_eq!(refused.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn an_answer_has_the_fields_that_were_asked_for_and_a_tag_of_its_own() {
    let world = World::start().await;
    let get = async |query: &str| world.get(&format!("/v1/people/{ANN}/score{query}")).await;

    let whole = get("").await;
    let part = get("?fields=score,person").await;
    assert_eq!(part.json, json!({"score": 61.5, "person": ANN}));
    assert_ne!(part.headers["etag"], whole.headers["etag"]);
    assert_eq!(get("?fields=person,score").await.text, part.text);
    assert_eq!(get("?fields=").await.json, whole.json);

    let batch = json!({"subjects": [{"person": ANN}]});
    let part =
        world.post("/v1/scores:batchLookup?fields=results.score.bucket", batch.clone()).await;
    assert_eq!(part.json, json!({"results": [{"score": {"bucket": "60-69"}}]}));
    for refused in [
        get("?fields=score.value").await,
        get("?fields=score&fields=person").await,
        world.post("/v1/scores:batchLookup?fields=score", batch).await,
    ] {
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused:?}");
        assert_eq!(refused.json["reason"], "FIELD_INVALID");
        assert_eq!(refused.json["metadata"]["field"], "fields");
    }
}

#[tokio::test]
async fn every_answer_names_its_request_as_the_caller_does_or_anew() {
    let world = World::start().await;
    for path in ["/", "/healthz", "/v1/nothing", "/v1/people/7/score", "/openapi.json", "/docs"] {
        let named = world.send(Method::GET, path, &[("x-request-id", "crm-7")], "").await;
        assert_eq!(named.headers["x-request-id"], "crm-7", "{path}");
        let first = world.get(path).await.headers["x-request-id"].clone();
        assert_ne!(first, world.get(path).await.headers["x-request-id"], "{path}");
        let odd = world.send(Method::GET, path, &[("x-request-id", "two words")], "").await;
        assert_ne!(odd.headers["x-request-id"], "two words", "{path}");
    }
    for path in ["/v1/nothing", "/v1/people/7/score", "/v1/people/42/score?x=1"] {
        let problem = world.send(Method::GET, path, &[("x-request-id", "crm-7")], "").await;
        assert_eq!(problem.json["requestId"], "crm-7", "{path}");
        assert_eq!(problem.headers["content-type"], "application/problem+json");
    }
}

#[tokio::test]
async fn a_crm_finds_in_the_body_what_it_cannot_read_in_headers() {
    let world = World::start().await;
    let document = world.get("/openapi-crm.json").await.json;
    let path = "/crm/v1/people/{person}/score";

    let answer = world.get(&format!("/crm/v1/people/{ANN}/score")).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_documented(&document, path, &Method::GET, &answer);
    assert_eq!(answer.json["score"], 61.5);
    assert_eq!(answer.json["etag"], answer.headers["etag"]);
    assert!(answer.json["expireTime"].as_str().expect("a time").ends_with('Z'));

    let problem = world.get("/crm/v1/people/7/score").await;
    assert_documented(&document, path, &Method::GET, &problem);
    assert_eq!(problem.json["reason"], "PERSON_UNKNOWN");
    assert_eq!(problem.json["requestId"], problem.headers["x-request-id"]);
    world.scoring.down.store(true, std::sync::atomic::Ordering::SeqCst);
    let problem = world.get(&format!("/crm/v1/people/{ANN}/score")).await;
    assert_documented(&document, path, &Method::GET, &problem);
    assert_eq!(problem.json["retryAfterSeconds"], 1);

    let body = json!({"subjects": [{"person": ANN}, {"account": {"network": "bluesky", "handle": "ann"}}]});
    let batch = "/crm/v1/scores:batchLookup";
    let answer = world.post(batch, body).await;
    assert_eq!(answer.json["results"].as_array().map(Vec::len), Some(2));
    assert_documented(&document, batch, &Method::POST, &answer);
    let refused = world.get(&format!("/crm/v1/people/{ANN}/scores")).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "only what is in the document is there");
}

#[tokio::test]
async fn the_page_of_the_document_runs_nothing_and_is_led_to() {
    let world = World::start().await;
    let page = world.get("/docs").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.headers["content-security-policy"].starts_with("default-src 'none'; "));
    assert!(!page.text.contains("<script") && !page.text.contains("style="));
    let document = world.get("/openapi.json").await.json;
    for (path, _, operation) in operations(&document) {
        let id = operation["operationId"].as_str().expect("a name");
        assert!(page.text.contains(&format!("<details id=\"{id}\">")), "{id}");
        assert!(page.text.contains(&format!("<code>{path}</code>")), "{path}");
    }
    for link in page.text.split("href=\"#").skip(1) {
        let to = link.split('"').next().unwrap_or_default();
        assert!(page.text.contains(&format!("id=\"{to}\"")), "{to}");
    }
    assert!(world.get("/").await.text.contains("href=\"/docs\""));
}
