//! Numbers and times as people read them. Pure.

use time::{Date, OffsetDateTime, UtcOffset, macros::format_description};

/// A score in large type: what stands before the point, and the tenth behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Figure {
    pub(crate) whole: String,
    pub(crate) tenth: String,
}

/// A time for people, and for what reads the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) text: String,
    /// RFC 3339, in UTC.
    pub(crate) machine: String,
}

/// With one tenth.
pub(crate) fn figure(score: f64) -> Figure {
    let text = tenths(score);
    let (whole, tenth) = text.split_once('.').unwrap_or((&text, "0"));
    Figure { whole: whole.to_owned(), tenth: tenth.to_owned() }
}

/// `61.5`.
pub(crate) fn tenths(number: f64) -> String {
    format!("{number:.1}")
}

/// `0.62`.
pub(crate) fn hundredths(number: f64) -> String {
    format!("{number:.2}")
}

/// Rounded down: nobody is ahead of more people than that, and never of all.
pub(crate) fn percentile(percentile: f64) -> String {
    tenths((percentile * 10.0).floor() / 10.0)
}

/// Points up or down, with a sign that is as wide as a plus.
pub(crate) fn change(points: f64) -> String {
    let size = tenths(points.abs());
    if size == "0.0" {
        return "±0.0".to_owned();
    }
    let sign = if points > 0.0 { '+' } else { '−' };
    format!("{sign}{size}")
}

/// `2.3 people`, `12,340 people`: tenths only where they matter.
pub(crate) fn people(count: f64) -> String {
    if count < 9.95 {
        return format!("{} people", tenths(count));
    }
    format!("{} people", thousands(&format!("{count:.0}")))
}

/// `12,340`.
pub(crate) fn whole(count: i64) -> String {
    thousands(&count.to_string())
}

/// A comma after each thousand, from the right.
fn thousands(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `one, two and three`.
pub(crate) fn list(parts: impl Iterator<Item = String>) -> String {
    let mut parts: Vec<_> = parts.collect();
    let last = parts.pop().unwrap_or_default();
    if parts.is_empty() { last } else { format!("{} and {last}", parts.join(", ")) }
}

/// How sure a score is, in words. `docs/scoring.md`, section 11: at 0.5 the interval that holds in 90 % of
/// people is as wide as the score is high, at 0.8 a quarter of that.
pub(crate) fn confidence(confidence: f64) -> &'static str {
    if confidence < 0.2 {
        "very low"
    } else if confidence < 0.5 {
        "low"
    } else if confidence < 0.8 {
        "fair"
    } else {
        "high"
    }
}

/// `1 Jun 2018`.
pub(crate) fn day(day: Date) -> String {
    let format = format_description!("[day padding:none] [month repr:short] [year]");
    day.format(&format).expect("a day has all parts of the format")
}

/// `1 June 2018, 14:05 UTC`.
pub(crate) fn moment(time: OffsetDateTime) -> Moment {
    let time = time.to_offset(UtcOffset::UTC);
    let text =
        format_description!("[day padding:none] [month repr:long] [year], [hour]:[minute] UTC");
    let machine = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    let text = time.format(&text).expect("a time has all parts of the format");
    let machine = time.format(&machine).expect("a time has all parts of the format");
    Moment { text, machine }
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::*;

    #[test]
    fn a_score_is_shown_with_one_tenth() {
        let parts = |score| {
            let Figure { whole, tenth } = figure(score);
            format!("{whole}|{tenth}")
        };
        assert_eq!(parts(61.54), "61|5");
        assert_eq!(parts(61.96), "62|0");
        assert_eq!(parts(100.0), "100|0");
        assert_eq!(parts(1.0), "1|0");
    }

    #[test]
    fn nobody_is_ahead_of_everybody() {
        assert_eq!(percentile(99.99), "99.9");
        assert_eq!(percentile(83.3), "83.3");
        assert_eq!(percentile(0.0), "0.0");
    }

    #[test]
    fn a_change_has_a_sign_unless_it_is_too_small_to_be_seen() {
        assert_eq!(change(0.44), "+0.4");
        assert_eq!(change(-12.06), "−12.1");
        for small in [0.0, 0.04, -0.04, -0.0] {
            assert_eq!(change(small), "±0.0");
        }
    }

    #[test]
    fn people_are_counted_in_thousands() {
        assert_eq!(people(0.0), "0.0 people");
        assert_eq!(people(2.34), "2.3 people");
        assert_eq!(people(9.96), "10 people");
        assert_eq!(people(999.4), "999 people");
        assert_eq!(people(1_234_567.0), "1,234,567 people");
    }

    #[test]
    fn confidence_has_a_word_at_each_level() {
        assert_eq!(confidence(0.0), "very low");
        assert_eq!(confidence(0.2), "low");
        assert_eq!(confidence(0.79), "fair");
        assert_eq!(confidence(1.0), "high");
    }

    #[test]
    fn times_are_told_in_utc() {
        assert_eq!(day(date!(2018 - 06 - 01)), "1 Jun 2018");
        let told = moment(datetime!(2018-06-01 01:30 +02:00));
        assert_eq!(told.text, "31 May 2018, 23:30 UTC");
        assert_eq!(told.machine, "2018-05-31T23:30:00Z");
    }
}
