//! `klout person export`: everything that is held about somebody.

use std::{io::Write as _, path::PathBuf};

use klout_proto::graph::v1::ExportPersonRequest;

use crate::{
    client::{Missing, Target},
    exit::Failure,
    output::ResultFile,
    subject::{self, Subject},
};

/// Writes everything that all services hold about somebody, as one JSON document.
///
/// A service that does not answer ends it with an error, and nothing is written.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout person export bluesky:ann.example --out ann.json
  klout person export bluesky:ann.example | jq '.services | keys'")]
pub(super) struct Export {
    #[arg(help = subject::HELP)]
    subject: Subject,
    /// The file to write; - is stdout
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    #[command(flatten)]
    target: Target,
}

// === impl Export ===

impl Export {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { subject, out, target } = self;
        let mut file = ResultFile::create(&out)?;
        let file = target.ask(Missing::Refuse, async |client| {
            let person = subject.person(client).await?;
            let request = ExportPersonRequest { person };
            let mut pieces = client.graph().export_person(request).await?.into_inner();
            while let Some(piece) = pieces.message().await? {
                file.write_all(&piece.piece).map_err(|error| file.failed(&error))?;
            }
            Ok(file)
        })?;
        file.keep()
    }
}
