//! Topics: what posts are about and people are influential on.

use std::{fmt, num::NonZeroU64, str::FromStr};

/// A topic of an ontology: a positive number of up to 64 bits.
///
/// Nearly half of the ids that Klout published are above what a signed 64-bit number can hold, so a topic is
/// written as a decimal string wherever it leaves the process, and kept in databases by its
/// [`bits`](Self::bits).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicId(NonZeroU64);

/// The text is not a decimal from 1 to 18446744073709551615.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a topic is a decimal number from 1 to 18446744073709551615")]
pub struct TopicIdInvalid;

impl TopicId {
    /// Returns `None` when `id` is 0, which Klout's ontology has for the root that is no topic.
    #[must_use]
    pub fn new(id: u64) -> Option<Self> {
        NonZeroU64::new(id).map(Self)
    }

    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// The same 64 bits as a signed number, for columns. Its order is not that of ids.
    #[must_use]
    pub const fn bits(self) -> i64 {
        self.0.get().cast_signed()
    }

    /// The topic of some [`bits`](Self::bits).
    #[must_use]
    pub fn of_bits(bits: i64) -> Option<Self> {
        Self::new(bits.cast_unsigned())
    }
}

impl FromStr for TopicId {
    type Err = TopicIdInvalid;

    /// Digits only and without leading zeros, so that one topic has one spelling.
    fn from_str(text: &str) -> Result<Self, TopicIdInvalid> {
        if text.starts_with('0') || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(TopicIdInvalid);
        }
        text.parse().ok().and_then(Self::new).ok_or(TopicIdInvalid)
    }
}

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_has_one_spelling_and_may_need_all_64_bits() {
        for good in ["1", "10000000000000020305", "18446744073709551615"] {
            let topic: TopicId = good.parse().expect("a topic");
            assert_eq!(topic.to_string(), good);
            assert_eq!(TopicId::of_bits(topic.bits()), Some(topic));
        }
        for bad in ["", "0", "-1", "+1", "042", "1.0", "jazz", "18446744073709551616"] {
            assert_eq!(bad.parse::<TopicId>(), Err(TopicIdInvalid), "{bad}");
        }
    }
}
