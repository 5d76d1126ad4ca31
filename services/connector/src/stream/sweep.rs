//! Deletes what nothing needs any more of which records told which signals.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use klout_chassis::Clock;
use klout_model::{Day, WINDOW_DAYS};
use sqlx::PgPool;
use tracing::instrument;

use crate::{error::Error, store};

/// How often it is looked.
pub(crate) const INTERVAL: Duration = Duration::from_secs(600);

/// Rows that are deleted in one transaction.
const ROWS_MAX: i64 = 50_000;

/// How often what is about people who were erased is looked for. What they did goes at once.
const ERASED_INTERVAL: Duration = Duration::from_secs(6 * 3600);

#[derive(Debug)]
pub(crate) struct Sweeper {
    db: PgPool,
    running: Clock,
    erased_at: Mutex<Option<Instant>>,
}

// === impl Sweeper ===

impl Sweeper {
    pub(crate) fn new(db: PgPool, running: Clock) -> Self {
        Self { db, running, erased_at: Mutex::default() }
    }

    /// Deletes some of it. Returns whether there may be more.
    #[instrument(name = "sweep_records", skip_all)]
    pub(crate) async fn step(&self) -> Result<bool, Error> {
        let first = Day::of(self.running.now()).minus(u16::from(WINDOW_DAYS));
        let gone = store::stream_record::drop_before(&self.db, first.number(), ROWS_MAX).await;
        let gone = gone.map_err(Error::store("delete what old records told"))?;
        if gone == ROWS_MAX.unsigned_abs() {
            return Ok(true);
        }
        let due = {
            let mut at = self.erased_at.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            let due = at.is_none_or(|at| at.elapsed() >= ERASED_INTERVAL);
            if due {
                *at = Some(Instant::now());
            }
            due
        };
        if due {
            store::stream_record::forget_subjects(&self.db)
                .await
                .map_err(Error::store("delete what records told of who was erased"))?;
        }
        Ok(false)
    }
}
