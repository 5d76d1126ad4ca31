//! Why an answer yields nothing.

use time::OffsetDateTime;

use crate::TaskBroken;

/// Why an answer yields nothing, and what is done about it.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Asked again when the time has come.
    #[error("the network asks us to wait")]
    RateLimited {
        /// Absent: the network does not say.
        until: Option<OffsetDateTime>,
    },

    /// Asked again with new access.
    #[error("the access has expired")]
    AccessExpired,

    /// Asked again when the account is connected once more.
    #[error("the network does not let us in: {message}")]
    AccessRefused { message: String },

    /// Nothing more is asked.
    #[error("there is no such account any more")]
    AccountGone,

    /// What the task is about is not there, or not shown to us: the task ends, and its list is empty.
    #[error("what was asked for is not there")]
    ItemGone,

    /// Asked again later.
    #[error("the network failed: it answered {status}")]
    Unavailable { status: u16 },

    /// Asked again later; of no use until somebody looks at it.
    #[error("{what} cannot be read: {problem}")]
    Malformed { what: &'static str, problem: String },

    /// Left out: whoever says so may not be whom we asked.
    #[error("the next part of a list is said to be on another server")]
    Elsewhere,

    /// Left out: a version that knows it may come.
    #[error(transparent)]
    TaskBroken(#[from] TaskBroken),
}

// === impl Trouble ===

impl Trouble {
    /// A stable name with a page in `docs/errors`.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::RateLimited { .. } => "NETWORK_RATE_LIMITED",
            Self::AccessExpired => "NETWORK_ACCESS_EXPIRED",
            Self::AccessRefused { .. } => "NETWORK_ACCESS_REFUSED",
            Self::AccountGone => "NETWORK_ACCOUNT_GONE",
            Self::ItemGone => "NETWORK_ITEM_GONE",
            Self::Unavailable { .. } => "NETWORK_UNAVAILABLE",
            Self::Malformed { .. } => "NETWORK_ANSWER_MALFORMED",
            Self::Elsewhere => "NETWORK_SENDS_ELSEWHERE",
            Self::TaskBroken(_) => "NETWORK_TASK_UNKNOWN",
        }
    }
}
