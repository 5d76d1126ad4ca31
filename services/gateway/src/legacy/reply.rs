//! How the old API answers: the bodies, types and statuses that old software tells apart. No I/O.
//!
//! Software of then knows 401, 403, 404, 500, and some of it 502 and 503, as errors. Whatever else has a body of JSON
//! it takes for an answer, and one client anything typed `text/xml`. So what it should not take for one is neither.

use axum::response::{IntoResponse as _, Response};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS},
};
use serde::Serialize;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::{node::Node, request::Format};

/// Says which of the reasons for 403 it is; some software reads it.
const MASHERY_ERROR_CODE: HeaderName = HeaderName::from_static("x-mashery-error-code");

/// Reasons why what was a key is none any more.
const INACTIVE: [&str; 2] = ["KEY_EXPIRED", "KEY_REVOKED"];

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const SCRIPT: HeaderValue = HeaderValue::from_static("application/javascript; charset=utf-8");
const XML: HeaderValue = HeaderValue::from_static("application/xml; charset=utf-8");

/// An answer that was found.
#[derive(Debug, PartialEq)]
pub(super) struct Answer {
    status: StatusCode,
    body: Body,
}

#[derive(Debug, PartialEq)]
enum Body {
    Json(String),
    Xml(String),
}

/// Why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// No key, or one that nobody was given.
    Key,
    /// A key that is none any more.
    Inactive,
    /// A key for something else.
    NotAuthorized,
    /// Too many calls at once, with how many seconds to wait.
    OverQps(Option<u64>),
    /// Too many calls on a day, likewise.
    OverRate(Option<u64>),
    /// Something that was never answered, in words.
    Invalid(&'static str),
    /// Nobody, or somebody who is not shown, or who has no score.
    Nobody,
    /// Nothing has that address.
    Nothing,
    /// Something else than a `GET`.
    NotAGet,
    /// Somebody who is not scored yet. To clients of version 2 what has another status than these is an answer.
    Queued,
    Broken,
    /// With how many seconds to wait.
    Unavailable(Option<u64>),
    Late,
}

/// As old software reads it.
#[derive(Serialize)]
struct Failure<'a> {
    error: u16,
    description: &'a str,
}

// === impl Answer ===

impl Answer {
    pub(super) fn json(answer: &impl Serialize) -> Self {
        Self { status: StatusCode::OK, body: Body::Json(json(answer)) }
    }

    /// Of version 1, whose body says its status too.
    pub(super) fn node(status: StatusCode, node: &Node, format: Format) -> Self {
        let body = match format {
            Format::Json => Body::Json(json(node)),
            Format::Xml => Body::Xml(node.xml()),
        };
        Self { status, body }
    }
}

// === impl Refused ===

impl Refused {
    const fn status(self) -> StatusCode {
        match self {
            Self::Key
            | Self::Inactive
            | Self::NotAuthorized
            | Self::OverQps(_)
            | Self::OverRate(_)
            | Self::Invalid(_) => StatusCode::FORBIDDEN,
            Self::Nobody | Self::Nothing | Self::Queued => StatusCode::NOT_FOUND,
            Self::NotAGet => StatusCode::METHOD_NOT_ALLOWED,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Late => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    const fn description(self) -> &'static str {
        match self {
            Self::Key => "Invalid or unprovided API key. All calls must have a key.",
            Self::Inactive => "Developer Inactive",
            Self::NotAuthorized => "Not Authorized",
            Self::OverQps(_) => "Developer Over Qps",
            Self::OverRate(_) => "Developer Over Rate",
            Self::Invalid(what) => what,
            Self::Nobody => "User not found.",
            Self::Nothing => "Not found: no such URI.",
            Self::NotAGet => "All calls are made with GET.",
            Self::Queued => "The user was queued for scoring.",
            Self::Broken => "Internal server error.",
            Self::Unavailable(_) => "Service Unavailable",
            Self::Late => "Gateway Timeout",
        }
    }

    /// What stood before the API then, a proxy named Mashery, said it, and says what of it in a header.
    const fn mashery(self) -> Option<&'static str> {
        match self {
            Self::Key | Self::NotAuthorized => Some("ERR_403_NOT_AUTHORIZED"),
            Self::Inactive => Some("ERR_403_DEVELOPER_INACTIVE"),
            Self::OverQps(_) => Some("ERR_403_DEVELOPER_OVER_QPS"),
            Self::OverRate(_) => Some("ERR_403_DEVELOPER_OVER_RATE"),
            Self::Invalid(_)
            | Self::Nobody
            | Self::Nothing
            | Self::NotAGet
            | Self::Queued
            | Self::Broken
            | Self::Unavailable(_)
            | Self::Late => None,
        }
    }

    /// Whether the body is that of the proxy, and not of the API behind it.
    const fn by_the_proxy(self) -> bool {
        match self {
            Self::Inactive
            | Self::NotAuthorized
            | Self::OverQps(_)
            | Self::OverRate(_)
            | Self::NotAGet
            | Self::Unavailable(_)
            | Self::Late => true,
            Self::Key
            | Self::Invalid(_)
            | Self::Nobody
            | Self::Nothing
            | Self::Queued
            | Self::Broken => false,
        }
    }

    const fn seconds_to_wait(self) -> Option<u64> {
        match self {
            Self::OverQps(seconds) | Self::OverRate(seconds) | Self::Unavailable(seconds) => {
                seconds
            }
            Self::Key
            | Self::Inactive
            | Self::NotAuthorized
            | Self::Invalid(_)
            | Self::Nobody
            | Self::Nothing
            | Self::NotAGet
            | Self::Queued
            | Self::Broken
            | Self::Late => None,
        }
    }

    fn body(self) -> Body {
        let (error, description) = (self.status().as_u16(), self.description());
        if self.by_the_proxy() {
            Body::Xml(format!("<h1>{error} {description}</h1>"))
        } else {
            Body::Json(json(&Failure { error, description }))
        }
    }
}

impl From<&Status> for Refused {
    /// Whoever does not exist, is not shown or is meant by nobody can tell is the same to whoever asks.
    #[expect(clippy::wildcard_enum_match_arm, reason = "what is left is our fault")]
    fn from(status: &Status) -> Self {
        let wait = status.get_details_retry_info().and_then(|info| info.retry_delay);
        // Whole seconds, and none too few.
        let wait = wait.map(|it| it.as_secs() + u64::from(it.subsec_nanos() > 0));
        let info = status.get_details_error_info();
        let (reason, metadata) = info.map(|it| (it.reason, it.metadata)).unwrap_or_default();
        let of_the_day = metadata.get("limit").is_some_and(|limit| limit == "calls_per_day");
        match status.code() {
            Code::Unauthenticated if INACTIVE.contains(&reason.as_str()) => Self::Inactive,
            Code::Unauthenticated => Self::Key,
            Code::PermissionDenied => Self::NotAuthorized,
            Code::ResourceExhausted if of_the_day => Self::OverRate(wait),
            Code::ResourceExhausted => Self::OverQps(wait),
            Code::NotFound
            | Code::InvalidArgument
            | Code::FailedPrecondition
            | Code::OutOfRange => Self::Nobody,
            Code::Unavailable => Self::Unavailable(wait),
            Code::DeadlineExceeded => Self::Late,
            _ => Self::Broken,
        }
    }
}

impl From<Status> for Refused {
    fn from(status: Status) -> Self {
        Self::from(&status)
    }
}

/// The response; `callback`: the function that the answer is handed to.
pub(super) fn respond(answered: Result<Answer, Refused>, callback: Option<&str>) -> Response {
    let (status, body, refused) = match answered {
        Ok(Answer { status, body }) => (status, body, None),
        Err(refused) => (refused.status(), refused.body(), Some(refused)),
    };
    let (content_type, text) = match (callback, body) {
        (None, Body::Json(text)) => (JSON, text),
        (None, Body::Xml(text)) => (XML, text),
        (Some(callback), Body::Json(text)) => (SCRIPT, format!("{callback}({text})")),
        // A script has no use for XML.
        (Some(callback), Body::Xml(text)) => {
            let failure = refused.map(|it| (it.status().as_u16(), it.description()));
            let text = match failure {
                Some((error, description)) => json(&Failure { error, description }),
                None => json(&text),
            };
            (SCRIPT, format!("{callback}({text})"))
        }
    };
    let mut response = (status, text).into_response();
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Whoever leaves is gone at once, so nobody on the way keeps it.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    if let Some(refused) = refused {
        if let Some(code) = refused.mashery() {
            headers.insert(MASHERY_ERROR_CODE, HeaderValue::from_static(code));
        }
        if let Some(seconds) = refused.seconds_to_wait() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if refused == Refused::NotAGet {
            headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
    }
    response
}

/// Two characters that JSON may hold end a line in scripts of then.
fn json(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).expect("nothing of it cannot be JSON");
    if text.contains(['\u{2028}', '\u{2029}']) {
        text.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body_util::BodyExt as _;
    use klout_chassis::Refusal;

    use super::*;

    /// Status, type and body.
    async fn read(response: Response) -> (u16, String, String) {
        let status = response.status().as_u16();
        let content_type = response.headers()[CONTENT_TYPE].to_str().expect("text").to_owned();
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        (status, content_type, String::from_utf8(body.to_vec()).expect("text"))
    }

    async fn refused(refused: Refused, callback: Option<&str>) -> (u16, String, String) {
        read(respond(Err(refused), callback)).await
    }

    const ALL: [Refused; 13] = [
        Refused::Key,
        Refused::Inactive,
        Refused::NotAuthorized,
        Refused::OverQps(Some(1)),
        Refused::OverRate(None),
        Refused::Invalid("no"),
        Refused::Nobody,
        Refused::Nothing,
        Refused::NotAGet,
        Refused::Queued,
        Refused::Broken,
        Refused::Unavailable(Some(1)),
        Refused::Late,
    ];

    #[tokio::test]
    async fn a_key_that_is_none_is_told_as_the_api_told_it() {
        let (status, content_type, body) = refused(Refused::Key, None).await;
        assert_eq!((status, content_type.as_str()), (403, "application/json"));
        assert_eq!(
            body,
            r#"{"error":403,"description":"Invalid or unprovided API key. All calls must have a key."}"#
        );
    }

    #[tokio::test]
    async fn what_the_proxy_refused_is_told_as_it_told_it() {
        for (why, body, code) in [
            (Refused::Inactive, "<h1>403 Developer Inactive</h1>", "ERR_403_DEVELOPER_INACTIVE"),
            (
                Refused::OverQps(Some(1)),
                "<h1>403 Developer Over Qps</h1>",
                "ERR_403_DEVELOPER_OVER_QPS",
            ),
            (
                Refused::OverRate(Some(9)),
                "<h1>403 Developer Over Rate</h1>",
                "ERR_403_DEVELOPER_OVER_RATE",
            ),
            (Refused::NotAuthorized, "<h1>403 Not Authorized</h1>", "ERR_403_NOT_AUTHORIZED"),
        ] {
            let response = respond(Err(why), None);
            assert_eq!(response.headers()["x-mashery-error-code"], code);
            let waits = response.headers().get(RETRY_AFTER).and_then(|it| it.to_str().ok());
            assert_eq!(waits.map(str::to_owned), why.seconds_to_wait().map(|it| it.to_string()));
            let expected = (403, "application/xml; charset=utf-8".to_owned(), body.to_owned());
            assert_eq!(read(response).await, expected);
        }
    }

    #[tokio::test]
    async fn nothing_that_is_wrong_looks_like_an_answer_to_old_software() {
        for why in ALL {
            let (status, content_type, body) = refused(why, None).await;
            // What no client of then takes for an error by its number.
            if ![401, 403, 404, 500].contains(&status) {
                assert!(serde_json::from_str::<serde_json::Value>(&body).is_err(), "{why:?}");
                assert!(!content_type.contains("json") && !content_type.contains("text/xml"));
            }
        }
    }

    #[tokio::test]
    async fn a_script_is_handed_errors_too_with_their_number() {
        for why in ALL {
            let (status, content_type, body) = refused(why, Some("cb")).await;
            assert_eq!(status, why.status().as_u16());
            assert_eq!(content_type, "application/javascript; charset=utf-8");
            let inner = body.strip_prefix("cb(").and_then(|it| it.strip_suffix(')'));
            let value: serde_json::Value =
                serde_json::from_str(inner.expect("a call")).expect("JSON");
            assert_eq!(value["error"], status);
        }
    }

    #[tokio::test]
    async fn a_line_does_not_end_within_a_script() {
        let answer = Answer::json(&"a\u{2028}b\u{2029}c</script>");
        let (_, _, body) = read(respond(Ok(answer), Some("cb"))).await;
        assert_eq!(body, r#"cb("a\u2028b\u2029c</script>")"#);
    }

    #[test]
    fn what_services_say_becomes_what_old_software_knows() {
        let status = |code, reason| Refusal::new(code, reason).into_plain_status("no");
        for (code, reason, refused) in [
            (Code::NotFound, "PERSON_UNKNOWN", Refused::Nobody),
            (Code::FailedPrecondition, "HANDLE_AMBIGUOUS", Refused::Nobody),
            (Code::InvalidArgument, "FIELD_INVALID", Refused::Nobody),
            (Code::Unauthenticated, "TOKEN_INVALID", Refused::Key),
            (Code::Unauthenticated, "KEY_EXPIRED", Refused::Inactive),
            (Code::Unauthenticated, "KEY_REVOKED", Refused::Inactive),
            (Code::PermissionDenied, "SCOPE_MISSING", Refused::NotAuthorized),
            (Code::PermissionDenied, "PURPOSE_REFUSED", Refused::NotAuthorized),
            (Code::ResourceExhausted, "CALLS_TOO_MANY", Refused::OverQps(None)),
            (Code::Unavailable, "PEER_UNAVAILABLE", Refused::Unavailable(None)),
            (Code::DeadlineExceeded, "DEADLINE_EXCEEDED", Refused::Late),
            (Code::Internal, "PEER_FAILED", Refused::Broken),
        ] {
            assert_eq!(Refused::from(&status(code, reason)), refused, "{reason}");
        }
        let reached = |limit| {
            let refusal = Refusal::new(Code::ResourceExhausted, "LIMIT_REACHED");
            let refusal = refusal.with("limit", limit).retry_after(Duration::from_millis(1_500));
            Refused::from(&refusal.into_plain_status("no"))
        };
        assert_eq!(reached("calls_per_second"), Refused::OverQps(Some(2)));
        assert_eq!(reached("calls_per_day"), Refused::OverRate(Some(2)));
        let later = Refusal::new(Code::Unavailable, "OVERLOADED")
            .retry_after(Duration::from_millis(200))
            .into_plain_status("no");
        assert_eq!(Refused::from(&later), Refused::Unavailable(Some(1)));
    }
}
