//! Times and durations as rules write them.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// `ms` before `m`: the first that fits is meant.
const UNITS: [(&str, i64); 5] =
    [("ms", 1_000), ("us", 1), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000)];

/// Microseconds since 1970, from a time of RFC 3339.
pub(crate) fn parse_time(text: &str) -> Option<i64> {
    micros_of(OffsetDateTime::parse(text, &Rfc3339).ok()?)
}

/// Microseconds since 1970.
pub(crate) fn micros_of(time: OffsetDateTime) -> Option<i64> {
    i64::try_from(time.unix_timestamp_nanos().div_euclid(1_000)).ok()
}

/// Back from [`micros_of`].
pub(crate) fn time_of(micros: i64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).ok()
}

/// Microseconds, from numbers with units: `1h30m`.
pub(crate) fn parse_duration(text: &str) -> Option<i64> {
    let (sign, mut rest) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    if rest.is_empty() {
        return None;
    }
    let mut micros = 0_i64;
    while !rest.is_empty() {
        let digits = rest.find(|other: char| !other.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let (unit, factor) = UNITS.into_iter().find(|(unit, _)| rest.starts_with(unit))?;
        rest = &rest[unit.len()..];
        micros = micros.checked_add(number.checked_mul(factor)?)?;
    }
    micros.checked_mul(sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_units() {
        assert_eq!(parse_duration("1h30m"), Some(5_400_000_000));
        assert_eq!(parse_duration("-1s5ms2us"), Some(-1_005_002));
        for text in ["", "-", "5", "h", "1d", "1.5h", "9999999999999h", "1ns"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_those_of_rfc_3339() {
        assert_eq!(parse_time("1970-01-01T01:00:01+01:00"), Some(1_000_000));
        assert_eq!(parse_time("2024-01-01"), None);
        assert_eq!(
            parse_time("0001-01-01T00:00:00Z").and_then(time_of).map(|time| time.year()),
            Some(1)
        );
    }
}
