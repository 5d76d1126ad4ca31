//! What is shown again, and for how long.

use std::time::{Duration, SystemTime};

use futures::future::join_all;
use klout_client::{
    Code, STALENESS_MAX, Subject,
    proto::{
        profile::v1::ResolveAndGetScoreRequest,
        score::v1::{Consistency, GetScoreRequest, consistency::Requirement, get_score_request},
    },
};
use tokio::time::{Instant, advance};

use crate::played::{Act, Played};

const STALENESS: Duration = Duration::from_secs(5);

#[tokio::test(start_paused = true)]
async fn an_answer_is_shown_again_until_it_is_as_old_as_it_may_be() {
    let played = Played::default();
    let client = played.client().cache(STALENESS).build().expect("a client");
    let ask = async |person: &str| client.score(Subject::person(person)).await.expect("a score");
    ask("42").await;
    advance(STALENESS - Duration::from_millis(10)).await;
    assert_eq!(ask("42").await.person, "42");
    assert_eq!(played.count(), 1);
    assert_eq!(ask("43").await.person, "43", "nobody is shown somebody else");
    advance(Duration::from_millis(20)).await;
    ask("42").await;
    assert_eq!(played.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn how_old_it_is_counts_from_when_it_was_asked_for() {
    let played = Played::with([Act::Late(Duration::from_secs(1))]);
    let client = played.client().cache(STALENESS).build().expect("a client");
    client.score(Subject::person("42")).await.expect("a score");
    advance(STALENESS - Duration::from_millis(500)).await;
    client.score(Subject::person("42")).await.expect("a score");
    assert_eq!(played.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_shown_for_longer_than_a_minute_whatever_was_asked() {
    let played = Played::default();
    let client = played.client().cache(Duration::from_hours(24)).build().expect("a client");
    client.score(Subject::person("42")).await.expect("a score");
    advance(STALENESS_MAX).await;
    client.score(Subject::person("42")).await.expect("a score");
    assert_eq!(played.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_look_up_is_not_shown_after_it_expires() {
    let played = Played::default();
    played.let_expire(now() + Duration::from_secs(30));
    let client = played.client().cache(STALENESS_MAX).build().expect("a client");
    let ask = async || {
        let request = ResolveAndGetScoreRequest { person: "42".to_owned(), ..Default::default() };
        client.look_up(request).await.expect("a score")
    };
    ask().await;
    advance(Duration::from_secs(15)).await;
    ask().await;
    assert_eq!(played.count(), 1);
    advance(Duration::from_secs(15)).await;
    ask().await;
    assert_eq!(played.count(), 2);

    played.let_expire(now() - Duration::from_secs(1));
    advance(STALENESS_MAX).await;
    ask().await;
    ask().await;
    assert_eq!(played.count(), 4, "one that has expired is not kept");
}

#[tokio::test(start_paused = true)]
async fn what_many_ask_at_once_is_asked_once() {
    let played = Played::with([Act::Late(Duration::from_millis(100))]);
    let client = played.client().cache(STALENESS).build().expect("a client");
    let all = join_all((0..20).map(|_| client.score(Subject::person("42")))).await;
    assert!(all.into_iter().all(|answered| answered.is_ok()));
    assert_eq!(played.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_error_is_told_to_those_who_waited_and_is_not_kept() {
    let played = Played::with([Act::Refuse(Code::NotFound, "PERSON_UNKNOWN")]);
    let client = played.client().cache(STALENESS).build().expect("a client");
    let all = join_all((0..5).map(|_| client.score(Subject::person("42")))).await;
    let all = all.into_iter().map(|answered| answered.expect_err("unknown"));
    assert!(all.into_iter().all(|error| error.reason() == Some("PERSON_UNKNOWN")));
    assert_eq!(played.count(), 1);
    client.score(Subject::person("42")).await.expect("somebody by now");
    assert_eq!(played.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_question_outlives_the_one_who_asked_it_first() {
    let played = Played::with([Act::Late(Duration::from_millis(100))]);
    let client = played.client().cache(STALENESS).build().expect("a client");
    let hung_up =
        tokio::time::timeout(Duration::from_millis(10), client.score(Subject::person("42")));
    hung_up.await.expect_err("it did not wait");
    client.score(Subject::person("42")).await.expect("the answer to the first question");
    assert_eq!(played.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_the_answer_of_somebody_else_waits_until_their_own_deadline() {
    let played = Played::with([Act::Late(Duration::from_secs(1))]);
    let patient = played.client().cache(STALENESS).build().expect("a client");
    let deadline = Duration::from_millis(50);
    let hasty = patient.with_deadline(deadline);
    let before = Instant::now();
    let waiting = async {
        let error = hasty.score(Subject::person("42")).await.expect_err("it takes too long");
        (error.code(), before.elapsed())
    };
    let (answered, (code, waited)) = tokio::join!(patient.score(Subject::person("42")), waiting);
    assert_eq!(code, Code::DeadlineExceeded);
    let late = waited - deadline;
    assert!(late < Duration::from_millis(5), "a timer goes by milliseconds: {late:?}");
    answered.expect("whoever has the time is answered");
    assert_eq!(played.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_has_more_time_than_the_one_who_asked_asks_again() {
    let played = Played::with([Act::Hang]);
    let patient = played.client().deadline(Duration::from_secs(1)).cache(STALENESS).build();
    let patient = patient.expect("a client");
    let hasty = patient.with_deadline(Duration::from_millis(500));
    let (failed, answered) =
        tokio::join!(hasty.score(Subject::person("42")), patient.score(Subject::person("42")));
    assert_eq!(failed.expect_err("nobody answers").code(), Code::DeadlineExceeded);
    answered.expect("the answer to a question of their own");
    let called = played.called();
    let left: Vec<u64> = called
        .iter()
        .map(|call| call.timeout.trim_end_matches(char::is_alphabetic).parse().expect("a time"))
        .collect();
    assert_eq!(left.len(), 2);
    assert!(left[1] <= left[0], "what is left of a second, and not all of it: {called:?}");
}

#[tokio::test(start_paused = true)]
async fn what_nobody_answers_ends_for_each_with_their_own_deadline() {
    let played = Played::with([Act::Hang, Act::Hang]);
    let patient = played.client().deadline(Duration::from_secs(1)).cache(STALENESS).build();
    let patient = patient.expect("a client");
    let hasty = patient.with_deadline(Duration::from_millis(500));
    let before = Instant::now();
    let all = [&hasty, &patient, &hasty, &patient].map(|client| async move {
        let error = client.score(Subject::person("42")).await.expect_err("nobody answers");
        assert_eq!(error.code(), Code::DeadlineExceeded);
        before.elapsed().as_millis() / 100
    });
    assert_eq!(join_all(all).await, [5, 10, 5, 10]);
    assert_eq!(played.count(), 2, "those who have the time ask once");
}

#[tokio::test(start_paused = true)]
async fn who_says_how_fresh_it_has_to_be_is_not_shown_what_was_kept() {
    let played = Played::default();
    let client = played.client().cache(STALENESS).build().expect("a client");
    client.score(Subject::person("42")).await.expect("a score");
    let token = Requirement::AtLeastAsFresh("s.1".to_owned());
    let request = GetScoreRequest {
        subject: Some(get_score_request::Subject::Person("42".to_owned())),
        consistency: Some(Consistency { requirement: Some(token) }),
        ..Default::default()
    };
    client.score_with(request).await.expect("a score");
    assert_eq!(played.count(), 2);
}

/// By the clock of the wall, as times in answers are.
fn now() -> SystemTime {
    #[expect(clippy::disallowed_methods, reason = "in a caller's process no clock of ours runs")]
    SystemTime::now()
}
