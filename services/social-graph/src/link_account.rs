//! Gives accounts to people who are there, and takes them away.

use std::collections::BTreeMap;

use klout_model::{AccountId, Day, PersonId};
use klout_proto::graph::v1::Person;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use tracing::instrument;

use crate::{
    account::Account,
    announce::Consumer,
    error::Error,
    handles,
    people::{self, Held},
    proof::Proof,
    store,
};

/// Accounts of one person.
pub(crate) const ACCOUNTS_MAX: i64 = 100;

/// Links `account`, or renews its handle when it is linked already. Returns the person with all
/// accounts, and whether somebody has to be told.
#[instrument(skip_all)]
pub(crate) async fn link_account(
    db: &PgPool,
    person: PersonId,
    account: &Account,
    proof: Proof,
    now: OffsetDateTime,
) -> Result<(Person, bool), Error> {
    let (held, new) = hold_and_link(db, person, account, proof, now).await?;
    let new = new?;
    Ok((held.commit().await?, new))
}

/// Takes `account` away from a person, if it is theirs. Returns the person with all other accounts, and whether
/// somebody has to be told.
#[instrument(skip_all)]
pub(crate) async fn unlink_account(
    db: &PgPool,
    person: PersonId,
    account: AccountId,
) -> Result<(Person, bool), Error> {
    let mut held = people::hold(db, person).await?;
    let revision = store::account::release(&mut *held.transaction, account, held.person)
        .await
        .map_err(Error::store("unlink an account"))?;
    if let Some(revision) = revision {
        let revisions = BTreeMap::from([(account, revision)]);
        store::membership_outbox::append(&mut *held.transaction, &Consumer::ALL, &revisions)
            .await
            .map_err(Error::store("announce an account"))?;
    }
    Ok((held.commit().await?, revision.is_some()))
}

/// Links `account` to a person. Returns the person, held, and whether it is new to them or why they do not get it.
pub(crate) async fn hold_and_link<'a>(
    db: &'a PgPool,
    person: PersonId,
    account: &Account,
    proof: Proof,
    now: OffsetDateTime,
) -> Result<(Held<'a>, Result<bool, Error>), Error> {
    loop {
        let mut held = hold(db, person, account).await?;
        let linked = link(&mut held, account, proof, now).await;
        // Whoever had it was erased since we looked: next time we see that, and take the turn.
        let missed = held.turn.is_none()
            && matches!(linked, Ok(true))
            && is_any_erased(&mut held.transaction, &[account.id]).await?;
        if !missed {
            return Ok((held, linked));
        }
        held.transaction.rollback().await.map_err(Error::store("let a person go"))?;
    }
}

/// Whether somebody who was erased had one of these accounts, and nobody joined with it again.
pub(crate) async fn is_any_erased(
    db: &mut PgConnection,
    accounts: &[AccountId],
) -> Result<bool, Error> {
    store::erased_account::any(db, accounts).await.map_err(Error::store("look for erased accounts"))
}

/// Holds a person who is to get `account`.
async fn hold<'a>(db: &'a PgPool, person: PersonId, account: &Account) -> Result<Held<'a>, Error> {
    // Whoever is told of the account is told where the person lives then, and of every move after it.
    let mut held = people::hold(db, person).await?;
    if !is_any_erased(&mut held.transaction, &[account.id]).await? {
        return Ok(held);
    }
    // An account of who was erased starts anew, which is told; the turn comes before any other lock.
    held.transaction.rollback().await.map_err(Error::store("let a person go"))?;
    people::hold_in_turn(db, person).await
}

/// Links `account` to somebody whom [`hold`] holds. Returns whether it is new to them.
async fn link(
    held: &mut Held<'_>,
    account: &Account,
    proof: Proof,
    now: OffsetDateTime,
) -> Result<bool, Error> {
    let store = Error::store;
    let Held { transaction, person, turn, .. } = held;
    let linked = BTreeMap::from([(account.id, (account, *person))]);
    let linked = store::account::insert(&mut **transaction, &linked, proof, now)
        .await
        .map_err(store("link an account"))?;
    if linked.is_empty() {
        let owners = store::account::owners(&mut **transaction, &[account.id])
            .await
            .map_err(store("read who owns an account"))?;
        let taken = || Error::AccountLinked {
            network: account.network.clone(),
            native_id: account.native_id.to_string(),
        };
        let owner = owners.get(&account.id).ok_or_else(taken)?;
        people::same_account(account, &owner.tag)?;
        if owner.person != *person {
            return Err(taken());
        }
        handles::take(transaction, std::iter::once(account), now).await?;
        return Ok(false);
    }
    let counts = store::account::counts(&mut **transaction, &[*person])
        .await
        .map_err(store("count accounts"))?;
    if counts.get(person).is_some_and(|count| *count > ACCOUNTS_MAX) {
        return Err(Error::AccountsTooMany { max: ACCOUNTS_MAX });
    }
    handles::take(transaction, std::iter::once(account), now).await?;
    if let Some(turn) = turn {
        turn.rejoin(transaction, &[account.id], Day::of(now)).await?;
    }
    store::membership_outbox::append(&mut **transaction, &Consumer::ALL, &linked)
        .await
        .map_err(store("announce an account"))?;
    Ok(true)
}
