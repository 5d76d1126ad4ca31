//! Seals what people entrust to us.
//!
//! Access to accounts, and our own secrets at servers, are kept encrypted (XChaCha20-Poly1305), each for what it is about
//! alone: what is sealed for one account does not open for another. The keys are configured and never in the database, so
//! that a copy of it opens nothing. The first key seals, all of them open: who puts another one in front has everything
//! sealed anew (`reseal.rs`), and may then take the one behind it away.

use std::{collections::BTreeSet, fmt, sync::Arc};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};

/// Bytes of a key.
const KEY_BYTES: usize = 32;

/// Bytes of what is drawn for each sealing: so many that none is drawn twice.
const NONCE_BYTES: usize = 24;

/// In bytes, of the name of a key.
const ID_LENGTH_MAX: usize = 32;

/// What a process that was started with `dev` seals with, and everybody knows.
const WELL_KNOWN: &[u8; KEY_BYTES] = b"the well-known seal of --dev....";

/// The keys that seal and open. Clones share them.
#[derive(Clone)]
pub(crate) struct Keys(Arc<Vec<Key>>);

struct Key {
    id: String,
    cipher: XChaCha20Poly1305,
}

/// What something is sealed for: it opens for the same alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum For<'a> {
    /// The access to an account.
    Account(i64),
    /// Our own secret at a server.
    Server(&'a str),
    /// An attempt to connect, which whoever started it keeps.
    Attempt,
}

/// Something that was sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sealed {
    pub(crate) key_id: String,
    pub(crate) bytes: Vec<u8>,
}

/// What does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SealBroken {
    #[error("it is sealed with a key that is not configured")]
    KeyUnknown,
    #[error("it is not sealed for this, or was changed")]
    Changed,
}

// === impl Keys ===

impl Keys {
    /// As configured: `ID:KEY` one or several times, separated by spaces, each key 32 bytes in base64.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut keys = Vec::new();
        let mut ids = BTreeSet::new();
        for entry in text.split_whitespace() {
            let (id, key) = entry.split_once(':').ok_or("has a key without an id, as in ID:KEY")?;
            let may = |it: u8| it.is_ascii_alphanumeric() || it == b'-' || it == b'_';
            if id.is_empty() || id.len() > ID_LENGTH_MAX || !id.bytes().all(may) {
                return Err("has an id that is not of at most 32 letters, digits, - and _");
            }
            if !ids.insert(id) {
                return Err("has two keys of one id");
            }
            let problem =
                "has a key that is not 32 bytes in base64: `openssl rand -base64 32` makes one";
            let bytes = STANDARD.decode(key).map_err(|_| problem)?;
            let cipher = XChaCha20Poly1305::new_from_slice(&bytes).map_err(|_| problem)?;
            keys.push(Key { id: id.to_owned(), cipher });
        }
        if keys.is_empty() {
            return Err("is empty");
        }
        Ok(Self(Arc::new(keys)))
    }

    /// One that everybody knows.
    pub(crate) fn well_known() -> Self {
        let cipher = XChaCha20Poly1305::new(WELL_KNOWN.into());
        Self(Arc::new(vec![Key { id: "dev".to_owned(), cipher }]))
    }

    /// The id of the key that seals.
    pub(crate) fn newest(&self) -> &str {
        &self.first().id
    }

    /// Those of all keys.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.0.iter().map(|key| key.id.clone()).collect()
    }

    fn first(&self) -> &Key {
        self.0.first().expect("there is one at least")
    }

    /// # Panics
    ///
    /// When it is longer than 256 GiB.
    pub(crate) fn seal(&self, purpose: For<'_>, secret: &[u8]) -> Sealed {
        let key = self.first();
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let aad = purpose.bytes();
        let mut bytes = nonce.to_vec();
        let sealed = key.cipher.encrypt(&XNonce::from(nonce), Payload { msg: secret, aad: &aad });
        bytes.extend(sealed.expect("it is short enough"));
        Sealed { key_id: key.id.clone(), bytes }
    }

    pub(crate) fn open(
        &self,
        purpose: For<'_>,
        key_id: &str,
        sealed: &[u8],
    ) -> Result<Vec<u8>, SealBroken> {
        let key = self.0.iter().find(|key| key.id == key_id).ok_or(SealBroken::KeyUnknown)?;
        let (nonce, sealed) =
            sealed.split_first_chunk::<NONCE_BYTES>().ok_or(SealBroken::Changed)?;
        let aad = purpose.bytes();
        key.cipher
            .decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: &aad })
            .map_err(|_| SealBroken::Changed)
    }

    /// Sealed as a text that can be handed to somebody.
    pub(crate) fn seal_text(&self, purpose: For<'_>, secret: &[u8]) -> String {
        let Sealed { key_id, bytes } = self.seal(purpose, secret);
        format!("{key_id}.{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What [`Self::seal_text`] made.
    pub(crate) fn open_text(&self, purpose: For<'_>, text: &str) -> Option<Vec<u8>> {
        let (key_id, sealed) = text.split_once('.')?;
        let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        self.open(purpose, key_id, &sealed).ok()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keys").field(&self.ids()).finish()
    }
}

// === impl For ===

impl For<'_> {
    fn bytes(self) -> Vec<u8> {
        match self {
            Self::Account(account) => [b"account:".as_slice(), &account.to_be_bytes()].concat(),
            Self::Server(server) => [b"server:".as_slice(), server.as_bytes()].concat(),
            Self::Attempt => b"attempt:".to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ONE: &str = "one:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    const TWO: &str = "two:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

    fn keys(text: &str) -> Keys {
        Keys::parse(text).expect("keys")
    }

    #[test]
    fn what_is_sealed_opens_for_what_it_was_sealed_for_alone() {
        let keys = keys(ONE);
        let sealed = keys.seal(For::Account(7), b"secret");
        assert!(!sealed.bytes.windows(6).any(|bytes| bytes == b"secret"));
        let open = |purpose| keys.open(purpose, &sealed.key_id, &sealed.bytes);
        assert_eq!(open(For::Account(7)).as_deref(), Ok(b"secret".as_slice()));
        for other in [For::Account(8), For::Server("one.example"), For::Attempt] {
            assert_eq!(open(other), Err(SealBroken::Changed), "{other:?}");
        }
        assert_ne!(sealed, keys.seal(For::Account(7), b"secret"), "each time otherwise");
    }

    #[test]
    fn the_first_key_seals_and_all_of_them_open() {
        let sealed = keys(ONE).seal(For::Attempt, b"secret");
        let both = keys(&format!("{TWO}\n{ONE}"));
        assert_eq!(both.newest(), "two");
        let open = |keys: &Keys| keys.open(For::Attempt, &sealed.key_id, &sealed.bytes);
        assert_eq!(open(&both).as_deref(), Ok(b"secret".as_slice()));
        assert_eq!(open(&keys(TWO)), Err(SealBroken::KeyUnknown));
    }

    #[test]
    fn keys_that_cannot_be_are_refused_and_none_is_printed() {
        for bad in
            ["", "one", "one:", "one:AAAA", ":AAAA", "o e:x", "ö:AAAA", &format!("{ONE} {ONE}")]
        {
            assert!(Keys::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(format!("{:?}", keys(ONE)), r#"Keys(["one"])"#);
    }

    proptest! {
        #[test]
        fn nothing_but_what_was_sealed_opens(text in ".{0,80}", byte in any::<usize>(), by in 1_u8..) {
            let keys = keys(ONE);
            prop_assert_eq!(keys.open_text(For::Attempt, &text), None);
            let mut sealed = keys.seal(For::Attempt, text.as_bytes());
            let at = byte % sealed.bytes.len();
            sealed.bytes[at] ^= by;
            prop_assert!(keys.open(For::Attempt, "one", &sealed.bytes).is_err());
        }
    }
}
