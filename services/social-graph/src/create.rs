//! Makes people, each with the accounts they own.

use std::collections::{BTreeMap, BTreeSet};

use klout_chassis::failpoint;
use klout_model::{AccountId, Day, PersonId};
use klout_proto::graph::v1::Person;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use tracing::instrument;

use crate::{
    account::Account,
    announce::Consumer,
    error::Error,
    people,
    place::{self, Place},
    state::{State, Turn},
    store,
};

/// Who is asked for.
#[derive(Clone, Debug)]
pub(crate) struct NewPerson {
    pub(crate) accounts: Vec<Account>,
    /// `None`: whoever is there already stays where they are.
    pub(crate) place: Option<Place>,
}

/// A person who was asked for, made by this call or found.
#[derive(Clone, Debug)]
pub(crate) struct Created {
    pub(crate) person: Person,
    pub(crate) created: bool,
}

/// Who a request turned out to be about.
#[derive(Clone, Copy, Debug)]
struct Found {
    person: PersonId,
    created: bool,
}

/// The owners of accounts while requests are gone through: those of the database, and those whom the
/// requests before made.
#[derive(Debug)]
struct Ledger<'a> {
    owners: BTreeMap<AccountId, store::account::Owner>,
    /// How many accounts each known owner has.
    accounts: BTreeMap<PersonId, usize>,
    new_people: Vec<PersonId>,
    new_accounts: BTreeMap<AccountId, (&'a Account, PersonId)>,
}

/// Makes or finds a person for each request, in a constant number of statements.
///
/// Two calls for the same account at once make one person: the second waits for the first, sees that
/// the account is taken, and goes through its requests again.
#[instrument(skip_all, fields(requests.len = requests.len()))]
pub(crate) async fn people(
    db: &PgPool,
    requests: &[NewPerson],
    now: OffsetDateTime,
) -> Result<Vec<Result<Created, Error>>, Error> {
    loop {
        if let Some(created) = try_people(db, requests, now).await? {
            return Ok(created);
        }
    }
}

/// `None`: an account was linked by somebody else in the meantime, which happens to it once.
async fn try_people(
    db: &PgPool,
    requests: &[NewPerson],
    now: OffsetDateTime,
) -> Result<Option<Vec<Result<Created, Error>>>, Error> {
    let store = Error::store;
    let mut transaction = db.begin().await.map_err(store("begin to create people"))?;
    // Accounts of who was erased start anew. The turn to change states comes before any other lock.
    let named: Vec<_> = requests.iter().flat_map(|it| &it.accounts).map(|it| it.id).collect();
    let erased = store::erased_account::any(&mut *transaction, &named)
        .await
        .map_err(store("look for erased accounts"))?;
    let turn = if erased { Some(Turn::take(&mut transaction).await?) } else { None };
    let mut ledger = Ledger::read(&mut transaction, requests).await?;
    let found: Vec<_> = requests.iter().map(|request| ledger.find(&request.accounts)).collect();
    let mut places: BTreeMap<PersonId, Place> = BTreeMap::new();
    for (found, request) in found.iter().zip(requests) {
        if let (Ok(found), Some(place)) = (found, &request.place) {
            places.insert(found.person, place.clone());
        }
    }

    if !ledger.new_people.is_empty() {
        let people = ledger.new_people.iter();
        let people = people.map(|it| (*it, places.remove(it).unwrap_or_default())).collect();
        store::person::insert(&mut *transaction, &people, now)
            .await
            .map_err(store("add people"))?;
        let linked = store::account::insert(&mut *transaction, &ledger.new_accounts, now)
            .await
            .map_err(store("link accounts"))?;
        if linked.len() < ledger.new_accounts.len() {
            return Ok(None);
        }
        if let Some(turn) = turn {
            let linked: Vec<_> = linked.keys().copied().collect();
            turn.rejoin(&mut transaction, &linked, Day::of(now)).await?;
        }
        store::membership_outbox::append(&mut *transaction, &Consumer::ALL, &linked)
            .await
            .map_err(store("announce accounts"))?;
    }
    if !places.is_empty() {
        let movers: Vec<_> = places.keys().copied().collect();
        let before = store::person::places_locked(&mut *transaction, &movers)
            .await
            .map_err(store("read where people live"))?;
        place::write(&mut transaction, &before, places).await?;
    }
    let everybody: BTreeSet<_> = found.iter().flatten().map(|found| found.person).collect();
    let people = people::find(&mut transaction, &everybody.into_iter().collect::<Vec<_>>()).await?;
    failpoint!("social_graph.people.written");
    transaction.commit().await.map_err(store("commit people"))?;
    failpoint!("social_graph.people.committed");

    let created = found.into_iter().map(|found| {
        let Found { person, created } = found?;
        let person = people.get(&person).cloned().ok_or(Error::PersonUnknown { person })?;
        Ok(Created { person, created })
    });
    Ok(Some(created.collect()))
}

// === impl Ledger ===

impl<'a> Ledger<'a> {
    async fn read(db: &mut PgConnection, requests: &'a [NewPerson]) -> Result<Self, Error> {
        let accounts: Vec<_> =
            requests.iter().flat_map(|it| &it.accounts).map(|account| account.id).collect();
        let owners = store::account::owners(&mut *db, &accounts)
            .await
            .map_err(Error::store("read who owns accounts"))?;
        let people: BTreeSet<_> = owners.values().map(|owner| owner.person).collect();
        let people: Vec<_> = people.into_iter().collect();
        let accounts = store::account::of_people(&mut *db, &people)
            .await
            .map_err(Error::store("read accounts"))?;
        Ok(Self {
            owners,
            accounts: accounts.into_iter().map(|(person, all)| (person, all.len())).collect(),
            new_people: Vec::new(),
            new_accounts: BTreeMap::new(),
        })
    }

    /// Who the request is about; makes a person when nobody owns any of its accounts.
    fn find(&mut self, request: &'a [Account]) -> Result<Found, Error> {
        let mut owner = None;
        let mut unowned = BTreeMap::new();
        for account in request {
            match self.owners.get(&account.id) {
                Some(known) => {
                    people::same_account(account, &known.tag)?;
                    if known.state == State::Erased {
                        unowned.insert(account.id, account);
                        continue;
                    }
                    if !known.state.is_there() {
                        return Err(linked(account));
                    }
                    if owner.is_some_and(|owner| owner != known.person) {
                        return Err(linked(account));
                    }
                    owner = Some(known.person);
                }
                None => {
                    unowned.insert(account.id, account);
                }
            }
        }
        let Some(person) = owner else { return Ok(self.make(unowned)) };
        let asked: BTreeSet<_> = request.iter().map(|account| account.id).collect();
        if unowned.is_empty() && self.accounts.get(&person) == Some(&asked.len()) {
            Ok(Found { person, created: false })
        } else {
            let owned = request.iter().find(|account| !unowned.contains_key(&account.id));
            Err(linked(owned.expect("the owner is that of an account")))
        }
    }

    fn make(&mut self, accounts: BTreeMap<AccountId, &'a Account>) -> Found {
        let person = random_person();
        self.new_people.push(person);
        self.accounts.insert(person, accounts.len());
        for (id, account) in accounts {
            let tag = account.tag.0.to_vec();
            let state = State::Member;
            self.owners.insert(id, store::account::Owner { person, tag, state });
            self.new_accounts.insert(id, (account, person));
        }
        Found { person, created: true }
    }
}

fn linked(account: &Account) -> Error {
    Error::AccountLinked {
        network: account.network.clone(),
        native_id: account.native_id.to_string(),
    }
}

/// Two of them meet with a chance of n²/2⁶⁴; the primary key keeps them apart.
fn random_person() -> PersonId {
    PersonId::new(rand::random_range(1..=i64::MAX)).expect("the range is positive")
}
