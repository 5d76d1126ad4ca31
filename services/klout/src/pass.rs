//! `klout pass`: what guests show to prove a score.

use std::{fs, path::PathBuf};

use klout_proto::{
    convert,
    json::to_value,
    perk::v1::{GetPassKeysRequest, IssuePassRequest, PassClaims, VerifyPassRequest},
};
use prost_types::Duration;

use crate::{
    arguments,
    client::{Missing, Target},
    exit::Failure,
    output,
    printable::on_one_line,
    subject::{self, Subject},
};

/// Passes that prove a score for some minutes, without a look-up.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
From a guest's phone to a desk:
  klout pass issue bluesky:ann --qr pass.svg
  klout check-in decide palms S-1 --pass PASS --booked KING --upgrade SUITE

docs/check-in.md tells what a pass says, and how to verify one without us.")]
pub(crate) struct Passes {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Issue(Issue),
    Verify(Verify),
    Keys(Keys),
}

/// Makes a pass for somebody, and prints it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout pass issue bluesky:ann
  klout pass issue 42 --seconds 600 --qr pass.svg")]
struct Issue {
    #[arg(value_name = "PERSON", help = subject::HELP)]
    person: Subject,
    /// For how long it says something: 10 to 600
    #[arg(long, value_name = "N", default_value_t = 120, value_parser = clap::value_parser!(i64).range(10..=600))]
    seconds: i64,
    /// Writes it as a QR code too, as SVG
    #[arg(long, value_name = "FILE")]
    qr: Option<PathBuf>,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Tells what a pass says, if it is ours, has not expired, and its person has not left.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout pass verify eyJ0eXAiOiJKV1QiLCJhbGciOiJFZERTQSIsImtpZCI6...")]
struct Verify {
    /// What the guest shows
    #[arg(value_name = "PASS")]
    pass: String,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Prints the public keys, as a JSON Web Key Set, so that passes can be verified without us.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout pass keys > jwks.json")]
struct Keys {
    #[command(flatten)]
    target: Target,
}

// === impl Passes ===

impl Passes {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Issue(it) => it.run(),
            Command::Verify(it) => it.run(),
            Command::Keys(it) => it.run(),
        }
    }
}

// === impl Issue ===

impl Issue {
    fn run(self) -> Result<(), Failure> {
        let Self { person, seconds, qr, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let person = person.person(client).await?;
            let valid_duration = Some(Duration { seconds, nanos: 0 });
            let request = IssuePassRequest { person, valid_duration };
            Ok(client.desk().issue_pass(request).await?.into_inner())
        })?;
        if let Some(path) = qr {
            let written = fs::write(&path, &response.qr_svg);
            written.map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))?;
        }
        if json {
            return output::line(&to_value(&response).to_string());
        }
        eprintln!("klout: {}", describe(response.claims.as_ref()));
        output::line(&on_one_line(&response.pass))
    }
}

// === impl Verify ===

impl Verify {
    fn run(self) -> Result<(), Failure> {
        let Self { pass, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            Ok(client.desk().verify_pass(VerifyPassRequest { pass }).await?.into_inner())
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        output::line(&describe(response.claims.as_ref()))
    }
}

// === impl Keys ===

impl Keys {
    fn run(self) -> Result<(), Failure> {
        let response = self.target.ask(Missing::Refuse, async |client| {
            Ok(client.desk().get_pass_keys(GetPassKeysRequest {}).await?.into_inner())
        })?;
        output::line(&response.jwks)
    }
}

fn describe(claims: Option<&PassClaims>) -> String {
    let claims = claims.cloned().unwrap_or_default();
    let until = claims.expire_time.as_ref().and_then(convert::time).map(arguments::print_time);
    let until = until.unwrap_or_default();
    on_one_line(&format!(
        "person {} has a score of {:.1} ({}), until {until}",
        claims.person, claims.score, claims.bucket
    ))
}
