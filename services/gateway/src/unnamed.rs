//! What is told of somebody whom nothing but hashes named: a hash in yields no identity out. No I/O.

use klout_proto::{convert, score::v1::Score};
use time::Time;

/// A score that does not tell whose it is: not to the last digit, or it could be found again in a list of people.
pub(crate) fn unnamed(score: Score) -> Score {
    let Score { state, score, score_time, model, epoch, percentile, confidence, bucket, .. } =
        score;
    let floor = |value: Option<f64>, parts: f64| value.map(|it| (it * parts).floor() / parts);
    let day = score_time
        .as_ref()
        .and_then(convert::time)
        .map(|time| convert::timestamp(time.replace_time(Time::MIDNIGHT)));
    Score {
        state,
        score: floor(score, 10.0),
        score_time: day,
        model,
        epoch,
        percentile: floor(percentile, 1.0),
        confidence: floor(confidence, 10.0),
        bucket,
        ..Score::default()
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_score_without_identity_is_nobodys_in_particular() {
        let score = Score {
            person: "42".to_owned(),
            state: "KNOWN".to_owned(),
            score: Some(59.987_654),
            score_time: Some(convert::timestamp(datetime!(2026-11-26 13:14:15 UTC))),
            model: "klout-2027-01".to_owned(),
            epoch: 7,
            percentile: Some(97.25),
            confidence: Some(0.625),
            bucket: "50-59".to_owned(),
            day_change: Some(0.1),
            week_change: Some(0.2),
            month_change: Some(0.3),
            true_reach: Some(12_345.0),
            amplification: Some(31.6),
            network_impact: Some(7.1),
            revision_token: "s.77".to_owned(),
        };
        let told = unnamed(score);
        assert_eq!((told.person.as_str(), told.revision_token.as_str()), ("", ""));
        assert_eq!(
            (told.score, told.percentile, told.confidence),
            (Some(59.9), Some(97.0), Some(0.6))
        );
        assert_eq!(told.score_time, Some(convert::timestamp(datetime!(2026-11-26 00:00 UTC))));
        assert_eq!((told.true_reach, told.month_change), (None, None));
        assert_eq!((told.state.as_str(), told.bucket.as_str(), told.epoch), ("KNOWN", "50-59", 7));
    }
}
