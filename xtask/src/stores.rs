//! A Postgres and a Redis of our own for tests and tools, stopped when they are dropped.

use std::{path::PathBuf, process::Command};

use anyhow::{Context as _, Result};
use klout_embedded::{Home, Needs, Note, Stores, postgres_programs};
use tempfile::TempDir;

/// Stores that run until they are dropped.
#[derive(Debug)]
pub(crate) struct PrivateStores {
    stores: Stores,
    /// Removed when dropped, after the stores were stopped.
    _temporary: Option<TempDir>,
}

// === impl PrivateStores ===

impl PrivateStores {
    /// Starts what is needed in `folder`; without one, what is written is thrown away.
    pub(crate) fn start(folder: Option<PathBuf>, postgres: bool, redis: bool) -> Result<Self> {
        let throwaway = folder.is_none();
        let temporary =
            throwaway.then(|| tempfile::Builder::new().prefix("klout-stores-").tempdir());
        let temporary = temporary.transpose()?;
        let folder = folder.or_else(|| Some(temporary.as_ref()?.path().to_owned()));
        let home = Home::open(&folder.context("there is a folder either way")?)?;
        let keeper = Command::new(std::env::current_exe()?);
        let needs = Needs { postgres, redis, throwaway };
        let stores = Stores::start(&home, needs, keeper, |Note(text)| eprintln!("xtask: {text}"))?;
        Ok(Self { stores, _temporary: temporary })
    }

    pub(crate) fn postgres_url(&self) -> Result<&str> {
        self.stores.postgres_url().context("Postgres was not asked for")
    }

    pub(crate) fn redis_url(&self) -> Result<&str> {
        self.stores.redis_url().context("Redis was not asked for")
    }

    /// Says what happened to the stores meanwhile, and fails when they are gone.
    pub(crate) fn still_run(&mut self) -> Result<()> {
        for Note(text) in self.stores.happened()? {
            eprintln!("xtask: {text}");
        }
        Ok(())
    }

    /// Postgres' `psql`, stopping at the first error.
    pub(crate) fn psql(&self) -> Result<Command> {
        let programs = postgres_programs();
        let program = programs.first().map(|programs| programs.folder.join("psql"));
        let mut psql = Command::new(program.filter(|it| it.exists()).unwrap_or("psql".into()));
        psql.args(["--quiet", "--no-psqlrc", "-v", "ON_ERROR_STOP=1", self.postgres_url()?]);
        Ok(psql)
    }
}
