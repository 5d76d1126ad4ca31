//! What browsers may ask: gRPC-Web, and from which pages.

use klout_chassis::reason;
use klout_proto::score::v1::{GetScoreRequest, GetScoreResponse, get_score_request::Subject};
use prost::Message as _;
use reqwest::{Method, StatusCode};
use tonic::{Code, Status};

use crate::world::{ANN, Answer, World};

const GET_SCORE: &str = "/klout.score.v1.ScoreService/GetScore";

/// A message in its frame, as gRPC-Web has it.
fn framed(person: &str) -> Vec<u8> {
    let subject = Some(Subject::Person(person.to_owned()));
    let message = GetScoreRequest { subject, ..Default::default() }.encode_to_vec();
    let mut frame = vec![0];
    frame.extend(u32::try_from(message.len()).expect("short").to_be_bytes());
    frame.extend(message);
    frame
}

/// The frames of an answer: the flag of each, and what is in it.
fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let [flag, a, b, c, d, rest @ ..] = bytes {
        let length = u32::from_be_bytes([*a, *b, *c, *d]);
        let (frame, others) = rest.split_at(usize::try_from(length).expect("short"));
        frames.push((*flag, frame.to_vec()));
        bytes = others;
    }
    frames
}

#[tokio::test]
async fn a_call_of_grpc_web_is_answered_over_http1() {
    let world = World::start().await;
    let request = world.client.post(world.url(GET_SCORE)).body(framed(ANN));
    let request = request.header("content-type", "application/grpc-web+proto");
    let answer = request.header("x-grpc-web", "1").send().await.expect("answered");
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.version(), reqwest::Version::HTTP_11);
    assert_eq!(answer.headers()["content-type"], "application/grpc-web+proto");

    let body = answer.bytes().await.expect("a body");
    let frames = frames(&body);
    let [(0, message), (0x80, trailers)] = frames.as_slice() else { panic!("{frames:?}") };
    let response = GetScoreResponse::decode(message.as_slice()).expect("a response");
    assert_eq!(response.score.expect("a score").person, ANN);
    let trailers = String::from_utf8_lossy(trailers);
    assert!(trailers.to_lowercase().contains("grpc-status:0"), "{trailers}");
}

#[tokio::test]
async fn a_call_of_grpc_web_in_letters_is_answered_in_letters() {
    let world = World::start().await;
    let request = world.client.post(world.url(GET_SCORE)).body("AAAAAAQKAjQy");
    let request = request.header("content-type", "application/grpc-web-text+proto");
    let request = request.header("accept", "application/grpc-web-text+proto");
    let answer = request.send().await.expect("answered");
    assert_eq!(answer.headers()["content-type"], "application/grpc-web-text+proto");
    assert_eq!(answer.headers().get("grpc-message"), None);
    let text = answer.text().await.expect("letters");
    assert!(text.starts_with("AAAAA"), "{text}");
}

#[tokio::test]
async fn what_is_refused_over_grpc_web_has_its_reason() {
    let world = World::start().await;
    let request = world.client.post(world.url(GET_SCORE)).body(framed("7"));
    let request = request.header("content-type", "application/grpc-web+proto");
    let answer = request.send().await.expect("answered");
    let status = Status::from_header_map(answer.headers()).expect("a status");
    let told = (status.code(), reason(&status));
    assert_eq!(told, (Code::NotFound, Some("PERSON_UNKNOWN".to_owned())));
}

async fn preflight(world: &World, path: &str, origin: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "x-api-key,content-type,x-grpc-web"),
    ];
    world.send(Method::OPTIONS, path, &headers, "").await
}

/// The names that a header lists.
fn names<'a>(answer: &'a Answer, header: &str) -> Vec<&'a str> {
    answer.headers[header].split(',').map(str::trim).collect()
}

#[tokio::test]
async fn no_page_may_ask_unless_its_origin_is_named() {
    let world = World::start().await;
    for path in [GET_SCORE, "/v1/scores:batchLookup", "/healthz"] {
        let answer = preflight(&world, path, "https://app.example.com").await;
        let allowed = answer.headers.keys().find(|name| name.starts_with("access-control"));
        assert_eq!(allowed, None, "{path}");
    }
    let origin = [("origin", "https://app.example.com")];
    let answer = world.send(Method::GET, "/v1/people/42/score", &origin, "").await;
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn pages_of_the_origins_named_may_ask_and_send_nothing_that_a_browser_keeps() {
    let origins = "https://app.example.com http://localhost:3000";
    let world = World::start_with(&[("gateway.cors_origins", origins)]).await;
    for path in [GET_SCORE, "/v1/scores:batchLookup", "/v1/people/42/score"] {
        for origin in origins.split(' ') {
            let answer = preflight(&world, path, origin).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            assert_eq!(answer.headers["access-control-allow-origin"], origin);
            let allowed = names(&answer, "access-control-allow-headers");
            for name in ["x-api-key", "x-grpc-web", "content-encoding", "if-none-match"] {
                assert!(allowed.contains(&name), "{name}: {allowed:?}");
            }
            assert!(!answer.headers.contains_key("access-control-allow-credentials"));
        }
        for origin in ["https://evil.example", "null", "https://app.example.com.evil.example"] {
            let answer = preflight(&world, path, origin).await;
            assert!(!answer.headers.contains_key("access-control-allow-origin"), "{origin}");
        }
    }
    let headers = [("origin", "https://app.example.com")];
    let answer = world.send(Method::GET, "/v1/people/42/score", &headers, "").await;
    assert_eq!(answer.headers["access-control-allow-origin"], "https://app.example.com");
    assert!(answer.headers["vary"].contains("origin"), "{:?}", answer.headers);
    let exposed = names(&answer, "access-control-expose-headers");
    for name in [
        "grpc-status",
        "ratelimit",
        "retry-after",
        "etag",
        "link",
        "content-disposition",
        "x-request-id",
    ] {
        assert!(exposed.contains(&name), "{name}: {exposed:?}");
    }
    assert!(!answer.headers.contains_key("access-control-allow-credentials"));
}

#[tokio::test]
async fn where_all_may_ask_they_are_still_not_given_what_a_browser_keeps() {
    let world = World::start_with(&[("gateway.cors_origins", "*")]).await;
    let answer = preflight(&world, GET_SCORE, "https://anywhere.example").await;
    assert_eq!(answer.headers["access-control-allow-origin"], "*");
    assert!(!answer.headers.contains_key("access-control-allow-credentials"));
}
