//! GitHub: an application that somebody registered by hand, or a token.

use serde::Deserialize;
use url::Url;

use super::{Application, Door, Endpoints, SignIn, trouble};
use crate::{Answer, Ask, Server, Trouble};

#[derive(Debug)]
pub(super) struct GitHub;

impl SignIn for GitHub {
    fn door(&self) -> Door {
        Door::Configured
    }

    fn application(&self) -> Application {
        Application::Configured
    }

    fn scope(&self) -> &'static str {
        ""
    }

    fn endpoints(&self, server: &Url) -> Option<Endpoints> {
        Some(Endpoints {
            issuer: None,
            authorization: server.join("/login/oauth/authorize").ok()?,
            token: server.join("/login/oauth/access_token").ok()?,
            pushed: None,
            proven: false,
        })
    }

    fn whoami(&self, own: &Url) -> Ask {
        let mut url = own.clone();
        url.set_path("/user");
        let mut ask = Ask::get(Server::Own, url);
        ask.headers.push(("accept", "application/vnd.github+json".to_owned()));
        ask
    }

    fn read_whoami(&self, _named: Option<&str>, answer: &Answer<'_>) -> Result<String, Trouble> {
        #[derive(Deserialize)]
        struct User {
            login: String,
        }
        if !answer.is_success() {
            return Err(trouble(answer, "whose access it is"));
        }
        answer.json::<User>("whose access it is").map(|user| user.login)
    }
}
