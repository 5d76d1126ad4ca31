//! Pages of lists. AIP-158. Tokens are opaque to callers and carry no authority.

/// A request for a page that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {problem}")]
pub struct PageMalformed {
    /// Of the request.
    pub field: &'static str,
    /// What is wrong with it, to stand behind its name.
    pub problem: &'static str,
}

/// How many rows to list: 0 means `default`, and more than `max` means `max`.
///
/// # Errors
///
/// When it is negative.
pub fn size(asked: i32, default: u16, max: u16) -> Result<usize, PageMalformed> {
    match usize::try_from(asked) {
        Ok(0) => Ok(usize::from(default)),
        Ok(asked) => Ok(asked.min(usize::from(max))),
        Err(_) => Err(PageMalformed { field: "page_size", problem: "is negative" }),
    }
}

/// Where the page before ended, from a token that [`token`] made of so many numbers; `None`: this is the first page.
///
/// # Errors
///
/// When it is none of these.
pub fn after<const N: usize>(token: &str) -> Result<Option<[i64; N]>, PageMalformed> {
    if token.is_empty() {
        return Ok(None);
    }
    let numbers: Option<Vec<i64>> = token.split('.').map(|it| it.parse().ok()).collect();
    let place = numbers.and_then(|numbers| <[i64; N]>::try_from(numbers).ok());
    place.map(Some).ok_or_else(not_ours)
}

/// The token for what comes after a place.
#[must_use]
pub fn token<const N: usize>(place: [i64; N]) -> String {
    place.map(|it| it.to_string()).join(".")
}

/// What is said to a token that no list of ours made.
#[must_use]
pub fn not_ours() -> PageMalformed {
    PageMalformed { field: "page_token", problem: "is not one of ours" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_being_a_token_and_nothing_else_does() {
        assert_eq!(after::<2>(&token([-1, 2])).expect("ours"), Some([-1, 2]));
        assert_eq!(after::<2>("").expect("the first page"), None);
        for other in ["1", "1.2.3", "a.b", "1.", "."] {
            assert!(after::<2>(other).is_err(), "{other}");
        }
    }

    #[test]
    fn a_page_has_a_size_that_can_be() {
        assert_eq!([0, 7, 9_999].map(|asked| size(asked, 20, 100).ok()), [20, 7, 100].map(Some));
        assert!(size(-1, 20, 100).is_err());
    }
}
