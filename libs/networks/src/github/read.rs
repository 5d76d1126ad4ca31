//! What GitHub's answers say.

use klout_proto::signal::v1::{Post, Signal};
use time::OffsetDateTime;
use url::Url;

use super::{
    NETWORK,
    task::{Of, Repository},
    wire::{self, User},
};
use crate::{
    Answer, Listing, Mode, Step, Task, Then, Trouble, Visit,
    about::{About, Deed},
    link::Links,
    text::clip,
};

/// GitHub tells the first 400 pages of a list of stars, which begins with the oldest: of a repository that has more,
/// the newest are told to nobody.
const STARS_MAX: u64 = 40_000;

/// Reactions that are not approval.
const DISAPPROVAL: [&str; 2] = ["-1", "confused"];

/// In bytes, of what a repository says of itself.
const TEXT_LENGTH_MAX: usize = 4 * 1024;

/// Topics of a repository.
const TAGS_MAX: usize = 32;

pub(super) fn read(
    visit: &Visit,
    of: Of,
    answer: &Answer<'_>,
    asked: &Url,
) -> Result<Step, Trouble> {
    let reading = Reading { visit, about: About { network: NETWORK, visit }, answer, asked };
    match of {
        Of::Profile => reading.profile(),
        Of::Followers { login, .. } => reading.followers(login),
        Of::Repositories { login, .. } => reading.repositories(login),
        Of::Stargazers { of, page } => reading.stargazers(of, page.is_none()),
        Of::Forks { of, .. } => reading.forks(of),
        Of::Issues { of, page } => reading.issues(of, page.is_none()),
        Of::Comments { of, .. } => reading.comments(of),
        Of::Reviews { of, .. } => reading.reviews(of),
        Of::Reactions { of, issue, .. } => reading.reactions(of, issue),
    }
}

/// What it means that what was asked about is not there.
pub(super) fn gone(of: &Of) -> Result<Step, Trouble> {
    let (name, of) = match of {
        // The account is called otherwise now, or is gone: the profile tells.
        Of::Profile | Of::Followers { .. } | Of::Repositories { .. } => {
            return Err(Trouble::ItemGone);
        }
        Of::Stargazers { of, .. } => (format!("stars/{}", of.id), of.post()),
        Of::Forks { of, .. } => (format!("forks/{}", of.id), of.post()),
        Of::Issues { of, .. } => (format!("issues/{}", of.id), of.post()),
        Of::Comments { of, .. } => (format!("comments/{}", of.id), of.post()),
        Of::Reviews { of, .. } => (format!("reviews/{}", of.id), of.post()),
        Of::Reactions { of, issue, .. } => {
            (format!("reactions/{}/{issue}", of.id), of.issue(*issue))
        }
    };
    let listing = Some(Listing { name, under: Some(of), last: true });
    Ok(Step { listing, ..Step::default() })
}

/// An answer, and all that it is about.
struct Reading<'a> {
    visit: &'a Visit,
    about: About<'a>,
    answer: &'a Answer<'a>,
    asked: &'a Url,
}

// === impl Reading ===

impl Reading<'_> {
    fn profile(&self) -> Result<Step, Trouble> {
        let profile: wire::Profile = self.answer.json("the profile")?;
        if profile.user.id.as_str() != self.visit.account.native_id {
            let problem = "it is somebody else's".to_owned();
            return Err(Trouble::Malformed { what: "the profile", problem });
        }
        let login = profile.user.login.clone();
        let followers = Of::Followers { login: login.clone(), page: None };
        let repositories = Of::Repositories { login, page: None };
        Ok(Step {
            signals: vec![
                self.about.counter("follower_count", profile.followers, None),
                self.about.counter("following_count", profile.following, None),
                self.about.counter("posts", profile.public_repos, None),
            ],
            then: vec![
                Then::unless(Task::of(&followers), "followers", profile.followers.to_string()),
                Then::always(Task::of(&repositories)),
            ],
            account: Some(profile.user.account()),
            ..Step::default()
        })
    }

    fn followers(&self, login: String) -> Result<Step, Trouble> {
        let users: Vec<User> = self.answer.json("a page of followers")?;
        let next = self.links()?.next.map(|page| Of::Followers { login, page: Some(page) });
        let time = self.about.untimed();
        let deed = |user: User| {
            let id = format!("follow/{}", user.id);
            self.deed(id, "follow", Some(user), time, None)
        };
        let signals = users.into_iter().filter_map(deed).collect();
        Ok(self.list("followers".to_owned(), None, signals, next))
    }

    fn repositories(&self, login: String) -> Result<Step, Trouble> {
        let repositories: Vec<wire::Repository> = self.answer.json("a page of repositories")?;
        let next = self.links()?.next.map(|page| Of::Repositories { login, page: Some(page) });
        let (mut signals, mut then) = (Vec::new(), Vec::new());
        for repository in repositories {
            let own = repository.owner.id.as_str() == self.visit.account.native_id;
            if own && !repository.fork && !repository.private {
                self.repository(repository, &mut signals, &mut then);
            }
        }
        // They are no list: one that is older than the window is there all the same.
        Ok(Step { signals, next: next.map(|next| Task::of(&next)), then, ..Step::default() })
    }

    fn repository(&self, it: wire::Repository, signals: &mut Vec<Signal>, then: &mut Vec<Then>) {
        let of = Repository { id: it.id, owner: it.owner.login, name: it.name };
        let (id, post) = (of.id.to_string(), of.post());
        let unless = |task: Of, item: &str, value: u64| {
            Then::unless(Task::of(&task), format!("{item}/{id}"), value.to_string())
        };
        if it.stargazers_count > STARS_MAX {
            signals.push(self.about.counter(
                "likes_received",
                it.stargazers_count,
                Some(post.clone()),
            ));
        } else {
            let task = Of::Stargazers { of: of.clone(), page: None };
            then.push(unless(task, "stars", it.stargazers_count));
        }
        then.push(unless(Of::Forks { of: of.clone(), page: None }, "forks", it.forks_count));
        // Who writes in a repository that nobody ever noticed is nearly always its owner.
        let noticed = it.stargazers_count > 0 || it.forks_count > 0 || it.open_issues_count > 0;
        if it.has_issues && !it.archived && noticed {
            then.push(Then::always(Task::of(&Of::Issues { of, page: None })));
        }
        if let Some(created) = it.created_at.filter(|it| *it >= self.visit.since) {
            let links = [it.html_url, it.homepage].into_iter().flatten();
            let content = Post {
                account: None,
                post,
                text: it.description.map(|text| clip(text, TEXT_LENGTH_MAX)),
                links: links.filter(|it| !it.is_empty()).collect(),
                tags: it.topics.into_iter().take(TAGS_MAX).collect(),
            };
            signals.push(self.about.post(created, content));
        }
    }

    fn stargazers(&self, of: Repository, first: bool) -> Result<Step, Trouble> {
        let stars: Vec<wire::Star> = self.answer.json("a page of stars")?;
        let links = self.links()?;
        let name = format!("stars/{}", of.id);
        let post = of.post();
        if first && let Some(last) = links.last {
            // The newest are there; what is here is come to last, if at all.
            let next = Of::Stargazers { of, page: Some(last) };
            return Ok(self.list(name, Some(post), Vec::new(), Some(next)));
        }
        let since = self.visit.since;
        let ended = stars.iter().any(|it| it.starred_at < since);
        let back = links.previous.filter(|_| !ended && !first);
        let next = back.map(|page| Of::Stargazers { of: of.clone(), page: Some(page) });
        let deed = |star: wire::Star| {
            let user = star.user?;
            let id = format!("star/{}/{}", of.id, user.id);
            self.deed(id, "like", Some(user), star.starred_at, Some(post.clone()))
        };
        let recent = stars.into_iter().filter(|it| it.starred_at >= since);
        let signals = recent.filter_map(deed).collect();
        Ok(self.list(name, Some(of.post()), signals, next))
    }

    fn forks(&self, of: Repository) -> Result<Step, Trouble> {
        let forks: Vec<wire::Repository> = self.answer.json("a page of forks")?;
        let since = self.visit.since;
        let ended = forks.iter().any(|it| it.created_at.is_some_and(|it| it < since));
        let next = self.links()?.next.filter(|_| !ended);
        let next = next.map(|page| Of::Forks { of: of.clone(), page: Some(page) });
        let post = of.post();
        let deed = |fork: wire::Repository| {
            let time = fork.created_at.filter(|it| *it >= since)?;
            let id = format!("fork/{}", fork.id);
            self.deed(id, "reshare", Some(fork.owner), time, Some(post.clone()))
        };
        let signals = forks.into_iter().filter_map(deed).collect();
        Ok(self.list(format!("forks/{}", of.id), Some(of.post()), signals, next))
    }

    fn issues(&self, of: Repository, first: bool) -> Result<Step, Trouble> {
        let issues: Vec<wire::Issue> = self.answer.json("a page of issues")?;
        let next = self.links()?.next;
        let next = next.map(|page| Of::Issues { of: of.clone(), page: Some(page) });
        let mut then = Vec::new();
        if first && !issues.is_empty() {
            // Nobody comments without changing what they comment on.
            let comments = Of::Comments { of: of.clone(), page: None };
            let reviews = Of::Reviews { of: of.clone(), page: None };
            then.extend([comments, reviews].iter().map(|it| Then::always(Task::of(it))));
        }
        let mut signals = Vec::new();
        for issue in issues {
            if issue.user.as_ref().is_some_and(|it| self.is_own(it)) {
                then.extend(reactions_to(&of, &issue));
            } else if issue.created_at >= self.visit.since {
                // As hours of GH Archive are read: who proposes a change answers, who reports something calls.
                let kind = if issue.pull_request.is_some() { "reply" } else { "mention" };
                let (id, post) = (format!("issue/{}", issue.id), of.issue(issue.number));
                signals.extend(self.deed(id, kind, issue.user, issue.created_at, Some(post)));
            }
        }
        Ok(Step { then, ..self.changed(format!("issues/{}", of.id), &of, signals, next) })
    }

    fn comments(&self, of: Repository) -> Result<Step, Trouble> {
        let next = |page| Of::Comments { of: of.clone(), page };
        self.written(&of, "comment", next)
    }

    fn reviews(&self, of: Repository) -> Result<Step, Trouble> {
        let next = |page| Of::Reviews { of: of.clone(), page };
        self.written(&of, "review", next)
    }

    fn written(
        &self,
        of: &Repository,
        sort: &str,
        next: impl Fn(Option<Url>) -> Of,
    ) -> Result<Step, Trouble> {
        let comments: Vec<wire::Comment> = self.answer.json("a page of comments")?;
        let next = self.links()?.next.map(|page| next(Some(page)));
        let since = self.visit.since;
        let deed = |comment: wire::Comment| {
            let id = format!("{sort}/{}", comment.id);
            let below = comment.issue_url.or(comment.pull_request_url);
            let post = below.as_deref().and_then(number).map(|it| of.issue(it));
            self.deed(id, "comment", comment.user, comment.created_at, post)
        };
        let recent = comments.into_iter().filter(|it| it.created_at >= since);
        let signals = recent.filter_map(deed).collect();
        Ok(self.changed(format!("{sort}s/{}", of.id), of, signals, next))
    }

    fn reactions(&self, of: Repository, issue: u64) -> Result<Step, Trouble> {
        let reactions: Vec<wire::Reaction> = self.answer.json("a page of reactions")?;
        let next = self.links()?.next;
        let next = next.map(|page| Of::Reactions { of: of.clone(), issue, page: Some(page) });
        let (since, post) = (self.visit.since, of.issue(issue));
        let deed = |reaction: wire::Reaction| {
            let user = reaction.user?;
            // Who approves in three ways approves once.
            let id = format!("reaction/{}/{issue}/{}", of.id, user.id);
            self.deed(id, "like", Some(user), reaction.created_at, Some(post.clone()))
        };
        let approving = reactions
            .into_iter()
            .filter(|it| it.created_at >= since && !DISAPPROVAL.contains(&it.content.as_str()));
        let signals = approving.filter_map(deed).collect();
        Ok(self.list(format!("reactions/{}/{issue}", of.id), Some(of.issue(issue)), signals, next))
    }

    /// What somebody else did who is no program. Somebody who has left GitHub is nobody.
    fn deed(
        &self,
        id: String,
        kind: &'static str,
        actor: Option<User>,
        time: OffsetDateTime,
        post: Option<String>,
    ) -> Option<Signal> {
        if actor.as_ref().is_some_and(|it| it.is_bot() || self.is_own(it)) {
            return None;
        }
        let actor = actor.map(User::account);
        Some(self.about.deed(Deed { id, kind, actor, time, post }))
    }

    fn is_own(&self, user: &User) -> bool {
        user.id.as_str() == self.visit.account.native_id
    }

    fn links(&self) -> Result<Links, Trouble> {
        Links::of(self.answer, self.asked)
    }

    /// A part of a list that is told whole.
    fn list(
        &self,
        name: String,
        under: Option<String>,
        signals: Vec<Signal>,
        next: Option<Of>,
    ) -> Step {
        let listing = Some(Listing { name, under, last: next.is_none() });
        Step { signals, listing, next: next.map(|it| Task::of(&it)), ..Step::default() }
    }

    /// A part of a list of what has changed, which is whole if it is of all of the window.
    fn changed(
        &self,
        name: String,
        of: &Repository,
        signals: Vec<Signal>,
        next: Option<Of>,
    ) -> Step {
        let step = self.list(name, Some(of.post()), signals, next);
        match self.visit.mode {
            Mode::Backfill => step,
            Mode::Incremental => Step { listing: None, ..step },
        }
    }
}

/// What reactions to an issue are asked by, if there are any.
fn reactions_to(of: &Repository, issue: &wire::Issue) -> Option<Then> {
    let count = issue.reactions.as_ref()?.total_count;
    let task = Of::Reactions { of: of.clone(), issue: issue.number, page: None };
    let item = format!("reactions/{}/{}", of.id, issue.number);
    (count > 0).then(|| Then::unless(Task::of(&task), item, count.to_string()))
}

/// The number of an issue, at the end of its address.
fn number(address: &str) -> Option<u64> {
    address.rsplit('/').next()?.parse().ok()
}
