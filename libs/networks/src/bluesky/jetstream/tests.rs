//! On messages of both framings, written by hand.

use serde_json::{Value, json};
use time::macros::datetime;

use super::*;

const NOW: OffsetDateTime = datetime!(2026-11-26 12:00 UTC);
const MICROS: i64 = 1_795_694_400_000_000 - 3_600_000_000;
const POST: &str = "at://did:plc:ann/app.bsky.feed.post/1";
const CREATED: &str = "2026-11-26T10:59:00.250Z";

fn old(kind: &str, content: Value) -> Message {
    let message = json!({ "did": "did:plc:ben", "time_us": MICROS, "kind": kind, kind: content });
    Framing::Subscribe.read(message.to_string().as_bytes(), NOW).expect("a message")
}

fn new(kind: &str, content: Value) -> Message {
    let mut payload = if kind == "commit" { content } else { json!({ kind: content }) };
    payload["$type"] = json!(format!("network.bsky.jetstream.subscribeEvents#{kind}"));
    payload["seq"] = json!(7);
    payload["did"] = json!("did:plc:ben");
    payload["time"] = json!("2026-11-26T11:00:00.000000Z");
    let message = json!({ "$type": "message", "payload": payload });
    Framing::SubscribeEvents.read(message.to_string().as_bytes(), NOW).expect("a message")
}

fn happened(kind: &str, content: &Value) -> Happened {
    let (old, new) = (old(kind, content.clone()), new(kind, content.clone()));
    let (Message::Event(old), Message::Event(new)) = (old, new) else { panic!("two events") };
    assert_eq!((old.position.number, old.position.micros), (None, MICROS));
    assert_eq!((new.position.number, new.position.micros), (Some(7), MICROS));
    assert_eq!(old.happened, new.happened, "in both framings the same");
    new.happened
}

fn committed(operation: &str, collection: &str, record: &Value) -> Happened {
    let mut commit =
        json!({ "rev": "r", "operation": operation, "collection": collection, "rkey": "k" });
    if !record.is_null() {
        commit["record"] = record.clone();
    }
    happened("commit", &commit)
}

fn ids(happened: &Happened) -> Vec<&str> {
    let Happened::Made { record, signals } = happened else { panic!("made: {happened:?}") };
    assert_eq!(record.did, "did:plc:ben");
    signals.iter().map(|it| it.signal_id.as_str()).collect()
}

#[test]
fn what_is_made_has_the_ids_that_lists_give_it() {
    let reaction = json!({ "subject": { "uri": POST, "cid": "c" }, "createdAt": CREATED });
    let like = committed("create", "app.bsky.feed.like", &reaction);
    assert_eq!(ids(&like), [format!("like/{POST}/did:plc:ben/1795690740250")]);
    let repost = committed("create", "app.bsky.feed.repost", &reaction);
    assert_eq!(ids(&repost), [format!("repost/{POST}/did:plc:ben")]);
    let follow = json!({ "subject": "did:plc:ann", "createdAt": CREATED });
    let follow = committed("create", "app.bsky.graph.follow", &follow);
    assert_eq!(ids(&follow), ["follow/did:plc:ben"]);
    assert!(
        has_rounds(ids(&repost)[0]) && has_rounds(ids(&follow)[0]) && !has_rounds(ids(&like)[0])
    );
}

#[test]
fn a_post_answers_quotes_and_mentions_and_is_one_of_its_author() {
    let reference = json!({ "uri": POST, "cid": "c" });
    let mention = json!({ "$type": "app.bsky.richtext.facet#mention", "did": "did:plc:cid" });
    let post = json!({
        "text": "see", "createdAt": CREATED, "reply": { "root": reference, "parent": reference },
        "embed": { "$type": "app.bsky.embed.recordWithMedia", "record": { "record": reference }, "media": { "images": [] } },
        "facets": [{ "features": [mention, mention] }],
    });
    let made = committed("create", "app.bsky.feed.post", &post);
    let uri = "at://did:plc:ben/app.bsky.feed.post/k";
    let expected = ["post", "reply", "quote", "mention"].map(|it| format!("{it}/{uri}"));
    assert_eq!(ids(&made), expected);
}

#[test]
fn who_says_to_have_written_something_tomorrow_wrote_it_now() {
    let like = json!({ "subject": { "uri": POST }, "createdAt": "2026-11-27T00:00:00Z" });
    let Happened::Made { signals, .. } = committed("create", "app.bsky.feed.like", &like) else {
        panic!("made")
    };
    let seconds = signals[0].time.expect("a time").seconds;
    assert_eq!(seconds, MICROS / 1_000_000);
}

#[test]
fn what_is_taken_back_names_its_record() {
    let unmade = committed("delete", "app.bsky.feed.like", &Value::Null);
    let record = Record { did: "did:plc:ben".to_owned(), name: "app.bsky.feed.like/k".to_owned() };
    assert_eq!(unmade, Happened::Unmade(record));
}

#[test]
fn what_is_of_no_use_or_cannot_be_read_tells_nothing() {
    let like = json!({ "subject": { "uri": POST }, "createdAt": CREATED });
    let nothing = [
        committed("update", "app.bsky.feed.like", &like),
        committed("create", "app.bsky.feed.generator", &like),
        committed("create", "app.bsky.feed.like", &json!({ "subject": 7 })),
        committed(
            "create",
            "app.bsky.feed.like",
            &json!({ "subject": { "uri": "at://x" }, "createdAt": CREATED }),
        ),
        committed(
            "create",
            "app.bsky.feed.like",
            &json!({ "subject": { "uri": POST }, "createdAt": "soon" }),
        ),
        committed("create", "app.bsky.feed.like", &Value::Null),
        happened("sync", &json!({})),
    ];
    for it in nothing {
        assert_eq!(it, Happened::Nothing);
    }
}

#[test]
fn who_is_gone_for_ever_is_told_from_who_is_hidden() {
    let shown = |active: bool, status: &str| {
        let told = happened("account", &json!({ "active": active, "status": status }));
        let Happened::Account { shown, .. } = told else { panic!("an account: {told:?}") };
        shown
    };
    assert_eq!(shown(false, "deleted"), Shown::Deleted);
    assert_eq!(shown(false, "deactivated"), Shown::Hidden);
    assert_eq!(shown(false, "takendown"), Shown::Hidden);
    assert_eq!(shown(true, ""), Shown::Shown);
    let named = happened("identity", &json!({ "handle": "ben.test" }));
    let (did, handle) = ("did:plc:ben".to_owned(), Some("ben.test".to_owned()));
    assert_eq!(named, Happened::Named { did, handle });
}

#[test]
fn a_server_says_why_it_ends() {
    let end = |message: &str| Framing::SubscribeEvents.read(message.as_bytes(), NOW);
    for (error, expected) in [
        ("ConsumerTooSlow", End::TooSlow),
        ("FutureCursor", End::FutureCursor),
        ("CursorTooOld", End::CursorTooOld),
        ("Odd", End::Said("Odd: m".to_owned())),
    ] {
        let message = format!(r#"{{"$type":"error","error":"{error}","message":"m"}}"#);
        assert_eq!(end(&message).expect("a message"), Message::End(expected.clone()));
        let refused = format!(r#"{{"error":"{error}","message":"m"}}"#);
        assert_eq!(End::refused(refused.as_bytes()), expected);
    }
    assert_eq!(end(r#"{"$type":"info"}"#).expect("a message"), Message::Other);
    assert!(end("[]").is_err() && Framing::Subscribe.read(b"{}", NOW).is_err());
}

#[test]
fn each_framing_is_asked_in_its_own_words() {
    let server: Url = "wss://jetstream.example".parse().expect("a URL");
    let at = Start::At(Position { number: Some(7), micros: MICROS });
    let query = |framing: Framing, start| {
        let url = framing.url(&server, start);
        (url.path().to_owned(), url.query().unwrap_or_default().to_owned())
    };
    let (path, asked) = query(Framing::Subscribe, at);
    assert_eq!(path, "/subscribe");
    assert!(asked.starts_with("wantedCollections=app.bsky.feed.like&"), "{asked}");
    assert!(asked.ends_with(&format!("&cursor={}", MICROS - REWIND_MICROS)), "{asked}");
    let (path, asked) = query(Framing::SubscribeEvents, at);
    assert_eq!(path, "/xrpc/network.bsky.jetstream.subscribeEvents");
    assert!(asked.starts_with("kinds=commit&kinds=account&kinds=identity&collections="), "{asked}");
    assert!(asked.ends_with("&cursor=7"), "{asked}");
    let (_, asked) = query(Framing::SubscribeEvents, Start::Since(MICROS));
    assert!(asked.ends_with(&format!("&cursor={MICROS}")), "{asked}");
    assert!(!query(Framing::Subscribe, Start::Now).1.contains("cursor"));
}
