//! How far a key is from its limits, and how its caller is told.

use std::{fmt::Write as _, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};
use klout_chassis::Refusal;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tonic::Code;

/// `draft-ietf-httpapi-ratelimit-headers-11`: which limits there are.
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The same draft: what is left of each.
const STATE: HeaderName = HeaderName::from_static("ratelimit");

/// As drafts up to 06 had it, and as most clients know it: the limit that is nearest.
const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Every header that tells of limits.
pub(crate) const HEADERS: [HeaderName; 5] = [POLICY, STATE, LIMIT, REMAINING, RESET];

/// A window of time that calls are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    Second,
    Day,
}

/// One limit, and what is left of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) span: Span,
    pub(crate) limit: u64,
    pub(crate) remaining: u64,
    /// When the window ends.
    pub(crate) reset_ms: i64,
}

/// How far a key is from its limits after a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) lines: [Option<Line>; 2],
    pub(crate) now_ms: i64,
}

/// A limit that a key has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key may call {} times a {}; that is used up", .line.limit, .line.span.name())]
pub(crate) struct Reached {
    pub(crate) line: Line,
    pub(crate) standing: Standing,
}

// === impl Span ===

impl Span {
    pub(crate) const ALL: [Self; 2] = [Self::Second, Self::Day];

    /// Where it stands among all.
    pub(crate) const fn place(self) -> usize {
        match self {
            Self::Second => 0,
            Self::Day => 1,
        }
    }

    /// As headers and metrics name it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Day => "day",
        }
    }

    /// As the contract names the limit.
    const fn field(self) -> &'static str {
        match self {
            Self::Second => "calls_per_second",
            Self::Day => "calls_per_day",
        }
    }

    pub(crate) const fn seconds(self) -> i64 {
        match self {
            Self::Second => 1,
            Self::Day => 86_400,
        }
    }

    /// The window that a time is in, counted from the epoch.
    pub(crate) const fn window(self, now_ms: i64) -> i64 {
        now_ms.div_euclid(self.seconds() * 1_000)
    }

    pub(crate) const fn end_ms(self, window: i64) -> i64 {
        (window + 1) * self.seconds() * 1_000
    }
}

// === impl Line ===

impl Line {
    /// Whole seconds until it begins anew, and none too few.
    const fn reset_seconds(&self, now_ms: i64) -> i64 {
        let left = self.reset_ms - now_ms;
        if left <= 0 { 0 } else { (left + 999) / 1_000 }
    }
}

// === impl Standing ===

impl Standing {
    /// Says so in the headers of an answer.
    pub(crate) fn add_to(&self, headers: &mut HeaderMap) {
        let (mut policy, mut state) = (String::new(), String::new());
        for line in self.lines.iter().flatten() {
            let separator = if policy.is_empty() { "" } else { ", " };
            let (name, window) = (line.span.name(), line.span.seconds());
            let (limit, remaining) = (line.limit, line.remaining);
            let reset = line.reset_seconds(self.now_ms);
            // Writing to a string does not fail.
            let _ = write!(policy, "{separator}\"{name}\";q={limit};w={window}");
            let _ = write!(state, "{separator}\"{name}\";r={remaining};t={reset}");
        }
        let nearest = self.lines.iter().flatten().min_by_key(|line| line.remaining);
        let Some(nearest) = nearest else { return };
        let text = |text| HeaderValue::from_str(text).expect("letters, digits and signs of ASCII");
        headers.insert(POLICY, text(&policy));
        headers.insert(STATE, text(&state));
        headers.insert(LIMIT, HeaderValue::from(nearest.limit));
        headers.insert(REMAINING, HeaderValue::from(nearest.remaining));
        headers.insert(RESET, HeaderValue::from(nearest.reset_seconds(self.now_ms)));
    }
}

// === impl Reached ===

impl Reached {
    /// What the caller is told.
    pub(crate) fn refusal(&self) -> Refusal {
        let left = u64::try_from(self.line.reset_ms - self.standing.now_ms).unwrap_or(0);
        let reset = OffsetDateTime::from_unix_timestamp(self.line.reset_ms.div_euclid(1_000));
        let reset = reset.ok().and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_default();
        Refusal::new(Code::ResourceExhausted, "LIMIT_REACHED")
            .with("limit", self.line.span.field())
            .with("max", self.line.limit)
            .with("reset_time", reset)
            .retry_after(Duration::from_millis(left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing() -> Standing {
        let day = Line { span: Span::Day, limit: 50_000, remaining: 41_000, reset_ms: 86_400_000 };
        let second = Line { span: Span::Second, limit: 100, remaining: 99, reset_ms: 80_000_000 };
        Standing { lines: [Some(second), Some(day)], now_ms: 79_999_340 }
    }

    fn headers(standing: &Standing) -> Vec<(String, String)> {
        let mut headers = HeaderMap::new();
        standing.add_to(&mut headers);
        let mut headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().expect("ASCII").to_owned()))
            .collect();
        headers.sort();
        headers
    }

    #[test]
    fn both_limits_stand_in_the_headers_of_the_draft_and_the_nearer_one_in_the_older() {
        let expected = [
            ("ratelimit", "\"second\";r=99;t=1, \"day\";r=41000;t=6401"),
            ("ratelimit-limit", "100"),
            ("ratelimit-policy", "\"second\";q=100;w=1, \"day\";q=50000;w=86400"),
            ("ratelimit-remaining", "99"),
            ("ratelimit-reset", "1"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(headers(&standing()), expected);
    }

    #[test]
    fn who_has_no_limit_is_told_of_none() {
        assert!(headers(&Standing { lines: [None, None], now_ms: 0 }).is_empty());
    }

    #[test]
    fn windows_begin_and_end_with_the_clock() {
        assert_eq!(Span::Second.window(1_999), 1);
        assert_eq!(Span::Second.end_ms(1), 2_000);
        assert_eq!(Span::Day.window(86_400_000), 1);
        assert_eq!(Span::Day.end_ms(0), 86_400_000);
        assert_eq!(Span::Day.window(-1), -1);
    }
}
