//! What is asked again, and what never is.

use std::time::Duration;

use klout_client::{
    Code, Error, RETRIES_MAX, Repeat, Subject,
    proto::{
        perk::v1::ReserveGrantRequest,
        score::v1::{ContestScoreRequest, score_service_client::ScoreServiceClient},
    },
};

use crate::played::{Act, Played};

const BUSY: Act = Act::Refuse(Code::Unavailable, "STORE_UNAVAILABLE");

#[tokio::test(start_paused = true)]
async fn what_is_unavailable_is_asked_again_after_pauses_that_grow() {
    let played = Played::with([BUSY, BUSY, BUSY]);
    let client = played.client().build().expect("a client");

    let score = client.score(Subject::person("42")).await.expect("the fourth is answered");

    assert_eq!(score.person, "42");
    let pauses = played.pauses();
    for (pause, least) in pauses.iter().zip([50, 100, 200]) {
        let (least, pause) = (Duration::from_millis(least), *pause);
        // A timer goes by milliseconds.
        assert!(least <= pause && pause <= 2 * least + Duration::from_millis(2), "{pauses:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_asks_more_often_than_five_times_again() {
    let played = Played::with(vec![BUSY; 20]);
    let client = played.client().retries(99).deadline(Duration::from_secs(60)).build();

    let error = client.expect("a client").score(Subject::person("42")).await.expect_err("busy");

    assert_eq!(error.reason(), Some("STORE_UNAVAILABLE"));
    assert_eq!(played.count(), 1 + RETRIES_MAX);
}

#[tokio::test(start_paused = true)]
async fn pauses_are_not_shorter_than_the_gateway_says() {
    let told = Duration::from_millis(700);
    let played = Played::with([Act::BusyFor(told)]);
    let client = played.client().build().expect("a client");
    client.score(Subject::person("42")).await.expect("the second is answered");
    assert!(played.pauses()[0] >= told, "{:?}", played.pauses());
}

#[tokio::test(start_paused = true)]
async fn whoever_would_have_to_wait_past_the_deadline_is_told_at_once() {
    let told = Duration::from_secs(30);
    let played = Played::with([Act::BusyFor(told)]);
    let client = played.client().build().expect("a client");
    let before = tokio::time::Instant::now();

    let error = client.score(Subject::person("42")).await.expect_err("busy");

    assert_eq!((error.reason(), error.retry_after()), (Some("OVERLOADED"), Some(told)));
    assert!(before.elapsed() < Duration::from_secs(1));
    assert_eq!(played.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_would_be_done_twice_is_never_asked_again() {
    let played = Played::with([BUSY, BUSY]);
    let client = played.client().build().expect("a client");
    let contest =
        client.call(Repeat::Never, ContestScoreRequest::default(), |channel, request| async move {
            ScoreServiceClient::new(channel).contest_score(request).await
        });
    assert_eq!(contest.await.expect_err("busy").code(), Code::Unavailable);
    assert_eq!(played.count(), 1);

    let unnamed = ReserveGrantRequest::default();
    client.reserve_grant(unnamed).await.expect_err("busy");
    assert_eq!(played.count(), 2, "a request without an id");

    played.then([BUSY]);
    let named = ReserveGrantRequest { request_id: "one".to_owned(), ..Default::default() };
    client.reserve_grant(named).await.expect("it is asked again");
    assert_eq!(played.count(), 4);
}

#[tokio::test(start_paused = true)]
async fn nothing_but_unavailable_is_asked_again() {
    for code in [
        Code::NotFound,
        Code::InvalidArgument,
        Code::PermissionDenied,
        Code::Unauthenticated,
        Code::ResourceExhausted,
        Code::FailedPrecondition,
        Code::Internal,
        Code::DeadlineExceeded,
        Code::Aborted,
        Code::Unknown,
    ] {
        let played = Played::with([Act::Refuse(code, "PERSON_UNKNOWN")]);
        let client = played.client().build().expect("a client");
        let error = client.score(Subject::person("42")).await.expect_err("refused");
        assert_eq!((error.code(), played.count()), (code, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_struggles_is_not_asked_more_than_the_budget_has() {
    let played = Played::with(vec![BUSY; 100]);
    let client = played.client().extra_calls(10, 4).retries(2).build().expect("a client");
    for _ in 0..10 {
        client.score(Subject::person("42")).await.expect_err("busy");
    }
    assert_eq!(played.count(), 10 + 4, "four more, and none was answered to earn another");
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_is_not_reached_is_asked_again_when_that_does_nothing_twice() {
    let played = Played::default();
    played.break_connections(1);
    let client = played.client().build().expect("a client");
    client.score(Subject::person("42")).await.expect("the second connection is made");
    assert_eq!(played.count(), 1);

    let played = Played::default();
    played.break_connections(1);
    let client = played.client().build().expect("a client");
    let error: Error =
        client.reserve_grant(ReserveGrantRequest::default()).await.expect_err("broken");
    assert_eq!((error.code(), error.reason()), (Code::Unavailable, None));
    assert!(std::error::Error::source(&error).is_some(), "what broke is told");
    assert_eq!(played.count(), 0);
}
