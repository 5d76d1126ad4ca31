//! Where the points of a history are drawn. Pure.
//!
//! Positions are hundredths of the width and height, from the top left, so that a drawing takes
//! whatever room the page has, while its labels keep the size of the text around it.

use time::Duration;

use super::{
    history::{Days, Point},
    text,
};

/// A line has room for at least so many points of score, so that a tenth up is not a mountain. Where
/// no labels tell how much it is, a whole bucket.
const SPARKLINE_SPAN_MIN: f64 = 10.0;
const CHART_SPAN_MIN: f64 = 4.0;

/// The most steps between the labels of scores.
const STEPS_MAX: f64 = 5.0;

/// More days than this are too close for a dot each.
const DOTS_MAX: usize = 31;

/// A history without axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sparkline {
    /// The `d` of an SVG path, in a box of 100 by 100.
    pub(crate) path: String,
    /// The newest day.
    pub(crate) end: Spot,
    /// What the drawing shows, for who cannot see it.
    pub(crate) label: String,
}

/// A history with axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chart {
    pub(crate) line: Sparkline,
    /// Every day, unless there are too many.
    pub(crate) dots: Vec<Spot>,
    /// Labels of scores, from below.
    pub(crate) scores: Vec<Tick>,
    /// Labels of days, from the left.
    pub(crate) days: Vec<Tick>,
    /// Where another model begins, in hundredths from the left.
    pub(crate) switches: Vec<String>,
}

/// A day of the drawing, in hundredths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) x: String,
    pub(crate) y: String,
    /// What it says when pointed at.
    pub(crate) title: String,
}

/// A label of an axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tick {
    /// In hundredths along its axis.
    pub(crate) at: String,
    pub(crate) text: String,
    /// Which end of the text stands there: `start`, `middle` or `end`.
    pub(crate) anchor: &'static str,
}

/// The scores between bottom and top.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Scale {
    low: f64,
    high: f64,
}

/// `None` when there is nothing to draw.
pub(crate) fn sparkline(points: &[Point], days: Days) -> Option<Sparkline> {
    draw(points, days, Scale::around(points, SPARKLINE_SPAN_MIN)?)
}

/// `None` when there is nothing to draw.
pub(crate) fn chart(points: &[Point], days: Days) -> Option<Chart> {
    let (scale, step) = Scale::around(points, CHART_SPAN_MIN)?.in_steps();
    let line = draw(points, days, scale)?;
    let dots = if points.len() <= DOTS_MAX {
        points.iter().map(|point| spot(*point, days, scale)).collect()
    } else {
        Vec::new()
    };
    let mut scores = Vec::new();
    let mut score = scale.low;
    // Whole numbers, so that nothing is lost in adding.
    while score <= scale.high {
        let at = position(scale.down(score));
        scores.push(Tick { at, text: format!("{score:.0}"), anchor: "end" });
        score += step;
    }
    let switched = points.iter().filter(|point| point.switched);
    let switches = switched.map(|point| position(days.fraction(point.day))).collect();
    Some(Chart { line, dots, scores, days: day_ticks(days), switches })
}

fn draw(points: &[Point], days: Days, scale: Scale) -> Option<Sparkline> {
    let spots: Vec<_> = points.iter().map(|point| spot(*point, days, scale)).collect();
    // The line ends where the model changes, as a jump there is nobody's doing.
    let path = points.iter().zip(&spots).enumerate().map(|(place, (point, spot))| {
        let step = if place == 0 || point.switched { 'M' } else { 'L' };
        format!("{step}{} {}", spot.x, spot.y)
    });
    let path = path.collect();
    Some(Sparkline { path, end: spots.last()?.clone(), label: label(points)? })
}

fn spot(point: Point, days: Days, scale: Scale) -> Spot {
    let title = format!("{}: {}", text::day(point.day), text::tenths(point.score));
    let x = position(days.fraction(point.day));
    Spot { x, y: position(scale.down(point.score)), title }
}

/// A fraction in hundredths.
fn position(fraction: f64) -> String {
    format!("{:.2}", fraction * 100.0)
}

fn label(points: &[Point]) -> Option<String> {
    let (first, last) = (points.first()?, points.last()?);
    let (score, day) = (text::tenths(last.score), text::day(last.day));
    if points.len() == 1 {
        return Some(format!("Score {score} on {day}, the only day so far"));
    }
    let (lowest, highest) = extremes(points)?;
    Some(format!(
        "Score from {} on {} to {score} on {day}; lowest {}, highest {}",
        text::tenths(first.score),
        text::day(first.day),
        text::tenths(lowest),
        text::tenths(highest),
    ))
}

fn extremes(points: &[Point]) -> Option<(f64, f64)> {
    let scores = points.iter().map(|point| point.score);
    Some((scores.clone().min_by(f64::total_cmp)?, scores.max_by(f64::total_cmp)?))
}

/// The first day, the last, and the one halfway, which is a day only when their number is odd.
fn day_ticks(days: Days) -> Vec<Tick> {
    let half = days.first.saturating_add(Duration::days(i64::from(days.count() / 2)));
    let middle = (days.count() % 2 == 1).then_some((half, "middle"));
    [Some((days.first, "start")), middle, Some((days.last, "end"))]
        .into_iter()
        .flatten()
        .map(|(day, anchor)| Tick {
            at: position(days.fraction(day)),
            text: text::day(day),
            anchor,
        })
        .collect()
}

// === impl Scale ===

impl Scale {
    /// Holds all `points` and at least `span_min`, within 0 to 100 where they are. `None` when there
    /// are none.
    fn around(points: &[Point], span_min: f64) -> Option<Self> {
        let (lowest, highest) = extremes(points)?;
        let missing = (span_min - (highest - lowest)).max(0.0);
        // What does not fit above goes below, and the other way round.
        let high = (highest + missing / 2.0).min(highest.max(100.0));
        let low = (high - span_min).min(lowest).max(lowest.min(0.0));
        Some(Self { low, high: high.max(low + span_min) })
    }

    /// Widened to whole steps, and the step.
    fn in_steps(self) -> (Self, f64) {
        let span = self.high - self.low;
        let steps = [1.0, 2.0, 5.0, 10.0, 20.0];
        let step = steps.into_iter().find(|step| span / step <= STEPS_MAX).unwrap_or(25.0);
        let whole = |score: f64, round: fn(f64) -> f64| round(score / step) * step;
        (Self { low: whole(self.low, f64::floor), high: whole(self.high, f64::ceil) }, step)
    }

    /// How far below the top a score is, 0 to 1.
    fn down(self, score: f64) -> f64 {
        (self.high - score) / (self.high - self.low)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::{Date, macros::date};

    use super::*;

    const JUNE: Days = Days { first: date!(2018 - 06 - 01), last: date!(2018 - 06 - 11) };

    fn point(day: u8, score: f64) -> Point {
        let day = Date::from_calendar_date(2018, time::Month::June, day).expect("a day");
        Point { day, score, switched: false }
    }

    #[test]
    fn days_that_are_missing_take_their_room() {
        let points = [point(1, 10.0), point(2, 20.0), point(11, 15.0)];
        let line = sparkline(&points, JUNE).expect("three points");
        assert_eq!(line.path, "M0.00 100.00L10.00 0.00L100.00 50.00");
        assert_eq!((&*line.end.x, &*line.end.y), ("100.00", "50.00"));
        let label =
            "Score from 10.0 on 1 Jun 2018 to 15.0 on 11 Jun 2018; lowest 10.0, highest 20.0";
        assert_eq!(line.label, label);
    }

    #[test]
    fn the_line_ends_where_the_model_changes() {
        let points = [
            point(1, 10.0),
            point(2, 11.0),
            Point { switched: true, ..point(6, 20.0) },
            point(11, 20.0),
        ];
        let chart = chart(&points, JUNE).expect("four points");
        assert_eq!(chart.switches, ["50.00"]);
        let lines: Vec<_> = chart.line.path.split('M').skip(1).collect();
        assert!(lines[0].starts_with("0.00 ") && lines[1].starts_with("50.00 "), "{lines:?}");
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn one_day_is_a_dot_at_half_height() {
        let line = sparkline(&[point(11, 50.0)], JUNE).expect("a point");
        assert_eq!((&*line.path, &*line.end.y), ("M100.00 50.00", "50.00"));
        assert_eq!(line.label, "Score 50.0 on 11 Jun 2018, the only day so far");
    }

    #[test]
    fn equal_scores_are_a_level_line() {
        let line = sparkline(&[point(1, 1.0), point(11, 1.0)], JUNE).expect("two points");
        assert_eq!(line.path, "M0.00 90.00L100.00 90.00");
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        assert_eq!(sparkline(&[], JUNE), None);
        assert_eq!(chart(&[], JUNE), None);
    }

    #[test]
    fn labels_of_scores_are_round_and_hold_the_line() {
        let labels = |scores: &[f64]| {
            let points: Vec<_> = scores.iter().map(|score| point(1, *score)).collect();
            let chart = chart(&points, JUNE).expect("points");
            chart.scores.into_iter().map(|tick| tick.text).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(labels(&[61.5]), "59 60 61 62 63 64");
        assert_eq!(labels(&[1.0, 100.0]), "0 20 40 60 80 100");
        assert_eq!(labels(&[99.9]), "96 97 98 99 100");
        assert_eq!(labels(&[41.0, 52.0]), "40 45 50 55");
    }

    #[test]
    fn the_middle_day_is_labelled_when_there_is_one() {
        let labels = |days| day_ticks(days).into_iter().map(|tick| tick.text).collect::<Vec<_>>();
        assert_eq!(labels(JUNE), ["1 Jun 2018", "6 Jun 2018", "11 Jun 2018"]);
        let even = Days { last: date!(2018 - 06 - 10), ..JUNE };
        assert_eq!(labels(even), ["1 Jun 2018", "10 Jun 2018"]);
    }

    proptest! {
        #[test]
        fn no_point_lies_outside(scores in prop::collection::vec(1.0..=100.0, 1..11)) {
            let points: Vec<_> = (1..).zip(&scores).map(|(day, it)| point(day, *it)).collect();
            let chart = chart(&points, JUNE).expect("points");
            let line = sparkline(&points, JUNE).expect("points");
            for spot in chart.dots.iter().chain([&chart.line.end, &line.end]) {
                for at in [&spot.x, &spot.y] {
                    let at: f64 = at.parse().expect("a number");
                    prop_assert!((0.0..=100.0).contains(&at), "{spot:?}");
                }
            }
            prop_assert!((2..=8).contains(&chart.scores.len()), "{:?}", chart.scores);
        }
    }
}
