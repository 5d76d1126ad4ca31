//! The commands of whoever works on this repository. Nothing here is part of the product.
//!
//! A library with a thin binary, so that `tests/structure` compares generated documents with what
//! [`docs`] writes today.

pub mod docs;

mod contract;
mod db;
mod fuzz;
mod install;
mod job;
mod kill;
mod peers;
mod recordings;
mod running;
mod stores;
mod test;
mod up;
mod validate;
mod workspace;

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;

use crate::{job::Interrupt, workspace::Workspace};

/// The system itself, tests, how good the score is, private stores, checked SQL and generated documents.
///
/// Nothing has to be running first: commands that need Postgres or Redis start private ones and
/// stop them again.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub enum Command {
    Up(up::Up),
    Test(test::Test),
    Stores(Stores),
    #[command(subcommand)]
    Db(db::Db),
    Docs(Docs),
    Contract(contract::Contract),
    Fuzz(fuzz::Fuzz),
    Kill(kill::Kill),
    Peers(peers::Peers),
    Recordings(recordings::Recordings),
    Validate(validate::Validate),
}

/// Starts a private Postgres and Redis and waits for Ctrl-C, which stops both.
///
/// Prints two lines for a shell on stdout. Both listen on Unix sockets that only this user may
/// enter. Redis is a cache here and keeps nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  cargo xtask stores > /tmp/stores.env &    then    source /tmp/stores.env")]
pub struct Stores {
    /// Keeps Postgres' data in this folder, written durably. Without it the data is thrown away.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// Writes docs/config.md from every config.default.toml.
///
/// tests/structure fails when docs/config.md is not what this writes.
#[derive(Debug, clap::Args)]
pub struct Docs {
    /// Writes nothing, and fails when docs/config.md is not current.
    #[arg(long)]
    check: bool,
}

// === impl Command ===

impl Command {
    /// # Errors
    ///
    /// Whatever did not work, in words for the person at the terminal.
    pub fn run(self) -> Result<()> {
        let interrupt = Interrupt::listen()?;
        let workspace = Workspace::find()?;
        match self {
            Self::Up(up) => up.run(&workspace, &interrupt),
            Self::Test(test) => test.run(&workspace, &interrupt),
            Self::Stores(stores) => stores.run(&interrupt),
            Self::Db(db) => db.run(&workspace, &interrupt),
            Self::Docs(docs) => docs.run(&workspace),
            Self::Contract(contract) => contract.run(&workspace, &interrupt),
            Self::Fuzz(fuzz) => fuzz.run(&workspace, &interrupt),
            Self::Kill(kill) => kill.run(&workspace, &interrupt),
            Self::Peers(peers) => peers.run(&workspace, &interrupt),
            Self::Recordings(recordings) => recordings.run(),
            Self::Validate(validate) => validate.run(&workspace, &interrupt),
        }
    }
}

// === impl Stores ===

impl Stores {
    fn run(self, interrupt: &Interrupt) -> Result<()> {
        install::postgres()?;
        install::redis()?;

        let mut stores = stores::PrivateStores::start(self.data_dir, true, true)?;

        say(&format!("export DATABASE_URL='{}'", stores.postgres_url()?));
        say(&format!("export REDIS_URL='{}'", stores.redis_url()?));
        eprintln!("xtask: Postgres and Redis run; Ctrl-C stops both");
        while !interrupt.came() {
            stores.still_run()?;
            job::pause();
        }
        eprintln!("xtask: stopping");
        Ok(())
    }
}

// === impl Docs ===

impl Docs {
    fn run(self, workspace: &Workspace) -> Result<()> {
        let path = workspace.root().join("docs/config.md");
        let text = docs::config(workspace.root())?;
        if self.check {
            let current = std::fs::read_to_string(&path).is_ok_and(|found| found == text);
            anyhow::ensure!(current, "docs/config.md is not current: run `cargo xtask docs`");
            return Ok(());
        }
        std::fs::write(&path, text)?;
        eprintln!("xtask: wrote docs/config.md");
        Ok(())
    }
}

#[expect(clippy::print_stdout, reason = "results go to stdout, everything else to stderr")]
fn say(line: &str) {
    println!("{line}");
}
