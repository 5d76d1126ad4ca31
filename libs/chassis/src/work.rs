//! Loops of services.

use std::time::Duration;

use tokio::{sync::Notify, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::Chain;

/// The longest pause after failures in a row.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Calls `step` until `stop` is cancelled: again at once while it finds something to do, else when
/// `wake` is notified or `idle` has passed. After an error it waits, longer each time, and goes on.
///
/// A step is not interrupted: stopping waits for the end of the one that runs.
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
        let pause_now = match step().await {
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
