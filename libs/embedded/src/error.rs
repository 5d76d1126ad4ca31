//! Why there is no store, in words for whoever has to do something about it.

use std::{io, path::PathBuf};

/// What stands in the way of a store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing of Postgres is installed.
    #[error(
        "Postgres (version 15 or later) is missing: `apt-get install postgresql`, or what this \
         machine's package manager calls it; or set DATABASE_URL to one that runs elsewhere"
    )]
    PostgresMissing,
    /// What is installed cannot open what is there.
    #[error(
        "the data in {folder} was written by Postgres {wanted}, and only version {found} is \
         installed: install postgresql-{wanted} beside it"
    )]
    PostgresVersion { folder: PathBuf, wanted: u32, found: u32 },
    /// What is installed is too old.
    #[error("Postgres {found} is too old: version 15 or later is needed")]
    PostgresTooOld { found: u32 },
    /// There is no room for a database.
    #[error(
        "the disk of {folder} has {free_mib} MiB left, and a database needs {needed_mib}: make room, \
         or name another folder"
    )]
    DiskFull { folder: PathBuf, free_mib: u64, needed_mib: u64 },
    /// Something of the file system.
    #[error("could not {action} {path}")]
    File {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A path that cannot stand in a URL or in a file of ours.
    #[error("{path} is not UTF-8, which the addresses of the stores have to be")]
    PathEncoding { path: PathBuf },
    /// Root, and nobody to run the stores as.
    #[error("Postgres refuses to run as root, and there is no user `postgres` or `nobody`")]
    NoUnprivilegedUser,
    /// A program could not even be started.
    #[error("could not run {program}")]
    Run {
        program: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A program ran and failed.
    #[error("{name} failed ({status}){said}")]
    Failed { name: &'static str, status: std::process::ExitStatus, said: String },
    /// A store did not answer in time.
    #[error("{name} did not answer within {seconds} s{said}")]
    Silent { name: &'static str, seconds: u64, said: String },
    /// The last keeper still stops its stores.
    #[error("the stores in {folder} are still being stopped by an earlier process; try again")]
    StillStopping { folder: PathBuf },
    /// The keeper said so.
    #[error("{0}")]
    Keeper(String),
    /// The keeper ended without a word.
    #[error("the process that keeps the stores ended by itself")]
    KeeperLost,
    /// The process that uses the stores has ended meanwhile.
    #[error("nobody needs the stores any more")]
    Unneeded,
}

// === impl Error ===

impl Error {
    /// For `map_err` on what was tried with a file.
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }
}
