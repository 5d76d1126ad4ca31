//! One span a call, in the trace of its caller.

use http::Request;
use tonic::Code;
use tracing::{Span, field::Empty, info_span};

/// A span named after the method, as a child of the caller's `traceparent`.
///
/// Where traces are not exported it is only for the lines of the log, which need the name.
pub(crate) fn span<B>(request: &Request<B>) -> Span {
    let path = request.uri().path().trim_start_matches('/');
    if !klout_telemetry::exports_traces() {
        let span = info_span!("rpc", rpc.method = path);
        klout_telemetry::continue_trace(&span, request.headers());
        return span;
    }
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
pub(crate) fn tell_code(code: Code) {
    if klout_telemetry::exports_traces() {
        Span::current().record("rpc.grpc.status_code", i32::from(code));
    }
}
