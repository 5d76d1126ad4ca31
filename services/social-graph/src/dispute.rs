//! Accounts that two people claim.

use klout_model::{AccountId, Day, PersonId};
use klout_proto::graph::v1::Dispute;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use tracing::instrument;

use crate::{
    account::Account,
    announce::Consumer,
    error::Error,
    link_account::ACCOUNTS_MAX,
    proof::Proof,
    state::Turn,
    store::{self, dispute::Known},
};

/// Takes note that somebody showed an account to be theirs that belongs to somebody else.
pub(crate) async fn open(
    db: &mut PgConnection,
    account: &Account,
    claimant: PersonId,
    proof: Proof,
    now: OffsetDateTime,
) -> Result<(), Error> {
    store::dispute::insert(&mut *db, account, claimant, proof, now)
        .await
        .map_err(Error::store("note a dispute"))
}

/// Gives a disputed account to one of the two. Returns the dispute, and whether somebody has to be told.
#[instrument(skip_all)]
pub(crate) async fn settle(
    db: &PgPool,
    dispute: i64,
    person: PersonId,
    now: OffsetDateTime,
) -> Result<(Dispute, bool), Error> {
    let store = Error::store;
    let mut transaction = db.begin().await.map_err(store("begin to settle a dispute"))?;
    // Nobody is merged meanwhile.
    let turn = Turn::take(&mut transaction).await?;
    let known = store::dispute::lock(&mut *transaction, dispute)
        .await
        .map_err(store("lock a dispute"))?
        .ok_or(Error::DisputeUnknown { dispute })?;
    let standing = store::person::standing(&mut *transaction, person)
        .await
        .map_err(store("read a person's state"))?;
    let person = standing.and_then(|standing| standing.state.into()).unwrap_or(person);
    if ![known.owner, known.claimant].contains(&person) {
        return Err(Error::field("person", "is neither who has the account nor who claims it"));
    }
    if known.settled_for.is_some_and(|settled| settled != person) {
        return Err(Error::field("dispute", "is settled otherwise"));
    }
    let mut given = false;
    if person == known.claimant && known.settled_for.is_none() {
        let there = store::person::lock(&mut *transaction, &[known.owner, known.claimant])
            .await
            .map_err(store("lock people"))?;
        if !there.get(&person).is_some_and(|known| known.standing.state.is_there()) {
            return Err(Error::PersonUnknown { person });
        }
        given = give(&mut transaction, &turn, dispute, &known, now).await?;
    }
    store::dispute::settle(&mut *transaction, dispute, person)
        .await
        .map_err(store("settle a dispute"))?;
    let settled = store::dispute::find(&mut *transaction, dispute)
        .await
        .map_err(store("read a dispute"))?
        .ok_or(Error::DisputeUnknown { dispute })?;
    transaction.commit().await.map_err(store("commit a dispute"))?;
    Ok((settled, given))
}

/// Gives the account to the claimant, if its owner still has it or nobody does.
async fn give(
    db: &mut PgConnection,
    turn: &Turn,
    dispute: i64,
    known: &Known,
    now: OffsetDateTime,
) -> Result<bool, Error> {
    let store = Error::store;
    let account = AccountId(known.account);
    let revisions = store::dispute::give(&mut *db, dispute, now)
        .await
        .map_err(store("give an account to who claims it"))?;
    if !revisions.contains_key(&account) {
        return Err(Error::field("dispute", "is about an account that a third person has by now"));
    }
    let counts = store::account::counts(&mut *db, &[known.claimant])
        .await
        .map_err(store("count accounts"))?;
    if counts.get(&known.claimant).is_some_and(|count| *count > ACCOUNTS_MAX) {
        return Err(Error::AccountsTooMany { max: ACCOUNTS_MAX });
    }
    // Whoever had it may be erased by now.
    turn.rejoin(&mut *db, &[account], Day::of(now)).await?;
    store::membership_outbox::append(&mut *db, &Consumer::ALL, &revisions)
        .await
        .map_err(store("announce an account"))?;
    Ok(true)
}
