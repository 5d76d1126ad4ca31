//! Who is meant by several names, and how likely that is. Pure.

use std::collections::{BTreeMap, BTreeSet};

use klout_model::PersonId;

/// What somebody was named by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Name {
    Person,
    NativeId,
    Handle,
    Email,
    EmailHash,
    Phone,
    PhoneHash,
    LoyaltyNumber,
    LoyaltyHash,
}

/// Who is meant.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Meant {
    pub(crate) person: PersonId,
    /// Nothing but hashes named them, so that who that is is not told.
    pub(crate) by_hashes_alone: bool,
    pub(crate) likelihood: f64,
    pub(crate) matched_on: BTreeSet<Name>,
}

/// Why nobody is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nobody {
    /// Or nobody as likely as was asked for.
    Known,
    /// Different people, as likely each.
    Sure,
}

// === impl Name ===

impl Name {
    /// As answers call it.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::NativeId => "native_id",
            Self::Handle => "handle",
            Self::Email => "email",
            Self::EmailHash => "email_hash",
            Self::Phone => "phone",
            Self::PhoneHash => "phone_hash",
            Self::LoyaltyNumber => "loyalty_number",
            Self::LoyaltyHash => "loyalty_hash",
        }
    }

    /// How likely it is that whom it names is the one that was meant; `docs/people.md` says why.
    const fn likelihood(self) -> f64 {
        match self {
            Self::Person | Self::NativeId => 1.0,
            Self::LoyaltyNumber | Self::LoyaltyHash => 0.99,
            Self::Handle => 0.98,
            Self::Email | Self::EmailHash => 0.97,
            Self::Phone | Self::PhoneHash => 0.95,
        }
    }

    /// What a hash is the hash of; everything else as it is.
    pub(crate) const fn in_the_clear(self) -> Self {
        match self {
            Self::EmailHash => Self::Email,
            Self::PhoneHash => Self::Phone,
            Self::LoyaltyHash => Self::LoyaltyNumber,
            Self::Person
            | Self::NativeId
            | Self::Handle
            | Self::Email
            | Self::Phone
            | Self::LoyaltyNumber => self,
        }
    }

    const fn is_hash(self) -> bool {
        matches!(self, Self::EmailHash | Self::PhoneHash | Self::LoyaltyHash)
    }
}

/// Who is meant by names that each name somebody. What is equally likely, or less likely than `min`, is nobody.
///
/// As soon as anybody is named in the clear, hashes count for nothing: whoever has a hash and some names could tell
/// by the likelihood to which of them it belongs.
pub(crate) fn who(named: &[(Name, PersonId)], min: f64) -> Result<Meant, Nobody> {
    let clear = named.iter().any(|(name, _)| !name.is_hash());
    let mut people: BTreeMap<PersonId, BTreeSet<Name>> = BTreeMap::new();
    for (name, person) in named {
        if !(clear && name.is_hash()) {
            people.entry(*person).or_default().insert(*name);
        }
    }
    let mut likely: Vec<_> = people
        .into_iter()
        .map(|(person, matched_on)| (likelihood(&matched_on), person, matched_on))
        .collect();
    likely.sort_by(|one, other| other.0.total_cmp(&one.0));
    let mut likely = likely.into_iter();
    let (likelihood, person, matched_on) = likely.next().ok_or(Nobody::Known)?;
    if likelihood < min {
        return Err(Nobody::Known);
    }
    if likely.next().is_some_and(|(next, ..)| next >= likelihood) {
        return Err(Nobody::Sure);
    }
    Ok(Meant { person, by_hashes_alone: !clear, likelihood, matched_on })
}

/// Of names that agree: that not all of them are wrong. Two of one kind say no more than one.
fn likelihood(names: &BTreeSet<Name>) -> f64 {
    1.0 - names.iter().map(|name| 1.0 - name.likelihood()).product::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id: i64) -> PersonId {
        PersonId::new(id).expect("a person")
    }

    fn meant(named: &[(Name, i64)]) -> Result<Meant, Nobody> {
        let named: Vec<_> = named.iter().map(|(name, id)| (*name, person(*id))).collect();
        who(&named, 0.95)
    }

    #[test]
    fn names_that_agree_make_it_likelier() {
        let one = meant(&[(Name::Email, 1)]).expect("somebody");
        let two = meant(&[(Name::Email, 1), (Name::Phone, 1)]).expect("somebody");
        assert!((one.likelihood - 0.97).abs() < 1e-9);
        assert!((two.likelihood - (1.0 - 0.03 * 0.05)).abs() < 1e-9);
        let again = meant(&[(Name::Email, 1), (Name::Email, 1)]).expect("somebody");
        assert_eq!(again, one);
    }

    #[test]
    fn of_names_that_disagree_the_likeliest_holds_unless_there_are_two() {
        let meant_two = meant(&[(Name::Handle, 1), (Name::Email, 2)]).expect("somebody");
        assert_eq!((meant_two.person, meant_two.by_hashes_alone), (person(1), false));
        assert_eq!(meant(&[(Name::Email, 1), (Name::Email, 2)]), Err(Nobody::Sure));
        assert_eq!(meant(&[]), Err(Nobody::Known));
        let named = [(Name::Phone, person(1))];
        assert_eq!(who(&named, 0.96), Err(Nobody::Known));
    }

    #[test]
    fn a_hash_names_nobody_and_confirms_nobody() {
        let hashed = meant(&[(Name::EmailHash, 1), (Name::PhoneHash, 1)]).expect("somebody");
        assert!(hashed.by_hashes_alone);
        let both = meant(&[(Name::Handle, 1), (Name::EmailHash, 1)]).expect("somebody");
        assert_eq!(both, meant(&[(Name::Handle, 1), (Name::EmailHash, 2)]).expect("somebody"));
        assert_eq!(both, meant(&[(Name::Handle, 1)]).expect("somebody"));
    }
}
