//! What can go wrong in the connector, and what the caller is told.

use std::time::Duration;

use klout_chassis::{Refusal, page::PageMalformed};
use klout_proto::people::StatesMalformed;
use tonic::{Code, Status};

use crate::ingest::SIGNALS_MAX;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{count} signals in one message; at most {SIGNALS_MAX} are taken")]
    SignalsTooMany { count: usize },

    #[error("the stream had {signals} signals in {time:?}; go on with a new one")]
    StreamTooLong { signals: u64, time: Duration },

    #[error("`{field}` {problem}")]
    FieldInvalid { field: &'static str, problem: &'static str },

    #[error(transparent)]
    Page(PageMalformed),

    #[error("there is no connection {connection}")]
    ConnectionUnknown { connection: String },

    #[error("the connection is closed: {why}")]
    ConnectionClosed { connection: String, why: &'static str },

    #[error(transparent)]
    States(StatesMalformed),

    #[error("the stream broke off")]
    Stream(#[source] Status),

    #[error("a batch of the log cannot be read")]
    LogBroken(#[source] prost::DecodeError),

    #[error("could not {action}")]
    Store {
        action: &'static str,
        #[source]
        source: sqlx::Error,
    },
}

impl Error {
    pub(crate) fn store(action: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Store { action, source }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let refusal = match &error {
            Error::SignalsTooMany { count } => {
                Refusal::new(Code::InvalidArgument, "SIGNALS_TOO_MANY")
                    .with("count", count)
                    .with("max", SIGNALS_MAX)
            }
            Error::StreamTooLong { signals, .. } => {
                Refusal::new(Code::ResourceExhausted, "STREAM_TOO_LONG").with("signals", signals)
            }
            Error::FieldInvalid { field, problem } => Refusal::field(field, problem),
            Error::Page(page) => Refusal::field(page.field, page.problem),
            Error::ConnectionUnknown { connection } => {
                Refusal::new(Code::NotFound, "CONNECTION_UNKNOWN").with("connection", connection)
            }
            Error::ConnectionClosed { connection, .. } => {
                Refusal::new(Code::FailedPrecondition, "CONNECTION_CLOSED")
                    .with("connection", connection)
            }
            Error::States(_) => Refusal::new(Code::InvalidArgument, "STATES_MALFORMED"),
            // What broke the stream was said by the transport, about the caller's own message.
            Error::Stream(status) => return status.clone(),
            Error::LogBroken(_) => Refusal::new(Code::Internal, "STORE_FAILED"),
            Error::Store { source, .. } => Refusal::store(source),
        };
        refusal.into_status(error)
    }
}
