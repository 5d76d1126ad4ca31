//! One row: an empty element with everything in its attributes.

use std::borrow::Cow;

use klout_model::RowReason;
use quick_xml::{Reader, XmlVersion, events::Event};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Attributes of one row. No table of a dump has half as many.
const ATTRIBUTES_MAX: usize = 64;

/// The values of the attributes with these names, of a line such as `<row Id="1" Name="a" />`.
///
/// Only the entities that XML itself knows, and character references, stand for something; a line with
/// any other is refused. Values that nobody asked for are not looked into.
pub(super) fn attributes<'a, const N: usize>(
    line: &'a str,
    names: [&str; N],
) -> Result<[Option<Cow<'a, str>>; N], RowReason> {
    let malformed = RowReason::RowMalformed;
    let mut reader = Reader::from_str(line);
    let Ok(Event::Empty(row)) = reader.read_event() else { return Err(malformed) };
    if row.name().as_ref() != "row" || !matches!(reader.read_event(), Ok(Event::Eof)) {
        return Err(malformed);
    }
    let mut values = [const { None }; N];
    // Looking for names that come twice takes time that grows with the square of their number.
    let mut attributes = row.attributes();
    for (count, attribute) in attributes.with_checks(false).enumerate() {
        let attribute = attribute.map_err(|_| malformed)?;
        if count == ATTRIBUTES_MAX {
            return Err(malformed);
        }
        let Some(place) = names.iter().position(|name| *name == attribute.key.as_ref()) else {
            continue;
        };
        let value = attribute.normalized_value(XmlVersion::Explicit1_0).map_err(|_| malformed)?;
        if values[place].replace(value.into_owned().into()).is_some() {
            return Err(malformed);
        }
    }
    Ok(values)
}

/// A number that has to be there, from 1.
pub(super) fn id(value: Option<&str>) -> Result<u32, RowReason> {
    optional_id(value)?.ok_or(RowReason::RowMalformed)
}

/// A number, from 1. Nobody, and the user that stands for everybody (-1), are `None`.
pub(super) fn optional_id(value: Option<&str>) -> Result<Option<u32>, RowReason> {
    let Some(value) = value else { return Ok(None) };
    let number: i64 = value.parse().map_err(|_| RowReason::RowMalformed)?;
    if number < 1 {
        return Ok(None);
    }
    // What is larger has no place in the index. Stack Overflow is at a fiftieth of that.
    u32::try_from(number).map(Some).map_err(|_| RowReason::RowMalformed)
}

/// A time of a dump, which has no zone and is UTC.
pub(super) fn time(value: Option<&str>) -> Result<OffsetDateTime, RowReason> {
    let value = value.ok_or(RowReason::TimeInvalid)?;
    let zone = if value.ends_with('Z') { "" } else { "Z" };
    OffsetDateTime::parse(&format!("{value}{zone}"), &Rfc3339).map_err(|_| RowReason::TimeInvalid)
}

/// The tags of a question: `<a><b>`, and in dumps since 2024 `|a|b|`.
pub(super) fn tags(value: &str) -> impl Iterator<Item = &str> {
    value.split(['<', '>', '|']).map(str::trim).filter(|tag| !tag.is_empty())
}
