//! The commands, and what `--help` says of them.

use clap::{Parser, Subcommand};

use crate::{
    exit::Failure,
    export::Export,
    import::Import,
    keys::Keys,
    rank::Rank,
    score::{History, ShowScore},
    serve::{Migrate, Serve},
};

/// Measures people's influence across social networks, from 1 to 100.
#[derive(Debug, Parser)]
#[command(
    name = "klout",
    version,
    arg_required_else_help = true,
    subcommand_required = true,
    after_help = "\
Try it without a server:
  klout rank interactions.csv.gz --as-of 2018-06-01T00:00:00Z --out scores.csv

Run it on a Postgres of yours:
  DATABASE_URL=postgres://user@localhost/klout klout serve --dev
  klout import csv interactions.csv.gz --register-all
  klout score bluesky:ann
  klout export --top 10

Without --dev callers need a key (klout keys create). `klout up`, which brings its own stores, comes
with the next release. Each command explains itself: klout COMMAND --help.
Exit codes: 0 done, 1 failed, 2 usage, 64 configuration."
)]
pub(crate) struct Klout {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(Serve),
    Migrate(Migrate),
    Import(Import),
    Score(ShowScore),
    History(History),
    Export(Export),
    Rank(Rank),
    Keys(Keys),
}

impl Klout {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Serve(serve) => serve.run(),
            Command::Migrate(migrate) => migrate.run(),
            Command::Import(import) => import.run(),
            Command::Score(score) => score.run(),
            Command::History(history) => history.run(),
            Command::Export(export) => export.run(),
            Command::Rank(rank) => rank.run(),
            Command::Keys(keys) => keys.run(),
        }
    }
}
