//! REST: each route of the table is a call.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{MatchedPath, RawPathParams, RawQuery, Request, State},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{MethodFilter, on},
};
use http::Method;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use klout_chassis::{Link, Links, Refusal, within};
use klout_proto::json;
use prost_reflect::DynamicMessage;
use tokio::time::Instant;
use tonic::{Code, Status};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{Instrument as _, field::Empty, info_span};

use crate::{
    access::{self, Access},
    call,
    conditional::conditional,
    door::Door,
    error::Error,
    metrics::RouteMetrics,
    problem::problem,
    routes::{self, Rest, Route},
    transcode,
};

/// What answering needs.
#[derive(Clone, Debug)]
pub(crate) struct Answering {
    pub(crate) door: Door,
    pub(crate) links: Links,
    pub(crate) request_time_max: Duration,
    pub(crate) body_size_max: usize,
}

/// The router of every route of the table.
pub(crate) fn router(answering: Answering) -> Router {
    let answering = Arc::new(answering);
    let mut router = Router::new();
    for route in routes::all() {
        let link = answering.links.to(route.owner());
        let filter = MethodFilter::try_from(route.method.clone()).expect("a method of HTTP");
        let metrics = Arc::new(RouteMetrics::of(route.path));
        let rpc = call::path(&route.descriptor());
        let access = Access::of(&rpc);
        let answer = move |State(answering): State<Arc<Answering>>,
                           segments: Result<RawPathParams, _>,
                           RawQuery(query): RawQuery,
                           request: Request| async move {
            let started = Instant::now();
            let answered = within(answering.request_time_max, async {
                let visitor = answering.door.admit(request.headers(), access).await;
                let visitor = visitor.map_err(|turned_away| {
                    let path = || request.uri().path().to_owned();
                    turned_away.into_status(|| Error::PathUnknown { path: path() }.into())
                })?;
                let segments = segments.map_err(|_| Error::PathEncoding)?;
                let operator = visitor.is_operator();
                let link = link.on_behalf_of(visitor.caller());
                answer(&answering, route, link, &segments, query.as_deref(), request, operator)
                    .await
            });
            let response = match answered.await.and_then(|answered| answered) {
                Ok(resource) => Json(resource).into_response(),
                Err(status) => problem(&status),
            };
            metrics.duration(response.status()).record(started.elapsed());
            response
        };
        router = router.route(route.path, on(filter, answer));
    }
    router
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(answering)
        .layer(middleware::from_fn(conditional))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(trace))
}

/// Nothing is there.
pub(crate) async fn path_unknown(request: Request) -> Response {
    problem(&Error::PathUnknown { path: request.uri().path().to_owned() }.into())
}

pub(crate) async fn method_not_allowed(method: Method, request: Request) -> Response {
    problem(&Error::MethodNotAllowed { path: request.uri().path().to_owned(), method }.into())
}

async fn answer(
    answering: &Answering,
    route: &Route,
    link: Link,
    segments: &RawPathParams,
    query: Option<&str>,
    request: Request,
    operator: bool,
) -> Result<serde_json::Value, Status> {
    let rpc = route.descriptor();
    let mut message = match route.rest {
        Rest::Query => DynamicMessage::new(rpc.input()),
        Rest::Body => {
            let json = read_json(request, answering.body_size_max).await?;
            json::from_value(rpc.input(), json).map_err(Error::Body)?
        }
    };
    let mut given: BTreeSet<String> = BTreeSet::new();
    for (segment, text) in segments {
        let (_, field) = route
            .segments
            .iter()
            .find(|(name, _)| *name == segment)
            .expect("the table was checked against the descriptors");
        // A body that names somebody else than its path is a mistake, whoever is meant.
        if transcode::is_set(&message, field) {
            return Err(Error::FieldRepeated((*field).to_owned()).into());
        }
        transcode::set(&mut message, field, text).map_err(Error::from)?;
        given.insert((*field).to_owned());
    }
    for (field, text) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        if !given.insert(field.to_string()) {
            return Err(Error::FieldRepeated(field.into_owned()).into());
        }
        transcode::set(&mut message, &field, &text).map_err(Error::from)?;
    }
    if let Some(field) = access::operator_field(&call::path(&rpc)).filter(|_| !operator) {
        access::refuse_operator_field(&message, field)?;
    }
    let response = call::unary(link, &rpc, message).await?;
    Ok(transcode::resource(&response, route.resource))
}

async fn read_json(request: Request, size_max: usize) -> Result<serde_json::Value, Error> {
    let body = Limited::new(request.into_body(), size_max);
    let body = body.collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            Error::BodyTooLarge { max: size_max }
        } else {
            Error::BodyBroken(axum::Error::new(error))
        }
    })?;
    serde_json::from_slice(&body.to_bytes()).map_err(Error::Body)
}

/// One span a request, in the trace of its caller.
pub(crate) async fn trace(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let span = info_span!(
        "http",
        otel.name = format!("{} {route}", request.method()),
        otel.kind = "server",
        http.request.method = %request.method(),
        http.route = route,
        http.response.status_code = Empty,
    );
    klout_telemetry::continue_trace(&span, request.headers());
    let response = next.run(request).instrument(span.clone()).await;
    span.record("http.response.status_code", response.status().as_u16());
    response
}

/// What panicked is in the log of the panic hook; the caller is not told.
pub(crate) fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    let refusal = Refusal::new(Code::Internal, "PANICKED");
    problem(&refusal.into_plain_status("something went wrong on our side"))
}
