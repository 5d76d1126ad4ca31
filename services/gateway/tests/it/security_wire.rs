//! Attacks on the server of HTTP, byte by byte: docs/security.md lists them.

use crate::{
    raw::{HTTP2, Raw, ask, get, post},
    world::World,
};

/// A whole body, and another request behind it, which must not be mistaken for one another.
const BODY: &str = r#"{"subjects":[{"person":"42"}]}"#;

#[tokio::test]
async fn two_lengths_or_one_that_is_none_are_refused_and_the_connection_ends() {
    let world = World::start().await;
    for lengths in [
        "Content-Length: 30\r\nContent-Length: 31\r\n",
        "Content-Length: 30, 31\r\n",
        "Content-Length: +30\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 0x1e\r\n",
        "Content-Length: 30 30\r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "Content-Length:\r\n",
    ] {
        let mut raw = Raw::connect(&world).await;
        raw.send(post(lengths, BODY) + &get("/v1/people/42/score", "")).await;
        let answer = raw.answer().await;
        assert_eq!(answer.status, 400, "{lengths}");
        assert!(raw.until_closed().await.is_empty(), "{lengths}: nothing else is answered");
    }
    assert!(world.scoring.asked.lock().expect("not poisoned").is_empty());
}

#[tokio::test]
async fn a_length_beside_chunks_counts_for_nothing_and_nothing_is_read_behind_it() {
    let world = World::start().await;
    let chunked = format!("{:x}\r\n{BODY}\r\n0\r\n\r\n", BODY.len());
    let smuggled = get("/v1/people/42/score", "");
    for both in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
    ] {
        let mut raw = Raw::connect(&world).await;
        raw.send(post(both, &format!("{chunked}{smuggled}"))).await;
        assert_eq!(raw.answer().await.status, 200, "the chunks count");
        assert!(raw.until_closed().await.is_empty(), "nothing else is answered");
    }
    assert!(world.scoring.asked.lock().expect("not poisoned").is_empty());
}

#[tokio::test]
async fn an_encoding_that_does_not_end_in_chunks_is_refused() {
    let world = World::start().await;
    for encoding in [
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    ] {
        let mut raw = Raw::connect(&world).await;
        raw.send(post(encoding, "0\r\n\r\n") + &get("/v1/people/42/score", "")).await;
        assert_eq!(raw.answer().await.status, 400, "{encoding}");
        assert!(raw.until_closed().await.is_empty(), "{encoding}: nothing else is answered");
    }
    let old = "POST /v1/scores:batchLookup HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(ask(&world, old).await.status, 400);
}

#[tokio::test]
async fn chunks_whose_sizes_cannot_be_are_not_answered_as_a_body() {
    let world = World::start().await;
    let chunked = "Transfer-Encoding: chunked\r\n";
    for chunks in [
        "-1\r\n\r\n",
        "1e\n{}\r\n0\r\n\r\n",
        "fffffffffffffffff\r\n",
        "1e;\rx\r\n",
        "0x2\r\n{}\r\n0\r\n\r\n",
    ] {
        let mut raw = Raw::connect(&world).await;
        raw.send(post(chunked, chunks)).await;
        assert_eq!(raw.answer().await.status, 400, "{chunks}");
        assert!(raw.until_closed().await.is_empty(), "{chunks}");
    }
}

#[tokio::test]
async fn folded_lines_bare_returns_and_broken_heads_are_refused() {
    let world = World::start().await;
    for head in [
        "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Folded: one\r\n two\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Bare: one\rX-Two: two\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Null: a\0b\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: a\r\n: no name\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
        "GET /healthz HTTP/1.1\r\n Host: a\r\n\r\n",
        "GET /healthz HTTP/9.9\r\nHost: a\r\n\r\n",
        "GET /healthz\r\n\r\n",
        "GET  /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
        "G\x01T /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        let mut raw = Raw::connect(&world).await;
        raw.send(head).await;
        assert_eq!(raw.answer().await.status, 400, "{head:?}");
        assert!(raw.until_closed().await.is_empty(), "{head:?}");
    }
}

#[tokio::test]
async fn a_bare_line_feed_ends_a_line_and_hides_nothing_behind_it() {
    let world = World::start().await;
    let mut raw = Raw::connect(&world).await;
    // Who took both lines for one header would read the body as a request.
    let length = format!("X-One: 1\nContent-Length: {}\r\n", BODY.len());
    raw.send(post(&length, BODY) + &get("/healthz", "")).await;
    let (first, second) = (raw.answer().await, raw.answer().await);
    assert_eq!((first.status, second.status), (200, 200));
    assert!(first.body.contains("results") && second.body.contains("SERVING"));
}

#[tokio::test]
async fn one_host_is_named_and_whichever_it_is_changes_nothing() {
    let world = World::start().await;
    for hosts in ["", "Host: a\r\nHost: b\r\n", "Host: a\r\nHost: a\r\n"] {
        let answer = ask(&world, format!("GET /healthz HTTP/1.1\r\n{hosts}\r\n")).await;
        assert_eq!(answer.status, 400, "{hosts}");
    }
    assert_eq!(ask(&world, "GET /healthz HTTP/1.0\r\n\r\n").await.status, 200, "as HTTP/1.0 may");
    for target in ["/", "http://elsewhere.example/", "/topics"] {
        let headers = "X-Forwarded-Host: evil.example\r\nForwarded: host=evil.example\r\n";
        let named = format!("GET {target} HTTP/1.1\r\nHost: evil.example\r\n{headers}\r\n");
        let answer = ask(&world, named).await;
        assert_eq!(answer.status, 200, "{target}");
        assert!(!(answer.head + &answer.body).contains("evil.example"), "it is told nowhere");
    }
}

#[tokio::test]
async fn a_target_that_names_its_server_is_asked_as_its_path_is() {
    let world = World::start().await;
    let answer = ask(&world, get("http://api.klout.com/healthz", "")).await;
    assert_eq!(answer.status, 200);
    // It is no proxy.
    assert_eq!(ask(&world, get("http://127.0.0.1:1/nothing", "")).await.status, 404);
    let connect = "CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n";
    assert!(ask(&world, connect).await.status >= 400);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused_and_the_connection_ends() {
    let world = World::start_with(&[("http.head_size_max", "8192")]).await;
    let long = "x".repeat(10_000);
    let (more, many) = ("X-One: 1\r\n".repeat(64), "X-One: 1\r\n".repeat(200));
    for (request, statuses) in [
        (get(&format!("/{long}"), ""), [414, 431]),
        (get("/healthz", &format!("X-Long: {long}\r\n")), [431, 431]),
        (get("/healthz", &more), [431, 431]),
        (get("/healthz", &many), [431, 431]),
    ] {
        let mut raw = Raw::connect(&world).await;
        raw.send(request).await;
        let status = raw.answer().await.status;
        assert!(statuses.contains(&status), "{status}");
        raw.until_closed().await;
    }
}

#[tokio::test]
async fn a_body_that_never_ends_is_refused_and_the_connection_ends() {
    let world = World::start_with(&[("gateway.body_size_max", "1000")]).await;
    let mut raw = Raw::connect(&world).await;
    raw.send(post("Transfer-Encoding: chunked\r\n", "")).await;
    raw.flood(format!("400\r\n{}\r\n", "x".repeat(1024)).as_bytes()).await;
    let declared = post("Content-Length: 1000000000\r\n", &"x".repeat(2_000));
    assert_eq!(ask(&world, declared).await.status, 413);
}

#[tokio::test]
async fn who_sends_a_head_slowly_or_in_part_loses_the_connection() {
    let world = World::start_with(&[("http.head_time_max", "100ms")]).await;
    let mut raw = Raw::connect(&world).await;
    raw.send("GET /healthz HTTP/1.1\r\nHost: a\r\nX-Sl").await;
    assert!(raw.until_closed().await.is_empty());

    let mut raw = Raw::connect(&world).await;
    let endless = get("/healthz", "").into_bytes().into_iter().chain(std::iter::repeat(b'a'));
    raw.trickle(std::iter::once(b'G').chain(endless)).await;

    // The second request of a connection too.
    let mut raw = Raw::connect(&world).await;
    raw.send(get("/healthz", "") + "GET /hea").await;
    assert_eq!(raw.answer().await.status, 200);
    raw.send("l").await;
    assert!(raw.until_closed().await.is_empty());
}

#[tokio::test]
async fn who_sends_a_body_slowly_or_in_part_is_refused_and_loses_the_connection() {
    for setting in ["http.body_wait_max", "http.body_time_max"] {
        let world = World::start_with(&[(setting, "100ms")]).await;
        let mut raw = Raw::connect(&world).await;
        raw.send(post("Content-Length: 30\r\n", "{\"sub")).await;
        let answer = raw.answer().await;
        assert_eq!(answer.status, 400, "{setting}: {answer:?}");
        assert!(answer.body.contains("MESSAGE_MALFORMED"), "{answer:?}");
        raw.until_closed().await;
    }
    // However often a byte comes, there is an end.
    let world = World::start_with(&[("http.body_time_max", "200ms")]).await;
    let mut raw = Raw::connect(&world).await;
    raw.send(post("Content-Length: 1000000\r\n", "")).await;
    raw.trickle(std::iter::repeat(b' ')).await;
}

#[tokio::test]
async fn who_asks_nothing_loses_the_connection() {
    let world = World::start_with(&[("http.idle_time_max", "100ms")]).await;
    let silent = Raw::connect(&world).await;
    assert!(silent.until_closed().await.is_empty());

    let mut asked = Raw::connect(&world).await;
    asked.send(get("/healthz", "")).await;
    assert_eq!(asked.answer().await.status, 200);
    assert!(asked.until_closed().await.is_empty());

    for beginning in [HTTP2, &HTTP2[..10]] {
        let mut http2 = Raw::connect(&world).await;
        http2.send(beginning).await;
        http2.until_closed().await;
    }
}

#[tokio::test]
async fn who_reads_nothing_loses_the_connection() {
    let world = World::start_with(&[("http.write_wait_max", "100ms")]).await;
    let mut raw = Raw::connect(&world).await;
    raw.flood(get("/style.css", "").as_bytes()).await;
}

#[tokio::test]
async fn a_connection_ends_when_it_is_old() {
    let world = World::start_with(&[("http.connection_age_max", "100ms")]).await;
    let mut raw = Raw::connect(&world).await;
    raw.send(get("/healthz", "")).await;
    assert_eq!(raw.answer().await.status, 200);
    assert!(raw.until_closed().await.is_empty());
}

#[tokio::test]
async fn there_are_so_many_connections_and_no_more() {
    let settings = [("http.connections_max", "1"), ("http.idle_time_max", "100ms")];
    let world = World::start_with(&settings).await;
    let mut first = Raw::connect(&world).await;
    first.send(get("/healthz", "")).await;
    assert_eq!(first.answer().await.status, 200);
    // There is room when the first one has ended, and not before.
    assert_eq!(ask(&world, get("/healthz", "")).await.status, 200);
    let seen = std::pin::pin!(first.until_closed());
    assert!(futures::FutureExt::now_or_never(seen).is_some(), "the first one has ended");
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// `GET /healthz`, in the static table of HPACK and by letters.
fn head() -> Vec<u8> {
    let mut head = vec![0x82, 0x86, 0x04, 8];
    head.extend(b"/healthz");
    head.extend([0x01, 1, b'a']);
    head
}

#[tokio::test]
async fn streams_that_are_reset_as_soon_as_they_are_opened_end_the_connection() {
    let world = World::start().await;
    let mut raw = Raw::connect(&world).await;
    raw.send(HTTP2).await;
    let mut streams = (1..u32::MAX / 4).step_by(2);
    let mut resets = Vec::new();
    for stream in streams.by_ref().take(5_000) {
        resets.extend(frame(1, 5, stream, &head()));
        resets.extend(frame(3, 0, stream, &8_u32.to_be_bytes()));
    }
    // It may be closed before all of it is sent, and says why.
    raw.offer(&resets).await;
    let said = raw.until_closed().await;
    let calm_down = frame(7, 0, 0, &[]);
    let goodbye = said.windows(9).any(|it| it[3..5] == calm_down[3..5]);
    assert!(goodbye, "it says goodbye");
}

#[tokio::test]
async fn a_head_of_http2_that_never_ends_ends_the_connection() {
    let world = World::start().await;
    let mut raw = Raw::connect(&world).await;
    raw.send(HTTP2).await;
    raw.send(frame(1, 0, 1, &head())).await;
    // A header of 4,000 bytes that is not to be remembered, over and over.
    let mut header = vec![0x00, 1, b'x', 0x7f, 0xa1, 0x1e];
    header.extend(vec![b'y'; 4_000]);
    raw.flood(&frame(9, 0, 1, &header)).await;
}

#[tokio::test]
async fn pings_and_settings_without_end_do_not_pile_up() {
    let world = World::start().await;
    for endless in [frame(4, 0, 0, &[]), frame(6, 0, 0, &[7; 8])] {
        let mut raw = Raw::connect(&world).await;
        raw.send(HTTP2).await;
        // They are answered as they come, and nobody who does not read is answered for ever.
        raw.offer(&endless.repeat(20_000)).await;
        drop(raw);
        assert_eq!(ask(&world, get("/healthz", "")).await.status, 200);
    }
}
