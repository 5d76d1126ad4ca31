//! Takes over what other services push: signals and memberships, each in one transaction.

use std::collections::BTreeSet;

use klout_chassis::{failpoint, switched_on};
use klout_proto::{
    graph::v1::Membership,
    people::{accounts, leave_out},
    signal::v1::SignalBatch,
};
use sqlx::PgPool;
use tracing::instrument;

use crate::{
    batch::{batch_id, evidence},
    error::Error,
    store,
};

/// Adds evidence, once: returns false when the batch was applied before. What is about or by accounts that were erased
/// is left out, by what this service knows of them itself.
#[instrument(skip_all)]
pub(crate) async fn signals(db: &PgPool, mut batch: SignalBatch) -> Result<bool, Error> {
    let store = Error::store;
    let batch_id = batch_id(&batch)?;
    let mut transaction = db.begin().await.map_err(store("begin to apply a batch"))?;
    let connection = &mut *transaction;
    let new = store::applied_batch::append(&mut *connection, batch_id)
        .await
        .map_err(store("note the batch"))?;
    if !new {
        return Ok(false);
    }
    // Who erases an account waits for this batch, or this one for them.
    store::person_state::share_erased(&mut *connection)
        .await
        .map_err(store("wait for changes of states"))?;
    let erased = store::person_state::erased(&mut *connection, &accounts(&batch))
        .await
        .map_err(store("look who was erased"))?;
    if !erased.is_empty() && !switched_on!("scoring.batches_of_anybody") {
        leave_out(&mut batch, &erased);
    }
    let evidence = evidence(batch)?;
    let networks = evidence.accounts.iter().map(|(id, it)| (*id, it.network.clone())).collect();
    store::account::add(&mut *connection, &networks).await.map_err(store("note accounts"))?;
    let subjects = evidence.accounts.keys().copied().collect();
    let people = store::account::owners_shared(&mut *connection, &subjects)
        .await
        .map_err(store("read who owns accounts"))?;
    store::evidence::append(&mut *connection, &evidence.accounts)
        .await
        .map_err(store("add evidence"))?;
    store::dirty_person::mark(&mut *connection, &people)
        .await
        .map_err(store("mark people dirty"))?;
    failpoint!("scoring.batch.written");
    transaction.commit().await.map_err(store("commit a batch"))?;
    failpoint!("scoring.batch.committed");
    Ok(true)
}

/// Takes over who owns which account. `memberships` were checked.
#[instrument(skip_all, fields(memberships.len = memberships.len()))]
pub(crate) async fn memberships(db: &PgPool, memberships: &[Membership]) -> Result<(), Error> {
    let store = Error::store;
    let mut transaction = db.begin().await.map_err(store("begin to apply memberships"))?;
    let connection = &mut *transaction;
    let accounts = memberships.iter().map(|it| (it.account_id, it.network.clone())).collect();
    store::account::add(&mut *connection, &accounts).await.map_err(store("note accounts"))?;
    let owned =
        store::account::owners_locked(&mut *connection, &accounts.keys().copied().collect())
            .await
            .map_err(store("read who owned accounts"))?;

    let newer: Vec<&Membership> = memberships
        .iter()
        .filter(|it| owned.get(&it.account_id).is_some_and(|old| old.revision < it.revision))
        .collect();
    let mut people: BTreeSet<i64> =
        newer.iter().filter_map(|it| owned.get(&it.account_id)?.person).collect();
    people.extend(newer.iter().map(|it| it.person_id).filter(|person| *person != 0));
    store::account::renew_owners(&mut *connection, &newer)
        .await
        .map_err(store("write who owns accounts"))?;
    store::dirty_person::mark(&mut *connection, &people)
        .await
        .map_err(store("mark people dirty"))?;
    failpoint!("scoring.memberships.written");
    transaction.commit().await.map_err(store("commit memberships"))?;
    failpoint!("scoring.memberships.committed");
    Ok(())
}
