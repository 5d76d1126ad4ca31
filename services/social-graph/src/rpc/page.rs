//! Pages of lists. AIP-158.

use crate::error::Error;

/// How many rows a page has, unless it is said otherwise.
const SIZE: i64 = 100;

/// The most rows of a page.
const SIZE_MAX: i64 = 1_000;

/// What tokens begin with.
const FROM: &str = "from.";

/// How many rows to list.
pub(super) fn size(asked: i32) -> Result<i64, Error> {
    match i64::from(asked) {
        0 => Ok(SIZE),
        asked if asked < 0 => Err(Error::field("page_size", "is negative")),
        asked => Ok(asked.min(SIZE_MAX)),
    }
}

/// Where the page before ended.
pub(super) fn start(token: &str) -> Result<i64, Error> {
    if token.is_empty() {
        return Ok(0);
    }
    let start = token.strip_prefix(FROM).and_then(|start| start.parse().ok());
    start
        .filter(|start| *start >= 0)
        .ok_or_else(|| Error::field("page_token", "is not one of ours"))
}

/// Cuts off what belongs to the next page, and returns the token of that, from its last row.
pub(super) fn cut<T>(rows: &mut Vec<T>, size: i64, end: impl FnOnce(&T) -> i64) -> String {
    let size = usize::try_from(size).expect("checked");
    if rows.len() <= size {
        return String::new();
    }
    rows.truncate(size);
    rows.last().map(|last| format!("{FROM}{}", end(last))).unwrap_or_default()
}
