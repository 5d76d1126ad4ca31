//! Pages of lists. AIP-158.

use crate::error::Error;

/// How many rows to list: 0 means `default`, and more than `max` means `max`.
pub(super) fn size(asked: i32, default: u16, max: u16) -> Result<usize, Error> {
    match usize::try_from(asked) {
        Ok(0) => Ok(usize::from(default)),
        Ok(asked) => Ok(asked.min(usize::from(max))),
        Err(_) => Err(Error::FieldInvalid { field: "page_size", problem: "is negative" }),
    }
}

/// Where the page before ended, from a token that [`token`] made.
pub(super) fn after<T>(
    token: &str,
    parse: impl FnOnce(&str, &str) -> Option<T>,
) -> Result<Option<T>, Error> {
    if token.is_empty() {
        return Ok(None);
    }
    let place = token.split_once('.').and_then(|(first, second)| parse(first, second));
    let problem = "is not one of ours";
    place.map(Some).ok_or(Error::FieldInvalid { field: "page_token", problem })
}

/// The token for what comes after a place. Opaque to callers, and carries no authority.
pub(super) fn token(first: impl std::fmt::Display, second: impl std::fmt::Display) -> String {
    format!("{first}.{second}")
}
