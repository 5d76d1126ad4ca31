//! Two people who are one.

use klout_proto::graph::v1::MergePeopleRequest;

use super::print;
use crate::{
    client::{Missing, Target},
    exit::Failure,
    subject::{self, Subject},
};

/// Makes two people one, who keeps the accounts, contacts and +K of both.
///
/// There is no way back. The first one's id means the other from then on.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Needs the operator's key, which a data directory has.

Example:
  klout person merge bluesky:anna.example bluesky:ann.example")]
pub(super) struct Merge {
    #[arg(help = subject::HELP)]
    subject: Subject,
    /// Who stays: an id, NETWORK:HANDLE, or NETWORK:id=NATIVE_ID
    #[arg(value_name = "INTO")]
    into: Subject,
    /// Prints the person as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl Merge ===

impl Merge {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { subject, into, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let person = subject.person(client).await?;
            let into_person = into.person(client).await?;
            let request = MergePeopleRequest { person, into_person };
            Ok(client.graph().merge_people(request).await?.into_inner())
        })?;
        print(response.person, json)
    }
}
