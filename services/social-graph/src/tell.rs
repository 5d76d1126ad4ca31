//! Tells the other services what state people are in, and waits until they show nothing of who is no member.
//!
//! Whoever changes a state tells it too, all services at once, and has three seconds. What was not confirmed by then
//! stays in the outbox, where a loop for each service goes on: leased in one short statement, told while no transaction
//! is open, forgotten when it was confirmed. Services keep the highest number, whatever they are told again.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::future::join_all;
use klout_chassis::{failpoint, within};
use klout_model::PersonId;
use klout_proto::graph::v1::{KnownPersonState, PersonState};
use sqlx::PgPool;
use tonic::Status;
use tracing::{debug, instrument};

use crate::{
    announce,
    error::Error,
    peer::Peer,
    state::{State, Turn},
    store,
};

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

/// How often somebody is told again at once of whom a service knows something newer.
const OVERTAKES_MAX: usize = 3;

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
    #[error("could not overtake what {} knows of people", consumer.name())]
    Overtake {
        consumer: Consumer,
        #[source]
        source: Box<Error>,
    },
    #[error("{} knows that {count} people left whom we take for members", consumer.name())]
    Outdated { consumer: Consumer, count: usize },
}

/// Of whom a service knows something newer than it was told.
#[derive(Debug, Default)]
struct Newer {
    /// They left after the backup was made from which this service was restored.
    left: Vec<i64>,
    /// Under which numbers the service knows the others.
    known: BTreeMap<PersonId, i64>,
}

// === impl Consumer ===

impl Consumer {
    /// By its name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        CONSUMERS.into_iter().find(|consumer| consumer.name() == name)
    }

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

    /// Tells a service of people who stand in its outbox, and takes them out when it has confirmed them. Of whom it
    /// knows something newer, which ours does not follow, as we were restored from a backup, ours gets a number above
    /// that, and is told again.
    async fn push(&self, peer: &Peer, people: &[i64], time_max: Duration) -> Result<(), TellError> {
        let consumer = peer.consumer;
        let mut people = people.to_vec();
        let mut left = Vec::new();
        for _ in 0..OVERTAKES_MAX {
            let newer = self.push_once(peer, &people, time_max).await?;
            left.extend(newer.left);
            if newer.known.is_empty() {
                people.clear();
                break;
            }
            people = newer.known.keys().map(|person| person.get()).collect();
            self.overtake(&newer.known)
                .await
                .map_err(|source| TellError::Overtake { consumer, source: Box::new(source) })?;
        }
        people.extend(left);
        if people.is_empty() {
            return Ok(());
        }
        let count = people.len();
        self.give_back(consumer, &people).await?;
        Err(TellError::Outdated { consumer, count })
    }

    /// Tells a service once. Who is confirmed is taken out of its outbox; returns who is not.
    async fn push_once(
        &self,
        peer: &Peer,
        people: &[i64],
        time_max: Duration,
    ) -> Result<Newer, TellError> {
        let store = |action| move |source| TellError::Store { action, source };
        let consumer = peer.consumer;
        let states =
            store::person_state::of(&self.db, people).await.map_err(store("read states"))?;
        // A service keeps to the time limit by itself, unless it hangs.
        let called = tokio::time::timeout(time_max, peer.apply(states.clone(), time_max)).await;
        let called = called.unwrap_or_else(|_| Err(Status::deadline_exceeded("the service hangs")));
        let known = match called {
            Ok(known) => known,
            Err(source) => {
                self.give_back(consumer, people).await?;
                let count = people.len();
                return Err(TellError::Call { consumer, count, source: Box::new(source) });
            }
        };
        let newer = Newer::of(&states, &known);
        let waits: BTreeSet<i64> =
            newer.known.keys().map(|it| it.get()).chain(newer.left.iter().copied()).collect();
        let confirmed: Vec<_> =
            states.into_iter().filter(|it| !waits.contains(&it.person_id)).collect();
        store::person_state_outbox::delete(&self.db, consumer, &confirmed)
            .await
            .map_err(store("take people out of the outbox"))?;
        Ok(newer)
    }

    async fn give_back(&self, consumer: Consumer, people: &[i64]) -> Result<(), TellError> {
        store::person_state_outbox::release(&self.db, consumer, people)
            .await
            .map_err(|source| TellError::Store { action: "give people back", source })
    }

    /// Gives people whose number is not above the one that a service knows another one that is.
    async fn overtake(&self, known: &BTreeMap<PersonId, i64>) -> Result<(), Error> {
        let store = Error::store;
        let mut transaction =
            self.db.begin().await.map_err(store("begin to number states anew"))?;
        let turn = Turn::take(&mut transaction).await?;
        turn.overtake(&mut transaction, known).await?;
        transaction.commit().await.map_err(store("commit new numbers"))
    }
}

// === impl Newer ===

impl Newer {
    fn of(told: &[PersonState], known: &[KnownPersonState]) -> Self {
        let member = State::Member.as_str();
        let told: BTreeMap<i64, &str> =
            told.iter().map(|it| (it.person_id, it.state.as_str())).collect();
        let mut newer = Self::default();
        for it in known {
            let (Some(told), Some(person)) = (told.get(&it.person_id), PersonId::new(it.person_id))
            else {
                continue;
            };
            // Of who was erased nothing else holds any more, and is not shown either way.
            let is_gone = it.state == State::Erased.as_str() && *told != it.state;
            if *told == member && it.state != member {
                newer.left.push(it.person_id);
            } else if !is_gone {
                newer.known.insert(person, it.number.cast_signed());
            }
        }
        newer
    }
}
