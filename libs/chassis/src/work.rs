//! Loops of services.

use std::{future::pending, time::Duration};

use futures::FutureExt as _;
use tokio::{
    sync::Notify,
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::Chain;

/// The longest pause after failures in a row.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// The longest that a step takes that does not say otherwise. It ends what waits for a connection that is
/// dead without a word; what is left is done by the next one.
const STEP_TIME_MAX: Duration = Duration::from_secs(120);

/// The same of a step that says that it may take long.
const LONG_STEP_TIME_MAX: Duration = Duration::from_secs(3_600);

/// When a loop does its step.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    idle: Duration,
    step_time_max: Duration,
}

// === impl Pace ===

impl Pace {
    /// For a step that may take long: up to an hour.
    #[must_use]
    pub const fn of_long_steps(idle: Duration) -> Self {
        Self { idle, step_time_max: LONG_STEP_TIME_MAX }
    }
}

impl From<Duration> for Pace {
    fn from(idle: Duration) -> Self {
        Self { idle, step_time_max: STEP_TIME_MAX }
    }
}

/// Calls `step` until `stop` is cancelled: again at once while it finds something to do, else when
/// `wake` is notified or its idle time has passed. After an error it waits, longer each time, whoever wakes it, and goes
/// on.
///
/// Stopping does not interrupt a step: it waits for the end of the one that runs.
pub async fn repeat<E, F>(
    name: &'static str,
    pace: impl Into<Pace>,
    wake: &Notify,
    stop: &CancellationToken,
    mut step: impl FnMut() -> F,
) where
    E: std::error::Error + 'static,
    F: Future<Output = Result<bool, E>>,
{
    let Pace { idle, step_time_max } = pace.into();
    let mut pause = idle;
    while !stop.is_cancelled() {
        let Ok(done) = timeout(step_time_max, step()).await else {
            warn!(task = name, "step took longer than {step_time_max:?}; it will be tried again");
            continue;
        };
        let woken = match done {
            Ok(true) => {
                pause = idle;
                continue;
            }
            Ok(false) => {
                pause = idle;
                wake.notified().left_future()
            }
            Err(error) => {
                warn!(task = name, error = %Chain(&error), "step failed; it will be tried again");
                pause = (pause * 2).min(PAUSE_MAX);
                // That there is more to do is no reason to hope for more: it is heard afterwards.
                pending().right_future()
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = woken => {}
            () = sleep(pause) => {}
        }
    }
}

/// Does `work`, and meanwhile calls `renew` each time that `every` has passed, so that a lease can be short
/// and the work long: when the process dies, others go on soon.
///
/// A lease that could not be renewed is no reason to stop: whoever takes it over does what does no harm when
/// it is done twice.
pub async fn renewing<T, E, F>(
    every: Duration,
    work: impl Future<Output = T>,
    mut renew: impl FnMut() -> F,
) -> T
where
    E: std::error::Error + 'static,
    F: Future<Output = Result<(), E>>,
{
    let mut times = interval(every);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let renewing = async {
        // The first one is now.
        times.tick().await;
        loop {
            times.tick().await;
            if let Err(error) = renew().await {
                debug!(error = %Chain(&error), "could not renew a lease");
            }
        }
    };
    tokio::select! {
        done = work => done,
        () = renewing => unreachable!("it goes on for ever"),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_step_that_fails_rests_ever_longer_whoever_wakes_it() {
        let (wake, stop) = (Notify::new(), CancellationToken::new());
        let (started, steps) = (Instant::now(), Cell::new(0));
        let step = || {
            steps.set(steps.get() + 1);
            wake.notify_one();
            if steps.get() == 5 {
                stop.cancel();
            }
            std::future::ready(Err::<bool, _>(std::fmt::Error))
        };
        repeat("test", Duration::from_secs(1), &wake, &stop, step).await;
        // 2 s, 4 s and twice the longest pause; after the last one it is stopped.
        assert_eq!((steps.get(), started.elapsed()), (5, Duration::from_secs(16)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_step_that_found_nothing_is_done_again_when_it_is_woken() {
        let (wake, stop) = (Notify::new(), CancellationToken::new());
        let (started, steps) = (Instant::now(), Cell::new(0));
        let step = || {
            steps.set(steps.get() + 1);
            if steps.get() == 5 {
                stop.cancel();
            }
            wake.notify_one();
            std::future::ready(Ok::<_, std::fmt::Error>(false))
        };
        repeat("test", Duration::from_secs(1), &wake, &stop, step).await;
        assert_eq!(started.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_is_renewed_until_the_work_is_done() {
        let mut renewed = 0;
        let work = async {
            sleep(Duration::from_secs(10)).await;
            "done"
        };
        let renew = || {
            renewed += 1;
            // That it cannot be once does not end it.
            std::future::ready(if renewed == 1 { Err(std::fmt::Error) } else { Ok(()) })
        };
        let done = renewing(Duration::from_secs(3), work, renew).await;
        assert_eq!((done, renewed), ("done", 3));
    }
}
