//! Every address of version 2.

use reqwest::Method;
use serde_json::{Value, json};

use super::town::{AWAY, Answer, BROKEN, SLOW, Town};

const SCORE: &str = r#"{"score":48.87713850934447,"scoreDelta":{"dayChange":0.11,"weekChange":0.07,"monthChange":0.19},"bucket":"40-49"}"#;
const USER: &str = r#"{"kloutId":"123456","nick":"alice","score":{"score":48.87713850934447,"bucket":"40-49"},"scoreDeltas":{"dayChange":0.11,"weekChange":0.07,"monthChange":0.19}}"#;
const NOBODY: &str = r#"{"error":404,"description":"User not found."}"#;

#[track_caller]
fn assert_json(answer: &Answer, status: u16, body: &str) {
    assert_eq!((answer.status, answer.body.as_str()), (status, body), "{answer:?}");
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
}

fn rpcs(town: &Town) -> Vec<&'static str> {
    town.asked().into_iter().map(|it| it.0).collect()
}

#[tokio::test]
async fn an_identity_is_found_by_screen_name_and_by_the_ids_of_four_networks() {
    let town = Town::start().await;
    for path in [
        "twitter?screenName=alice",
        "twitter?screenName=Alice",
        "tw/42",
        "gp/112975106809988327760",
        "ig/77",
        "fb/55",
    ] {
        let answer = town.get(&format!("/v2/identity.json/{path}")).await;
        assert_json(&answer, 200, r#"{"id":"123456","network":"ks"}"#);
        assert_eq!(rpcs(&town), ["BatchResolvePeople"], "{path}: one call");
    }
    let answer = town.get("/v2/identity.json/twitter?screenName=xavier").await;
    assert_json(&answer, 200, r#"{"id":"5","network":"ks"}"#);
}

#[tokio::test]
async fn a_network_says_what_it_calls_somebody() {
    let town = Town::start().await;
    for (network, id) in [("tw", "42"), ("gp", "112975106809988327760"), ("ig", "77"), ("fb", "55")]
    {
        for of in ["klout", "ks"] {
            let answer = town.get(&format!("/v2/identity.json/{of}/123456/{network}")).await;
            assert_json(&answer, 200, &format!(r#"{{"id":"{id}","network":"{network}"}}"#));
        }
    }
    for path in ["/v2/identity.json/klout/6/tw", "/v2/identity.json/klout/1/gp"] {
        assert_json(&town.get(path).await, 404, NOBODY);
    }
}

#[tokio::test]
async fn a_score_is_one_call_and_its_changes_are_in_the_singular() {
    let town = Town::start().await;
    assert_json(&town.get("/v2/user.json/123456/score").await, 200, SCORE);
    assert_eq!(rpcs(&town), ["GetScore"]);
    assert_json(&town.get("/v2/tw-user.json/42/score").await, 200, SCORE);
    assert_eq!(rpcs(&town), ["BatchLookupScores"]);
}

#[tokio::test]
async fn a_user_has_its_changes_in_the_plural() {
    let town = Town::start().await;
    for path in ["/v2/user.json/123456", "/v2/tw-user.json/42"] {
        assert_json(&town.get(path).await, 200, USER);
    }
}

#[tokio::test]
async fn topics_are_those_that_were_earned_with_both_names_of_their_type() {
    let town = Town::start().await;
    for path in ["/v2/user.json/123456/topics", "/v2/tw-user.json/42/topics"] {
        let answer = town.get(path).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let topics: Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!(topics.as_array().map(Vec::len), Some(2), "what was declared is none: {topics}");
        let image = town.url("/images/topics/music.svg");
        assert_eq!(
            topics[0],
            json!({
                "id": "5241585099662481339",
                "displayName": "Music",
                "name": "Music",
                "slug": "music",
                "imageUrl": image,
                "topicType": "sub",
                "displayType": "sub",
            })
        );
    }
    assert_json(&town.get("/v2/user.json/1/topics").await, 200, "[]");
}

#[tokio::test]
async fn the_picture_of_a_topic_is_there_and_shows_nothing_that_was_asked() {
    let town = Town::start().await;
    let answer = town.get_as_is("/images/topics/music.svg").await;
    assert_eq!((answer.status, answer.headers["content-type"].as_str()), (200, "image/svg+xml"));
    assert!(answer.body.contains(">M</text>"), "{answer:?}");
    let answer = town.get_as_is("/images/topics/%3Cscript%3Ealert(1)%3C%2Fscript%3E.svg").await;
    assert!(!answer.body.contains("script"), "{answer:?}");
    assert_eq!(town.get_as_is("/images/topics/music.png").await.status, 404);
    assert!(rpcs(&town).is_empty());
}

#[tokio::test]
async fn influence_shows_the_closest_by_score_and_counts_everybody() {
    let town = Town::start().await;
    for path in ["/v2/user.json/123456/influence", "/v2/tw-user.json/42/influence"] {
        let answer = town.get(path).await;
        let user = |id: &str, nick: &str, score: &str, bucket: &str| {
            format!(
                concat!(
                    r#"{{"entity":{{"id":"{id}","payload":{{"kloutId":"{id}","nick":"{nick}","#,
                    r#""score":{{"score":{score},"bucket":"{bucket}"}},"#,
                    r#""scoreDeltas":{{"dayChange":0.0,"weekChange":0.0,"monthChange":0.0}}}}}}}}"#
                ),
                id = id,
                nick = nick,
                score = score,
                bucket = bucket
            )
        };
        let (bob, carol) =
            (user("1", "bob", "84.1", "80-89"), user("2", "carol", "12.03", "10-19"));
        let ivy = user("6", "ivy.example", "55.0", "50-59");
        let expected = format!(
            r#"{{"myInfluencers":[{bob},{carol}],"myInfluencees":[{ivy}],"myInfluencersCount":15,"myInfluenceesCount":138166}}"#
        );
        assert_json(&answer, 200, &expected);
    }
    rpcs(&town);
    town.get("/v2/user.json/123456/influence").await;
    let mut asked = rpcs(&town);
    asked.sort_unstable();
    let four = ["BatchGetPeople", "BatchLookupScores", "ListInfluencees", "ListInfluencers"];
    assert_eq!(asked, four, "four calls, of whoever is listed");

    let answer = town.get("/v2/user.json/1/influence").await;
    let influence: Value = serde_json::from_str(&answer.body).expect("JSON");
    let listed = influence["myInfluencees"].as_array().expect("a list");
    let scores: Vec<_> =
        listed.iter().map(|it| it["entity"]["payload"]["score"]["score"].clone()).collect();
    assert_eq!(scores, [84.1, 55.0, 48.877_138_509_344_47, 30.0, 12.03]);
    assert_eq!(
        (&influence["myInfluencers"], &influence["myInfluenceesCount"]),
        (&json!([]), &json!(7))
    );
}

#[tokio::test]
async fn whoever_is_unknown_hidden_ambiguous_or_impossible_is_the_same_nobody() {
    let town = Town::start().await;
    let mut headers = Vec::new();
    for path in [
        "/v2/identity.json/twitter?screenName=nobody",
        "/v2/identity.json/twitter?screenName=several",
        "/v2/identity.json/twitter",
        "/v2/identity.json/twitter?screenName=",
        "/v2/identity.json/tw/4242",
        "/v2/identity.json/klout/7/tw",
        "/v2/user.json/7",
        "/v2/user.json/7/score",
        "/v2/user.json/7/topics",
        "/v2/user.json/7/influence",
        "/v2/user.json/alice/score",
        "/v2/user.json/99999999999999999999/score",
        "/v2/tw-user.json/4242/score",
        "/v2/tw-user.json/4242",
    ] {
        let mut answer = town.get(path).await;
        assert_json(&answer, 404, NOBODY);
        answer.headers.remove("date");
        headers.push(answer.headers);
    }
    assert!(headers.windows(2).all(|pair| pair[0] == pair[1]), "{headers:?}");
}

#[tokio::test]
async fn who_has_no_score_has_none_and_who_waits_for_one_is_told_apart() {
    let town = Town::start().await;
    for path in ["/v2/user.json/3/score", "/v2/user.json/3", "/v2/tw-user.json/45/score"] {
        assert_json(&town.get(path).await, 404, NOBODY);
    }
    let queued = r#"{"error":404,"description":"The user was queued for scoring."}"#;
    for path in ["/v2/user.json/4/score", "/v2/user.json/4", "/v2/tw-user.json/46/score"] {
        assert_json(&town.get(path).await, 404, queued);
    }
    let identity = town.get("/v2/identity.json/twitter?screenName=fay").await;
    assert_json(&identity, 200, r#"{"id":"4","network":"ks"}"#);
    assert_json(&town.get("/v2/user.json/4/topics").await, 200, "[]");
}

#[tokio::test]
async fn what_has_no_such_address_is_not_there() {
    let town = Town::start().await;
    for path in [
        "/v2/user.json",
        "/v2/nothing.json",
        "/v2/oauth/",
        "/v2/user.json/123456/perks",
        "/v2/",
        "/v2",
        "/1/",
        "/1",
    ] {
        let body = r#"{"error":404,"description":"Not found: no such URI."}"#;
        assert_json(&town.get(path).await, 404, body);
    }
    let path = format!("/v2/user.json/123456?key={}", town.key());
    let answer = town.send(Method::POST, &path, &[]).await;
    assert_eq!((answer.status, answer.headers["allow"].as_str()), (405, "GET, HEAD"));
    let (asked, told) = town.raw(&format!("GET {path} HTTP/1.0\r\n\r\n")).await;
    let (head, none) = town.raw(&format!("HEAD {path} HTTP/1.0\r\n\r\n")).await;
    assert!(!told.is_empty() && none.is_empty());
    let same = |head: &[String]| -> Vec<String> {
        let changes = |line: &str| line.starts_with("date:") || line.starts_with("x-request-id:");
        head.iter().filter(|line| !changes(line)).cloned().collect()
    };
    assert_eq!(same(&head), same(&asked), "the head is that of the whole answer");
}

#[tokio::test]
async fn an_error_is_never_a_score_nor_nobody() {
    let town = Town::start_with(&[("gateway.request_time_max", "200ms")]).await;
    for what in ["", "/score", "/topics", "/influence"] {
        let answer = town.get(&format!("/v2/user.json/{BROKEN}{what}")).await;
        assert_json(&answer, 500, r#"{"error":500,"description":"Internal server error."}"#);
        let answer = town.get(&format!("/v2/user.json/{AWAY}{what}")).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (503, "<h1>503 Service Unavailable</h1>")
        );
        assert_eq!(answer.headers["retry-after"], "1");
        let answer = town.get(&format!("/v2/user.json/{SLOW}{what}")).await;
        assert_eq!((answer.status, answer.body.as_str()), (504, "<h1>504 Gateway Timeout</h1>"));
    }
    for path in ["/v2/identity.json/twitter?screenName=broken", "/1/klout.json?users=broken"] {
        assert_eq!(town.get(path).await.status, 500, "{path}");
    }
}
