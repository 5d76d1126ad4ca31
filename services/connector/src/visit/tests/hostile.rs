//! A network that lies.

use std::{io::Write as _, time::Duration};

use axum::{body::Body, response::Response};
use flate2::{Compression, write::GzEncoder};
use futures::stream;
use http::{HeaderValue, StatusCode, header};
use klout_outbound::Reach;

use super::played::{World, json, once, status};

/// What the likes of a post are answered, and what comes of it. What was accepted before stays.
async fn told(likes: impl Fn(&str) -> Response + Send + Sync + 'static) -> (World, Option<String>) {
    let world = World::start().await;
    world.answers(move |at| match at {
        "posts" => json(r#"{"then":{"likes/one":"1","likes/two":"1"}}"#),
        "likes/one" => json(r#"{"likes":["bob"]}"#),
        other => likes(other),
    });
    world.visit().await;
    let reason = world.reason().await;
    assert_eq!(world.likes().await["bob"], 1, "what was accepted is kept");
    (world, reason)
}

#[tokio::test]
async fn pages_without_end_have_one() {
    let (world, reason) = told(|at| {
        let number: u64 = at.split_once('?').map_or(0, |(_, it)| it.parse().expect("ours"));
        json(&format!(r#"{{"likes":["fan{number}"],"next":"{}"}}"#, number + 1))
    })
    .await;
    assert_eq!(reason.as_deref(), Some("NETWORK_ENDLESS"));
    // The part that is too much is asked for and not kept.
    assert_eq!(world.asked().len(), 2 + 21);
    assert_eq!(world.likes().await.len(), 1 + 20);
    let connection = world.connection().await;
    assert_eq!((connection.mode.as_str(), connection.state.as_str()), ("IDLE", "FAILING"));
}

#[tokio::test]
async fn the_same_cursor_for_ever_is_followed_once() {
    let (world, reason) = told(|_| json(r#"{"likes":["cid"],"next":"a"}"#)).await;
    assert_eq!(reason.as_deref(), Some("NETWORK_ENDLESS"));
    assert_eq!(world.asked().len(), 4);
    assert_eq!(world.likes().await, once(&["bob", "cid"]));
}

#[tokio::test]
async fn lists_that_lead_to_ever_more_lists_are_bounded() {
    let (world, reason) = told(|at| {
        let then: Vec<String> = (0..10).map(|it| format!(r#""{at}{it}":"""#)).collect();
        json(&format!(r#"{{"then":{{{}}}}}"#, then.join(",")))
    })
    .await;
    // Those that wait when no more are written are asked, and the visit ends.
    let asked = world.asked().len();
    assert!((100..=100 + 40).contains(&asked), "{asked}");
    assert_eq!(reason.as_deref(), Some("NETWORK_ENDLESS"));
    assert_eq!(world.connection().await.mode, "IDLE");
}

#[tokio::test]
async fn what_is_not_what_it_should_be_has_a_name() {
    for lie in [
        "",
        "null",
        "[17]",
        "{\"likes\":17}",
        "{\"likes\":[17]}",
        "{\"next\":{}}",
        "{\"likes\":[\"",
        "<html>",
        "\u{0}",
    ] {
        let (_, reason) = told(move |_| json(lie)).await;
        assert_eq!(reason.as_deref(), Some("NETWORK_ANSWER_MALFORMED"), "{lie:?}");
    }
    let deep = "[".repeat(1 << 20);
    let (_, reason) = told(move |_| json(&deep)).await;
    assert_eq!(reason.as_deref(), Some("NETWORK_ANSWER_MALFORMED"));
}

#[tokio::test]
async fn a_signal_that_cannot_be_is_left_out_and_the_others_count() {
    let long = "x".repeat(1_000);
    let (world, reason) =
        told(move |_| json(&format!(r#"{{"likes":["", "{long}", "a\u0000b", "cid"]}}"#))).await;
    assert_eq!(reason, None);
    assert_eq!(world.likes().await, once(&["bob", "cid"]));
    world.assert_done().await;
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_read_to_its_end_however_small_it_travels() {
    let huge = " ".repeat((8 << 20) + 1);
    let plain = huge.clone();
    let (_, reason) = told(move |_| json(&plain)).await;
    assert_eq!(reason.as_deref(), Some("NETWORK_ANSWER_TOO_LARGE"));

    let small = gzip(huge.as_bytes());
    assert!(small.len() < 100_000);
    let (_, reason) = told(move |_| gzipped(small.clone())).await;
    assert_eq!(reason.as_deref(), Some("NETWORK_ANSWER_TOO_LARGE"));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_none() {
    let whole = gzip(br#"{"likes":["cid"]}"#);
    let half = whole[..whole.len() / 2].to_vec();
    let (world, reason) = told(move |_| gzipped(half.clone())).await;
    assert_eq!(reason.as_deref(), Some("NETWORK_UNAVAILABLE"));
    assert_eq!(world.likes().await, once(&["bob"]));

    // What travels as it should is inflated.
    let (world, reason) = told(move |_| gzipped(whole.clone())).await;
    assert_eq!(reason, None);
    assert_eq!(world.likes().await, once(&["bob", "cid"]));
}

#[tokio::test]
async fn bytes_that_trickle_have_an_end() {
    let (_, reason) = told(|_| {
        let bytes = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Some((Ok::<_, std::io::Error>(" "), ()))
        });
        Response::new(Body::from_stream(bytes))
    })
    .await;
    assert_eq!(reason.as_deref(), Some("NETWORK_TOO_SLOW"));
}

#[tokio::test]
async fn nobody_sends_us_to_another_host_or_to_another_port_of_the_same() {
    for to in
        ["http://127.0.0.1:1/", "http://localhost/", "https://127.0.0.1/", "file:///etc/passwd"]
    {
        let (_, reason) = told(move |_| {
            let mut response = status(302);
            response.headers_mut().insert(header::LOCATION, HeaderValue::from_static(to));
            response
        })
        .await;
        let reason = reason.expect("it failed");
        assert!(reason == "NETWORK_SENDS_ELSEWHERE" || reason == "NETWORK_UNAVAILABLE", "{reason}");
    }
}

#[tokio::test]
async fn redirects_in_a_circle_have_an_end() {
    let (world, reason) = told(|_| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::FOUND;
        response.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/round"));
        response
    })
    .await;
    assert_eq!(reason.as_deref(), Some("NETWORK_SENDS_ELSEWHERE"));
    assert!(world.asked().len() < 10);
}

#[tokio::test]
async fn a_network_at_a_private_address_is_not_asked() {
    let world = World::start_within(Reach::Public).await;
    world.holds(&[("posts", r#"{"likes":["bob"]}"#)]);
    world.visit().await;
    assert_eq!(world.asked().len(), 0);
    assert_eq!(world.reason().await.as_deref(), Some("NETWORK_ADDRESS_PRIVATE"));
    assert_eq!(world.connection().await.mode, "IDLE");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("written to memory");
    encoder.finish().expect("written to memory")
}

fn gzipped(bytes: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(bytes));
    response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response
}
