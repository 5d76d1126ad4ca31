//! Tokens that tell nobody what is in them: a place in the ranking names somebody, who may be hidden from whoever is
//! given the token, or leave while they have it. Pure.
//!
//! Deterministic authenticated encryption, in the way of SIV (RFC 5297): a keyed hash of the text is its tag, and the
//! stream that covers it is drawn from the tag. Both are BLAKE3, keyed each with a key of its own.

use std::fmt;

use blake3::{Hash, Hasher};
use klout_model::AccountKey;

/// Bytes of a tag, and twice as many digits.
const TAG: usize = blake3::OUT_LEN;

/// Closes texts, and opens what it closed; replicas open what others closed.
#[derive(Clone, Copy)]
pub(super) struct Seal {
    tag: [u8; 32],
    stream: [u8; 32],
}

// === impl Seal ===

impl Seal {
    pub(super) fn new(account_key: &AccountKey) -> Self {
        let key = |purpose| account_key.derived(purpose);
        Self { tag: key("gateway page tag"), stream: key("gateway page stream") }
    }

    pub(super) fn close(&self, text: &str) -> String {
        let tag = blake3::keyed_hash(&self.tag, text.as_bytes());
        let mut closed = text.as_bytes().to_vec();
        self.cover(&tag, &mut closed);
        let digits = closed.iter().map(|byte| format!("{byte:02x}"));
        std::iter::once(tag.to_hex().to_string()).chain(digits).collect()
    }

    /// `None`: it was not closed with this key.
    pub(super) fn open(&self, token: &str) -> Option<String> {
        let (tag, digits) = token.split_at_checked(2 * TAG)?;
        let tag = Hash::from_hex(tag).ok()?;
        let digits = digits.as_bytes();
        if digits.len() % 2 != 0 {
            return None;
        }
        let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
        let mut text: Vec<u8> = digits.chunks_exact(2).map(byte).collect::<Option<_>>()?;
        self.cover(&tag, &mut text);
        // Compared in constant time.
        let is_ours = blake3::keyed_hash(&self.tag, &text) == tag;
        String::from_utf8(text).ok().filter(|_| is_ours)
    }

    /// Twice it is as it was.
    fn cover(&self, tag: &Hash, bytes: &mut [u8]) {
        let mut stream = vec![0; bytes.len()];
        Hasher::new_keyed(&self.stream).update(tag.as_bytes()).finalize_xof().fill(&mut stream);
        for (byte, cover) in bytes.iter_mut().zip(stream) {
            *byte ^= cover;
        }
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(***)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seal(key: u8) -> Seal {
        Seal::new(&AccountKey::new([key; 32]))
    }

    proptest! {
        #[test]
        fn what_is_closed_is_opened_by_the_same_key_alone_and_shows_nothing(text in ".{0,80}") {
            let token = seal(1).close(&text);
            prop_assert_eq!(seal(1).open(&token), Some(text.clone()));
            prop_assert_eq!(seal(2).open(&token), None);
            prop_assert!(text.len() < 4 || !token.contains(&text));
        }

        #[test]
        fn what_was_changed_is_not_opened(text in "[a-z0-9~.]{1,40}", place in 0_usize..400) {
            let mut token = seal(1).close(&text).into_bytes();
            let place = place % token.len();
            token[place] = if token[place] == b'0' { b'1' } else { b'0' };
            let token = String::from_utf8(token).expect("digits");
            prop_assert_eq!(seal(1).open(&token), None);
        }

        #[test]
        fn no_text_makes_it_panic(token in ".{0,200}") {
            prop_assert_eq!(seal(1).open(&token), None);
        }
    }
}
