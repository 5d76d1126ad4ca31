//! `klout person erase`: somebody leaves for good.

use klout_proto::{graph::v1::ErasePersonRequest, json::to_value};

use super::receipt;
use crate::{
    client::{Missing, Target, retried},
    exit::Failure,
    output,
    subject::{self, Subject},
};

/// Erases somebody for good: nobody sees anything of them once this has ended.
///
/// Everything that is kept of them is deleted within 24 hours, their reactions to others too, and the same signals are
/// not taken in again. Whoever joins with one of their accounts later is somebody new, without anything of what was
/// before. Prints a receipt; asked again with the number of the person, the same one as it has come along.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout person export bluesky:ann.example --out ann.json        before it is gone
  klout person erase bluesky:ann.example --note 'asked by mail'")]
pub(super) struct Erase {
    #[arg(help = subject::HELP)]
    subject: Subject,
    /// Why, at most 512 bytes; it stands in the ledger
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
    /// Prints the receipt as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl Erase ===

impl Erase {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { subject, note, json, target } = self;
        let receipt = target.ask(Missing::Refuse, async |client| {
            let person = subject.person(client).await?;
            let request = ErasePersonRequest { person, note };
            let erased = retried(|| {
                let (mut client, request) = (client.graph(), request.clone());
                async move { client.erase_person(request).await }
            });
            let erased = erased.await.map_err(Failure::naming(&[("note", "--note")]))?;
            erased.into_inner().receipt.ok_or(Failure::Failed("an empty answer".to_owned()))
        })?;
        if json {
            return output::line(&to_value(&receipt).to_string());
        }
        receipt::print(&receipt)
    }
}
