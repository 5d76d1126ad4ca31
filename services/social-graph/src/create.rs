//! Makes people, each with the accounts they own.

use std::collections::{BTreeMap, BTreeSet};

use klout_chassis::failpoint;
use klout_model::{AccountId, Day, PersonId, Purpose};
use klout_proto::graph::v1::Person;
use sqlx::{PgConnection, PgPool};
use tracing::instrument;

use crate::{
    account::Account,
    age::AgeRules,
    announce::Consumer,
    error::Error,
    handles,
    link_account::is_any_erased,
    people,
    profile::{self, Change, Profile},
    proof::Proof,
    state::{self, By, State, Turn},
    store,
};

/// Who is asked for.
#[derive(Clone, Debug)]
pub(crate) struct NewPerson {
    pub(crate) accounts: Vec<Account>,
    /// What whoever is there already is from now on; empty: as before.
    pub(crate) change: Change,
    /// What somebody is who was not there before.
    pub(crate) profile: Profile,
    /// To what somebody does not consent who was not there before.
    pub(crate) withheld_purposes: Vec<Purpose>,
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
    accounts: BTreeMap<PersonId, i64>,
    new_people: BTreeMap<PersonId, &'a NewPerson>,
    new_accounts: BTreeMap<AccountId, (&'a Account, PersonId)>,
}

/// Whom a call made or found, and who has to be told.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) people: Vec<Result<Created, Error>>,
    /// Who takes part from now on, or does not any more, or consents to less than everything.
    pub(crate) moved: Vec<PersonId>,
}

/// Makes or finds a person for each request, in a constant number of statements but for those of whom something
/// else than that they joined has to be told.
///
/// Two calls for the same account at once make one person: the second waits for the first, sees that
/// the account is taken, and goes through its requests again.
#[instrument(skip_all, fields(requests.len = requests.len()))]
pub(crate) async fn people(
    db: &PgPool,
    rules: AgeRules,
    requests: &[NewPerson],
    by: &By<'_>,
) -> Result<Made, Error> {
    loop {
        if let Some(made) = try_people(db, rules, requests, by).await? {
            return Ok(made);
        }
    }
}

/// `None`: an account was linked by somebody else in the meantime, which happens to it once.
async fn try_people(
    db: &PgPool,
    rules: AgeRules,
    requests: &[NewPerson],
    by: &By<'_>,
) -> Result<Option<Made>, Error> {
    let store = Error::store;
    let mut transaction = db.begin().await.map_err(store("begin to create people"))?;
    // Accounts of who was erased start anew. The turn to change states comes before any other lock.
    let named: Vec<_> = requests.iter().flat_map(|it| &it.accounts).map(|it| it.id).collect();
    let erased = is_any_erased(&mut transaction, &named).await?;
    let turn = if erased || requests.iter().any(|request| request.needs_turn(rules)) {
        Some(Turn::take(&mut transaction).await?)
    } else {
        None
    };
    let mut ledger = Ledger::read(&mut transaction, requests).await?;
    let found: Vec<_> = requests.iter().map(|request| ledger.find(rules, request)).collect();

    let mut moved = Vec::new();
    if !ledger.new_people.is_empty() {
        let profiles = ledger.new_people.iter();
        let profiles = profiles.map(|(person, request)| (*person, request.profile.clone()));
        store::person::insert(&mut *transaction, &profiles.collect(), by.now)
            .await
            .map_err(store("add people"))?;
        let linked = store::account::insert(
            &mut *transaction,
            &ledger.new_accounts,
            Proof::Operator,
            by.now,
        )
        .await
        .map_err(store("link accounts"))?;
        if linked.len() < ledger.new_accounts.len() {
            return Ok(None);
        }
        // Whoever had one of them was erased since we looked: next time we see that, and take the turn.
        if turn.is_none() && is_any_erased(&mut transaction, &named).await? {
            return Ok(None);
        }
        handles::take(&mut transaction, ledger.new_accounts.values().map(|it| it.0), by.now)
            .await?;
        store::membership_outbox::append(&mut *transaction, &Consumer::ALL, &linked)
            .await
            .map_err(store("announce accounts"))?;
        if let Some(turn) = &turn {
            let accounts: Vec<_> = linked.keys().copied().collect();
            turn.rejoin(&mut transaction, &accounts, Day::of(by.now)).await?;
            for (person, request) in &ledger.new_people {
                let changes = request.changes(rules);
                let (_, news) = turn.change(&mut transaction, *person, &changes, by).await?;
                moved.extend(news.then_some(*person));
            }
        }
    }
    moved.extend(change(&mut transaction, turn.as_ref(), rules, requests, &found, by).await?);
    let everybody: BTreeSet<_> = found.iter().flatten().map(|found| found.person).collect();
    let everybody: Vec<_> = everybody.into_iter().collect();
    let states = [State::Member, State::Withheld];
    let people = store::person::find(&mut *transaction, &everybody, &states)
        .await
        .map_err(store("read people"))?;
    failpoint!("social_graph.people.written");
    transaction.commit().await.map_err(store("commit people"))?;
    failpoint!("social_graph.people.committed");

    let created = found.into_iter().map(|found| {
        let Found { person, created } = found?;
        let person = people.get(&person).cloned().ok_or(Error::PersonUnknown { person })?;
        Ok(Created { person, created })
    });
    Ok(Some(Made { people: created.collect(), moved }))
}

/// Takes over what is told of people who were there before. Returns of whom others have to be told.
async fn change(
    db: &mut PgConnection,
    turn: Option<&Turn>,
    rules: AgeRules,
    requests: &[NewPerson],
    found: &[Result<Found, Error>],
    by: &By<'_>,
) -> Result<Vec<PersonId>, Error> {
    let mut changes: BTreeMap<PersonId, Change> = BTreeMap::new();
    for (found, request) in found.iter().zip(requests) {
        if let Ok(Found { person, created: false }) = found
            && !request.change.is_empty()
        {
            changes.insert(*person, request.change.clone());
        }
    }
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let people: Vec<_> = changes.keys().copied().collect();
    let before =
        store::person::lock(&mut *db, &people).await.map_err(Error::store("lock people"))?;
    let mut profiles = BTreeMap::new();
    for (person, change) in changes {
        // Who left, or is somebody else by now, is told of in the answer.
        if let Some(known) = before.get(&person).filter(|it| it.standing.state.is_there()) {
            profiles.insert(person, change.from(&known.profile)?);
        }
    }
    Ok(profile::write(db, turn, rules, by, &before, profiles).await?.moved)
}

// === impl NewPerson ===

impl NewPerson {
    /// Whether more may have to be told of somebody than that they joined.
    fn needs_turn(&self, rules: AgeRules) -> bool {
        self.change.tells_age() || !self.changes(rules).is_empty()
    }

    /// How somebody new differs from a member who consents to everything.
    fn changes(&self, rules: AgeRules) -> Vec<state::Change> {
        let withheld = self.withheld_purposes.iter();
        let withheld =
            withheld.map(|purpose| state::Change::Purpose { purpose: *purpose, granted: false });
        let state = rules.state(self.profile.age_band);
        let state = (state != State::Member).then_some(state::Change::State(state));
        state.into_iter().chain(withheld).collect()
    }
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
        let accounts = store::account::counts(&mut *db, &people)
            .await
            .map_err(Error::store("count accounts"))?;
        Ok(Self { owners, accounts, new_people: BTreeMap::new(), new_accounts: BTreeMap::new() })
    }

    /// Who the request is about; makes a person when nobody owns any of its accounts.
    fn find(&mut self, rules: AgeRules, request: &'a NewPerson) -> Result<Found, Error> {
        let mut owner = None;
        let mut unowned = BTreeMap::new();
        for account in &request.accounts {
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
        let Some(person) = owner else { return self.make(rules, request, unowned) };
        let asked: BTreeSet<_> = request.accounts.iter().map(|account| account.id).collect();
        if unowned.is_empty()
            && self.accounts.get(&person).copied() == i64::try_from(asked.len()).ok()
        {
            Ok(Found { person, created: false })
        } else {
            let owned = request.accounts.iter().find(|account| !unowned.contains_key(&account.id));
            Err(linked(owned.expect("the owner is that of an account")))
        }
    }

    fn make(
        &mut self,
        rules: AgeRules,
        request: &'a NewPerson,
        accounts: BTreeMap<AccountId, &'a Account>,
    ) -> Result<Found, Error> {
        if rules.is_too_young(request.profile.age_band) {
            return Err(Error::AgeBelowLimit { limit: rules.limit });
        }
        let person = random_person();
        self.new_people.insert(person, request);
        let count = i64::try_from(accounts.len()).expect("at most a hundred");
        self.accounts.insert(person, count);
        for (id, account) in accounts {
            let tag = account.tag.0.to_vec();
            let owner = store::account::Owner {
                person,
                tag,
                state: State::Member,
                withheld: false,
                withheld_purposes: Vec::new(),
            };
            self.owners.insert(id, owner);
            self.new_accounts.insert(id, (account, person));
        }
        Ok(Found { person, created: true })
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
