//! A line chart made of letters: eight dots each. Pure.

use std::fmt::Write as _;

/// The lines of a drawing, without its labels.
const HEIGHT: usize = 12;

/// The letters of a line: room for the names of two days with a space between; and where it is wider a line says no
/// more.
const WIDTH_MIN: usize = 21;
const WIDTH_MAX: usize = 120;

/// The dots of a letter.
const ACROSS: usize = 2;
const DOWN: usize = 4;

/// The empty letter, and what each dot adds to it, line by line.
const EMPTY: u32 = 0x2800;
const DOTS: [[u32; ACROSS]; DOWN] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// Points of score from bottom to top at least, so that a tenth up is not a mountain.
const SPAN_MIN: f64 = 4.0;

/// The label of a score; a space and a line follow it.
const MARGIN: usize = 7;
const BEFORE: usize = MARGIN + 2;

/// What stands in a line below the days where something changed.
const MARK: char = '▲';

/// A score on a day, counted from anywhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) day: i32,
    pub(crate) score: f64,
}

/// Draws points, which are in the order of their days, as a line, in so many columns where that is enough. `label`
/// names a day in ten letters; `marked` days get a mark below. `None` when there are fewer than two days.
pub(crate) fn chart(
    points: &[Point],
    marked: &[i32],
    columns: usize,
    label: impl Fn(i32) -> String,
) -> Option<Vec<String>> {
    let (first, last) = (points.first()?, points.last()?);
    if first.day >= last.day {
        return None;
    }
    let width = columns.saturating_sub(BEFORE).clamp(WIDTH_MIN, WIDTH_MAX);
    let (low, high) = span(points);
    let days = f64::from(last.day) - f64::from(first.day);
    let x = |day: i32| place((f64::from(day) - f64::from(first.day)) / days, width * ACROSS);
    let y = |score: f64| place((high - score) / (high - low), HEIGHT * DOWN);

    let mut letters = vec![vec![EMPTY; width]; HEIGHT];
    for pair in points.windows(2) {
        let from = (x(pair[0].day), y(pair[0].score));
        for (x, y) in line(from, (x(pair[1].day), y(pair[1].score))) {
            letters[y / DOWN][x / ACROSS] |= DOTS[y % DOWN][x % ACROSS];
        }
    }
    let mut lines: Vec<String> = Vec::new();
    for (row, letters) in letters.iter().enumerate() {
        let label = match row {
            0 => format!("{high:.1}"),
            _ if row == HEIGHT / 2 => format!("{:.1}", f64::midpoint(high, low)),
            _ if row == HEIGHT - 1 => format!("{low:.1}"),
            _ => String::new(),
        };
        // Not every terminal shows the empty letter as nothing.
        let letter = |it: &u32| if *it == EMPTY { Some(' ') } else { char::from_u32(*it) };
        let letters: String = letters.iter().filter_map(letter).collect();
        let side = if label.is_empty() { '│' } else { '┤' };
        lines.push(format!("{label:>MARGIN$} {side}{}", letters.trim_end()));
    }
    lines.push(format!("{:MARGIN$} └{}", "", "─".repeat(width)));
    if let Some(marks) = marks(marked, width, |day| x(day) / ACROSS, first.day..=last.day) {
        lines.push(format!("{:MARGIN$}  {marks}", ""));
    }
    let (first, last) = (label(first.day), label(last.day));
    let mut days = format!("{:MARGIN$}  {first}", "");
    let room = width - first.chars().count();
    let _ = write!(days, "{last:>room$}");
    lines.push(days);
    Some(lines)
}

/// Lowest and highest score of the drawing.
fn span(points: &[Point]) -> (f64, f64) {
    let scores = points.iter().map(|point| point.score);
    let low = scores.clone().fold(f64::INFINITY, f64::min);
    let high = scores.fold(f64::NEG_INFINITY, f64::max);
    let missing = (SPAN_MIN - (high - low)).max(0.0);
    // What does not fit above goes below, and the other way round.
    let high = (high + missing / 2.0).min(high.max(100.0));
    let low = (high - SPAN_MIN).min(low).max(low.min(1.0));
    (low, high.max(low + SPAN_MIN))
}

/// Which of so many places a fraction from 0 to 1 is in.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a fraction of a hundred places or so"
)]
fn place(fraction: f64, places: usize) -> usize {
    ((fraction * (places - 1) as f64).round() as usize).min(places - 1)
}

/// The dots from one to another, without a gap.
fn line(from: (usize, usize), to: (usize, usize)) -> Vec<(usize, usize)> {
    let steps = from.0.abs_diff(to.0).max(from.1.abs_diff(to.1)).max(1);
    let between = |from: usize, to: usize, step: usize| {
        (from * (steps - step) + to * step + steps / 2) / steps
    };
    (0..=steps).map(|step| (between(from.0, to.0, step), between(from.1, to.1, step))).collect()
}

/// The line with the marks, if there are any.
fn marks(
    marked: &[i32],
    width: usize,
    x: impl Fn(i32) -> usize,
    days: std::ops::RangeInclusive<i32>,
) -> Option<String> {
    let mut marks = vec![' '; width];
    for day in marked.iter().filter(|day| days.contains(day)) {
        marks[x(*day)] = MARK;
    }
    let marks: String = marks.iter().collect();
    let marks = marks.trim_end();
    (!marks.is_empty()).then(|| marks.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COLUMNS: usize = 73;

    fn name(day: i32) -> String {
        format!("2026-11-{day:02}")
    }

    #[test]
    fn a_rise_is_a_slope_from_below_to_above() {
        let points = [Point { day: 1, score: 10.0 }, Point { day: 5, score: 58.0 }];
        let lines = chart(&points, &[3], COLUMNS, name).expect("two days");
        assert!(lines[0].starts_with("   58.0 ┤") && lines[0].ends_with("⠔⠒⠉"), "{}", lines[0]);
        assert_eq!(lines.len(), HEIGHT + 3);
        assert!(lines[6].starts_with("   34.0 ┤"), "{}", lines[6]);
        assert!(lines[11].starts_with("   10.0 ┤⣀"), "{}", lines[11]);
        assert_eq!(lines[13].chars().position(|it| it == MARK), Some(BEFORE + 32));
        assert!(lines[14].starts_with("         2026-11-01  "), "{}", lines[14]);
        assert!(lines[14].ends_with("  2026-11-05"), "{}", lines[14]);
        assert_eq!(lines[14].chars().count(), COLUMNS);
    }

    #[test]
    fn less_than_two_days_are_no_line() {
        let one = Point { day: 1, score: 10.0 };
        assert_eq!(chart(&[], &[], COLUMNS, name), None);
        assert_eq!(chart(&[one], &[], COLUMNS, name), None);
        assert_eq!(chart(&[one, one], &[], COLUMNS, name), None);
    }

    #[test]
    fn a_level_line_is_in_the_middle_and_a_mark_that_is_not_there_takes_no_line() {
        let points = [Point { day: 1, score: 50.0 }, Point { day: 2, score: 50.0 }];
        let lines = chart(&points, &[9], COLUMNS, name).expect("two days");
        assert_eq!(lines.len(), HEIGHT + 2);
        assert!(lines[0].starts_with("   52.0") && lines[11].starts_with("   48.0"));
        let drawn: Vec<_> =
            (0..HEIGHT).filter(|row| lines[*row].chars().count() > BEFORE).collect();
        assert_eq!(drawn, [HEIGHT / 2]);
    }

    proptest! {
        #[test]
        fn each_column_of_dots_has_one_and_nothing_is_outside(
            scores in prop::collection::vec(1.0..=100.0, 2..200),
            columns in 0..150_usize,
        ) {
            let points: Vec<_> =
                (0..).zip(&scores).map(|(day, score)| Point { day, score: *score }).collect();
            let lines = chart(&points, &[], columns, |_| String::new()).expect("two days");
            let width = lines[HEIGHT].chars().count() - BEFORE;
            prop_assert_eq!(width, columns.saturating_sub(BEFORE).clamp(WIDTH_MIN, WIDTH_MAX));
            let mut columns = vec![false; width];
            for line in &lines[..HEIGHT] {
                for (column, letter) in line.chars().skip(BEFORE).enumerate() {
                    columns[column] |= letter != ' ';
                }
            }
            prop_assert!(columns.iter().all(|column| *column), "{lines:?}");
        }
    }
}
