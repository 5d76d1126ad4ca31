//! Kills in an import, of a build that can be stopped where it is to be killed.

use std::{ffi::OsString, process::Command};

use anyhow::Result;

use crate::{
    install,
    job::{self, Interrupt},
    stores::PrivateStores,
    test::FAILPOINTS,
    workspace::Workspace,
};

/// Imports 200,000 signals while everything is killed, and compares what comes of it with an import in peace; or, with
/// --perks, kills perks and their Postgres under many who ask for what campaigns offer, and looks whether it adds up.
///
/// Not a part of `cargo xtask test`, which does the same with fewer signals and the same kills every time. The
/// build is a release in a folder of its own, target/kill: only there and in tests are there failpoints.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub struct Kill {
    /// Arguments such as --seed N; --help lists them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl Kill {
    pub(crate) fn run(self, workspace: &Workspace, interrupt: &Interrupt) -> Result<()> {
        install::postgres()?;
        install::redis()?;
        eprintln!("xtask: building; the first time takes some minutes");
        let build = ["build", "--profile", "kill", "--locked", "--features", FAILPOINTS];
        let packages = ["--package", "klout", "--package", "klout-flows"];
        job::run(workspace.cargo().args(build).args(packages), interrupt)?;

        // For the run in peace; the other one kills its own.
        let stores = PrivateStores::start(None, true, true)?;
        let mut kill = Command::new(workspace.target()?.join("kill/klout-kill"));
        kill.args(self.arguments);
        kill.env("DATABASE_URL", stores.postgres_url()?).env("REDIS_URL", stores.redis_url()?);
        job::run(&mut kill, interrupt)
    }
}
