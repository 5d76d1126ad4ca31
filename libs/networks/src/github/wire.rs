//! What GitHub answers, as far as it is read.

use serde::Deserialize;
use time::{OffsetDateTime, serde::rfc3339};

use crate::{Account, id::Id};

#[derive(Debug, Deserialize)]
pub(super) struct Problem {
    pub(super) message: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct User {
    pub(super) id: Id,
    pub(super) login: String,
    #[serde(rename = "type")]
    pub(super) sort: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Profile {
    #[serde(flatten)]
    pub(super) user: User,
    pub(super) followers: u64,
    pub(super) following: u64,
    #[serde(default)]
    pub(super) public_repos: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Repository {
    pub(super) id: Id,
    pub(super) name: String,
    pub(super) owner: User,
    pub(super) html_url: Option<String>,
    pub(super) homepage: Option<String>,
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) topics: Vec<String>,
    #[serde(default)]
    pub(super) fork: bool,
    #[serde(default)]
    pub(super) private: bool,
    #[serde(default)]
    pub(super) archived: bool,
    #[serde(default)]
    pub(super) has_issues: bool,
    #[serde(default)]
    pub(super) stargazers_count: u64,
    #[serde(default)]
    pub(super) forks_count: u64,
    #[serde(default)]
    pub(super) open_issues_count: u64,
    #[serde(default, with = "rfc3339::option")]
    pub(super) created_at: Option<OffsetDateTime>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Star {
    #[serde(with = "rfc3339")]
    pub(super) starred_at: OffsetDateTime,
    pub(super) user: Option<User>,
}

/// An issue or a pull request.
#[derive(Debug, Deserialize)]
pub(super) struct Issue {
    pub(super) id: Id,
    pub(super) number: u64,
    pub(super) user: Option<User>,
    #[serde(with = "rfc3339")]
    pub(super) created_at: OffsetDateTime,
    /// Whatever is in it: an issue has none.
    pub(super) pull_request: Option<serde::de::IgnoredAny>,
    pub(super) reactions: Option<Reactions>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Reactions {
    pub(super) total_count: u64,
}

/// What somebody wrote below an issue or a pull request, or beside its lines.
#[derive(Debug, Deserialize)]
pub(super) struct Comment {
    pub(super) id: Id,
    pub(super) user: Option<User>,
    #[serde(with = "rfc3339")]
    pub(super) created_at: OffsetDateTime,
    pub(super) issue_url: Option<String>,
    pub(super) pull_request_url: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Reaction {
    pub(super) user: Option<User>,
    pub(super) content: String,
    #[serde(with = "rfc3339")]
    pub(super) created_at: OffsetDateTime,
}

// === impl User ===

impl User {
    pub(super) fn account(self) -> Account {
        Account { native_id: self.id.to_string(), handle: Some(self.login) }
    }

    pub(super) fn is_bot(&self) -> bool {
        self.sort.as_deref() == Some("Bot")
    }
}
