//! What the AppView answers, as far as signals are made of it.

use klout_proto::signal::v1::{Account, Signal};
use serde::Deserialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;

use super::{
    ask::{Asked, since_when},
    record::{self, moment},
    signals::{self, Place},
    unreadable,
};
use crate::{Step, Task, Then, Trouble, Visit};

/// A thread that shows fewer answers than it has, and not even so many, leaves none out but those that are not shown to
/// anybody.
const REPLIES_WHOLE_MAX: usize = 100;

/// Somebody, as they are named.
#[derive(Debug, Deserialize)]
pub(super) struct Author {
    pub(super) did: String,
    #[serde(default)]
    pub(super) handle: String,
}

/// `app.bsky.actor.getProfile`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Profile {
    #[serde(flatten)]
    pub(super) author: Author,
    followers_count: Option<u64>,
    follows_count: Option<u64>,
    posts_count: Option<u64>,
}

/// A post, and how many did what with it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct View {
    uri: String,
    author: Author,
    /// As its author wrote it; nobody has looked whether it can be read.
    record: Box<RawValue>,
    indexed_at: String,
    #[serde(default)]
    like_count: u64,
    #[serde(default)]
    repost_count: u64,
    #[serde(default)]
    quote_count: u64,
    #[serde(default)]
    reply_count: u64,
}

/// `app.bsky.feed.getAuthorFeed`.
#[derive(Debug, Deserialize)]
pub(super) struct Feed {
    feed: Vec<FeedItem>,
    pub(super) cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
struct FeedItem {
    post: View,
    /// Why it is there although it is not the account's own: the account reposted it.
    reason: Option<Reason>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reason {
    indexed_at: Option<String>,
}

/// `app.bsky.graph.getFollowers`.
#[derive(Debug, Deserialize)]
pub(super) struct Followers {
    followers: Vec<Author>,
    pub(super) cursor: Option<String>,
}

/// `app.bsky.feed.getLikes`.
#[derive(Debug, Deserialize)]
pub(super) struct Likes {
    likes: Vec<Like>,
    pub(super) cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Like {
    actor: Author,
    created_at: String,
    indexed_at: String,
}

/// `app.bsky.feed.getRepostedBy`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RepostedBy {
    reposted_by: Vec<Author>,
    pub(super) cursor: Option<String>,
}

/// `app.bsky.feed.getQuotes`.
#[derive(Debug, Deserialize)]
pub(super) struct Quotes {
    posts: Vec<View>,
    pub(super) cursor: Option<String>,
}

/// `app.bsky.feed.getPostThread`.
#[derive(Debug, Deserialize)]
pub(super) struct Thread {
    thread: Branch,
}

/// A post with its answers, or word that it is not shown.
#[derive(Debug, Deserialize)]
struct Branch {
    post: Option<View>,
    #[serde(default)]
    replies: Vec<Leaf>,
}

/// An answer, or word that it is not shown.
#[derive(Debug, Deserialize)]
struct Leaf {
    post: Option<View>,
}

/// `app.bsky.notification.listNotifications`.
#[derive(Debug, Deserialize)]
pub(super) struct Notifications {
    notifications: Vec<Notification>,
    pub(super) cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notification {
    uri: String,
    author: Author,
    reason: String,
    record: Box<RawValue>,
    indexed_at: String,
}

// === impl Author ===

impl Author {
    fn account(&self) -> Option<Account> {
        signals::account(&self.did, Some(&self.handle))
    }
}

// === impl Profile ===

impl Profile {
    pub(super) fn read(&self, visit: &Visit) -> Result<Step, Trouble> {
        let account = self.author.account();
        let account = account.filter(|it| it.native_id == visit.account.native_id);
        let account = account.ok_or_else(|| unreadable("the profile", "it is somebody else's"))?;
        let counted = [
            ("follower_count", self.followers_count),
            ("following_count", self.follows_count),
            ("posts", self.posts_count),
        ];
        let counters = counted.into_iter().filter_map(|(name, value)| {
            Some(signals::counter(account.clone(), name, value?, visit.now))
        });
        let followers = Task::of(&Asked::Followers { cursor: None });
        Ok(Step {
            signals: counters.collect(),
            then: vec![Then::counted(
                followers,
                "followers",
                self.followers_count.unwrap_or_default(),
            )],
            account: Some(crate::Account { native_id: account.native_id, handle: account.handle }),
            ..Step::default()
        })
    }
}

// === impl View ===

impl View {
    fn record(&self) -> Option<record::Post<'_>> {
        serde_json::from_str(self.record.get()).ok()
    }

    /// When it was posted, as its author says, but not after it was there.
    fn time(&self, record: &record::Post<'_>) -> Option<OffsetDateTime> {
        Some(moment(&record.created_at)?.min(moment(&self.indexed_at)?))
    }

    /// What is asked about it.
    fn then(&self, time: OffsetDateTime) -> [Then; 4] {
        let (post, cursor) = (self.uri.clone(), None);
        let likes = Asked::Likes { post: post.clone(), cursor: cursor.clone() };
        let posted = time.unix_timestamp();
        let reposts = Asked::Reposts { post: post.clone(), posted, cursor: cursor.clone() };
        let quotes = Asked::Quotes { post: post.clone(), cursor };
        let replies = Asked::Replies { post };
        let counted = |asked: &Asked, name: &str, count| {
            Then::counted(Task::of(asked), format!("{name}/{}", self.uri), count)
        };
        [
            counted(&likes, "likes", self.like_count),
            counted(&reposts, "reposts", self.repost_count),
            counted(&quotes, "quotes", self.quote_count),
            counted(&replies, "replies", self.reply_count),
        ]
    }
}

// === impl Feed ===

impl Feed {
    /// Posts of the window, and what is asked about them.
    pub(super) fn read(&self, visit: &Visit) -> (Vec<Signal>, Vec<Then>) {
        let (mut signals, mut then) = (Vec::new(), Vec::new());
        for FeedItem { post, .. } in self.feed.iter().filter(|it| it.reason.is_none()) {
            let Some(record) = post.record() else { continue };
            let Some(time) = post.time(&record).filter(|time| *time >= visit.since) else {
                continue;
            };
            let own = post.author.did == visit.account.native_id;
            let place = Place::of_post(&post.uri).filter(|it| own && it.did == post.author.did);
            let Some(author) = post.author.account().filter(|_| place.is_some()) else { continue };
            signals.push(signals::post(&post.uri, author, time, &record));
            then.extend(post.then(time));
        }
        (signals, then)
    }

    /// Whether what follows is before the window: the newest stands first.
    pub(super) fn ended(&self, visit: &Visit) -> bool {
        let Some(FeedItem { post, reason }) = self.feed.last() else { return false };
        let time = match reason {
            Some(reason) => reason.indexed_at.as_deref().and_then(moment),
            None => post.record().and_then(|record| post.time(&record)),
        };
        time.is_some_and(|time| time < visit.since)
    }
}

// === impl Followers ===

impl Followers {
    pub(super) fn read(&self, visit: &Visit) -> Vec<Signal> {
        let time = since_when(visit, None);
        let follow = |it: &Author| {
            let subject = signals::account(&visit.account.native_id, None)?;
            Some(signals::follow(subject, it.account()?, time))
        };
        self.followers.iter().filter_map(follow).collect()
    }
}

// === impl Likes ===

impl Likes {
    pub(super) fn read(&self, post: &str) -> Vec<Signal> {
        let like = |it: &Like| {
            let (created, known) = (moment(&it.created_at)?, moment(&it.indexed_at)?);
            signals::like(post, it.actor.account()?, created, known)
        };
        self.likes.iter().filter_map(like).collect()
    }
}

// === impl RepostedBy ===

impl RepostedBy {
    pub(super) fn read(&self, post: &str, time: OffsetDateTime) -> Vec<Signal> {
        let repost = |it: &Author| signals::repost(post, it.account()?, time);
        self.reposted_by.iter().filter_map(repost).collect()
    }
}

// === impl Quotes ===

impl Quotes {
    pub(super) fn read(&self, post: &str) -> Vec<Signal> {
        let quote = |it: &View| {
            let time = it.time(&it.record()?)?;
            Place::of_post(&it.uri)?;
            signals::quote(post, &it.uri, it.author.account()?, time)
        };
        self.posts.iter().filter_map(quote).collect()
    }
}

// === impl Thread ===

impl Thread {
    /// Who answered a post itself, and whether these are all.
    pub(super) fn read(&self, post: &str) -> (Vec<Signal>, bool) {
        let reply = |it: &Leaf| {
            let view = it.post.as_ref()?;
            let record = view.record()?;
            Place::of_post(&view.uri)?;
            let time = view.time(&record)?;
            signals::reply(post, &view.uri, view.author.account()?, time)
        };
        let Branch { post: root, replies } = &self.thread;
        let count = root.as_ref().map_or(0, |it| it.reply_count);
        let whole = replies.len() < REPLIES_WHOLE_MAX || count <= replies.len() as u64;
        (replies.iter().filter_map(reply).collect(), whole)
    }
}

// === impl Notifications ===

impl Notifications {
    pub(super) fn read(&self, visit: &Visit) -> Vec<Signal> {
        let mention = |it: &Notification| {
            let record: record::Post<'_> = serde_json::from_str(it.record.get()).ok()?;
            Place::of_post(&it.uri)?;
            let time = moment(&record.created_at)?.min(moment(&it.indexed_at)?);
            let subject = signals::account(&visit.account.native_id, None)?;
            Some(signals::mention(subject, &it.uri, it.author.account()?, time))
                .filter(|_| time >= visit.since)
        };
        let mentions = self.notifications.iter().filter(|it| it.reason == "mention");
        mentions.filter_map(mention).collect()
    }

    /// Whether what follows is before the window: the newest stands first.
    pub(super) fn ended(&self, visit: &Visit) -> bool {
        let last = self.notifications.last().and_then(|it| moment(&it.indexed_at));
        last.is_some_and(|time| time < visit.since)
    }
}
