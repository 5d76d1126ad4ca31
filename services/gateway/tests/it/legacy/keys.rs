//! Keys of the old API: in the address, and what is said when one does not open.

use klout_testkit::until;
use reqwest::Method;
use serde_json::{Value, json};

use super::town::{Town, token};

const NO_KEY: &str =
    r#"{"error":403,"description":"Invalid or unprovided API key. All calls must have a key."}"#;

#[tokio::test]
async fn a_missing_or_wrong_key_is_403_with_the_body_of_the_api() {
    let town = Town::start().await;
    for path in [
        "/v2/user.json/123456/score",
        "/v2/user.json/123456/score?key=",
        "/v2/user.json/123456/score?key=wrong",
        "/v2/user.json/123456/score?key=a%0d%0ab",
        "/v2/nothing.json?key=wrong",
        "/1/klout.json?users=alice&key=wrong",
        "/1/klout.json?users=alice",
    ] {
        let answer = town.get_as_is(path).await;
        assert_eq!((answer.status, answer.body.as_str()), (403, NO_KEY), "{path}");
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(answer.headers["x-mashery-error-code"], "ERR_403_NOT_AUTHORIZED");
    }
    assert!(town.asked().is_empty());
}

#[tokio::test]
async fn a_key_for_what_nobody_may_be_judged_by_is_not_authorized() {
    let town = Town::start().await;
    let key = token("desk", "hiring");
    let answer = town.get_as_is(&format!("/v2/user.json/123456/score?key={key}")).await;
    assert_eq!((answer.status, answer.body.as_str()), (403, "<h1>403 Not Authorized</h1>"));
    assert_eq!(answer.headers["x-mashery-error-code"], "ERR_403_NOT_AUTHORIZED");
    assert!(town.asked().is_empty());
}

#[tokio::test]
async fn services_hear_for_whom_and_why_whatever_is_asked() {
    let town = Town::start().await;
    for path in [
        "/v2/identity.json/twitter?screenName=alice",
        "/v2/identity.json/klout/123456/tw",
        "/v2/user.json/123456",
        "/v2/user.json/123456/score",
        "/v2/user.json/123456/topics",
        "/v2/user.json/123456/influence",
        "/v2/tw-user.json/42/influence",
        "/1/klout.json?users=alice,bob",
        "/1/users/show.json?users=alice,bob",
        "/1/users/topics.json?users=alice,bob",
        "/1/soi/influenced_by.json?users=alice,bob",
        "/1/soi/influencer_of.json?users=alice,bob",
    ] {
        assert_eq!(town.get(path).await.status, 200, "{path}");
        let asked = town.asked();
        assert!(!asked.is_empty(), "{path}");
        for (rpc, caller, purpose) in asked {
            assert_eq!((caller.as_str(), purpose.as_str()), ("acme", "crm"), "{path} {rpc}");
        }
    }
}

/// Makes a key of a customer: its id, and what is shown.
async fn key(town: &Town, name: &str, scopes: &[&str]) -> (String, String) {
    limited_key(town, &json!({ "name": name, "purpose": "show", "scopes": scopes })).await
}

async fn limited_key(town: &Town, what: &Value) -> (String, String) {
    let made = operate(town, "/v1/keys", what).await;
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    (text(&made["key"]["key"]), text(&made["secret"]))
}

async fn operate(town: &Town, path: &str, what: &Value) -> Value {
    let operator = token("operator", "operator");
    let answer = town.post(path, &operator, &what.to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_str(&answer.body).expect("JSON")
}

#[tokio::test]
async fn a_key_of_a_customer_opens_with_the_scope_and_is_inactive_once_it_was_taken_back() {
    let town = Town::start().await;
    let (id, secret) = key(&town, "widget", &["legacy"]).await;
    let path = format!("/v2/user.json/123456/score?key={secret}");
    assert_eq!(town.get_as_is(&path).await.status, 200);
    let asked = town.asked();
    assert_eq!(asked, [("GetScore", "widget".to_owned(), "show".to_owned())]);

    operate(&town, &format!("/v1/keys/{id}/revoke"), &json!({})).await;
    until("the key is known to be taken back", async || {
        let answer = town.get_as_is(&path).await;
        answer.status == 403 && answer.body == "<h1>403 Developer Inactive</h1>"
    })
    .await;
    let answer = town.get_as_is(&path).await;
    assert_eq!(answer.headers["content-type"], "application/xml; charset=utf-8");
    assert_eq!(answer.headers["x-mashery-error-code"], "ERR_403_DEVELOPER_INACTIVE");
    let answer = town.get_as_is(&format!("{path}&callback=cb")).await;
    assert_eq!(answer.body, r#"cb({"error":403,"description":"Developer Inactive"})"#);
}

#[tokio::test]
async fn a_key_without_the_scope_is_not_authorized_and_one_letter_more_is_no_key() {
    let town = Town::start().await;
    let (_, secret) = key(&town, "crm", &["scores"]).await;
    let answer = town.get_as_is(&format!("/v2/user.json/123456/score?key={secret}")).await;
    assert_eq!((answer.status, answer.body.as_str()), (403, "<h1>403 Not Authorized</h1>"));
    let (_, secret) = key(&town, "widget", &["legacy"]).await;
    let answer = town.get_as_is(&format!("/v2/user.json/123456/score?key={secret}x")).await;
    assert_eq!((answer.status, answer.body.as_str()), (403, NO_KEY));
    assert!(town.asked().is_empty());
    let answer = town.send(Method::GET, "/v1/people/1/score", &[("x-api-key", &secret)]).await;
    assert_eq!(answer.status, 403, "the old API and nothing else");
}

#[tokio::test]
async fn a_key_that_is_over_a_limit_is_403_as_the_proxy_said_it() {
    let town = Town::start().await;
    for (limit, other, body, code) in [
        (
            "callsPerSecond",
            "callsPerDay",
            "<h1>403 Developer Over Qps</h1>",
            "ERR_403_DEVELOPER_OVER_QPS",
        ),
        (
            "callsPerDay",
            "callsPerSecond",
            "<h1>403 Developer Over Rate</h1>",
            "ERR_403_DEVELOPER_OVER_RATE",
        ),
    ] {
        let what = json!({
            "name": limit, "purpose": "show", "scopes": ["legacy"], limit: 1, other: 0
        });
        let (_, secret) = limited_key(&town, &what).await;
        let path = format!("/v2/user.json/123456/score?key={secret}");
        // A second ends when it likes.
        let mut answer = town.get_as_is(&path).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        until("the limit is reached", async || {
            answer = town.get_as_is(&path).await;
            answer.status != 200
        })
        .await;
        assert_eq!((answer.status, answer.body.as_str()), (403, body));
        assert_eq!(answer.headers["content-type"], "application/xml; charset=utf-8");
        assert_eq!(answer.headers["x-mashery-error-code"], code);
        let seconds: u32 = answer.headers["retry-after"].parse().expect("seconds");
        assert!((1..=86_400).contains(&seconds), "{seconds}");
    }
}

#[tokio::test]
async fn nobody_on_the_way_keeps_what_the_old_api_says() {
    let town = Town::start().await;
    for path in ["/v2/user.json/123456/score", "/v2/user.json/7/score", "/1/klout.json?users=bob"] {
        let answer = town.get(path).await;
        assert_eq!(answer.headers["cache-control"], "private, no-store", "{path}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{path}");
    }
}
