//! What a network gives, from where, and under which terms.

use std::time::Duration;

/// A network, as people are told of it.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// As signals name it.
    pub network: &'static str,
    pub display_name: &'static str,
    pub state: State,
    pub capabilities: Capabilities,
    /// How accounts are connected. Empty where none can be.
    pub methods: &'static [Method],
    pub terms: Terms,
    /// What signals come of it, and what does not.
    pub gives: &'static str,
    /// Who is asked.
    pub source: &'static str,
}

/// Whether accounts can be connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Live,
    /// Its network would allow it.
    NotBuilt,
    /// Its network allows it to whom it approves.
    Gated,
    /// It costs money a call.
    Paid,
    /// Only what people download of themselves.
    Import,
    Dead,
}

/// Of whom something can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    None,
    /// Of the account that is connected.
    Own,
    Any,
}

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    pub resolve: Whose,
    pub audience: Whose,
    pub posts: Whose,
    pub reaction_counts: Whose,
    pub reactors: Whose,
    pub mentions: Whose,
    pub stream: Whose,
    pub archive: Whose,
}

/// What binds whoever has data of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How long what it told may be kept. `None`: as long as it is needed.
    pub retention: Option<Duration>,
    pub feeds_perks: bool,
    pub blends: bool,
    /// Whether what it told goes when an account is disconnected.
    pub forgets: bool,
    pub summary: &'static str,
    pub url: &'static str,
}

/// How an account is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    OAuth,
    AppPassword,
    Token,
    Challenge,
    RelMe,
    Operator,
}

// === impl State ===

impl State {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "LIVE",
            Self::NotBuilt => "NOT_BUILT",
            Self::Gated => "GATED",
            Self::Paid => "PAID",
            Self::Import => "IMPORT",
            Self::Dead => "DEAD",
        }
    }
}

// === impl Whose ===

impl Whose {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Own => "OWN",
            Self::Any => "ANY",
        }
    }
}

// === impl Method ===

impl Method {
    pub const ALL: [Self; 6] =
        [Self::OAuth, Self::AppPassword, Self::Token, Self::Challenge, Self::RelMe, Self::Operator];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OAuth => "OAUTH",
            Self::AppPassword => "APP_PASSWORD",
            Self::Token => "TOKEN",
            Self::Challenge => "CHALLENGE",
            Self::RelMe => "REL_ME",
            Self::Operator => "OPERATOR",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}
