//! The `klout` binary: every service in one process or apart, and the command line.

mod arguments;
mod attack;
mod bars;
mod bench;
mod braille;
mod campaign;
mod chart;
mod check_in;
mod client;
mod command;
mod compare;
mod connect;
mod connections;
mod contest;
mod data_directory;
mod doctor;
mod exit;
mod experts;
mod explain;
mod export;
mod finding;
mod grant;
mod history;
mod import;
mod influence;
mod installation;
mod keys;
mod list_people;
mod lookup;
mod lookups;
mod model;
mod models;
mod moments;
mod names;
mod networks;
mod ontology_files;
mod output;
mod pass;
mod perks;
mod person;
mod plus_k;
mod printable;
mod property;
mod quantile;
mod rank;
mod rebuild;
mod rescore;
mod sample;
mod score;
mod screen;
mod serve;
mod settings;
mod simulate;
mod sources;
mod subject;
mod suppressions;
mod table;
mod tag;
mod topic;
mod up;
mod visible;
mod watch;
mod world;

use std::process::ExitCode;

use clap::Parser as _;

/// Parses, runs, and says how it ended.
#[must_use]
pub fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    if arguments.next_if(|first| first == klout_embedded::KEEP_STORES).is_some() {
        return klout_embedded::keep(arguments);
    }
    match command::Klout::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
