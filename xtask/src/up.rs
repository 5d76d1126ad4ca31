//! Everything from a fresh clone: what is missing is installed, the binary built, the system started.

use std::{ffi::OsString, os::unix::process::CommandExt as _};

use anyhow::{Context as _, Result};

use crate::{
    install,
    job::{self, Interrupt},
    workspace::Workspace,
};

/// Installs what is missing, builds the release, and starts the whole system on this machine.
///
/// Installs Postgres and Redis by apt where there is apt, else says the line to type. What comes after
/// `up` goes to `klout up`, which explains itself: cargo xtask up --help.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub struct Up {
    /// Arguments of `klout up`, such as --sample.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl Up {
    pub(crate) fn run(self, workspace: &Workspace, interrupt: &Interrupt) -> Result<()> {
        install::postgres()?;
        install::redis()?;
        eprintln!("xtask: building the release; the first time takes some minutes");
        let build = ["build", "--release", "--package", "klout", "--locked"];
        job::run(workspace.cargo().args(build), interrupt)?;

        // In our place, so that Ctrl-C and `kill` are its own, and found by cargo, which knows where it
        // has put it.
        let mut up = workspace.cargo();
        up.args(["run", "--quiet", "--release", "--package", "klout", "--locked", "--", "up"]);
        Err(up.args(self.arguments).exec()).context("could not start klout")
    }
}
