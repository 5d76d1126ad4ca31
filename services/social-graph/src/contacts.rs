//! What people are found by, and how it is hashed anew when a key was added.

use std::collections::{BTreeMap, BTreeSet};

use klout_model::{ContactHash, PersonId};
use sqlx::PgPool;
use time::OffsetDateTime;
use tracing::instrument;

use crate::{
    contact::{Contact, ContactKeys},
    error::Error,
    people, store,
};

/// Contacts of one person.
const CONTACTS_MAX: i64 = 100;

/// Contacts that are hashed anew in one transaction.
const WRAPPED_MAX: i64 = 1_000;

/// Hashes contacts anew, until all are hashed by all keys.
#[derive(Debug)]
pub(crate) struct Wrapper {
    pub(crate) db: PgPool,
    pub(crate) keys: ContactKeys,
}

/// Adds contacts to a person. Returns how many are new.
#[instrument(skip_all)]
pub(crate) async fn add(
    db: &PgPool,
    keys: &ContactKeys,
    person: PersonId,
    contacts: &BTreeSet<Contact>,
    now: OffsetDateTime,
) -> Result<i32, Error> {
    let store = Error::store;
    let mut held = people::hold(db, person).await?;
    let every: Vec<_> =
        contacts.iter().map(|contact| (contact, keys.hashes(contact.sha))).collect();
    let first: Vec<_> = every.iter().map(|(_, hashes)| hashes[0]).collect();
    // Deletion lists are kept as the first key has them. Nobody takes one in meanwhile: who does it afterwards finds
    // whose the contact is.
    store::suppressed_contact::share_lock(&mut *held.transaction)
        .await
        .map_err(store("hold deletion lists up"))?;
    let suppressed = store::suppressed_contact::any(&mut *held.transaction, &first)
        .await
        .map_err(store("look into deletion lists"))?;
    if suppressed {
        return Err(Error::ContactSuppressed);
    }
    let hashes: Vec<_> = every.iter().flat_map(|(_, hashes)| hashes).copied().collect();
    let owners = store::contact::owners(&mut *held.transaction, &hashes)
        .await
        .map_err(store("read whose contacts are"))?;
    if owners.values().any(|owner| owner.person != held.person) {
        return Err(Error::ContactTaken);
    }
    let new: BTreeMap<ContactHash, _> = every
        .iter()
        .filter(|(_, hashes)| !hashes.iter().any(|hash| owners.contains_key(hash)))
        .filter_map(|(contact, hashes)| Some((*hashes.last()?, contact.kind)))
        .collect();
    let added =
        store::contact::insert(&mut *held.transaction, held.person, &new, keys.version(), now)
            .await
            .map_err(store("add contacts"))?;
    if added < new.len() {
        // Somebody else was quicker.
        return Err(Error::ContactTaken);
    }
    let count = store::contact::count(&mut *held.transaction, held.person)
        .await
        .map_err(store("count contacts"))?;
    if count > CONTACTS_MAX {
        return Err(Error::field("contacts", "are more than 100 with those that are there"));
    }
    held.commit().await?;
    Ok(i32::try_from(added).expect("at most 150"))
}

/// Forgets contacts of a person. Returns how many there were.
#[instrument(skip_all)]
pub(crate) async fn remove(
    db: &PgPool,
    keys: &ContactKeys,
    person: PersonId,
    contacts: &BTreeSet<Contact>,
) -> Result<i32, Error> {
    let mut held = people::hold(db, person).await?;
    let hashes: Vec<_> = contacts.iter().flat_map(|contact| keys.hashes(contact.sha)).collect();
    let removed = store::contact::delete(&mut *held.transaction, held.person, &hashes)
        .await
        .map_err(Error::store("forget contacts"))?;
    held.commit().await?;
    Ok(i32::try_from(removed).expect("at most 150"))
}

// === impl Wrapper ===

impl Wrapper {
    /// Wraps what earlier keys made. Returns whether there was anything.
    #[instrument(name = "wrap_contacts", skip_all)]
    pub(crate) async fn step(&self) -> Result<bool, Error> {
        let store = Error::store;
        let mut transaction = self.db.begin().await.map_err(store("begin to wrap contacts"))?;
        let version = self.keys.version();
        let old = store::contact::older(&mut *transaction, version, WRAPPED_MAX)
            .await
            .map_err(store("read contacts of earlier keys"))?;
        if old.is_empty() {
            return Ok(false);
        }
        let wrapped: Vec<_> =
            old.iter().map(|(hash, version)| (*hash, self.keys.wrap(*hash, *version))).collect();
        store::contact::rehash(&mut *transaction, &wrapped, version)
            .await
            .map_err(store("write wrapped contacts"))?;
        transaction.commit().await.map_err(store("commit wrapped contacts"))?;
        Ok(true)
    }
}
