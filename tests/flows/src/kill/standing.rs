//! A service that is killed where it stands.

use std::{fs, path::Path};

use super::{is_stopped, plan};
use crate::{Installation, up};

/// Has whoever meets the point next stand still there.
///
/// # Panics
///
/// When there is no such folder.
pub fn arm(points: &Path, point: &str) {
    fs::write(points.join(point), "").expect("a file");
}

/// Waits until somebody does, kills the service, and starts it again.
///
/// # Panics
///
/// When nobody ever meets the point.
pub async fn kill_there(points: &Path, installation: &mut Installation, point: &str) {
    let armed = points.join(point);
    klout_testkit::until(point, async || !armed.exists()).await;
    let service = plan::service(point);
    let pid = installation.pid(service);
    up::until("the process stands still", || is_stopped(pid));
    installation.kill(service);
    installation.start(service);
}
