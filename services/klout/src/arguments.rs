//! How arguments are read.

use time::{
    Date, OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339,
    macros::format_description,
};

/// A time such as `2018-06-01T00:00:00Z`.
pub(crate) fn time(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| "not a time such as 2018-06-01T00:00:00Z".to_owned())
}

/// A day such as `2018-06-01`.
pub(crate) fn date(text: &str) -> Result<Date, String> {
    Date::parse(text, format_description!("[year]-[month]-[day]"))
        .map_err(|_| "not a day such as 2018-06-01".to_owned())
}

/// A time, or a UTC day such as `2018-06-01`, which is the time that it begins at.
pub(crate) fn day_or_time(text: &str) -> Result<OffsetDateTime, String> {
    if let Ok(day) = date(text) {
        return Ok(day.midnight().assume_utc());
    }
    time(text).map_err(|error| format!("{error}, nor a day such as 2018-06-01"))
}

/// The UTC day of a time.
pub(crate) fn day(time: OffsetDateTime) -> Date {
    time.to_offset(UtcOffset::UTC).date()
}

/// What is typed for a clock that runs.
pub(crate) const NOW: &str = "now";

/// A time, or `now`, kept as it was typed.
pub(crate) fn time_or_now(text: &str) -> Result<String, String> {
    if text == NOW {
        return Ok(text.to_owned());
    }
    time(text).map(|_| text.to_owned()).map_err(|error| format!("{error}, nor `now`"))
}

/// RFC 3339, in UTC.
pub(crate) fn print_time(time: OffsetDateTime) -> String {
    time.to_offset(UtcOffset::UTC).format(&Rfc3339).unwrap_or_else(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::*;

    #[test]
    fn a_day_is_the_time_that_it_begins_at_in_utc() {
        assert_eq!(day_or_time("2026-10-20"), Ok(datetime!(2026-10-20 00:00 UTC)));
        let time = day_or_time("2026-10-20T01:00:00+02:00").expect("a time");
        assert_eq!(time, datetime!(2026-10-19 23:00 UTC));
        assert_eq!(day(time), date!(2026 - 10 - 19));
        for wrong in ["", "yesterday", "2026-10", "2026-10-32", "2026-10-20T01:00"] {
            let refused = day_or_time(wrong).expect_err("no time");
            assert!(refused.contains("nor a day such as 2018-06-01"), "{refused}");
        }
    }
}
