//! Takes over what other services push: signals and memberships, each in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use klout_chassis::failpoint;
use klout_proto::{
    graph::v1::Membership,
    people::{accounts, leave_out},
    signal::v1::SignalBatch,
};
use sqlx::{PgConnection, PgPool};
use tracing::instrument;

use crate::{
    batch::{Evidence, batch_id, evidence},
    error::Error,
    store,
};

/// Keeps evidence, once: returns false when the batch was applied before. What is about or by accounts that were erased
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
    if !erased.is_empty() {
        leave_out(&mut batch, &erased);
    }
    let evidence = &evidence(batch)?;
    let owners = owners(&mut *connection, evidence).await?;
    store::post::add(&mut *connection, &evidence.posts, &owners)
        .await
        .map_err(store("keep posts"))?;
    store::post_topic::drop_of_retracted(&mut *connection, &evidence.posts)
        .await
        .map_err(store("forget what posts were about"))?;
    store::reaction::add(&mut *connection, &evidence.reactions)
        .await
        .map_err(store("keep reactions"))?;
    store::label::add(&mut *connection, &evidence.labels).await.map_err(store("keep labels"))?;
    let people = owners.into_values().collect();
    store::dirty_person::mark(&mut *connection, &people)
        .await
        .map_err(store("mark people dirty"))?;
    failpoint!("topics.batch.written");
    transaction.commit().await.map_err(store("commit a batch"))?;
    failpoint!("topics.batch.committed");
    Ok(true)
}

/// Who owns the accounts that evidence is about, which are noted. Whoever forgets strangers right now may have
/// forgotten them since, and is waited for; so it is looked again.
async fn owners(db: &mut PgConnection, evidence: &Evidence) -> Result<BTreeMap<i64, i64>, Error> {
    let store = Error::store;
    loop {
        store::account::add(&mut *db, &evidence.accounts).await.map_err(store("note accounts"))?;
        let owners = store::account::owners_shared(&mut *db, &evidence.subjects()).await;
        let owners = owners.map_err(store("read who owns accounts"))?;
        if owners.len() == evidence.accounts.len() {
            return Ok(owners
                .into_iter()
                .filter_map(|(account, it)| Some((account, it?)))
                .collect());
        }
    }
}

/// Takes over who owns which account, and where they live. `memberships` were checked: each account once, in
/// their order.
#[instrument(skip_all, fields(memberships.len = memberships.len()))]
pub(crate) async fn memberships(db: &PgPool, memberships: &[Membership]) -> Result<(), Error> {
    let store = Error::store;
    let mut transaction = db.begin().await.map_err(store("begin to apply memberships"))?;
    take_over(&mut transaction, memberships).await?;
    failpoint!("topics.memberships.written");
    transaction.commit().await.map_err(store("commit memberships"))?;
    failpoint!("topics.memberships.committed");
    Ok(())
}

/// The same within a transaction.
pub(crate) async fn take_over(
    db: &mut PgConnection,
    memberships: &[Membership],
) -> Result<(), Error> {
    let store = Error::store;
    // Before everything else, as whoever puts another edition to use writes what everybody has to do with topics.
    store::edition::hold(&mut *db).await.map_err(store("hold the ontology in use"))?;
    let accounts: BTreeMap<i64, String> =
        memberships.iter().map(|it| (it.account_id, it.network.clone())).collect();
    let owned = loop {
        store::account::add(&mut *db, &accounts).await.map_err(store("note accounts"))?;
        let owned =
            store::account::owners_locked(&mut *db, &accounts.keys().copied().collect()).await;
        let owned = owned.map_err(store("read who owned accounts"))?;
        // Less: strangers among them were forgotten meanwhile.
        if owned.len() == accounts.len() {
            break owned;
        }
    };
    let newer: Vec<&Membership> = memberships
        .iter()
        .filter(|it| owned.get(&it.account_id).is_some_and(|old| old.revision < it.revision))
        .collect();
    if newer.is_empty() {
        return Ok(());
    }
    let mut people: BTreeSet<i64> =
        newer.iter().filter_map(|it| owned.get(&it.account_id)?.person).collect();
    people.extend(newer.iter().map(|it| it.person_id).filter(|person| *person != 0));
    store::account::renew_owners(&mut *db, &newer)
        .await
        .map_err(store("write who owns accounts"))?;
    let people_of: Vec<i64> = people.iter().copied().collect();
    store::person::add(&mut *db, &people_of).await.map_err(store("note members"))?;
    // From here on nobody writes anything of them that rests on who owned what before.
    store::person::lock(&mut *db, &people_of).await.map_err(store("hold members"))?;
    for is_owned in [true, false] {
        let moved = newer.iter().filter(|it| {
            let before = owned.get(&it.account_id).and_then(|it| it.person).unwrap_or(0);
            (it.person_id != 0) == is_owned && it.person_id != before
        });
        let accounts: Vec<i64> = moved.map(|it| it.account_id).collect();
        store::post::own(&mut *db, &accounts, is_owned)
            .await
            .map_err(store("note whose posts stay"))?;
    }
    store::person::renew_places(&mut *db, &people_of)
        .await
        .map_err(store("write where they live"))?;
    let members = store::person::named(&mut *db, &people_of).await;
    let members = members.map_err(store("read where they live"))?;
    store::person_topic::renew_places(&mut *db, &members)
        .await
        .map_err(store("write where experts live"))?;
    let topics = store::person_topic::drop_of_leavers(&mut *db, &people_of)
        .await
        .map_err(store("forget what leavers are known for"))?;
    store::standing::mark(&mut *db, &topics).await.map_err(store("note whose ranks change"))?;
    store::dirty_person::mark(db, &people).await.map_err(store("mark people dirty"))
}
