//! A server that tells what happens on a network, as Jetstream does, in both framings: and one that lies.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{ErrorResponse, Request, Response},
    },
};
use url::Url;

/// How what happens is told: as servers of Jetstream did first, or as they do since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    Old,
    New,
}

/// What is told, and how.
#[derive(Debug, Default)]
struct Script {
    /// Each with its number and its time.
    log: Vec<(i64, i64, Message)>,
    /// After how many messages a connection is cut.
    cut_after: Option<usize>,
    /// What the first connections are answered instead, the first one first.
    refusals: Vec<&'static str>,
    /// What was asked for.
    asked: Vec<Url>,
}

/// A server of Jetstream on loopback, until it is dropped. It tells each connection everything from its cursor on.
#[derive(Debug)]
pub struct Jetstream {
    framing: Framing,
    begin: OffsetDateTime,
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
    grew: watch::Sender<()>,
    _serving: JoinSet<()>,
}

// === impl Framing ===

impl Framing {
    /// As settings name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Old => "subscribe",
            Self::New => "subscribe_events",
        }
    }
}

// === impl Jetstream ===

impl Jetstream {
    /// The first event happens at `begin`, and two more every two seconds.
    ///
    /// # Panics
    ///
    /// When no port is free.
    pub async fn start(framing: Framing, begin: OffsetDateTime) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let script = Arc::<Mutex<Script>>::default();
        let (grew, grows) = watch::channel(());
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, Arc::clone(&script), grows));
        Self { framing, begin, address, script, grew, _serving: serving }
    }

    /// Where it answers.
    #[must_use]
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// The settings of a connector that reads all of it.
    #[must_use]
    pub fn settings(&self) -> [(&'static str, String); 4] {
        [
            ("connector.private_networks_allowed", "true".to_owned()),
            ("connector.streams.bluesky.whose", "everybody".to_owned()),
            ("connector.streams.bluesky.url", self.url()),
            ("connector.streams.bluesky.framing", self.framing.name().to_owned()),
        ]
    }

    /// Somebody writes a record.
    pub fn write(&self, did: &str, collection: &str, rkey: &str, record: Value) {
        self.commit(did, "create", collection, rkey, record);
    }

    /// Somebody takes a record back.
    pub fn take_back(&self, did: &str, collection: &str, rkey: &str) {
        self.commit(did, "delete", collection, rkey, Value::Null);
    }

    fn commit(&self, did: &str, operation: &str, collection: &str, rkey: &str, record: Value) {
        let mut commit =
            json!({ "operation": operation, "collection": collection, "rkey": rkey, "rev": "r" });
        if !record.is_null() {
            commit["record"] = record;
            commit["cid"] = json!("bafy");
        }
        self.tell(did, "commit", commit);
    }

    /// Something happens to an account.
    pub fn tell(&self, did: &str, kind: &str, mut content: Value) {
        let (number, micros) = self.next();
        let message = match self.framing {
            Framing::Old => {
                json!({ "did": did, "time_us": micros, "kind": kind, kind: content })
            }
            Framing::New => {
                let mut payload = match kind {
                    "commit" => content.take(),
                    _ => json!({ kind: content.take() }),
                };
                payload["$type"] = json!(format!("network.bsky.jetstream.subscribeEvents#{kind}"));
                payload["seq"] = json!(number);
                payload["did"] = json!(did);
                payload["time"] = json!(time(micros));
                json!({ "$type": "message", "payload": payload })
            }
        };
        self.push(number, micros, Message::text(message.to_string()));
    }

    /// Something that is no event is sent.
    pub fn send(&self, message: Message) {
        let (number, micros) = self.next();
        self.push(number, micros, message);
    }

    /// Cuts each connection after so many messages. `None`: none.
    pub fn cut_after(&self, messages: Option<usize>) {
        self.script().cut_after = messages;
    }

    /// Answers the next connections this instead.
    pub fn refuse(&self, errors: &[&'static str]) {
        self.script().refusals = errors.to_vec();
    }

    /// From where each connection was to begin.
    ///
    /// # Panics
    ///
    /// When it was told as something else than a number.
    #[must_use]
    pub fn cursors(&self) -> Vec<Option<i64>> {
        let cursor = |url: &Url| {
            let found = url.query_pairs().find(|(name, _)| name == "cursor");
            found.map(|(_, value)| value.parse().expect("a number"))
        };
        self.script().asked.iter().map(cursor).collect()
    }

    /// The number of the last event that is told; 0: nothing is.
    #[must_use]
    pub fn told(&self) -> i64 {
        self.script().log.last().map_or(0, |(number, ..)| *number)
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().expect("not poisoned")
    }

    fn next(&self) -> (i64, i64) {
        let length = self.script().log.len();
        let number = i64::try_from(length).expect("not so many") + 1;
        let begin = self.begin.unix_timestamp() * 1_000_000;
        // Two of them are of one time.
        (number, begin + number / 2 * 2_000_000)
    }

    fn push(&self, number: i64, micros: i64, message: Message) {
        self.script().log.push((number, micros, message));
        self.grew.send_replace(());
    }
}

fn time(micros: i64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000)
        .ok()
        .and_then(|it| it.format(&Rfc3339).ok())
        .expect("a time of four digits a year")
}

async fn serve(listener: TcpListener, script: Arc<Mutex<Script>>, grows: watch::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        connections.spawn(tell(stream, Arc::clone(&script), grows.clone()));
    }
}

/// A connection: all from its cursor on, and then what comes.
async fn tell(stream: TcpStream, script: Arc<Mutex<Script>>, mut grows: watch::Receiver<()>) {
    let mut asked = None;
    let refusing = Arc::clone(&script);
    #[expect(clippy::result_large_err, reason = "that is the type that the crate has for it")]
    let shake = |request: &Request, response: Response| {
        let url = format!("ws://jetstream{}", request.uri());
        let url: Url = url.parse().expect("a URL");
        let mut script = refusing.lock().expect("not poisoned");
        script.asked.push(url.clone());
        asked = Some(url);
        if script.refusals.is_empty() {
            return Ok(response);
        }
        let body = json!({ "error": script.refusals.remove(0), "message": "" }).to_string();
        let refused = ErrorResponse::new(Some(body));
        let (mut parts, body) = refused.into_parts();
        parts.status = http::StatusCode::BAD_REQUEST;
        Err(ErrorResponse::from_parts(parts, body))
    };
    let Ok(mut socket) = accept_hdr_async(stream, shake).await else { return };
    let asked = asked.expect("it was asked for something");
    let cursor = asked.query_pairs().find(|(name, _)| name == "cursor");
    let cursor: Option<i64> = cursor.map(|(_, value)| value.parse().expect("a number"));
    let (mut place, mut sent) = (0, 0);
    loop {
        let (message, cut_after) = {
            let script = script.lock().expect("not poisoned");
            (script.log.get(place).cloned(), script.cut_after)
        };
        let Some((number, micros, message)) = message else {
            if wait(&mut socket, &mut grows).await {
                continue;
            }
            return;
        };
        place += 1;
        let told = cursor.is_none_or(|it| match it >= 1_000_000_000_000_000 {
            true => micros >= it,
            false => number >= it,
        });
        if told {
            if cut_after.is_some_and(|it| sent >= it) || socket.send(message).await.is_err() {
                return;
            }
            sent += 1;
        }
    }
}

/// Waits until there is more. Returns whether the connection is still there.
async fn wait(socket: &mut WebSocketStream<TcpStream>, grows: &mut watch::Receiver<()>) -> bool {
    tokio::select! {
        grown = grows.changed() => grown.is_ok(),
        said = socket.next() => matches!(said, Some(Ok(message)) if !message.is_close()),
    }
}
