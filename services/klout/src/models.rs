//! `klout model`: which model makes scores, and what another one would make of them.

use std::{fs, path::PathBuf};

use klout_chassis::Clock;
use klout_proto::{
    convert,
    graph::v1::BatchGetPeopleRequest,
    json::to_value,
    score::v1::{
        AnnounceModelRequest, CompareModelsRequest, ListModelsRequest, ListModelsResponse, Model,
        ShadowModelRequest, WithdrawModelRequest,
    },
};
use time::OffsetDateTime;

use crate::{
    arguments,
    client::{Client, Missing, Target},
    compare::{self, Comparison, Report, Scores},
    exit::Failure,
    names::Names,
    output,
};

/// Lists the models that make scores, and goes from one to another.
///
/// A model is a file of numbers with a name. It is first tried in shadow: each pass scores everybody by
/// it too, and nobody is told. Then it is compared with the serving one, and announced for a time; the
/// first pass after that goes over to it. What was scored before stays as it was.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
From one model to another:
  klout model list --json                                 the numbers of the serving one, to start from
  klout model shadow own.toml
  klout rescore                                           a pass, which scores by both
  klout model compare own --out report.html
  klout model announce own --at 2026-12-24T00:00:00Z

docs/models.md tells the whole of it.")]
pub(crate) struct Models {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(List),
    Shadow(Shadow),
    Announce(Announce),
    Withdraw(Withdraw),
    Compare(Compare),
}

/// Lists every model with its state, the serving one first.
#[derive(Debug, clap::Args)]
struct List {
    /// Prints the response as JSON, with all numbers
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Takes a model in, in shadow.
///
/// The next pass scores everybody by it too. The same model again changes nothing, and one that
/// served before comes back. At most four are in shadow.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout model shadow own.toml

Try it on files of your own first: klout rank FILE --model own.toml")]
struct Shadow {
    /// The model file, as docs/scoring.md describes it
    file: PathBuf,
    #[command(flatten)]
    target: Target,
}

/// Announces that a model in shadow serves from a time on.
///
/// The first pass after that time goes over to it. Until then it can be announced again for another
/// time, or withdrawn.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout model announce own --at 2026-12-24T00:00:00Z")]
struct Announce {
    /// The model's name
    name: String,
    /// From when on, by the clock of the scores
    #[arg(long, value_name = "TIME", value_parser = arguments::time)]
    at: OffsetDateTime,
    #[command(flatten)]
    target: Target,
}

/// Takes a model in shadow away, announced or not, with its scores.
#[derive(Debug, clap::Args)]
struct Withdraw {
    /// The model's name
    name: String,
    #[command(flatten)]
    target: Target,
}

/// Tells how a model in shadow differs from the serving one in what it says of everybody.
///
/// Prints figures: how alike both rank people, how many stay in their decade, and how scores are
/// spread. A report has drawings too, and names whose score moves most.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout model compare own
  klout model compare own --out report.html      one file for a browser, without anything from elsewhere")]
struct Compare {
    /// The name of the model in shadow
    name: String,
    /// Writes a report as HTML
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    target: Target,
}

// === impl Models ===

impl Models {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::List(list) => list.run(),
            Command::Shadow(shadow) => shadow.run(),
            Command::Announce(announce) => announce.run(),
            Command::Withdraw(withdraw) => withdraw.run(),
            Command::Compare(compare) => compare.run(),
        }
    }
}

// === impl List ===

impl List {
    fn run(self) -> Result<(), Failure> {
        let models = self.target.ask(Missing::Refuse, list)?;
        if self.json {
            let response = ListModelsResponse { models, next_page_token: String::new() };
            return output::line(&to_value(&response).to_string());
        }
        output::line(&format!("{:<20}{:<11}{:<22}checksum", "model", "state", "serves since"))?;
        for model in models {
            output::line(describe(&model).trim_end())?;
        }
        Ok(())
    }
}

// === impl Shadow ===

impl Shadow {
    fn run(self) -> Result<(), Failure> {
        let numbers = fs::read_to_string(&self.file).map_err(|error| {
            Failure::Failed(format!("{} cannot be read: {error}", self.file.display()))
        })?;
        let model = self.target.ask(Missing::Refuse, async |client| {
            let response =
                client.score_operator().shadow_model(ShadowModelRequest { numbers }).await?;
            response.into_inner().model.ok_or_else(empty)
        })?;
        output::line(describe(&model).trim_end())
    }
}

// === impl Announce ===

impl Announce {
    fn run(self) -> Result<(), Failure> {
        let Self { name, at, target } = self;
        let model = target.ask(Missing::Refuse, async |client| {
            let serve_time = Some(convert::timestamp(at));
            let request = AnnounceModelRequest { model: name, serve_time };
            let response = client.score_operator().announce_model(request).await?;
            response.into_inner().model.ok_or_else(empty)
        })?;
        output::line(describe(&model).trim_end())
    }
}

// === impl Withdraw ===

impl Withdraw {
    fn run(self) -> Result<(), Failure> {
        let Self { name, target } = self;
        target.ask(Missing::Refuse, async |client| {
            let request = WithdrawModelRequest { model: name.clone() };
            client.score_operator().withdraw_model(request).await?;
            Ok(())
        })?;
        eprintln!("klout: {name} is withdrawn");
        Ok(())
    }
}

// === impl Compare ===

impl Compare {
    fn run(self) -> Result<(), Failure> {
        let Self { name, out, target } = self;
        let (serving, comparison, names) = target.ask(Missing::Refuse, async |client| {
            let (serving, scores) = read(client, &name).await?;
            let comparison = scores.compare();
            let names =
                if out.is_some() { called(client, &comparison).await? } else { Names::default() };
            Ok((serving, comparison, names))
        })?;
        for line in compare::lines(&comparison, &serving, &name) {
            output::line(&line)?;
        }
        let Some(out) = out else { return Ok(()) };
        let report = Report {
            comparison: &comparison,
            old: &serving,
            new: &name,
            made: Clock::running().now(),
            names: &names,
        };
        fs::write(&out, report.html()?).map_err(|error| {
            Failure::Failed(format!("{} cannot be written: {error}", out.display()))
        })?;
        eprintln!("klout: the report is in {}", out.display());
        Ok(())
    }
}

/// Every model, page by page.
async fn list(client: &Client) -> Result<Vec<Model>, Failure> {
    let (mut models, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListModelsRequest { page_size: 0, page_token };
        let page = client.scores().list_models(request).await?.into_inner();
        models.extend(page.models);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(models);
        }
    }
}

/// Everybody's scores by the serving model, whose name comes first, and by this one.
async fn read(client: &Client, model: &str) -> Result<(String, Scores), Failure> {
    let bar = output::progress(None, "{spinner} reading scores: {pos} people");
    let request = CompareModelsRequest { model: model.to_owned() };
    let mut answers = client.score_operator().compare_models(request).await?.into_inner();
    let (mut serving, mut scores) = (String::new(), Scores::default());
    while let Some(answer) = answers.message().await? {
        bar.inc(answer.pairs.len().try_into().unwrap_or(u64::MAX));
        for pair in answer.pairs {
            let person = pair.person.parse().map_err(|_| {
                Failure::Failed(format!("the server says that there is a person {}", pair.person))
            })?;
            scores.add(person, pair.serving_score, pair.shadow_score);
        }
        serving = answer.serving_model;
    }
    bar.finish_and_clear();
    if serving.is_empty() {
        serving = "the serving model".to_owned();
    }
    Ok((serving, scores))
}

/// What those are called who move most.
async fn called(client: &Client, comparison: &Comparison) -> Result<Names, Failure> {
    let movers = comparison.up.iter().chain(&comparison.down);
    let people = movers.map(|mover| mover.person.to_string()).collect();
    let response = client.graph().batch_get_people(BatchGetPeopleRequest { people }).await?;
    Ok(Names::of(response.into_inner().people))
}

fn describe(model: &Model) -> String {
    let time = model.serve_time.as_ref().and_then(convert::time);
    let time = time.map_or_else(
        || "-".to_owned(),
        |time| {
            // No fractions: nobody announces a model for one.
            arguments::print_time(time.replace_nanosecond(0).unwrap_or(time))
        },
    );
    format!("{:<20}{:<11}{time:<22}{}", model.name, model.state, model.checksum)
}

fn empty() -> Failure {
    Failure::Failed("an empty answer".to_owned())
}
