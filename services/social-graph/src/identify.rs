//! Tells who is meant by whatever is known of somebody.

use klout_chassis::Caller;
use klout_model::PersonId;
use sqlx::PgPool;
use tracing::instrument;

use crate::{
    account::Named,
    contact::{Contact, ContactKeys},
    error::Error,
    likelihood::{self, Meant, Name, Nobody},
    resolve::resolve,
    shown::{hidden_from, shown_to},
    store,
};

/// What somebody is named by.
#[derive(Clone, Debug)]
pub(crate) enum Names {
    /// Whatever else is known.
    Person(PersonId),
    /// All that can be used.
    Several { accounts: Vec<Named>, contacts: Vec<Contact> },
}

/// Who is meant, if anybody is at least as likely as `min`.
#[instrument(skip_all)]
pub(crate) async fn identify(
    db: &PgPool,
    keys: &ContactKeys,
    caller: &Caller,
    names: Names,
    min: f64,
) -> Result<Meant, Error> {
    let (accounts, contacts) = match names {
        Names::Person(person) => return by_id(db, caller, person).await,
        Names::Several { accounts, contacts } => (accounts, contacts),
    };
    let mut named = Vec::new();
    let mut refusal = None;
    if !accounts.is_empty() {
        for (account, owner) in accounts.iter().zip(resolve(db, caller, &accounts).await?) {
            match owner {
                Ok(person) => named.push((account.kind(), person)),
                // One that several are called says more than one that nobody knows.
                Err(error @ Error::HandleAmbiguous { .. }) => refusal = Some(error),
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
    }
    if !contacts.is_empty() {
        let hashes: Vec<_> = contacts.iter().flat_map(|it| keys.hashes(it.sha)).collect();
        let owners = store::contact::owners(db, &hashes)
            .await
            .map_err(Error::store("read whose contacts are"))?;
        let people: Vec<_> = owners.values().map(|owner| owner.person).collect();
        let hidden = hidden_from(db, caller, &people).await?;
        for contact in &contacts {
            let hashes = keys.hashes(contact.sha);
            let owner = hashes.iter().find_map(|hash| owners.get(hash));
            if let Some(owner) = owner.filter(|it| it.shown && !hidden.contains(&it.person)) {
                named.push((contact.name, owner.person));
            }
        }
    }
    likelihood::who(&named, min).map_err(|nobody| match (nobody, refusal) {
        (Nobody::Sure, _) => Error::PeopleAmbiguous,
        (Nobody::Known, Some(refusal)) if named.is_empty() => refusal,
        (Nobody::Known, _) => Error::NobodyKnown,
    })
}

async fn by_id(db: &PgPool, caller: &Caller, person: PersonId) -> Result<Meant, Error> {
    let found = shown_to(db, caller, person).await?.person;
    let found = found.parse().map_err(|_| Error::PersonUnknown { person })?;
    Ok(Meant { person: Some(found), likelihood: 1.0, matched_on: [Name::Person].into() })
}
