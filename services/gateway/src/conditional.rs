//! Conditional requests: who has what would be answered is told that it still holds, and not sent it again.
//!
//! Who answers is asked anew each time, and what comes is only compared with what the caller has. So nobody hears that
//! something still holds of somebody who has left since.

use axum::{
    body::{Body, Bytes},
    extract::Request,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use klout_chassis::switched_on;

/// Bytes of an answer that is compared; a longer one, and one that comes in pieces, is sent.
pub(crate) const BYTES_MAX: usize = 1024 * 1024;

/// What is answered, and its tag.
#[derive(Clone, Debug)]
pub(crate) struct Tagged {
    pub(crate) body: Bytes,
    tag: HeaderValue,
}

/// Gives what is answered to a GET a tag, and answers 304 to who has it.
pub(crate) async fn conditional(request: Request, next: Next) -> Response {
    if request.method() != Method::GET {
        return next.run(request).await;
    }
    let held = held(request.headers());
    if let Some(response) = unasked(&held) {
        return response;
    }
    let response = next.run(request).await;
    let length = response.body().size_hint().exact();
    if response.status() != StatusCode::OK || length.is_none_or(|length| length > BYTES_MAX as u64)
    {
        return response;
    }
    let (parts, body) = response.into_parts();
    let Ok(body) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    unless_held(&held, parts.headers, Tagged::of(body.into()))
}

/// The tags that somebody says to have.
pub(crate) fn held(headers: &HeaderMap) -> Vec<HeaderValue> {
    headers.get_all(IF_NONE_MATCH).iter().cloned().collect()
}

/// For tests: what whoever has something would be told if nobody looked whether it still holds.
pub(crate) fn unasked(held: &[HeaderValue]) -> Option<Response> {
    let answers = !held.is_empty() && switched_on!("gateway.not_modified_unasked");
    answers.then(|| StatusCode::NOT_MODIFIED.into_response())
}

/// What is answered to a GET, with these headers and with its tag, unless who asks has it.
pub(crate) fn unless_held(
    held: &[HeaderValue],
    mut headers: HeaderMap,
    Tagged { body, tag }: Tagged,
) -> Response {
    // Whoever keeps it asks again before showing it, and keeps it for nobody else.
    let asks_again = || HeaderValue::from_static("private, no-cache");
    headers.entry(CACHE_CONTROL).or_insert_with(asks_again);
    let is_held = matches(held, &tag);
    headers.insert(ETAG, tag);
    let mut response = if is_held {
        headers.remove(CONTENT_LENGTH);
        headers.remove(CONTENT_TYPE);
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        Response::new(Body::from(body))
    };
    *response.headers_mut() = headers;
    response
}

// === impl Tagged ===

impl Tagged {
    /// Both lie in the same memory: what is kept is read from as few places as can be.
    pub(crate) fn of(mut body: Vec<u8>) -> Self {
        let (tag, length) = (tag(&body), body.len());
        body.extend_from_slice(&tag);
        let mut body = Bytes::from(body);
        let tag = HeaderValue::from_maybe_shared(body.split_off(length));
        Self { body, tag: tag.expect("hexadecimal digits can stand in a header") }
    }
}

fn tag(body: &[u8]) -> [u8; 34] {
    let hash = blake3::hash(body).to_hex();
    let mut tag = [b'"'; 34];
    tag[1..33].copy_from_slice(&hash.as_bytes()[..32]);
    tag
}

/// Whether one of the tags that somebody has is this one: weakly compared, as HTTP has it.
fn matches(held: &[HeaderValue], tag: &HeaderValue) -> bool {
    let tag = tag.as_bytes();
    let of_value = |value: &HeaderValue| {
        let mut tags = value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        tags.any(|it| it == b"*" || it == tag || it.strip_prefix(b"W/") == Some(tag))
    };
    held.iter().any(of_value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_several_tags_is_enough_and_another_one_is_not() {
        let Tagged { body, tag } = Tagged::of(b"a score".to_vec());
        assert_eq!(body, "a score");
        let text = tag.to_str().expect("text").to_owned();
        let held = |text: String| [HeaderValue::from_str(&text).expect("a header")];
        for same in
            [text.clone(), format!("W/{text}"), format!("\"other\", {text}"), "*".to_owned()]
        {
            assert!(matches(&held(same.clone()), &tag), "{same}");
        }
        for other in ["\"other\"".to_owned(), text.replace('"', ""), String::new()] {
            assert!(!matches(&held(other.clone()), &tag), "{other}");
        }
        assert!(!matches(&[], &tag));
    }
}
