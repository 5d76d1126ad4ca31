//! Networks: an open set of lower-case names.

use std::{fmt, str::FromStr};

use crate::RowReason;

/// A place where people react to one another, such as `bluesky` or `stackexchange`.
///
/// Any name of 1 to [`Network::LENGTH_MAX`] characters of `a-z`, `0-9` and `-`. The set is open:
/// a network that nobody has heard of is as good as any.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network(Box<str>);

/// Networks that give a handle to one account at a time, and to another when the first lets it go.
const UNIQUE_HANDLES: [&str; 5] = ["bluesky", "github", "mastodon", "twitter", "wikipedia"];

/// Networks that let nobody be called as somebody else is but for capitals. Wikipedia does: only the first letter of a name
/// there may be either.
const CASELESS_HANDLES: [&str; 7] =
    ["bluesky", "github", "instagram", "mastodon", "reddit", "twitter", "x"];

impl Network {
    /// In bytes. Long enough for a host name of a federated server, short enough for a key.
    pub const LENGTH_MAX: usize = 64;

    /// Ours, on which members vouch for one another: nobody but we can tell what happened there.
    pub const KLOUT: &str = "klout";

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a handle means one account at a time, so that the one who was called so last has it.
    /// Elsewhere several may be called alike: display names of Stack Exchange, for one.
    #[must_use]
    pub fn has_unique_handles(&self) -> bool {
        UNIQUE_HANDLES.contains(&self.as_str())
    }

    /// Whether `A` to `Z` in a handle are the same as small letters.
    #[must_use]
    pub fn has_caseless_handles(&self) -> bool {
        CASELESS_HANDLES.contains(&self.as_str())
    }

    /// A handle in the spelling by which it is compared: in small letters where there are no others.
    #[must_use]
    pub fn compared(&self, handle: &str) -> String {
        let caseless = self.has_caseless_handles();
        if caseless { handle.to_ascii_lowercase() } else { handle.to_owned() }
    }
}

impl FromStr for Network {
    type Err = RowReason;

    fn from_str(text: &str) -> Result<Self, RowReason> {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let valid = (1..=Self::LENGTH_MAX).contains(&text.len()) && text.bytes().all(allowed);
        if valid { Ok(Self(text.into())) } else { Err(RowReason::NetworkInvalid) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_are_unique_where_the_network_sees_to_it() {
        let unique = |name: &str| name.parse::<Network>().expect("a network").has_unique_handles();
        assert!(unique("bluesky") && unique("github"));
        assert!(!unique("stackexchange") && !unique("never-heard-of"));
    }

    #[test]
    fn capitals_tell_handles_apart_where_they_do_on_the_network() {
        let compared = |name: &str| name.parse::<Network>().expect("a network").compared("AnnÄ");
        assert_eq!(compared("github"), "annÄ");
        assert_eq!(compared("wikipedia"), "AnnÄ");
        assert_eq!(compared("never-heard-of"), "AnnÄ");
    }

    #[test]
    fn a_network_is_a_short_lower_case_name() {
        for good in ["bluesky", "stack-exchange", "x", "web2"] {
            assert_eq!(good.parse::<Network>().map(|it| it.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "Bluesky", "a b", "é", &"n".repeat(300)] {
            assert_eq!(bad.parse::<Network>(), Err(RowReason::NetworkInvalid), "{bad}");
        }
    }
}
