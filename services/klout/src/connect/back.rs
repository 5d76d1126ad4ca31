//! Waits on this machine for somebody who comes back from their network.

use std::{collections::HashMap, net::Ipv4Addr, sync::Arc};

use axum::{
    Router,
    extract::{RawQuery, State},
    response::Html,
    routing::get,
};
use tokio::{
    net::TcpListener,
    sync::mpsc::{self, Receiver, Sender},
    task::JoinSet,
};
use url::Url;

use crate::exit::Failure;

/// Where they come back to.
const PATH: &str = "/klout/back";

/// What their browser shows then.
const DONE: &str = "<!doctype html><title>Klout</title><p>Done. You may close this page, and go on where you came from.";

/// What the address says that somebody came back to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Back {
    pub(super) code: String,
    pub(super) state: String,
    pub(super) issuer: String,
}

/// What came back: access, or why there is none.
pub(super) type Came = Result<Back, String>;

/// A page that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    port: u16,
    came: Receiver<Came>,
    /// Ends with it.
    _server: JoinSet<()>,
}

// === impl Waiting ===

impl Waiting {
    pub(super) async fn listen() -> Result<Self, Failure> {
        let failed = |error| Failure::Failed(format!("could not wait for your browser: {error}"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let (tell, came) = mpsc::channel(1);
        let routes = Router::new().route(PATH, get(back)).with_state(Arc::new(tell));
        let mut server = JoinSet::new();
        server.spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                eprintln!("klout: nobody can come back here: {error}");
            }
        });
        Ok(Self { port, came, _server: server })
    }

    pub(super) fn redirect_uri(&self) -> String {
        format!("http://127.0.0.1:{}{PATH}", self.port)
    }

    pub(super) async fn back(mut self) -> Result<Came, Failure> {
        let gone = || Failure::Failed("nobody can come back here any more".to_owned());
        self.came.recv().await.ok_or_else(gone)
    }
}

// === impl Back ===

impl Back {
    /// Of an address that somebody pasted. `None`: it is none that anybody comes back to.
    pub(super) fn of_address(text: &str) -> Option<Came> {
        let url = Url::parse(text.trim()).ok()?;
        Self::of(url.query_pairs().into_owned().collect())
    }

    fn of(mut query: HashMap<String, String>) -> Option<Came> {
        if let Some(error) = query.remove("error") {
            return Some(Err(error));
        }
        let code = query.remove("code").filter(|it| !it.is_empty())?;
        let mut field = |name| query.remove(name).unwrap_or_default();
        Some(Ok(Self { code, state: field("state"), issuer: field("iss") }))
    }
}

async fn back(
    State(tell): State<Arc<Sender<Came>>>,
    RawQuery(query): RawQuery,
) -> Html<&'static str> {
    let query = query.unwrap_or_default();
    let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    if let Some(came) = Back::of(query) {
        // Who comes back twice has come back.
        let _ = tell.try_send(came);
    }
    Html(DONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pasted_is_an_address_with_a_code_or_why_there_is_none() {
        let back = |code: &str, state: &str, issuer: &str| Back {
            code: code.to_owned(),
            state: state.to_owned(),
            issuer: issuer.to_owned(),
        };
        let of = Back::of_address;
        assert_eq!(
            of(" http://127.0.0.1:1/klout/back?code=c%2F1&state=s&iss=https%3A%2F%2Fone.example\n"),
            Some(Ok(back("c/1", "s", "https://one.example")))
        );
        assert_eq!(of("http://127.0.0.1:1/?code=c&state=s"), Some(Ok(back("c", "s", ""))));
        assert_eq!(
            of("http://127.0.0.1:1/?error=access_denied"),
            Some(Err("access_denied".into()))
        );
        for other in ["", "c", "http://127.0.0.1:1/", "http://127.0.0.1:1/?code="] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
