//! What servers' answers say.

use klout_proto::signal::v1::{Post, Signal};
use time::OffsetDateTime;
use url::Url;

use super::{
    NETWORK,
    handle::{Handle, full},
    task::{Of, Status},
    wire,
};
use crate::{
    Account, Answer, Listing, Mode, Step, Task, Then, Trouble, Visit,
    about::{About, Deed},
    html,
    id::Id,
    link::Links,
    text::clip,
};

/// Tags of a post.
const TAGS_MAX: usize = 32;

/// What is told of a conversation below a post, to whom the server does not know.
const DESCENDANTS_MAX: usize = 60;

/// In bytes, of the text of a post.
const TEXT_LENGTH_MAX: usize = 64 * 1024;

pub(super) fn read(
    visit: &Visit,
    of: Of,
    answer: &Answer<'_>,
    asked: &Url,
) -> Result<Step, Trouble> {
    let handle = Handle::of(&visit.account.native_id).ok_or(Trouble::AccountGone)?;
    let about = About { network: NETWORK, visit };
    let reading = Reading { visit, about, host: handle.host, answer, asked };
    match of {
        Of::Account => reading.account(handle.user),
        Of::Followers { account, .. } => reading.followers(account),
        Of::Statuses { account, .. } => reading.statuses(account),
        Of::Favourites { of, .. } => {
            let next = |page| Of::Favourites { of: of.clone(), page };
            reading.reactors(&of, "favourite", "like", next)
        }
        Of::Boosts { of, .. } => {
            let next = |page| Of::Boosts { of: of.clone(), page };
            reading.reactors(&of, "boost", "reshare", next)
        }
        Of::Replies { of } => reading.replies(&of),
        Of::Quotes { of, .. } => reading.quotes(of),
        Of::Mentions { account, .. } => reading.mentions(account),
    }
}

/// What it means that what was asked about is not there.
pub(super) fn gone(of: &Of) -> Result<Step, Trouble> {
    let (sort, of) = match of {
        // The account goes, or its server has no such page.
        Of::Account | Of::Followers { .. } | Of::Statuses { .. } | Of::Mentions { .. } => {
            return Err(Trouble::ItemGone);
        }
        Of::Favourites { of, .. } => ("favourites", of),
        Of::Boosts { of, .. } => ("boosts", of),
        Of::Replies { of } => ("replies", of),
        // Servers of before 4.5 do not tell.
        Of::Quotes { .. } => return Err(Trouble::ItemGone),
    };
    Ok(list(format!("{sort}/{}", of.uri), Some(of.uri.clone()), Vec::new(), None))
}

/// Whose account a server tells of, which was asked for one of its own.
pub(super) fn own_account(account: &wire::Account, host: &str) -> Result<Account, Trouble> {
    let name = full(&account.acct, host);
    let own = Handle::of(&name).is_some_and(|it| it.host.eq_ignore_ascii_case(host));
    if !own {
        // No server tells who is who on another one.
        let problem = "it is on another server".to_owned();
        return Err(Trouble::Malformed { what: "the account", problem });
    }
    Ok(Account { native_id: name.clone(), handle: Some(name) })
}

/// An answer, and all that it is about.
struct Reading<'a> {
    visit: &'a Visit,
    about: About<'a>,
    /// The server, as the account's own name has it.
    host: &'a str,
    answer: &'a Answer<'a>,
    asked: &'a Url,
}

// === impl Reading ===

impl Reading<'_> {
    fn account(&self, user: &str) -> Result<Step, Trouble> {
        let account: wire::Account = self.answer.json("the account")?;
        let named = own_account(&account, self.host)?;
        if !Handle::of(&named.native_id).is_some_and(|it| it.user.eq_ignore_ascii_case(user)) {
            let problem = "it is somebody else's".to_owned();
            return Err(Trouble::Malformed { what: "the account", problem });
        }
        let counts = [
            ("follower_count", account.followers_count),
            ("following_count", account.following_count),
            ("posts", account.statuses_count),
        ];
        let counter = |(name, count): (&str, Option<i64>)| {
            let count = u64::try_from(count?).ok()?;
            Some(self.about.counter(name, count, None))
        };
        let signals = counts.into_iter().filter_map(counter).collect();
        let id = account.id;
        let statuses = Of::Statuses { account: id.clone(), page: None };
        let mut then = vec![Then::always(Task::of(&statuses))];
        // Who hides them is told to have none.
        if account.hide_collections != Some(true) {
            let followers = Of::Followers { account: id.clone(), page: None };
            let count = account.followers_count.unwrap_or_default().to_string();
            then.push(Then::unless(Task::of(&followers), "followers", count));
        }
        if self.visit.own.is_some() {
            let mentions = Of::Mentions { account: id, page: None };
            then.push(Then::always(Task::of(&mentions)));
        }
        Ok(Step { signals, then, ..Step::default() })
    }

    fn followers(&self, account: Id) -> Result<Step, Trouble> {
        let followers: Vec<wire::Account> = self.answer.json("a page of followers")?;
        let next = self.links()?.next.map(|page| Of::Followers { account, page: Some(page) });
        let time = self.about.untimed();
        let deed = |it: &wire::Account| self.deed("follow", "follow", it, "", time, None);
        let signals = followers.iter().filter_map(deed).collect();
        Ok(list("followers".to_owned(), None, signals, next))
    }

    fn statuses(&self, account: Id) -> Result<Step, Trouble> {
        let statuses: Vec<wire::Status> = self.answer.json("a page of posts")?;
        let since = self.visit.since;
        let ended = statuses.iter().any(|it| it.created_at < since);
        let next = self.links()?.next.filter(|_| !ended);
        let next = next.map(|page| Of::Statuses { account: account.clone(), page: Some(page) });
        let (mut signals, mut then) = (Vec::new(), Vec::new());
        for status in statuses {
            let own = status.account.id == account && status.reblog.is_none();
            if own && status.is_public() && status.created_at >= since {
                then.extend(self.reactions(&status));
                signals.push(self.post(status));
            }
        }
        Ok(Step { then, ..list("statuses".to_owned(), None, signals, next) })
    }

    /// What is asked about a post.
    fn reactions(&self, status: &wire::Status) -> Vec<Then> {
        let of = Status {
            id: status.id.clone(),
            uri: status.name(self.host),
            written: status.created_at.unix_timestamp(),
        };
        // A post that is new and has no reactions never had any that could be taken back.
        let is_new = self.visit.synced.is_none_or(|synced| synced <= status.created_at);
        let mut then = Vec::new();
        let mut ask = |item: &str, count: Option<u64>, task: Of| {
            let count = count.unwrap_or_default();
            if count > 0 || !is_new {
                let item = format!("{item}/{}", of.uri);
                then.push(Then::unless(Task::of(&task), item, count.to_string()));
            }
        };
        let favourites = Of::Favourites { of: of.clone(), page: None };
        ask("favourites", status.favourites_count, favourites);
        ask("boosts", status.reblogs_count, Of::Boosts { of: of.clone(), page: None });
        ask("replies", status.replies_count, Of::Replies { of: of.clone() });
        if self.visit.own.is_some() && status.quotes_count.is_some() {
            ask("quotes", status.quotes_count, Of::Quotes { of: of.clone(), page: None });
        }
        then
    }

    fn post(&self, status: wire::Status) -> Signal {
        let post = status.name(self.host);
        let said = html::read(status.content.unwrap_or_default());
        let warning = status.spoiler_text.filter(|it| !it.is_empty());
        let text =
            [warning, Some(said.text)].into_iter().flatten().collect::<Vec<_>>().join("\n\n");
        let tags = status.tags.into_iter().map(|it| it.name).take(TAGS_MAX).collect();
        let text = Some(clip(text, TEXT_LENGTH_MAX));
        let content = Post { account: None, post, text, links: said.links, tags };
        self.about.post(status.created_at, content)
    }

    fn reactors(
        &self,
        of: &Status,
        sort: &str,
        kind: &'static str,
        next: impl Fn(Option<Url>) -> Of,
    ) -> Result<Step, Trouble> {
        let accounts: Vec<wire::Account> = self.answer.json("a page of accounts")?;
        let next = self.links()?.next.map(|page| next(Some(page)));
        let time = self.after(of);
        let deed =
            |it: &wire::Account| self.deed(sort, kind, it, &of.uri, time, Some(of.uri.clone()));
        let signals = accounts.iter().filter_map(deed).collect();
        Ok(list(format!("{sort}s/{}", of.uri), Some(of.uri.clone()), signals, next))
    }

    fn replies(&self, of: &Status) -> Result<Step, Trouble> {
        let context: wire::Context = self.answer.json("a conversation")?;
        let direct =
            context.descendants.iter().filter(|it| it.in_reply_to_id.as_ref() == Some(&of.id));
        let signals = self.written(direct, "reply", "reply", Some(&of.uri));
        let step = list(format!("replies/{}", of.uri), Some(of.uri.clone()), signals, None);
        // There may be more: who is not in it may have answered all the same.
        let last = context.descendants.len() < DESCENDANTS_MAX;
        Ok(Step { listing: step.listing.map(|it| Listing { last, ..it }), ..step })
    }

    fn quotes(&self, of: Status) -> Result<Step, Trouble> {
        let quotes: Vec<wire::Status> = self.answer.json("a page of quotes")?;
        let next = self.links()?.next;
        let next = next.map(|page| Of::Quotes { of: of.clone(), page: Some(page) });
        let signals = self.written(quotes.iter(), "quote", "reshare", Some(&of.uri));
        Ok(list(format!("quotes/{}", of.uri), Some(of.uri), signals, next))
    }

    fn mentions(&self, account: Id) -> Result<Step, Trouble> {
        let notifications: Vec<wire::Notification> = self.answer.json("a page of notifications")?;
        let whole = self.visit.mode == Mode::Backfill;
        let since = if whole { self.visit.since } else { self.about.untimed() };
        let ended = notifications.iter().any(|it| it.created_at < since);
        let next = self.links()?.next.filter(|_| !ended);
        let next = next.map(|page| Of::Mentions { account: account.clone(), page: Some(page) });
        let mentions = notifications.iter().filter(|it| it.sort == "mention");
        let statuses = mentions.filter_map(|it| it.status.as_ref());
        // Who answers is told of with what they answer.
        let others = statuses.filter(|it| it.in_reply_to_account_id.as_ref() != Some(&account));
        let signals = self.written(others, "mention", "mention", None);
        let step = list("mentions".to_owned(), None, signals, next);
        // What came lately is not all there is.
        Ok(Step { listing: step.listing.filter(|_| whole), ..step })
    }

    /// What others wrote for everybody, within the window.
    fn written<'a>(
        &self,
        statuses: impl Iterator<Item = &'a wire::Status>,
        sort: &str,
        kind: &'static str,
        post: Option<&str>,
    ) -> Vec<Signal> {
        let since = self.visit.since;
        let public = statuses.filter(|it| it.is_public() && it.created_at >= since);
        let deed = |it: &wire::Status| {
            let name = it.name(self.host);
            let post = post.map(str::to_owned);
            self.deed(sort, kind, &it.account, &name, it.created_at, post)
        };
        public.filter_map(deed).collect()
    }

    /// What somebody else did who is no program. Who asks not to be found is nobody by name.
    fn deed(
        &self,
        sort: &str,
        kind: &'static str,
        actor: &wire::Account,
        what: &str,
        time: OffsetDateTime,
        post: Option<String>,
    ) -> Option<Signal> {
        let name = full(&actor.acct, self.host);
        if actor.bot == Some(true) || name.eq_ignore_ascii_case(&self.visit.account.native_id) {
            return None;
        }
        let id = format!("{sort}/{name}/{what}");
        let named = actor.noindex != Some(true);
        let actor = named.then(|| Account { native_id: name.clone(), handle: Some(name) });
        Some(self.about.deed(Deed { id, kind, actor, time, post }))
    }

    /// When something was done to a post that is told without a time.
    fn after(&self, of: &Status) -> OffsetDateTime {
        let written = OffsetDateTime::from_unix_timestamp(of.written);
        written.map_or(self.about.untimed(), |written| written.max(self.about.untimed()))
    }

    fn links(&self) -> Result<Links, Trouble> {
        Links::of(self.answer, self.asked)
    }
}

/// A part of a list that is told whole.
fn list(name: String, under: Option<String>, signals: Vec<Signal>, next: Option<Of>) -> Step {
    let listing = Some(Listing { name, under, last: next.is_none() });
    Step { signals, listing, next: next.map(|it| Task::of(&it)), ..Step::default() }
}
