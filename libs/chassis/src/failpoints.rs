//! Places where tests stop a process, to kill it or what it stands on exactly there.
//!
//! A test names a folder in the environment and makes a file in it that is called like a point: whoever
//! meets the point next removes the file, and its process stands still as by SIGSTOP, with everything that
//! it holds, until the test sends SIGKILL or SIGCONT. A switch is a file as well, and stays.
//!
//! Only with the feature `failpoints`, which `cargo xtask test` and `cargo xtask kill` build with and nothing
//! else: see docs/adr/0007-failpoints-are-a-feature.md.

use std::{fs, path::PathBuf, sync::OnceLock};

use figment::providers::Env;
use signal_hook::{consts::SIGSTOP, low_level::raise};

/// Names the folder.
const VARIABLE: &str = "KLOUT_FAILPOINTS";

/// Stands still if the point is armed.
///
/// # Panics
///
/// When the process cannot be stopped.
pub fn meet(point: &str) {
    // Of several threads that meet it at once, one removes the file.
    let armed = folder().is_some_and(|folder| fs::remove_file(folder.join(point)).is_ok());
    if armed {
        // Sent to this thread, which therefore does not get any further; the others follow it.
        raise(SIGSTOP).expect("a process may stop itself");
    }
}

/// Whether a test has switched that on.
#[must_use]
pub fn switched_on(switch: &str) -> bool {
    folder().is_some_and(|folder| folder.join(switch).exists())
}

fn folder() -> Option<&'static PathBuf> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let named = || Env::raw().only(&[VARIABLE]).iter().next().map(|(_, folder)| folder.into());
    FOLDER.get_or_init(named).as_ref()
}
