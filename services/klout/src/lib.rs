//! The `klout` binary: every service in one process or apart, and the command line.

mod arguments;
mod client;
mod command;
mod exit;
mod export;
mod import;
mod keys;
mod output;
mod rank;
mod score;
mod serve;
mod settings;
mod subject;

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
