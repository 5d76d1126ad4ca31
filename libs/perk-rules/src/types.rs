//! The types of expressions.

use std::fmt;

/// How many entries the lists of [`Facts`](crate::Facts) have at most: so many topics are answered of somebody, and there
/// are fewer languages and networks.
pub(crate) const LIST_MAX: u64 = 20;

/// What an expression evaluates to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Bool,
    Int,
    Double,
    String,
    /// Evaluated as the microseconds since 1970.
    Timestamp,
    /// Evaluated as microseconds.
    Duration,
    List {
        of: Box<Self>,
        length_max: u64,
    },
}

// === impl Type ===

impl Type {
    pub(crate) fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Double)
    }

    /// Whether `==` says something about values of both.
    pub(crate) fn equals_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List { .. }, _) | (_, Self::List { .. }) => false,
            _ => self == other || (self.is_number() && other.is_number()),
        }
    }

    /// Whether one value of both can be the greater one.
    pub(crate) fn compares_with(&self, other: &Self) -> bool {
        *self != Self::Bool && self.equals_with(other)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => formatter.write_str("a condition"),
            Self::Int | Self::Double => formatter.write_str("a number"),
            Self::String => formatter.write_str("a text"),
            Self::Timestamp => formatter.write_str("a time"),
            Self::Duration => formatter.write_str("a duration"),
            Self::List { .. } => formatter.write_str("a list"),
        }
    }
}
