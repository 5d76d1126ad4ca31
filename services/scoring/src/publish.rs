//! Publishes where each score stands among all others.
//!
//! A score that is written between two publications is placed by a sample of the ranking; the next
//! publication places it exactly. Rescoring waits while percentiles are published, so that none is
//! missed.

use std::{sync::Arc, time::Duration};

use klout_chassis::Clock;
use klout_model::Day;
use klout_score_math::Model;
use sqlx::PgPool;
use tokio::{sync::Mutex, time::Instant};
use tracing::instrument;

use crate::{cached::Cached, change::Change, error::Error, metrics::Metrics, store};

/// While people keep being rescored, percentiles are published this often nevertheless.
const WHILE_BUSY: Duration = Duration::from_secs(5);

/// A publication is followed by a pause of this many times its own length.
const PAUSE_FACTOR: u32 = 10;

/// What a publication needs.
#[derive(Debug)]
pub(crate) struct Publisher {
    pub(crate) db: PgPool,
    pub(crate) cached: Cached,
    pub(crate) clock: Clock,
    pub(crate) model: &'static Model,
    pub(crate) metrics: Arc<Metrics>,
    /// When the last one ended, and how long it took.
    last: Mutex<Option<(Instant, Duration)>>,
}

// === impl Publisher ===

impl Publisher {
    pub(crate) fn new(
        db: PgPool,
        cached: Cached,
        clock: Clock,
        model: &'static Model,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { db, cached, clock, model, metrics, last: Mutex::new(None) }
    }

    /// Publishes if there is anything new and it is time.
    #[instrument(name = "publish", skip_all)]
    pub(crate) async fn step(&self) -> Result<bool, Error> {
        let store = Error::store;
        let standing = store::standing::read(&self.db).await.map_err(store("read the standing"))?;
        self.cached.follow_standing(standing.revision);
        if standing.current {
            return Ok(false);
        }
        let busy = store::dirty_person::any(&self.db).await.map_err(store("look for work"))?;
        let mut last = self.last.lock().await;
        if last.is_some_and(|(end, took)| !is_due(end.elapsed(), took, busy)) {
            return Ok(false);
        }

        let started = Instant::now();
        let today = Day::of(self.clock.now());
        let mut transaction = self.db.begin().await.map_err(store("begin to publish"))?;
        let connection = &mut *transaction;
        store::standing::lock(&mut *connection).await.map_err(store("wait for rescores"))?;
        let revision = store::standing::renew(&mut *connection)
            .await
            .map_err(store("publish the standing"))?;
        store::score::renew_percentiles(&mut *connection)
            .await
            .map_err(store("publish percentiles"))?;
        store::history::renew_percentiles(&mut *connection, today, self.model.name())
            .await
            .map_err(store("publish today's percentiles"))?;
        let change = Change::Standing(revision).message();
        store::replica::tell(&mut *connection, &[change])
            .await
            .map_err(store("tell of a publication"))?;
        klout_chassis::failpoint!("scoring.percentiles.written");
        transaction.commit().await.map_err(store("commit percentiles"))?;
        klout_chassis::failpoint!("scoring.percentiles.committed");
        self.cached.follow_standing(revision);
        self.metrics.publication_duration.record(started.elapsed());
        *last = Some((Instant::now(), started.elapsed()));
        Ok(false)
    }
}

/// Whether it is time again, so long after a publication that took so long.
fn is_due(since: Duration, took: Duration, busy: bool) -> bool {
    since >= took * PAUSE_FACTOR && (!busy || since >= WHILE_BUSY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publication_waits_for_rest_and_while_there_is_none_for_five_seconds() {
        let seconds = Duration::from_secs;
        assert!(is_due(seconds(1), Duration::from_millis(1), false));
        assert!(!is_due(seconds(1), Duration::from_millis(1), true));
        assert!(is_due(seconds(5), Duration::from_millis(1), true));
        assert!(!is_due(seconds(5), seconds(1), false), "a long one is followed by a long pause");
    }
}
