//! Bluesky, over the public AppView: who likes, reposts, quotes, answers, mentions and follows an account.
//!
//! Everything is told of anybody and without access, but for mentions, which the account's own server tells. What the
//! AppView lists has the same signal ids as what the network's stream tells ([`jetstream`]), so whoever reads both counts
//! it once.
//!
//! A quote is a reshare: who quotes a post shows it to their own followers, as who reposts it does, and says something
//! besides. That they wrote it is told as a post of theirs.

mod ask;
pub mod jetstream;
mod pages;
mod record;
mod refused;
mod signals;
#[cfg(test)]
mod tests;

use url::Url;

use self::ask::Asked;
use crate::{
    Account, Answer, Ask, Capabilities, Description, Method, Network, Recorded, Server, State,
    Step, Task, Terms, Then, Trouble, Visit, Whose,
};

/// As signals name it.
pub(crate) const NETWORK: &str = "bluesky";

/// Bluesky, and every network of the AT protocol that has its records.
#[derive(Clone, Copy, Debug)]
pub struct Bluesky;

static DESCRIPTION: Description = Description {
    network: NETWORK,
    display_name: "Bluesky",
    state: State::Live,
    capabilities: Capabilities {
        resolve: Whose::Any,
        audience: Whose::Any,
        posts: Whose::Any,
        reaction_counts: Whose::Any,
        reactors: Whose::Any,
        mentions: Whose::Own,
        stream: Whose::Any,
        archive: Whose::None,
    },
    methods: &[
        Method::OAuth,
        Method::AppPassword,
        Method::Challenge,
        Method::RelMe,
        Method::Operator,
    ],
    terms: Terms {
        retention: None,
        feeds_perks: true,
        blends: true,
        forgets: false,
        summary: "Public data, free to read. What is deleted has to be deleted by whoever has it, and nobody may be \
                  sent what they did not ask for.",
        url: "https://docs.bsky.app/docs/support/developer-guidelines",
    },
    gives: "Posts and answers of the account with their texts, links and tags; who liked, reposted, quoted and answered \
            them, with the time but for reposts; who follows; the numbers of followers, accounts followed and posts; who \
            mentioned the account, with its own access. Of everybody, as it happens, where the stream is on. Not who \
            reads.",
    source: "app.bsky.* of the public AppView and, for mentions, of the account's own server; Jetstream for the stream",
};

// === impl Bluesky ===

impl Network for Bluesky {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn resolve(&self, visit: &Visit) -> Result<Ask, Trouble> {
        let handle = visit.account.handle.as_deref().map(plain).unwrap_or_default();
        let possible = signals::is_did(&handle) || is_handle(&handle);
        if !possible {
            return Err(Trouble::AccountGone);
        }
        // The AppView answers by a handle only if it leads to the account and the account to it.
        Ok(xrpc(
            Server::Public,
            &visit.public,
            "app.bsky.actor.getProfile",
            &[("actor", handle.as_str())],
        ))
    }

    fn resolved(&self, visit: &Visit, answer: &Answer<'_>) -> Result<Account, Trouble> {
        refused::check(answer, Server::Public, visit.now)?;
        let profile: pages::Profile = answer.json("the profile")?;
        let asked = visit.account.handle.as_deref().map(plain).unwrap_or_default();
        let found = signals::account(&profile.author.did, Some(&profile.author.handle))
            .ok_or_else(|| unreadable("the profile", "it names no account"))?;
        let handle = found.handle.as_deref().unwrap_or_default();
        if asked != found.native_id && !asked.eq_ignore_ascii_case(handle) {
            return Err(Trouble::AccountGone);
        }
        Ok(Account { native_id: found.native_id, handle: found.handle })
    }

    fn begin(&self, visit: &Visit) -> Vec<Then> {
        let mut then = vec![Asked::Profile, Asked::Posts { cursor: None }];
        if visit.own.is_some() {
            then.push(Asked::Mentions { cursor: None });
        }
        then.iter().map(|it| Then::always(Task::of(it))).collect()
    }

    fn ask(&self, visit: &Visit, task: &Task) -> Result<Ask, Trouble> {
        task.read::<Asked>()?.to_ask(visit)
    }

    fn read(&self, visit: &Visit, task: &Task, answer: &Answer<'_>) -> Result<Step, Trouble> {
        let asked: Asked = task.read()?;
        match refused::check(answer, asked.server(), visit.now) {
            Ok(()) => asked.read(visit, answer),
            // A post that is gone has no likes: the list is empty, and what it held is taken back.
            Err(Trouble::ItemGone) => Ok(asked.gone()),
            Err(trouble) => Err(trouble),
        }
    }

    fn recorded(&self, url: &Url) -> Option<Recorded> {
        match url.path().strip_prefix("/xrpc/")? {
            "app.bsky.actor.getProfile" => Some(Recorded::Account),
            method => Some(Recorded::Task(Task::of(&Asked::recorded(method, url)?))),
        }
    }
}

/// As people write it: with an at sign before it, or space around it.
fn plain(handle: &str) -> String {
    handle.trim().trim_start_matches('@').to_owned()
}

/// Whether it may be a handle, which is a name of DNS.
fn is_handle(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}

/// A call of a method.
fn xrpc(server: Server, base: &Url, method: &str, arguments: &[(&str, &str)]) -> Ask {
    let mut url = base.clone();
    url.set_path(&format!("/xrpc/{method}"));
    url.set_query(None);
    url.query_pairs_mut().extend_pairs(arguments);
    Ask::get(server, url)
}

fn unreadable(what: &'static str, problem: &str) -> Trouble {
    Trouble::Malformed { what, problem: problem.to_owned() }
}
