//! Looks how much scoring, topics and the connector have to be told, for those who watch.

use std::time::Duration;

use sqlx::PgPool;
use tracing::instrument;

use crate::{announce::Consumer, error::Error, metrics::Metrics, store, tell};

/// How often: a look reads the whole outbox.
pub(crate) const INTERVAL: Duration = Duration::from_secs(5);

/// Tells the backlog as a number.
#[derive(Debug)]
pub(crate) struct Backlog {
    pub(crate) db: PgPool,
    pub(crate) metrics: Metrics,
}

// === impl Backlog ===

impl Backlog {
    /// Looks once.
    #[instrument(name = "backlog", skip_all)]
    pub(crate) async fn step(&self) -> Result<bool, Error> {
        let waiting = store::membership_outbox::count(&self.db)
            .await
            .map_err(Error::store("count what waits"))?;
        let pending = |consumer| &self.metrics.memberships_pending[consumer as usize];
        let told = |count| u32::try_from(count).unwrap_or(u32::MAX);
        pending(Consumer::Scoring).set(told(waiting.for_scoring));
        pending(Consumer::Topics).set(told(waiting.for_topics));
        let waiting = store::person_state_outbox::count(&self.db)
            .await
            .map_err(Error::store("count whose states wait"))?;
        for (consumer, pending) in tell::CONSUMERS.iter().zip(&self.metrics.states_pending) {
            pending.set(told(waiting.get(consumer.name()).copied().unwrap_or(0)));
        }
        let plus_ks = store::plus_k_outbox::count(&self.db)
            .await
            .map_err(Error::store("count +K that wait"))?;
        self.metrics.plus_k_pending.set(told(plus_ks));
        Ok(false)
    }
}
