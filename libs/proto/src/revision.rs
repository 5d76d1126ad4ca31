//! Revision tokens: what a write or a score returns, so that a later read can ask to see it.
//!
//! A token says what it stands for, in which deployment, and which: `s.MARK.7` is a score, `b.MARK.…` are
//! batches. Tokens of the version before have no mark, and are taken for our own.

use std::{fmt, str};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

/// What tells the tokens of one deployment from those of another: whoever shares its account key is one
/// with it. A copy of its database is too, which a token cannot know.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Deployment([u8; Self::MARK_LENGTH]);

/// What a reader asks to see. Opaque to callers, and carries no authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revision {
    /// Everything that these batches of signals brought.
    Batches(Vec<Uuid>),
    /// A score at least as new as the one with this number.
    Score(u64),
}

/// The text cannot be used as a revision token here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevisionRefused {
    #[error("not a revision token of ours")]
    Invalid,
    #[error("a revision token of another deployment")]
    Elsewhere,
}

// === impl Deployment ===

impl Deployment {
    /// 36 bits: of a thousand deployments, two have one mark with a chance of 1 in 100,000.
    const MARK_LENGTH: usize = 6;

    /// That of an account key, by the value that is stored in the open to check it.
    #[must_use]
    pub fn of(check_value: &[u8; 16]) -> Self {
        let mut text = [0; 22];
        let written = URL_SAFE_NO_PAD.encode_slice(check_value, &mut text);
        debug_assert_eq!(written, Ok(text.len()), "16 bytes are 22 characters");
        let [a, b, c, d, e, f, ..] = text;
        Self([a, b, c, d, e, f])
    }

    fn mark(&self) -> &str {
        str::from_utf8(&self.0).expect("base64 is ASCII")
    }
}

impl fmt::Debug for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Deployment").field(&self.mark()).finish()
    }
}

// === impl Revision ===

impl Revision {
    /// More batches than a batch of signals can name are not waited for.
    pub const BATCHES_MAX: usize = 1_000;

    /// The token of it in a deployment. No batches at all make the empty token: there is nothing to wait
    /// for.
    #[must_use]
    pub fn to_token(&self, deployment: Deployment) -> String {
        let mark = deployment.mark();
        match self {
            Self::Batches(batches) if batches.is_empty() => String::new(),
            Self::Batches(batches) => {
                let bytes: Vec<u8> = batches.iter().flat_map(|id| *id.as_bytes()).collect();
                format!("b.{mark}.{}", URL_SAFE_NO_PAD.encode(bytes))
            }
            Self::Score(number) => format!("s.{mark}.{number}"),
        }
    }

    /// What a token asks for. The empty token asks for nothing.
    ///
    /// # Errors
    ///
    /// When it is not one of ours, or of another deployment.
    pub fn from_token(token: &str, deployment: Deployment) -> Result<Self, RevisionRefused> {
        let (mark, revision) = read(token).ok_or(RevisionRefused::Invalid)?;
        match mark {
            Some(mark) if mark != deployment.mark() => Err(RevisionRefused::Elsewhere),
            Some(_) | None => Ok(revision),
        }
    }

    /// What a token asks for that cannot come from elsewhere.
    #[must_use]
    pub fn from_own_token(token: &str) -> Option<Self> {
        read(token).map(|(_, revision)| revision)
    }
}

/// The mark of a token, if it has one, and the rest.
fn read(token: &str) -> Option<(Option<&str>, Revision)> {
    let Some((kind, rest)) = token.split_once('.') else {
        return token.is_empty().then_some((None, Revision::Batches(Vec::new())));
    };
    let (mark, rest) = rest.split_once('.').map_or((None, rest), |(mark, rest)| (Some(mark), rest));
    if mark.is_some_and(|mark| !is_mark(mark)) {
        return None;
    }
    let revision = match kind {
        "s" => Revision::Score(rest.parse().ok()?),
        "b" => {
            let bytes = URL_SAFE_NO_PAD.decode(rest).ok()?;
            let (ids, rest) = bytes.as_chunks::<16>();
            if !rest.is_empty() || ids.len() > Revision::BATCHES_MAX {
                return None;
            }
            Revision::Batches(ids.iter().map(|id| Uuid::from_bytes(*id)).collect())
        }
        _ => return None,
    };
    Some((mark, revision))
}

fn is_mark(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    text.len() == Deployment::MARK_LENGTH && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> Deployment {
        Deployment::of(&[7; 16])
    }

    fn revisions() -> [Revision; 3] {
        [
            Revision::Score(7),
            Revision::Batches(Vec::new()),
            Revision::Batches(vec![Uuid::from_bytes([1; 16]), Uuid::from_bytes([2; 16])]),
        ]
    }

    #[test]
    fn a_revision_survives_being_a_token() {
        for revision in revisions() {
            let token = revision.to_token(here());
            assert_eq!(Revision::from_own_token(&token).as_ref(), Some(&revision));
            assert_eq!(Revision::from_token(&token, here()), Ok(revision));
        }
        assert_eq!(Revision::Score(7).to_token(here()), "s.BwcHBw.7");
    }

    #[test]
    fn a_token_of_another_deployment_is_told_apart() {
        let elsewhere = Deployment::of(&[8; 16]);
        let [score, nothing, batches] = revisions().map(|it| it.to_token(elsewhere));
        for token in [score, batches] {
            let read = Revision::from_token(&token, here());
            assert_eq!(read, Err(RevisionRefused::Elsewhere), "{token}");
        }
        assert!(Revision::from_token(&nothing, here()).is_ok(), "nothing is nowhere");
    }

    #[test]
    fn a_token_of_the_version_before_is_ours() {
        assert_eq!(Revision::from_token("s.7", here()), Ok(Revision::Score(7)));
        let batch = Uuid::from_bytes([1; 16]);
        let token = format!("b.{}", URL_SAFE_NO_PAD.encode(batch.as_bytes()));
        assert_eq!(Revision::from_token(&token, here()), Ok(Revision::Batches(vec![batch])));
    }

    #[test]
    fn a_token_that_is_not_ours_is_refused() {
        let bad = [
            "x",
            "b.abc",
            "s.-1",
            "s.",
            "q.1",
            "b.!!",
            "s.short.1",
            "s.toolong.1",
            "s.BwcHB!.1",
            "s.BwcHBw.x",
            "s.BwcHBw.1.2",
        ];
        for bad in bad {
            let read = Revision::from_token(bad, here());
            assert_eq!(read, Err(RevisionRefused::Invalid), "{bad}");
        }
    }
}
