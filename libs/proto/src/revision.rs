//! Revision tokens: what a write or a score returns, so that a later read can ask to see it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

/// What a reader asks to see. Opaque to callers, and carries no authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revision {
    /// Everything that these batches of signals brought.
    Batches(Vec<Uuid>),
    /// A score at least as new as the one with this number.
    Score(u64),
}

/// The text is not a revision token of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a revision token of ours")]
pub struct RevisionInvalid;

impl Revision {
    /// More batches than a batch of signals can name are not waited for.
    pub const BATCHES_MAX: usize = 1_000;

    /// The token. No batches at all make the empty token: there is nothing to wait for.
    #[must_use]
    pub fn to_token(&self) -> String {
        match self {
            Self::Batches(batches) if batches.is_empty() => String::new(),
            Self::Batches(batches) => {
                let bytes: Vec<u8> = batches.iter().flat_map(|id| *id.as_bytes()).collect();
                format!("b.{}", URL_SAFE_NO_PAD.encode(bytes))
            }
            Self::Score(number) => format!("s.{number}"),
        }
    }

    /// What a token asks for. The empty token asks for nothing.
    ///
    /// # Errors
    ///
    /// When it is not one of ours.
    pub fn from_token(token: &str) -> Result<Self, RevisionInvalid> {
        match token.split_once('.') {
            None if token.is_empty() => Ok(Self::Batches(Vec::new())),
            Some(("s", number)) => number.parse().map(Self::Score).map_err(|_| RevisionInvalid),
            Some(("b", text)) => {
                let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| RevisionInvalid)?;
                let (ids, rest) = bytes.as_chunks::<16>();
                if !rest.is_empty() || ids.len() > Self::BATCHES_MAX {
                    return Err(RevisionInvalid);
                }
                Ok(Self::Batches(ids.iter().map(|id| Uuid::from_bytes(*id)).collect()))
            }
            Some(_) | None => Err(RevisionInvalid),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_survives_being_a_token() {
        for revision in [
            Revision::Score(7),
            Revision::Batches(Vec::new()),
            Revision::Batches(vec![Uuid::from_bytes([1; 16]), Uuid::from_bytes([2; 16])]),
        ] {
            assert_eq!(Revision::from_token(&revision.to_token()), Ok(revision));
        }
    }

    #[test]
    fn a_token_that_is_not_ours_is_refused() {
        for bad in ["x", "b.abc", "s.-1", "s.", "q.1", "b.!!"] {
            assert_eq!(Revision::from_token(bad), Err(RevisionInvalid), "{bad}");
        }
    }
}
