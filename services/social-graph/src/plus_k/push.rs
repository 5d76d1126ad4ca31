//! Tells the connector of +K, at least once: as signals of the network `klout`, of which it hands on what it hands on
//! of any other. So they count, fade and can be explained as everything else.
//!
//! Rows are leased and told as accounts are ([`crate::announce`]). What is told is what is so by then, under one id:
//! a +K that is taken back before it was told is a retraction alone, which may come first.

use std::sync::Arc;

use klout_chassis::Link;
use klout_proto::{
    convert,
    signal::v1::{
        Account, BatchIngestSignalsRequest, Interaction, Rejection, Retraction, Signal, signal,
        signal_service_client::SignalServiceClient,
    },
};
use sqlx::PgPool;
use tonic::{Request, Status};
use tracing::{instrument, warn};

use super::NETWORK;
use crate::{
    announce::{LEASE_TIME, PUSH_TIME_MAX, while_leased},
    metrics::Vouched,
    store::{self, plus_k_outbox::Untold},
};

/// +K told at once: as many signals as the connector takes in one call.
const TOLD_MAX: i64 = 1_000;

#[derive(Debug, thiserror::Error)]
pub(crate) enum PushError {
    #[error("could not {action}")]
    Store {
        action: &'static str,
        #[source]
        source: sqlx::Error,
    },
    #[error("the connector did not take {count} +K")]
    Push {
        count: usize,
        #[source]
        source: Status,
    },
}

/// The way to the connector.
#[derive(Clone, Debug)]
pub(crate) struct Pusher {
    pub(crate) db: PgPool,
    pub(crate) link: Link,
    pub(crate) metrics: Arc<Vouched>,
}

// === impl Pusher ===

impl Pusher {
    /// Tells what is due. Returns whether there was anything.
    #[instrument(name = "tell_plus_ks", skip_all)]
    pub(crate) async fn step(&self) -> Result<bool, PushError> {
        let store = |action| move |source| PushError::Store { action, source };
        let leased = store::plus_k_outbox::lease(&self.db, TOLD_MAX, LEASE_TIME).await;
        let mut leased = leased.map_err(store("lease +K"))?;
        if leased.is_empty() {
            return Ok(false);
        }
        let ids: Vec<i64> = leased.iter().map(|it| it.id).collect();
        let signals = leased.iter().map(signal).collect();
        let pushed = while_leased(self.push(signals), || {
            store::plus_k_outbox::renew(&self.db, &ids, LEASE_TIME)
        });
        let rejected = match pushed.await {
            Ok(rejected) => rejected,
            Err(source) => {
                store::plus_k_outbox::release(&self.db, &ids)
                    .await
                    .map_err(store("give +K back"))?;
                return Err(PushError::Push { count: ids.len(), source });
            }
        };
        let early = self.left_out(&leased, &rejected);
        leased.retain(|it| !early.contains(&it.id));
        store::plus_k_outbox::delete(&self.db, &leased)
            .await
            .map_err(store("take +K out of the outbox"))?;
        if !early.is_empty() {
            store::plus_k_outbox::release(&self.db, &early).await.map_err(store("let +K wait"))?;
        }
        Ok(!leased.is_empty())
    }

    async fn push(&self, signals: Vec<Signal>) -> Result<Vec<Rejection>, Status> {
        let mut request = Request::new(BatchIngestSignalsRequest { signals });
        request.set_timeout(PUSH_TIME_MAX);
        let answered =
            SignalServiceClient::new(self.link.clone()).batch_ingest_signals(request).await?;
        Ok(answered.into_inner().rejected)
    }

    /// What the connector did not take because its clock is behind ours, which is told later. What it will never
    /// take, as what waited for 90 days, is said and given up.
    fn left_out(&self, told: &[Untold], rejected: &[Rejection]) -> Vec<i64> {
        let mut early = Vec::new();
        for it in rejected {
            let untold = usize::try_from(it.index).ok().and_then(|index| told.get(index));
            let Some(untold) = untold else { continue };
            if it.reason == "TIME_AFTER_AS_OF" {
                early.push(untold.id);
            } else {
                self.metrics.given_up.increment(1);
                warn!(plus_k = untold.id, reason = it.reason, "the connector will never take a +K");
            }
        }
        early
    }
}

/// What the connector is told of one.
fn signal(it: &Untold) -> Signal {
    let account = |native: i64| Account { native_id: native.to_string(), handle: None };
    let (signal_id, content) = if it.taken_back {
        let retraction = Retraction {
            subject: Some(account(it.receiver_native)),
            of_signal_id: it.id.to_string(),
        };
        (format!("{}/taken-back", it.id), signal::Content::Retraction(retraction))
    } else {
        let interaction = Interaction {
            actor: Some(account(it.giver_native)),
            subject: Some(account(it.receiver_native)),
            kind: "plus_k".to_owned(),
            count: None,
            post: None,
            label: Some(it.topic.clone()),
        };
        (it.id.to_string(), signal::Content::Interaction(interaction))
    };
    Signal {
        network: NETWORK.to_owned(),
        signal_id,
        time: Some(convert::timestamp(it.give_time)),
        content: Some(content),
    }
}
