//! What servers are asked.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use url::Url;

use super::handle::Handle;
use crate::{Ask, Recorded, Server, Task, Trouble, Visit, address::address, id::Id};

/// The most posts, and the most accounts, of a part of a list.
const POSTS: (&str, &str) = ("limit", "40");
const ACCOUNTS: (&str, &str) = ("limit", "80");

/// What is asked. `page` is the address of a further part of a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Of {
    /// Who the account is on its server now.
    Account,
    Followers {
        account: Id,
        page: Option<Url>,
    },
    Statuses {
        account: Id,
        page: Option<Url>,
    },
    Favourites {
        of: Status,
        page: Option<Url>,
    },
    Boosts {
        of: Status,
        page: Option<Url>,
    },
    Replies {
        of: Status,
    },
    Quotes {
        of: Status,
        page: Option<Url>,
    },
    Mentions {
        account: Id,
        page: Option<Url>,
    },
}

/// A post of the account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Status {
    /// What its server calls it.
    pub(super) id: Id,
    /// What all servers call it.
    pub(super) uri: String,
    /// In seconds since 1970. Whatever was done to it came after.
    pub(super) written: i64,
}

// === impl Of ===

impl Of {
    pub(super) fn ask(&self, visit: &Visit) -> Result<Ask, Trouble> {
        let public = |path: &[&str], query: &[(&str, &str)]| {
            let path = [&["api", "v1"], path].concat();
            // Some servers tell nothing to whom they do not know.
            Ask::get(Server::Either, address(&visit.public, &path, query))
        };
        let own = |path: &[&str], query: &[(&str, &str)]| {
            let path = [&["api", "v1"], path].concat();
            let server = visit.own.as_ref().unwrap_or(&visit.public);
            Ask::get(Server::Own, address(server, &path, query))
        };
        let (page, ask) = match self {
            Self::Account => {
                let handle = Handle::of(&visit.account.native_id).ok_or(Trouble::AccountGone)?;
                (&None, public(&["accounts", "lookup"], &[("acct", handle.user)]))
            }
            Self::Followers { account, page } => {
                (page, public(&["accounts", account.as_str(), "followers"], &[ACCOUNTS]))
            }
            Self::Statuses { account, page } => {
                let query = [("exclude_reblogs", "true"), POSTS];
                (page, public(&["accounts", account.as_str(), "statuses"], &query))
            }
            Self::Favourites { of, page } => {
                (page, public(&["statuses", of.id.as_str(), "favourited_by"], &[ACCOUNTS]))
            }
            Self::Boosts { of, page } => {
                (page, public(&["statuses", of.id.as_str(), "reblogged_by"], &[ACCOUNTS]))
            }
            Self::Replies { of } => (&None, public(&["statuses", of.id.as_str(), "context"], &[])),
            Self::Quotes { of, page } => {
                (page, own(&["statuses", of.id.as_str(), "quotes"], &[POSTS]))
            }
            Self::Mentions { page, .. } => {
                (page, own(&["notifications"], &[("types[]", "mention"), POSTS]))
            }
        };
        Ok(match page {
            Some(url) => Ask { url: url.clone(), ..ask },
            None => ask,
        })
    }
}

/// What asks for an address, or tells the same.
pub(super) fn recorded(url: &Url) -> Option<Recorded> {
    let path: Vec<&str> = url.path_segments()?.filter(|it| !it.is_empty()).collect();
    let page = Some(url.clone());
    let id = |text: &str| serde_json::from_value::<Id>(text.into()).ok();
    let of = |text: &str| {
        let written = OffsetDateTime::UNIX_EPOCH.unix_timestamp();
        Some(Status { id: id(text)?, uri: url.join(text).ok()?.into(), written })
    };
    let of = match path.as_slice() {
        ["api", "v1", "accounts", "search" | "relationships" | "familiar_followers"] => {
            return None;
        }
        ["api", "v1", "accounts", _] => return Some(Recorded::Account),
        ["api", "v1", "accounts", account, "followers"] => {
            Of::Followers { account: id(account)?, page }
        }
        ["api", "v1", "accounts", account, "statuses"] => {
            Of::Statuses { account: id(account)?, page }
        }
        ["api", "v1", "statuses", status, "favourited_by"] => {
            Of::Favourites { of: of(status)?, page }
        }
        ["api", "v1", "statuses", status, "reblogged_by"] => Of::Boosts { of: of(status)?, page },
        ["api", "v1", "statuses", status, "context"] => Of::Replies { of: of(status)? },
        ["api", "v1", "statuses", status, "quotes"] => Of::Quotes { of: of(status)?, page },
        ["api", "v1", "notifications"] => Of::Mentions { account: id("0")?, page },
        _ => return None,
    };
    Some(Recorded::Task(Task::of(&of)))
}
