//! Whose account it is, and who left.

use std::{collections::BTreeSet, sync::Arc};

use axum::{body::Body, http::StatusCode, response::Response};
use futures::{TryStreamExt as _, stream};
use klout_model::Purposes;
use klout_proto::people::{State, Told};
use tokio_util::sync::CancellationToken;

use super::played::{ANN, World, once, status};
use crate::{
    access::kept::{Kept, Secret},
    description::describe,
    forgetting, store,
};

fn told(state: State, into: Option<i64>) -> Told {
    Told { person: ANN, number: 1, state, withheld: Purposes::default(), into, erased: Vec::new() }
}

/// What is seen of the account.
const SEEN: [(&str, &str); 2] = [
    ("posts", r#"{"posts":["one"],"then":{"likes/one":"2"}}"#),
    ("likes/one", r#"{"likes":["bob","cid"]}"#),
];

async fn seen() -> World {
    let world = World::start().await;
    world.holds_tagged(&SEEN);
    world.visit().await;
    world.assert_done().await;
    world
}

#[tokio::test]
async fn of_who_is_no_member_any_more_nothing_is_asked_and_nothing_of_the_connection_is_kept() {
    for state in [State::Withheld, State::OptedOut, State::Erased] {
        let world = seen().await;
        world.begin(true).await;
        forgetting::apply(&world.db, &[told(state, None)]).await.expect("told");
        assert_eq!(store::told::rows_about(&world.db, world.account).await, 0);
        world.asked();
        world.run().await;
        assert_eq!(world.asked().len(), 0);
    }
}

#[tokio::test]
async fn who_asks_what_is_held_about_them_is_told_of_their_connection_and_not_what_opens_it() {
    let world = seen().await;
    store::told::give_access(&world.db, world.account).await;
    let things: Vec<_> =
        describe(world.db.clone(), vec![world.account]).try_collect().await.expect("described");
    let names: BTreeSet<&str> = things.iter().map(|it| it.name.as_str()).collect();
    let expected = ["signal", "connection", "credential", "listed", "seen", "validator"];
    assert_eq!(names, expected.into_iter().collect());
    let connection = things.iter().find(|it| it.name == "connection").expect("it is there");
    assert!(connection.json.contains("\"state\": \"ACTIVE\""), "{connection:?}");
    assert!(things.iter().all(|it| !it.json.contains("sealed")), "{things:?}");
}

#[tokio::test]
async fn an_answer_that_comes_after_somebody_left_is_not_kept() {
    let world = seen().await;
    let before = world.likes().await;
    let db = world.db.clone();
    // They leave while their network answers.
    world.answers(move |_| {
        let db = db.clone();
        let body = stream::once(async move {
            forgetting::apply(&db, &[told(State::OptedOut, None)]).await.expect("told");
            Ok::<_, std::io::Error>(r#"{"posts":["one"],"likes":["dee"]}"#)
        });
        Response::new(Body::from_stream(body))
    });
    world.begin(true).await;
    world.run().await;
    assert_eq!(world.likes().await, before);
    assert_eq!(store::told::rows_about(&world.db, world.account).await, 0);
}

#[tokio::test]
async fn who_was_merged_keeps_the_connection_as_who_stayed() {
    let world = seen().await;
    forgetting::apply(&world.db, &[told(State::Merged, Some(8))]).await.expect("told");
    assert_eq!(world.connection().await.person_id, 8);
}

#[tokio::test]
async fn an_account_that_is_gone_takes_along_what_it_was_told_and_brings_it_when_it_is_there_again()
{
    let world = seen().await;
    world.answers(|_| status(410));
    world.visit().await;
    let connection = world.connection().await;
    assert_eq!(connection.state, "GONE");
    assert_eq!(connection.error_reason.as_deref(), Some("NETWORK_ACCOUNT_GONE"));
    assert_eq!((world.likes().await, world.posts().await), (once(&[]), 0));

    world.holds_tagged(&SEEN);
    world.visit().await;
    assert_eq!((world.likes().await, world.posts().await), (once(&["bob", "cid"]), 1));
    world.assert_done().await;
}

#[tokio::test]
async fn who_is_not_let_in_is_not_asked_again() {
    let world = seen().await;
    world.answers(|_| status(401));
    world.visit().await;
    let connection = world.connection().await;
    assert_eq!(connection.state, "NEEDS_ACCESS");
    assert_eq!(connection.mode, "IDLE");
    let due = store::connection::due(&world.db, connection.next_time, 10).await.expect("read");
    assert_eq!(due.len(), 0);
    assert_eq!(
        world.likes().await,
        once(&["bob", "cid"]),
        "what it told is true as far as we know"
    );
}

#[tokio::test]
async fn a_refusal_of_the_access_before_does_not_close_what_was_connected_anew() {
    let world = seen().await;
    store::told::is_its_own_server(&world.db, world.account).await;
    let [before, after] = ["before", "after"].map(|token| {
        let token = Secret::new(token.to_owned());
        world.visitor.access.seal(world.account, &Kept::Token { token })
    });
    let mut db = world.db.acquire().await.expect("a connection");
    store::credential::write(&mut db, world.account, &before, None).await.expect("kept");
    // They give other access while the one before is refused.
    let (db, account, after) = (world.db.clone(), world.account, Arc::new(after));
    world.answers(move |_| {
        let (db, after) = (db.clone(), Arc::clone(&after));
        let body = stream::once(async move {
            let mut db = db.acquire().await.expect("a connection");
            store::credential::write(&mut db, account, &after, None).await.expect("kept");
            Ok::<_, std::io::Error>("no")
        });
        let mut refused = Response::new(Body::from_stream(body));
        *refused.status_mut() = StatusCode::UNAUTHORIZED;
        refused
    });
    world.begin(false).await;
    assert!(world.visitor.step(&CancellationToken::new()).await.expect("a step"));
    assert_eq!(world.connection().await.state, "ACTIVE");

    // It is asked once more, and that the access which was given since is refused counts.
    world.answers(|_| status(401));
    world.run().await;
    assert_eq!(world.connection().await.state, "NEEDS_ACCESS");
}

#[tokio::test]
async fn what_a_connection_told_stays_when_it_ends_unless_it_is_to_go() {
    let world = seen().await;
    assert_eq!(world.visitor.disconnect(world.account, false).await.expect("ended"), 0);
    assert_eq!(world.likes().await, once(&["bob", "cid"]));
    assert_eq!(store::told::rows_about(&world.db, world.account).await, 0);

    let world = seen().await;
    assert_eq!(world.visitor.disconnect(world.account, true).await.expect("ended"), 3);
    assert_eq!((world.likes().await, world.posts().await), (once(&[]), 0));
    assert_eq!(store::told::rows_about(&world.db, world.account).await, 0);
}
