//! Pages of lists. AIP-158.

use klout_chassis::page::not_ours;
pub(super) use klout_chassis::page::size;

use crate::error::Error;

/// What tokens of lists by number begin with.
const BEFORE: &str = "before";

/// Where the page before ended, from a token that [`token`] made.
pub(super) fn after<T>(
    token: &str,
    parse: impl FnOnce(&str, &str) -> Option<T>,
) -> Result<Option<T>, Error> {
    if token.is_empty() {
        return Ok(None);
    }
    let place = token.split_once('.').and_then(|(first, second)| parse(first, second));
    Ok(Some(place.ok_or_else(not_ours)?))
}

/// The token for what comes after a place. Opaque to callers, and carries no authority.
pub(super) fn token(first: impl std::fmt::Display, second: impl std::fmt::Display) -> String {
    format!("{first}.{second}")
}

/// Before which row of a list by number, newest first, a page begins.
pub(super) fn before(token: &str) -> Result<i64, Error> {
    let before = after(token, |kind, number| number.parse().ok().filter(|_| kind == BEFORE))?;
    Ok(before.unwrap_or(i64::MAX))
}

/// The token for what comes before a row.
pub(super) fn token_before(number: i64) -> String {
    token(BEFORE, number)
}

/// Cuts rows off that belong to the next page. Returns the last of this one, if there are any.
pub(super) fn cut<T>(rows: &mut Vec<T>, size: usize) -> Option<&T> {
    let has_more = rows.len() > size;
    rows.truncate(size);
    rows.last().filter(|_| has_more)
}
