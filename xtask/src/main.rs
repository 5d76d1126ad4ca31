//! `cargo xtask`: everything there is to remember, and `--help` explains it.

use std::process::ExitCode;

use clap::Parser as _;
use xtask::Command;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    if arguments.next_if(|first| first == klout_embedded::KEEP_STORES).is_some() {
        return klout_embedded::keep(arguments);
    }
    match Command::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
