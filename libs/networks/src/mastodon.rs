//! Mastodon, and servers that speak as it does: who follows an account, and who likes, passes on and answers what it
//! writes, asked of its own server, as others know of only a part.
//!
//! An account is known as `user@server`. What it asks of others is honoured: only what is for everybody is read, who
//! hides their followers is not asked for them, and who asks search engines to leave them out (`noindex`) counts
//! without a name. That somebody has not agreed to be recommended (`discoverable`) or found by their words
//! (`indexable`), as most have not, says nothing of what they do to posts of others; whoever connects an account has
//! agreed for it.

mod handle;
mod read;
mod task;
mod wire;

use url::Url;

use self::{handle::Handle, task::Of};
use crate::{
    Account, Answer, Ask, Capabilities, Description, Method, Network, Recorded, Server, State,
    Step, Task, Terms, Then, Trouble, Visit, Whose, address::address, wait,
};

/// As signals name it.
const NETWORK: &str = "mastodon";

/// In characters, of what a server says is the matter.
const MESSAGE_LENGTH_MAX: usize = 200;

const DESCRIPTION: Description = Description {
    network: NETWORK,
    display_name: "Mastodon",
    state: State::Live,
    capabilities: Capabilities {
        resolve: Whose::Any,
        audience: Whose::Any,
        posts: Whose::Any,
        reaction_counts: Whose::Any,
        reactors: Whose::Any,
        mentions: Whose::Own,
        stream: Whose::None,
        archive: Whose::None,
    },
    methods: &[Method::OAuth, Method::Token, Method::Challenge, Method::RelMe, Method::Operator],
    terms: Terms {
        retention: None,
        feeds_perks: true,
        blends: true,
        forgets: true,
        summary: "Each server has rules of its own. Nothing is read that is not for everybody, who asks not to be \
                  indexed counts without a name, and what an account told goes when it is disconnected.",
        url: "https://docs.joinmastodon.org/user/preferences/",
    },
    gives: "Of the account: followers and how many there are, its public posts of 90 days with what they say, who liked, \
            passed on and answered each; with its own access also who quoted them and who mentioned it. Not: when \
            somebody followed, liked or passed on, which no server tells; what is not for everybody; what programs do; \
            servers whose accounts are called by another name than theirs, and those that do not speak as Mastodon.",
    source: "The REST API, versions 1 and 2, of the account's own server.",
};

/// Mastodon, and servers that speak as it does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mastodon;

// === impl Mastodon ===

impl Network for Mastodon {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn server(&self, handle: &str) -> Result<Option<String>, &'static str> {
        Handle::of(handle).ok_or("is not user@server")?.server().map(Some)
    }

    fn resolve(&self, visit: &Visit) -> Result<Ask, Trouble> {
        let handle = handle(visit)?;
        let path = ["api", "v1", "accounts", "lookup"];
        let url = address(&visit.public, &path, &[("acct", handle.user)]);
        Ok(Ask::get(Server::Either, url))
    }

    fn resolved(&self, visit: &Visit, answer: &Answer<'_>) -> Result<Account, Trouble> {
        let handle = handle(visit)?;
        checked(visit, answer, About::Account)?;
        read::own_account(&answer.json("the account")?, handle.host)
    }

    fn begin(&self, _visit: &Visit) -> Vec<Then> {
        vec![Then::always(Task::of(&Of::Account))]
    }

    fn ask(&self, visit: &Visit, task: &Task) -> Result<Ask, Trouble> {
        task.read::<Of>()?.ask(visit)
    }

    fn read(&self, visit: &Visit, task: &Task, answer: &Answer<'_>) -> Result<Step, Trouble> {
        let of: Of = task.read()?;
        let about = match of {
            Of::Account => About::Account,
            Of::Quotes { .. } | Of::Mentions { .. } => About::Own,
            Of::Followers { .. }
            | Of::Statuses { .. }
            | Of::Favourites { .. }
            | Of::Boosts { .. }
            | Of::Replies { .. } => About::Item,
        };
        match checked(visit, answer, about) {
            Ok(()) => {}
            // A post that is not there has no reactions: those that it had are taken back.
            Err(Trouble::ItemGone) if answer.status != 403 => return read::gone(&of),
            Err(trouble) => return Err(trouble),
        }
        let asked = of.ask(visit)?.url;
        read::read(visit, of, answer, &asked)
    }

    fn recorded(&self, url: &Url) -> Option<Recorded> {
        task::recorded(url)
    }
}

/// What a question is about, by which an answer means one thing or another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    /// Whether there is such an account.
    Account,
    /// Something of it that everybody may see.
    Item,
    /// Something that is told to the account alone.
    Own,
}

/// The handle of an account that is looked for.
fn handle(visit: &Visit) -> Result<Handle<'_>, Trouble> {
    visit.account.handle.as_deref().and_then(Handle::of).ok_or(Trouble::AccountGone)
}

/// Whether something was answered.
fn checked(visit: &Visit, answer: &Answer<'_>, about: About) -> Result<(), Trouble> {
    if answer.is_success() {
        return Ok(());
    }
    let said = said(answer);
    let is_invalid = said.contains("access token")
        || answer.header("www-authenticate").is_some_and(|it| it.contains("invalid_token"));
    match answer.status {
        401 if is_invalid => Err(Trouble::AccessExpired),
        401 => Err(Trouble::AccessRefused { message: said }),
        // Not shown to us; the rest may be.
        403 if about == About::Item => Err(Trouble::ItemGone),
        403 => Err(Trouble::AccessRefused { message: said }),
        404 | 410 if about == About::Account => Err(Trouble::AccountGone),
        404 | 410 => Err(Trouble::ItemGone),
        429 => Err(Trouble::RateLimited { until: wait(answer, visit.now) }),
        500..=599 => Err(Trouble::Unavailable { status: answer.status }),
        status => {
            Err(Trouble::Malformed { what: "the answer", problem: format!("{status}: {said}") })
        }
    }
}

/// What a server says is the matter.
fn said(answer: &Answer<'_>) -> String {
    let Ok(wire::Problem { error, error_description }) = answer.json("the problem") else {
        return format!("it answered {}", answer.status);
    };
    error_description.unwrap_or(error).chars().take(MESSAGE_LENGTH_MAX).collect()
}

#[cfg(test)]
mod tests;
