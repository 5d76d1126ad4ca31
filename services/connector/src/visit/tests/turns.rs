//! Whose turn it is, and when.

use std::time::Duration;

use axum::response::Response;
use futures::future::join_all;
use http::HeaderValue;
use tokio_util::sync::CancellationToken;

use super::played::{World, json, once, status};

fn refused(seconds: &'static str) -> Response {
    let mut response = status(429);
    response.headers_mut().insert("retry-after", HeaderValue::from_static(seconds));
    response
}

#[tokio::test]
async fn a_host_that_asks_us_to_wait_is_not_asked_before() {
    let world = World::start().await;
    world.answers(|_| refused("60"));
    world.visit().await;
    assert_eq!(world.asked(), ["posts"]);
    let connection = world.connection().await;
    assert_eq!(connection.error_reason.as_deref(), Some("NETWORK_RATE_LIMITED"));
    assert_eq!(connection.state, "ACTIVE", "to wait is no failure");

    world.holds(&[("posts", r#"{"likes":["bob"]}"#)]);
    world.wait(Duration::from_secs(59));
    world.run().await;
    assert_eq!(world.asked().len(), 0);
    world.wait(Duration::from_secs(1));
    world.run().await;
    assert_eq!(world.asked(), ["posts"]);
    assert_eq!(world.likes().await, once(&["bob"]));
    world.assert_done().await;
}

#[tokio::test]
async fn a_budget_that_an_answer_used_up_is_waited_for_and_the_answer_counts() {
    let world = World::start().await;
    world.answers(|at| {
        let mut response = json(if at == "posts" {
            r#"{"then":{"likes/one":"1"}}"#
        } else {
            r#"{"likes":["bob"]}"#
        });
        let headers = response.headers_mut();
        headers.insert("ratelimit-remaining", HeaderValue::from_static("0"));
        headers.insert("ratelimit-reset", HeaderValue::from_static("300"));
        response
    });
    world.visit().await;
    assert_eq!(world.asked(), ["posts"]);
    world.wait(Duration::from_secs(300));
    world.run().await;
    assert_eq!(world.asked(), ["likes/one"]);
    assert_eq!(world.likes().await, once(&["bob"]));
}

#[tokio::test]
async fn a_host_that_fails_again_and_again_is_left_alone_for_longer_each_time_and_comes_back() {
    let world = World::start().await;
    world.answers(|at| match at {
        "posts" => json(r#"{"then":{"likes/1":"","likes/2":"","likes/3":"","likes/4":"","likes/5":"","likes/6":""}}"#),
        _ => status(503),
    });
    world.visit().await;
    // Five failures in a row, whatever was asked, are enough: the sixth list is not asked.
    assert_eq!(world.asked().len(), 1 + 5);
    world.wait(Duration::from_secs(9));
    world.run().await;
    assert_eq!(world.asked().len(), 0);

    world.answers(|_| json(r#"{"likes":["bob"]}"#));
    world.wait(Duration::from_secs(60));
    world.run().await;
    assert_eq!(world.asked().len(), 6);
    world.assert_done().await;
}

#[tokio::test]
async fn two_replicas_make_each_request_once() {
    let world = World::start().await;
    let lists: Vec<String> = (0..20).map(|number| format!(r#""likes/{number}":"""#)).collect();
    let posts = format!(r#"{{"then":{{{}}}}}"#, lists.join(","));
    world.answers(move |at| match at.split_once('/') {
        Some((_, number)) => json(&format!(r#"{{"likes":["fan{number}"]}}"#)),
        None => json(&posts),
    });
    world.begin(false).await;
    let other = world.visitor.clone();
    let never = CancellationToken::new();
    let replica = async |visitor: &crate::visit::Visitor| {
        // The other one may be at the only request that there is.
        while world.connection().await.waiting > 0 {
            visitor.step(&never).await.expect("a step");
        }
    };
    join_all([replica(&world.visitor), replica(&other)]).await;
    let mut asked = world.asked();
    asked.sort_unstable();
    let before = asked.len();
    asked.dedup();
    assert_eq!((asked.len(), before), (21, 21));
    assert_eq!(world.likes().await.len(), 20);
    world.assert_done().await;
}

#[tokio::test]
async fn what_a_replica_that_died_had_taken_is_done_by_another_one_and_counts_once() {
    let world = World::start().await;
    world.holds(&[("posts", r#"{"likes":["bob"]}"#)]);
    world.begin(false).await;
    let now = world.now();
    // It takes the request, and is never heard of again.
    let lease = crate::visit::LEASE_TIME;
    let taken = crate::store::task::lease(&world.db, now, now + lease, now).await.expect("taken");
    assert!(taken.is_some());
    world.run().await;
    assert_eq!(world.asked().len(), 0);

    world.wait(lease);
    world.run().await;
    assert_eq!(world.asked(), ["posts"]);
    assert_eq!(world.likes().await, once(&["bob"]));
    world.assert_done().await;
}

#[tokio::test]
async fn one_host_is_not_asked_faster_than_it_may_be() {
    let mut world = World::start().await;
    world.visitor.pace = Duration::from_millis(200);
    world.answers(|at| match at {
        "posts" => json(r#"{"then":{"likes/1":"","likes/2":""}}"#),
        _ => json("{}"),
    });
    world.visit().await;
    for asked in [&["posts"][..], &["likes/1"], &["likes/2"], &[]] {
        assert_eq!(world.asked(), asked);
        world.wait(Duration::from_millis(199));
        world.run().await;
        assert_eq!(world.asked().len(), 0);
        world.wait(Duration::from_millis(1));
        world.run().await;
    }
}
