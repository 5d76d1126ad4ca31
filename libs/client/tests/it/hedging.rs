//! What is asked twice at once.

use std::time::Duration;

use klout_client::{Code, Hedge, Subject, proto::perk::v1::ReserveGrantRequest};

use crate::played::{Act, Played};

const DELAY: Duration = Duration::from_millis(20);

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[tokio::test(start_paused = true)]
async fn a_read_that_takes_long_is_asked_a_second_time_and_the_first_answer_counts() {
    let played = Played::with([Act::Hang, Act::Answer]);
    let client = played.client().hedge(Hedge::After(DELAY)).build().expect("a client");
    let before = tokio::time::Instant::now();

    client.score(Subject::person("42")).await.expect("the second is answered");

    assert_eq!(played.pauses(), [before.elapsed()], "as soon as it was asked");
    assert!(played.pauses()[0] >= DELAY);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_is_answered_in_time_is_asked_once() {
    let played = Played::with([Act::Late(millis(10)), Act::Answer, Act::Late(millis(15))]);
    let client = played.client().hedge(Hedge::After(DELAY)).build().expect("a client");
    for _ in 0..3 {
        client.score(Subject::person("42")).await.expect("answered");
    }
    assert_eq!(played.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_more_than_twice_at_once() {
    let played = Played::with([Act::Hang, Act::Hang, Act::Hang]);
    let client = played.client().hedge(Hedge::After(DELAY)).build().expect("a client");
    let error = client.score(Subject::person("42")).await.expect_err("nobody answers");
    assert_eq!((error.code(), played.count()), (Code::DeadlineExceeded, 2));
}

#[tokio::test(start_paused = true)]
async fn one_call_is_asked_twice_once_with_all_that_is_tried_again() {
    let late = Act::LateBusy(millis(50));
    let played = Played::with([late.clone(), late.clone(), late, Act::Late(millis(50))]);
    let client = played.client().hedge(Hedge::After(DELAY)).build().expect("a client");
    client.score(Subject::person("42")).await.expect("answered in the end");
    // Both of the first try, and then one after the other.
    assert_eq!(played.count(), 4);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_not_available_leaves_it_to_the_other() {
    let played = Played::with([Act::LateBusy(millis(30)), Act::Late(millis(40))]);
    let client = played.client().hedge(Hedge::After(DELAY)).retries(0).build().expect("a client");
    client.score(Subject::person("42")).await.expect("the second is answered");

    let played = Played::with([Act::Late(millis(60)), Act::LateBusy(millis(1))]);
    let client = played.client().hedge(Hedge::After(DELAY)).retries(0).build().expect("a client");
    client.score(Subject::person("42")).await.expect("the first is answered");
    assert_eq!(played.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_read_is_not_asked_twice() {
    let played = Played::with([Act::Late(millis(500))]);
    let client = played.client().hedge(Hedge::After(DELAY)).build().expect("a client");
    let named = ReserveGrantRequest { request_id: "one".to_owned(), ..Default::default() };
    client.reserve_grant(named).await.expect("answered late");
    assert_eq!(played.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_a_budget_nobody_is_asked_twice() {
    let played = Played::with(vec![Act::Late(millis(100)); 3]);
    let client = played.client().hedge(Hedge::After(DELAY)).extra_calls(0, 1).build();
    let client = client.expect("a client");
    for _ in 0..2 {
        client.score(Subject::person("42")).await.expect("answered");
    }
    assert_eq!(played.count(), 3, "the first one spent it");
}

#[tokio::test(start_paused = true)]
async fn how_long_is_long_is_told_by_the_calls_before() {
    let played = Played::with(vec![Act::Late(millis(100)); 64]);
    let most = Hedge::AfterMost { part: 0.95, at_least: millis(150) };
    let client = played.client().hedge(most).build().expect("a client");
    for _ in 0..64 {
        client.score(Subject::person("42")).await.expect("answered");
    }
    assert_eq!(played.count(), 64);

    let most = Hedge::AfterMost { part: 0.95, at_least: millis(5) };
    let client = played.client().hedge(most).extra_calls(100, 100).build().expect("a client");
    played.then(vec![Act::Late(millis(100)); 2 * 64]);
    for _ in 0..64 {
        client.score(Subject::person("42")).await.expect("answered");
    }
    let asked = played.count();
    assert_eq!(asked, 3 * 64, "each was asked twice while nothing was known");
    played.then([Act::Late(millis(90))]);
    client.score(Subject::person("42")).await.expect("answered");
    assert_eq!(played.count(), asked + 1, "that is how long most of them took");
}
