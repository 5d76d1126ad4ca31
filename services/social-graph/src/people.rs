//! People with all their accounts, as they are answered, and held while something is done for them.

use std::collections::BTreeMap;

use klout_model::PersonId;
use klout_proto::graph::v1::Person;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};

use crate::{
    account::Account,
    error::Error,
    state::{State, Turn},
    store::{self, person::Known},
};

/// Somebody of whom nobody else changes anything until the transaction ends.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    pub(crate) transaction: Transaction<'a, Postgres>,
    /// Who the one is whom the caller named: another one after a merge.
    pub(crate) person: PersonId,
    pub(crate) known: Known,
    /// There where whether the person takes part may change.
    pub(crate) turn: Option<Turn>,
}

/// Those of `people` who are shown, by the id that was asked for.
pub(crate) async fn shown(
    db: &mut PgConnection,
    people: &[PersonId],
) -> Result<BTreeMap<PersonId, Person>, Error> {
    store::person::find(&mut *db, people, &[State::Member])
        .await
        .map_err(Error::store("read people"))
}

/// Somebody as those are answered who act for them, shown to others or not.
pub(crate) async fn theirs(db: &mut PgConnection, person: PersonId) -> Result<Person, Error> {
    let found = store::person::find(&mut *db, &[person], &[State::Member, State::Withheld])
        .await
        .map_err(Error::store("read a person"))?
        .remove(&person);
    found.ok_or(Error::PersonUnknown { person })
}

/// Holds the person whom an id means, whether others are shown them or not.
pub(crate) async fn hold(db: &PgPool, person: PersonId) -> Result<Held<'_>, Error> {
    hold_with(db, person, false).await
}

/// As [`hold`], for who may change whether the person takes part, and to what they consent.
pub(crate) async fn hold_in_turn(db: &PgPool, person: PersonId) -> Result<Held<'_>, Error> {
    hold_with(db, person, true).await
}

async fn hold_with(db: &PgPool, person: PersonId, in_turn: bool) -> Result<Held<'_>, Error> {
    let store = Error::store;
    let mut meant = person;
    loop {
        let mut transaction = db.begin().await.map_err(store("begin to change a person"))?;
        let turn = if in_turn { Some(Turn::take(&mut transaction).await?) } else { None };
        let known = store::person::lock(&mut *transaction, &[meant])
            .await
            .map_err(store("lock a person"))?
            .remove(&meant);
        let known = known.ok_or(Error::PersonUnknown { person })?;
        if let Some(into) = known.standing.state.into() {
            // Who holds two holds them in the order of ids: see `merge`.
            transaction.rollback().await.map_err(store("let a person go"))?;
            meant = into;
        } else if known.standing.state.is_there() {
            return Ok(Held { transaction, person: meant, known, turn });
        } else {
            return Err(Error::PersonUnknown { person });
        }
    }
}

/// Refuses an account that has the 64 bits of another one's id: it would get the other's reactions.
pub(crate) fn same_account(account: &Account, tag: &[u8]) -> Result<(), Error> {
    if account.tag.0 == tag {
        return Ok(());
    }
    Err(Error::AccountIdShared {
        network: account.network.clone(),
        native_id: account.native_id.to_string(),
    })
}

// === impl Held ===

impl Held<'_> {
    /// The person as they are now, once everything is durable.
    pub(crate) async fn commit(mut self) -> Result<Person, Error> {
        let person = theirs(&mut self.transaction, self.person).await?;
        self.transaction.commit().await.map_err(Error::store("commit a person"))?;
        Ok(person)
    }
}
