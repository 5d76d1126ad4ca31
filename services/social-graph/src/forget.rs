//! Deletes what was held of people who were erased or opted out, in every service and then here.
//!
//! A loop for each service: somebody whom the service has confirmed not to show is leased, and the service asked to
//! delete until it says that it has; what it deleted is added to the receipt. When all have, the person's own rows here
//! are deleted, and the receipt is complete. Everything may be done twice: what is deleted is not found again. What a
//! process deleted that died before it could write it down is missing in the receipt's counts.

use std::time::Duration;

use futures::future::join_all;
use klout_chassis::{failpoint, renewing, repeat};
use klout_model::PersonId;
use klout_proto::graph::v1::{ForgetPersonRequest, Forgotten};
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tracing::instrument;

use crate::{
    announce::{LEASE_TIME, PUSH_TIME_MAX, RENEW_INTERVAL},
    error::Error,
    lookups,
    peer::Peer,
    state::State,
    store::{self, forgetting::Leased},
    tell::{Consumer, Teller},
};

/// How often it is looked for what is to be deleted: each so many intervals of announcing. There is a day for it.
const FORGET_INTERVALS: u32 = 10;

/// The way to a service that is to forget.
#[derive(Clone, Debug)]
pub(crate) struct Forgetter {
    pub(crate) db: PgPool,
    pub(crate) peer: Peer,
}

/// Deletes what is held here.
#[derive(Clone, Debug)]
pub(crate) struct OwnForgetter {
    pub(crate) db: PgPool,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ForgetError {
    #[error("could not {action}")]
    Store {
        action: &'static str,
        #[source]
        source: sqlx::Error,
    },
    #[error("{} did not delete what it holds of somebody", consumer.name())]
    Call {
        consumer: Consumer,
        #[source]
        source: Box<Status>,
    },
    #[error("could not delete what is held here")]
    Own(#[source] Box<Error>),
}

/// Tells what nobody confirmed yet, and deletes what is to go, until `stop` is cancelled.
pub(crate) async fn work(teller: &Teller, interval: Duration, stop: &CancellationToken) {
    let nobody_rings = Notify::new();
    let telling = teller.peers.iter();
    let telling =
        telling.map(|peer| repeat("tell", interval, &nobody_rings, stop, || teller.step(peer)));
    let later = interval * FORGET_INTERVALS;
    let forgetters = teller.peers.clone().map(|peer| Forgetter { db: teller.db.clone(), peer });
    let forgetting = forgetters.iter();
    let forgetting =
        forgetting.map(|it| repeat("forget", later, &nobody_rings, stop, || it.step()));
    let own = OwnForgetter { db: teller.db.clone() };
    let forgetting_own = repeat("forget_own", later, &nobody_rings, stop, || own.step());
    tokio::join!(join_all(telling), join_all(forgetting), forgetting_own);
}

// === impl Forgetter ===

impl Forgetter {
    /// Lets the service delete what it holds of one person. Returns whether there was anybody.
    #[instrument(name = "forget", skip_all, fields(consumer = self.peer.consumer.name()))]
    pub(crate) async fn step(&self) -> Result<bool, ForgetError> {
        let store = |action| move |source| ForgetError::Store { action, source };
        let consumer = self.peer.consumer;
        let leased = store::forgetting::lease(&self.db, consumer, LEASE_TIME)
            .await
            .map_err(store("lease somebody"))?;
        let Some(leased) = leased else { return Ok(false) };
        let renew = || store::forgetting::renew(&self.db, consumer.name(), leased, LEASE_TIME);
        let done = match renewing(RENEW_INTERVAL, self.ask(leased), renew).await {
            Ok(done) => done,
            Err(error) => {
                store::forgetting::release(&self.db, consumer.name(), leased)
                    .await
                    .map_err(store("give somebody back"))?;
                return Err(error);
            }
        };
        if done {
            store::forgetting::done(&self.db, consumer.name(), leased)
                .await
                .map_err(store("note that a service is done"))?;
        } else {
            store::forgetting::release(&self.db, consumer.name(), leased)
                .await
                .map_err(store("give somebody back"))?;
        }
        Ok(true)
    }

    async fn ask(&self, leased: Leased) -> Result<bool, ForgetError> {
        let store = |action| move |source| ForgetError::Store { action, source };
        let consumer = self.peer.consumer;
        let person = leased.person;
        let state = store::person_state::find(&self.db, person)
            .await
            .map_err(store("read the state of who is to be forgotten"))?;
        let account_ids = match state {
            Some(State::Erased) => store::erased_account::of(&self.db, person).await,
            Some(State::OptedOut) => store::account::ids_of(&self.db, person).await,
            // They are back, or somebody else now.
            Some(State::Member | State::Withheld | State::Merged { .. }) | None => return Ok(true),
        };
        let account_ids = account_ids.map_err(store("read accounts"))?;
        let request = ForgetPersonRequest {
            person_id: person.get(),
            state: state.map(State::as_str).unwrap_or_default().to_owned(),
            account_ids: account_ids.into_keys().collect(),
        };
        // A service keeps to the time limit by itself, unless it hangs.
        let called =
            tokio::time::timeout(PUSH_TIME_MAX, self.peer.forget(request, PUSH_TIME_MAX)).await;
        let called = called.unwrap_or_else(|_| Err(Status::deadline_exceeded("the service hangs")));
        let answer =
            called.map_err(|source| ForgetError::Call { consumer, source: Box::new(source) })?;
        failpoint!("social_graph.person.forgotten");
        store::receipt::add_deleted(&self.db, leased, consumer.name(), &answer.forgotten)
            .await
            .map_err(store("write what was deleted"))?;
        Ok(answer.done)
    }
}

// === impl OwnForgetter ===

impl OwnForgetter {
    /// Deletes what is held here of one person of whom all other services have. Returns whether there was anybody.
    #[instrument(name = "forget_own", skip_all)]
    pub(crate) async fn step(&self) -> Result<bool, ForgetError> {
        let store = |action| move |source| ForgetError::Store { action, source };
        let leased = store::forgetting::lease_own(&self.db, LEASE_TIME)
            .await
            .map_err(store("lease somebody"))?;
        let Some(leased) = leased else { return Ok(false) };
        let ourselves = Consumer::OURSELVES;
        let renew = || store::forgetting::renew(&self.db, ourselves, leased, LEASE_TIME);
        let own = async {
            let forgotten = person_of(&self.db, leased.person).await?;
            store::receipt::add_deleted(&self.db, leased, ourselves, &forgotten)
                .await
                .map_err(Error::store("write what was deleted"))
        };
        if let Err(error) = renewing(RENEW_INTERVAL, own, renew).await {
            store::forgetting::release(&self.db, ourselves, leased)
                .await
                .map_err(store("give somebody back"))?;
            return Err(ForgetError::Own(Box::new(error)));
        }
        failpoint!("social_graph.own.forgotten");
        let mut transaction =
            self.db.begin().await.map_err(store("begin to complete a receipt"))?;
        let done = store::forgetting::done(&mut *transaction, ourselves, leased)
            .await
            .map_err(store("note that this service is done"))?;
        // Who was erased after having opted out is to be forgotten once more, and has a receipt for that.
        if done {
            store::receipt::end(&mut *transaction, leased)
                .await
                .map_err(store("complete a receipt"))?;
        }
        transaction.commit().await.map_err(store("commit that this service is done"))?;
        Ok(true)
    }
}

/// Deletes what this service holds of somebody who was erased; of anybody else nothing. Returns what it deleted.
pub(crate) async fn person_of(db: &PgPool, person: PersonId) -> Result<Vec<Forgotten>, Error> {
    let store = Error::store;
    let state = store::person_state::find(db, person).await.map_err(store("read a state"))?;
    if state != Some(State::Erased) {
        return Ok(Vec::new());
    }
    let mut people = store::person::merged_into(db, person)
        .await
        .map_err(store("read who was merged into somebody"))?;
    people.push(person.get());
    let accounts = store::erased_account::of(db, person).await.map_err(store("read accounts"))?;
    lookups::settle(db).await?;
    let mut forgotten = Vec::new();
    for held in store::held::ALL {
        let count = store::held::delete(db, held, &people, &accounts)
            .await
            .map_err(store("delete what is held of somebody"))?;
        if count > 0 {
            forgotten.push(Forgotten { name: held.name.to_owned(), count });
        }
    }
    Ok(forgotten)
}
