//! Answers that are handed to a function of a page (JSONP).

use super::town::{Answer, Town};

#[track_caller]
fn assert_script(answer: &Answer, status: u16, body: &str) {
    assert_eq!((answer.status, answer.body.as_str()), (status, body), "{answer:?}");
    assert_eq!(answer.headers["content-type"], "application/javascript; charset=utf-8");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn an_answer_is_handed_to_the_function_that_was_named() {
    let town = Town::start().await;
    for callback in ["cb", "jQuery18309_1372", "Request.JSONP.request_map.request_0", "$.f"] {
        let path = format!("/v2/identity.json/twitter?screenName=alice&callback={callback}");
        let body = format!(r#"{callback}({{"id":"123456","network":"ks"}})"#);
        assert_script(&town.get(&path).await, 200, &body);
    }
    for what in ["", "/score", "/topics", "/influence"] {
        let answer = town.get(&format!("/v2/user.json/123456{what}?callback=cb")).await;
        assert!(answer.body.starts_with("cb(") && answer.body.ends_with(')'), "{answer:?}");
    }
    let answer = town.get("/1/klout.json?users=bob&callback=cb").await;
    let body = r#"cb({"status":200,"users":[{"twitter_screen_name":"bob","kscore":84.1}]})"#;
    assert_script(&answer, 200, body);
}

#[tokio::test]
async fn a_callback_that_is_more_than_a_name_is_refused_and_not_repeated() {
    let town = Town::start().await;
    let refused = r#"{"error":403,"description":"The callback is not the name of a function."}"#;
    for callback in [
        "alert(1)//",
        "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "a%0d%0aset-cookie:%20x=y",
        "a;b",
        "a%00",
        "a%E2%80%A8b",
        "a[0]",
        "a..b",
        "1a",
        "",
        "%3F",
        &"a".repeat(65),
    ] {
        let answer = town.get(&format!("/v2/user.json/123456?callback={callback}")).await;
        assert_eq!((answer.status, answer.body.as_str()), (403, refused), "{callback}");
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    assert!(town.asked().is_empty());
}

#[tokio::test]
async fn errors_are_handed_to_the_function_too() {
    let town = Town::start().await;
    let answer = town.get("/v2/user.json/7?callback=cb").await;
    assert_script(&answer, 404, r#"cb({"error":404,"description":"User not found."})"#);
    let answer = town.get_as_is("/v2/user.json/123456?callback=cb&key=wrong").await;
    let key = r#"cb({"error":403,"description":"Invalid or unprovided API key. All calls must have a key."})"#;
    assert_script(&answer, 403, key);
    let answer = town.get("/1/klout.xml?users=alice&callback=cb").await;
    assert_eq!(answer.headers["content-type"], "application/javascript; charset=utf-8");
    assert!(answer.body.starts_with("cb(\"<?xml"), "{answer:?}");
}

#[tokio::test]
async fn no_page_reads_a_gateway_that_is_open_without_a_key_of_its_own() {
    let town = Town::start_with(&[("server.dev", "true")]).await;
    assert_eq!(town.get_as_is("/v2/user.json/123456/score").await.status, 200, "it is open");
    for path in ["/v2/user.json/123456/score?callback=cb", "/v2/user.json/123456?callback=cb&key="]
    {
        let answer = town.get_as_is(path).await;
        assert_eq!(answer.status, 403, "{answer:?}");
        assert!(!answer.body.contains("48.8"), "{answer:?}");
    }
    assert_eq!(town.get("/v2/user.json/123456/score?callback=cb").await.status, 200);
}
