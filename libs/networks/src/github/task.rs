//! What GitHub is asked.

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use url::Url;

use super::{ask, login};
use crate::{Ask, Mode, Recorded, Task, Trouble, Visit, address::address, id::Id};

/// What is answered, unless it is asked for otherwise.
pub(super) const JSON: &str = "application/vnd.github+json";

/// Stars with their times.
const STARS: &str = "application/vnd.github.star+json";

/// The most that a part of a list has.
const PAGE: (&str, &str) = ("per_page", "100");

/// What is asked. `page` is the address of a further part of a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Of {
    Profile,
    Followers {
        login: String,
        page: Option<Url>,
    },
    Repositories {
        login: String,
        page: Option<Url>,
    },
    /// The first part has the oldest; from the last one it goes back.
    Stargazers {
        of: Repository,
        page: Option<Url>,
    },
    Forks {
        of: Repository,
        page: Option<Url>,
    },
    /// Issues and pull requests.
    Issues {
        of: Repository,
        page: Option<Url>,
    },
    Comments {
        of: Repository,
        page: Option<Url>,
    },
    /// What is written beside the lines of pull requests.
    Reviews {
        of: Repository,
        page: Option<Url>,
    },
    Reactions {
        of: Repository,
        issue: u64,
        page: Option<Url>,
    },
}

/// A repository of the account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Repository {
    pub(super) id: Id,
    pub(super) owner: String,
    pub(super) name: String,
}

// === impl Of ===

impl Of {
    pub(super) fn ask(&self, visit: &Visit) -> Result<Ask, Trouble> {
        let server = &visit.public;
        let (page, url) = match self {
            Self::Profile => (&None, address(server, &["user", &visit.account.native_id], &[])),
            Self::Followers { login, page } => {
                (page, address(server, &["users", login, "followers"], &[PAGE]))
            }
            Self::Repositories { login, page } => {
                let path = ["users", login, "repos"];
                (page, address(server, &path, &[("type", "owner"), ("sort", "pushed"), PAGE]))
            }
            Self::Stargazers { of, page } => (page, of.address(server, &["stargazers"], &[PAGE])),
            Self::Forks { of, page } => {
                (page, of.address(server, &["forks"], &[("sort", "newest"), PAGE]))
            }
            Self::Issues { of, page } => {
                let query = [("state", "all")];
                (page, of.changed(visit, &["issues"], &query))
            }
            Self::Comments { of, page } => (page, of.changed(visit, &["issues", "comments"], &[])),
            Self::Reviews { of, page } => (page, of.changed(visit, &["pulls", "comments"], &[])),
            Self::Reactions { of, issue, page } => {
                (page, of.address(server, &["issues", &issue.to_string(), "reactions"], &[PAGE]))
            }
        };
        let accept = if matches!(self, Self::Stargazers { .. }) { STARS } else { JSON };
        let conditional =
            matches!(self, Self::Stargazers { .. } | Self::Forks { .. } | Self::Reactions { .. });
        Ok(Ask { conditional, ..ask(page.clone().unwrap_or(url), accept) })
    }
}

// === impl Repository ===

impl Repository {
    /// What the repository itself is called, as a post.
    pub(super) fn post(&self) -> String {
        format!("repository/{}", self.id)
    }

    /// What an issue or a pull request of it is called, as a post.
    pub(super) fn issue(&self, number: u64) -> String {
        format!("repository/{}/issue/{number}", self.id)
    }

    fn address(&self, server: &Url, path: &[&str], query: &[(&str, &str)]) -> Url {
        let path = [&["repos", self.owner.as_str(), self.name.as_str()], path].concat();
        address(server, &path, query)
    }

    /// A list of what has changed since the last visit, or in all of the window; what changes while it is read comes to
    /// its end.
    fn changed(&self, visit: &Visit, path: &[&str], query: &[(&str, &str)]) -> Url {
        let since = since(visit).format(&Rfc3339).unwrap_or_default();
        let order = [("sort", "updated"), ("direction", "asc"), ("since", since.as_str()), PAGE];
        self.address(&visit.public, path, &[query, &order].concat())
    }
}

/// From when on changes are asked for.
fn since(visit: &Visit) -> OffsetDateTime {
    let since = match visit.mode {
        Mode::Backfill => visit.since,
        Mode::Incremental => visit.synced.map_or(visit.since, |synced| synced.max(visit.since)),
    };
    // GitHub knows seconds.
    since.replace_nanosecond(0).unwrap_or(since)
}

/// What asks for an address. A repository that is known by its name alone has that for its id.
pub(super) fn recorded(url: &Url) -> Option<Recorded> {
    let path: Vec<&str> = url.path_segments()?.filter(|it| !it.is_empty()).collect();
    let page = Some(url.clone());
    let of = |owner: &str, name: &str| {
        let id = serde_json::from_value(format!("{owner}.{name}").into()).ok()?;
        Some(Repository { id, owner: owner.to_owned(), name: name.to_owned() })
    };
    let of = match path.as_slice() {
        ["users", name] => return login(name).map(|_| Recorded::Account),
        ["user", id] if id.bytes().all(|it| it.is_ascii_digit()) => Of::Profile,
        ["users" | "user", login, "followers"] => {
            Of::Followers { login: (*login).to_owned(), page }
        }
        ["users" | "user", login, "repos"] => Of::Repositories { login: (*login).to_owned(), page },
        ["repos", owner, name, "stargazers"] => Of::Stargazers { of: of(owner, name)?, page },
        ["repos", owner, name, "forks"] => Of::Forks { of: of(owner, name)?, page },
        ["repos", owner, name, "issues"] => Of::Issues { of: of(owner, name)?, page },
        ["repos", owner, name, "issues", "comments"] => Of::Comments { of: of(owner, name)?, page },
        ["repos", owner, name, "pulls", "comments"] => Of::Reviews { of: of(owner, name)?, page },
        ["repos", owner, name, "issues", issue, "reactions"] => {
            Of::Reactions { of: of(owner, name)?, issue: issue.parse().ok()?, page }
        }
        _ => return None,
    };
    Some(Recorded::Task(Task::of(&of)))
}
