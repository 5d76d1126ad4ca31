//! The JSON of a score without reflection: scores are asked for more often than everything else together.
//!
//! To the byte what [`to_value`](super::to_value) makes of it, whose fields are in the order of their names.

use std::fmt::Display;

use prost_types::Timestamp;
use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use crate::score::v1::Score;

/// The JSON of `score`.
#[must_use]
pub fn score(score: &Score) -> Vec<u8> {
    let mut json = Vec::with_capacity(BYTES);
    // Nothing of it can fail: no keys but these, and memory takes what is written.
    let written = serde_json::to_writer(&mut json, &Json::from(score));
    written.expect("a score has a JSON");
    json
}

/// What nearly all scores fit into.
const BYTES: usize = 512;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Json<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    amplification: Option<Double>,
    bucket: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<Double>,
    #[serde(skip_serializing_if = "Option::is_none")]
    day_change: Option<Double>,
    epoch: Text<u64>,
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    month_change: Option<Double>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network_impact: Option<Double>,
    #[serde(skip_serializing_if = "Option::is_none")]
    percentile: Option<Double>,
    person: &'a str,
    revision_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<Double>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score_time: Option<Time>,
    state: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    true_reach: Option<Double>,
    #[serde(skip_serializing_if = "Option::is_none")]
    week_change: Option<Double>,
}

/// What JSON has no number for is a word.
struct Double(f64);

/// RFC 3339.
struct Time(Timestamp);

/// What is printed as text.
struct Text<T>(T);

impl<'a> From<&'a Score> for Json<'a> {
    fn from(score: &'a Score) -> Self {
        // Each is named, so that one that is added to the contract is not forgotten here.
        let Score {
            person,
            state,
            score,
            score_time,
            model,
            epoch,
            percentile,
            confidence,
            bucket,
            day_change,
            week_change,
            month_change,
            true_reach,
            amplification,
            network_impact,
            revision_token,
        } = score;
        Self {
            amplification: amplification.map(Double),
            bucket,
            confidence: confidence.map(Double),
            day_change: day_change.map(Double),
            epoch: Text(*epoch),
            model,
            month_change: month_change.map(Double),
            network_impact: network_impact.map(Double),
            percentile: percentile.map(Double),
            person,
            revision_token,
            score: score.map(Double),
            score_time: score_time.map(Time),
            state,
            true_reach: true_reach.map(Double),
            week_change: week_change.map(Double),
        }
    }
}

impl Serialize for Double {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            number if number.is_finite() => serializer.serialize_f64(number),
            number if number.is_nan() => serializer.serialize_str("NaN"),
            number if number > 0.0 => serializer.serialize_str("Infinity"),
            _ => serializer.serialize_str("-Infinity"),
        }
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match whole_second(&self.0) {
            Some(text) => serializer.serialize_str(str::from_utf8(&text).unwrap_or_default()),
            None => serializer.collect_str(&self.0),
        }
    }
}

/// `2026-10-05T00:00:00Z`, of what can be said so.
fn whole_second(time: &Timestamp) -> Option<[u8; 20]> {
    let utc = OffsetDateTime::from_unix_timestamp(time.seconds).ok()?;
    let year = u16::try_from(utc.year()).ok().filter(|year| *year > 0 && time.nanos == 0)?;
    let mut text = *b"0000-00-00T00:00:00Z";
    let digits = |number: u8| [b'0' + number / 10, b'0' + number % 10];
    let of = |hundredth: u16| digits(u8::try_from(hundredth % 100).unwrap_or_default());
    for (place, two) in [
        (0, of(year / 100)),
        (2, of(year)),
        (5, digits(utc.month().into())),
        (8, digits(utc.day())),
        (11, digits(utc.hour())),
        (14, digits(utc.minute())),
        (17, digits(utc.second())),
    ] {
        text[place..place + 2].copy_from_slice(&two);
    }
    Some(text)
}

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{option, prelude::*};

    use super::*;
    use crate::json::to_value;

    /// Any number there is, and those that are no number.
    fn double() -> impl Strategy<Value = Option<f64>> {
        option::of(prop_oneof![any::<f64>(), Just(f64::NAN), Just(f64::INFINITY), 1.0..100.0])
    }

    /// From the year 1 to 9999, as JSON has times.
    fn time() -> impl Strategy<Value = Option<Timestamp>> {
        let nanos = prop_oneof![Just(0), Just(500_000_000), 0..1_000_000_000];
        let time = (-62_135_596_800_i64..=253_402_300_799, nanos);
        option::of(time.prop_map(|(seconds, nanos)| Timestamp { seconds, nanos }))
    }

    prop_compose! {
        fn any_score()(
            (person, state, model, bucket, revision_token) in
                (any::<String>(), any::<String>(), any::<String>(), any::<String>(), any::<String>()),
            (score, percentile, confidence, day_change, week_change) in
                (double(), double(), double(), double(), double()),
            (month_change, true_reach, amplification, network_impact) in
                (double(), double(), double(), double()),
            score_time in time(),
            epoch in any::<u64>(),
        ) -> Score {
            Score {
                person, state, score, score_time, model, epoch, percentile, confidence, bucket,
                day_change, week_change, month_change, true_reach, amplification, network_impact,
                revision_token,
            }
        }
    }

    proptest! {
        #[test]
        fn a_score_is_printed_to_the_byte_as_its_descriptor_says(it in any_score()) {
            let printed = String::from_utf8(score(&it)).expect("text");
            prop_assert_eq!(printed, to_value(&it).to_string());
        }
    }
}
