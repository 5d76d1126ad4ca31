//! How somebody showed that an account is theirs.

use crate::error::Error;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// An operator says so.
    Operator,
    /// A text that we made stands on the account's page.
    Challenge,
    /// A page of the person's own and the account's link to one another.
    RelMe,
    /// The account's network gave a service of ours access to it.
    OAuth,
}

// === impl Proof ===

impl Proof {
    /// As the contract has it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Operator => "OPERATOR",
            Self::Challenge => "CHALLENGE",
            Self::RelMe => "REL_ME",
            Self::OAuth => "OAUTH",
        }
    }

    /// One that can be looked for.
    pub(crate) fn method(text: &str) -> Result<Self, Error> {
        [Self::Challenge, Self::RelMe]
            .into_iter()
            .find(|proof| proof.name() == text)
            .ok_or_else(|| Error::field("method", "is neither CHALLENGE nor REL_ME"))
    }
}
