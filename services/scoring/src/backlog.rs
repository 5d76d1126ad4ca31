//! Looks how much evidence is in no score yet, for those who watch.

use std::{sync::Arc, time::Duration};

use sqlx::PgPool;
use tracing::instrument;

use crate::{
    error::{Error, LOOK_TIME_MAX, ending},
    metrics::Metrics,
    store,
};

/// How often: a look reads the whole list of who has to be scored.
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
        let waiting = ending(LOOK_TIME_MAX, store::dirty_person::waiting(&self.db))
            .await?
            .map_err(Error::store("look who has to be scored"))?;
        self.metrics.waiting(waiting.changes, waiting.age_seconds);
        let schedule = ending(LOOK_TIME_MAX, store::pass::schedule(&self.db))
            .await?
            .map_err(Error::store("look when the last pass was"))?;
        self.metrics.epoch_age.set(schedule.since_seconds.unwrap_or(0.0));
        Ok(false)
    }
}
