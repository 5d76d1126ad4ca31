//! Pages of lists, newest first. AIP-158. Tokens are opaque to callers and carry no authority.

use time::OffsetDateTime;

use crate::{error::Error, store::decision::Place};

/// Rows of a page, when its size is 0 and at most.
const SIZE_DEFAULT: i64 = 100;
const SIZE_MAX: i64 = 1_000;

/// How many rows to list, and after which place.
pub(super) fn parse(size: i32, token: &str) -> Result<(i64, Option<Place>), Error> {
    let size = match size {
        0 => SIZE_DEFAULT,
        1.. => i64::from(size).min(SIZE_MAX),
        _ => return Err(Error::field("page_size", "is negative")),
    };
    Ok((size, after(token)?))
}

/// The rows of a page, of which one more was read, and the token of the next.
pub(super) fn cut<T>(
    mut rows: Vec<T>,
    size: i64,
    place: impl Fn(&T) -> (OffsetDateTime, i64),
) -> (Vec<T>, String) {
    let size = usize::try_from(size).expect("a page is small");
    let more = rows.len() > size;
    rows.truncate(size);
    let last = rows.last().filter(|_| more).map(place);
    let token = last.map(|(time, id)| format!("{}.{id}", time.unix_timestamp_nanos() / 1_000));
    (rows, token.unwrap_or_default())
}

fn after(token: &str) -> Result<Option<Place>, Error> {
    if token.is_empty() {
        return Ok(None);
    }
    let place = token.split_once('.').and_then(|(time, id)| {
        let microseconds: i64 = time.parse().ok()?;
        let time =
            OffsetDateTime::from_unix_timestamp_nanos(i128::from(microseconds) * 1_000).ok()?;
        Some(Place { time, id: id.parse().ok()? })
    });
    place.map(Some).ok_or_else(|| Error::field("page_token", "is not one of ours"))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_page_goes_on_where_the_one_before_ended() {
        let time = datetime!(2026-03-10 12:00:00.123456 UTC);
        let (rows, token) = cut(vec![3, 2, 1], 2, |id| (time, *id));
        assert_eq!(rows, [3, 2]);
        assert_eq!(after(&token).expect("ours"), Some(Place { time, id: 2 }));
        assert_eq!(cut(vec![3, 2], 2, |id| (time, *id)).1, "");
        for other in ["1", "1.a", "a.1", ".", "9223372036854775807.1"] {
            assert!(after(other).is_err(), "{other}");
        }
    }

    #[test]
    fn a_page_has_a_size_that_can_be() {
        let size = |asked| parse(asked, "").map(|it| it.0).ok();
        assert_eq!([0, 7, 9_999].map(size), [100, 7, 1_000].map(Some));
        assert!(size(-1).is_none());
    }
}
