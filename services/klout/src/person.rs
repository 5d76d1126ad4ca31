//! `klout person`: people, and what they decide.

mod consent;
mod erase;
mod export;
mod receipt;

use crate::exit::Failure;

/// Says and changes who people are, to what they consent, and what is held about them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout person consent bluesky:ann.example
  klout person opt-out bluesky:ann.example --note 'asked by mail'
  klout person export bluesky:ann.example --out ann.json
  klout person erase bluesky:ann.example")]
pub(crate) struct People {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Consent(consent::Consents),
    #[command(name = "opt-out")]
    OptOut(consent::OptOut),
    #[command(name = "opt-in")]
    OptIn(consent::OptIn),
    Erase(erase::Erase),
    Receipt(receipt::ShowReceipt),
    Export(export::Export),
}

// === impl People ===

impl People {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Consent(consent) => consent.run(),
            Command::OptOut(out) => out.run(),
            Command::OptIn(back) => back.run(),
            Command::Erase(erase) => erase.run(),
            Command::Receipt(receipt) => receipt.run(),
            Command::Export(export) => export.run(),
        }
    }
}
