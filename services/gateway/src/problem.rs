//! A status as HTTP tells it: `application/problem+json` (RFC 9457) with the reason of its
//! `ErrorInfo`.

use axum::response::{IntoResponse as _, Response};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use klout_chassis::DOMAIN;
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::request_id::Told;

/// The response that tells `status`.
pub(crate) fn problem(status: &Status) -> Response {
    let info = status.get_details_error_info();
    let (reason, metadata) = info.map(|info| (info.reason, info.metadata)).unwrap_or_default();
    let http = http_status(status.code(), &reason);
    let body = json!({
        "type": format!("urn:klout:error:{reason}"),
        "title": status.code().description(),
        "status": http.as_u16(),
        "detail": status.message(),
        "code": name(status.code()),
        "reason": reason,
        "domain": DOMAIN,
        "metadata": metadata,
    });
    let mut response = (http, body.to_string()).into_response();
    if let Value::Object(told) = body {
        response.extensions_mut().insert(Told(told));
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if http == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    add_retry_after(headers, status);
    response
}

/// The status of HTTP for `status`, and its reason.
pub(crate) fn http(status: &Status) -> (StatusCode, String) {
    let reason = klout_chassis::reason(status).unwrap_or_default();
    (http_status(status.code(), &reason), reason)
}

/// Tells when a retry may help, if it may.
pub(crate) fn add_retry_after(headers: &mut HeaderMap, status: &Status) {
    if let Some(delay) = status.get_details_retry_info().and_then(|info| info.retry_delay) {
        // Whole seconds, and none too few.
        let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
}

/// As google.rpc.Code maps them, but for what HTTP has a better word for.
pub(crate) fn http_status(code: Code, reason: &str) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        Code::InvalidArgument | Code::OutOfRange => StatusCode::BAD_REQUEST,
        Code::FailedPrecondition if matches!(reason, "HANDLE_AMBIGUOUS" | "PEOPLE_AMBIGUOUS") => {
            StatusCode::CONFLICT
        }
        Code::FailedPrecondition => StatusCode::BAD_REQUEST,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
        Code::ResourceExhausted if reason == "MESSAGE_TOO_LARGE" => StatusCode::PAYLOAD_TOO_LARGE,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented if reason == "METHOD_NOT_ALLOWED" => StatusCode::METHOD_NOT_ALLOWED,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::Cancelled | Code::Unknown | Code::Internal | Code::DataLoss => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

/// As the contract of google.rpc.Code spells it.
pub(crate) const fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
