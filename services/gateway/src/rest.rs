//! REST: each route of the table is a call.

use std::{
    collections::BTreeSet,
    convert::Infallible,
    future::{Ready, ready},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{FromRequestParts as _, MatchedPath, RawPathParams, Request},
    middleware::Next,
    response::{IntoResponse as _, Response},
    routing::{MethodFilter, on_service},
};
use futures::{
    FutureExt as _,
    future::{BoxFuture, Either},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header::CONTENT_TYPE};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use klout_chassis::{Link, Links, Refusal, within};
use klout_proto::json;
use prost_reflect::DynamicMessage;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use tower::Service;
use tracing::{Instrument as _, Span, field::Empty, info_span};

use crate::{
    access::{self, Access},
    call,
    conditional::{self, Tagged},
    door::{Door, Visitor},
    error::Error,
    fields::{self, Fields},
    lookup,
    metrics::RouteMetrics,
    people,
    problem::problem,
    request_id::RequestId,
    routes::{Rest, Route},
    transcode::{self, Unbindable},
    typed::{self, Typed},
    written::Written,
};

/// Headers of an answer that a table of them has room for, with those that are added later; it is the smaller of two
/// sizes that it can have.
const HEADERS: usize = 6;

/// What answering needs.
#[derive(Clone, Debug)]
pub(crate) struct Answering {
    pub(crate) door: Door,
    pub(crate) links: Links,
    pub(crate) request_time_max: Duration,
    pub(crate) body_size_max: usize,
    pub(crate) csv_rows_max: usize,
    pub(crate) going_down: CancellationToken,
    pub(crate) written: Written,
}

/// What is answered if all goes well.
enum Answered {
    /// A resource, which whoever has it already is not sent again.
    Json(Vec<u8>),
    /// The same, with the tag that it has.
    Tagged(Tagged),
    /// What is no such thing.
    Other(Response),
}

/// What answering one route needs.
struct RouteAnswerer {
    answering: Arc<Answering>,
    route: &'static Route,
    link: Link,
    access: Access,
    typed: Option<Typed>,
    metrics: RouteMetrics,
}

/// A route of the table with what answers it.
#[derive(Clone)]
struct AnsweredRoute(Arc<RouteAnswerer>);

/// The router of routes of the table.
pub(crate) fn router(
    answering: Arc<Answering>,
    routes: impl Iterator<Item = &'static Route>,
) -> Router {
    let mut router = Router::new();
    for route in routes {
        let filter = MethodFilter::try_from(route.method.clone()).expect("a method of HTTP");
        let answerer = Arc::new(RouteAnswerer {
            answering: Arc::clone(&answering),
            route,
            link: answering.links.to(route.owner()),
            access: Access::of(&call::path(&route.descriptor())),
            typed: typed::of(route),
            metrics: RouteMetrics::of(route.path),
        });
        router = router.route(route.path, on_service(filter, AnsweredRoute(answerer)));
    }
    router.method_not_allowed_fallback(method_not_allowed)
}

// === impl AnsweredRoute ===

/// No handler of axum, which would put what is known at once into a future of its own too.
impl Service<Request> for AnsweredRoute {
    type Response = Response;
    type Error = Infallible;
    type Future = Either<
        Ready<Result<Response, Infallible>>,
        BoxFuture<'static, Result<Response, Infallible>>,
    >;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (mut head, body) = request.into_parts();
        let segments = RawPathParams::from_request_parts(&mut head, &()).now_or_never();
        let segments =
            segments.expect("they were read with the path").map_err(|_| Error::PathEncoding);
        let request = Request::from_parts(head, body);
        match self.0.answer_at_once(&segments, &request) {
            Ok(response) => Either::Left(ready(Ok(response))),
            Err(visitor) => {
                let answerer = Arc::clone(&self.0);
                let answered = async move { Ok(answerer.answer(visitor, segments, request).await) };
                Either::Right(answered.boxed())
            }
        }
    }
}

// === impl RouteAnswerer ===

impl RouteAnswerer {
    /// Answers what memory has by functions alone: a future and a span cost more than that. Where nobody would see the
    /// span, that is; else it is asked as anything. Gives back who was let in on the way, when memory does not have it.
    fn answer_at_once(
        &self,
        segments: &Result<RawPathParams, Error>,
        request: &Request,
    ) -> Result<Response, Option<Visitor>> {
        let (Some(typed), Ok(segments), None) = (self.typed, segments, request.uri().query())
        else {
            return Err(None);
        };
        if klout_telemetry::tells_quick_spans() {
            return Err(None);
        }
        let started = Instant::now();
        let held = conditional::held(request.headers());
        if let Some(response) = conditional::unasked(&held) {
            return Ok(response);
        }
        let Answering { door, written, .. } = &*self.answering;
        let found = || {
            let visitor = door.admit_at_once(request.headers(), self.access).ok_or(None)?;
            let found = typed::ask_at_once(&self.link, visitor.caller(), &typed(segments), written);
            found.ok_or(Some(visitor))
        };
        // A bug fails one call and not its connection.
        let response = match catch_unwind(AssertUnwindSafe(found)) {
            Ok(found) => found_tagged(Some(&held), found?),
            Err(_) => problem(&panicked()),
        };
        self.metrics.duration(response.status()).record(started.elapsed());
        Ok(response)
    }

    /// What is asked again and again passes functions and no stack of middlewares, each of which would make and move a
    /// future of its own. `visitor`: who was let in already.
    async fn answer(
        &self,
        visitor: Option<Visitor>,
        segments: Result<RawPathParams, Error>,
        request: Request,
    ) -> Response {
        let span = span(&request);
        let answered = async move {
            let started = Instant::now();
            let held = match *request.method() {
                Method::GET => Some(conditional::held(request.headers())),
                _ => None,
            };
            if let Some(response) = held.as_deref().and_then(conditional::unasked) {
                return response;
            }
            let asked = self.ask(visitor, segments, request);
            let answered = within(self.answering.request_time_max, asked);
            // A bug fails one call and not the process.
            let answered = AssertUnwindSafe(answered).catch_unwind().await;
            let response = match answered.unwrap_or_else(|_| Ok(Err(panicked()))).flatten() {
                Ok(Answered::Json(json)) => found(held.as_deref(), json),
                Ok(Answered::Tagged(json)) => found_tagged(held.as_deref(), json),
                Ok(Answered::Other(response)) => response,
                Err(status) => problem(&status),
            };
            self.metrics.duration(response.status()).record(started.elapsed());
            tell_status(response.status());
            response
        };
        answered.instrument(span).await
    }

    async fn ask(
        &self,
        visitor: Option<Visitor>,
        segments: Result<RawPathParams, Error>,
        request: Request,
    ) -> Result<Answered, Status> {
        let visitor = match visitor {
            Some(visitor) => Ok(visitor),
            None => self.answering.door.admit(request.headers(), self.access).await,
        };
        let visitor = visitor.map_err(|turned_away| {
            let path = || request.uri().path().to_owned();
            turned_away.into_status(|| Error::PathUnknown { path: path() }.into())
        })?;
        let segments = segments?;
        let operator = visitor.is_operator();
        let link = self.link.clone().on_behalf_of(visitor.caller());
        match self.typed.filter(|_| request.uri().query().is_none()) {
            Some(typed) => {
                let asked = typed::ask(link, typed(&segments), &self.answering.written);
                asked.await.map(Answered::Tagged)
            }
            None => {
                // Large, as whatever is read by descriptors.
                let answered =
                    answer(&self.answering, self.route, link, &segments, request, operator);
                Box::pin(answered).await
            }
        }
    }
}

/// An answer with its tag, if it may have one.
fn found(held: Option<&[HeaderValue]>, json: Vec<u8>) -> Response {
    match held {
        Some(_) if json.len() <= conditional::BYTES_MAX => found_tagged(held, Tagged::of(json)),
        _ => (of_json(), json).into_response(),
    }
}

fn found_tagged(held: Option<&[HeaderValue]>, json: Tagged) -> Response {
    match held {
        Some(held) => conditional::unless_held(held, of_json(), json),
        None => (of_json(), json.body).into_response(),
    }
}

fn of_json() -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(HEADERS);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers
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
    request: Request,
    operator: bool,
) -> Result<Answered, Status> {
    let query = request.uri().query().map(str::to_owned);
    let headers = request.headers();
    let csv = route.rpc == people::csv::RPC && people::csv::is_wanted(headers);
    let rpc = route.descriptor();
    let mut message = match route.rest {
        Rest::Query => DynamicMessage::new(rpc.input()),
        Rest::Body => {
            let body = read(request, answering.body_size_max).await?;
            json::dynamic_from_slice(rpc.input(), &body).map_err(Error::Body)?
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
    let mut fields = Fields::default();
    for (field, text) in form_urlencoded::parse(query.as_deref().unwrap_or_default().as_bytes()) {
        if !given.insert(field.to_string()) {
            return Err(Error::FieldRepeated(field.into_owned()).into());
        }
        if field == fields::PARAMETER {
            fields = Fields::parse(&text, &route.answer()).map_err(Error::from)?;
            continue;
        }
        // One that names somebody else than the path or the body is as much of a mistake, by whatever name.
        if transcode::is_set(&message, &field) {
            return Err(Error::FieldRepeated(field.into_owned()).into());
        }
        transcode::set(&mut message, &field, &text).map_err(Error::from)?;
    }
    if let Some(field) = access::operator_field(&call::path(&rpc)).filter(|_| !operator) {
        access::refuse_operator_field(&message, field)?;
    }
    if csv {
        // Its columns are always the same.
        if given.contains(fields::PARAMETER) {
            return Err(Error::Field(Unbindable {
                field: fields::PARAMETER.to_owned(),
                problem: "does not go with CSV",
            })
            .into());
        }
        let reading = people::csv::Reading {
            link,
            page_time_max: answering.request_time_max,
            rows_max: answering.csv_rows_max,
            going_down: answering.going_down.clone(),
        };
        let query = query.as_deref().unwrap_or_default();
        return people::csv::answer(reading, &message, query).await.map(Answered::Other);
    }
    let response = call::unary(link, &rpc, message).await?;
    let mut resource = transcode::resource(&response, route.resource);
    let waits = route.rpc == lookup::RPC && lookup::waits(&resource);
    fields.keep(&mut resource);
    Ok(match waits {
        true => Answered::Other(lookup::accepted(resource)),
        false => Answered::Json(resource.to_string().into_bytes()),
    })
}

async fn read(request: Request, size_max: usize) -> Result<Bytes, Error> {
    let body = Limited::new(request.into_body(), size_max);
    let body = body.collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            Error::BodyTooLarge { max: size_max }
        } else {
            Error::BodyBroken(axum::Error::new(error))
        }
    })?;
    Ok(body.to_bytes())
}

/// Puts a request into a span of its own.
pub(crate) async fn trace(request: Request, next: Next) -> Response {
    let span = span(&request);
    let answered = async {
        let response = next.run(request).await;
        tell_status(response.status());
        response
    };
    answered.instrument(span).await
}

/// One span a request, in the trace of its caller.
///
/// Where traces are not exported it is only for the lines of the log, which need to know what was asked.
fn span(request: &Request) -> Span {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let id = request.extensions().get::<RequestId>().map_or("", RequestId::as_str);
    let method = request.method().as_str();
    let span = if klout_telemetry::exports_traces() {
        info_span!(
            "http",
            otel.name = format!("{method} {route}"),
            otel.kind = "server",
            http.request.method = method,
            http.route = route,
            http.request.id = id,
            http.response.status_code = Empty,
        )
    } else {
        // All three can stand in a line as they are.
        info_span!("http", http.request.method = %method, http.route = %route, http.request.id = %id)
    };
    klout_telemetry::continue_trace(&span, request.headers());
    span
}

/// Notes in the current span how its request was answered.
fn tell_status(status: StatusCode) {
    if klout_telemetry::exports_traces() {
        Span::current().record("http.response.status_code", status.as_u16());
    }
}

/// What panicked is in the log of the panic hook; the caller is not told.
pub(crate) fn panicked() -> Status {
    let refusal = Refusal::new(Code::Internal, "PANICKED");
    refusal.into_plain_status("something went wrong on our side")
}
