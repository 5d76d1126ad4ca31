//! What is asked about an account, and in which order.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use url::Url;

use super::{pages, unreadable, xrpc};
use crate::{Answer, Ask, Listing, Server, Step, Task, Trouble, Visit};

/// As many as the AppView answers at once.
const LIMIT: &str = "100";

/// In bytes, of what a server says to ask for more with. None of today has more than 200.
const CURSOR_LENGTH_MAX: usize = 1_024;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Asked {
    Profile,
    Posts {
        cursor: Option<String>,
    },
    Followers {
        cursor: Option<String>,
    },
    Mentions {
        cursor: Option<String>,
    },
    Likes {
        post: String,
        cursor: Option<String>,
    },
    Reposts {
        post: String,
        /// When it was posted, in seconds since 1970: nobody reposted it before.
        posted: i64,
        cursor: Option<String>,
    },
    Quotes {
        post: String,
        cursor: Option<String>,
    },
    Replies {
        post: String,
    },
}

// === impl Asked ===

impl Asked {
    pub(super) fn server(&self) -> Server {
        match self {
            Self::Mentions { .. } => Server::Own,
            Self::Profile
            | Self::Posts { .. }
            | Self::Followers { .. }
            | Self::Likes { .. }
            | Self::Reposts { .. }
            | Self::Quotes { .. }
            | Self::Replies { .. } => Server::Public,
        }
    }

    pub(super) fn to_ask(&self, visit: &Visit) -> Result<Ask, Trouble> {
        let did = visit.account.native_id.as_str();
        let (method, mut arguments) = match self {
            Self::Profile => ("app.bsky.actor.getProfile", vec![("actor", did)]),
            Self::Posts { .. } => (
                "app.bsky.feed.getAuthorFeed",
                vec![("actor", did), ("filter", "posts_with_replies"), ("limit", LIMIT)],
            ),
            Self::Followers { .. } => {
                ("app.bsky.graph.getFollowers", vec![("actor", did), ("limit", LIMIT)])
            }
            Self::Mentions { .. } => (
                "app.bsky.notification.listNotifications",
                vec![("reasons", "mention"), ("limit", LIMIT)],
            ),
            Self::Likes { post, .. } => {
                ("app.bsky.feed.getLikes", vec![("uri", post.as_str()), ("limit", LIMIT)])
            }
            Self::Reposts { post, .. } => {
                ("app.bsky.feed.getRepostedBy", vec![("uri", post.as_str()), ("limit", LIMIT)])
            }
            Self::Quotes { post, .. } => {
                ("app.bsky.feed.getQuotes", vec![("uri", post.as_str()), ("limit", LIMIT)])
            }
            Self::Replies { post } => (
                "app.bsky.feed.getPostThread",
                vec![("uri", post.as_str()), ("depth", "1"), ("parentHeight", "0")],
            ),
        };
        arguments.extend(self.cursor().map(|cursor| ("cursor", cursor)));
        let server = self.server();
        let base = match server {
            Server::Own => visit.own.as_ref().ok_or_else(|| Trouble::AccessRefused {
                message: "the account gave no access of its own".to_owned(),
            })?,
            Server::Public | Server::Either => &visit.public,
        };
        Ok(xrpc(server, base, method, &arguments))
    }

    pub(super) fn read(self, visit: &Visit, answer: &Answer<'_>) -> Result<Step, Trouble> {
        match &self {
            Self::Profile => answer.json::<pages::Profile>("the profile")?.read(visit),
            Self::Posts { .. } => {
                let page: pages::Feed = answer.json("the posts")?;
                let ended = page.ended(visit);
                let (signals, then) = page.read(visit);
                self.part(page.cursor.filter(|_| !ended), Step { signals, then, ..Step::default() })
            }
            Self::Followers { .. } => {
                let page: pages::Followers = answer.json("the followers")?;
                let signals = page.read(visit);
                self.part(page.cursor, Step { signals, ..Step::default() })
            }
            Self::Mentions { .. } => {
                let page: pages::Notifications = answer.json("the mentions")?;
                let ended = page.ended(visit);
                let signals = page.read(visit);
                self.part(page.cursor.filter(|_| !ended), Step { signals, ..Step::default() })
            }
            Self::Likes { post, .. } => {
                let page: pages::Likes = answer.json("the likes")?;
                let signals = page.read(post);
                self.part(page.cursor, Step { signals, ..Step::default() })
            }
            Self::Reposts { post, posted, .. } => {
                let page: pages::RepostedBy = answer.json("the reposts")?;
                let posted = OffsetDateTime::from_unix_timestamp(*posted).ok();
                let signals = page.read(post, since_when(visit, posted));
                self.part(page.cursor, Step { signals, ..Step::default() })
            }
            Self::Quotes { post, .. } => {
                let page: pages::Quotes = answer.json("the quotes")?;
                let signals = page.read(post);
                self.part(page.cursor, Step { signals, ..Step::default() })
            }
            Self::Replies { post } => {
                let page: pages::Thread = answer.json("the answers")?;
                let (signals, whole) = page.read(post);
                let mut step = self.part(None, Step { signals, ..Step::default() })?;
                step.listing = step.listing.filter(|_| whole);
                Ok(step)
            }
        }
    }

    /// What is asked by a method with these arguments.
    pub(super) fn recorded(method: &str, url: &Url) -> Option<Self> {
        let get = |name: &str| {
            url.query_pairs().find(|(it, _)| it == name).map(|(_, it)| it.into_owned())
        };
        let (post, cursor) = (get("uri"), get("cursor"));
        Some(match method {
            "app.bsky.feed.getAuthorFeed" => Self::Posts { cursor },
            "app.bsky.graph.getFollowers" => Self::Followers { cursor },
            "app.bsky.notification.listNotifications" => Self::Mentions { cursor },
            "app.bsky.feed.getLikes" => Self::Likes { post: post?, cursor },
            "app.bsky.feed.getRepostedBy" => Self::Reposts { post: post?, posted: 0, cursor },
            "app.bsky.feed.getQuotes" => Self::Quotes { post: post?, cursor },
            "app.bsky.feed.getPostThread" => Self::Replies { post: post? },
            _ => return None,
        })
    }

    /// What it yields when what it is about is gone: the list is empty, and that is all of it.
    pub(super) fn gone(&self) -> Step {
        Step { listing: self.listing(true), ..Step::default() }
    }

    /// A part of a list, and where the next one is.
    fn part(self, cursor: Option<String>, step: Step) -> Result<Step, Trouble> {
        // Some servers say that there is no more with nothing where the cursor is.
        let cursor = cursor.filter(|it| !it.is_empty());
        if cursor.as_ref().is_some_and(|it| it.len() > CURSOR_LENGTH_MAX) {
            return Err(unreadable("the cursor", "it is longer than any"));
        }
        let listing = self.listing(cursor.is_none());
        let next = cursor.map(|cursor| Task::of(&self.at(cursor)));
        Ok(Step { listing, next, ..step })
    }

    fn listing(&self, last: bool) -> Option<Listing> {
        let (name, under) = match self {
            Self::Profile => return None,
            Self::Posts { .. } => ("posts".to_owned(), None),
            Self::Followers { .. } => ("followers".to_owned(), None),
            Self::Mentions { .. } => ("mentions".to_owned(), None),
            Self::Likes { post, .. } => (format!("likes/{post}"), Some(post)),
            Self::Reposts { post, .. } => (format!("reposts/{post}"), Some(post)),
            Self::Quotes { post, .. } => (format!("quotes/{post}"), Some(post)),
            Self::Replies { post } => (format!("replies/{post}"), Some(post)),
        };
        Some(Listing { name, under: under.cloned(), last })
    }

    fn cursor(&self) -> Option<&str> {
        match self {
            Self::Profile | Self::Replies { .. } => None,
            Self::Posts { cursor }
            | Self::Followers { cursor }
            | Self::Mentions { cursor }
            | Self::Likes { cursor, .. }
            | Self::Reposts { cursor, .. }
            | Self::Quotes { cursor, .. } => cursor.as_deref(),
        }
    }

    /// The same from a cursor on.
    fn at(mut self, from: String) -> Self {
        match &mut self {
            Self::Profile | Self::Replies { .. } => {}
            Self::Posts { cursor }
            | Self::Followers { cursor }
            | Self::Mentions { cursor }
            | Self::Likes { cursor, .. }
            | Self::Reposts { cursor, .. }
            | Self::Quotes { cursor, .. } => *cursor = Some(from),
        }
        self
    }
}

/// When something happened that has no time of its own: after what it is about, after all was seen the last time, since
/// it was not there then, and in the window, or it would not count.
pub(super) fn since_when(visit: &Visit, about: Option<OffsetDateTime>) -> OffsetDateTime {
    let latest = [Some(visit.since), visit.synced, about].into_iter().flatten().max();
    latest.unwrap_or(visit.since).min(visit.now)
}
