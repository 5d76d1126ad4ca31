//! The web pages: who has the highest scores, what is known of one person, and what people are known for.
//!
//! They need no key, run no script and load nothing but our own style sheet. Whoever reads them is the caller `web`,
//! and sees who consents to be shown. Numbers come through the same links and from the same RPCs as everybody's.

mod chart;
mod docs;
mod history;
mod influence;
mod known_for;
mod names;
mod overview;
mod plus_k;
mod profile;
mod style;
mod text;
mod topics;
mod why;

use std::{sync::Arc, time::Duration};

use askama::Template;
use axum::{
    Router,
    body::Bytes,
    extract::{Path, RawQuery, Request, State, rejection::PathRejection},
    middleware,
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::{
    HeaderMap, HeaderValue, Method,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
        X_CONTENT_TYPE_OPTIONS,
    },
};
use klout_chassis::{Caller, Link, Links, Refusal, within};
use klout_proto::{
    convert,
    graph::v1::{
        graph_service_client::GraphServiceClient, plus_k_service_client::PlusKServiceClient,
    },
    score::v1::{Score, score_service_client::ScoreServiceClient},
    topic::v1::topic_service_client::TopicServiceClient,
};
use tokio::sync::Semaphore;
use tonic::{Code, Status};
use tower_http::catch_panic::CatchPanicLayer;

use self::{
    overview::{Overview, Place},
    text::Moment,
    topics::Only,
};
use crate::{conditional::conditional, error::Error, problem, rest};

/// Nothing but our style sheet, and searches that lead to us: no script, no picture, no frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// So many profiles, and so many pages of topics, are made at the same time; whoever comes then waits. Nobody needs
/// a key for them, so they may not take all there is from callers who have one.
const AT_ONCE: usize = 8;

/// What pages are made with.
#[derive(Debug)]
pub(crate) struct Pages {
    peers: Peers,
    request_time_max: Duration,
    overview: Overview,
    profiles: Semaphore,
    topics: Semaphore,
}

/// Whom pages ask.
#[derive(Clone, Debug)]
struct Peers {
    scores: ScoreServiceClient<Link>,
    people: GraphServiceClient<Link>,
    plus_ks: PlusKServiceClient<Link>,
    topics: TopicServiceClient<Link>,
}

/// What the numbers of a page are as of.
#[derive(Clone, Debug)]
struct Made {
    time: Moment,
    model: String,
}

/// Why there is no page.
#[derive(Debug, Template)]
#[template(path = "failure.html")]
struct Failure<'a> {
    title: &'static str,
    said: &'a str,
    reason: &'a str,
    status: u16,
}

// === impl Pages ===

impl Pages {
    /// `overview_keep_time`: how long a page of the overview is shown to whoever asks.
    pub(crate) fn new(
        links: &Links,
        request_time_max: Duration,
        overview_keep_time: Duration,
    ) -> Self {
        let link = |service| links.to(service).on_behalf_of(&Caller::web());
        let peers = Peers {
            scores: ScoreServiceClient::new(link("scoring")),
            people: GraphServiceClient::new(link("social_graph")),
            plus_ks: PlusKServiceClient::new(link("social_graph")),
            topics: TopicServiceClient::new(link("topics")),
        };
        let overview = Overview::new(request_time_max, overview_keep_time);
        Self {
            peers,
            request_time_max,
            overview,
            profiles: Semaphore::new(AT_ONCE),
            topics: Semaphore::new(AT_ONCE),
        }
    }

    /// The router of the pages, which need no token.
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/", get(overview))
            .route("/people/{person}", get(profile))
            .route("/topics", get(topic_list))
            .route("/topics/{topic}", get(topic))
            .route("/docs", get(async || html(docs::page())))
            .route("/style.css", get(style::sheet))
            .method_not_allowed_fallback(method_not_allowed)
            .with_state(Arc::new(self))
            .layer(middleware::from_fn(conditional))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(middleware::map_response(guard))
            .layer(middleware::from_fn(rest::trace))
    }
}

async fn overview(State(pages): State<Arc<Pages>>, RawQuery(query): RawQuery) -> Response {
    let made = async {
        let place = Place::parse(query.as_deref().unwrap_or_default())?;
        pages.overview.page(&pages.peers, place).await
    };
    made.await.map_or_else(|status| failure(&status), html)
}

async fn profile(
    State(pages): State<Arc<Pages>>,
    person: Result<Path<String>, PathRejection>,
) -> Response {
    let made = within(pages.request_time_max, async {
        let Path(person) = person.map_err(|_| Error::PathEncoding)?;
        let _permit = pages.profiles.acquire().await.expect("it is never closed");
        Box::pin(profile::page(&pages.peers, person)).await
    });
    made.await.and_then(|made| made).map_or_else(|status| failure(&status), html)
}

async fn topic_list(State(pages): State<Arc<Pages>>, RawQuery(query): RawQuery) -> Response {
    let made = within(pages.request_time_max, async {
        let _permit = pages.topics.acquire().await.expect("it is never closed");
        let sought = topics::sought(query.as_deref().unwrap_or_default());
        Box::pin(topics::list(&pages.peers, sought)).await
    });
    made.await.and_then(|made| made).map_or_else(|status| failure(&status), html)
}

async fn topic(
    State(pages): State<Arc<Pages>>,
    RawQuery(query): RawQuery,
    topic: Result<Path<String>, PathRejection>,
) -> Response {
    let made = within(pages.request_time_max, async {
        let Path(topic) = topic.map_err(|_| Error::PathEncoding)?;
        let _permit = pages.topics.acquire().await.expect("it is never closed");
        let only = Only::parse(query.as_deref().unwrap_or_default());
        Box::pin(topics::one(&pages.peers, topic, only)).await
    });
    made.await.and_then(|made| made).map_or_else(|status| failure(&status), html)
}

async fn method_not_allowed(method: Method, request: Request) -> Response {
    failure(&Error::MethodNotAllowed { path: request.uri().path().to_owned(), method }.into())
}

/// Scores change, so a browser asks again each time.
fn html(page: Bytes) -> Response {
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "no-cache")];
    (headers, page).into_response()
}

/// The page that tells `status`, which is also the status of HTTP.
fn failure(status: &Status) -> Response {
    let (http, reason) = problem::http(status);
    let title = match http.as_u16() {
        400 => "That address leads nowhere",
        404 if reason == "TOPIC_UNKNOWN" => "There is no such topic",
        404 => "There is nobody here",
        405 => "That cannot be done here",
        503 => "Not available right now",
        504 => "That took too long",
        _ => "Something went wrong",
    };
    let failure = Failure { title, said: status.message(), reason: &reason, status: http.as_u16() };
    let mut response = (http, html(render(&failure))).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    problem::add_retry_after(response.headers_mut(), status);
    response
}

fn render(template: &impl Template) -> Bytes {
    template.render().expect("a string takes whatever is written to it").into()
}

/// What panicked is in the log of the panic hook; the caller is not told.
fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    let refusal = Refusal::new(Code::Internal, "PANICKED");
    failure(&refusal.into_plain_status("something went wrong on our side"))
}

/// Tells the browser to hold what it got to what we meant.
async fn guard(mut response: Response) -> Response {
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

// === impl Made ===

impl Made {
    /// Of the newest of `scores`; `None` when there are none.
    fn of<'a>(scores: impl Iterator<Item = &'a Score>) -> Option<Self> {
        let times = scores
            .filter_map(|score| Some((score.score_time.as_ref().and_then(convert::time)?, score)));
        let (time, score) = times.max_by_key(|(time, _)| *time)?;
        Some(Self { time: text::moment(time), model: score.model.clone() })
    }
}
