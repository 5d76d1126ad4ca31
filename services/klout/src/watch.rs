//! `klout watch`: scores as they change.

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use klout_chassis::Signals;
use klout_proto::{
    json::to_value,
    score::v1::{WatchScoresRequest, WatchScoresResponse},
};
use tokio::time::{sleep, timeout};
use tonic::Status;

use crate::{
    client::{Client, Missing, Target, may_recover},
    exit::Failure,
    output,
    printable::printable,
    score::{number, signed, time},
    subject::{self, Subject},
};

/// A server says something every 15 s: one that is silent for so long is gone.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// The pauses before connecting again: the first one, and the longest.
const PAUSE_MIN: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(8);

/// Prints scores whenever they change, until it is interrupted.
///
/// First come the scores of now, or with --resume those that changed since. After a break of the connection it goes on
/// where it was: nothing is missed, and something may be printed twice. At its end it prints on stderr where to go on.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout watch bluesky:ann.example bluesky:ben.example
  klout watch 42 --resume TOKEN --json")]
pub(crate) struct Watch {
    #[arg(help = subject::HELP, value_name = "SUBJECT", required = true, num_args = 1..=1000)]
    subjects: Vec<Subject>,
    /// Goes on where an earlier watch ended, which printed the token
    #[arg(long, value_name = "TOKEN", default_value = "", hide_default_value = true)]
    resume: String,
    /// Prints each change as JSON, on a line of its own
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Whom it is about, as typed, by person.
type Typed = BTreeMap<String, String>;

/// How it goes on after a stream.
enum End {
    /// Nobody reads on.
    Unread,
    /// The connection broke, or the server stops.
    Broken(String),
}

// === impl Watch ===

impl Watch {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let Self { subjects, resume, json, target } = self;
        // Whatever ends the command, the last token is printed.
        let token = Mutex::new(resume.clone());
        let ended = target.ask(Missing::Refuse, async |client| {
            let mut signals = Signals::listen();
            let watching = async {
                let mut typed = Typed::new();
                for subject in subjects {
                    let name = subject.to_string();
                    typed.insert(subject.person(client).await?, name);
                }
                watch(client, &typed, &token, json).await
            };
            tokio::select! {
                ended = watching => ended,
                () = signals.next() => Ok(()),
            }
        });
        let token = token.into_inner().unwrap_or_else(PoisonError::into_inner);
        // One that was refused is no place to go on.
        if !token.is_empty() && (ended.is_ok() || token != resume) {
            eprintln!("klout: go on with --resume {}", printable(&token));
        }
        ended
    }
}

/// Watches until nobody reads on or the server refuses, over one stream after another.
async fn watch(
    client: &Client,
    typed: &Typed,
    token: &Mutex<String>,
    json: bool,
) -> Result<(), Failure> {
    let mut pause = PAUSE_MIN;
    loop {
        let mut heard = false;
        let end = stream(client, typed, token, json, &mut heard).await?;
        let End::Broken(problem) = end else { return Ok(()) };
        if heard {
            pause = PAUSE_MIN;
        }
        eprintln!("klout: {problem}; connecting again in {:.1} s", pause.as_secs_f64());
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// One stream to its end.
async fn stream(
    client: &Client,
    typed: &Typed,
    token: &Mutex<String>,
    json: bool,
    heard: &mut bool,
) -> Result<End, Failure> {
    let last = || token.lock().unwrap_or_else(PoisonError::into_inner);
    let request = WatchScoresRequest {
        people: typed.keys().cloned().collect(),
        resume_token: last().clone(),
    };
    let mut answers = match client.scores().watch_scores(request).await {
        Ok(answers) => answers.into_inner(),
        Err(status) => return broken(&status),
    };
    loop {
        let answer = match timeout(SILENCE_MAX, answers.message()).await {
            Ok(Ok(Some(answer))) => answer,
            Ok(Ok(None)) => return Ok(End::Broken("the server ended the watch".to_owned())),
            Ok(Err(status)) => return broken(&status),
            Err(_) => return Ok(End::Broken("the server is silent".to_owned())),
        };
        *heard = true;
        let line = if json { as_json(&answer) } else { describe(&answer, typed) };
        if let Some(line) = line
            && let Err(error) = writeln!(io::stdout().lock(), "{line}")
        {
            let unread = error.kind() == io::ErrorKind::BrokenPipe;
            return if unread { Ok(End::Unread) } else { Err(output::failed(error)) };
        }
        // Only now: what was not printed is sent again.
        *last() = answer.resume_token;
    }
}

/// Whether to connect again after what the server said.
fn broken(status: &Status) -> Result<End, Failure> {
    if may_recover(status) {
        return Ok(End::Broken(printable(status.message())));
    }
    Err(Failure::naming(&[("resume_token", "--resume")])(status.clone()))
}

fn as_json(answer: &WatchScoresResponse) -> Option<String> {
    let changed = answer.score.is_some() || !answer.gone_person.is_empty();
    changed.then(|| to_value(answer).to_string())
}

/// A line for a change; `None` for an answer that only says where to go on.
fn describe(answer: &WatchScoresResponse, typed: &Typed) -> Option<String> {
    let length = typed.values().map(|name| name.chars().count()).max().unwrap_or_default();
    let name = |person: &str| {
        let name = typed.get(person).map_or(person, String::as_str);
        format!("{name:<length$}")
    };
    let Some(score) = &answer.score else {
        let gone = &answer.gone_person;
        return (!gone.is_empty()).then(|| format!("{}  is gone", name(gone)));
    };
    Some(format!(
        "{name}  {points:>6}  {change:>6}  {time}  {model}",
        name = name(&score.person),
        points = number(score.score, 2),
        change = signed(score.day_change),
        time = time(score),
        model = score.model,
    ))
}

#[cfg(test)]
mod tests {
    use klout_proto::{convert::state::KNOWN, score::v1::Score};

    use super::*;

    #[test]
    fn a_change_is_a_line_and_a_token_alone_is_none() {
        let typed: Typed = [("42", "bluesky:ann"), ("7", "7")]
            .map(|(person, name)| (person.to_owned(), name.to_owned()))
            .into();
        let score = Score {
            person: "42".to_owned(),
            state: KNOWN.to_owned(),
            score: Some(43.5),
            day_change: Some(1.0),
            score_time: Some(prost_types::Timestamp { seconds: 1_793_491_200, nanos: 0 }),
            model: "klout-2027-01".to_owned(),
            ..Score::default()
        };
        let changed = WatchScoresResponse { score: Some(score), ..Default::default() };
        assert_eq!(
            describe(&changed, &typed).as_deref(),
            Some("bluesky:ann   43.50   +1.00  2026-11-01T00:00:00Z  klout-2027-01")
        );
        let gone = WatchScoresResponse { gone_person: "7".to_owned(), ..Default::default() };
        assert_eq!(describe(&gone, &typed).as_deref(), Some("7            is gone"));
        let token = WatchScoresResponse { resume_token: "t".to_owned(), ..Default::default() };
        assert_eq!((describe(&token, &typed), as_json(&token)), (None, None));
    }
}
