//! Takes in lists of hashed contacts whose owners want to be deleted.

use std::collections::BTreeSet;

use klout_model::{ContactHash, PersonId};
use tracing::instrument;

use crate::{consent::Ledger, contact::ContactKeys, error::Error, state::By, store};

/// What some of a list did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Taken {
    /// Contacts that were on no list before.
    pub(crate) new: u64,
    /// Who had one of them and is erased now, and not everywhere told of yet.
    pub(crate) erased: Vec<PersonId>,
}

/// Takes in some contacts of one kind, as the first key has them: nobody is found by them any more, and who had one is erased.
///
/// The contacts come first: whoever adds one of them at the same time either sees that it is on the list, or is seen
/// here.
#[instrument(skip_all, fields(contacts.len = contacts.len()))]
pub(crate) async fn take(
    ledger: &Ledger<'_>,
    keys: &ContactKeys,
    contacts: &[ContactHash],
    kind: &str,
    by: &By<'_>,
) -> Result<Taken, Error> {
    let store = Error::store;
    let new = store::suppressed_contact::insert(ledger.db, contacts, kind, by.now)
        .await
        .map_err(store("add to the deletion list"))?;
    let hashes: Vec<_> = contacts.iter().flat_map(|contact| keys.later(*contact)).collect();
    let owners = store::contact::owners(ledger.db, &hashes)
        .await
        .map_err(store("look who has a contact of the list"))?;
    let people: BTreeSet<_> = owners.into_values().map(|owner| owner.person).collect();
    let people = Vec::from_iter(people);
    let erased = if people.is_empty() { people } else { ledger.erase_all(&people, by).await? };
    Ok(Taken { new, erased })
}
