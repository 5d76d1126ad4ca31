//! Where clients of then are particular, by the numbers of `docs/old-klout-api.md`.

use std::io::Read as _;

use serde_json::Value;

use super::town::{AWAY, BROKEN, SLOW, Town};

#[tokio::test]
async fn trap_1_nothing_that_failed_has_a_status_and_a_body_that_old_clients_take_for_an_answer() {
    // node_klout: an error is 401, 403, 404, 500, 502, 503; else JSON is an answer, and so is text/xml.
    // klout of npm: an error is 401, 403, 404, 500; else whatever parses is an answer.
    let town = Town::start_with(&[("gateway.request_time_max", "200ms")]).await;
    for path in [
        format!("/v2/user.json/{SLOW}/score"),
        format!("/v2/user.json/{AWAY}/score"),
        format!("/v2/user.json/{BROKEN}/score"),
        "/v2/user.json/7/score".to_owned(),
        "/v2/user.json/3/score".to_owned(),
        "/v2/user.json/4/score".to_owned(),
        "/1/klout.json?users=a,b,c,d,e,f".to_owned(),
        "/v2/user.json/123456?callback=1".to_owned(),
    ] {
        let answer = town.get(&path).await;
        let known = [401, 403, 404, 500].contains(&answer.status);
        let parses = serde_json::from_str::<Value>(&answer.body).is_ok();
        let taken = parses || answer.headers["content-type"].contains("text/xml");
        assert!(known || !taken, "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn trap_2_node_klout_reads_the_word_application_json_in_the_type() {
    let town = Town::start().await;
    for path in ["/v2/user.json/123456/score", "/v2/user.json/7/score", "/1/klout.json?users=bob"] {
        let answer = town.get(path).await;
        assert!(answer.headers["content-type"].contains("application/json"), "{answer:?}");
    }
}

#[tokio::test]
async fn trap_3_jklout2_reads_an_error_of_json_with_a_number_and_words() {
    let town = Town::start().await;
    for path in ["/v2/user.json/7/score?key=wrong", "/v2/user.json/7/score", "/v2/nothing"] {
        let answer = town.get(path).await;
        assert!(answer.headers["content-type"].contains("json"), "{answer:?}");
        let error: Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!(error["error"].as_u64(), Some(answer.status.into()));
        assert!(!error["description"].as_str().expect("words").is_empty());
    }
}

#[tokio::test]
async fn trap_4_the_php_sdk_ends_the_path_with_a_slash() {
    let town = Town::start().await;
    for (path, without) in [
        (
            "/v2/identity.json/twitter/?screenName=alice",
            "/v2/identity.json/twitter?screenName=alice",
        ),
        ("/v2/user.json/123456/score/", "/v2/user.json/123456/score"),
        ("/v2/user.json/123456/", "/v2/user.json/123456"),
        ("/v2//user.json//123456", "/v2/user.json/123456"),
        ("/1/klout.json/?users=bob", "/1/klout.json?users=bob"),
    ] {
        let (with, without) = (town.get(path).await, town.get(without).await);
        assert_eq!((with.status, with.body), (200, without.body), "{path}");
    }
}

#[tokio::test]
async fn trap_5_the_key_comes_first_or_last() {
    let town = Town::start().await;
    let key = town.key();
    let mut bodies = Vec::new();
    for query in [
        format!("key={key}&screenName=alice"),
        format!("screenName=alice&key={key}"),
        format!("a=b&screenName=alice&key={key}&c"),
    ] {
        let answer = town.get_as_is(&format!("/v2/identity.json/twitter?{query}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        bodies.push(answer.body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
}

#[tokio::test]
async fn trap_6_users_are_repeated_or_joined_by_commas_as_they_are() {
    let town = Town::start().await;
    let key = town.key();
    let mut bodies = Vec::new();
    for query in
        ["users=alice&users=bob", "users=alice,bob", "users=alice%2Cbob", "users=%40alice,bob"]
    {
        let request = format!(
            "GET /1/klout.json?{query}&key={key} HTTP/1.1\r\nHost: api.klout.com\r\nConnection: close\r\n\r\n"
        );
        let (head, body) = town.raw(&request).await;
        assert_eq!(head[0], "HTTP/1.1 200 OK", "{query}");
        bodies.push(String::from_utf8(body).expect("text"));
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
}

#[tokio::test]
async fn trap_7_a_proxy_sends_whole_addresses_and_old_software_http_1_0_without_a_name() {
    let town = Town::start().await;
    let key = town.key();
    for head in [
        format!(
            "GET http://api.klout.com/v2/user.json/123456/score?key={key} HTTP/1.1\r\nHost: api.klout.com\r\nConnection: close"
        ),
        format!(
            "GET /v2/user.json/123456/score?key={key} HTTP/1.1\r\nHost: api.klout.com\r\nConnection: close"
        ),
        format!("GET /v2/user.json/123456/score?key={key} HTTP/1.0\r\nHost: api.klout.com"),
        format!("GET /v2/user.json/123456/score?key={key} HTTP/1.0"),
        format!("GET http://api.klout.com:80/v2/user.json/123456/score?key={key} HTTP/1.0"),
    ] {
        let (answered, body) = town.raw(&format!("{head}\r\n\r\n")).await;
        assert!(answered[0].ends_with(" 200 OK"), "{head}: {answered:?}");
        let score: Value = serde_json::from_slice(&body).expect("JSON, and nothing around it");
        assert_eq!(score["bucket"], "40-49", "{head}");
        let chunked = answered.iter().any(|it| it.to_lowercase().contains("chunked"));
        assert!(!chunked, "HTTP/1.0 has no chunks: {answered:?}");
    }
    let request = format!(
        "GET http://api.klout.com/v2/user.json/123456/topics?key={key} HTTP/1.1\r\nHost: api.klout.com\r\nConnection: close\r\n\r\n"
    );
    let body = String::from_utf8(town.raw(&request).await.1).expect("text");
    assert!(
        body.contains(r#""imageUrl":"http://api.klout.com/images/topics/music.svg""#),
        "{body}"
    );
}

#[tokio::test]
async fn trap_8_ids_of_topics_fit_into_63_bits_and_ids_of_people_are_strings_of_digits() {
    let town = Town::start().await;
    let answer = town.get("/v2/user.json/123456/topics").await;
    let topics: Value = serde_json::from_str(&answer.body).expect("JSON");
    for topic in topics.as_array().expect("topics") {
        let id: i64 = topic["id"].as_str().expect("a string").parse().expect("63 bits");
        assert!(id > 0);
    }
    let answer = town.get("/v2/identity.json/twitter?screenName=alice").await;
    let identity: Value = serde_json::from_str(&answer.body).expect("JSON");
    let id = identity["id"].as_str().expect("a string");
    assert!(id.bytes().all(|it| it.is_ascii_digit()), "{id}");
}

#[tokio::test]
async fn trap_9_every_name_that_clients_read_is_there_whatever_else_is() {
    let town = Town::start().await;
    let user: Value = serde_json::from_str(&town.get("/v2/user.json/1").await.body).expect("JSON");
    for pointer in [
        "/kloutId",
        "/nick",
        "/score/score",
        "/score/bucket",
        "/scoreDeltas/dayChange",
        "/scoreDeltas/weekChange",
        "/scoreDeltas/monthChange",
    ] {
        assert!(user.pointer(pointer).is_some_and(|it| !it.is_null()), "{pointer}: {user}");
    }
}

#[tokio::test]
async fn trap_10_plain_http_is_answered_and_leads_nowhere_else() {
    let town = Town::start().await;
    let answer = town.get("/v2/user.json/123456/score").await;
    assert_eq!(answer.status, 200);
    assert!(!answer.headers.contains_key("location"));
    assert!(!answer.headers.contains_key("strict-transport-security"));
}

#[tokio::test]
async fn what_is_answered_is_packed_only_for_who_asks_for_it() {
    let town = Town::start().await;
    let key = town.key();
    let get = async |more: &str| {
        let request = format!(
            "GET /v2/user.json/123456?key={key} HTTP/1.1\r\nHost: api.klout.com\r\nConnection: close\r\n{more}\r\n"
        );
        town.raw(&request).await
    };
    let encoding =
        |head: &[String]| head.iter().any(|it| it.eq_ignore_ascii_case("content-encoding: gzip"));
    let (head, plain) = get("").await;
    assert!(!encoding(&head), "{head:?}");
    assert!(plain.starts_with(b"{\"kloutId\""));
    let (head, _) = get("Accept-Encoding: identity\r\n").await;
    assert!(!encoding(&head), "{head:?}");
    // HTTP/1.0 and chunks do not go together, so the end of the body is that of the connection.
    let request =
        format!("GET /v2/user.json/123456?key={key} HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n");
    let (head, packed) = town.raw(&request).await;
    assert!(encoding(&head), "{head:?}");
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut unpacked).expect("gzip");
    assert_eq!(unpacked, plain);
}
