//! A gateway that is killed while it takes a file of customers and looks it up.

use std::{fs, path::Path};

use super::is_stopped;
use crate::{Installation, up};

/// Points at which it can be stopped.
pub const POINTS: [&str; 5] = [
    "gateway.part.written",
    "gateway.part.committed",
    "gateway.rows.leased",
    "gateway.rows.written",
    "gateway.rows.committed",
];

/// Has the gateway stand still where it meets the point next.
///
/// # Panics
///
/// When there is no such folder.
pub fn arm(points: &Path, point: &str) {
    fs::write(points.join(point), "").expect("a file");
}

/// Waits until it does, kills it, and starts it again.
///
/// # Panics
///
/// When it never meets the point.
pub async fn kill_there(points: &Path, installation: &mut Installation, point: &str) {
    let armed = points.join(point);
    klout_testkit::until(point, async || !armed.exists()).await;
    let pid = installation.pid("gateway");
    up::until("the gateway stands still", || is_stopped(pid));
    installation.kill("gateway");
    installation.start("gateway");
}
