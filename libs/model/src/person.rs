//! People: those who joined.

use std::{fmt, str::FromStr};

/// A human who joined, as a random positive 63-bit number that social-graph made.
///
/// Not an [`AccountId`](crate::AccountId), which is a hash and may be negative. Written as a
/// decimal string wherever it leaves the process, because JSON numbers lose digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonId(i64);

/// The text is not a decimal from 1 to 9223372036854775807.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a person is a decimal number from 1 to 9223372036854775807")]
pub struct PersonIdInvalid;

impl PersonId {
    /// Returns `None` unless `id` is positive.
    #[must_use]
    pub fn new(id: i64) -> Option<Self> {
        (id > 0).then_some(Self(id))
    }

    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl FromStr for PersonId {
    type Err = PersonIdInvalid;

    /// Digits only and without leading zeros, so that one person has one spelling.
    fn from_str(text: &str) -> Result<Self, PersonIdInvalid> {
        if text.starts_with('0') || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(PersonIdInvalid);
        }
        text.parse().ok().and_then(Self::new).ok_or(PersonIdInvalid)
    }
}

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_has_one_spelling() {
        assert_eq!("42".parse::<PersonId>().map(|it| it.to_string()), Ok("42".to_owned()));
        for bad in ["", "0", "-1", "+1", "042", "1.0", "ada", "9223372036854775808"] {
            assert_eq!(bad.parse::<PersonId>(), Err(PersonIdInvalid), "{bad}");
        }
    }
}
