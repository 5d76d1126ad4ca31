//! One span a call, in the trace of its caller.

use http::Request;
use tonic::Code;
use tracing::{Span, field::Empty, info_span};

/// A span named after the method, as a child of the caller's `traceparent`.
///
/// Where traces are not exported it is only for the lines of the log, which need the name.
pub(crate) fn span<B>(request: &Request<B>) -> Span {
    let span = span_at(request.uri().path().trim_start_matches('/'));
    klout_telemetry::continue_trace(&span, request.headers());
    span
}

fn span_at(path: &str) -> Span {
    if !klout_telemetry::exports_traces() {
        return info_span!("rpc", rpc.method = path);
    }
    let (service, method) = path.split_once('/').unwrap_or((path, ""));
    info_span!(
        "rpc",
        otel.name = path,
        otel.kind = "server",
        rpc.system = "grpc",
        rpc.service = service,
        rpc.method = method,
        rpc.grpc.status_code = Empty,
    )
}

/// The span of a call within a process, as a child of the one that it is made in; lines of the log name that one.
pub(crate) fn span_within(path: &str) -> Span {
    if klout_telemetry::exports_traces() {
        span_at(path.trim_start_matches('/'))
    } else {
        Span::none()
    }
}

/// Notes in the current span how its call ended.
pub(crate) fn tell_code(code: Code) {
    if klout_telemetry::exports_traces() {
        Span::current().record("rpc.grpc.status_code", i32::from(code));
    }
}
