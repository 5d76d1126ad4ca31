//! One span a call, in the trace of its caller.

use axum::{extract::Request, middleware::Next, response::Response};
use tonic::Status;
use tracing::{Instrument as _, field::Empty, info_span};

/// Opens a span named after the method, as a child of the caller's `traceparent`.
pub(crate) async fn trace(request: Request, next: Next) -> Response {
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

    let response = next.run(request).instrument(span.clone()).await;
    let code = Status::from_header_map(response.headers()).map_or(0, |status| status.code().into());
    span.record("rpc.grpc.status_code", i64::from(code));
    response
}
