//! Takes over what other services push: signals and memberships, each in one transaction.

use std::collections::BTreeSet;

use klout_chassis::failpoint;
use klout_proto::graph::v1::Membership;
use sqlx::PgPool;
use tracing::instrument;

use crate::{batch::Evidence, error::Error, store};

/// Adds evidence, once: returns false when the batch was applied before.
#[instrument(skip_all, fields(batch.id = %evidence.batch_id))]
pub(crate) async fn signals(db: &PgPool, evidence: &Evidence) -> Result<bool, Error> {
    let store = Error::store;
    let mut transaction = db.begin().await.map_err(store("begin to apply a batch"))?;
    let connection = &mut *transaction;
    let new = store::applied_batch::append(&mut *connection, evidence.batch_id)
        .await
        .map_err(store("note the batch"))?;
    if !new {
        return Ok(false);
    }
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
