//! gRPC at the gateway: calls go on, as they are, to the service that owns them.

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
    routing::any,
};
use futures::{StreamExt as _, stream};
use http::HeaderMap;
use http_body::Frame;
use http_body_util::{BodyStream, StreamBody};
use klout_chassis::{Authentication, CallLimits, Caller, Guard, Link, Links, Refusal};
use klout_proto::json::DESCRIPTORS;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use tower::ServiceExt as _;

use crate::{call::to_caller, routes::owners};

/// How the services end that take what other services push, and that only operators call. Through the
/// gateway, which calls in its own name, they are for the operator alone.
const INTERNAL: [&str; 2] = ["ConsumerService", "OperatorService"];

/// This RPC goes through the whole log, and may take as long as a stream.
const REDELIVER: &str = "/klout.signal.v1.SignalService/RedeliverSignals";

/// RPCs of public services that are for the operator alone too. The service sees the gateway's own token, and
/// cannot tell who asks for everybody's cases, for one pass over everybody after another, or by the keyed hashes
/// that only services know.
const OPERATORS: [&str; 5] = [
    REDELIVER,
    "/klout.graph.v1.GraphService/BatchGetMemberships",
    "/klout.score.v1.ScoreService/BatchGetActors",
    "/klout.score.v1.ScoreService/ListContests",
    "/klout.score.v1.ScoreService/StartRescore",
];

/// The purpose of an operator's key.
const OPERATOR: &str = "operator";

/// This RPC answers for as long as the caller listens, so it is ended when the process is.
const WATCH: &str = "/klout.score.v1.ScoreService/WatchScores";

/// Where calls of a service go on to.
#[derive(Clone, Debug)]
struct Onward {
    link: Link,
    internal: bool,
    going_down: CancellationToken,
}

/// The router of every RPC there is, behind the same layers as in front of a service.
pub(crate) fn router(
    links: &Links,
    authentication: Authentication,
    request_time_max: Duration,
    stream_time_max: Duration,
    going_down: &CancellationToken,
) -> Router {
    let mut router = Router::new();
    let mut streaming = vec![REDELIVER.to_owned()];
    for (package, owner) in owners() {
        for service in DESCRIPTORS.services().filter(|it| it.package_name() == package) {
            let path = format!("/{}/{{method}}", service.full_name());
            let internal = INTERNAL.iter().any(|end| service.name().ends_with(end));
            let going_down = going_down.clone();
            let onward = Onward { link: links.to(owner), internal, going_down };
            router = router.route(&path, any(forward).with_state(onward));
            let streams =
                service.methods().filter(prost_reflect::MethodDescriptor::is_client_streaming);
            streaming.extend(streams.map(|it| format!("/{}/{}", service.full_name(), it.name())));
        }
    }
    let limits = CallLimits { request_time_max, stream_time_max, streaming };
    router.layer(Guard::new(authentication, limits))
}

/// The link puts our own token in the place of the caller's.
async fn forward(State(onward): State<Onward>, request: Request) -> Response {
    let Onward { link, internal, going_down } = onward;
    let endless = request.uri().path() == WATCH;
    let internal = internal || for_operators(request.uri().path());
    if internal && !request.extensions().get::<Caller>().is_some_and(is_operator) {
        let refusal = Refusal::new(Code::Unimplemented, "METHOD_UNKNOWN");
        return refusal.into_plain_status("no such method").into_http();
    }
    let response = match link.oneshot(request.map(tonic::body::Body::new)).await {
        Ok(response) => response,
        Err(error) => return to_caller(Status::from_error(error)).into_http(),
    };
    match Status::from_header_map(response.headers()) {
        Some(status) if status.code() == Code::Unauthenticated => to_caller(status).into_http(),
        Some(_) | None if endless => response.map(|body| until(going_down, body)),
        Some(_) | None => response.map(Body::new),
    }
}

/// The same answer, which ends when this process is about to stop.
fn until(going_down: CancellationToken, body: tonic::body::Body) -> Body {
    let frames = stream::unfold(Some(BodyStream::new(body)), move |frames| {
        let going_down = going_down.clone();
        async move {
            let mut frames = frames?;
            tokio::select! {
                frame = frames.next() => frame.map(|frame| (frame, Some(frames))),
                () = going_down.cancelled() => Some((stopping().map(Frame::trailers), None)),
            }
        }
    });
    Body::new(StreamBody::new(frames))
}

/// What the caller is told at the end.
fn stopping() -> Result<HeaderMap, Status> {
    let refusal = Refusal::new(Code::Unavailable, "STOPPING");
    let mut trailers = HeaderMap::new();
    refusal.into_plain_status("this process is about to stop").add_header(&mut trailers)?;
    Ok(trailers)
}

/// Whether an RPC of a public service, as `/PACKAGE.SERVICE/METHOD`, is for the operator alone.
pub(crate) fn for_operators(rpc: &str) -> bool {
    OPERATORS.contains(&rpc)
}

/// Whether the caller showed an operator's key, or needs none.
pub(crate) fn is_operator(Caller(claims): &Caller) -> bool {
    claims.as_ref().is_none_or(|claims| claims.purpose == OPERATOR)
}
