//! `klout contest`: what people have to say against their scores, and what they are told.

use klout_proto::{
    convert,
    json::to_value,
    score::v1::{AnswerContestRequest, Contest, ListContestsRequest},
};
use time::OffsetDateTime;

use crate::{
    arguments,
    client::{Missing, Target},
    exit::Failure,
    output,
    subject::Subject,
};

/// Reads and answers what people have to say against their scores.
#[derive(Debug, clap::Args)]
pub(crate) struct Contests {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(List),
    Answer(Answer),
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
    #[command(flatten)]
    target: Target,
}

// === impl Contests ===

impl Contests {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::List(list) => list.run(),
            Command::Answer(answer) => answer.run(),
        }
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
        let contest = self.target.ask(Missing::Refuse, async |client| {
            let response = client.score_operator().answer_contest(request).await?.into_inner();
            response.contest.ok_or_else(|| Failure::Failed("an empty answer".into()))
        })?;
        print(&contest)
    }
}

fn print(contest: &Contest) -> Result<(), Failure> {
    let Contest { contest: number, person, state, .. } = contest;
    let when = time(contest.open_time.as_ref().and_then(convert::time));
    output::line(&format!("{number}  {when}  person {person}  {state}"))?;
    output::line(&format!("   {}", contest.reason))?;
    if contest.answer.is_empty() {
        return Ok(());
    }
    let when = time(contest.answer_time.as_ref().and_then(convert::time));
    output::line(&format!("   answered {when}: {}", contest.answer))?;
    if !contest.reversed_findings.is_empty() {
        let findings = contest.reversed_findings.join(", ");
        output::line(&format!("   reversed findings: {findings}"))?;
    }
    Ok(())
}

fn time(time: Option<OffsetDateTime>) -> String {
    time.map_or_else(|| "unknown".to_owned(), arguments::print_time)
}
