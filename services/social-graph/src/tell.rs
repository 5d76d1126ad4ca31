//! Tells the other services what state people are in, and waits until they show nothing of who is no member.
//!
//! Whoever changes a state tells it too, all services at once, and has three seconds. What was not confirmed by then
//! stays in the outbox, where a loop for each service goes on: leased in one short statement, told while no transaction
//! is open, forgotten when it was confirmed. Services keep the highest number, whatever they are told again.

use std::time::Duration;

use futures::future::join_all;
use klout_chassis::{failpoint, within};
use klout_model::PersonId;
use sqlx::PgPool;
use tonic::Status;
use tracing::{debug, instrument};

use crate::{announce, error::Error, peer::Peer, store};

/// How long whoever changes a state waits for all services.
pub(crate) const CALL_TIME_MAX: Duration = Duration::from_secs(3);

/// People told of at once: as many as a service takes in one call.
const PEOPLE_MAX: usize = 1_000;

/// A service that is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consumer {
    Scoring,
    Topics,
    Connector,
    Perks,
    Gateway,
}

/// Every service that is told.
pub(crate) const CONSUMERS: [Consumer; 5] =
    [Consumer::Scoring, Consumer::Topics, Consumer::Connector, Consumer::Perks, Consumer::Gateway];

/// The ways to all services.
#[derive(Clone, Debug)]
pub(crate) struct Teller {
    pub(crate) db: PgPool,
    pub(crate) peers: [Peer; CONSUMERS.len()],
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum TellError {
    #[error("could not {action}")]
    Store {
        action: &'static str,
        #[source]
        source: sqlx::Error,
    },
    #[error("{} did not confirm the states of {count} people", consumer.name())]
    Call {
        consumer: Consumer,
        count: usize,
        #[source]
        source: Box<Status>,
    },
}

// === impl Consumer ===

impl Consumer {
    /// As this service stands beside them, in receipts and in what is still to be deleted.
    pub(crate) const OURSELVES: &'static str = "social_graph";

    /// As outboxes, receipts and links name it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Scoring => "scoring",
            Self::Topics => "topics",
            Self::Connector => "connector",
            Self::Perks => "perks",
            Self::Gateway => "gateway",
        }
    }
}

// === impl Teller ===

impl Teller {
    /// Tells all services what they have not confirmed yet of these people. Their states are committed.
    ///
    /// MASKING_UNCONFIRMED: not all of them confirmed it in time. It goes on; asked again, this waits again.
    #[instrument(skip_all, fields(people.len = people.len()))]
    pub(crate) async fn tell(&self, people: &[PersonId]) -> Result<(), Error> {
        let people: Vec<_> = people.iter().map(|person| person.get()).collect();
        let all = self.peers.iter().map(|peer| async {
            let told = async {
                for people in people.chunks(PEOPLE_MAX) {
                    self.tell_one(peer, people).await?;
                }
                Ok::<_, TellError>(())
            };
            match within(CALL_TIME_MAX, told).await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => {
                    debug!(error = %klout_chassis::Chain(&error), "a state is not confirmed yet");
                    Some(peer.consumer.name())
                }
                Err(_late) => Some(peer.consumer.name()),
            }
        });
        let services: Vec<_> = join_all(all).await.into_iter().flatten().collect();
        failpoint!("social_graph.states.told");
        if services.is_empty() { Ok(()) } else { Err(Error::MaskingUnconfirmed { services }) }
    }

    async fn tell_one(&self, peer: &Peer, people: &[i64]) -> Result<(), TellError> {
        let store = |action| move |source| TellError::Store { action, source };
        let waiting = store::person_state_outbox::waiting(&self.db, peer.consumer, people)
            .await
            .map_err(store("read who waits"))?;
        if waiting.is_empty() {
            return Ok(());
        }
        self.push(peer, &waiting, CALL_TIME_MAX).await
    }

    /// Tells one service what is due. Returns whether there was anything.
    #[instrument(name = "tell", skip_all, fields(consumer = peer.consumer.name()))]
    pub(crate) async fn step(&self, peer: &Peer) -> Result<bool, TellError> {
        let store = |action| move |source| TellError::Store { action, source };
        let consumer = peer.consumer;
        let max = i64::try_from(PEOPLE_MAX).expect("a thousand");
        let leased =
            store::person_state_outbox::lease(&self.db, consumer, max, announce::LEASE_TIME)
                .await
                .map_err(store("lease people"))?;
        if leased.is_empty() {
            return Ok(false);
        }
        let renew =
            || store::person_state_outbox::renew(&self.db, consumer, &leased, announce::LEASE_TIME);
        let push = self.push(peer, &leased, announce::PUSH_TIME_MAX);
        klout_chassis::renewing(announce::RENEW_INTERVAL, push, renew).await?;
        Ok(true)
    }

    /// Tells a service of people who stand in its outbox, and takes them out when it has confirmed them.
    async fn push(&self, peer: &Peer, people: &[i64], time_max: Duration) -> Result<(), TellError> {
        let store = |action| move |source| TellError::Store { action, source };
        let states =
            store::person_state::of(&self.db, people).await.map_err(store("read states"))?;
        // A service keeps to the time limit by itself, unless it hangs.
        let called = tokio::time::timeout(time_max, peer.apply(states.clone(), time_max)).await;
        let called = called.unwrap_or_else(|_| Err(Status::deadline_exceeded("the service hangs")));
        if let Err(source) = called {
            store::person_state_outbox::release(&self.db, peer.consumer, people)
                .await
                .map_err(store("give people back"))?;
            let (consumer, count) = (peer.consumer, people.len());
            return Err(TellError::Call { consumer, count, source: Box::new(source) });
        }
        store::person_state_outbox::delete(&self.db, peer.consumer, &states)
            .await
            .map_err(store("take people out of the outbox"))
    }
}
