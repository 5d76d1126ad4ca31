//! E-mail addresses, phone numbers and loyalty numbers: checked, written one way, hashed. Pure.

use std::{collections::BTreeSet, fmt};

use klout_contact::{email, hash, loyalty_number, parse_hash, phone};
use klout_model::{AccountKey, ContactHash};
use klout_proto::graph::v1::Contacts;
use sha2::{Digest as _, Sha256};

use crate::{error::Error, likelihood::Name};

/// Contacts of a kind in one request.
const CONTACTS_MAX: usize = 25;

/// The SHA-256 of a contact: what callers may send instead of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sha([u8; 32]);

/// What somebody is reached by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Contact {
    pub(crate) name: Name,
    pub(crate) kind: Kind,
    pub(crate) sha: Sha,
}

/// What kinds there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Email,
    Phone,
    Loyalty,
}

/// The keys by which contacts are hashed, the oldest first: what the first made of a contact is hashed again by the
/// second, and so on. So a key can be added without anybody knowing the contacts.
#[derive(Clone)]
pub(crate) struct ContactKeys(Vec<AccountKey>);

// === impl Kind ===

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Loyalty => "loyalty_number",
        }
    }
}

// === impl Contact ===

impl Contact {
    /// Everything that can be used of `contacts`, and what is wrong with the rest.
    pub(crate) fn parse_usable(contacts: Contacts) -> Result<(Vec<Self>, Vec<Error>), Error> {
        let (mut usable, mut unusable) = (Vec::new(), Vec::new());
        for contact in Self::parse_each(contacts)? {
            match contact {
                Ok(contact) => usable.push(contact),
                Err(error) => unusable.push(error),
            }
        }
        Ok((usable, unusable))
    }

    /// All of `contacts`, each once.
    pub(crate) fn parse_all(contacts: Contacts) -> Result<BTreeSet<Self>, Error> {
        let contacts: BTreeSet<_> = Self::parse_each(contacts)?.collect::<Result<_, _>>()?;
        if contacts.is_empty() {
            return Err(Error::field("contacts", "are none"));
        }
        Ok(contacts)
    }

    fn parse_each(contacts: Contacts) -> Result<impl Iterator<Item = Result<Self, Error>>, Error> {
        let Contacts {
            emails,
            email_hashes,
            phones,
            phone_hashes,
            loyalty_numbers,
            loyalty_hashes,
        } = contacts;
        for (field, count) in [
            ("emails", emails.len()),
            ("email_hashes", email_hashes.len()),
            ("phones", phones.len()),
            ("phone_hashes", phone_hashes.len()),
            ("loyalty_numbers", loyalty_numbers.len()),
            ("loyalty_hashes", loyalty_hashes.len()),
        ] {
            if count > CONTACTS_MAX {
                return Err(Error::field(format!("contacts.{field}"), "are more than 25"));
            }
        }
        let emails = emails.into_iter().map(|it| (Name::Email, Kind::Email, email(&it)));
        let phones = phones.into_iter().map(|it| (Name::Phone, Kind::Phone, phone(&it)));
        let loyalty_numbers = loyalty_numbers.into_iter();
        let loyalty = loyalty_numbers.map(|it| {
            let number = loyalty_number(&it.program, &it.number);
            (Name::LoyaltyNumber, Kind::Loyalty, number)
        });
        let clear = emails
            .chain(phones)
            .chain(loyalty)
            .map(|(name, kind, text)| (name, kind, text.map(|text| Sha(hash(&text)))));
        let hashed = [
            (Name::EmailHash, Kind::Email, email_hashes),
            (Name::PhoneHash, Kind::Phone, phone_hashes),
            (Name::LoyaltyHash, Kind::Loyalty, loyalty_hashes),
        ];
        let hashed = hashed.into_iter().flat_map(|(name, kind, hashes)| {
            hashes.into_iter().map(move |hash| (name, kind, Sha::parse(&hash)))
        });
        Ok(clear.chain(hashed).map(|(name, kind, sha)| match sha {
            Ok(sha) => Ok(Self { name, kind, sha }),
            Err(problem) => Err(Error::field(format!("contacts.{}", name.text()), problem)),
        }))
    }
}

// === impl Sha ===

impl Sha {
    fn parse(text: &str) -> Result<Self, &'static str> {
        parse_hash(text).map(Self)
    }
}

/// It can be tried out to whom it belongs, so it is not printed.
impl fmt::Debug for Sha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sha(***)")
    }
}

// === impl ContactKeys ===

impl ContactKeys {
    /// That of the installation, and those that were added since, in their order.
    pub(crate) fn new(account_key: &AccountKey, added: &str) -> Self {
        let added = added.split_whitespace();
        let added = added.map(|key| AccountKey::new(Sha256::digest(key.as_bytes()).into()));
        Self(std::iter::once(account_key.clone()).chain(added).collect())
    }

    /// How many there are.
    pub(crate) fn version(&self) -> i32 {
        i32::try_from(self.0.len()).expect("a few keys")
    }

    /// The contact by one key, by two, and so on up to all of them: it is kept as one of these.
    pub(crate) fn hashes(&self, sha: Sha) -> Vec<ContactHash> {
        let (first, _) = self.0.split_first().expect("the installation has a key");
        self.later(first.contact(&sha.0))
    }

    /// The contact that the first key made that of, by one key, by two, and so on.
    pub(crate) fn later(&self, first: ContactHash) -> Vec<ContactHash> {
        let mut hashes = vec![first];
        for key in &self.0[1..] {
            hashes.extend(hashes.last().map(|hash| key.contact(&hash.0)));
        }
        hashes
    }

    /// What the first keys, as many as `version` says, made of a contact, by all keys.
    pub(crate) fn wrap(&self, hash: ContactHash, version: i32) -> ContactHash {
        let later = self.0.iter().skip(usize::try_from(version).unwrap_or(0));
        later.fold(hash, |hash, key| key.contact(&hash.0))
    }
}

impl fmt::Debug for ContactKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContactKeys(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(added: &str) -> ContactKeys {
        ContactKeys::new(&AccountKey::new([7; 32]), added)
    }

    fn sha(text: &str) -> Sha {
        Sha(hash(text))
    }

    #[test]
    fn a_key_is_added_by_hashing_again_what_the_keys_before_made() {
        let (before, after) = (keys(""), keys(" a-second-one "));
        let contact = sha("ann@example.org");
        let (old, new) = (before.hashes(contact), after.hashes(contact));
        assert_eq!(after.wrap(old[0], 1), new[1]);
        assert_eq!((old.len(), new.len(), old[0]), (1, 2, new[0]));
        assert_eq!((before.version(), after.version()), (1, 2));
        assert_ne!(old[0].0, contact.0);
    }
}
