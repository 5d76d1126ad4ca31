//! The old API of Klout, versions 1 and 2, for software of then: `docs/old-klout-api.md`.
//!
//! `request` says what an address asks for, `ask` finds it out from the services, `v1` and `v2` make of it what it
//! looked like then, and `reply` sends it.

mod ask;
mod node;
mod picture;
mod reply;
mod request;
mod v1;
mod v2;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Path, Request, State},
    middleware,
    response::Response,
    routing::{any, get},
};
use http::{HeaderMap, Method, Uri, header::HOST, request::Parts};
use klout_chassis::{Links, Refusal, within};
use serde::Deserialize;
use tokio::time::Instant;
use tonic::{Code, Status};
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer};

use self::{
    ask::Peers,
    reply::{Answer, Refused, respond},
    request::{Asked, Callback, OldNetwork},
};
use crate::{
    access::{Access, Scope},
    door::Door,
    metrics::RouteMetrics,
    rest,
};

/// Both versions, as axum and metrics write them.
const VERSIONS: [&str; 2] = ["/1/{*method}", "/v2/{*method}"];

/// What has no method: such addresses are of the old API too, and nothing is there.
const NO_METHODS: [(&str, &str); 4] =
    [("/1", VERSIONS[0]), ("/1/", VERSIONS[0]), ("/v2", VERSIONS[1]), ("/v2/", VERSIONS[1])];

/// What a key takes for it.
const ACCESS: Access = Access::Scope(Scope::Legacy);

/// Bytes of the name of a host that pictures are said to be at.
const HOST_MAX: usize = 255;

/// What the networks of the old API are called here, each the first of which somebody has an account on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OldNetworks {
    /// `tw`, and screen names.
    pub twitter: Vec<String>,
    /// `gp`.
    pub google_plus: Vec<String>,
    /// `ig`.
    pub instagram: Vec<String>,
    /// `fb`.
    pub facebook: Vec<String>,
}

/// What the old API is answered with.
#[derive(Debug)]
pub(crate) struct Legacy {
    door: Door,
    peers: Peers,
    networks: OldNetworks,
    request_time_max: Duration,
}

// === impl OldNetworks ===

impl OldNetworks {
    fn of(&self, old: OldNetwork) -> &[String] {
        match old {
            OldNetwork::Twitter => &self.twitter,
            OldNetwork::GooglePlus => &self.google_plus,
            OldNetwork::Instagram => &self.instagram,
            OldNetwork::Facebook => &self.facebook,
        }
    }
}

// === impl Legacy ===

impl Legacy {
    pub(crate) fn new(
        door: Door,
        links: &Links,
        networks: OldNetworks,
        request_time_max: Duration,
    ) -> Self {
        let peers = Peers {
            scoring: links.to("scoring"),
            social_graph: links.to("social_graph"),
            topics: links.to("topics"),
        };
        Self { door, peers, networks, request_time_max }
    }

    pub(crate) fn router(self) -> Router {
        let legacy = Arc::new(self);
        let mut router = Router::new();
        let all = VERSIONS.map(|version| (version, version)).into_iter().chain(NO_METHODS);
        for (path, version) in all {
            let metrics = Arc::new(RouteMetrics::of(version));
            let answer = move |State(legacy): State<Arc<Self>>, request: Request| async move {
                let started = Instant::now();
                // Whatever a body says, nothing was ever sent in one.
                let (head, _) = request.into_parts();
                let response = legacy.respond(&head).await;
                metrics.duration(response.status()).record(started.elapsed());
                response
            };
            router = router.route(path, any(answer));
        }
        router
            .route(
                "/images/topics/{file}",
                get(async |Path(file): Path<String>| picture::picture(&file)),
            )
            .with_state(legacy)
            // Software of then that cannot read it does not ask for it.
            .layer(CompressionLayer::new())
            .layer(CatchPanicLayer::custom(panicked))
            .layer(middleware::from_fn(rest::trace))
    }

    async fn respond(&self, request: &Parts) -> Response {
        let uri = &request.uri;
        let asked = Asked::parse(uri.path(), uri.query().unwrap_or_default());
        let callback = match &asked.callback {
            Some(Callback::Name(name)) => Some(name.clone()),
            Some(Callback::Invalid) => {
                let invalid = Refused::Invalid("The callback is not the name of a function.");
                return respond(Err(invalid), None);
            }
            None => None,
        };
        let answered = within(self.request_time_max, self.answer(request, asked)).await;
        let answered = answered.map_err(Refused::from).and_then(|answered| answered);
        respond(answered, callback.as_deref())
    }

    async fn answer(&self, request: &Parts, asked: Asked) -> Result<Answer, Refused> {
        if ![Method::GET, Method::HEAD].contains(&request.method) {
            return Err(Refused::NotAGet);
        }
        let Asked { key, callback, format, method } = asked;
        // A page of anybody's can have a script loaded from here, and read it: whoever opened the door to everybody on
        // this machine did not mean every page in their browser.
        if callback.is_some() && key.is_none() {
            return Err(Refused::Key);
        }
        let visitor = match key {
            Some(key) => self.door.admit_text(Some(&key), ACCESS).await,
            None => self.door.admit(&request.headers, ACCESS).await,
        };
        let visitor = visitor.map_err(|turned_away| turned_away.into_status(not_there))?;
        let method = method.ok_or(Refused::Nothing)?;
        let base = base(&request.uri, &request.headers);
        let ask = self.peers.for_call(visitor.caller(), &self.networks, base);
        Box::pin(ask.answer(method, format)).await
    }
}

/// What nobody but operators may hear of: none of it is.
fn not_there() -> Status {
    Refusal::new(Code::NotFound, "PATH_UNKNOWN").into_plain_status("there is nothing at that path")
}

/// What the address of a picture begins with: the host that was asked, as far as it is the name of one.
fn base(uri: &Uri, headers: &HeaderMap) -> String {
    let header = || headers.get(HOST).and_then(|it| it.to_str().ok());
    let host = uri.authority().map(http::uri::Authority::as_str).or_else(header);
    let valid = |it: u8| it.is_ascii_alphanumeric() || b".-_:[]".contains(&it);
    let host = host.filter(|it| !it.is_empty() && it.len() <= HOST_MAX && it.bytes().all(valid));
    let scheme = uri.scheme_str().filter(|it| *it == "https").unwrap_or("http");
    host.map_or_else(String::new, |host| format!("{scheme}://{host}"))
}

/// What panicked is in the log of the panic hook; the caller is not told.
fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    respond(Err(Refused::Broken), None)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn pictures_are_where_the_host_that_was_asked_is_and_no_text_becomes_one() {
        let of = |uri: &'static str, host: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static(host));
            base(&Uri::from_static(uri), &headers)
        };
        assert_eq!(of("/v2/user.json/1", "api.klout.com"), "http://api.klout.com");
        assert_eq!(of("/v2/user.json/1", "[::1]:8080"), "http://[::1]:8080");
        assert_eq!(of("http://api.klout.com/v2/user.json/1", "proxy"), "http://api.klout.com");
        assert_eq!(of("https://api.klout.com/v2/user.json/1", "proxy"), "https://api.klout.com");
        for not in ["", "a/b", "a\"b", "<script>", "a b", "user@host"] {
            assert_eq!(of("/v2/user.json/1", not), "", "{not}");
        }
        assert_eq!(base(&Uri::from_static("/v2/user.json/1"), &HeaderMap::new()), "");
    }
}
