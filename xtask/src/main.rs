//! `cargo xtask`: everything there is to remember, and `--help` explains it.

use std::process::ExitCode;

use clap::Parser as _;
use xtask::Command;

fn main() -> ExitCode {
    match Command::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
