//! One span a call, in the trace of its caller.

use axum::response::Response;
use http::Request;
use tonic::Status;
use tracing::{Span, field::Empty, info_span};

/// A span named after the method, as a child of the caller's `traceparent`.
pub(crate) fn span<B>(request: &Request<B>) -> Span {
    let path = request.uri().path().trim_start_matches('/');
    let (service, method) = path.split_once('/').unwrap_or((path, ""));
    let span = info_span!(
        "rpc",
        otel.name = path,
        otel.kind = "server",
        rpc.system = "grpc",
        rpc.service = service,
        rpc.method = method,
        rpc.grpc.status_code = Empty,
    );
    klout_telemetry::continue_trace(&span, request.headers());
    span
}

/// Notes in the current span how its call ended.
pub(crate) fn tell_status(response: Response) -> Response {
    let code = Status::from_header_map(response.headers()).map_or(0, |status| status.code().into());
    Span::current().record("rpc.grpc.status_code", i64::from(code));
    response
}
