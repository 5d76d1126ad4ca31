//! What can go wrong in the gateway itself, and what the caller is told.

use std::time::Duration;

use http::Method;
use klout_chassis::{PageMalformed, Refusal};
use klout_model::PurposeRefused;
use tonic::{Code, Status};

use crate::{
    access::Scope, issuers::TokenRefused, keys::KeyId, limits::Reached, transcode::Unbindable,
};

/// When a caller shows its key again that could not be read.
const KEY_AGAIN_AFTER: Duration = Duration::from_secs(1);

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

    #[error("the key is not valid")]
    KeyInvalid,

    #[error("the key has expired")]
    KeyExpired,

    #[error("the key was taken back")]
    KeyTakenBack,

    #[error("keys cannot be read")]
    KeysUnreadable,

    #[error("the token is not valid: {0}")]
    Token(#[from] TokenRefused),

    #[error("the keys of the token's issuer cannot be read")]
    IssuerAway,

    #[error(transparent)]
    PurposeRefused(PurposeRefused),

    #[error("the key may not call this: it has not the scope `{scope}`")]
    ScopeMissing { scope: Scope },

    #[error("`scopes`: there is no scope `{scope}`")]
    ScopeUnknown { scope: String },

    #[error("`{field}` {problem}")]
    KeyField { field: &'static str, problem: &'static str },

    #[error("`{}` {}", .0.field, .0.problem)]
    Page(#[from] PageMalformed),

    #[error("there is a key called `{name}`")]
    KeyExists { name: String },

    #[error("there is no key {key}")]
    KeyUnknown { key: KeyId },

    #[error("the key was taken back, and stays so: make another one")]
    KeyRevoked,

    #[error("two secrets of the key are valid: wait until the older one ends")]
    KeyRotating,

    #[error("the key is not for {purpose}")]
    PurposeNotKeys { purpose: String },

    #[error("nobody is known by that, or not as surely as was asked")]
    NobodyKnown,

    #[error("could not {action}")]
    Store {
        action: &'static str,
        #[source]
        source: sqlx::Error,
    },

    #[error(transparent)]
    LimitReached(Reached),
}

// === impl Error ===

impl Error {
    /// What failed, for `map_err`.
    pub(crate) fn store(action: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Store { action, source }
    }
}

/// Letters of what is wrong with a body; it may name a field of any length that somebody made up.
const SAID_MAX: usize = 300;

fn beginning(error: &serde_json::Error) -> String {
    error.to_string().chars().take(SAID_MAX).collect()
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let refusal = match &error {
            Error::LimitReached(reached) => reached.refusal(),
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
            Error::PurposeNotKeys { purpose } => {
                Refusal::new(Code::PermissionDenied, "PURPOSE_NOT_KEYS").with("purpose", purpose)
            }
            Error::NobodyKnown => Refusal::new(Code::NotFound, "PERSON_UNKNOWN"),
            Error::PurposeNotPerks => Refusal::new(Code::PermissionDenied, "PURPOSE_NOT_PERKS"),
            Error::KeyInvalid | Error::Token(_) => {
                Refusal::new(Code::Unauthenticated, "TOKEN_INVALID")
            }
            Error::KeyExpired => Refusal::new(Code::Unauthenticated, "KEY_EXPIRED"),
            Error::KeyTakenBack => Refusal::new(Code::Unauthenticated, "KEY_REVOKED"),
            Error::KeysUnreadable => {
                Refusal::new(Code::Unavailable, "STORE_UNAVAILABLE").retry_after(KEY_AGAIN_AFTER)
            }
            Error::IssuerAway => {
                Refusal::new(Code::Unavailable, "ISSUER_UNAVAILABLE").retry_after(KEY_AGAIN_AFTER)
            }
            Error::PurposeRefused(refused) => {
                Refusal::new(Code::PermissionDenied, "PURPOSE_REFUSED").with("word", &refused.word)
            }
            Error::ScopeMissing { scope } => {
                Refusal::new(Code::PermissionDenied, "SCOPE_MISSING").with("scope", scope)
            }
            Error::ScopeUnknown { .. } => Refusal::field("scopes", "names one that there is not"),
            Error::KeyField { field, problem } => Refusal::field(field, problem),
            Error::Page(page) => Refusal::field(page.field, page.problem),
            Error::KeyExists { name } => {
                Refusal::new(Code::AlreadyExists, "KEY_EXISTS").with("name", name)
            }
            Error::KeyUnknown { key } => {
                Refusal::new(Code::NotFound, "KEY_UNKNOWN").with("key", key)
            }
            Error::KeyRevoked => Refusal::new(Code::FailedPrecondition, "KEY_REVOKED"),
            Error::KeyRotating => Refusal::new(Code::FailedPrecondition, "KEY_ROTATING"),
            Error::Store { source, .. } => Refusal::store(source),
        };
        refusal.into_status(error)
    }
}
