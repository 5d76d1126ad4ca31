//! What can go wrong in the gateway itself, and what the caller is told.

use http::Method;
use klout_chassis::Refusal;
use tonic::{Code, Status};

use crate::transcode::Unbindable;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("there is nothing at {path}")]
    PathUnknown { path: String },

    #[error("{path} cannot be asked with {method}")]
    MethodNotAllowed { path: String, method: Method },

    #[error(transparent)]
    Field(#[from] Unbindable),

    #[error("`{0}` is given twice")]
    FieldRepeated(String),

    #[error("the path cannot be decoded: it is not UTF-8")]
    PathEncoding,

    #[error("the body is larger than {max} bytes")]
    BodyTooLarge { max: usize },

    #[error("the body broke off")]
    BodyBroken(#[source] axum::Error),

    #[error("the body is not the JSON of the request: {}", beginning(.0))]
    Body(#[source] serde_json::Error),

    #[error("the message cannot be read")]
    MessageMalformed,

    #[error("the key is for something else than perks")]
    PurposeNotPerks,
}

/// Letters of what is wrong with a body; it may name a field of any length that somebody made up.
const SAID_MAX: usize = 300;

fn beginning(error: &serde_json::Error) -> String {
    error.to_string().chars().take(SAID_MAX).collect()
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let refusal = match &error {
            Error::PathUnknown { .. } => Refusal::new(Code::NotFound, "PATH_UNKNOWN"),
            Error::MethodNotAllowed { .. } => {
                Refusal::new(Code::Unimplemented, "METHOD_NOT_ALLOWED")
            }
            Error::Field(Unbindable { field, problem }) => Refusal::field(field, problem),
            Error::FieldRepeated(field) => Refusal::field(field, "is given twice"),
            Error::PathEncoding
            | Error::BodyBroken(_)
            | Error::Body(_)
            | Error::MessageMalformed => Refusal::new(Code::InvalidArgument, "MESSAGE_MALFORMED"),
            Error::BodyTooLarge { max } => {
                Refusal::new(Code::ResourceExhausted, "MESSAGE_TOO_LARGE").with("max", max)
            }
            Error::PurposeNotPerks => Refusal::new(Code::PermissionDenied, "PURPOSE_NOT_PERKS"),
        };
        refusal.into_status(error)
    }
}
