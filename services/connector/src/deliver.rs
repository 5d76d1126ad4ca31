//! Delivers batches from the outbox to those who consume them, at least once.
//!
//! A batch is leased in one short transaction, pushed while no transaction is open, and deleted when
//! its consumer has confirmed it. The lease is short and renewed while its batches are pushed: a process
//! that dies in between leaves one that runs out soon, and the batch is pushed again. Consumers apply a batch
//! once, whatever they are sent.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt as _, stream};
use klout_chassis::{Chain, Link, Links, Pace, failpoint, renewing, repeat};
use klout_proto::{
    graph::v1::{
        ApplySignalsRequest as GraphRequest,
        signal_consumer_service_client::SignalConsumerServiceClient as GraphClient,
    },
    score::v1::{
        ApplySignalsRequest as ScoreRequest,
        signal_consumer_service_client::SignalConsumerServiceClient as ScoreClient,
    },
    signal::v1::SignalBatch,
    topic::v1::{
        ApplySignalsRequest as TopicRequest,
        signal_consumer_service_client::SignalConsumerServiceClient as TopicClient,
    },
};
use klout_store::ending;
use prost::Message as _;
use sqlx::PgPool;
use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use tracing::{Instrument as _, debug, info_span, instrument};

use crate::{
    metrics::Metrics,
    store::{self, outbox::Leased},
};

/// How long a consumer may take to apply a batch.
const PUSH_TIME_MAX: Duration = Duration::from_secs(30);

/// How long a statement may take: what waits for a connection that is dead without a word has an end.
const STATEMENT_TIME_MAX: Duration = Duration::from_secs(30);

/// How long a batch is ours unless we renew that: what a process that dies had leased waits as long.
const LEASE_TIME: Duration = Duration::from_secs(10);

/// How often a lease is renewed, so that one can fail to be.
const RENEW_INTERVAL: Duration = Duration::from_secs(3);

/// Batches leased at once. With batches of 1,000 interactions this is a few hundred kilobytes; texts may make
/// it some megabytes.
const LEASED_MAX: i64 = 8;

/// Lanes that are worked on at once: enough to keep a consumer busy while others travel.
const LANES_AT_ONCE: usize = 4;

/// A service that consumes batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consumer {
    Scoring,
    SocialGraph,
    Topics,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum DeliverError {
    #[error("could not {action}")]
    Store {
        action: &'static str,
        #[source]
        source: sqlx::Error,
    },
    #[error("{count} batches were not taken")]
    Push {
        count: usize,
        #[source]
        last: PushError,
    },
}

/// Why one batch was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PushError {
    #[error("the consumer refused it")]
    Refused(#[from] Status),
    #[error("it cannot be read")]
    Payload(#[from] prost::DecodeError),
}

/// Wakes the deliveries when the outbox grew, each by its own bell: one that rings while its delivery
/// is busy is heard afterwards.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bell(Arc<[Notify; 3]>);

/// The ways to the consumers.
#[derive(Clone, Debug)]
pub(crate) struct Deliverer {
    db: PgPool,
    scoring: Link,
    social_graph: Link,
    topics: Link,
    metrics: Arc<Metrics>,
}

// === impl Consumer ===

impl Consumer {
    pub(crate) const ALL: [Self; 3] = [Self::Scoring, Self::SocialGraph, Self::Topics];

    /// As the outbox names it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Scoring => "scoring",
            Self::SocialGraph => "social_graph",
            Self::Topics => "topics",
        }
    }
}

// === impl PushError ===

impl PushError {
    /// Whether any other batch would fare as this one.
    fn is_of_who_is_away(&self) -> bool {
        matches!(self, Self::Refused(status) if status.code() == Code::Unavailable)
    }
}

// === impl Bell ===

impl Bell {
    pub(crate) fn ring(&self) {
        for bell in self.0.iter() {
            bell.notify_one();
        }
    }

    fn of(&self, consumer: Consumer) -> &Notify {
        match consumer {
            Consumer::Scoring => &self.0[0],
            Consumer::SocialGraph => &self.0[1],
            Consumer::Topics => &self.0[2],
        }
    }
}

// === impl Deliverer ===

impl Deliverer {
    pub(crate) fn new(db: PgPool, links: &Links, metrics: Arc<Metrics>) -> Self {
        Self {
            db,
            scoring: links.to(Consumer::Scoring.name()),
            social_graph: links.to(Consumer::SocialGraph.name()),
            topics: links.to(Consumer::Topics.name()),
            metrics,
        }
    }

    /// Delivers until it is stopped, to each consumer at its own pace.
    pub(crate) async fn run(self, interval: Duration, bell: Bell, stop: CancellationToken) {
        let [scoring, social_graph, topics] = Consumer::ALL.map(|consumer| {
            let deliverer = &self;
            repeat(
                consumer.name(),
                Pace::of_long_steps(interval),
                bell.of(consumer),
                &stop,
                move || deliverer.step(consumer),
            )
        });
        tokio::join!(scoring, social_graph, topics);
    }

    /// Delivers what is due. Returns whether there was anything.
    #[instrument(name = "deliver", skip_all, fields(consumer = consumer.name()))]
    async fn step(&self, consumer: Consumer) -> Result<bool, DeliverError> {
        let lanes = ending(STATEMENT_TIME_MAX, store::outbox::lanes_due(&self.db, consumer))
            .await
            .map_err(|source| DeliverError::Store { action: "look at the outbox", source })?;
        let any = !lanes.is_empty();
        let is_away = AtomicBool::new(false);
        let mut lanes_done = stream::iter(lanes)
            .map(|lane| self.deliver_lane(consumer, lane, &is_away))
            .buffer_unordered(LANES_AT_ONCE);
        let mut result = Ok(any);
        while let Some(lane) = lanes_done.next().await {
            result = result.and_then(|any| lane.map(|()| any));
        }
        result
    }

    /// `is_away`: whether the consumer was found not to be there, which is found out once for all lanes.
    async fn deliver_lane(
        &self,
        consumer: Consumer,
        lane: i16,
        is_away: &AtomicBool,
    ) -> Result<(), DeliverError> {
        if is_away.load(Ordering::Relaxed) {
            return Ok(());
        }
        let store = |action| move |source| DeliverError::Store { action, source };
        let lease = store::outbox::lease(&self.db, consumer, lane, LEASED_MAX, LEASE_TIME);
        let leased = ending(STATEMENT_TIME_MAX, lease).await.map_err(store("lease batches"))?;
        let (leased_at, metrics) = (Instant::now(), self.metrics.of(consumer));

        if leased.is_empty() {
            return Ok(());
        }
        failpoint!("connector.batches.leased");

        let batches: Vec<_> = leased.iter().map(|batch| batch.batch_id).collect();
        let push = async {
            let (mut confirmed, mut refused, mut last) = (Vec::new(), Vec::new(), None);
            for batch in leased {
                let Leased { batch_id, attempts, waited_seconds, .. } = batch;
                if is_away.load(Ordering::Relaxed) {
                    refused.push(batch_id);
                    continue;
                }
                let started = Instant::now();
                match self.push(consumer, batch).await {
                    Ok(()) => {
                        failpoint!("connector.batch.pushed");
                        metrics.taken.record(started.elapsed());
                        let since = waited_seconds + leased_at.elapsed().as_secs_f64();
                        metrics.delivery_duration.record(since);
                        confirmed.push((batch_id, attempts));
                    }
                    Err(error) => {
                        metrics.refused.record(started.elapsed());
                        debug!(batch.id = %batch_id, error = %Chain(&error), "not taken");
                        is_away.fetch_or(error.is_of_who_is_away(), Ordering::Relaxed);
                        refused.push(batch_id);
                        last = Some(error);
                    }
                }
            }
            (confirmed, refused, last)
        };
        let (confirmed, refused, last) = renewing(RENEW_INTERVAL, push, || {
            store::outbox::renew(&self.db, consumer, lane, &batches, LEASE_TIME)
        })
        .await;
        ending(STATEMENT_TIME_MAX, store::outbox::delete(&self.db, consumer, lane, &confirmed))
            .await
            .map_err(store("take confirmed batches out of the outbox"))?;
        failpoint!("connector.batches.deleted");
        if !refused.is_empty() {
            ending(STATEMENT_TIME_MAX, store::outbox::release(&self.db, consumer, lane, &refused))
                .await
                .map_err(store("give batches back"))?;
        }
        last.map_or(Ok(()), |last| Err(DeliverError::Push { count: refused.len(), last }))
    }

    async fn push(&self, consumer: Consumer, leased: Leased) -> Result<(), PushError> {
        let batch = SignalBatch::decode(leased.payload.as_slice())?;
        let span = info_span!("push", batch.id = %leased.batch_id);
        let push = async {
            match consumer {
                Consumer::Scoring => {
                    let mut request = tonic::Request::new(ScoreRequest { batch: Some(batch) });
                    request.set_timeout(PUSH_TIME_MAX);
                    ScoreClient::new(self.scoring.clone()).apply_signals(request).await.map(|_| ())
                }
                Consumer::SocialGraph => {
                    let mut request = tonic::Request::new(GraphRequest { batch: Some(batch) });
                    request.set_timeout(PUSH_TIME_MAX);
                    GraphClient::new(self.social_graph.clone())
                        .apply_signals(request)
                        .await
                        .map(|_| ())
                }
                Consumer::Topics => {
                    let mut request = tonic::Request::new(TopicRequest { batch: Some(batch) });
                    request.set_timeout(PUSH_TIME_MAX);
                    TopicClient::new(self.topics.clone()).apply_signals(request).await.map(|_| ())
                }
            }
        };
        // The consumer keeps to the time limit by itself, unless it hangs.
        let pushed = timeout(PUSH_TIME_MAX, push.instrument(span)).await;
        Ok(pushed.unwrap_or_else(|_| Err(Status::deadline_exceeded("the consumer hangs")))?)
    }
}
