//! How good the score is, on public data and on a made-up world. docs/validation.md.

mod calibration;
mod coverage;
mod dump;
mod experts;
mod figures;
mod plot;
mod sets;
mod table;
mod topics;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use anyhow::{Context as _, Result, bail, ensure};
use klout_score_math::{Model, counted};
use klout_world::LAST_DAY;

use self::{
    calibration::{Curve, Quantiles},
    figures::Figures,
    sets::{EXTRAS, Input, SETS, Set},
};
use crate::{
    install,
    job::{self, Interrupt},
    say,
    workspace::Workspace,
};

/// Holds the score against what happened afterwards, and prints how good it is.
///
/// Builds `klout` in release, scores every set with one configuration, has the sets' own measure.py
/// measure the scores, and prints the figures beside what they have to reach; then how often a score from
/// one half of the evidence lies within the interval from the other; then where a made-up world comes to
/// lie on the published scale. docs/validation.md says what each means.
///
/// Needs Python 3. numpy, pandas and scipy are installed once, into the target folder.
///
/// With --topics it is told instead how well posts are read: which tags are found for the questions of a site
/// by their text alone, and which topics for the names of people and things. With --experts, how well whom `klout
/// experts` finds for the tags of a site before a day agrees with whose answers are voted for after it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cargo xtask validate
  cargo xtask validate --data ~/validate --model my-model.toml --check
  cargo xtask validate --topics --check
  cargo xtask validate --experts --check")]
pub struct Validate {
    /// The folder with measure.py and the sets; by default ../shared/validate from the root, and with
    /// --topics or --experts ../shared/data.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The model to score with, as `klout rank --model` takes it; by default the newest.
    #[arg(long, value_name = "NAME|FILE")]
    model: Option<String>,
    /// Draws docs/figures/validation-bands.svg anew.
    #[arg(long)]
    draw: bool,
    /// Tells how well posts are read, from stackexchange-quantum and klout-ontology.
    #[arg(long, conflicts_with_all = ["model", "draw"])]
    topics: bool,
    /// Tells how well experts of a topic are found, from stackexchange-quantum.
    #[arg(long, conflicts_with_all = ["model", "draw", "topics"])]
    experts: bool,
    /// Fails when a target is missed.
    #[arg(long)]
    check: bool,
}

/// What measure.py needs. Another version may draw other lots or round otherwise.
const PACKAGES: [(&str, &str); 3] = [("numpy", "2.4.6"), ("pandas", "3.1.1"), ("scipy", "1.17.1")];

/// What everything is run with.
struct Bench<'a> {
    klout: PathBuf,
    python: PathBuf,
    data: PathBuf,
    /// Where results lie.
    place: PathBuf,
    model: Option<&'a str>,
    interrupt: &'a Interrupt,
}

/// The file of the model that `klout rank` uses by itself.
fn newest(root: &Path) -> PathBuf {
    root.join("libs/score-math/models").join(format!("{}.toml", Model::current().name()))
}

// === impl Validate ===

impl Validate {
    pub(crate) fn run(self, workspace: &Workspace, interrupt: &Interrupt) -> Result<()> {
        if self.topics {
            let data = self.data.unwrap_or_else(|| workspace.root().join("../shared/data"));
            return topics::run(&data, self.check);
        }
        if self.experts {
            let data = self.data.unwrap_or_else(|| workspace.root().join("../shared/data"));
            return experts::run(workspace, &data, self.check, interrupt);
        }
        let data = self.data.unwrap_or_else(|| workspace.root().join("../shared/validate"));
        sets::expect(&data)?;
        let place = workspace.target()?.join("validation");
        fs::create_dir_all(&place)?;
        let python = install::python(&place.join("python"), &PACKAGES)?;
        eprintln!("xtask: building klout");
        let build = ["build", "--release", "--package", "klout", "--locked"];
        job::run(workspace.cargo().args(build), interrupt)?;
        let klout = workspace.target()?.join("release/klout");
        let model = self.model.as_deref();
        let bench = Bench { klout, python, data, place, model, interrupt };

        let figures = bench.measure()?;
        let rows = figures::judge(&figures)?;
        say(&figures::table(&rows));
        if self.draw {
            let file = workspace.root().join("docs/figures/validation-bands.svg");
            plot::bands(&file, figures.values("higgs.score.future_by_band")?)?;
        }
        let mut missed = rows.iter().filter(|row| !row.reached()).count();

        // The formula of the first model tells no interval, and its curve is not data.
        let first = model.filter(|name| counted::Model::by_name(name).is_some());
        if let Some(first) = first {
            eprintln!("xtask: {first} has no interval, so there is nothing to cover");
        } else {
            let found = coverage::run(&bench)?;
            say(&coverage::table(&found));
            missed += found.iter().filter(|it| !it.is_within_aim()).count();
        }

        let quantiles = bench.calibrate()?;
        say(&quantiles.table());
        let newest = Curve::of(&newest(workspace.root()))?;
        let own = model.filter(|it| it.ends_with(".toml")).map(|it| Curve::of(Path::new(it)));
        let curve = own.transpose()?.unwrap_or(newest);
        say(&quantiles.fit_line(curve, first));

        ensure!(!self.check || missed == 0, "targets missed: {missed}");
        Ok(())
    }
}

// === impl Bench ===

impl Bench<'_> {
    /// What measure.py says of every set.
    fn measure(&self) -> Result<Figures> {
        let mut figures = Figures::default();
        for set in &SETS {
            let scores = self.rank_set(set, None)?;
            figures.read(&self.measured(set, &[&scores])?, None)?;
            for extra in EXTRAS.iter().filter(|extra| extra.set == set.name) {
                let with = self.rank_set(set, Some(extra.name))?;
                figures.read(&self.measured(set, &[&scores, &with])?, Some(extra.name))?;
            }
        }
        Ok(figures)
    }

    /// Scores a set, with one of its extras appended.
    fn rank_set(&self, set: &Set, extra: Option<&str>) -> Result<PathBuf> {
        let name = extra.map_or_else(|| set.name.to_owned(), |it| format!("{}-{it}", set.name));
        eprintln!("xtask: scoring {name}");
        let mut input = set.input(&self.data);
        input.files.extend(extra.map(|it| sets::extra_file(&self.data, set, it)));
        let out = self.place.join(format!("{name}.csv"));
        self.rank(&input, &out, &[])?;
        Ok(out)
    }

    fn rank(&self, input: &Input, out: &Path, more: &[&str]) -> Result<()> {
        let mut rank = Command::new(&self.klout);
        rank.arg("rank").args(&input.files).args(["--as-of", &input.as_of]).arg("--out").arg(out);
        if let Some(registered) = &input.registered {
            rank.arg("--registered").arg(registered);
        }
        if let Some(model) = self.model {
            rank.args(["--model", model]);
        }
        self.output(rank.args(more)).map(drop)
    }

    fn measured(&self, set: &Set, scores: &[&Path]) -> Result<String> {
        let mut measure = Command::new(&self.python);
        measure.arg("-I").arg(self.data.join("measure.py")).arg(set.name).args(scores);
        Ok(String::from_utf8(self.output(&mut measure)?.stdout)?)
    }

    /// Makes a world, and says how to score it.
    fn world(&self, people: u32, seed: u32, more: &[&str]) -> Result<Input> {
        eprintln!("xtask: making up a world of {people} people");
        let folder = self.place.join(format!("world-{people}-{seed}"));
        let mut world = Command::new(&self.klout);
        world.arg("world").arg("--out").arg(&folder).arg("--force").args(more);
        world.args(["--people", &people.to_string(), "--seed", &seed.to_string()]);
        self.output(world.args(["--last-day", &LAST_DAY.to_string()]))?;
        let file = |name: &str| folder.join(name);
        Ok(Input {
            files: vec![file("interactions.csv.gz"), file("counters.csv.gz"), file("posts.csv.gz")],
            registered: Some(file("registered.csv")),
            as_of: format!("{LAST_DAY}T23:59:59.999Z"),
        })
    }

    /// Where the scale's reference population comes to lie. docs/scoring.md, section 9.
    fn calibrate(&self) -> Result<Quantiles> {
        let world = self.world(100_000, 1, &["--no-attacks"])?;
        eprintln!("xtask: scoring it");
        let out = self.place.join("world-100000-1.csv");
        self.rank(&world, &out, &[])?;
        let scored = sets::scores(&out)?;
        Quantiles::of(scored.iter().map(|it| (it.score, it.influence)))
    }

    /// Runs `command` and keeps what it prints, for whoever asks why it failed.
    fn output(&self, command: &mut Command) -> Result<Output> {
        let output = command.output().with_context(|| format!("could not start {command:?}"))?;
        ensure!(!self.interrupt.came(), "interrupted");
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("{command:?} failed ({}):\n{said}", output.status);
        }
        Ok(output)
    }
}
