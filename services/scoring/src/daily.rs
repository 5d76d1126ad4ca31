//! Goes over to a new day: everybody is scored again, and what has left the window is dropped.

use klout_chassis::Clock;
use klout_model::{Day, WINDOW_DAYS};
use sqlx::PgPool;
use time::{Duration, OffsetDateTime, Time, UtcOffset};
use tokio::sync::Mutex;
use tracing::{debug, instrument};

use crate::{error::Error, store};

#[derive(Debug)]
pub(crate) struct Daily {
    db: PgPool,
    pub(crate) clock: Clock,
    /// The day that was gone over to. `None` at the start: nobody knows how long we were away.
    day: Mutex<Option<Day>>,
}

// === impl Daily ===

impl Daily {
    pub(crate) fn new(db: PgPool, clock: Clock) -> Self {
        Self { db, clock, day: Mutex::new(None) }
    }

    /// Looks whether it is another day.
    #[instrument(name = "daily", skip_all)]
    pub(crate) async fn step(&self) -> Result<bool, Error> {
        let now = self.clock.now();
        let today = Day::of(now);
        let mut day = self.day.lock().await;
        if *day == Some(today) {
            return Ok(false);
        }
        let (start, end) = bounds(now);
        let mut transaction =
            self.db.begin().await.map_err(Error::store("begin to go over to a new day"))?;
        // Waits for rescores that began as of the day before, and lets none begin meanwhile.
        store::standing::lock(&mut transaction).await.map_err(Error::store("wait for rescores"))?;
        store::dirty_person::mark_all(&mut *transaction, start, end)
            .await
            .map_err(Error::store("mark everybody dirty"))?;
        store::standing::renew_day(&mut transaction, today.number())
            .await
            .map_err(Error::store("note the day"))?;
        transaction.commit().await.map_err(Error::store("commit who is dirty"))?;
        store::evidence::drop_before(&self.db, today.minus(u16::from(WINDOW_DAYS) - 1))
            .await
            .map_err(Error::store("drop what has left the window"))?;
        debug!(day = %today.to_date(), "scoring as of another day");
        *day = Some(today);
        Ok(false)
    }
}

/// The beginning of the UTC day of `time`, and of the day after.
fn bounds(time: OffsetDateTime) -> (OffsetDateTime, OffsetDateTime) {
    let start = time.to_offset(UtcOffset::UTC).replace_time(Time::MIDNIGHT);
    (start, start.saturating_add(Duration::DAY))
}
