//! Who the stores run as.

use std::{os::unix::process::CommandExt as _, path::Path, process::Command};

use nix::unistd::User;

use crate::error::Error;

/// Who Postgres runs as when we are root, which it refuses to run as; the first that exists.
const UNPRIVILEGED_USERS: [&str; 2] = ["postgres", "nobody"];

/// The user that the stores run as, when it is not our own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unprivileged {
    pub(crate) name: &'static str,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

// === impl Unprivileged ===

impl Unprivileged {
    /// `None`: we are not root, and the stores run as we do.
    pub(crate) fn find() -> Result<Option<Self>, Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let found = UNPRIVILEGED_USERS.into_iter().find_map(|name| {
            let user = User::from_name(name).ok().flatten()?;
            Some(Self { name, uid: user.uid.as_raw(), gid: user.gid.as_raw() })
        });
        found.map(Some).ok_or(Error::NoUnprivilegedUser)
    }
}

/// A command that runs as `user`, in `folder`.
pub(crate) fn command(program: &Path, user: Option<&Unprivileged>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    if let Some(user) = user {
        command.uid(user.uid).gid(user.gid);
        // It is somebody else's environment.
        command.env_remove("HOME").env_remove("XDG_RUNTIME_DIR");
    }
    command
}

/// Whether `user` may enter `folder` and run `program` there: tried, because modes, lists of access and
/// mount options all have a say.
pub(crate) fn may_run(program: &Path, user: &Unprivileged, folder: &Path) -> bool {
    let mut command = command(program, Some(user), folder);
    command.arg("--version").stdout(std::process::Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
