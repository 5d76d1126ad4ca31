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
use http_body_util::{BodyExt as _, BodyStream, LengthLimitError, Limited, StreamBody};
use klout_chassis::{CallLimits, Guard, Link, Links, Refusal};
use klout_proto::json::DESCRIPTORS;
use prost_reflect::DynamicMessage;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use tower::ServiceExt as _;

use crate::{
    access::{self, Access},
    call::{self, to_caller},
    door::Door,
    error::Error,
    routes::owners,
};

/// This RPC goes through the whole log, and may take as long as a stream.
const REDELIVER: &str = "/klout.signal.v1.SignalService/RedeliverSignals";

/// A request with a field that only operators may name is held in memory, and is not longer than this.
const HELD_MAX: usize = 64 * 1024;

/// This RPC answers for as long as the caller listens, so it is ended when the process is.
const WATCH: &str = "/klout.score.v1.ScoreService/WatchScores";

/// Where calls of a service go on to.
#[derive(Clone, Debug)]
struct Onward {
    link: Link,
    door: Door,
    going_down: CancellationToken,
}

/// The router of every RPC there is, behind the same layers as in front of a service.
pub(crate) fn router(
    links: &Links,
    door: &Door,
    request_time_max: Duration,
    stream_time_max: Duration,
    going_down: &CancellationToken,
) -> Router {
    let mut router = Router::new();
    let mut streaming = vec![REDELIVER.to_owned()];
    for (package, owner) in owners() {
        for service in DESCRIPTORS.services().filter(|it| it.package_name() == package) {
            let path = format!("/{}/{{method}}", service.full_name());
            let (door, going_down) = (door.clone(), going_down.clone());
            let onward = Onward { link: links.to(owner), door, going_down };
            router = router.route(&path, any(forward).with_state(onward));
            let streams =
                service.methods().filter(prost_reflect::MethodDescriptor::is_client_streaming);
            streaming.extend(streams.map(|it| format!("/{}/{}", service.full_name(), it.name())));
        }
    }
    let limits = CallLimits { request_time_max, stream_time_max, streaming };
    router.layer(Guard::around_a_door(limits))
}

/// The link puts our own token in the place of the caller's, and says for whom we call.
async fn forward(State(onward): State<Onward>, request: Request) -> Response {
    let Onward { link, door, going_down } = onward;
    let rpc = request.uri().path();
    let endless = rpc == WATCH;
    let visitor = match door.admit(request.headers(), Access::of(rpc)).await {
        Ok(visitor) => visitor,
        Err(turned_away) => return turned_away.into_status(method_unknown).into_http(),
    };
    let link = link.on_behalf_of(visitor.caller());
    let request =
        if visitor.is_operator() { Ok(request) } else { without_operator_fields(request).await };
    let request = match request {
        Ok(request) => request,
        Err(status) => return status.into_http(),
    };
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

/// What anybody is told who calls what does not exist.
fn method_unknown() -> Status {
    Refusal::new(Code::Unimplemented, "METHOD_UNKNOWN").into_plain_status("no such method")
}

/// The same request, unless it names something that is for the operator alone.
async fn without_operator_fields(request: Request) -> Result<Request, Status> {
    let Some(field) = access::operator_field(request.uri().path()) else { return Ok(request) };
    let rpc = request.uri().path().trim_start_matches('/').to_owned();
    let (head, body) = request.into_parts();
    let body = Limited::new(body, HELD_MAX).collect().await;
    let body = body.map_err(|error| {
        if error.is::<LengthLimitError>() {
            Error::BodyTooLarge { max: HELD_MAX }
        } else {
            Error::BodyBroken(axum::Error::new(error))
        }
    })?;
    let body = body.to_bytes();
    // A message is a flag that says whether it is compressed, its length in four bytes, and its bytes. None of ours is
    // compressed, and a service would refuse it too.
    let message = body.get(5..).filter(|_| body[0] == 0).ok_or(Error::MessageMalformed)?;
    let method = DESCRIPTORS.services().flat_map(|it| it.methods().collect::<Vec<_>>());
    let method = method.into_iter().find(|it| call::path(it).trim_start_matches('/') == rpc);
    let input = method.expect("the table was checked against the descriptors").input();
    let message = DynamicMessage::decode(input, message).map_err(|_| Error::MessageMalformed)?;
    access::refuse_operator_field(&message, field)?;
    Ok(Request::from_parts(head, Body::from(body)))
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
