//! Deletes ties that are over.

use std::{sync::Mutex, time::Duration};

use klout_chassis::Clock;
use klout_model::{Day, WINDOW_DAYS};
use sqlx::PgPool;
use tracing::instrument;

use crate::{batch::TieKey, error::Error, store};

/// How often it is looked whether another day has come, or somebody wrote edges.
pub(crate) const INTERVAL: Duration = Duration::from_secs(60);

/// Ties that one statement looks at: some ten milliseconds of work.
const TIES_MAX: i64 = 10_000;

/// Before all ties.
const START: TieKey = TieKey { subject: i64::MIN, actor: i64::MIN };

/// Walks over all ties once a day, and once after each start.
#[derive(Debug)]
pub(crate) struct Sweeper {
    db: PgPool,
    clock: Clock,
    walk: Mutex<Walk>,
}

/// How far a walk has come.
#[derive(Clone, Copy, Debug)]
struct Walk {
    after: TieKey,
    /// The day on which all was looked at.
    done: Option<Day>,
}

// === impl Sweeper ===

impl Sweeper {
    pub(crate) fn new(db: PgPool, clock: Clock) -> Self {
        Self { db, clock, walk: Mutex::new(Walk { after: START, done: None }) }
    }

    /// Looks at some ties. Returns whether there are more today.
    #[instrument(name = "sweep", skip_all)]
    pub(crate) async fn step(&self) -> Result<bool, Error> {
        let edges = store::tie::empty_edges(&self.db, TIES_MAX).await;
        if edges.map_err(Error::store("empty edges"))? {
            return Ok(true);
        }
        let today = Day::of(self.clock.now());
        let Walk { after, done } = self.walk();
        if done == Some(today) {
            return Ok(false);
        }
        let swept = store::tie::sweep(&self.db, after, TIES_MAX, first_day(today)).await;
        let (last, _) = swept.map_err(Error::store("delete old ties"))?;
        let walked = match last {
            Some(after) => Walk { after, done },
            None => Walk { after: START, done: Some(today) },
        };
        *self.walk.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = walked;
        Ok(last.is_some())
    }

    fn walk(&self) -> Walk {
        *self.walk.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The first day of the window: ties without a reaction since are over.
pub(crate) fn first_day(today: Day) -> i32 {
    today.minus(u16::from(WINDOW_DAYS) - 1).number()
}
