//! The name of a request, by which its caller and we speak of it: in the header of the answer, in the body of a problem,
//! and in the span.

use axum::{body::Body, extract::Request, response::Response};
use http::{HeaderName, HeaderValue};
use serde_json::{Map, Value};
use uuid::Uuid;

/// Both ways.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The longest one that is taken over from a caller.
pub(crate) const BYTES_MAX: usize = 128;

/// In the extensions of a request.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(HeaderValue);

/// In the extensions of an answer: the problem that it tells, to which the name of the request is added.
#[derive(Clone, Debug)]
pub(crate) struct Told(pub(crate) Map<String, Value>);

// === impl RequestId ===

impl RequestId {
    /// The caller's own, if it can stand in a log as it is; else a new one.
    fn of(request: &Request) -> Self {
        let given = request.headers().get(&HEADER).filter(|given| {
            let bytes = given.as_bytes();
            (1..=BYTES_MAX).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)
        });
        Self(given.cloned().unwrap_or_else(|| {
            let mut made = Uuid::encode_buffer();
            let made = Uuid::new_v4().as_hyphenated().encode_lower(&mut made);
            HeaderValue::from_str(made).expect("hexadecimal digits can stand in a header")
        }))
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().expect("it is visible ASCII")
    }

    /// Names a request.
    pub(crate) fn name(request: &mut Request) -> Self {
        let id = Self::of(request);
        request.extensions_mut().insert(id.clone());
        id
    }

    /// Says in an answer what its request was named.
    pub(crate) fn tell(self, response: &mut Response) {
        if let Some(Told(mut problem)) = response.extensions_mut().remove::<Told>() {
            problem.insert("requestId".to_owned(), self.as_str().into());
            *response.body_mut() = Body::from(Value::Object(problem).to_string());
        }
        response.headers_mut().insert(HEADER, self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(given: &[u8]) -> String {
        let request = Request::builder().header(HEADER, given).body(Body::empty());
        RequestId::of(&request.expect("a request")).as_str().to_owned()
    }

    #[test]
    fn one_that_cannot_stand_in_a_log_is_not_taken_over() {
        let longest = "a".repeat(BYTES_MAX);
        for fine in ["crm-7", "{a}!\"'", &longest] {
            assert_eq!(of(fine.as_bytes()), fine);
        }
        let longer = "a".repeat(BYTES_MAX + 1);
        for wrong in ["", "two words", "tab\there", "ü", &longer] {
            let made = of(wrong.as_bytes());
            assert!(Uuid::parse_str(&made).is_ok(), "{wrong:?}: {made}");
        }
    }
}
