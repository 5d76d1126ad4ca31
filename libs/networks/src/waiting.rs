//! How long a host asks us to wait, whichever of its clocks it says that by.

use serde::Deserialize;
use time::{
    Duration, OffsetDateTime,
    format_description::well_known::{Rfc2822, Rfc3339},
};

use crate::Answer;

/// Nobody is waited for longer without being asked again: who says so may be wrong, or lie.
const WAIT_MAX: Duration = Duration::DAY;

/// Numbers from here on are seconds since 1970, and smaller ones seconds from now.
const EPOCH_SECONDS_MIN: i64 = 1_000_000_000;

/// Numbers from here on are milliseconds since 1970.
const EPOCH_MILLIS_MIN: i64 = 1_000_000_000_000;

/// How many requests are left, and when there are more; by how networks name these headers.
const BUDGETS: [(&str, &str); 3] = [
    ("ratelimit-remaining", "ratelimit-reset"),
    ("x-ratelimit-remaining", "x-ratelimit-reset"),
    ("x-rate-limit-remaining", "x-rate-limit-reset"),
];

/// What Meta's networks say of budgets, in JSON.
const USAGES: [&str; 2] = ["x-business-use-case-usage", "x-app-usage"];

/// Until when whoever answered asks us to wait. `None`: it does not, or until a time that is over.
///
/// - `Retry-After`, in seconds or as a date;
/// - a budget that is used up, or an answer 429, and when there is a new one: in seconds from now (Reddit), seconds since
///   1970 (Bluesky, GitHub, X) or as a date of ISO 8601 (Mastodon);
/// - `estimated_time_to_regain_access`, in minutes, in JSON in a header (Meta);
/// - `backoff`, in seconds, in the body (Stack Exchange).
///
/// At most a day from now, whatever is said; the latest of those that are said.
#[must_use]
pub fn wait(answer: &Answer<'_>, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let said =
        [retry_after(answer, now), budget(answer, now), usage(answer, now), backoff(answer, now)];
    let until = said.into_iter().flatten().max()?;
    (until > now).then(|| until.min(now + WAIT_MAX))
}

fn retry_after(answer: &Answer<'_>, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let text = answer.header("retry-after")?.trim();
    match text.parse() {
        Ok(seconds) => later(now, seconds),
        Err(_) => OffsetDateTime::parse(text, &Rfc2822).ok(),
    }
}

fn budget(answer: &Answer<'_>, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let refused = answer.status == 429;
    let of = |(remaining, reset): (&str, &str)| {
        let used_up = answer
            .header(remaining)
            .is_some_and(|left| left.trim().parse::<f64>().is_ok_and(|left| left < 1.0));
        if used_up || refused { moment(answer.header(reset)?, now) } else { None }
    };
    BUDGETS.into_iter().filter_map(of).max()
}

/// A time, however it is written.
fn moment(text: &str, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let text = text.trim();
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    match whole.parse::<i64>() {
        Ok(millis) if millis >= EPOCH_MILLIS_MIN => {
            OffsetDateTime::from_unix_timestamp(millis / 1_000).ok()
        }
        Ok(seconds) if seconds >= EPOCH_SECONDS_MIN => {
            OffsetDateTime::from_unix_timestamp(seconds).ok()
        }
        Ok(seconds) => later(now, seconds),
        Err(_) => OffsetDateTime::parse(text, &Rfc3339).ok(),
    }
}

fn usage(answer: &Answer<'_>, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let minutes = |name| {
        let usage: serde_json::Value = serde_json::from_str(answer.header(name)?).ok()?;
        minutes_of(&usage)
    };
    let minutes = USAGES.into_iter().filter_map(minutes).max()?;
    later(now, minutes.saturating_mul(60))
}

/// The most minutes that are named anywhere in it.
fn minutes_of(usage: &serde_json::Value) -> Option<i64> {
    match usage {
        serde_json::Value::Object(fields) => {
            let of = |(name, value): (&String, &serde_json::Value)| match name.as_str() {
                "estimated_time_to_regain_access" => value.as_i64(),
                _ => minutes_of(value),
            };
            fields.iter().filter_map(of).max()
        }
        serde_json::Value::Array(items) => items.iter().filter_map(minutes_of).max(),
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => None,
    }
}

fn backoff(answer: &Answer<'_>, now: OffsetDateTime) -> Option<OffsetDateTime> {
    #[derive(Deserialize)]
    struct Body {
        backoff: i64,
    }
    // Looked for before the whole is read a second time.
    let named = answer.body.windows(9).any(|text| text == b"\"backoff\"");
    let body: Body = named.then(|| serde_json::from_slice(answer.body).ok()).flatten()?;
    later(now, body.backoff)
}

fn later(now: OffsetDateTime, seconds: i64) -> Option<OffsetDateTime> {
    let seconds = seconds.clamp(0, WAIT_MAX.whole_seconds());
    now.checked_add(Duration::seconds(seconds))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-26 12:00 UTC);

    fn told(status: u16, headers: &[(&str, &str)], body: &str) -> Option<Duration> {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                let name: HeaderName = name.parse().expect("a name");
                (name, HeaderValue::from_str(value).expect("a value"))
            })
            .collect();
        let answer = Answer { status, headers: &headers, body: body.as_bytes() };
        wait(&answer, NOW).map(|until| until - NOW)
    }

    #[test]
    fn each_clock_is_understood() {
        let minute = Some(Duration::MINUTE);
        assert_eq!(told(429, &[("retry-after", "60")], ""), minute);
        assert_eq!(told(503, &[("retry-after", "Thu, 26 Nov 2026 12:01:00 GMT")], ""), minute);
        let bluesky = [("ratelimit-remaining", "0"), ("ratelimit-reset", "1795694460")];
        assert_eq!(told(200, &bluesky, "{}"), minute);
        let mastodon =
            [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "2026-11-26T12:01:00.000000Z")];
        assert_eq!(told(200, &mastodon, "[]"), minute);
        let reddit = [("x-ratelimit-remaining", "0.0"), ("x-ratelimit-reset", "60")];
        assert_eq!(told(200, &reddit, "{}"), minute);
        let meta = r#"{"17":[{"type":"pages","estimated_time_to_regain_access":1}]}"#;
        assert_eq!(told(200, &[("x-business-use-case-usage", meta)], "{}"), minute);
        assert_eq!(told(200, &[], r#"{"items":[],"backoff":60}"#), minute);
    }

    #[test]
    fn a_budget_that_is_not_used_up_makes_nobody_wait_unless_we_are_refused() {
        let left = [("x-ratelimit-remaining", "7"), ("x-ratelimit-reset", "1795694460")];
        assert_eq!(told(200, &left, "{}"), None);
        assert_eq!(told(429, &left, "{}"), Some(Duration::MINUTE));
    }

    #[test]
    fn what_is_over_or_cannot_be_read_makes_nobody_wait_and_nobody_waits_for_ever() {
        assert_eq!(told(429, &[("retry-after", "Thu, 26 Nov 2026 11:00:00 GMT")], ""), None);
        for nonsense in ["", "soon", "-5", "1e9", "9".repeat(40).as_str()] {
            assert_eq!(told(429, &[("retry-after", nonsense)], ""), None, "{nonsense}");
        }
        assert_eq!(told(429, &[("retry-after", "31536000")], ""), Some(Duration::DAY));
        assert_eq!(told(200, &[], r#"{"backoff":"long"}"#), None);
    }

    proptest! {
        #[test]
        fn whatever_is_said_is_a_time_of_at_most_a_day_or_nothing(
            status in any::<u16>(),
            retry in "\\PC{0,24}",
            remaining in "[0-9.]{0,4}",
            reset in "[0-9TZ:.+-]{0,24}",
            usage in "\\PC{0,24}",
            body in ".{0,64}",
        ) {
            let headers: HeaderMap = [
                ("retry-after", retry),
                ("x-ratelimit-remaining", remaining),
                ("x-ratelimit-reset", reset),
                ("x-app-usage", usage),
            ]
            .into_iter()
            .filter_map(|(name, value)| {
                Some((HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?))
            })
            .collect();
            let answer = Answer { status, headers: &headers, body: body.as_bytes() };
            if let Some(until) = wait(&answer, NOW) {
                prop_assert!(until > NOW && until <= NOW + WAIT_MAX);
            }
        }
    }
}
