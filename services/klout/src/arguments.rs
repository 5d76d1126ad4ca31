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
