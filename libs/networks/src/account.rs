//! Whose account is asked for.

use time::OffsetDateTime;
use url::Url;

/// An account as its network names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What the network calls it for ever.
    pub native_id: String,
    /// What people call it now.
    pub handle: Option<String>,
}

/// What is known when an account is asked for.
#[derive(Clone, Debug)]
pub struct Visit {
    pub account: Account,
    /// Who is asked by everybody.
    pub public: Url,
    /// Who is asked with the account's own access, if it gave one.
    pub own: Option<Url>,
    pub mode: Mode,
    /// What happened before is left out.
    pub since: OffsetDateTime,
    /// When the last visit that saw all began. What has no time of its own happened after that, if it is new.
    pub synced: Option<OffsetDateTime>,
    /// The clock, when the answer came.
    pub now: OffsetDateTime,
}

/// How much is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// All since [`Visit::since`].
    Backfill,
    /// What is new, as far as it can be told: see [`Seen`](crate::Seen).
    Incremental,
}
