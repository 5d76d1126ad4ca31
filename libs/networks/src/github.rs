//! GitHub: who stars, forks and discusses what an account publishes, and who follows it.
//!
//! Accounts are known by their numbers, so that one that is renamed stays the same. Counts that are as they were save most
//! requests. Where everything is read again, who stars, forks and reacts is asked conditionally: an answer that is still
//! the same is not counted against the hourly limit of whoever shows access.

mod read;
mod task;
mod wire;

use url::Url;

use self::{task::Of, wire::User};
use crate::{
    Account, Answer, Ask, Capabilities, Description, Method, Network, Recorded, Server, State,
    Step, Task, Terms, Then, Trouble, Visit, Whose, address::address, wait,
};

/// As signals name it.
const NETWORK: &str = "github";

/// In bytes; GitHub itself takes 39, and a suffix where a company manages its accounts.
const LOGIN_LENGTH_MAX: usize = 64;

/// In characters, of what GitHub says is the matter.
const MESSAGE_LENGTH_MAX: usize = 200;

const DESCRIPTION: Description = Description {
    network: NETWORK,
    display_name: "GitHub",
    state: State::Live,
    capabilities: Capabilities {
        resolve: Whose::Any,
        audience: Whose::Any,
        posts: Whose::Any,
        reaction_counts: Whose::Any,
        reactors: Whose::Any,
        mentions: Whose::None,
        stream: Whose::None,
        archive: Whose::None,
    },
    methods: &[Method::OAuth, Method::Token, Method::Challenge, Method::Operator],
    terms: Terms {
        retention: None,
        feeds_perks: true,
        blends: true,
        forgets: false,
        summary: "What is public may be read by anybody who does not spam people with it or sell what it says of them.",
        url: "https://docs.github.com/en/site-policy/acceptable-use-policies/github-acceptable-use-policies",
    },
    gives: "Of the account: followers and how many there are, its own repositories and who starred or forked them, issues \
            and pull requests that others opened in them, comments of others, and who reacted to its own issues there. \
            Not: repositories of organisations, what is private, reactions to comments, discussions, what it did in \
            repositories of others, and what bots do.",
    source: "The REST API at api.github.com, version 2022-11-28.",
};

/// GitHub.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GitHub;

// === impl GitHub ===

impl Network for GitHub {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn resolve(&self, visit: &Visit) -> Result<Ask, Trouble> {
        let login = visit.account.handle.as_deref().and_then(login).ok_or(Trouble::AccountGone)?;
        Ok(ask(address(&visit.public, &["users", login], &[]), task::JSON))
    }

    fn resolved(&self, visit: &Visit, answer: &Answer<'_>) -> Result<Account, Trouble> {
        checked(visit, answer, Trouble::AccountGone)?;
        Ok(answer.json::<User>("the account")?.account())
    }

    fn begin(&self, _visit: &Visit) -> Vec<Then> {
        vec![Then::always(Task::of(&Of::Profile))]
    }

    fn ask(&self, visit: &Visit, task: &Task) -> Result<Ask, Trouble> {
        task.read::<Of>()?.ask(visit)
    }

    fn read(&self, visit: &Visit, task: &Task, answer: &Answer<'_>) -> Result<Step, Trouble> {
        let of: Of = task.read()?;
        let gone = match of {
            Of::Profile => Trouble::AccountGone,
            Of::Followers { .. }
            | Of::Repositories { .. }
            | Of::Stargazers { .. }
            | Of::Forks { .. }
            | Of::Issues { .. }
            | Of::Comments { .. }
            | Of::Reviews { .. }
            | Of::Reactions { .. } => Trouble::ItemGone,
        };
        match checked(visit, answer, gone) {
            Ok(()) => {}
            // What is not there has no stars: what it had is taken back.
            Err(Trouble::ItemGone) if is_gone(answer.status) => return read::gone(&of),
            Err(trouble) => return Err(trouble),
        }
        let asked = of.ask(visit)?.url;
        read::read(visit, of, answer, &asked)
    }

    fn recorded(&self, url: &Url) -> Option<Recorded> {
        task::recorded(url)
    }
}

/// The name of an account, if it can be one.
fn login(handle: &str) -> Option<&str> {
    let login = handle.strip_prefix('@').unwrap_or(handle);
    let valid = (1..=LOGIN_LENGTH_MAX).contains(&login.len())
        && login.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_'));
    valid.then_some(login)
}

/// Everybody may ask, and whoever shows access may more often.
fn ask(url: Url, accept: &str) -> Ask {
    let headers =
        vec![("accept", accept.to_owned()), ("x-github-api-version", "2022-11-28".to_owned())];
    Ask { headers, ..Ask::get(Server::Either, url) }
}

/// Whether something was answered; `gone` is what it means that there is no such thing.
fn checked(visit: &Visit, answer: &Answer<'_>, gone: Trouble) -> Result<(), Trouble> {
    if answer.is_success() {
        return Ok(());
    }
    let said = said(answer);
    let limited = |until| Err(Trouble::RateLimited { until });
    match answer.status {
        401 if said.contains("Bad credentials") => Err(Trouble::AccessExpired),
        401 => Err(Trouble::AccessRefused { message: said }),
        403 | 429 => match wait(answer, visit.now) {
            Some(until) => limited(Some(until)),
            None if answer.status == 429 || is_limit(&said) => limited(None),
            // Our access does not let us do this; what is not for anybody is gone instead.
            None if is_refusal(&said) => Err(Trouble::AccessRefused { message: said }),
            None if matches!(gone, Trouble::AccountGone) => {
                Err(Trouble::AccessRefused { message: said })
            }
            None => Err(Trouble::ItemGone),
        },
        status if is_gone(status) => Err(gone),
        // Nothing is in it, or there is more than GitHub tells.
        409 => Err(Trouble::ItemGone),
        422 if said.contains("pagination is limited") => Err(Trouble::ItemGone),
        500..=599 => Err(Trouble::Unavailable { status: answer.status }),
        status => {
            Err(Trouble::Malformed { what: "the answer", problem: format!("{status}: {said}") })
        }
    }
}

/// Whether there is no such thing, or none that may be shown.
fn is_gone(status: u16) -> bool {
    matches!(status, 404 | 410 | 451)
}

fn is_limit(said: &str) -> bool {
    let said = said.to_ascii_lowercase();
    said.contains("rate limit") || said.contains("abuse detection")
}

fn is_refusal(said: &str) -> bool {
    ["not accessible by", "SAML", "Must have admin", "suspended"].iter().any(|it| said.contains(it))
}

/// What GitHub says is the matter.
fn said(answer: &Answer<'_>) -> String {
    let said = answer.json::<wire::Problem>("the problem");
    let said = said.ok().map(|it| it.message).unwrap_or_default();
    said.chars().take(MESSAGE_LENGTH_MAX).collect()
}

#[cfg(test)]
mod tests;
