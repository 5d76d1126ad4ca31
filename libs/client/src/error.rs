//! Why there is no answer.

use std::{collections::BTreeMap, error, fmt, sync::Arc, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, RpcStatusExt as _, StatusExt as _, pb};

/// Why a call has no answer.
///
/// What to do about it is told by [`reason`](Self::reason), which is never renamed and has a page in `docs/errors`; what
/// it says in words may change.
#[derive(Clone, Debug)]
pub struct Error(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    code: Code,
    reason: Option<String>,
    message: String,
    metadata: BTreeMap<String, String>,
    retry_after: Option<Duration>,
    /// What broke on the way. What the gateway itself says has nothing behind it.
    source: Option<Status>,
}

// === impl Error ===

impl Error {
    /// What kind of error it is.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What happened, such as `PERSON_UNKNOWN`; `None` when it was not the gateway that said so: it was not reached, or the
    /// deadline passed.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// What varies in the message, by name.
    #[must_use]
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.0.metadata
    }

    /// When asking again may help, if the gateway said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    pub(crate) fn deadline() -> Self {
        let message = "the deadline passed".to_owned();
        Self::new(Code::DeadlineExceeded, message, ErrorDetails::new(), None)
    }

    /// An answer that no gateway of ours gives.
    pub(crate) fn malformed(message: &str) -> Self {
        Self::new(Code::Internal, message.to_owned(), ErrorDetails::new(), None)
    }

    /// Of one row of a batch.
    pub(crate) fn of_row(status: &pb::Status) -> Self {
        let details = status.get_error_details();
        Self::new(Code::from(status.code), status.message.clone(), details, None)
    }

    fn new(code: Code, message: String, details: ErrorDetails, source: Option<Status>) -> Self {
        let retry_after = details.retry_info().and_then(|info| info.retry_delay);
        let info = details.error_info().cloned();
        let (reason, metadata) = info.map_or((None, BTreeMap::new()), |info| {
            (Some(info.reason), info.metadata.into_iter().collect())
        });
        Self(Arc::new(Inner { code, reason, message, metadata, retry_after, source }))
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        let (code, message) = (status.code(), status.message().to_owned());
        let details = status.get_error_details();
        let source = error::Error::source(&status).is_some().then_some(status);
        Self::new(code, message, details, source)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { code, reason, message, .. } = &*self.0;
        match reason {
            Some(reason) => write!(f, "{reason}: {message}"),
            None => write!(f, "{code:?}: {message}"),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.0.source.as_ref().and_then(error::Error::source)
    }
}
