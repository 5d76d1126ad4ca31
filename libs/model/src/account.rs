//! Accounts: what a network calls somebody, and what we call them without knowing.

use std::{fmt, str::FromStr};

use crate::{Network, RowReason};

/// What a network itself calls an account, letter for letter.
///
/// 1 to [`NativeId::LENGTH_MAX`] bytes without control characters. Not a handle: a handle can
/// change its owner, a native id cannot (where a network has only handles, they are its ids).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NativeId(Box<str>);

/// An account, as 64 bits of a keyed hash of network and native id.
///
/// Made without a look-up, and without the key nobody can tell who it is. Two accounts of one
/// database share an id with a chance of about n²/2⁶⁵; what belongs to a person is therefore
/// linked by [`AccountTag`] as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub i64);

/// 128 further bits of the same hash: two accounts that share an id differ here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccountTag(pub [u8; 16]);

/// The identity of a signal, or of a post, within its account: 128 bits of a keyed hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignalHash(pub [u8; 16]);

/// What somebody is reached by, an e-mail address for example, as a keyed hash: all that is kept of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContactHash(pub [u8; 32]);

/// The key of all account ids of an installation: made once, kept outside the database, never
/// rotated.
#[derive(Clone)]
pub struct AccountKey([u8; 32]);

/// A database was made with another account key: to this one, every account in it is a stranger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`server.account_key` is not the key that this database was made with; every account would be a \
     stranger"
)]
pub struct AccountKeyDiffers;

// === impl NativeId ===

impl NativeId {
    /// In bytes; the longest that a network known to us uses is a URL of an ActivityPub actor.
    pub const LENGTH_MAX: usize = 256;

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NativeId {
    type Err = RowReason;

    fn from_str(text: &str) -> Result<Self, RowReason> {
        let valid =
            (1..=Self::LENGTH_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
        if valid { Ok(Self(text.into())) } else { Err(RowReason::AccountInvalid) }
    }
}

impl fmt::Display for NativeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl SignalHash ===

impl SignalHash {
    /// 64 bits of it: enough to tell the signals of one batch, or of one post, apart.
    #[must_use]
    pub const fn short(self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

// === impl AccountKey ===

impl AccountKey {
    #[must_use]
    pub const fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The id and the tag of the account that `network` calls `native_id`.
    #[must_use]
    pub fn account(&self, network: &Network, native_id: &NativeId) -> (AccountId, AccountTag) {
        let hash = self.hash("account", &[network.as_str(), native_id.as_str()]);
        let (id, rest) = hash.split_at(8);
        let id = i64::from_le_bytes(id.try_into().expect("eight bytes"));
        (AccountId(id), AccountTag(rest[..16].try_into().expect("sixteen bytes")))
    }

    /// The identity of the signal that `network` (or a caller) calls `signal_id`.
    #[must_use]
    pub fn signal(&self, network: &Network, signal_id: &str) -> SignalHash {
        self.short("signal", network, signal_id)
    }

    /// The identity of the post that `network` calls `post`.
    #[must_use]
    pub fn post(&self, network: &Network, post: &str) -> SignalHash {
        self.short("post", network, post)
    }

    /// As what a contact is kept whose normalised form has this SHA-256, so that callers may send either. The key is
    /// one of its own, derived from this one: who learns contact hashes learns nothing about accounts.
    #[must_use]
    pub fn contact(&self, sha256: &[u8; 32]) -> ContactHash {
        let key = blake3::derive_key("klout contact", &self.0);
        ContactHash(*blake3::keyed_hash(&key, sha256).as_bytes())
    }

    /// A key of its own for another purpose, of which nobody can tell this one.
    #[must_use]
    pub fn derived(&self, purpose: &str) -> [u8; 32] {
        self.hash("key", &[purpose])
    }

    /// A value that is stored in the open to tell whether a database was made with this key.
    #[must_use]
    pub fn check_value(&self) -> [u8; 16] {
        self.hash("check", &[])[..16].try_into().expect("sixteen bytes")
    }

    /// Checks that `check_value`, which a database keeps, is that of this key.
    ///
    /// # Errors
    ///
    /// When the database was made with another key.
    pub fn check(&self, check_value: &[u8]) -> Result<(), AccountKeyDiffers> {
        if self.check_value() == check_value { Ok(()) } else { Err(AccountKeyDiffers) }
    }

    fn short(&self, purpose: &str, network: &Network, id: &str) -> SignalHash {
        let hash = self.hash(purpose, &[network.as_str(), id]);
        SignalHash(hash[..16].try_into().expect("sixteen bytes"))
    }

    /// Each part goes in behind its length, so that no two lists of parts read the same.
    fn hash(&self, purpose: &str, parts: &[&str]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        for part in std::iter::once(&purpose).chain(parts) {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        *hasher.finalize().as_bytes()
    }
}

impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(key: u8, network: &str, native_id: &str) -> (AccountId, AccountTag) {
        AccountKey::new([key; 32])
            .account(&network.parse().expect("a network"), &native_id.parse().expect("a native id"))
    }

    #[test]
    fn an_account_id_is_the_same_for_ever() {
        // Golden: a change here would make strangers of everybody in every database.
        assert_eq!(account(7, "bluesky", "ann"), account(7, "bluesky", "ann"));
        assert_eq!(account(7, "bluesky", "ann").0, AccountId(GOLDEN));
    }

    const GOLDEN: i64 = 5_475_400_860_355_073_495;

    #[test]
    fn an_account_id_hangs_on_the_key_the_network_and_the_native_id() {
        let ann = account(7, "bluesky", "ann");
        assert_ne!(ann, account(8, "bluesky", "ann"));
        assert_ne!(ann, account(7, "mastodon", "ann"));
        assert_ne!(ann, account(7, "bluesky", "Ann"));
        assert_ne!(account(7, "ab", "c"), account(7, "a", "bc"));
    }

    #[test]
    fn a_contact_is_the_same_for_ever_and_hangs_on_the_key() {
        let contact = |key| AccountKey::new([key; 32]).contact(&[1; 32]);
        // Golden: a change here would make every contact in every database unknown.
        assert_eq!(contact(7).0[..8], CONTACT_GOLDEN);
        assert_ne!(contact(7), contact(8));
        assert_ne!(contact(7), AccountKey::new([7; 32]).contact(&[2; 32]));
    }

    const CONTACT_GOLDEN: [u8; 8] = [178, 188, 152, 109, 84, 163, 74, 203];

    #[test]
    fn a_native_id_has_no_control_characters_and_an_end() {
        for bad in ["", "a\nb", "\u{0}", &"x".repeat(257)] {
            assert_eq!(bad.parse::<NativeId>(), Err(RowReason::AccountInvalid));
        }
        assert!("Ünï 🦀".parse::<NativeId>().is_ok());
    }

    #[test]
    fn a_derived_key_hangs_on_the_key_and_on_its_purpose() {
        let key = AccountKey::new([7; 32]);
        assert_eq!(key.derived("link"), key.derived("link"));
        assert_ne!(key.derived("link"), key.derived("another"));
        assert_ne!(key.derived("link"), AccountKey::new([8; 32]).derived("link"));
    }

    #[test]
    fn a_key_is_not_printed() {
        assert_eq!(format!("{:?}", AccountKey::new([7; 32])), "AccountKey(***)");
    }
}
