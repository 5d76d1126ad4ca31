//! A person's history as points in time. Pure.

use klout_proto::{convert, score::v1::Score};
use time::{Date, Duration};

/// The fewest days that a chart shows, so that two of them do not look like a career.
const DAYS_MIN: i64 = 7;

/// The score of one day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) day: Date,
    pub(crate) score: f64,
    /// Whether another model made the score before: the two cannot be compared.
    pub(crate) switched: bool,
}

/// The first day of a model after another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Switch {
    pub(crate) day: Date,
    pub(crate) model: String,
}

/// The days that a chart shows, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Days {
    pub(crate) first: Date,
    pub(crate) last: Date,
}

/// The points of scores that come newest first, oldest first and one a day. Of a day that two models
/// have scored, the newer one's, which comes first; days without a number are left out.
pub(crate) fn points(scores: &[Score]) -> Vec<Point> {
    let mut before = None;
    let points = daily(scores).into_iter().map(|(day, score, model)| {
        let switched = before.replace(model).is_some_and(|before| before != model);
        Point { day, score, switched }
    });
    points.collect()
}

/// When models changed among the same scores, oldest first.
pub(crate) fn switches(scores: &[Score]) -> Vec<Switch> {
    let models = daily(scores).into_iter().map(|(day, _, model)| (day, model));
    let switched = points(scores).into_iter().zip(models).filter(|(point, _)| point.switched);
    switched.map(|(_, (day, model))| Switch { day, model: model.to_owned() }).collect()
}

/// The UTC day that a score is of.
pub(crate) fn day(score: &Score) -> Option<Date> {
    score.score_time.as_ref().and_then(convert::time).map(|time| time.date())
}

/// Day, number and model, oldest first.
fn daily(scores: &[Score]) -> Vec<(Date, f64, &str)> {
    let mut days: Vec<(Date, f64, &str)> = Vec::new();
    for score in scores {
        if let (Some(day), Some(number)) = (day(score), score.score)
            && number.is_finite()
            && days.last().is_none_or(|(later, ..)| day < *later)
        {
            days.push((day, number, &score.model));
        }
    }
    days.reverse();
    days
}

// === impl Days ===

impl Days {
    /// The days that have room for all `points`; `None` when there are none.
    pub(crate) fn around<'a>(points: impl Iterator<Item = &'a Point> + Clone) -> Option<Self> {
        let last = points.clone().map(|point| point.day).max()?;
        let first = points.map(|point| point.day).min()?;
        let enough = last.saturating_sub(Duration::days(DAYS_MIN - 1));
        Some(Self { first: first.min(enough), last })
    }

    /// How many, both ends counted.
    pub(crate) fn count(self) -> i32 {
        self.last.to_julian_day() - self.first.to_julian_day() + 1
    }

    /// How far from the first to the last day a day is, 0 to 1.
    pub(crate) fn fraction(self, day: Date) -> f64 {
        let since = f64::from(day.to_julian_day() - self.first.to_julian_day());
        // Not zero: there are several days.
        since / f64::from((self.count() - 1).max(1))
    }
}

#[cfg(test)]
mod tests {
    use time::{OffsetDateTime, macros::date};

    use super::*;

    fn score(day: Date, score: Option<f64>) -> Score {
        let time: OffsetDateTime = day.midnight().assume_utc();
        Score { score, score_time: Some(convert::timestamp(time)), ..Score::default() }
    }

    #[test]
    fn points_are_one_a_day_from_the_oldest_on() {
        let scores = [
            score(date!(2018 - 06 - 05), Some(9.0)),
            score(date!(2018 - 06 - 05), Some(1.0)),
            score(date!(2018 - 06 - 03), None),
            score(date!(2018 - 06 - 02), Some(f64::NAN)),
            score(date!(2018 - 06 - 01), Some(7.0)),
            Score::default(),
        ];

        let expected = [
            Point { day: date!(2018 - 06 - 01), score: 7.0, switched: false },
            Point { day: date!(2018 - 06 - 05), score: 9.0, switched: false },
        ];
        assert_eq!(points(&scores), expected);
    }

    #[test]
    fn the_first_day_of_another_model_is_told() {
        let by = |model: &str, day, number| Score {
            model: model.to_owned(),
            ..score(day, Some(number))
        };
        let scores = [
            by("new", date!(2018 - 06 - 05), 9.0),
            by("new", date!(2018 - 06 - 04), 8.0),
            by("old", date!(2018 - 06 - 04), 4.0),
            by("old", date!(2018 - 06 - 03), 3.0),
        ];
        let switched: Vec<_> =
            points(&scores).iter().map(|it| (it.day.day(), it.score, it.switched)).collect();
        assert_eq!(switched, [(3, 3.0, false), (4, 8.0, true), (5, 9.0, false)]);
        let switch = Switch { day: date!(2018 - 06 - 04), model: "new".to_owned() };
        assert_eq!(switches(&scores), [switch]);
        assert_eq!(switches(&scores[..2]), []);
    }

    #[test]
    fn a_week_is_shown_even_of_one_day() {
        let one = [Point { day: date!(2018 - 06 - 07), score: 7.0, switched: false }];
        let days = Days::around(one.iter()).expect("there is a point");
        assert_eq!(days.first, date!(2018 - 06 - 01));
        assert_eq!(days.count(), 7);
        assert_eq!(Days::around([].iter()), None);
    }

    #[test]
    fn a_gap_takes_its_room() {
        let days = Days { first: date!(2018 - 06 - 01), last: date!(2018 - 06 - 11) };
        let fractions = [1, 2, 6, 11].map(|day| {
            days.fraction(Date::from_calendar_date(2018, time::Month::June, day).expect("a day"))
        });
        assert_eq!(fractions, [0.0, 0.1, 0.5, 1.0]);
    }
}
