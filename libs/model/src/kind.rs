//! Kinds of interactions, and how many of them.

use std::{fmt, str::FromStr};

use crate::RowReason;

/// What an actor did to a subject's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Like,
    Reshare,
    Reply,
    Mention,
    Comment,
    Follow,
    List,
    Endorse,
    Accept,
    PlusK,
}

/// How often, at once: a whole number from 0 to [`Count::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count(u32);

// === impl Kind ===

impl Kind {
    pub const ALL: [Self; 10] = [
        Self::Like,
        Self::Reshare,
        Self::Reply,
        Self::Mention,
        Self::Comment,
        Self::Follow,
        Self::List,
        Self::Endorse,
        Self::Accept,
        Self::PlusK,
    ];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Like => "like",
            Self::Reshare => "reshare",
            Self::Reply => "reply",
            Self::Mention => "mention",
            Self::Comment => "comment",
            Self::Follow => "follow",
            Self::List => "list",
            Self::Endorse => "endorse",
            Self::Accept => "accept",
            Self::PlusK => "plus_k",
        }
    }

    /// A small number for columns, 0..10. Never changed, never reused: databases hold it.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The kind of a [`code`](Self::code).
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

impl FromStr for Kind {
    type Err = RowReason;

    fn from_str(text: &str) -> Result<Self, RowReason> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(RowReason::KindUnknown)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl Count ===

impl Count {
    pub const MAX: u64 = 1_000_000_000;

    /// # Errors
    ///
    /// [`RowReason::CountInvalid`] when `count` is over [`Count::MAX`].
    pub fn new(count: u64) -> Result<Self, RowReason> {
        match u32::try_from(count) {
            Ok(small) if count <= Self::MAX => Ok(Self(small)),
            Ok(_) | Err(_) => Err(RowReason::CountInvalid),
        }
    }

    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl FromStr for Count {
    type Err = RowReason;

    /// Digits only: no sign, no fraction, no exponent.
    fn from_str(text: &str) -> Result<Self, RowReason> {
        if text.is_empty() || text.len() > 20 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(RowReason::CountInvalid);
        }
        Self::new(text.parse().map_err(|_| RowReason::CountInvalid)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_its_word_and_its_code() {
        for (code, kind) in (0..).zip(Kind::ALL) {
            assert_eq!(kind.code(), code);
            assert_eq!(Kind::from_code(code), Some(kind));
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert_eq!(Kind::from_code(10), None);
        assert_eq!("adore".parse::<Kind>(), Err(RowReason::KindUnknown));
        assert_eq!("l".repeat(300).parse::<Kind>(), Err(RowReason::KindUnknown));
    }

    #[test]
    fn a_count_is_whole_and_at_most_a_thousand_million() {
        assert_eq!("0".parse::<Count>().map(Count::get), Ok(0));
        assert_eq!("1000000000".parse::<Count>().map(Count::get), Ok(1_000_000_000));
        for bad in ["", "-1", "+1", "1.5", "1e3", " 1", "1000000001", "99999999999999999999999"] {
            assert_eq!(bad.parse::<Count>(), Err(RowReason::CountInvalid), "{bad}");
        }
    }
}
