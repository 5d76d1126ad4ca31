//! What a customer shows: `klout_<id>_<secret>`. No I/O.

use std::{fmt, str::FromStr};

use blake3::Hash;
use rand::Rng as _;

/// What every key begins with, by which it is told from a token, and found where it should not be.
const PREFIX: &str = "klout_";

/// Random bytes of an id.
const RANDOM_LENGTH: usize = 8;

/// Bytes of an id: the random ones, and the check.
const ID_LENGTH: usize = RANDOM_LENGTH + 4;

/// Bytes of a secret: 256 random bits, of which nobody finds one by trying.
const SECRET_LENGTH: usize = 32;

/// Characters of a secret that people are shown to tell it apart: 240 bits are left.
const ENDING_LENGTH: usize = 4;

/// Names a key. It may stand in a log, other than its secret. As text it is 24 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct KeyId([u8; ID_LENGTH]);

/// Tells an id that was made here from one that somebody made up, without a look at the database: its last bytes are
/// a hash of the others with a secret of this installation. So guessing makes no load. It says nothing else: an id is
/// no secret.
#[derive(Clone)]
pub(crate) struct IdCheck([u8; blake3::KEY_LEN]);

/// What somebody showed: an id, and the hash of a secret.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    pub(crate) id: KeyId,
    pub(crate) hash: Hash,
}

/// A secret that was just made. Nobody keeps it.
pub(crate) struct NewSecret(String);

/// It is not 24 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not the id of a key: 24 hexadecimal digits")]
pub(crate) struct KeyIdMalformed;

/// Whether a text means to be a key of a customer, and nothing else that a caller may show.
pub(crate) fn is_key(text: &str) -> bool {
    text.starts_with(PREFIX)
}

// === impl Shown ===

impl Shown {
    /// `None`: no key of ours looks like that.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let id = id.parse().ok()?;
        // Of the text as it was shown: it is the key, in one spelling only.
        (secret.len() == 2 * SECRET_LENGTH).then(|| Self { id, hash: hash(secret) })
    }
}

// === impl NewSecret ===

impl NewSecret {
    pub(crate) fn make() -> Self {
        let mut bytes = [0; SECRET_LENGTH];
        rand::rng().fill_bytes(&mut bytes);
        Self(hex(&bytes))
    }

    /// What is kept of it. A plain hash is enough: it has as much to guess as a key of AES-256, so that no table and no
    /// machine finds it from its hash, and a slow function, which protects what people think of, would only make each
    /// call slow.
    pub(crate) fn hash(&self) -> Hash {
        hash(&self.0)
    }

    pub(crate) fn ending(&self) -> &str {
        &self.0[self.0.len() - ENDING_LENGTH..]
    }

    /// The whole key, for the only time.
    pub(crate) fn into_key(self, id: KeyId) -> String {
        format!("{PREFIX}{id}_{}", self.0)
    }
}

impl fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewSecret(***)")
    }
}

// === impl IdCheck ===

impl IdCheck {
    /// `secret`: as this installation keeps it.
    pub(crate) fn new(secret: &[u8]) -> Self {
        Self(blake3::derive_key("klout gateway 2026 check of the ids of keys", secret))
    }

    /// An id that nobody has.
    pub(crate) fn make(&self) -> KeyId {
        let mut id = [0; ID_LENGTH];
        rand::rng().fill_bytes(&mut id[..RANDOM_LENGTH]);
        let check = self.of(&id[..RANDOM_LENGTH]);
        id[RANDOM_LENGTH..].copy_from_slice(&check);
        KeyId(id)
    }

    /// Whether an id was made here. Somebody who tries finds one of four thousand million that seems to be.
    pub(crate) fn holds(&self, id: KeyId) -> bool {
        let (random, check) = id.0.split_at(RANDOM_LENGTH);
        // What differs first is of no use to anybody: an id is no secret.
        self.of(random) == check
    }

    fn of(&self, random: &[u8]) -> [u8; ID_LENGTH - RANDOM_LENGTH] {
        let hash = blake3::keyed_hash(&self.0, random);
        *hash.as_bytes().first_chunk().expect("a hash is longer")
    }
}

impl fmt::Debug for IdCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdCheck(***)")
    }
}

// === impl KeyId ===

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl FromStr for KeyId {
    type Err = KeyIdMalformed;

    fn from_str(text: &str) -> Result<Self, KeyIdMalformed> {
        let digits = text.as_bytes();
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(KeyIdMalformed),
        };
        if digits.len() != 2 * ID_LENGTH {
            return Err(KeyIdMalformed);
        }
        let mut id = [0; ID_LENGTH];
        for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(id))
    }
}

fn hash(secret: &str) -> Hash {
    blake3::hash(secret.as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_made() {
        let check = IdCheck::new(b"a secret");
        let (id, secret) = (check.make(), NewSecret::make());
        let (hash, ending) = (secret.hash(), secret.ending().to_owned());
        let key = secret.into_key(id);
        let shown = Shown::parse(&key).expect("a key");
        assert_eq!((shown.id, shown.hash), (id, hash));
        assert!(is_key(&key) && key.ends_with(&ending) && ending.len() == 4);
        assert!(!format!("{:?}", NewSecret::make()).contains("Secret(\""));
    }

    #[test]
    fn an_id_of_another_installation_was_not_made_here() {
        let (ours, theirs) = (IdCheck::new(b"ours"), IdCheck::new(b"theirs"));
        assert!((0..100).all(|_| ours.holds(ours.make()) && !ours.holds(theirs.make())));
    }

    #[test]
    fn a_key_has_one_spelling() {
        let key = NewSecret::make().into_key(IdCheck::new(b"a secret").make());
        let (id, secret) = (&key[6..30], &key[31..]);
        for other in [
            String::new(),
            "klout_".to_owned(),
            format!("klout_{id}"),
            format!("klout_{id}_"),
            format!("klout_{id}_{}", &secret[1..]),
            format!("klout_{id}_{secret}0"),
            format!("klout_{id}0_{secret}"),
            format!("klout_{}_{secret}", id.to_uppercase().replace(char::is_numeric, "A")),
            format!("KLOUT_{id}_{secret}"),
            format!(" {key}"),
        ] {
            assert!(Shown::parse(&other).is_none(), "{other}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(klout_)?[0-9a-fé_]{0,120}") {
            if let Some(shown) = Shown::parse(&text) {
                prop_assert!(text.contains(&shown.id.to_string()));
            }
        }
    }
}
