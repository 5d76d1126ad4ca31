//! How people give access to their accounts: where they are sent, and what is said there. Pure.
//!
//! OAuth 2 is the same everywhere (RFC 6749 with PKCE, RFC 7636) and is spoken by whoever asks; here is what differs.
//! A network that is not here gives no access: its accounts are shown to be somebody's by other means.

mod bluesky;
mod github;
mod mastodon;

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

pub use self::bluesky::{
    Session, create_session_address, document_address, metadata_address, read_document,
    read_metadata, read_resource, read_session, refresh_session_address, resource_address,
};
pub use self::mastodon::{read_registration, registration_address, registration_form};
use crate::{Answer, Ask, Trouble};

/// How accounts of a network are signed in to.
pub trait SignIn: fmt::Debug + Send + Sync {
    /// Where people are sent.
    fn door(&self) -> Door;

    /// How we are known there.
    fn application(&self) -> Application;

    /// What we ask for: to read, and nothing else. Empty: what everybody can see.
    fn scope(&self) -> &'static str;

    /// Where to ask for access at a server, if that is known without asking it.
    fn endpoints(&self, server: &Url) -> Option<Endpoints>;

    /// Asks whose the access is.
    fn whoami(&self, own: &Url) -> Ask;

    /// Reads whose it is: the handle, as [`Network::resolve`](crate::Network::resolve) takes it. `named` is the one that
    /// somebody said before, if they did.
    ///
    /// # Errors
    ///
    /// [`Trouble::AccessRefused`] when it is nobody's.
    fn read_whoami(&self, named: Option<&str>, answer: &Answer<'_>) -> Result<String, Trouble>;
}

/// Where people are sent to give access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Whom the account's own server names, which its identity names.
    Identity,
    /// The account's own server.
    Server,
    /// One for everybody, as configured.
    Configured,
}

/// How a server knows us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Application {
    /// By the address of what we say of ourselves, which is configured; on loopback without.
    Document,
    /// We register when the first of its people connects.
    Registered,
    /// By what somebody got from it once, as configured.
    Configured,
}

/// Where to ask for access. RFC 8414 has the names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    /// Who gives access, if they say so of themselves: answers then have to come from them. RFC 9207.
    pub issuer: Option<String>,
    pub authorization: Url,
    pub token: Url,
    /// Where what we ask for is left before people are sent. RFC 9126.
    pub pushed: Option<Url>,
    /// Whether access is bound to a key of ours. RFC 9449.
    pub proven: bool,
}

/// How accounts of a network are signed in to. `None`: nobody gives access to them.
#[must_use]
pub fn sign_in(network: &str) -> Option<&'static dyn SignIn> {
    match network {
        "bluesky" => Some(&bluesky::Bluesky),
        "github" => Some(&github::GitHub),
        "mastodon" => Some(&mastodon::Mastodon),
        _ => None,
    }
}

/// What is the matter with an answer that is none: for what networks say alike.
fn trouble(answer: &Answer<'_>, what: &'static str) -> Trouble {
    match answer.status {
        401 | 403 => Trouble::AccessRefused { message: "the network does not take it".to_owned() },
        404 | 410 => Trouble::AccountGone,
        429 => Trouble::RateLimited { until: None },
        status @ 500.. => Trouble::Unavailable { status },
        status => Trouble::Malformed { what, problem: format!("it answered {status}") },
    }
}
