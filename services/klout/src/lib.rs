//! The `klout` binary: every service in one process or apart, and the command line.

mod arguments;
mod command;
mod exit;
mod output;
mod rank;

use std::process::ExitCode;

use clap::Parser as _;

/// Parses, runs, and says how it ended.
#[must_use]
pub fn main() -> ExitCode {
    match command::Klout::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
