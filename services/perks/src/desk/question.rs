//! What a desk asks, checked.

use std::{cmp::Reverse, sync::Arc, time::Duration};

use klout_proto::perk::v1::{AvailableUpgrade, Guest};
use prost::Message as _;

use crate::{error::Error, properties::CATEGORIES_MAX, store::property::Property};

/// Until when a desk waits, unless it says otherwise: somebody stands there.
pub(crate) const DEADLINE: Duration = Duration::from_millis(300);

const DEADLINE_MIN: Duration = Duration::from_millis(20);

const DEADLINE_MAX: Duration = Duration::from_secs(5);

/// Bytes of a reservation or confirmation number.
const STAY_BYTES_MAX: usize = 128;

/// Accounts of a guest, and contacts.
const NAMES_MAX: usize = 25;

/// Bytes of all by which a guest is named.
const GUEST_BYTES_MAX: usize = 64 * 1024;

/// As it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) property: String,
    pub(crate) stay: String,
    pub(crate) guest: Guest,
    pub(crate) booked_category: String,
    pub(crate) upgrades: Vec<AvailableUpgrade>,
    pub(crate) deadline: Duration,
}

/// As it can be answered.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) property: Arc<Property>,
    pub(crate) stay: String,
    pub(crate) guest: Guest,
    pub(crate) booked_category: String,
    /// What is free above what is booked, best first, with how many there are.
    pub(crate) upgrades: Vec<(String, i64)>,
}

// === impl Asked ===

impl Asked {
    /// Checks what can be checked without the property.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if !crate::properties::is_name(&self.property) {
            return Err(Error::field("property", "is not 1 to 64 of a-z, 0-9 and -"));
        }
        check_stay("stay", &self.stay)?;
        check_guest("guest", &self.guest)?;
        if !(DEADLINE_MIN..=DEADLINE_MAX).contains(&self.deadline) {
            return Err(Error::field("deadline", "is not from 20 ms to 5 s"));
        }
        if self.upgrades.len() > CATEGORIES_MAX {
            return Err(Error::field("upgrades", "are more than 100"));
        }
        match self.upgrades.iter().position(|it| it.available.is_some_and(i32::is_negative)) {
            Some(index) => Err(Error::field(format!("upgrades[{index}].available"), "is negative")),
            None => Ok(()),
        }
    }
}

// === impl Question ===

impl Question {
    pub(crate) fn new(property: Arc<Property>, asked: Asked) -> Result<Self, Error> {
        let unknown = |category: &str| Error::UpgradeUnknown { category: category.to_owned() };
        let booked = match asked.booked_category.as_str() {
            "" => None,
            booked => Some(property.place(booked).ok_or_else(|| unknown(booked))?),
        };
        let mut upgrades = Vec::with_capacity(asked.upgrades.len());
        for AvailableUpgrade { category, available } in asked.upgrades {
            let place = property.place(&category).ok_or_else(|| unknown(&category))?;
            let available = i64::from(available.unwrap_or(1));
            if available > 0 && booked.is_none_or(|booked| place > booked) {
                upgrades.push((place, category, available));
            }
        }
        upgrades.sort_by_key(|it| Reverse(it.0));
        // Of one that is named twice, what is said first holds.
        upgrades.dedup_by_key(|it| it.0);
        Ok(Self {
            property,
            stay: asked.stay,
            guest: asked.guest,
            booked_category: asked.booked_category,
            upgrades: upgrades.into_iter().map(|(_, category, free)| (category, free)).collect(),
        })
    }
}

/// Checks that a guest is not named by more than anybody is.
pub(super) fn check_guest(field: &str, guest: &Guest) -> Result<(), Error> {
    if guest.accounts.len() > NAMES_MAX {
        return Err(Error::field(format!("{field}.accounts"), "are more than 25"));
    }
    let contacts = guest.contacts.as_ref().map_or(0, |it| {
        it.emails.len()
            + it.email_hashes.len()
            + it.phones.len()
            + it.phone_hashes.len()
            + it.loyalty_numbers.len()
            + it.loyalty_hashes.len()
    });
    if contacts > NAMES_MAX {
        return Err(Error::field(format!("{field}.contacts"), "are more than 25"));
    }
    if guest.encoded_len() > GUEST_BYTES_MAX {
        return Err(Error::field(field.to_owned(), "is more than 64 KiB"));
    }
    Ok(())
}

pub(crate) fn check_stay(field: impl Into<String>, stay: &str) -> Result<(), Error> {
    if !(1..=STAY_BYTES_MAX).contains(&stay.len()) || stay.chars().any(char::is_control) {
        return Err(Error::field(field.into(), "is not 1 to 128 bytes that can be read"));
    }
    Ok(())
}
