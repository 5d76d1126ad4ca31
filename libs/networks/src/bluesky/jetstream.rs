//! Jetstream: everything that happens on the network, as JSON over a WebSocket, in both of its framings. Pure: bytes in,
//! what happened out.
//!
//! What is unmade names the record and not what it said, so whoever reads keeps which record told what. Signals have the
//! ids that they have in lists.

#[cfg(test)]
mod tests;

use std::{borrow::Cow, collections::BTreeSet};

use klout_proto::signal::v1::Signal;
use serde::Deserialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;
use url::Url;

use super::{
    record::{self, moment},
    signals::{self, POSTS, is_did, is_key},
};

/// In bytes, of a message: a record of the network may have 1 MiB, and six times as much when it is written as JSON. A
/// server that sends more tells of no record.
pub const MESSAGE_BYTES_MAX: usize = 8 << 20;

/// Some servers of the old framing begin after the time that is asked for, and several events may be of one time; so a
/// second of it is told again.
const REWIND_MICROS: i64 = 1_000_000;

const LIKES: &str = "app.bsky.feed.like";

const REPOSTS: &str = "app.bsky.feed.repost";

const FOLLOWS: &str = "app.bsky.graph.follow";

/// The records that signals are made of.
const COLLECTIONS: [&str; 4] = [LIKES, POSTS, REPOSTS, FOLLOWS];

/// Accounts that one post mentions. It has room for no more names.
const MENTIONS_MAX: usize = 32;

/// In bytes, of what we tell of what a server says.
const MESSAGE_LENGTH_MAX: usize = 200;

/// How a server tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Framing {
    /// `/subscribe`, as it has been from the beginning: events by their time.
    Subscribe,
    /// `/xrpc/network.bsky.jetstream.subscribeEvents`, since 2026: events by their number on that server.
    SubscribeEvents,
}

/// Where in a stream an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Its number, which no other server gives it.
    pub number: Option<i64>,
    /// Its time in microseconds since 1970, which is about the same on all servers.
    pub micros: i64,
}

/// From where on a server is to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    Now,
    /// From this event on, it included, on the server that told it.
    At(Position),
    /// From this time on, in microseconds since 1970.
    Since(i64),
}

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    Event(Event),
    /// The last one: the server says why it closes the connection.
    End(End),
    /// Of a kind that tells nothing.
    Other,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub position: Position,
    pub happened: Happened,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Happened {
    /// Somebody wrote a record.
    Made { record: Record, signals: Vec<Signal> },
    /// Somebody took a record back. What it said is not told.
    Unmade(Record),
    /// An account is shown, or not any more.
    Account { did: String, shown: Shown },
    /// An account may be called something else now.
    Named { did: String, handle: Option<String> },
    /// Nothing that signals are made of.
    Nothing,
}

/// A record, by whose it is and what they call it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Record {
    pub did: String,
    /// Its collection and its key.
    pub name: String,
}

/// Whether an account is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    Shown,
    /// Until its owner, or who keeps the network in order, wants otherwise.
    Hidden,
    /// Not any more, for ever.
    Deleted,
}

/// Why a server closes a connection, or does not open it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum End {
    #[error("we read too slowly")]
    TooSlow,
    #[error("what happened so long ago is not told any more")]
    CursorTooOld,
    #[error("the server has not come so far yet")]
    FutureCursor,
    #[error("the server says: {0}")]
    Said(String),
}

/// What a server sent is no message of this framing.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("not a message of this framing")]
    Shape(#[source] serde_json::Error),
    #[error("an event has no time")]
    Untimed,
}

#[derive(Deserialize)]
struct Old<'a> {
    #[serde(borrow)]
    did: Option<Cow<'a, str>>,
    time_us: Option<i64>,
    #[serde(borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    commit: Option<Commit<'a>>,
    account: Option<AccountState>,
    identity: Option<Identity>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct New<'a> {
    #[serde(borrow, rename = "$type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    payload: Option<Payload<'a>>,
    error: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow, rename = "$type")]
    kind: Cow<'a, str>,
    seq: i64,
    #[serde(borrow)]
    did: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
    #[serde(borrow)]
    operation: Option<Cow<'a, str>>,
    #[serde(borrow)]
    collection: Option<Cow<'a, str>>,
    #[serde(borrow)]
    rkey: Option<Cow<'a, str>>,
    #[serde(borrow)]
    record: Option<&'a RawValue>,
    account: Option<AccountState>,
    identity: Option<Identity>,
}

#[derive(Deserialize)]
struct Commit<'a> {
    #[serde(borrow)]
    operation: Cow<'a, str>,
    #[serde(borrow)]
    collection: Cow<'a, str>,
    #[serde(borrow)]
    rkey: Cow<'a, str>,
    #[serde(borrow)]
    record: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct AccountState {
    active: bool,
    status: Option<String>,
}

#[derive(Deserialize)]
struct Identity {
    handle: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    error: String,
    message: String,
}

// === impl Framing ===

impl Framing {
    /// Where to connect to.
    #[must_use]
    pub fn url(self, server: &Url, start: Start) -> Url {
        let mut url = server.clone();
        url.set_query(None);
        let cursor = match (self, start) {
            (_, Start::Now) => None,
            (Self::SubscribeEvents, Start::At(Position { number: Some(number), .. })) => {
                Some(number)
            }
            (_, Start::At(position)) => Some(position.micros.saturating_sub(REWIND_MICROS)),
            (_, Start::Since(micros)) => Some(micros),
        };
        let collections = match self {
            Self::Subscribe => {
                url.set_path("/subscribe");
                "wantedCollections"
            }
            Self::SubscribeEvents => {
                url.set_path("/xrpc/network.bsky.jetstream.subscribeEvents");
                let kinds = ["commit", "account", "identity"].map(|kind| ("kinds", kind));
                url.query_pairs_mut().extend_pairs(kinds);
                "collections"
            }
        };
        url.query_pairs_mut().extend_pairs(COLLECTIONS.map(|it| (collections, it)));
        if let Some(cursor) = cursor {
            url.query_pairs_mut().append_pair("cursor", &cursor.to_string());
        }
        url
    }

    /// Reads a message. `now` is the clock: nothing happened later.
    ///
    /// # Errors
    ///
    /// When it is none of this framing.
    pub fn read(self, message: &[u8], now: OffsetDateTime) -> Result<Message, Unreadable> {
        match self {
            Self::Subscribe => old(message, now),
            Self::SubscribeEvents => new(message, now),
        }
    }
}

fn old(message: &[u8], now: OffsetDateTime) -> Result<Message, Unreadable> {
    let told: Old<'_> = serde_json::from_slice(message).map_err(Unreadable::Shape)?;
    if let Some(error) = told.error {
        return Ok(Message::End(End::of(&error, "")));
    }
    let micros = told.time_us.ok_or(Unreadable::Untimed)?;
    let at = at(micros).ok_or(Unreadable::Untimed)?.min(now);
    let did = told.did.unwrap_or_default();
    let happened = match (told.kind.as_deref(), told.commit) {
        (Some("commit"), Some(commit)) => committed(&did, &commit, at),
        (Some("account"), _) => about(&did, told.account, None),
        (Some("identity"), _) => about(&did, None, Some(told.identity)),
        _ => Happened::Nothing,
    };
    Ok(Message::Event(Event { position: Position { number: None, micros }, happened }))
}

fn new(message: &[u8], now: OffsetDateTime) -> Result<Message, Unreadable> {
    let told: New<'_> = serde_json::from_slice(message).map_err(Unreadable::Shape)?;
    if told.kind == "error" {
        let (error, message) = (told.error.unwrap_or_default(), told.message.unwrap_or_default());
        return Ok(Message::End(End::of(&error, &message)));
    }
    let Some(payload) = told.payload.filter(|_| told.kind == "message") else {
        return Ok(Message::Other);
    };
    let at = moment(&payload.time).ok_or(Unreadable::Untimed)?;
    let micros =
        i64::try_from(at.unix_timestamp_nanos() / 1_000).map_err(|_| Unreadable::Untimed)?;
    let at = at.min(now);
    let did = payload.did;
    let happened = match payload.kind.rsplit_once('#').map(|(_, kind)| kind) {
        Some("commit") => match (payload.operation, payload.collection, payload.rkey) {
            (Some(operation), Some(collection), Some(rkey)) => {
                let commit = Commit { operation, collection, rkey, record: payload.record };
                committed(&did, &commit, at)
            }
            _ => Happened::Nothing,
        },
        Some("account") => about(&did, payload.account, None),
        Some("identity") => about(&did, None, Some(payload.identity)),
        _ => Happened::Nothing,
    };
    let position = Position { number: Some(payload.seq), micros };
    Ok(Message::Event(Event { position, happened }))
}

/// What a record that was written or taken back is to us. Posts of the network do not change, and likes say nothing else
/// when they do: so changes tell nothing.
fn committed(did: &str, commit: &Commit<'_>, at: OffsetDateTime) -> Happened {
    let known = COLLECTIONS.contains(&commit.collection.as_ref());
    if !known || !is_did(did) || !is_key(&commit.rkey) {
        return Happened::Nothing;
    }
    let record =
        Record { did: did.to_owned(), name: format!("{}/{}", commit.collection, commit.rkey) };
    match commit.operation.as_ref() {
        "delete" => Happened::Unmade(record),
        "create" => {
            let Some(content) = commit.record else { return Happened::Nothing };
            // Who wrote it need not have written one that can be read.
            match made(&record, &commit.collection, content.get(), at) {
                Some(signals) if !signals.is_empty() => Happened::Made { record, signals },
                _ => Happened::Nothing,
            }
        }
        _ => Happened::Nothing,
    }
}

fn made(
    record: &Record,
    collection: &str,
    content: &str,
    at: OffsetDateTime,
) -> Option<Vec<Signal>> {
    let actor = || signals::account(&record.did, None);
    match collection {
        LIKES => {
            let like: record::Reaction<'_> = serde_json::from_str(content).ok()?;
            let created = moment(&like.created_at)?;
            signals::like(&like.subject.uri, actor()?, created, at).map(|it| vec![it])
        }
        REPOSTS => {
            let repost: record::Reaction<'_> = serde_json::from_str(content).ok()?;
            let time = moment(&repost.created_at)?.min(at);
            signals::repost(&repost.subject.uri, actor()?, time).map(|it| vec![it])
        }
        FOLLOWS => {
            let follow: record::Follow<'_> = serde_json::from_str(content).ok()?;
            let time = moment(&follow.created_at)?.min(at);
            let subject = signals::account(&follow.subject, None)?;
            Some(vec![signals::follow(subject, actor()?, time)])
        }
        POSTS => {
            let post: record::Post<'_> = serde_json::from_str(content).ok()?;
            posted(record, &post, at)
        }
        _ => None,
    }
}

/// A post is one of its author's, and may answer, quote and mention others.
fn posted(record: &Record, post: &record::Post<'_>, at: OffsetDateTime) -> Option<Vec<Signal>> {
    let time = moment(&post.created_at)?.min(at);
    let author = signals::account(&record.did, None)?;
    let uri = format!("at://{}/{}", record.did, record.name);
    let mut signals = vec![signals::post(&uri, author.clone(), time, post)];
    if let Some(reply) = &post.reply {
        signals.extend(signals::reply(&reply.parent.uri, &uri, author.clone(), time));
    }
    if let Some(quoted) = post.embed.as_ref().and_then(record::Embed::quoted) {
        signals.extend(signals::quote(quoted, &uri, author.clone(), time));
    }
    let features = post.facets.iter().flat_map(|it| &it.features);
    let mentioned = features.filter_map(|it| it.did.as_deref()).take(MENTIONS_MAX);
    let mentioned: BTreeSet<&str> = mentioned.collect();
    let subjects = mentioned.into_iter().filter_map(|did| signals::account(did, None));
    signals.extend(subjects.map(|it| signals::mention(it, &uri, author.clone(), time)));
    Some(signals)
}

fn about(did: &str, state: Option<AccountState>, identity: Option<Option<Identity>>) -> Happened {
    if !is_did(did) {
        return Happened::Nothing;
    }
    let did = did.to_owned();
    match (state, identity) {
        (Some(state), _) => {
            let shown = match (state.active, state.status.as_deref()) {
                (true, _) => Shown::Shown,
                (false, Some("deleted")) => Shown::Deleted,
                (false, _) => Shown::Hidden,
            };
            Happened::Account { did, shown }
        }
        (None, Some(identity)) => {
            let handle = identity.and_then(|it| it.handle);
            let handle = signals::account(&did, handle.as_deref()).and_then(|it| it.handle);
            Happened::Named { did, handle }
        }
        (None, None) => Happened::Nothing,
    }
}

fn at(micros: i64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).ok()
}

// === impl End ===

impl End {
    /// Why a server did not open a connection, from what it answered instead.
    #[must_use]
    pub fn refused(body: &[u8]) -> Self {
        let refusal: Refusal = serde_json::from_slice(body).unwrap_or_default();
        Self::of(&refusal.error, &refusal.message)
    }

    /// By the name that servers have for it.
    #[must_use]
    pub fn of(error: &str, message: &str) -> Self {
        match error {
            "ConsumerTooSlow" => Self::TooSlow,
            "CursorTooOld" | "OutdatedCursor" => Self::CursorTooOld,
            "FutureCursor" => Self::FutureCursor,
            _ => {
                let said = format!("{error}: {message}");
                let said: String = said.chars().filter(|it| !it.is_control()).collect();
                let end = said.floor_char_boundary(MESSAGE_LENGTH_MAX);
                Self::Said(said[..end].to_owned())
            }
        }
    }
}

/// Whether the network tells no time by which a signal of this id is another one when it was taken back and is given
/// again, so that whoever keeps it has to tell them apart.
#[must_use]
pub fn has_rounds(signal_id: &str) -> bool {
    signal_id.starts_with("repost/") || signal_id.starts_with("follow/")
}
