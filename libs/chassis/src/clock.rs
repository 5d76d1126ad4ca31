//! What time it is.

use std::sync::{Arc, RwLock};

use time::{Duration, OffsetDateTime};

/// How much later than a running clock a signal may be: clocks of networks differ.
const GRACE: Duration = Duration::minutes(5);

/// The clock of the scores: it runs, or it stands still where somebody set it.
#[derive(Clone, Debug)]
pub struct Clock(Hands);

#[derive(Clone, Debug)]
enum Hands {
    Running,
    Pinned(Arc<RwLock<OffsetDateTime>>),
}

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
        Self(Hands::Pinned(Arc::new(RwLock::new(time))))
    }

    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "this is where time comes from")]
            Hands::Running => OffsetDateTime::now_utc(),
            Hands::Pinned(time) => *time.read().expect("nobody panics while setting a clock"),
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
        if let Hands::Pinned(hands) = &self.0 {
            *hands.write().expect("nobody panics while setting a clock") = time;
        }
    }
}
