//! The web pages, as a browser gets them.

use std::{sync::atomic::Ordering, time::Duration};

use futures::future::join_all;
use reqwest::{Method, StatusCode};

use crate::{
    people::{DEE, EVE, FRESH, GONE, KIT, UNSEEN},
    world::{ANN, Answer, SLOW, World},
};

async fn world_of(ranked: &[&'static str]) -> World {
    let world = World::start().await;
    world.scoring.ranked.lock().expect("not poisoned").extend(ranked);
    world
}

/// A page of HTML with that status, and what each of them has.
fn assert_page(answer: &Answer, status: StatusCode) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
    assert!(answer.headers["content-security-policy"].starts_with("default-src 'none'; "));
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    assert_eq!(answer.headers["referrer-policy"], "no-referrer");
    assert!(answer.text.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
    assert!(!answer.text.contains("<script") && !answer.text.contains("style="), "{answer:?}");
}

fn assert_failure(answer: &Answer, status: StatusCode, reason: &str) {
    assert_page(answer, status);
    assert!(answer.text.contains(&format!("<code>{reason}</code>")), "{answer:?}");
    assert_eq!(answer.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn the_overview_lists_people_best_first_and_leads_to_them() {
    let world = world_of(&[DEE, ANN]).await;

    let answer = world.get("/").await;

    assert_page(&answer, StatusCode::OK);
    assert_eq!(answer.headers["cache-control"], "no-cache");
    let place =
        |text: &str| answer.text.find(text).unwrap_or_else(|| panic!("no {text}: {}", answer.text));
    let dee = place("<a href=\"/people/50\"><bdi>dee.example</bdi></a>");
    let ann = place("<a href=\"/people/42\"><bdi>ann</bdi></a>");
    assert!(dee < ann);
    assert!(place("<bdi>dee-codes</bdi> on github") > dee);
    assert!(place("</span>61<span class=\"tenth\">.5</span>") < ann);
    assert!(place("−1.3 <span>in a week</span>") < ann);
    assert!(place("no week yet") > ann);
    place("Score from 58.0 on 28 May 2018 to 61.5 on 1 Jun 2018; lowest 58.0, highest 61.5");
    place("<time datetime=\"2018-06-01T00:00:00Z\">1 June 2018, 00:00 UTC</time>");
    place("by the model test");
    assert!(!answer.text.contains("rel=\"next\""));
}

#[tokio::test]
async fn a_long_ranking_goes_on_where_the_page_ends() {
    let mut ranked = [ANN; 25];
    ranked[20] = DEE;
    let world = world_of(&ranked).await;

    let answer = world.get("/").await;
    assert_page(&answer, StatusCode::OK);
    assert_eq!(answer.text.matches("<li>").count(), 20);
    assert!(answer.text.contains("href=\"/?page=20&#38;from=21\""), "{}", answer.text);

    let answer = world.get("/?page=20&from=21").await;
    assert_page(&answer, StatusCode::OK);
    assert_eq!(answer.text.matches("<li>").count(), 5);
    assert!(answer.text.contains(
        "<span class=\"hidden\">Rank </span>21</span>\n<div class=\"who\">\n<a href=\"/people/50\">"
    ));
    for query in ["page=x", "page=20&from=x"] {
        let answer = world.get(&format!("/?{query}")).await;
        assert_failure(&answer, StatusCode::BAD_REQUEST, "FIELD_INVALID");
    }
    let answer = world.get("/?page=30&from=31").await;
    assert_page(&answer, StatusCode::OK);
    assert!(answer.text.contains("Nobody is ranked further down."));
}

#[tokio::test]
async fn an_installation_without_scores_says_how_to_get_some() {
    let world = world_of(&[]).await;
    let answer = world.get("/").await;
    assert_page(&answer, StatusCode::OK);
    let command = "<code>klout import csv FILE <span>--register-all</span></code>";
    assert!(answer.text.contains(command), "{answer:?}");
    assert!(!answer.text.contains("As of"));
}

#[tokio::test]
async fn the_overview_is_made_once_for_all_who_ask() {
    let world = world_of(&[DEE, ANN]).await;

    let answers = join_all((0..30).map(|_| world.get("/"))).await;

    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
    let made = world.scoring.rankings.load(Ordering::SeqCst);
    // Once a second, on however slow a machine.
    assert!(made < 10, "{made}");
}

#[tokio::test]
async fn hanging_up_makes_no_page_be_made_more_often() {
    let world = world_of(&[SLOW]).await;

    for _ in 0..10 {
        let request = world.client.get(world.url("/")).timeout(Duration::from_millis(60));
        request.send().await.expect_err("it is never made");
    }

    let made = world.scoring.rankings.load(Ordering::SeqCst);
    assert!((1..5).contains(&made), "{made}");
}

#[tokio::test]
async fn who_has_just_left_is_not_shown() {
    let world = world_of(&[GONE, DEE]).await;
    let answer = world.get("/").await;
    assert_page(&answer, StatusCode::OK);
    assert!(!answer.text.contains(&format!("/people/{GONE}")));
    assert!(answer.text.contains("</span>2</span>"), "the rank of the next stays");
}

#[tokio::test]
async fn a_profile_shows_all_that_is_known() {
    let world = World::start().await;

    let answer = world.get(&format!("/people/{DEE}")).await;

    assert_page(&answer, StatusCode::OK);
    for shown in [
        "<h1><bdi>dee.example</bdi></h1>",
        "<li><bdi>dee-codes</bdi> <span>on github</span></li>",
        "</span>61<span class=\"tenth\">.5</span>",
        "<dt>In a day</dt><dd>+0.4</dd>",
        "<dt>In a week</dt><dd>−1.3</dd>",
        "<dt>In a month</dt><dd><span class=\"none\">no score then</span></dd>",
        "<dt>True reach</dt><dd>12,340 people",
        "<dt>Amplification</dt><dd>31.6 of 100",
        "<dt>Network impact</dt><dd>7.0 of 100",
        "<dt>Confidence</dt><dd>fair, 0.62",
        "<dt>Percentile</dt><dd>97.2",
        "<dt>Bucket</dt><dd>60-69",
        "aria-label=\"Score from 58.0 on 28 May 2018 to 61.5 on 1 Jun 2018; lowest 58.0, highest 61.5\"",
        "<title>31 May 2018: 58.0</title>",
        "<tr><th scope=\"row\">1 Jun 2018</th><td>61.5</td></tr>",
        "1 June 2018, 00:00 UTC</time>, by the model test, epoch 7.",
    ] {
        assert!(answer.text.contains(shown), "no {shown}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_profile_says_why() {
    let world = World::start().await;

    let answer = world.get(&format!("/people/{DEE}")).await;

    assert_page(&answer, StatusCode::OK);
    for shown in [
        "<h2>Why</h2>",
        "90 % sure between 59.9 and 63.3",
        "<caption>By network</caption>",
        "<th scope=\"row\">bluesky<svg aria-hidden=\"true\"><rect width=\"100.00%\" height=\"100%\"/></svg></th><td>60.5</td>",
        "<th scope=\"row\">influential members<svg",
        "<span class=\"points\">+0.4</span> 20 more reshares &#60;by&#62; people like those you have",
    ] {
        assert!(answer.text.contains(shown), "no {shown}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_profile_is_shown_without_an_explanation_and_tells_a_change_of_model() {
    let world = World::start().await;

    let answer = world.get(&format!("/people/{KIT}")).await;

    assert_page(&answer, StatusCode::OK);
    assert!(!answer.text.contains("<h2>Why</h2>"), "it is never explained");
    for shown in [
        "<dt>In a day</dt><dd><span class=\"none\">another model then</span></dd>",
        "<dt>In a month</dt><dd><span class=\"none\">no score then</span></dd>",
        "<line class=\"switch\" x1=\"100.00%\"",
        "Dashed: since 1 Jun 2018 scores are made by the model test.",
        "<th scope=\"row\">1 Jun 2018 <span class=\"none\">first by test</span></th>",
    ] {
        assert!(answer.text.contains(shown), "no {shown}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_state_is_told_in_words_and_without_a_number() {
    let world = World::start().await;
    for (person, told) in [(UNSEEN, "<h2>Unknown</h2>"), (FRESH, "<h2>Pending</h2>")] {
        let answer = world.get(&format!("/people/{person}")).await;
        assert_page(&answer, StatusCode::OK);
        assert!(answer.text.contains(told), "{answer:?}");
        for number in ["class=\"score\"", "tenth", "<svg", "<dd", "0.0"] {
            assert!(!answer.text.contains(number), "{number}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn markup_in_a_handle_stays_text() {
    let world = world_of(&[EVE]).await;
    for path in ["/".to_owned(), format!("/people/{EVE}")] {
        let answer = world.get(&path).await;
        assert_page(&answer, StatusCode::OK);
        assert!(answer.text.contains("&#60;script&#62;alert("), "{}", answer.text);
    }
}

#[tokio::test]
async fn who_is_not_there_and_what_is_no_person_are_told_on_a_page() {
    let world = World::start().await;

    assert_failure(&world.get("/people/7").await, StatusCode::NOT_FOUND, "PERSON_UNKNOWN");
    let answer = world.get("/people/%ff").await;
    assert_failure(&answer, StatusCode::BAD_REQUEST, "MESSAGE_MALFORMED");
    let answer = world.send(Method::POST, "/", &[], "").await;
    assert_failure(&answer, StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED");
}

#[tokio::test]
async fn a_peer_that_is_away_is_told_on_a_page() {
    for away in ["links.scoring", "links.social_graph"] {
        let world = World::start_with(&[(away, "http://127.0.0.1:1")]).await;
        world.scoring.ranked.lock().expect("not poisoned").push(DEE);
        for path in ["/", "/people/50"] {
            let answer = world.get(path).await;
            assert_failure(&answer, StatusCode::SERVICE_UNAVAILABLE, "PEER_UNAVAILABLE");
            assert_eq!(answer.headers["retry-after"], "1");
        }
    }
}

#[tokio::test]
async fn a_page_ends_at_its_deadline() {
    let world = World::start_with(&[("gateway.request_time_max", "100ms")]).await;
    let answer = world.get(&format!("/people/{SLOW}")).await;
    assert_failure(&answer, StatusCode::GATEWAY_TIMEOUT, "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn pages_need_no_key() {
    let (secret, key) = ("x".repeat(40), "ab".repeat(32));
    let world = World::start_with(&[
        ("server.dev", "false"),
        ("server.token_secret", &secret),
        ("server.account_key", &key),
    ])
    .await;
    world.scoring.ranked.lock().expect("not poisoned").push(DEE);
    for path in ["/", "/people/50"] {
        assert_page(&world.get(path).await, StatusCode::OK);
    }
    assert_eq!(world.get("/style.css").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_head_of_a_page_can_be_asked_for() {
    let world = world_of(&[DEE]).await;
    for path in ["/", "/people/50", "/style.css"] {
        let whole = world.get(path).await;
        let head = world.send(Method::HEAD, path, &[], "").await;
        assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""), "{path}");
        for header in ["content-type", "content-length", "content-security-policy"] {
            assert_eq!(head.headers[header], whole.headers[header], "{path}");
        }
    }
}

#[tokio::test]
async fn the_style_sheet_is_sent_again_only_when_it_has_changed() {
    let world = World::start().await;
    let sheet = world.get("/style.css").await;
    assert_eq!(sheet.headers["content-type"], "text/css; charset=utf-8");
    let tag = sheet.headers["etag"].as_str();

    for known in [tag, &format!("W/{tag}"), &format!("\"other\", {tag}")] {
        let headers = [("if-none-match", known)];
        let again = world.send(Method::GET, "/style.css", &headers, "").await;
        assert_eq!((again.status, again.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
        assert_eq!(again.headers["etag"], tag);
    }
    let headers = [("if-none-match", "\"other\"")];
    let again = world.send(Method::GET, "/style.css", &headers, "").await;
    assert_eq!(again.status, StatusCode::OK);
}
