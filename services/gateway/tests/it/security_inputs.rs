//! Attacks by what is sent in requests that are well-formed: docs/security.md lists them.

use http::header::{LOCATION, SET_COOKIE};
use klout_proto::score::v1::{
    GetScoreRequest, get_score_request::Subject, score_service_client::ScoreServiceClient,
};
use reqwest::{Method, StatusCode};
use tonic::Code;

use crate::{
    raw::{ask, get},
    world::World,
};

/// What is sent as JSON, and refused.
async fn refused(world: &World, what: &str, body: &str) {
    let answer = world.post("/v1/scores:batchLookup", body).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what}: {answer:?}");
    assert_eq!(answer.json["reason"], "MESSAGE_MALFORMED", "{what}");
    assert!(answer.text.len() < 2_000, "{what}: it is not sent back");
}

#[tokio::test]
async fn json_that_is_deep_is_refused_however_deep() {
    let world = World::start().await;
    for depth in [200, 100_000] {
        for (open, close) in [("[", "]"), ("{\"subjects\":", "}"), ("{\"subjects\":[", "]}")] {
            let body = format!("{}{}", open.repeat(depth), close.repeat(depth));
            refused(&world, &format!("{depth} of {open}"), &body).await;
            refused(&world, &format!("{depth} of {open}, open"), &open.repeat(depth)).await;
        }
    }
}

#[tokio::test]
async fn json_with_huge_numbers_many_keys_or_long_names_is_refused() {
    let world = World::start().await;
    let keys: Vec<String> = (0..200_000).map(|key| format!("\"k{key}\":0")).collect();
    for (what, body) in [
        ("an exponent", r#"{"subjects":[{"person":1e999999999}]}"#.to_owned()),
        ("a million digits", format!("{{\"subjects\":{}}}", "9".repeat(1_000_000))),
        ("not a number", r#"{"subjects":[{"person":NaN}]}"#.to_owned()),
        ("many keys", format!("{{{}}}", keys.join(","))),
        ("a long key", format!("{{\"{}\":0}}", "k".repeat(1_000_000))),
        ("half a letter", r#"{"subjects":[{"person":"\ud800"}]}"#.to_owned()),
        ("more behind it", r#"{"subjects":[{"person":"42"}]}{}"#.to_owned()),
        ("nothing", String::new()),
        ("a list of nothing", format!("[{}0]", "0,".repeat(1_000_000))),
    ] {
        refused(&world, what, &body).await;
    }
    let answer = world.post("/v1/scores:batchLookup", r#"{"subjects":[{"person":"42"}]}"#).await;
    assert_eq!(answer.status, StatusCode::OK, "it goes on answering");
}

#[tokio::test]
async fn a_body_is_not_unpacked_so_that_none_grows() {
    let world = World::start().await;
    // A thousand zeros, packed: a thousand times as many would come out of as many bytes.
    let packed = "H4sIAAAAAAACA2MYBaNgFIxUAADv9xTo6AMAAA==";
    for encoding in ["gzip", "deflate", "br", "zstd", "gzip, gzip"] {
        let headers = [("content-encoding", encoding)];
        let answer = world.send(Method::POST, "/v1/scores:batchLookup", &headers, packed).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{encoding}");
    }
    // The same of a message of gRPC that says that it is packed.
    let message = [1, 0, 0, 0, 4, 0, 0, 0, 0];
    let url = world.url("/klout.score.v1.ScoreService/GetScore");
    let request = world.client.post(url).body(message.to_vec());
    let request = request.header("content-type", "application/grpc-web+proto");
    let answer = request.header("grpc-encoding", "gzip").send().await.expect("answered");
    let status = answer.headers().get("grpc-status").cloned();
    let body = answer.bytes().await.expect("a body");
    let said = String::from_utf8_lossy(&body).contains("grpc-status:0");
    assert!(status.is_none_or(|status| status != "0") && !said);
}

#[tokio::test]
async fn a_message_of_grpc_that_is_too_large_is_refused() {
    let world = World::start().await;
    let channel = tonic::transport::Endpoint::from_shared(world.url("")).expect("an address");
    let channel = channel.connect().await.expect("connected");
    let subject = Some(Subject::Person("4".repeat(5 * 1024 * 1024)));
    let request = GetScoreRequest { subject, ..Default::default() };
    let refused = ScoreServiceClient::new(channel).get_score(request).await;
    let code = refused.expect_err("too large").code();
    assert!(matches!(code, Code::OutOfRange | Code::ResourceExhausted), "{code:?}");
    assert!(world.scoring.asked.lock().expect("not poisoned").is_empty());
}

#[tokio::test]
async fn paths_are_taken_as_they_are_and_lead_nowhere_else() {
    let world = World::start().await;
    for path in [
        "/v1/people/../people/42/score",
        "/v1/./people/42/score",
        "/v1/people/42/%2e%2e/42/score",
        "/v1/people/%2e%2e/score",
        "/v1/people/%2E%2E%2F42/score",
        "/v1/people/..%2f42/score",
        "/v1//people/42/score",
        "//v1/people/42/score",
        "/v1/people/42%2fscore",
        "/v1/people/42%2Fscore",
        "/v1/people//score",
        "/V1/people/42/score",
        "/v1/people/42/score;a=b",
        "/v1/people/42/score%00",
        "/v1/people/42%00/score",
        "/v1/people/42%0a/score",
        "/v1/people/%C0%AE%C0%AE/score",
        "/v1/people/%c0%b42/score",
        "/v1/people/%ff/score",
        "/v1/people/%zz/score",
        "/v1/people/42%/score",
        "/v1\\people\\42\\score",
        "/people/..%2f..%2fetc%2fpasswd",
        "/style.css/../healthz",
        "/topics/%2e%2e%2fhealthz",
        "/klout.score.v1.ScoreService/../GetScore",
        "/%6blout.score.v1.ScoreService/GetScore",
        "*",
    ] {
        let answer = ask(&world, get(path, "")).await;
        let refused = matches!(answer.status, 400 | 404 | 405);
        assert!(refused, "{path}: {answer:?}");
    }
    let people = world.scoring.asked.lock().expect("not poisoned").clone();
    let other = people.iter().find(|it| it.subject == Some(Subject::Person("42".to_owned())));
    assert_eq!(other, None, "nobody was asked for whom no path names");
}

#[tokio::test]
async fn nothing_that_is_sent_back_makes_a_header() {
    let world = World::start().await;
    let line = "%0d%0aset-cookie:%20a=b%0d%0a%0d%0a<script>";
    for target in [
        format!("/{line}"),
        format!("/v1/people/{line}/score"),
        format!("/v1/people/42/score?{line}={line}"),
        format!("/v1/people/42/scores?pageToken={line}"),
        format!("/people/{line}"),
        format!("/topics/{line}"),
        format!("/?after={line}"),
        format!("/klout.score.v1.ScoreService/{line}"),
        format!("/{line}/GetScore"),
    ] {
        for headers in ["", "content-type: application/grpc\r\n", "accept: text/html\r\n"] {
            let answer = ask(&world, get(&target, headers)).await;
            assert!(!answer.head.contains("set-cookie"), "{target}: {}", answer.head);
            assert!(!answer.body.contains("<script>"), "{target}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn nobody_is_sent_elsewhere_or_given_something_to_keep() {
    let world = World::start().await;
    for target in [
        "/",
        "//evil.example",
        "//evil.example/%2f..",
        "/\\evil.example",
        "/?next=//evil.example",
        "/people",
        "/people/",
        "/people/42/",
        "/topics/",
        "/v1",
        "/v1/people/42/score/",
        "/healthz/",
    ] {
        let answer = ask(&world, get(target, "")).await;
        assert!(!(300..400).contains(&answer.status), "{target}: {}", answer.status);
        for header in [LOCATION, SET_COOKIE] {
            assert!(!answer.head.contains(&format!("{header}:")), "{target}: {}", answer.head);
        }
    }
}

#[tokio::test]
async fn a_method_is_the_one_that_was_sent() {
    let world = World::start().await;
    for name in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"] {
        let headers = format!("{name}: DELETE\r\n");
        let target = "/v1/people/42/score?_method=DELETE";
        let answer = ask(&world, get("/v1/people/42/score", &headers)).await;
        assert_eq!(answer.status, 200, "{name}");
        assert_eq!(ask(&world, get(target, &headers)).await.status, 400, "`_method` is no field");
    }
    for method in ["TRACE", "TRACK", "DEBUG", "DELETE", "PUT", "OPTIONS", "get", "GETT"] {
        let request = format!("{method} /v1/people/42/score HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let answer = ask(&world, request).await;
        assert_eq!(answer.status, 405, "{method}");
        assert!(!answer.body.contains("host: a"), "{method}: it is not sent back");
    }
}
