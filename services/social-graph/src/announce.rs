//! Tells scoring and topics who owns which account and where they live, at least once.
//!
//! Accounts are leased in one short statement, told while no transaction is open, and forgotten when their
//! consumer has confirmed them. The lease is short and renewed meanwhile: a process that dies in between leaves
//! one that runs out soon. Consumers keep the newest revision, whatever they are told again. Each has rows and a
//! loop of its own: one that is down holds nobody else up.

use std::{sync::Arc, time::Duration};

use klout_chassis::{Link, failpoint, renewing};
use klout_proto::{
    graph::v1::Membership,
    score::v1::{
        ApplyMembershipsRequest as ScoreRequest,
        signal_consumer_service_client::SignalConsumerServiceClient as ScoreClient,
    },
    topic::v1::{
        ApplyMembershipsRequest as TopicRequest,
        signal_consumer_service_client::SignalConsumerServiceClient as TopicClient,
    },
};
use sqlx::PgPool;
use tokio::{sync::Notify, time::timeout};
use tonic::{Request, Status};
use tracing::instrument;

use crate::store;

/// Accounts told at once: as many as a consumer takes in one call.
const ACCOUNTS_MAX: i64 = 1_000;

/// How long a consumer may take.
pub(crate) const PUSH_TIME_MAX: Duration = Duration::from_secs(30);

/// How long accounts are ours unless we renew that: what a process that dies had leased waits as long.
pub(crate) const LEASE_TIME: Duration = Duration::from_secs(10);

/// How often a lease is renewed, so that one can fail to be.
pub(crate) const RENEW_INTERVAL: Duration = Duration::from_secs(3);

/// A service that is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consumer {
    Scoring,
    Topics,
}

/// Wakes the announcers, each by its own bell: one that rings while its announcer is busy is heard afterwards.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bell(Arc<[Notify; Consumer::ALL.len()]>);

#[derive(Debug, thiserror::Error)]
pub(crate) enum AnnounceError {
    #[error("could not {action}")]
    Store {
        action: &'static str,
        #[source]
        source: sqlx::Error,
    },
    #[error("{} did not take the owners of {count} accounts", consumer.name())]
    Push {
        consumer: Consumer,
        count: usize,
        #[source]
        source: Status,
    },
}

/// The way to a consumer.
#[derive(Clone, Debug)]
pub(crate) struct Announcer {
    pub(crate) db: PgPool,
    pub(crate) consumer: Consumer,
    pub(crate) link: Link,
}

// === impl Consumer ===

impl Consumer {
    pub(crate) const ALL: [Self; 2] = [Self::Scoring, Self::Topics];

    /// As the outbox and links name it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Scoring => "scoring",
            Self::Topics => "topics",
        }
    }
}

// === impl Bell ===

impl Bell {
    pub(crate) fn ring(&self) {
        for bell in self.0.iter() {
            bell.notify_one();
        }
    }

    pub(crate) fn of(&self, consumer: Consumer) -> &Notify {
        match consumer {
            Consumer::Scoring => &self.0[0],
            Consumer::Topics => &self.0[1],
        }
    }
}

// === impl Announcer ===

impl Announcer {
    /// Tells what is due. Returns whether there was anything.
    #[instrument(name = "announce", skip_all, fields(consumer = self.consumer.name()))]
    pub(crate) async fn step(&self) -> Result<bool, AnnounceError> {
        let store = |action| move |source| AnnounceError::Store { action, source };
        let consumer = self.consumer;
        let leased = store::membership_outbox::lease(&self.db, consumer, ACCOUNTS_MAX, LEASE_TIME)
            .await
            .map_err(store("lease accounts"))?;
        if leased.is_empty() {
            return Ok(false);
        }
        failpoint!("social_graph.accounts.leased");
        let memberships = store::account::memberships(&self.db, &leased)
            .await
            .map_err(store("read who owns accounts"))?;

        let pushed = while_leased(self.push(memberships.clone()), || {
            store::membership_outbox::renew(&self.db, consumer, &leased, LEASE_TIME)
        });
        if let Err(source) = pushed.await {
            store::membership_outbox::release(&self.db, consumer, &leased)
                .await
                .map_err(store("give accounts back"))?;
            return Err(AnnounceError::Push { consumer, count: leased.len(), source });
        }
        failpoint!("social_graph.accounts.pushed");
        store::membership_outbox::delete(&self.db, consumer, &memberships)
            .await
            .map_err(store("take accounts out of the outbox"))?;
        Ok(true)
    }

    async fn push(&self, memberships: Vec<Membership>) -> Result<(), Status> {
        let link = self.link.clone();
        match self.consumer {
            Consumer::Scoring => {
                let mut request = Request::new(ScoreRequest { memberships });
                request.set_timeout(PUSH_TIME_MAX);
                ScoreClient::new(link).apply_memberships(request).await.map(|_| ())
            }
            Consumer::Topics => {
                let mut request = Request::new(TopicRequest { memberships });
                request.set_timeout(PUSH_TIME_MAX);
                TopicClient::new(link).apply_memberships(request).await.map(|_| ())
            }
        }
    }
}

/// Tells another service what is leased, which is kept meanwhile by `renew`. Whoever is told keeps to the time limit
/// by itself, unless it hangs.
pub(crate) async fn while_leased<T, F>(
    push: impl Future<Output = Result<T, Status>>,
    renew: impl FnMut() -> F,
) -> Result<T, Status>
where
    F: Future<Output = Result<(), sqlx::Error>>,
{
    renewing(RENEW_INTERVAL, timeout(PUSH_TIME_MAX, push), renew)
        .await
        .unwrap_or_else(|_| Err(Status::deadline_exceeded("whoever is told hangs")))
}
