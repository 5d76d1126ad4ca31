//! `klout contest`: what people have to say against their scores, and what they are told.

use klout_proto::{
    convert,
    json::to_value,
    score::v1::{AnswerContestRequest, Contest, ContestScoreRequest, ListContestsRequest},
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    arguments,
    client::{Missing, Target, retried},
    exit::Failure,
    output, printable,
    subject::{self, Subject},
};

/// Opens, reads and answers what people have to say against their scores.
#[derive(Debug, clap::Args)]
pub(crate) struct Contests {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Open(Open),
    List(List),
    Answer(Answer),
}

/// Opens a case: why the score of somebody is wrong.
///
/// The explanation of this moment is kept with it, so that whoever answers sees what the person saw.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout contest open bluesky:ann.example --reason 'Those 400 likes were bought by somebody who wants me out.'")]
struct Open {
    #[arg(help = subject::HELP)]
    subject: Subject,
    /// Why the score is wrong: 1 to 4,000 characters
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The same id opens one case, however often it is given [default: a new one]
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Prints the response as JSON, with the explanation that is kept
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Prints cases, newest first.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout contest list --open
  klout contest list --person bluesky:ann.example --json")]
struct List {
    /// Only those of one person: an id, NETWORK:HANDLE, or NETWORK:id=NATIVE_ID
    #[arg(long, value_name = "WHOM")]
    person: Option<Subject>,
    /// Only those that nobody has answered
    #[arg(long)]
    open: bool,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=100))]
    top: u16,
    /// Prints the response as JSON, with the explanations that were kept
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Answers a case, for good.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Needs the operator's key, which a data directory has.

Examples:
  klout contest answer 7 --text 'Those reactions came from one machine.'
  klout contest answer 8 --text 'You are right, they count again.' --reverse 3 --reverse 4")]
struct Answer {
    /// The case, as `klout contest list` numbers it
    #[arg(value_name = "CASE")]
    contest: u64,
    /// What the person is told
    #[arg(long, value_name = "TEXT")]
    text: String,
    /// A finding that the case shows to be wrong, as `klout finding list` numbers it; may be repeated
    #[arg(long, value_name = "FINDING")]
    reverse: Vec<u64>,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl Contests ===

impl Contests {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Open(open) => open.run(),
            Command::List(list) => list.run(),
            Command::Answer(answer) => answer.run(),
        }
    }
}

// === impl Open ===

impl Open {
    fn run(self) -> Result<(), Failure> {
        let Self { subject, reason, request_id, json, target } = self;
        let request_id = request_id.unwrap_or_else(|| Uuid::new_v4().to_string());
        let response = target.ask(Missing::Refuse, async |client| {
            let person = subject.person(client).await?;
            let request = ContestScoreRequest { person, reason, request_id };
            let opened = retried(|| {
                let (mut client, request) = (client.scores(), request.clone());
                async move { client.contest_score(request).await }
            });
            let flags = [("reason", "--reason"), ("request_id", "--request-id")];
            Ok(opened.await.map_err(Failure::naming(&flags))?.into_inner())
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        response.contest.iter().try_for_each(print)
    }
}

// === impl List ===

impl List {
    fn run(self) -> Result<(), Failure> {
        let response = self.target.ask(Missing::Refuse, async |client| {
            let person = match self.person {
                Some(subject) => subject.person(client).await?,
                None => String::new(),
            };
            let (page_size, open_only) = (self.top.into(), self.open);
            let request =
                ListContestsRequest { person, page_size, open_only, ..Default::default() };
            Ok(client.scores().list_contests(request).await?.into_inner())
        })?;
        if self.json {
            return output::line(&to_value(&response).to_string());
        }
        if response.contests.is_empty() {
            eprintln!("klout: nobody has a case");
        }
        response.contests.iter().try_for_each(print)
    }
}

// === impl Answer ===

impl Answer {
    fn run(self) -> Result<(), Failure> {
        let request = AnswerContestRequest {
            contest: self.contest.to_string(),
            answer: self.text,
            reversed_findings: self.reverse.iter().map(ToString::to_string).collect(),
        };
        let response = self.target.ask(Missing::Refuse, async |client| {
            let response = client.score_operator().answer_contest(request).await;
            Ok(response.map_err(Failure::naming(&[("answer", "--text")]))?.into_inner())
        })?;
        if self.json {
            return output::line(&to_value(&response).to_string());
        }
        response.contest.iter().try_for_each(print)
    }
}

fn print(contest: &Contest) -> Result<(), Failure> {
    let Contest { contest: number, person, state, .. } = contest;
    let when = time(contest.open_time.as_ref().and_then(convert::time));
    output::line(&format!("{number}  {when}  person {person}  {state}"))?;
    output::line(&printable::indented("", &contest.reason))?;
    if contest.answer.is_empty() {
        return Ok(());
    }
    let when = time(contest.answer_time.as_ref().and_then(convert::time));
    output::line(&printable::indented(&format!("answered {when}: "), &contest.answer))?;
    if !contest.reversed_findings.is_empty() {
        let findings = contest.reversed_findings.join(", ");
        output::line(&format!("   reversed findings: {findings}"))?;
    }
    Ok(())
}

fn time(time: Option<OffsetDateTime>) -> String {
    time.map_or_else(|| "unknown".to_owned(), arguments::print_time)
}
