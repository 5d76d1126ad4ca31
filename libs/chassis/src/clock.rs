//! What time it is.

use std::sync::{Arc, RwLock};

use time::{Duration, OffsetDateTime};
use tokio::sync::Notify;

/// How much later than a running clock a signal may be: clocks of networks differ.
const GRACE: Duration = Duration::minutes(5);

/// The clock of the scores: it runs, or it stands still where somebody set it.
#[derive(Clone, Debug)]
pub struct Clock(Hands);

#[derive(Clone, Debug)]
enum Hands {
    Running,
    Pinned(Arc<Pinned>),
}

#[derive(Debug)]
struct Pinned {
    time: RwLock<OffsetDateTime>,
    /// Rung when the time was set.
    moved: Notify,
}

/// What a clock that runs has to say about being moved.
static NEVER: Notify = Notify::const_new();

// === impl Clock ===

impl Clock {
    /// A clock that runs.
    #[must_use]
    pub const fn running() -> Self {
        Self(Hands::Running)
    }

    /// A clock that stands still at `time`. Its clones show the same time.
    #[must_use]
    pub fn pinned(time: OffsetDateTime) -> Self {
        Self(Hands::Pinned(Arc::new(Pinned { time: RwLock::new(time), moved: Notify::new() })))
    }

    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "this is where time comes from")]
            Hands::Running => OffsetDateTime::now_utc(),
            Hands::Pinned(pinned) => {
                *pinned.time.read().expect("nobody panics while setting a clock")
            }
        }
    }

    /// How much later than [`now`](Self::now) a signal may be: five minutes while the clock runs,
    /// nothing while it is pinned.
    #[must_use]
    pub const fn grace(&self) -> Duration {
        match self.0 {
            Hands::Running => GRACE,
            Hands::Pinned(_) => Duration::ZERO,
        }
    }

    /// Moves a pinned clock, and all its clones; a running one runs on.
    pub fn set(&self, time: OffsetDateTime) {
        if let Hands::Pinned(pinned) = &self.0 {
            *pinned.time.write().expect("nobody panics while setting a clock") = time;
            pinned.moved.notify_one();
        }
    }

    /// Rings when the clock was moved, for the one who goes over to a new day.
    #[must_use]
    pub fn moved(&self) -> &Notify {
        match &self.0 {
            Hands::Running => &NEVER,
            Hands::Pinned(pinned) => &pinned.moved,
        }
    }
}
