//! How often keys are used: counted in memory, written down every few seconds.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::PgPool;
use time::{Date, OffsetDateTime};
use tokio::time::timeout;

use super::text::KeyId;
use crate::store::key as store;

/// How long counts are kept: over a year, so that one year can be compared with the one before.
const KEPT_DAYS: i64 = 400;

/// How long writing may take, before it is tried again with what was counted since.
const WRITE_TIME_MAX: Duration = Duration::from_secs(5);

/// Calls that were let in and are not written down yet.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    counters: Mutex<HashMap<KeyId, Arc<AtomicU64>>>,
    /// The last day on which old counts were deleted.
    swept: Mutex<Option<Date>>,
}

// === impl Usage ===

impl Usage {
    /// Counts the calls of a key. As many as there are keys in use; those of others are dropped when they are written
    /// down.
    pub(crate) fn counter(&self, id: KeyId) -> Arc<AtomicU64> {
        let mut counters = self.counters.lock().expect("nobody panics while holding it");
        Arc::clone(counters.entry(id).or_default())
    }

    /// Writes down what was counted, for the day that it is: a call of the last seconds of a day may count for the next
    /// one. What could not be written is written with the next.
    pub(crate) async fn flush(&self, db: &PgPool, now: OffsetDateTime) -> Result<(), sqlx::Error> {
        let counted = self.take();
        let (keys, calls): (Vec<String>, Vec<i64>) =
            counted.iter().map(|(id, _, calls)| (id.to_string(), *calls)).unzip();
        let written = async {
            let added =
                timeout(WRITE_TIME_MAX, store::add_uses(db, now.date(), &keys, &calls)).await;
            added.unwrap_or(Err(sqlx::Error::PoolTimedOut))
        };
        if !keys.is_empty()
            && let Err(error) = written.await
        {
            for (_, counter, calls) in counted {
                counter.fetch_add(calls.unsigned_abs(), Ordering::Relaxed);
            }
            return Err(error);
        }
        self.sweep(db, now.date()).await
    }

    fn take(&self) -> Vec<(KeyId, Arc<AtomicU64>, i64)> {
        let mut counters = self.counters.lock().expect("nobody panics while holding it");
        let counted = counters.iter().filter_map(|(id, counter)| {
            let calls = i64::try_from(counter.swap(0, Ordering::Relaxed)).unwrap_or(i64::MAX);
            (calls > 0).then(|| (*id, Arc::clone(counter), calls))
        });
        let counted = counted.collect();
        // Nobody else has it, so that nobody counts with it any more.
        counters.retain(|_, counter| Arc::strong_count(counter) > 1);
        counted
    }

    async fn sweep(&self, db: &PgPool, today: Date) -> Result<(), sqlx::Error> {
        let is_swept = *self.swept.lock().expect("nobody panics while holding it") == Some(today);
        if !is_swept {
            store::delete_uses_before(db, today - time::Duration::days(KEPT_DAYS)).await?;
            *self.swept.lock().expect("nobody panics while holding it") = Some(today);
        }
        Ok(())
    }
}
