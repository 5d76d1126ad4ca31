//! The one mapping from what went wrong to what a caller is told.

use std::{collections::HashMap, error::Error, sync::Arc, time::Duration};

use klout_store::is_transient;
use prost::Message as _;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _, pb};

/// The `domain` of every `ErrorInfo` that we send.
pub const DOMAIN: &str = "klout";

/// How long a caller waits before it asks a struggling store or peer again.
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// What a caller is told: a code, a stable reason, and what varies.
///
/// A service makes one of each variant of its error, in a `match` without a wildcard arm.
#[derive(Clone, Debug)]
pub struct Refusal {
    code: Code,
    reason: &'static str,
    metadata: HashMap<String, String>,
    details: ErrorDetails,
}

// === impl Refusal ===

impl Refusal {
    /// `reason` is never renamed and has a page `docs/errors/<REASON>.md`.
    #[must_use]
    pub fn new(code: Code, reason: &'static str) -> Self {
        Self { code, reason, metadata: HashMap::new(), details: ErrorDetails::new() }
    }

    /// A field of the request that cannot be: INVALID_ARGUMENT, FIELD_INVALID.
    #[must_use]
    pub fn field(field: &str, problem: &str) -> Self {
        let mut refusal = Self::new(Code::InvalidArgument, "FIELD_INVALID").with("field", field);
        refusal.details.add_bad_request_violation(field, problem);
        refusal
    }

    /// A statement that failed: UNAVAILABLE when it may succeed a moment later, else INTERNAL.
    #[must_use]
    pub fn store(error: &sqlx::Error) -> Self {
        if is_transient(error) {
            Self::new(Code::Unavailable, "STORE_UNAVAILABLE").retry_after(RETRY_AFTER)
        } else {
            Self::new(Code::Internal, "STORE_FAILED")
        }
    }

    /// A call to another service that failed: the caller's end stays the caller's end, everything
    /// else is our trouble and not the caller's mistake.
    #[must_use]
    #[expect(clippy::wildcard_enum_match_arm, reason = "codes are told apart by who is to blame")]
    pub fn peer(status: &Status) -> Self {
        match status.code() {
            Code::DeadlineExceeded => Self::new(Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
            Code::Unavailable | Code::Cancelled | Code::ResourceExhausted => {
                Self::new(Code::Unavailable, "PEER_UNAVAILABLE").retry_after(RETRY_AFTER)
            }
            _ => Self::new(Code::Internal, "PEER_FAILED"),
        }
    }

    /// Repeats what varies in the message, so that no client has to parse it. AIP-193.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.metadata.insert(key.to_owned(), value.to_string());
        self
    }

    /// Tells the caller when a retry may help.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.details.set_retry_info(Some(delay));
        self
    }

    /// The status for `error`. Of faults on our side the caller learns no more than the reason; the
    /// error stays with the status as its source, for the layer that logs faults.
    #[must_use]
    #[expect(clippy::wildcard_enum_match_arm, reason = "the two codes that blame us stand out")]
    pub fn into_status(mut self, error: impl Error + Send + Sync + 'static) -> Status {
        let message = match self.code {
            Code::Internal => "something went wrong on our side".to_owned(),
            Code::Unavailable => "not available right now; try again".to_owned(),
            _ => error.to_string(),
        };
        self.details.set_error_info(self.reason, DOMAIN, self.metadata);
        let mut status = Status::with_error_details(self.code, message, self.details);
        status.set_source(Arc::new(error));
        status
    }

    /// A status where there is no error of ours behind it.
    #[must_use]
    pub fn into_plain_status(mut self, message: impl Into<String>) -> Status {
        self.details.set_error_info(self.reason, DOMAIN, self.metadata);
        Status::with_error_details(self.code, message, self.details)
    }
}

/// The stable reason of a status, when it has one.
#[must_use]
pub fn reason(status: &Status) -> Option<String> {
    Some(status.get_details_error_info()?.reason)
}

/// A status as a row of an answer carries it.
#[must_use]
pub fn to_row(status: &Status) -> pb::Status {
    let details = pb::Status::decode(status.details()).map(|status| status.details);
    pb::Status {
        code: status.code().into(),
        message: status.message().to_owned(),
        details: details.unwrap_or_default(),
    }
}

/// The status that a row of an answer carries.
#[must_use]
pub fn from_row(row: &pb::Status) -> Status {
    let code = Code::from_i32(row.code);
    Status::with_details(code, row.message.clone(), row.encode_to_vec().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("could not read table secret")]
    struct Broken;

    #[test]
    fn a_fault_on_our_side_is_not_described_to_the_caller() {
        let status = Refusal::new(Code::Internal, "STORE_FAILED").into_status(Broken);

        assert!(!status.message().contains("secret"));
        assert_eq!(reason(&status).as_deref(), Some("STORE_FAILED"));
        assert!(status.source().is_some(), "the log gets it");
    }

    #[test]
    fn a_status_survives_being_a_row() {
        let status = Refusal::field("person", "is not a number").into_status(Broken);

        let again = from_row(&to_row(&status));

        assert_eq!(again.code(), Code::InvalidArgument);
        assert_eq!(reason(&again).as_deref(), Some("FIELD_INVALID"));
    }
}
