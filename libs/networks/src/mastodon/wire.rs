//! What servers answer, as far as it is read. Mastodon's relatives leave fields out, and write ids as numbers.

use serde::Deserialize;
use time::{OffsetDateTime, serde::rfc3339};

use crate::id::Id;

#[derive(Debug, Deserialize)]
pub(super) struct Problem {
    #[serde(alias = "detail")]
    pub(super) error: String,
    pub(super) error_description: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Account {
    pub(super) id: Id,
    /// Without a server: an account of the server that was asked.
    pub(super) acct: String,
    /// A program.
    pub(super) bot: Option<bool>,
    /// Asks not to be found by search engines.
    pub(super) noindex: Option<bool>,
    /// Does not show who follows it.
    pub(super) hide_collections: Option<bool>,
    // Where they are hidden, less than none is told.
    pub(super) followers_count: Option<i64>,
    pub(super) following_count: Option<i64>,
    pub(super) statuses_count: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Status {
    pub(super) id: Id,
    pub(super) uri: Option<String>,
    #[serde(with = "rfc3339")]
    pub(super) created_at: OffsetDateTime,
    pub(super) visibility: Option<String>,
    pub(super) in_reply_to_id: Option<Id>,
    pub(super) in_reply_to_account_id: Option<Id>,
    pub(super) account: Account,
    /// Whatever is in it: what is not passed on has none.
    pub(super) reblog: Option<serde::de::IgnoredAny>,
    pub(super) content: Option<String>,
    pub(super) spoiler_text: Option<String>,
    #[serde(default)]
    pub(super) tags: Vec<Tag>,
    pub(super) favourites_count: Option<u64>,
    pub(super) reblogs_count: Option<u64>,
    pub(super) replies_count: Option<u64>,
    pub(super) quotes_count: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Tag {
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Context {
    pub(super) descendants: Vec<Status>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Notification {
    #[serde(rename = "type")]
    pub(super) sort: String,
    #[serde(with = "rfc3339")]
    pub(super) created_at: OffsetDateTime,
    pub(super) status: Option<Status>,
}

// === impl Status ===

impl Status {
    /// Whether it is for everybody. With access of the account, more is told.
    pub(super) fn is_public(&self) -> bool {
        matches!(self.visibility.as_deref(), Some("public" | "unlisted"))
    }

    /// What it is called on all servers.
    pub(super) fn name(&self, host: &str) -> String {
        let uri = self.uri.as_ref().filter(|it| !it.is_empty());
        uri.cloned().unwrap_or_else(|| format!("{host}/{}", self.id))
    }
}
