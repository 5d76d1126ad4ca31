//! Looks how much consumers still have to take, for those who watch.

use std::{sync::Arc, time::Duration};

use sqlx::PgPool;
use tracing::instrument;

use crate::{
    deliver::Consumer,
    error::Error,
    metrics::Metrics,
    store::{self, outbox::Waiting},
};

/// How often: a look reads the whole outbox.
pub(crate) const INTERVAL: Duration = Duration::from_secs(5);

/// Tells the backlog as numbers.
#[derive(Debug)]
pub(crate) struct Backlog {
    pub(crate) db: PgPool,
    pub(crate) metrics: Arc<Metrics>,
}

// === impl Backlog ===

impl Backlog {
    /// Looks once.
    #[instrument(name = "backlog", skip_all)]
    pub(crate) async fn step(&self) -> Result<bool, Error> {
        let waiting = store::outbox::waiting(&self.db)
            .await
            .map_err(Error::store("look what waits in the outbox"))?;
        for consumer in Consumer::ALL {
            let metrics = self.metrics.of(consumer);
            let none = Waiting::default();
            let waiting = waiting.iter().find(|it| it.consumer == consumer.name());
            let Waiting { batches, age_seconds, .. } = waiting.unwrap_or(&none);
            metrics.batches.set(*batches);
            metrics.age.set(*age_seconds);
        }
        Ok(false)
    }
}
