//! What can go wrong in topics, and what the caller is told.

use klout_chassis::Refusal;
use tonic::{Code, Status};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the batch is not one of the connector's: {problem}")]
    BatchMalformed { problem: &'static str },

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
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let refusal = match &error {
            Error::BatchMalformed { .. } => Refusal::new(Code::InvalidArgument, "BATCH_MALFORMED"),
            Error::Peer(status) => Refusal::peer(status),
            Error::Store { source, .. } => Refusal::store(source),
        };
        refusal.into_status(error)
    }
}
