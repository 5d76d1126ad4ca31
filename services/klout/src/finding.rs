//! `klout finding`: accounts whose reactions are no honest signals.

use klout_proto::{
    convert,
    graph::v1::{AccountName, account_name::Name},
    json::to_value,
    score::v1::{
        Finding, ListFindingsRequest, RecordFindingRequest, RecordFindingResponse,
        ReverseFindingRequest,
    },
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    arguments,
    client::{Missing, Target, retried},
    exit::Failure,
    output, printable,
    subject::Subject,
};

/// Records, reverses and lists accounts whose reactions do not count.
#[derive(Debug, clap::Args)]
pub(crate) struct Findings {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Record(Record),
    Reverse(Reverse),
    List(List),
}

/// Records that the reactions of an account are no honest signals.
///
/// From now on they count for nobody, or not for one person. They are kept: `klout finding reverse` lets
/// them count again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Needs the operator's key, which a data directory has.

Examples:
  klout finding record bluesky:id=did:plc:bot --reason 'one of 400 accounts of one machine'
  klout finding record bluesky:id=did:plc:bot --person 42 --reason 'paid by this person'")]
struct Record {
    /// The account, by the id that its network gave it: handles change hands
    #[arg(value_name = "NETWORK:id=NATIVE_ID")]
    account: Subject,
    /// Only what it did to this person: an id, NETWORK:HANDLE, or NETWORK:id=NATIVE_ID
    #[arg(long, value_name = "WHOM")]
    person: Option<Subject>,
    /// Why, for whoever reviews it
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Lets the reactions of an account count again, as if nothing had been found.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Needs the operator's key, which a data directory has.

Example:
  klout finding reverse 3")]
struct Reverse {
    /// The finding, as `klout finding list` numbers it
    finding: u64,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Prints findings, newest first, reversed ones too.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Needs the operator's key, which a data directory has.

Example:
  klout finding list --json")]
struct List {
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    top: u16,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl Findings ===

impl Findings {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Record(record) => record.run(),
            Command::Reverse(reverse) => reverse.run(),
            Command::List(list) => list.run(),
        }
    }
}

// === impl Record ===

impl Record {
    fn run(self) -> Result<(), Failure> {
        let Subject::Account(AccountName { network, name: Some(Name::NativeId(native_id)) }) =
            self.account
        else {
            let problem = "an account is named by its id here: NETWORK:id=NATIVE_ID";
            return Err(Failure::Usage(problem.to_owned()));
        };
        let (reason, request_id) = (self.reason, Uuid::new_v4().to_string());
        let response: RecordFindingResponse = self.target.ask(Missing::Refuse, async |client| {
            let person = match self.person {
                Some(subject) => subject.person(client).await?,
                None => String::new(),
            };
            let request = RecordFindingRequest { network, native_id, person, reason, request_id };
            let recorded = retried(|| {
                let (mut client, request) = (client.score_operator(), request.clone());
                async move { client.record_finding(request).await }
            });
            let flags = [("reason", "--reason")];
            Ok(recorded.await.map_err(Failure::naming(&flags))?.into_inner())
        })?;
        if self.json {
            return output::line(&to_value(&response).to_string());
        }
        response.finding.iter().try_for_each(print)
    }
}

// === impl Reverse ===

impl Reverse {
    fn run(self) -> Result<(), Failure> {
        let request = ReverseFindingRequest { finding: self.finding.to_string() };
        let response = self.target.ask(Missing::Refuse, async |client| {
            Ok(client.score_operator().reverse_finding(request).await?.into_inner())
        })?;
        if self.json {
            return output::line(&to_value(&response).to_string());
        }
        response.finding.iter().try_for_each(print)
    }
}

// === impl List ===

impl List {
    fn run(self) -> Result<(), Failure> {
        let request = ListFindingsRequest { page_size: self.top.into(), ..Default::default() };
        let response = self.target.ask(Missing::Refuse, async |client| {
            Ok(client.score_operator().list_findings(request).await?.into_inner())
        })?;
        if self.json {
            return output::line(&to_value(&response).to_string());
        }
        if response.findings.is_empty() {
            eprintln!("klout: no findings");
        }
        response.findings.iter().try_for_each(print)
    }
}

fn print(finding: &Finding) -> Result<(), Failure> {
    let Finding { finding: number, network, person, reason, .. } = finding;
    let about = if person.is_empty() { "anybody".to_owned() } else { format!("person {person}") };
    let when = time(finding.record_time.as_ref().and_then(convert::time));
    let reversed = match &finding.reverse_time {
        Some(reversed) => format!("reversed {}", time(convert::time(reversed))),
        None => "stands".to_owned(),
    };
    output::line(&format!("{number}  {when}  {network}  about {about}  {reversed}"))?;
    output::line(&printable::indented("", reason))
}

fn time(time: Option<OffsetDateTime>) -> String {
    time.map_or_else(|| "unknown".to_owned(), arguments::print_time)
}
