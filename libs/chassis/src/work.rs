//! Loops of services.

use std::time::Duration;

use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::Chain;

/// The longest pause after failures in a row.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// The longest that a step may take. It ends what waits for a connection that is dead without a word; what
/// is left is done by the next one.
const STEP_TIME_MAX: Duration = Duration::from_secs(600);

/// Calls `step` until `stop` is cancelled: again at once while it finds something to do, else when
/// `wake` is notified or `idle` has passed. After an error it waits, longer each time, and goes on.
///
/// Stopping does not interrupt a step: it waits for the end of the one that runs.
pub async fn repeat<E, F>(
    name: &'static str,
    idle: Duration,
    wake: &Notify,
    stop: &CancellationToken,
    mut step: impl FnMut() -> F,
) where
    E: std::error::Error + 'static,
    F: Future<Output = Result<bool, E>>,
{
    let mut pause = idle;
    while !stop.is_cancelled() {
        let Ok(done) = timeout(STEP_TIME_MAX, step()).await else {
            warn!(task = name, "step took longer than {STEP_TIME_MAX:?}; it will be tried again");
            continue;
        };
        let pause_now = match done {
            Ok(true) => {
                pause = idle;
                continue;
            }
            Ok(false) => {
                pause = idle;
                idle
            }
            Err(error) => {
                warn!(task = name, error = %Chain(&error), "step failed; it will be tried again");
                pause = (pause * 2).min(PAUSE_MAX);
                pause
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = wake.notified() => {}
            () = sleep(pause_now) => {}
        }
    }
}
