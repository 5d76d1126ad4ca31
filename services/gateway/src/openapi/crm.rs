//! What customer relationship systems call: a handful of operations under a prefix of their own.
//!
//! Salesforce External Services reads no header of an answer, no `oneOf` and no object of any form, and makes names of
//! classes of ours. So here the limits of the key, the tag and the time until which an answer may be kept stand in its
//! body, problems are plain JSON, and the document is small. It is the same table of routes, and the same answers else.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
};
use http::{
    HeaderMap, HeaderValue, Method,
    header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, RETRY_AFTER},
};
use http_body_util::BodyExt as _;
use indexmap::IndexMap;
use klout_chassis::Clock;
use klout_proto::{convert, json};
use openapiv3::{
    MediaType, ObjectType, OpenAPI, Operation, ReferenceOr, Schema, SchemaKind, StatusCode, Type,
};
use serde_json::{Map, Value, json};

use super::{
    answers, document, operation,
    schema::{self, Dialect, Schemas, Way},
};
use crate::{
    limits,
    request_id::Told,
    rest::{self, Answering},
    routes::{self, Route},
};

/// Where the document is.
pub(super) const PATH: &str = "/openapi-crm.json";

/// Under which the operations are.
const PREFIX: &str = "/crm";

/// Each operation: method and path in the table, what it is called here, and what it does in a list of actions.
const OPERATIONS: [(Method, &str, &str, &str); 4] = [
    (Method::POST, "/v1/people:score", "scorePerson", "Look a customer up and get their score"),
    (Method::POST, "/v1/scores:batchLookup", "lookUpScores", "Look up to 1,000 scores up"),
    (Method::GET, "/v1/people", "listPeople", "List people by score, place, topic and network"),
    (Method::GET, "/v1/people/{person}/score", "getScore", "Get the score of a person"),
];

const ABOUT: &str = "Scores of customers, for customer relationship systems. Everything is in the body: the limits of the key as `rate`, and as `expireTime` until when an answer may be kept; ask again before it is shown after that.";

/// What a document for these systems has of an operation: its route, name and summary.
type Chosen = (&'static Route, &'static str, &'static str);

/// The router of the operations.
pub(crate) fn router(answering: Arc<Answering>, keep_time: Duration) -> Router {
    let routes = chosen().map(|(route, ..)| route);
    let router = rest::router(answering, routes);
    // Limits are told in headers first, which are then read.
    let router = router.layer(middleware::from_fn(limits::tell));
    let router = router.layer(middleware::from_fn_with_state(keep_time, in_body));
    Router::new().nest(PREFIX, router)
}

/// The document of the operations.
pub(super) fn document() -> OpenAPI {
    let mut schemas = Schemas::new(Dialect::Plain, chosen().map(|(route, ..)| route.answer()));
    let mut paths = IndexMap::new();
    for (route, name, summary) in chosen() {
        let operation = operation(route, name, summary, &mut schemas);
        document::put(&mut paths, &format!("{PREFIX}{}", route.path), &route.method, operation);
    }
    schemas.named("Rate", rate());
    schemas.named("Problem", problem());
    let mut document = document::document("Klout for CRMs", ABOUT, paths);
    document.components.get_or_insert_default().schemas = schemas.into_schemas();
    document::without_unused(document)
}

fn chosen() -> impl Iterator<Item = Chosen> {
    OPERATIONS.into_iter().filter_map(|(method, path, name, summary)| {
        let route = routes::all().find(|route| route.method == method && route.path == path)?;
        Some((route, name, summary))
    })
}

fn operation(route: &Route, name: &str, summary: &str, schemas: &mut Schemas) -> Operation {
    let mut operation = operation::operation(route, schemas, Dialect::Plain, false);
    operation.operation_id = Some(name.to_owned());
    operation.summary = Some(summary.to_owned());
    operation.tags.clear();
    operation.extensions.clear();
    let answer = schemas.object(&route.answer(), Way::Answered, |_| true);
    let answer =
        schemas.named(&(name[..1].to_ascii_uppercase() + &name[1..] + "Answer"), in_schema(answer));
    let shared = answers::components();
    let mut responses = IndexMap::new();
    for (status, response) in operation.responses.responses {
        let StatusCode::Code(code) = status else { continue };
        let response = match response {
            ReferenceOr::Item(response) => Some(response),
            ReferenceOr::Reference { reference } => {
                let name = reference.rsplit('/').next().unwrap_or_default();
                shared.get(name).and_then(ReferenceOr::as_item).cloned()
            }
        };
        let Some(mut response) = response.filter(|_| code != 304) else { continue };
        let is_answer = (200..300).contains(&code);
        let schema = if is_answer { answer.clone() } else { schema::refer("Problem") };
        let media = MediaType { schema: Some(schema), ..MediaType::default() };
        response.content = IndexMap::from([("application/json".to_owned(), media)]);
        response.headers.clear();
        response.extensions.clear();
        responses.insert(status, ReferenceOr::Item(response));
    }
    operation.responses.responses = responses;
    operation
}

/// The schema of an answer with what is put into its body.
fn in_schema(mut answer: Schema) -> Schema {
    if let SchemaKind::Type(Type::Object(object)) = &mut answer.schema_kind {
        let text = |format: &str, description: &str| {
            ReferenceOr::Item(Box::new(schema::schema(schema::text(format, None), description)))
        };
        let etag = text("", "Changes with the answer.");
        let expires = text("date-time", "Until when the answer may be kept.");
        object.properties.insert("etag".to_owned(), etag);
        object.properties.entry("expireTime".to_owned()).or_insert(expires);
        object.properties.insert("rate".to_owned(), schema::refer("Rate"));
    }
    answer
}

fn rate() -> Schema {
    let number = |description: &str| {
        let kind = schema::integer(0, answers::MOST);
        ReferenceOr::Item(Box::new(schema::schema(kind, description)))
    };
    let object = ObjectType {
        properties: IndexMap::from([
            ("limit".to_owned(), number("Calls that the key may make in the time.")),
            ("remaining".to_owned(), number("Calls that are left of them.")),
            ("resetSeconds".to_owned(), number("In how many seconds it begins anew.")),
        ]),
        ..ObjectType::default()
    };
    let about = "The limit of the key that is nearest. Absent when it has none.";
    schema::schema(SchemaKind::Type(Type::Object(object)), about)
}

/// As everywhere, but for what has a form of its own for each reason.
fn problem() -> Schema {
    let mut problem = document::problem();
    if let SchemaKind::Type(Type::Object(object)) = &mut problem.schema_kind {
        object.properties.shift_remove("metadata");
        object.required.retain(|it| it != "metadata");
        let seconds = schema::integer(0, i64::from(i32::MAX));
        let seconds = schema::schema(seconds, "In how many seconds a retry may help.");
        let seconds = ReferenceOr::Item(Box::new(seconds));
        object.properties.insert("retryAfterSeconds".to_owned(), seconds);
        object.properties.insert("rate".to_owned(), schema::refer("Rate"));
    }
    problem
}

/// Puts into the body what other callers read in headers.
async fn in_body(State(keep_time): State<Duration>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let (mut parts, body) = response.into_parts();
    if let Some(Told(problem)) = parts.extensions.get_mut::<Told>() {
        // Its body is written when the request's name is known.
        problem.remove("metadata");
        add(problem, &parts.headers);
        parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        return Response::from_parts(parts, body);
    }
    let is_json = parts.headers.get(CONTENT_TYPE).is_some_and(|it| it == "application/json");
    if !is_json {
        return Response::from_parts(parts, body);
    }
    let Ok(bytes) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
        return Response::from_parts(parts, Body::empty());
    };
    let Ok(Value::Object(mut object)) = serde_json::from_slice(&bytes) else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    add(&mut object, &parts.headers);
    if !object.contains_key("expireTime") {
        let expires = convert::timestamp(Clock::running().now() + keep_time);
        object.insert("expireTime".to_owned(), json::to_value(&expires));
    }
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(Value::Object(object).to_string()))
}

fn add(object: &mut Map<String, Value>, headers: &HeaderMap) {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let number = |name: &str| text(name).and_then(|it| it.parse::<u64>().ok());
    let limit = number("ratelimit-limit");
    if let (Some(limit), Some(remaining)) = (limit, number("ratelimit-remaining")) {
        let mut rate = json!({ "limit": limit, "remaining": remaining });
        if let Some(reset) = number("ratelimit-reset") {
            rate["resetSeconds"] = reset.into();
        }
        object.insert("rate".to_owned(), rate);
    }
    if let Some(etag) = text(ETAG.as_str()) {
        object.insert("etag".to_owned(), etag.into());
    }
    if let Some(seconds) = number(RETRY_AFTER.as_str()) {
        object.insert("retryAfterSeconds".to_owned(), seconds.into());
    }
}

#[cfg(test)]
mod tests {
    use super::{super::CRM_TEXT, *};

    fn each(value: &Value, look: &mut impl FnMut(&str, &Value)) {
        match value {
            Value::Object(object) => object.iter().for_each(|(name, value)| {
                look(name, value);
                each(value, look);
            }),
            Value::Array(elements) => elements.iter().for_each(|it| each(it, look)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// docs/crm/salesforce.md names them.
    #[test]
    fn the_document_keeps_to_the_rules_of_external_services() {
        let document: Value = serde_json::from_slice(&CRM_TEXT).expect("JSON");
        assert_eq!(document["openapi"], "3.0.3");
        assert!(CRM_TEXT.len() < 100_000, "{}", CRM_TEXT.len());
        let refused = ["oneOf", "anyOf", "allOf", "not", "discriminator", "additionalProperties"];
        each(&document, &mut |name, value| {
            assert!(!refused.contains(&name), "{name}");
            if name == "properties" || name == "schemas" {
                for name in value.as_object().expect("an object").keys() {
                    let fits =
                        name.len() <= 40 && name.chars().all(|it| it.is_ascii_alphanumeric());
                    assert!(
                        fits && name.starts_with(|it: char| it.is_ascii_alphabetic()),
                        "{name}"
                    );
                }
            }
            if name == "$ref" {
                let reference = value.as_str().expect("a reference");
                assert!(document.pointer(&reference[1..]).is_some(), "{reference}");
            }
        });
        let paths = document["paths"].as_object().expect("paths");
        let operations = paths.values().flat_map(|it| it.as_object().expect("an object").values());
        let operations: Vec<_> = operations.collect();
        assert_eq!(operations.len(), OPERATIONS.len());
        for operation in operations {
            let id = operation["operationId"].as_str().expect("a name");
            assert!(id.len() <= 40 && id.chars().all(|it| it.is_ascii_alphanumeric()), "{id}");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let name = parameter["name"].as_str().expect("a name");
                assert!(name.chars().all(|it| it.is_ascii_alphanumeric()), "{name}");
                assert_ne!(parameter["in"], "header", "{name}");
            }
            for (status, response) in operation["responses"].as_object().expect("answers") {
                assert!(response["headers"].is_null(), "{id} {status}");
                let schema = &response["content"]["application/json"]["schema"]["$ref"];
                let schema = document.pointer(&schema.as_str().expect("a schema")[1..]);
                let properties = &schema.expect("it is there")["properties"];
                assert!(properties["rate"].is_object(), "{id} {status}");
                let expires = properties["expireTime"].is_object();
                assert_eq!(expires, status.starts_with('2'), "{id} {status}");
            }
        }
    }

    #[test]
    fn limits_and_tags_of_headers_are_told_in_the_body() {
        let mut headers = HeaderMap::new();
        let mut object = Map::new();
        add(&mut object, &headers);
        assert!(object.is_empty());
        for (name, value) in [
            ("ratelimit-limit", "100"),
            ("ratelimit-remaining", "99"),
            ("ratelimit-reset", "1"),
            ("etag", "\"a\""),
            ("retry-after", "2"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        add(&mut object, &headers);
        let expected = json!({
            "rate": {"limit": 100, "remaining": 99, "resetSeconds": 1},
            "etag": "\"a\"",
            "retryAfterSeconds": 2,
        });
        assert_eq!(Value::Object(object), expected);
    }
}
