//! The log of who looked at whom.

use klout_chassis::{Clock, repeat};
use klout_model::{Day, PersonId};
use klout_proto::{
    convert,
    graph::v1::{CallerLookups, Lookup},
};
use sqlx::PgPool;
use time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::instrument;

use crate::{
    error::Error,
    store::{
        self,
        lookup::{Batch, Looked},
    },
};

/// How often it is looked whether some are too old.
const SWEEP_INTERVAL: std::time::Duration = std::time::Duration::from_secs(600);

/// How often what came is folded: of people who are looked at all the time, that many seconds become one row.
const FOLD_INTERVAL: std::time::Duration = std::time::Duration::from_secs(30);

/// Batches that are folded in one statement.
const FOLD_BATCHES: i64 = 64;

/// Rows that are deleted in one statement.
const SWEEP_ROWS: i64 = 10_000;

/// Folds look-ups, and forgets those that are old enough.
#[derive(Debug)]
pub(crate) struct LookupKeeper {
    db: PgPool,
    retention: Duration,
    /// Rung when there are new rows.
    folded: Notify,
}

// === impl LookupKeeper ===

impl LookupKeeper {
    pub(crate) fn new(db: PgPool, retention: Duration) -> Self {
        Self { db, retention, folded: Notify::new() }
    }

    /// Does both until `stop`.
    pub(crate) async fn run(&self, stop: &CancellationToken) {
        let nobody_rings = Notify::new();
        let fold = repeat("fold look-ups", FOLD_INTERVAL, &nobody_rings, stop, || self.fold());
        let sweep = repeat("sweep look-ups", SWEEP_INTERVAL, &self.folded, stop, || self.sweep());
        tokio::join!(fold, sweep);
    }

    /// Makes rows by person of some that came. Returns whether there may be more.
    #[instrument(name = "lookups.fold", skip_all)]
    async fn fold(&self) -> Result<bool, Error> {
        let folded = fold(&self.db).await?;
        if folded > 0 {
            // Some may have waited for long.
            self.folded.notify_one();
        }
        Ok(folded == FOLD_BATCHES)
    }

    /// Deletes some. Returns whether there may be more.
    #[instrument(name = "lookups.sweep", skip_all)]
    async fn sweep(&self) -> Result<bool, Error> {
        // People look by the real time, whatever the clock of scores says.
        let day = Day::of(Clock::running().now() - self.retention).number();
        let deleted = store::lookup::delete_before(&self.db, day, SWEEP_ROWS)
            .await
            .map_err(Error::store("forget old look-ups"))?;
        Ok(deleted > 0)
    }
}

/// Writes look-ups down, which are durable then.
pub(crate) async fn record(db: &PgPool, batches: &[Batch]) -> Result<(), Error> {
    let failed = || Error::store("write look-ups down");
    let mut transaction = db.begin().await.map_err(failed())?;
    for batch in batches {
        store::lookup::append(&mut *transaction, batch).await.map_err(failed())?;
    }
    transaction.commit().await.map_err(failed())
}

/// Folds some. Returns how many batches that were.
async fn fold(db: &PgPool) -> Result<i64, Error> {
    let failed = || Error::store("fold look-ups");
    let mut transaction = db.begin().await.map_err(failed())?;
    store::lookup::lock_shared(&mut *transaction).await.map_err(failed())?;
    let folded = store::lookup::fold(&mut *transaction, FOLD_BATCHES).await.map_err(failed())?;
    transaction.commit().await.map_err(failed())?;
    Ok(folded)
}

/// Folds what there is, so that receipts have what was told of who is erased, and waits until nobody folds look-ups who
/// may not have seen yet that they are.
pub(crate) async fn settle(db: &PgPool) -> Result<(), Error> {
    while fold(db).await? == FOLD_BATCHES {}
    let failed = || Error::store("wait for look-ups that are folded");
    let mut transaction = db.begin().await.map_err(failed())?;
    store::lookup::lock(&mut *transaction).await.map_err(failed())?;
    transaction.commit().await.map_err(failed())
}

/// Look-ups as they came; `None` when they cannot be.
pub(crate) fn parse(lookups: CallerLookups) -> Option<Batch> {
    let CallerLookups { caller, purpose, what, first_time, last_time, person_ids, counts } =
        lookups;
    let time = |time: Option<prost_types::Timestamp>| convert::time(&time?);
    let (first_time, last_time) = (time(first_time)?, time(last_time)?);
    let counts: Option<Vec<i64>> =
        counts.into_iter().map(|it| i64::try_from(it).ok().filter(|it| *it > 0)).collect();
    let counts = counts.filter(|counts| counts.len() == person_ids.len())?;
    let people = person_ids.iter().all(|it| PersonId::new(*it).is_some());
    if !people || what.is_empty() || what.contains('\0') {
        return None;
    }
    // What no column of Postgres takes.
    let clean = |text: String| if text.contains('\0') { text.replace('\0', " ") } else { text };
    Some(Batch {
        day: Day::of(last_time).number(),
        caller: clean(caller),
        purpose: clean(purpose),
        what,
        first_time,
        last_time,
        people: person_ids,
        counts,
    })
}

/// A row of the log as it is answered.
pub(crate) fn to_wire(looked: Looked) -> Lookup {
    Lookup {
        caller: looked.caller,
        purpose: looked.purpose,
        what: looked.what,
        count: looked.count.cast_unsigned(),
        first_time: Some(convert::timestamp(looked.first_time)),
        last_time: Some(convert::timestamp(looked.last_time)),
    }
}
