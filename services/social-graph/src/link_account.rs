//! Links one account to a person who is there.

use std::collections::BTreeMap;

use klout_model::{Day, PersonId};
use klout_proto::graph::v1::Person;
use sqlx::PgPool;
use time::OffsetDateTime;
use tracing::instrument;

use crate::{
    account::Account, announce::Consumer, batch::Handle, error::Error, people, state::Turn, store,
};

/// Links `account`, or renews its handle when it is linked already. Returns the person with all
/// accounts, and whether somebody has to be told.
#[instrument(skip_all)]
pub(crate) async fn link_account(
    db: &PgPool,
    person: PersonId,
    account: &Account,
    now: OffsetDateTime,
) -> Result<(Person, bool), Error> {
    let store = Error::store;
    let mut transaction = db.begin().await.map_err(store("begin to link an account"))?;
    let erased = store::erased_account::any(&mut *transaction, &[account.id])
        .await
        .map_err(store("look for erased accounts"))?;
    let turn = if erased { Some(Turn::take(&mut transaction).await?) } else { None };
    // Whoever is told of the account is told where the person lives then, and of every move after it.
    let there = store::person::share(&mut *transaction, person)
        .await
        .map_err(store("look for a person"))?;
    if !there {
        return Err(Error::PersonUnknown { person });
    }
    let linked = BTreeMap::from([(account.id, (account, person))]);
    let linked = store::account::insert(&mut *transaction, &linked, now)
        .await
        .map_err(store("link an account"))?;
    if linked.is_empty() {
        let owners = store::account::owners(&mut *transaction, &[account.id])
            .await
            .map_err(store("read who owns an account"))?;
        let taken = || Error::AccountLinked {
            network: account.network.clone(),
            native_id: account.native_id.to_string(),
        };
        let owner = owners.get(&account.id).ok_or_else(taken)?;
        people::same_account(account, &owner.tag)?;
        if owner.person != person {
            return Err(taken());
        }
        let handle = Handle { seen_time: now, name: account.handle.clone() };
        store::account::renew_handles(&mut *transaction, &BTreeMap::from([(account.id, handle)]))
            .await
            .map_err(store("renew a handle"))?;
    } else {
        if let Some(turn) = turn {
            turn.rejoin(&mut transaction, &[account.id], Day::of(now)).await?;
        }
        store::membership_outbox::append(&mut *transaction, &Consumer::ALL, &linked)
            .await
            .map_err(store("announce an account"))?;
    }
    let found = people::find(&mut transaction, &[person]).await?.remove(&person);
    let found = found.ok_or(Error::PersonUnknown { person })?;
    transaction.commit().await.map_err(store("commit an account"))?;
    Ok((found, !linked.is_empty()))
}
