//! Counters: numbers without actors, at a time.

use std::{fmt, str::FromStr};

use crate::RowReason;

/// What a counter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CounterName {
    FollowerCount,
    FollowingCount,
    ListedCount,
    MentionsReceived,
    RetweetsReceived,
    MentionsSent,
    RetweetsSent,
    Posts,
    LikesReceived,
    Views,
    PageInlinks,
    PageOutlinks,
    PageRank,
}

/// What it read: finite and at least 0.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct CounterValue(f64);

// === impl CounterName ===

impl CounterName {
    pub const ALL: [Self; 13] = [
        Self::FollowerCount,
        Self::FollowingCount,
        Self::ListedCount,
        Self::MentionsReceived,
        Self::RetweetsReceived,
        Self::MentionsSent,
        Self::RetweetsSent,
        Self::Posts,
        Self::LikesReceived,
        Self::Views,
        Self::PageInlinks,
        Self::PageOutlinks,
        Self::PageRank,
    ];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FollowerCount => "follower_count",
            Self::FollowingCount => "following_count",
            Self::ListedCount => "listed_count",
            Self::MentionsReceived => "mentions_received",
            Self::RetweetsReceived => "retweets_received",
            Self::MentionsSent => "mentions_sent",
            Self::RetweetsSent => "retweets_sent",
            Self::Posts => "posts",
            Self::LikesReceived => "likes_received",
            Self::Views => "views",
            Self::PageInlinks => "page_inlinks",
            Self::PageOutlinks => "page_outlinks",
            Self::PageRank => "page_rank",
        }
    }

    /// A small number for columns, 0..13. Never changed, never reused: databases hold it.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The counter of a [`code`](Self::code).
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

impl FromStr for CounterName {
    type Err = RowReason;

    fn from_str(text: &str) -> Result<Self, RowReason> {
        Self::ALL.into_iter().find(|name| name.as_str() == text).ok_or(RowReason::CounterUnknown)
    }
}

impl fmt::Display for CounterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl CounterValue ===

impl CounterValue {
    /// # Errors
    ///
    /// [`RowReason::ValueInvalid`] when `value` is negative, infinite or not a number.
    pub fn new(value: f64) -> Result<Self, RowReason> {
        // Adding 0 turns -0 into 0, so that equal values have equal bits.
        if value.is_finite() && value >= 0.0 {
            Ok(Self(value + 0.0))
        } else {
            Err(RowReason::ValueInvalid)
        }
    }

    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl FromStr for CounterValue {
    type Err = RowReason;

    /// A decimal such as `12`, `12.5` or `1.25e6`; not `inf`, not `nan`, no sign before it.
    fn from_str(text: &str) -> Result<Self, RowReason> {
        if !text.starts_with(|it: char| it.is_ascii_digit() || it == '.') || text.len() > 64 {
            return Err(RowReason::ValueInvalid);
        }
        Self::new(text.parse().map_err(|_| RowReason::ValueInvalid)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_its_word_and_its_code() {
        for (code, name) in (0..).zip(CounterName::ALL) {
            assert_eq!(name.code(), code);
            assert_eq!(CounterName::from_code(code), Some(name));
            assert_eq!(name.as_str().parse(), Ok(name));
        }
        assert_eq!("friends".parse::<CounterName>(), Err(RowReason::CounterUnknown));
    }

    #[test]
    fn a_value_is_a_finite_decimal_of_at_least_zero() {
        assert_eq!("228.0".parse::<CounterValue>().map(CounterValue::get), Ok(228.0));
        for bad in ["", "-1", "inf", "nan", "1e999", "0x10", "ten"] {
            assert_eq!(bad.parse::<CounterValue>(), Err(RowReason::ValueInvalid), "{bad}");
        }
    }
}
