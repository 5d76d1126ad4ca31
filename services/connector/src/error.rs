//! What can go wrong in the connector, and what the caller is told.

use std::time::Duration;

use klout_chassis::{Refusal, page::PageMalformed};
use klout_model::PersonId;
use klout_networks::Trouble;
use klout_proto::people::StatesMalformed;
use tonic::{Code, Status};

use crate::{ingest::SIGNALS_MAX, visit::verdict::Problem};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
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

    #[error("there is no person {person}")]
    PersonUnknown { person: PersonId },

    #[error("there is no such attempt to connect, or it is too long ago; start again")]
    AttemptUnknown,

    #[error("its network knows no such account")]
    AccountUnknown,

    #[error("{network} is a network that no account can be connected on")]
    NetworkNotBuilt { network: String },

    #[error(transparent)]
    Network(Box<Problem>),

    #[error("another service refused")]
    Said(#[source] Status),

    #[error("another service did not answer")]
    Peer(#[source] Status),

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
    /// Of what a network did.
    pub(crate) fn network(problem: Problem) -> Self {
        Self::Network(Box::new(problem))
    }

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
            Error::PersonUnknown { person } => {
                Refusal::new(Code::NotFound, "PERSON_UNKNOWN").with("person", person)
            }
            Error::AttemptUnknown => Refusal::new(Code::NotFound, "ATTEMPT_UNKNOWN"),
            Error::AccountUnknown => Refusal::new(Code::NotFound, "ACCOUNT_UNKNOWN"),
            Error::NetworkNotBuilt { network } => {
                Refusal::new(Code::FailedPrecondition, "NETWORK_NOT_BUILT").with("network", network)
            }
            Error::Network(problem) => of_network(problem),
            // It is about what the caller sent, in the words of the service that knows.
            Error::Said(status) => return status.clone(),
            Error::Peer(status) => Refusal::peer(status),
            Error::States(_) => Refusal::new(Code::InvalidArgument, "STATES_MALFORMED"),
            // What broke the stream was said by the transport, about the caller's own message.
            Error::Stream(status) => return status.clone(),
            Error::LogBroken(_) => Refusal::new(Code::Internal, "STORE_FAILED"),
            Error::Store { source, .. } => Refusal::store(source),
        };
        refusal.into_status(error)
    }
}

/// What a network did, to whoever waits for it.
fn of_network(problem: &Problem) -> Refusal {
    match problem {
        Problem::Trouble(Trouble::AccessRefused { .. } | Trouble::AccessExpired) => {
            Refusal::new(Code::PermissionDenied, "NETWORK_ACCESS_REFUSED")
        }
        Problem::Trouble(Trouble::AccountGone | Trouble::ItemGone) => {
            Refusal::new(Code::NotFound, "ACCOUNT_UNKNOWN")
        }
        Problem::Kept(_) => Refusal::new(Code::Unavailable, "STORE_UNAVAILABLE"),
        // The cause is a stable name, too: most are somebody else's to remove.
        Problem::Trouble(
            Trouble::RateLimited { .. }
            | Trouble::Unavailable { .. }
            | Trouble::Malformed { .. }
            | Trouble::Elsewhere
            | Trouble::TaskBroken(_),
        )
        | Problem::Unasked(_)
        | Problem::Endless(_)
        | Problem::Sealed(_) => {
            Refusal::new(Code::Unavailable, "NETWORK_UNAVAILABLE").with("cause", problem.reason())
        }
    }
}
