//! Looks how much scoring has to be told, for those who watch.

use std::time::Duration;

use sqlx::PgPool;
use tracing::instrument;

use crate::{error::Error, metrics::Metrics, store};

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
        let accounts = store::membership_outbox::count(&self.db)
            .await
            .map_err(Error::store("count what waits"))?;
        self.metrics.memberships_pending.set(u32::try_from(accounts).unwrap_or(u32::MAX));
        Ok(false)
    }
}
