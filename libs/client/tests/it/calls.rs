//! What is said with each call, and what comes back.

use std::time::Duration;

use klout_client::{Client, Code, Subject, Unbuildable};

use crate::played::{Act, Played};

#[tokio::test(start_paused = true)]
async fn each_call_carries_the_key_and_what_is_left_of_its_time() {
    let played = Played::with([Act::BusyFor(Duration::from_millis(400))]);
    let client = played.client().deadline(Duration::from_secs(1)).build().expect("a client");
    client.score(Subject::person("42")).await.expect("a score");
    let called = played.called();
    assert!(called.iter().all(|call| call.key == "a key" && call.rpc == "GetScore"));
    let left: Vec<u64> = called
        .iter()
        .map(|call| call.timeout.trim_end_matches(char::is_alphabetic).parse().expect("a time"))
        .collect();
    assert!(left[1] < left[0] / 10 * 6, "{called:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_with_its_deadline() {
    let played = Played::with([Act::Hang, Act::Hang]);
    let client = played.client().build().expect("a client");
    for deadline in [Duration::from_millis(100), Duration::from_secs(10)] {
        let before = tokio::time::Instant::now();
        let client = client.with_deadline(deadline);
        let error = client.score(Subject::person("42")).await.expect_err("nobody answers");
        assert_eq!(error.code(), Code::DeadlineExceeded);
        let late = before.elapsed() - deadline;
        assert!(late < Duration::from_millis(5), "a timer goes by milliseconds: {late:?}");
    }
    assert_eq!(played.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_error_says_its_reason() {
    let played = Played::with([Act::Refuse(Code::NotFound, "PERSON_UNKNOWN")]);
    let client = played.client().build().expect("a client");
    let error = client.score(Subject::person("7")).await.expect_err("unknown");
    assert_eq!((error.code(), error.reason()), (Code::NotFound, Some("PERSON_UNKNOWN")));
    assert_eq!(error.metadata()["person"], "7");
    assert_eq!(error.to_string(), "PERSON_UNKNOWN: in words");
    assert!(std::error::Error::source(&error).is_none(), "nothing broke");
}

#[tokio::test(start_paused = true)]
async fn each_row_of_a_batch_has_its_score_or_its_reason() {
    let played = Played::default();
    let client = played.client().build().expect("a client");
    let subjects = [Subject::person("1"), Subject::account("bluesky", "ann"), Subject::person("2")];
    let rows = client.scores(subjects).await.expect("rows");
    let person = |row: usize| rows[row].as_ref().map(|score| score.person.as_str());
    assert_eq!((person(0).ok(), person(2).ok()), (Some("1"), Some("2")));
    let error = rows[1].as_ref().expect_err("unknown");
    assert_eq!((error.code(), error.reason()), (Code::NotFound, Some("PERSON_UNKNOWN")));
}

#[tokio::test]
async fn what_no_client_can_be_made_of_is_said_at_once() {
    let built = |server: &str, key: &str| Client::builder(server).key(key).build();
    assert!(matches!(built("not an address", ""), Err(Unbuildable::Address(..))));
    assert!(matches!(built("http://127.0.0.1:8080", "a\nkey"), Err(Unbuildable::Key)));
    built("http://127.0.0.1:8080", "klout_key").expect("nothing is asked yet");
}
