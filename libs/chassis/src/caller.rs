//! Who a call is for, and why they ask.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use http::{HeaderMap, HeaderName, HeaderValue};
use klout_model::{Purpose, PurposeRefused};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};
use tonic::{Code, Request, Status};

use crate::refusal::Refusal;

/// For whom one of our own services calls another: percent-encoded. From anybody else it means nothing.
pub(crate) const CALLER: HeaderName = HeaderName::from_static("klout-caller");

/// Why they ask, in the words of their key. Goes with [`CALLER`].
pub(crate) const PURPOSE: HeaderName = HeaderName::from_static("klout-purpose");

/// Bytes of a name, and of a purpose, that are kept: both stand in the log of look-ups.
const TEXT_MAX: usize = 128;

/// What stands in a header as it is.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'/').remove(b':');

/// Tells callers apart without a look at their names.
static NUMBERS: AtomicU64 = AtomicU64::new(1);

/// Who calls and what for; in the extensions of every request that passed the layers. Clones share it.
#[derive(Clone, Debug)]
pub struct Caller(Arc<Asker>);

#[derive(Debug)]
struct Asker {
    number: u64,
    name: String,
    words: String,
    purpose: Purpose,
    /// As [`CALLER`] and [`PURPOSE`] say it.
    headers: (HeaderValue, HeaderValue),
}

// === impl Caller ===

impl Caller {
    /// `words`: the purpose as the key says it. Of longer texts the first 128 bytes are kept.
    ///
    /// # Errors
    ///
    /// When they say that it is for something for which nobody's data may be used.
    pub fn new(name: &str, words: &str) -> Result<Self, PurposeRefused> {
        // Of the whole text, not of its beginning.
        let purpose = Purpose::of_key(words)?;
        let (name, words) = (beginning(name), beginning(words));
        let headers = (encoded(name), encoded(words));
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        Ok(Self(Arc::new(Asker {
            number,
            name: name.to_owned(),
            words: words.to_owned(),
            purpose,
            headers,
        })))
    }

    /// Whoever needs no token: they may do what an operator may.
    pub(crate) fn anyone() -> Self {
        Self::known("anyone", Purpose::Operator)
    }

    /// Whoever reads our web pages.
    #[must_use]
    pub fn web() -> Self {
        Self::known("web", Purpose::Show)
    }

    /// Our own services, when they ask for nobody else.
    pub(crate) fn own() -> Self {
        Self::known("klout", Purpose::Internal)
    }

    fn known(name: &str, purpose: Purpose) -> Self {
        Self::new(name, purpose.as_str()).expect("none of ours is refused")
    }

    /// For whom a request is answered.
    ///
    /// # Panics
    ///
    /// When it did not pass the layers, as every request of a service does.
    #[must_use]
    pub fn of<T>(request: &Request<T>) -> Self {
        request.extensions().get::<Self>().expect("every call passes the layers").clone()
    }

    /// For whom a service of ours calls, as it says; `None`: for itself.
    pub(crate) fn of_headers(headers: &HeaderMap) -> Option<Result<Self, PurposeRefused>> {
        let text = |value: Option<&HeaderValue>| {
            let value = value.map(HeaderValue::as_bytes).unwrap_or_default();
            percent_decode(value).decode_utf8_lossy().into_owned()
        };
        let (caller, purpose) = (headers.get(CALLER), headers.get(PURPOSE));
        caller.or(purpose)?;
        Some(Self::new(&text(caller), &text(purpose)))
    }

    /// The name of the key.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// What data is used for.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.0.purpose
    }

    /// The same in the words of the key.
    #[must_use]
    pub fn words(&self) -> &str {
        &self.0.words
    }

    /// Differs from that of every caller whose name or purpose differs, in this process.
    pub(crate) fn number(&self) -> u64 {
        self.0.number
    }

    /// Tells a service that the call is for this caller, and for nobody whom the headers named before.
    pub(crate) fn put(caller: Option<&Self>, headers: &mut HeaderMap) {
        match caller.filter(|caller| caller.purpose() != Purpose::Internal) {
            Some(caller) => {
                let (name, purpose) = &caller.0.headers;
                headers.insert(CALLER, name.clone());
                headers.insert(PURPOSE, purpose.clone());
            }
            None => {
                headers.remove(CALLER);
                headers.remove(PURPOSE);
            }
        }
    }
}

/// What is said to a key whose purpose is refused.
pub(crate) fn refused(error: PurposeRefused) -> Status {
    let refusal = Refusal::new(Code::PermissionDenied, "PURPOSE_REFUSED");
    refusal.with("word", &error.word).into_status(error)
}

fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_MAX)]
}

fn encoded(text: &str) -> HeaderValue {
    let text = utf8_percent_encode(text, ENCODED).to_string();
    HeaderValue::try_from(text).expect("what is percent-encoded can stand in a header")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_arrives_at_a_service_as_it_was_at_the_door() {
        for (name, words) in [("desk", "check-in"), ("Büro 7; 100 %", "  Wer? \u{1f600}"), ("", "")]
        {
            let caller = Caller::new(name, words).expect("a caller");
            let mut headers = HeaderMap::new();
            Caller::put(Some(&caller), &mut headers);
            let again = Caller::of_headers(&headers).expect("headers").expect("a caller");
            assert_eq!((again.name(), again.words()), (name, words));
            assert_eq!(again.purpose(), caller.purpose());
        }
    }

    #[test]
    fn whoever_is_named_from_outside_is_forgotten() {
        let mut headers = HeaderMap::new();
        headers.insert(CALLER, HeaderValue::from_static("somebody-else"));
        headers.insert(PURPOSE, HeaderValue::from_static("operator"));
        Caller::put(None, &mut headers);
        assert!(headers.is_empty());
    }

    #[test]
    fn a_purpose_is_refused_for_a_word_that_is_not_kept() {
        let words = format!("{} hiring", "a".repeat(TEXT_MAX));
        assert!(Caller::new("desk", &words).is_err());
        let long = Caller::new(&"é".repeat(TEXT_MAX), "crm").expect("a caller");
        assert_eq!(long.name().len(), TEXT_MAX);
    }
}
