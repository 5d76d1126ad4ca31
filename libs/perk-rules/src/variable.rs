//! What rules can ask about.

use crate::types::{LIST_MAX, Type};

/// A name that rules can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variable {
    Score,
    Percentile,
    Confidence,
    TrueReach,
    Amplification,
    NetworkImpact,
    Topics,
    Country,
    City,
    Languages,
    Networks,
    MemberSince,
    PlusK,
}

// === impl Variable ===

impl Variable {
    pub(crate) const ALL: [Self; 13] = [
        Self::Score,
        Self::Percentile,
        Self::Confidence,
        Self::TrueReach,
        Self::Amplification,
        Self::NetworkImpact,
        Self::Topics,
        Self::Country,
        Self::City,
        Self::Languages,
        Self::Networks,
        Self::MemberSince,
        Self::PlusK,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::Percentile => "percentile",
            Self::Confidence => "confidence",
            Self::TrueReach => "true_reach",
            Self::Amplification => "amplification",
            Self::NetworkImpact => "network_impact",
            Self::Topics => "topics",
            Self::Country => "country",
            Self::City => "city",
            Self::Languages => "languages",
            Self::Networks => "networks",
            Self::MemberSince => "member_since",
            Self::PlusK => "plus_k",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|variable| variable.name() == name)
    }

    pub(crate) fn of_type(self) -> Type {
        match self {
            Self::Score
            | Self::Percentile
            | Self::Confidence
            | Self::TrueReach
            | Self::Amplification
            | Self::NetworkImpact => Type::Double,
            Self::Topics | Self::Languages | Self::Networks => {
                Type::List { of: Box::new(Type::String), length_max: LIST_MAX }
            }
            Self::Country | Self::City => Type::String,
            Self::MemberSince => Type::Timestamp,
            Self::PlusK => Type::Int,
        }
    }

    /// What is told when a condition asks for it and it is not known.
    pub(crate) fn unknown(self) -> &'static str {
        match self {
            Self::Score => "the score is not known yet",
            Self::Percentile => "the percentile is not known yet",
            Self::Confidence => "the confidence is not known yet",
            Self::TrueReach => "the true reach is not known yet",
            Self::Amplification => "the amplification is not known yet",
            Self::NetworkImpact => "the network impact is not known yet",
            Self::Country => "the country is not known",
            Self::City => "the city is not known",
            Self::MemberSince => "the time of joining is not known",
            // These are always known: a list can be empty, a count 0.
            Self::Topics => "the topics are not known",
            Self::Languages => "the languages are not known",
            Self::Networks => "the networks are not known",
            Self::PlusK => "the +K are not known",
        }
    }
}
