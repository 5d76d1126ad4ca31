//! Tells who is meant by whatever is known of somebody.

use std::collections::BTreeMap;

use klout_chassis::Caller;
use klout_model::{ContactHash, PersonId};
use sqlx::PgPool;
use tracing::instrument;

use crate::{
    account::Named,
    contact::{Contact, ContactKeys},
    error::Error,
    likelihood::{self, Meant, Name, Nobody},
    resolve,
    shown::Hidden,
    store,
};

/// Somebody to be told apart.
#[derive(Clone, Debug)]
pub(crate) struct Customer {
    pub(crate) names: Names,
    /// What they have to be as likely as.
    pub(crate) min: f64,
}

/// What somebody is named by.
#[derive(Clone, Debug)]
pub(crate) enum Names {
    /// Whatever else is known.
    Person(PersonId),
    /// All that can be used.
    Several { accounts: Vec<Named>, contacts: Vec<Contact> },
}

impl Names {
    /// Has hashes count as the contacts that they were made of.
    pub(crate) fn were_clear(&mut self) {
        if let Self::Several { contacts, .. } = self {
            for contact in contacts {
                contact.name = contact.name.in_the_clear();
            }
        }
    }
}

/// What the database knows of everything by which some customers are named.
#[derive(Debug)]
struct Known<'a> {
    keys: &'a ContactKeys,
    accounts: resolve::Known,
    /// Whose contacts are who may be told.
    contacts: BTreeMap<ContactHash, PersonId>,
    /// Who may be told, by the id that was named.
    people: BTreeMap<PersonId, PersonId>,
}

/// Who is meant by each of these, as far as `caller` may know.
///
/// At most a statement for each kind of name, however many are asked for, and the same ones whether somebody is found,
/// hidden or not there.
#[instrument(skip_all, fields(customers.len = customers.len()))]
pub(crate) async fn identify(
    db: &PgPool,
    keys: &ContactKeys,
    caller: &Caller,
    customers: &[Customer],
) -> Result<Vec<Result<Meant, Error>>, Error> {
    let known = Known::read(db, keys, caller, customers).await?;
    Ok(customers.iter().map(|customer| known.who(customer)).collect())
}

// === impl Known ===

impl<'a> Known<'a> {
    async fn read(
        db: &PgPool,
        keys: &'a ContactKeys,
        caller: &Caller,
        customers: &[Customer],
    ) -> Result<Self, Error> {
        let (mut named, mut hashes, mut ids) = (Vec::new(), Vec::new(), Vec::new());
        for Customer { names, .. } in customers {
            match names {
                Names::Person(person) => ids.push(*person),
                Names::Several { accounts, contacts } => {
                    named.extend(accounts);
                    hashes.extend(contacts.iter().flat_map(|it| keys.hashes(it.sha)));
                }
            }
        }
        let hidden = Hidden::from(caller);
        let accounts = resolve::Known::read(db, caller, named).await?;
        let mut contacts = BTreeMap::new();
        if !hashes.is_empty() {
            let owners = store::contact::owners(db, &hashes).await;
            let owners = owners.map_err(Error::store("read whose contacts are"))?.into_iter();
            let owners = owners.filter(|(_, it)| it.shown && !hidden.person(&it.withheld_purposes));
            contacts = owners.map(|(hash, owner)| (hash, owner.person)).collect();
        }
        let mut people = BTreeMap::new();
        if !ids.is_empty() {
            let members = store::shown::members(db, &ids).await;
            let members = members.map_err(Error::store("read whom ids mean"))?.into_iter();
            let members = members.filter(|(_, (_, withheld))| !hidden.person(withheld));
            people = members.map(|(asked, (meant, _))| (asked, meant)).collect();
        }
        Ok(Self { keys, accounts, contacts, people })
    }

    fn who(&self, Customer { names, min }: &Customer) -> Result<Meant, Error> {
        let (accounts, contacts) = match names {
            Names::Person(person) => {
                let found = self.people.get(person).ok_or(Error::PersonUnknown { person: *person });
                return found.map(|person| Meant {
                    person: *person,
                    by_hashes_alone: false,
                    likelihood: 1.0,
                    matched_on: [Name::Person].into(),
                });
            }
            Names::Several { accounts, contacts } => (accounts, contacts),
        };
        let mut named = Vec::new();
        let mut refusal = None;
        for account in accounts {
            match self.accounts.owner(account) {
                Ok(person) => named.push((account.kind(), person)),
                // One that several are called says more than one that nobody knows.
                Err(error @ Error::HandleAmbiguous { .. }) => refusal = Some(error),
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        for contact in contacts {
            let hashes = self.keys.hashes(contact.sha);
            let owner = hashes.iter().find_map(|hash| self.contacts.get(hash));
            named.extend(owner.map(|person| (contact.name, *person)));
        }
        likelihood::who(&named, *min).map_err(|nobody| match (nobody, refusal) {
            (Nobody::Sure, _) => Error::PeopleAmbiguous,
            (Nobody::Known, Some(refusal)) if named.is_empty() => refusal,
            (Nobody::Known, _) => Error::NobodyKnown,
        })
    }
}
