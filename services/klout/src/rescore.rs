//! `klout rescore`: a pass over everybody.

use std::time::Duration;

use indicatif::ProgressBar;
use klout_proto::{
    json::to_value,
    score::v1::{GetRescoreRequest, Rescore as Pass, StartRescoreRequest},
};
use tokio::time::sleep;
use uuid::Uuid;

use crate::{
    client::{Client, Missing, Target, retried},
    exit::Failure,
    output,
    printable::printable,
};

/// How often it is asked how far the pass is.
const INTERVAL: Duration = Duration::from_millis(250);

/// How a pass ends.
const DONE: &str = "DONE";
const FAILED: &str = "FAILED";

/// Computes who is credible anew from all evidence, and scores everybody.
///
/// Passes come by themselves, at least daily; this asks for one now. While one goes on no other starts:
/// then this waits for the one that does.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout rescore                      waits until everybody is scored; exits with 1 if the pass fails
  klout rescore --no-wait --json     the number of the pass, to be asked for later")]
pub(crate) struct Rescore {
    /// Returns when the pass has begun
    #[arg(long)]
    no_wait: bool,
    /// Prints the pass as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl Rescore ===

impl Rescore {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let Self { no_wait, json, target } = self;
        let pass = target.ask(Missing::Refuse, async |client| {
            let pass = start(client).await?;
            if no_wait { Ok(pass) } else { until_over(client, pass).await }
        })?;
        if json {
            output::line(&to_value(&pass).to_string())?;
        } else {
            output::line(&if no_wait { begun(&pass) } else { describe(&pass) })?;
        }
        if pass.state == FAILED {
            return Err(Failure::Failed(format!("the pass failed: {}", printable(&pass.problem))));
        }
        Ok(())
    }
}

/// Starts a pass, once however often the call is repeated.
async fn start(client: &Client) -> Result<Pass, Failure> {
    let request = StartRescoreRequest { request_id: Uuid::new_v4().to_string() };
    let response = retried(|| {
        let (mut client, request) = (client.scores(), request.clone());
        async move { client.start_rescore(request).await }
    });
    let response = response.await?.into_inner();
    if response.already_running {
        eprintln!("klout: a pass goes on already; what came in after it began may be for the next");
    }
    response.rescore.ok_or_else(empty)
}

/// Waits for the end of a pass, and shows how far it is.
async fn until_over(client: &Client, mut pass: Pass) -> Result<Pass, Failure> {
    let bar = output::progress(Some(0), "{spinner} {msg} {wide_bar} {pos} of {len} people");
    while pass.state != DONE && pass.state != FAILED {
        show(&bar, &pass);
        sleep(INTERVAL).await;
        let request = GetRescoreRequest { rescore: pass.rescore.clone() };
        let response = retried(|| {
            let (mut client, request) = (client.scores(), request.clone());
            async move { client.get_rescore(request).await }
        });
        pass = response.await?.into_inner().rescore.ok_or_else(empty)?;
    }
    bar.finish_and_clear();
    Ok(pass)
}

fn show(bar: &ProgressBar, pass: &Pass) {
    bar.set_message(match pass.state.as_str() {
        "READING" => "reading evidence",
        "COMPUTING" => "computing who is credible",
        "PUBLISHING" => "publishing the epoch",
        "WRITING" => "scoring everybody",
        // Of a later version.
        _ => "going on",
    });
    bar.set_length(pass.people);
    bar.set_position(pass.people_done);
    bar.tick();
}

/// How far it is, and by which model, is known later.
fn begun(pass: &Pass) -> String {
    format!("pass {} has begun", pass.rescore)
}

fn describe(pass: &Pass) -> String {
    let Pass { rescore, state, epoch, model, people_done, people, .. } = pass;
    let resumed = match pass.resumptions {
        0 => String::new(),
        times => format!(", taken up again {times} times"),
    };
    format!(
        "pass {rescore}: {state}, epoch {epoch}, model {model}, {people_done} of {people} people{resumed}"
    )
}

fn empty() -> Failure {
    Failure::Failed("an empty answer".to_owned())
}
