//! Mastodon and its relatives: each server gives access to its own accounts, to applications that registered with it.

use serde::Deserialize;
use url::Url;

use super::{Application, Door, Endpoints, SignIn, trouble};
use crate::{Answer, Ask, Server, Trouble};

/// To read, and nothing else. An account itself is read with it, too.
const SCOPE: &str = "read:accounts read:statuses read:notifications";

#[derive(Debug)]
pub(super) struct Mastodon;

impl SignIn for Mastodon {
    fn door(&self) -> Door {
        Door::Server
    }

    fn application(&self) -> Application {
        Application::Registered
    }

    fn scope(&self) -> &'static str {
        SCOPE
    }

    fn endpoints(&self, server: &Url) -> Option<Endpoints> {
        Some(Endpoints {
            issuer: None,
            authorization: server.join("/oauth/authorize").ok()?,
            token: server.join("/oauth/token").ok()?,
            pushed: None,
            proven: false,
        })
    }

    fn whoami(&self, own: &Url) -> Ask {
        let mut url = own.clone();
        url.set_path("/api/v1/accounts/verify_credentials");
        Ask::get(Server::Own, url)
    }

    fn read_whoami(&self, named: Option<&str>, answer: &Answer<'_>) -> Result<String, Trouble> {
        #[derive(Deserialize)]
        struct Account {
            username: String,
        }
        const WHAT: &str = "whose access it is";
        if !answer.is_success() {
            return Err(trouble(answer, WHAT));
        }
        let account: Account = answer.json(WHAT)?;
        // Servers tell a name without their own, by which the account was named.
        let server = named.and_then(|it| it.rsplit_once('@')).ok_or_else(|| {
            Trouble::Malformed { what: WHAT, problem: "nobody named its server".to_owned() }
        })?;
        Ok(format!("{}@{}", account.username, server.1))
    }
}

/// Where a server takes registrations.
#[must_use]
pub fn registration_address(server: &Url) -> Option<Url> {
    server.join("/api/v1/apps").ok()
}

/// What it is told of us.
#[must_use]
pub fn registration_form(redirect_uri: &str) -> Vec<(&'static str, String)> {
    vec![
        ("client_name", "Klout".to_owned()),
        ("redirect_uris", redirect_uri.to_owned()),
        ("scopes", SCOPE.to_owned()),
    ]
}

/// What it calls us, and the secret that we show.
///
/// # Errors
///
/// When it does not register us.
pub fn read_registration(answer: &Answer<'_>) -> Result<(String, String), Trouble> {
    #[derive(Deserialize)]
    struct Registered {
        client_id: String,
        client_secret: String,
    }
    if !answer.is_success() {
        let trouble = trouble(answer, "a registration");
        // It has no such page: it is a server of another kind.
        let absent = matches!(trouble, Trouble::AccountGone);
        let nobody =
            || Trouble::AccessRefused { message: "the server registers nobody".to_owned() };
        return Err(if absent { nobody() } else { trouble });
    }
    // What is wrong with it is not told: it may hold half of a secret.
    let registered: Registered = serde_json::from_slice(answer.body).map_err(|_| {
        Trouble::Malformed { what: "a registration", problem: "it is none".to_owned() }
    })?;
    Ok((registered.client_id, registered.client_secret))
}
