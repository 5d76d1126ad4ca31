//! The log of who looked at whom.

use klout_chassis::Clock;
use klout_model::{Day, PersonId};
use klout_proto::{
    convert,
    graph::v1::{Lookup, PersonLookups},
};
use sqlx::PgPool;
use time::Duration;
use tracing::instrument;

use crate::{
    error::Error,
    store::{self, lookup::Looked},
};

/// How often it is looked whether some are too old.
pub(crate) const SWEEP_INTERVAL: std::time::Duration = std::time::Duration::from_secs(600);

/// Rows that are deleted in one statement.
const SWEEP_ROWS: i64 = 10_000;

/// Forgets look-ups that are old enough.
#[derive(Debug)]
pub(crate) struct LookupSweeper {
    pub(crate) db: PgPool,
    pub(crate) retention: Duration,
}

// === impl LookupSweeper ===

impl LookupSweeper {
    /// Deletes some. Returns whether there may be more.
    #[instrument(name = "lookups.sweep", skip_all)]
    pub(crate) async fn step(&self) -> Result<bool, Error> {
        // People look by the real time, whatever the clock of scores says.
        let day = Day::of(Clock::running().now() - self.retention).number();
        let deleted = store::lookup::delete_before(&self.db, day, SWEEP_ROWS)
            .await
            .map_err(Error::store("forget old look-ups"))?;
        Ok(deleted > 0)
    }
}

/// Writes look-ups down, which are durable then.
pub(crate) async fn record(db: &PgPool, lookups: &[(PersonId, Looked)]) -> Result<(), Error> {
    let failed = || Error::store("write look-ups down");
    let mut transaction = db.begin().await.map_err(failed())?;
    store::lookup::lock_shared(&mut *transaction).await.map_err(failed())?;
    store::lookup::add(&mut *transaction, lookups).await.map_err(failed())?;
    transaction.commit().await.map_err(failed())
}

/// A row of the log as it came; `None` when it cannot be one.
pub(crate) fn parse(row: PersonLookups) -> Option<(PersonId, Looked)> {
    let person = PersonId::new(row.person_id)?;
    let Lookup { caller, purpose, what, count, first_time, last_time } = row.lookup?;
    let time = |time: Option<prost_types::Timestamp>| convert::time(&time?);
    let (first_time, last_time) = (time(first_time)?, time(last_time)?);
    // What no column of Postgres takes.
    let clean = |text: String| if text.contains('\0') { text.replace('\0', " ") } else { text };
    let (caller, purpose) = (clean(caller), clean(purpose));
    let count = i64::try_from(count)
        .ok()
        .filter(|count| *count > 0 && !what.is_empty() && !what.contains('\0'))?;
    let day = Day::of(last_time).number();
    Some((person, Looked { day, caller, purpose, what, count, first_time, last_time }))
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
