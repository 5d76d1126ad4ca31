//! Why a signal or a row of a file is left out.

/// Why a signal was left out. The names are a contract: they stand in answers, in rejected files
/// and on stderr, and each has a page in `docs/errors/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum RowReason {
    #[error("the time is not RFC 3339")]
    TimeInvalid,
    #[error("the time is later than the clock")]
    TimeAfterAsOf,
    #[error("the time is before the window of 90 days")]
    TimeBeforeWindow,
    #[error("the network is not 1 to 64 of a-z, 0-9 and -, or is our own")]
    NetworkInvalid,
    #[error("the account is empty, longer than 256 bytes, or has control characters")]
    AccountInvalid,
    #[error("the kind is not one we know")]
    KindUnknown,
    #[error("the count is not a whole number from 0 to 1000000000")]
    CountInvalid,
    #[error("the counter is not one we know")]
    CounterUnknown,
    #[error("the value is not a finite decimal of at least 0")]
    ValueInvalid,
    #[error("the row cannot be read: wrong number of columns, not UTF-8, or too long")]
    RowMalformed,
}

impl RowReason {
    pub const ALL: [Self; 10] = [
        Self::TimeInvalid,
        Self::TimeAfterAsOf,
        Self::TimeBeforeWindow,
        Self::NetworkInvalid,
        Self::AccountInvalid,
        Self::KindUnknown,
        Self::CountInvalid,
        Self::CounterUnknown,
        Self::ValueInvalid,
        Self::RowMalformed,
    ];

    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TimeInvalid => "TIME_INVALID",
            Self::TimeAfterAsOf => "TIME_AFTER_AS_OF",
            Self::TimeBeforeWindow => "TIME_BEFORE_WINDOW",
            Self::NetworkInvalid => "NETWORK_INVALID",
            Self::AccountInvalid => "ACCOUNT_INVALID",
            Self::KindUnknown => "KIND_UNKNOWN",
            Self::CountInvalid => "COUNT_INVALID",
            Self::CounterUnknown => "COUNTER_UNKNOWN",
            Self::ValueInvalid => "VALUE_INVALID",
            Self::RowMalformed => "ROW_MALFORMED",
        }
    }
}
