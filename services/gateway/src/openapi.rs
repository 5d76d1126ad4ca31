//! The gateway's REST as OpenAPI: made from the one table of routes and from the contracts, which say all of it already.
//!
//! Two documents, as two kinds of people read them. What only the operator may call is not there for anybody else, who is
//! answered 404; a document that anybody can read says nothing of it either. The operator's has all. A third one is small,
//! for customer relationship systems, which understand less of OpenAPI; and once more as Swagger 2.0.

mod answers;
mod comments;
pub(crate) mod crm;
mod document;
mod examples;
mod extra;
mod limits;
mod operation;
mod schema;
mod swagger;

use std::sync::LazyLock;

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    middleware,
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::{
    HeaderMap, Method,
    header::{CACHE_CONTROL, CONTENT_TYPE, HOST},
    uri::Authority,
};
use openapiv3::OpenAPI;

use crate::{
    access::Access, conditional::conditional, door::Door, error::Error, problem::problem, rest,
};

/// Where anybody can read what there is.
const PUBLIC_PATH: &str = "/openapi.json";

/// Where the operator can.
const OPERATORS_PATH: &str = "/openapi-operators.json";

/// What anybody may call.
pub(crate) static PUBLIC: LazyLock<OpenAPI> = LazyLock::new(|| document::whole(false));

static PUBLIC_TEXT: LazyLock<Bytes> = LazyLock::new(|| text(&*PUBLIC));

/// What customer relationship systems call.
static CRM: LazyLock<OpenAPI> = LazyLock::new(crm::document);

static CRM_TEXT: LazyLock<Bytes> = LazyLock::new(|| text(&*CRM));

static OPERATORS_TEXT: LazyLock<Bytes> = LazyLock::new(|| text(&document::whole(true)));

/// The router of the documents, of which the public ones need no key.
pub(crate) fn router(door: Door) -> Router {
    Router::new()
        .route(PUBLIC_PATH, get(async || json(&PUBLIC_TEXT)))
        .route(OPERATORS_PATH, get(for_operators))
        .route(crm::PATH, get(async || json(&CRM_TEXT)))
        .route(swagger::PATH, get(swagger))
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(door)
        .layer(middleware::from_fn(conditional))
        .layer(middleware::from_fn(rest::trace))
}

async fn for_operators(State(door): State<Door>, headers: HeaderMap) -> Response {
    match door.admit(&headers, Access::Operators).await {
        Ok(_) => json(&OPERATORS_TEXT),
        Err(turned_away) => {
            let path = || Error::PathUnknown { path: OPERATORS_PATH.to_owned() }.into();
            problem(&turned_away.into_status(path))
        }
    }
}

/// Swagger names the host in the document, so it is the one that was asked.
async fn swagger(request: Request) -> Response {
    let named = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let named = named.and_then(|host| Authority::try_from(host).ok());
    let host = request.uri().authority().cloned().or(named);
    json(&text(&swagger::of(&CRM, host.as_ref())))
}

async fn method_not_allowed(method: Method, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    problem(&Error::MethodNotAllowed { path, method }.into())
}

/// It changes with an upgrade alone; who has it asks whether it is still the same.
fn json(text: &Bytes) -> Response {
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")];
    (headers, text.clone()).into_response()
}

fn text(document: &impl serde::Serialize) -> Bytes {
    serde_json::to_vec(document).expect("documents have nothing that JSON has not").into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::{examples::Examples, *};
    use crate::routes;

    fn whole() -> Value {
        serde_json::from_slice(&OPERATORS_TEXT).expect("JSON")
    }

    /// Every operation with its path and method.
    fn operations(document: &Value) -> Vec<(String, String, Value)> {
        let paths = document["paths"].as_object().expect("paths");
        let of_path = paths.iter().flat_map(|(path, item)| {
            let item = item.as_object().expect("an object");
            item.iter().map(move |(method, it)| (path.clone(), method.clone(), it.clone()))
        });
        of_path.collect()
    }

    fn each<'a>(value: &'a Value, look: &mut impl FnMut(&'a str, &'a Value)) {
        match value {
            Value::Object(object) => object.iter().for_each(|(name, value)| {
                look(name, value);
                each(value, look);
            }),
            Value::Array(elements) => elements.iter().for_each(|it| each(it, look)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn every_route_is_in_the_document_and_what_is_for_operators_in_theirs_alone() {
        let public: Value = serde_json::from_slice(&PUBLIC_TEXT).expect("JSON");
        let whole = whole();
        for route in routes::all() {
            let method = route.method.as_str().to_lowercase();
            let in_public = public["paths"][route.path][&method].is_object();
            assert!(whole["paths"][route.path][&method].is_object(), "{route:?}");
            assert_ne!(in_public, operation::is_for_operators(route), "{route:?}");
        }
        let text = String::from_utf8_lossy(&PUBLIC_TEXT);
        for hidden in ["includeVetoed", "viewer", "x-klout-operators"] {
            assert!(!text.contains(&format!("\"{hidden}\"")), "{hidden}");
        }
        let body = &public["components"]["schemas"]["UpdatePersonBody"]["properties"];
        assert!(body["country"].is_object() && body["ageBand"].is_null(), "{body}");
    }

    #[test]
    fn operations_have_short_names_of_their_own() {
        let mut names = BTreeSet::new();
        for (path, method, operation) in operations(&whole()) {
            let name = operation["operationId"].as_str().expect("a name").to_owned();
            assert!(name.len() <= 40, "{name}");
            assert!(name.chars().all(|it| it.is_ascii_alphanumeric()), "{name}");
            assert!(names.insert(name), "{method} {path}: another operation is called so");
            assert!(!operation["summary"].as_str().expect("a summary").is_empty(), "{path}");
        }
    }

    #[test]
    fn what_is_referred_to_is_there_and_what_is_there_is_referred_to() {
        for text in [&PUBLIC_TEXT, &OPERATORS_TEXT] {
            let document: Value = serde_json::from_slice(text).expect("JSON");
            let mut referred = BTreeSet::new();
            each(&document, &mut |name, value| {
                if name == "$ref" {
                    referred.insert(value.as_str().expect("a reference").to_owned());
                }
                assert!(!["oneOf", "anyOf", "discriminator"].contains(&name), "{name}");
            });
            for reference in &referred {
                let there = document.pointer(&reference[1..]);
                assert!(there.is_some_and(Value::is_object), "{reference}");
            }
            for kind in ["schemas", "responses", "parameters", "headers"] {
                for name in document["components"][kind].as_object().expect("an object").keys() {
                    let reference = format!("#/components/{kind}/{name}");
                    assert!(referred.contains(&reference), "{reference}");
                }
            }
        }
    }

    #[test]
    fn every_operation_says_how_it_fails() {
        for (path, method, operation) in operations(&whole()) {
            let answers = operation["responses"].as_object().expect("answers");
            if operation["security"] == json!([]) {
                continue;
            }
            for status in ["200", "400", "401", "403", "429", "500", "501", "503", "504"] {
                assert!(answers.contains_key(status), "{method} {path}: {status}");
            }
            let tagged = method == "get" && operation["operationId"] != "downloadLookupRows";
            assert_eq!(answers.contains_key("304"), tagged, "{method} {path}");
            let has_body = operation["requestBody"].is_object();
            assert_eq!(answers.contains_key("413"), has_body, "{method} {path}");
        }
        let score = whole()["paths"]["/v1/people/{person}/score"]["get"]["responses"].clone();
        let reasons = score["404"]["x-klout-reasons"].as_array().expect("reasons").clone();
        assert!(reasons.contains(&json!("PERSON_UNKNOWN")), "{reasons:?}");
        assert_eq!(score["409"]["x-klout-reasons"], json!(["HANDLE_AMBIGUOUS"]));
    }

    #[test]
    fn a_path_says_what_its_body_and_query_then_do_not() {
        let whole = whole();
        let score = &whole["paths"]["/v1/accounts/{network}/{handle}/score"]["get"]["parameters"];
        let names: Vec<_> = score.as_array().expect("parameters").iter().collect();
        let has = |name: &str| names.iter().any(|it| it["name"] == name);
        assert!(has("network") && has("handle") && has("consistency.maxStaleness"));
        assert!(!has("person") && !has("account.nativeId") && !has("account.network"));
        let body = &whole["components"]["schemas"]["SimulateScoreBody"]["properties"];
        assert!(
            body["events"].is_object() && body["person"].is_null() && body["account"].is_null()
        );
        let body = &whole["components"]["schemas"]["UpdatePropertyBody"]["properties"]["property"];
        assert!(body["properties"]["displayName"].is_object(), "{body}");
        assert!(body["properties"]["property"].is_null(), "{body}");
    }

    #[test]
    fn examples_are_what_their_schemas_say() {
        let whole = whole();
        let operations = operations(&whole);
        for name in Examples::operations() {
            let found = operations.iter().find(|(.., it)| it["operationId"] == **name);
            let (.., operation) = found.unwrap_or_else(|| panic!("no operation is called {name}"));
            let places = [
                "/requestBody/content/application~1json",
                "/responses/200/content/application~1json",
            ];
            for media in places.iter().filter_map(|it| operation.pointer(it)) {
                let Some(example) = media.get("example") else { continue };
                let mut schema = media["schema"].clone();
                schema["components"] = whole["components"].clone();
                let validator = jsonschema::draft4::new(&schema).expect("a schema");
                let wrong: Vec<_> =
                    validator.iter_errors(example).map(|it| it.to_string()).collect();
                assert!(wrong.is_empty(), "{name}: {wrong:?}");
            }
        }
    }

    #[test]
    fn the_document_is_as_large_as_somebody_can_use() {
        assert!(OPERATORS_TEXT.len() < 1024 * 1024, "{}", OPERATORS_TEXT.len());
    }
}
