//! `klout model`: which model makes scores, and what another one would make of them.

use std::{fs, path::PathBuf};

use klout_chassis::Clock;
use klout_proto::{
    convert,
    graph::v1::BatchGetPeopleRequest,
    json::to_value,
    score::v1::{
        AnnounceModelRequest, CompareModelsRequest, ListModelsRequest, ListModelsResponse,
        ListTopScoresRequest, Model, ShadowModelRequest, WithdrawModelRequest,
    },
};
use klout_score_math::Model as Numbers;
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
    /// The model file, as docs/scoring.md describes it, or the name of a model that is compiled in
    file: PathBuf,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
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
    /// From when on, by the clock of the scores: a time, or a day, at whose beginning in UTC it is
    #[arg(long, value_name = "TIME", value_parser = arguments::day_or_time)]
    at: OffsetDateTime,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Takes a model in shadow away, announced or not, with its scores.
#[derive(Debug, clap::Args)]
struct Withdraw {
    /// The model's name
    name: String,
    /// Prints the response as JSON, which is empty
    #[arg(long)]
    json: bool,
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
    /// Prints the figures as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// What only a report tells.
struct About {
    /// The epoch that is served; `None` when nobody has a score.
    epoch: Option<u64>,
    models: Vec<Model>,
    /// What those are called who move most.
    names: Names,
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
        output::line(&format!("{:<20}{:<11}{:<27}checksum", "model", "state", "serves since"))?;
        for model in models {
            output::line(describe(&model).trim_end())?;
        }
        Ok(())
    }
}

// === impl Shadow ===

impl Shadow {
    fn run(self) -> Result<(), Failure> {
        let Self { file, json, target } = self;
        let numbers = match file.to_str().and_then(Numbers::file_of) {
            Some(built_in) => built_in.to_owned(),
            None => fs::read_to_string(&file).map_err(|error| {
                Failure::Failed(format!("{} cannot be read: {error}", file.display()))
            })?,
        };
        let response = target.ask(Missing::Refuse, async |client| {
            let request = ShadowModelRequest { numbers };
            Ok(client.score_operator().shadow_model(request).await?.into_inner())
        })?;
        print(&response, response.model.as_ref(), json)?;
        if response.model.is_some_and(|model| model.state == "SHADOW") {
            eprintln!(
                "klout: a pass has to score by it before it can be compared or announced; `klout rescore` starts one"
            );
        }
        Ok(())
    }
}

// === impl Announce ===

impl Announce {
    fn run(self) -> Result<(), Failure> {
        let Self { name, at, json, target } = self;
        let pinned = target.pinned()?;
        let response = target.ask(Missing::Refuse, async |client| {
            let serve_time = Some(convert::timestamp(at));
            let request = AnnounceModelRequest { model: name, serve_time };
            let response = client.score_operator().announce_model(request).await;
            Ok(response.map_err(Failure::naming(&[("serve_time", "--at")]))?.into_inner())
        })?;
        print(&response, response.model.as_ref(), json)?;
        if let Some(pinned) = pinned.filter(|pinned| *pinned < at) {
            let pinned = arguments::print_time(pinned);
            eprintln!(
                "klout: the clock of the scores is pinned to {pinned}: the model serves once it is moved beyond \
                 that time, by `klout up --as-of`"
            );
        }
        Ok(())
    }
}

// === impl Withdraw ===

impl Withdraw {
    fn run(self) -> Result<(), Failure> {
        let Self { name, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let request = WithdrawModelRequest { model: name.clone() };
            Ok(client.score_operator().withdraw_model(request).await?.into_inner())
        })?;
        if json {
            output::line(&to_value(&response).to_string())?;
        }
        eprintln!("klout: {name} is withdrawn");
        Ok(())
    }
}

// === impl Compare ===

impl Compare {
    fn run(self) -> Result<(), Failure> {
        let Self { name, out, json, target } = self;
        let read = target.ask(Missing::Refuse, async |client| {
            let (serving, scores) = read(client, &name).await?;
            let comparison = scores.compare();
            let about = match out {
                Some(_) => Some(About::ask(client, &comparison).await?),
                None => None,
            };
            Ok((serving, comparison, about))
        })?;
        let (serving, comparison, about) = read;
        // First what is kept: whoever reads only the beginning of what is printed ends the process.
        if let (Some(out), Some(about)) = (out, about) {
            let report = Report {
                comparison: &comparison,
                old: &serving,
                new: &name,
                checksums: [&serving, &name].map(|model| about.checksum(model)),
                epoch: about.epoch,
                made: Clock::running().now(),
                names: &about.names,
            };
            fs::write(&out, report.html()?).map_err(|error| {
                Failure::Failed(format!("{} cannot be written: {error}", out.display()))
            })?;
            eprintln!("klout: the report is in {}", out.display());
        }
        if json {
            return output::line(&compare::figures(&comparison, &serving, &name).to_string());
        }
        let lines = compare::lines(&comparison, &serving, &name);
        lines.iter().try_for_each(|line| output::line(line))
    }
}

// === impl About ===

impl About {
    async fn ask(client: &Client, comparison: &Comparison) -> Result<Self, Failure> {
        let request = ListTopScoresRequest { page_size: 1, ..Default::default() };
        let best = client.scores().list_top_scores(request).await?.into_inner().scores;
        Ok(Self {
            epoch: best.first().map(|score| score.epoch),
            models: list(client).await?,
            names: called(client, comparison).await?,
        })
    }

    /// Of a model that was there a moment ago.
    fn checksum(&self, model: &str) -> &str {
        let model = self.models.iter().find(|it| it.name == model);
        model.map(|it| it.checksum.as_str()).unwrap_or_default()
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

/// Prints a model, or the whole response.
fn print<M: prost::Message + prost::Name>(
    response: &M,
    model: Option<&Model>,
    json: bool,
) -> Result<(), Failure> {
    if json {
        return output::line(&to_value(response).to_string());
    }
    model.map_or(Ok(()), |model| output::line(describe(model).trim_end()))
}

fn describe(model: &Model) -> String {
    let time = model.serve_time.as_ref().and_then(convert::time);
    // No fractions: nobody announces a model for one.
    let time = time.map(|time| time.replace_nanosecond(0).unwrap_or(time));
    let serves = match (model.state.as_str(), time.map(arguments::print_time)) {
        ("SERVING" | "RETIRED", Some(time)) => time,
        ("ANNOUNCED", Some(time)) => format!("from {time}"),
        _ => "-".to_owned(),
    };
    format!("{:<20}{:<11}{serves:<27}{}", model.name, model.state, model.checksum)
}
