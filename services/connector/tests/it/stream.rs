//! What a network tells as it happens.

use klout_proto::signal::v1::{BatchedInteraction, SignalBatch};
use klout_testkit::{
    Stores,
    jetstream::{Framing, Jetstream},
    until,
};
use serde_json::{Value, json};
use time::{OffsetDateTime, macros::datetime};
use tokio_tungstenite::tungstenite::Message;

use crate::{consumer::Consumers, world::World};

const ANN: &str = "did:plc:ann";
const BEN: &str = "did:plc:ben";
const POST: &str = "at://did:plc:ann/app.bsky.feed.post/3n2uxghnscc2m";
const LIKES: &str = "app.bsky.feed.like";
const REPOSTS: &str = "app.bsky.feed.repost";
const FOLLOWS: &str = "app.bsky.graph.follow";
const POSTS: &str = "app.bsky.feed.post";

/// When the first event happens: an hour before the clock of these tests.
const BEGIN: OffsetDateTime = datetime!(2018-06-01 11:00 UTC);

/// When everything was written that is told.
const CREATED: &str = "2018-06-01T10:00:00.000Z";

const BOTH: [Framing; 2] = [Framing::Old, Framing::New];

async fn played(framing: Framing) -> Jetstream {
    Jetstream::start(framing, BEGIN).await
}

async fn read(stores: Stores, consumers: Consumers, jetstream: &Jetstream) -> World {
    let settings = jetstream.settings();
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    World::start_with(stores, consumers, &settings).await
}

async fn world(jetstream: &Jetstream) -> World {
    read(Stores::fresh().await, Consumers::default(), jetstream).await
}

/// A reaction to a post of ann's.
fn reaction() -> Value {
    json!({ "subject": { "uri": POST, "cid": "bafy" }, "createdAt": CREATED })
}

/// What scoring was told: what came, and what was taken back.
fn told(consumers: &Consumers) -> (Vec<BatchedInteraction>, Vec<BatchedInteraction>) {
    let batches = consumers.scoring.lock().expect("not poisoned");
    let all = |part: fn(&SignalBatch) -> &Vec<BatchedInteraction>| {
        batches.iter().flat_map(part).cloned().collect()
    };
    (all(|batch| &batch.interactions), all(|batch| &batch.retracted_interactions))
}

async fn until_told(consumers: &Consumers, came: usize, went: usize) {
    let what = format!("{came} came and {went} went");
    until(&what, async || {
        let told = told(consumers);
        (told.0.len(), told.1.len()) == (came, went)
    })
    .await;
}

/// Why the stream ended the last time, and when it was not told everything.
async fn state(world: &World) -> (Option<String>, bool) {
    sqlx::query_as("select error_reason, gap_from is not null from connector.stream")
        .fetch_optional(&world.stores.db().await)
        .await
        .expect("Postgres answers")
        .unwrap_or_default()
}

async fn until_ended(world: &World, reason: &str) {
    until(reason, async || state(world).await.0.as_deref() == Some(reason)).await;
}

#[tokio::test]
async fn what_happens_becomes_signals_in_both_framings() {
    for framing in BOTH {
        let jetstream = played(framing).await;
        let world = world(&jetstream).await;
        jetstream.write(BEN, LIKES, "1", reaction());
        jetstream.write(BEN, REPOSTS, "2", reaction());
        jetstream.write(BEN, FOLLOWS, "3", json!({ "subject": ANN, "createdAt": CREATED }));
        let parent = json!({ "uri": POST, "cid": "bafy" });
        let post = json!({
            "text": "so true", "createdAt": CREATED, "reply": { "root": parent, "parent": parent },
            "embed": { "$type": "app.bsky.embed.record", "record": parent },
            "facets": [{ "index": {}, "features": [{ "$type": "app.bsky.richtext.facet#mention", "did": "did:plc:cid" }] }],
        });
        jetstream.write(BEN, POSTS, "4", post);
        jetstream.write(BEN, LIKES, "5", json!({ "subject": 7 }));
        jetstream.tell(BEN, "identity", json!({ "did": BEN, "handle": "ben.test" }));

        until_told(&world.consumers, 6, 0).await;
        let (came, _) = told(&world.consumers);
        let mut kinds: Vec<&str> = came.iter().map(|it| it.kind.as_str()).collect();
        kinds.sort_unstable();
        assert_eq!(kinds, ["follow", "like", "mention", "reply", "reshare", "reshare"]);
        let batches = world.consumers.scoring.lock().expect("not poisoned");
        assert_eq!(batches.iter().map(|it| it.posts.len()).sum::<usize>(), 1);
    }
}

#[tokio::test]
async fn a_stream_that_is_cut_again_and_again_loses_nothing_and_repeats_nothing() {
    for framing in BOTH {
        let jetstream = played(framing).await;
        jetstream.cut_after(Some(5));
        // So that there is something to read on from.
        let world = world(&jetstream).await;
        jetstream.write("did:plc:first", LIKES, "first", reaction());
        until_told(&world.consumers, 1, 0).await;
        for number in 0..12 {
            jetstream.write(&format!("did:plc:{number}"), LIKES, &number.to_string(), reaction());
        }
        until_told(&world.consumers, 13, 0).await;
        let (came, _) = told(&world.consumers);
        let mut actors: Vec<_> = came.iter().map(|it| it.actor_account_id).collect();
        actors.sort_unstable();
        actors.dedup();
        assert_eq!(actors.len(), 13, "each once");
        assert!(jetstream.cursors().len() > 2, "it was cut");
    }
}

#[tokio::test]
async fn who_is_stopped_reads_on_where_they_were() {
    let jetstream = played(Framing::New).await;
    let first = world(&jetstream).await;
    jetstream.write(BEN, LIKES, "1", reaction());
    until_told(&first.consumers, 1, 0).await;
    let (stores, consumers) = (first.stores.clone(), first.consumers.clone());
    first.running.stop().await.expect("it stops");
    jetstream.write("did:plc:cid", LIKES, "2", reaction());

    let second = read(stores, consumers, &jetstream).await;

    until_told(&second.consumers, 2, 0).await;
    assert_eq!(jetstream.cursors(), [None, Some(1)]);
}

#[tokio::test]
async fn one_replica_reads_at_a_time_and_another_goes_on_when_it_stops() {
    let jetstream = played(Framing::New).await;
    let first = world(&jetstream).await;
    jetstream.write(BEN, LIKES, "1", reaction());
    until_told(&first.consumers, 1, 0).await;
    let second = read(first.stores.clone(), first.consumers.clone(), &jetstream).await;
    jetstream.write("did:plc:cid", LIKES, "2", reaction());
    until_told(&second.consumers, 2, 0).await;
    assert_eq!(jetstream.cursors(), [None]);

    first.running.stop().await.expect("it stops");
    jetstream.write("did:plc:dan", LIKES, "3", reaction());

    until_told(&second.consumers, 3, 0).await;
    assert_eq!(jetstream.cursors(), [None, Some(2)]);
}

#[tokio::test]
async fn what_is_taken_back_is_taken_back_as_it_was_and_may_be_given_again() {
    for framing in BOTH {
        let jetstream = played(framing).await;
        let world = world(&jetstream).await;
        jetstream.write(BEN, LIKES, "1", reaction());
        jetstream.write(BEN, REPOSTS, "2", reaction());
        jetstream.take_back(BEN, LIKES, "1");
        jetstream.take_back(BEN, REPOSTS, "2");
        jetstream.take_back(BEN, REPOSTS, "never");
        jetstream.write(BEN, REPOSTS, "3", reaction());
        until_told(&world.consumers, 3, 2).await;
        jetstream.take_back(BEN, REPOSTS, "3");
        until_told(&world.consumers, 3, 3).await;
        let (came, went) = told(&world.consumers);
        assert!(went.iter().all(|it| came.contains(it)), "as it was");
    }
}

#[tokio::test]
async fn who_deletes_an_account_takes_all_of_it_back() {
    let jetstream = played(Framing::Old).await;
    let world = world(&jetstream).await;
    jetstream.write(BEN, LIKES, "1", reaction());
    jetstream.write(BEN, REPOSTS, "2", reaction());
    jetstream.write("did:plc:cid", LIKES, "3", reaction());
    let state =
        |active: bool, status: &str| json!({ "did": BEN, "active": active, "status": status });
    jetstream.tell(BEN, "account", state(false, "deactivated"));
    until_told(&world.consumers, 3, 0).await;
    jetstream.tell(BEN, "account", state(false, "deleted"));
    until_told(&world.consumers, 3, 2).await;
}

#[tokio::test]
async fn only_what_is_about_accounts_that_are_connected_is_taken_in_where_no_more_is_wanted() {
    let jetstream = played(Framing::Old).await;
    let settings = jetstream.settings();
    let mut settings: Vec<_> =
        settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    settings.push(("connector.streams.bluesky.whose", "connected"));
    let (stores, consumers) = (Stores::fresh().await, Consumers::default());
    let world = World::start_with(stores, consumers, &settings).await;
    jetstream.write(BEN, LIKES, "1", reaction());
    until("it was read", async || {
        let read: Option<i64> =
            sqlx::query_scalar("select micros from connector.stream where micros is not null")
                .fetch_optional(&world.stores.db().await)
                .await
                .expect("Postgres answers");
        read.is_some()
    })
    .await;
    assert_eq!(told(&world.consumers), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn messages_that_cannot_be_read_are_left_out_and_many_in_a_row_end_it() {
    let jetstream = played(Framing::New).await;
    let world = world(&jetstream).await;
    jetstream.send(Message::text("{"));
    jetstream.send(Message::binary(vec![0xff; 64]));
    jetstream.write(BEN, LIKES, "1", reaction());
    until_told(&world.consumers, 1, 0).await;
    for _ in 0..100 {
        jetstream.send(Message::text("[]"));
    }
    until_ended(&world, "NETWORK_ANSWER_MALFORMED").await;
}

#[tokio::test]
async fn a_message_that_is_too_large_ends_it_and_what_came_before_counts() {
    let jetstream = played(Framing::Old).await;
    let world = world(&jetstream).await;
    jetstream.write(BEN, LIKES, "1", reaction());
    jetstream.send(Message::text("x".repeat((8 << 20) + 1)));
    until_ended(&world, "NETWORK_ANSWER_TOO_LARGE").await;
    until_told(&world.consumers, 1, 0).await;
}

#[tokio::test]
async fn a_server_that_says_why_it_ends_is_told_of() {
    let jetstream = played(Framing::New).await;
    let world = world(&jetstream).await;
    let end = json!({ "$type": "error", "error": "ConsumerTooSlow", "message": "too slow" });
    jetstream.send(Message::text(end.to_string()));
    until_ended(&world, "NETWORK_STREAM_ENDED").await;
}

#[tokio::test]
async fn what_a_server_does_not_tell_any_more_is_noted_and_it_is_read_on() {
    let jetstream = played(Framing::New).await;
    let first = world(&jetstream).await;
    jetstream.write(BEN, LIKES, "1", reaction());
    until_told(&first.consumers, 1, 0).await;
    let (stores, consumers) = (first.stores.clone(), first.consumers.clone());
    first.running.stop().await.expect("it stops");
    jetstream.refuse(&["CursorTooOld", "CursorTooOld", "CursorTooOld"]);

    let second = read(stores, consumers, &jetstream).await;

    until("all was tried", async || jetstream.cursors().len() == 5).await;
    let cursors = jetstream.cursors();
    assert_eq!(cursors[1], Some(1));
    assert!(cursors[2] < cursors[3], "a day, and an hour ago");
    assert_eq!(cursors[4], None);
    assert!(state(&second).await.1, "it is noted");
    jetstream.write("did:plc:cid", LIKES, "2", reaction());
    until("it is read on", async || told(&second.consumers).0.len() >= 2).await;
}

#[tokio::test]
async fn a_server_whose_numbers_began_anew_is_read_by_time() {
    let jetstream = played(Framing::New).await;
    let first = world(&jetstream).await;
    jetstream.write(BEN, LIKES, "1", reaction());
    until_told(&first.consumers, 1, 0).await;
    let (stores, consumers) = (first.stores.clone(), first.consumers.clone());
    first.running.stop().await.expect("it stops");
    jetstream.refuse(&["FutureCursor"]);
    jetstream.write("did:plc:cid", LIKES, "2", reaction());

    let second = read(stores, consumers, &jetstream).await;

    until_told(&second.consumers, 2, 0).await;
    assert!(jetstream.cursors()[2].expect("a cursor") > 1_000_000_000_000_000, "by time");
}

#[tokio::test]
async fn a_server_at_a_private_address_is_not_read_unless_that_is_allowed() {
    let jetstream = played(Framing::Old).await;
    let settings = jetstream.settings();
    let settings: Vec<_> =
        settings.iter().skip(1).map(|(name, value)| (*name, value.as_str())).collect();
    let (stores, consumers) = (Stores::fresh().await, Consumers::default());
    let world = World::start_with(stores, consumers, &settings).await;
    until_ended(&world, "NETWORK_ADDRESS_PRIVATE").await;
    assert!(jetstream.cursors().is_empty());
}
