//! What can go wrong in scoring, and what the caller is told.

use std::time::Duration;

use klout_chassis::{Refusal, reason};
use klout_model::PersonId;
use tonic::{Code, Status};

use crate::rpc::SUBJECTS_MAX;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no person {person}")]
    PersonUnknown { person: PersonId },

    #[error("`{field}` {problem}")]
    FieldInvalid { field: &'static str, problem: &'static str },

    #[error("no subjects were asked for")]
    SubjectsEmpty,

    #[error("{count} subjects; at most {SUBJECTS_MAX} are looked up at once")]
    SubjectsTooMany { count: usize },

    #[error("the batch is not one of the connector's: {problem}")]
    BatchMalformed { problem: &'static str },

    #[error("what was asked for was not scored within {waited:?}")]
    RevisionNotReached { waited: Duration },

    /// What social-graph says about the caller's own account: unknown, ambiguous or not one.
    #[error("social-graph refused the account")]
    Account(#[source] Status),

    #[error("social-graph did not answer")]
    Peer(#[source] Status),

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

    /// A refusal of social-graph, told apart: the caller's mistake, or our trouble.
    pub(crate) fn resolving(status: Status) -> Self {
        match reason(&status).as_deref() {
            Some("PERSON_UNKNOWN" | "HANDLE_AMBIGUOUS" | "FIELD_INVALID") => Self::Account(status),
            Some(_) | None => Self::Peer(status),
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let refusal = match &error {
            Error::PersonUnknown { person } => {
                Refusal::new(Code::NotFound, "PERSON_UNKNOWN").with("person", person)
            }
            Error::FieldInvalid { field, problem } => Refusal::field(field, problem),
            Error::SubjectsEmpty => Refusal::new(Code::InvalidArgument, "SUBJECTS_EMPTY"),
            Error::SubjectsTooMany { count } => {
                Refusal::new(Code::InvalidArgument, "SUBJECTS_TOO_MANY")
                    .with("count", count)
                    .with("max", SUBJECTS_MAX)
            }
            Error::BatchMalformed { .. } => Refusal::new(Code::InvalidArgument, "BATCH_MALFORMED"),
            Error::RevisionNotReached { waited } => {
                Refusal::new(Code::Unavailable, "REVISION_NOT_REACHED").retry_after(*waited)
            }
            // It is about what the caller sent, in the words of the service that knows.
            Error::Account(status) => return status.clone(),
            Error::Peer(status) => Refusal::peer(status),
            Error::Store { source, .. } => Refusal::store(source),
        };
        refusal.into_status(error)
    }
}
