//! A connection to a stream: messages in, runs of events out.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use klout_networks::bluesky::jetstream::{End, Event, MESSAGE_BYTES_MAX, Message};
use klout_outbound::{DialError, Dialed, Reach, dial};
use tokio::{
    sync::mpsc,
    time::{Instant, interval, sleep_until, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        self, Bytes, client::IntoClientRequest as _, error::CapacityError,
        protocol::WebSocketConfig,
    },
};
use url::Url;

use super::{
    Streamer,
    run::{Followed, Run},
};
use crate::{admission::Terms, error::Error};

/// From the first byte until the server says that it is one of a stream.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(30);

/// How long an event waits for others to be kept with it.
const RUN_TIME_MAX: Duration = Duration::from_millis(100);

/// How often a server is asked whether it is still there, and it is looked who is connected.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// Who does not even answer that for so long is not there any more.
const SILENCE_MAX: Duration = Duration::from_secs(90);

/// Messages that cannot be read, one after the other: it is another framing then.
const UNREADABLE_MAX: u32 = 100;

/// Why a connection ended, or did not come about.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    #[error("the stream cannot be connected to")]
    Dial(#[source] DialError),
    #[error("the stream took longer than 30 s to begin")]
    Slow,
    #[error("the stream ended")]
    End(#[source] End),
    #[error("the stream was closed")]
    Closed,
    #[error("the stream broke off")]
    Socket(#[source] Box<tungstenite::Error>),
    #[error("a message of the stream is larger than {MESSAGE_BYTES_MAX} bytes")]
    TooLarge,
    #[error("{UNREADABLE_MAX} messages of the stream in a row cannot be read: {0}")]
    Unreadable(String),
    #[error("the stream is silent")]
    Silent,
    #[error("what the stream told could not be kept")]
    Store(#[source] Error),
    #[error("somebody else reads the stream")]
    Lost,
}

// === impl Problem ===

impl Problem {
    /// A stable name with a page in `docs/errors`.
    pub(super) const fn reason(&self) -> &'static str {
        match self {
            Self::Dial(DialError::Private) => "NETWORK_ADDRESS_PRIVATE",
            Self::Dial(DialError::TooSlow(_)) | Self::Slow | Self::Silent => "NETWORK_TOO_SLOW",
            Self::Dial(DialError::Failed(_)) | Self::Socket(_) | Self::Closed => {
                "NETWORK_UNAVAILABLE"
            }
            Self::End(_) => "NETWORK_STREAM_ENDED",
            Self::TooLarge => "NETWORK_ANSWER_TOO_LARGE",
            Self::Unreadable(_) => "NETWORK_ANSWER_MALFORMED",
            Self::Store(_) | Self::Lost => "NETWORK_STREAM_NOT_KEPT",
        }
    }
}

impl From<tungstenite::Error> for Problem {
    fn from(error: tungstenite::Error) -> Self {
        use tungstenite::Error;
        if let Error::Http(answer) = &error {
            let end = End::refused(answer.body().as_deref().unwrap_or_default());
            if matches!(end, End::Said(_)) {
                return Self::End(End::Said(format!("it answered {}", answer.status())));
            }
            return Self::End(end);
        }
        if matches!(error, Error::Capacity(CapacityError::MessageTooLong { .. })) {
            return Self::TooLarge;
        }
        if matches!(error, Error::ConnectionClosed | Error::AlreadyClosed) {
            return Self::Closed;
        }
        Self::Socket(Box::new(error))
    }
}

/// Connects, if the address may be asked.
pub(super) async fn connect(reach: Reach, url: &Url) -> Result<WebSocketStream<Dialed>, Problem> {
    let connection = dial(reach, url, CONNECT_TIME_MAX).await.map_err(Problem::Dial)?;
    let request = url.as_str().into_client_request()?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    let shaking_hands = client_async_with_config(request, connection, Some(config));
    let (socket, _) =
        timeout(CONNECT_TIME_MAX, shaking_hands).await.map_err(|_| Problem::Slow)??;
    Ok(socket)
}

impl Streamer {
    /// Reads until the connection ends, or whoever keeps what is read has ended.
    pub(super) async fn read(
        &self,
        mut socket: WebSocketStream<Dialed>,
        mut followed: Followed,
        runs: mpsc::Sender<Run>,
    ) -> Result<(), Problem> {
        let mut reader = Reader { streamer: self, run: Run::default(), unreadable: 0 };
        let mut terms = self.terms_now();
        let mut flush_at = Instant::now();
        let mut heard_at = Instant::now();
        let mut ping = interval(PING_INTERVAL);
        ping.reset();
        loop {
            let waits = !reader.run.is_empty();
            let message = tokio::select! {
                biased;
                message = socket.next() => message,
                () = sleep_until(flush_at), if waits => {
                    if runs.send(reader.take()).await.is_err() {
                        return Ok(());
                    }
                    terms = self.terms_now();
                    continue;
                }
                () = runs.closed() => return Ok(()),
                _ = ping.tick() => {
                    if heard_at.elapsed() > SILENCE_MAX {
                        return Err(Problem::Silent);
                    }
                    followed = self.followed().await.map_err(Problem::Store)?;
                    socket.send(tungstenite::Message::Ping(Bytes::new())).await?;
                    continue;
                }
            };
            let read = match message {
                None => Err(Problem::Closed),
                Some(Err(error)) => Err(error.into()),
                Some(Ok(tungstenite::Message::Text(text))) => reader.read(text.as_bytes()),
                Some(Ok(tungstenite::Message::Binary(bytes))) => reader.read(&bytes),
                Some(Ok(tungstenite::Message::Close(frame))) => Err(closed(frame)),
                Some(Ok(
                    tungstenite::Message::Ping(_)
                    | tungstenite::Message::Pong(_)
                    | tungstenite::Message::Frame(_),
                )) => Ok(None),
            };
            heard_at = Instant::now();
            let (event, bytes) = match read {
                Ok(Some(read)) => read,
                Ok(None) => continue,
                Err(problem) => {
                    // What was told before counts.
                    if !reader.run.is_empty() && runs.send(reader.take()).await.is_err() {
                        return Ok(());
                    }
                    return Err(problem);
                }
            };
            let Event { position, happened } = event;
            let noted = followed.note(&terms, &self.network, happened);
            if !reader.run.takes(&noted) && runs.send(reader.take()).await.is_err() {
                return Ok(());
            }
            if reader.run.is_empty() {
                flush_at = heard_at + RUN_TIME_MAX;
            }
            reader.run.add(noted, position, bytes);
            if reader.run.is_full() {
                if runs.send(reader.take()).await.is_err() {
                    return Ok(());
                }
                terms = self.terms_now();
            }
        }
    }

    fn terms_now(&self) -> Terms {
        Terms { now: self.clock.now(), ..self.terms.clone() }
    }
}

/// What was read and not handed on yet.
struct Reader<'a> {
    streamer: &'a Streamer,
    run: Run,
    /// Messages that could not be read, the last ones in a row.
    unreadable: u32,
}

// === impl Reader ===

impl Reader<'_> {
    fn take(&mut self) -> Run {
        std::mem::take(&mut self.run)
    }

    /// Reads a message. `None`: it tells nothing.
    fn read(&mut self, message: &[u8]) -> Result<Option<(Event, usize)>, Problem> {
        let streamer = self.streamer;
        match streamer.framing.read(message, streamer.running.now()) {
            Ok(Message::Event(event)) => {
                self.unreadable = 0;
                Ok(Some((event, message.len())))
            }
            Ok(Message::End(end)) => Err(Problem::End(end)),
            Ok(Message::Other) => Ok(None),
            Err(unreadable) => {
                // One alone may be of somebody who writes what we do not know.
                streamer.metrics.bluesky.unreadable.increment(1);
                self.unreadable += 1;
                match self.unreadable < UNREADABLE_MAX {
                    true => Ok(None),
                    false => {
                        Err(Problem::Unreadable(klout_chassis::Chain(&unreadable).to_string()))
                    }
                }
            }
        }
    }
}

/// Some servers say why in the reason of closing.
fn closed(frame: Option<tungstenite::protocol::CloseFrame>) -> Problem {
    let said = frame.map(|it| it.reason.to_string()).unwrap_or_default();
    match End::of(&said, "") {
        End::Said(_) => Problem::Closed,
        end @ (End::TooSlow | End::CursorTooOld | End::FutureCursor) => Problem::End(end),
    }
}
