//! How long the engine takes from rows to scores, beside what DuckDB takes for the sums of one round.

mod duckdb;

use std::{fs, path::PathBuf, process::Command, time::Instant};

use klout_model::{Kind, WINDOW_DAYS};
use klout_score_engine::{Evidence, Graph};
use klout_score_math::Model;
use klout_world::Interactions;

use self::duckdb::DuckDb;
use super::Figures;
use crate::exit::Failure;

/// The same rows every time.
const SEED: u64 = 2_008;
/// So many interactions there are for each account.
const INTERACTIONS_EACH: u32 = 10;
/// One account of so many joined.
const REGISTERED: u32 = 3;

/// Measures the engine: from unsorted rows in memory to everybody's score.
///
/// The rows are between a tenth as many accounts, of which every third is registered. With --python, the sums
/// of one round, `sum(ln(1 + mass) * score[actor]) group by subject`, are made by DuckDB over the same rows,
/// run by run; ratios are run by run too. Several sizes are measured one after the other, each in a process
/// of its own, so that peaks of memory are their own.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout bench engine --rows 1000000,10000000
  python3 -m venv peers && peers/bin/pip install duckdb pandas
  klout bench engine --rows 100000000 --python peers/bin/python")]
pub(crate) struct Engine {
    /// How many interactions; several sizes by commas
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "10000000", value_parser = clap::value_parser!(u32).range(1_000..=400_000_000))]
    rows: Vec<u32>,
    /// Threads to compute with
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: u16,
    /// How often it is measured; the median is printed
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=100))]
    runs: u8,
    /// A Python that has duckdb and pandas, to measure DuckDB beside
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
    /// Prints one line of JSON
    #[arg(long)]
    json: bool,
}

/// The seconds of one run.
#[derive(Debug)]
struct Timed {
    sorted: f64,
    epoch: f64,
    scores: f64,
    round: f64,
    total: f64,
    edges: u64,
}

// === impl Engine ===

impl Engine {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.rows[..] {
            [rows] => self.measure(rows),
            _ => self.rows.iter().try_for_each(|rows| self.measure_apart(*rows)),
        }
    }

    /// In a process of its own.
    fn measure_apart(&self, rows: u32) -> Result<(), Failure> {
        let program = std::env::current_exe().map_err(|error| Failure::failed(&error))?;
        let mut command = Command::new(program);
        command.args(["bench", "engine", "--rows", &rows.to_string()]);
        command.args(["--threads", &self.threads.to_string(), "--runs", &self.runs.to_string()]);
        if let Some(python) = &self.python {
            command.arg("--python").arg(python);
        }
        if self.json {
            command.arg("--json");
        }
        let status = command.status().map_err(|error| Failure::failed(&error))?;
        let message = || Failure::Failed(format!("the bench of {rows} interactions failed"));
        status.success().then_some(()).ok_or_else(message)
    }

    fn measure(&self, rows: u32) -> Result<(), Failure> {
        let failed = |error| Failure::failed(&error);
        let accounts = (rows / INTERACTIONS_EACH).max(2);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(usize::from(self.threads))
            .build()
            .map_err(|error| Failure::failed(&error))?;
        let duckdb = self
            .python
            .as_deref()
            .map(|python| DuckDb::start(python, self.threads, SEED, accounts, rows));
        let mut duckdb = duckdb.transpose()?;

        let (mut figures, mut memory) = (Figures::default(), None);
        let mut timed = Vec::new();
        let (mut speedup, mut ratio, mut beside) = (Vec::new(), Vec::new(), Vec::new());
        for run in 1..=self.runs {
            eprintln!("klout: {rows} interactions, run {run} of {}", self.runs);
            let before = resident("VmRSS").map_err(failed)?;
            let evidence = evidence(accounts, rows);
            let measured = pool.install(|| time(evidence));
            // The peak of the first run; later ones cannot be told from it.
            memory.get_or_insert(resident("VmHWM").map_err(failed)? - before);
            if let Some(duckdb) = &mut duckdb {
                let seconds = duckdb.round()?;
                speedup.push(seconds / measured.round);
                ratio.push(measured.total / seconds);
                beside.push(seconds);
            }
            timed.push(measured);
        }
        let rows = f64::from(rows);
        figures.add("interactions", vec![rows]);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        figures.add("edges", timed.iter().map(|it| it.edges as f64).collect());
        let mut add = |name, of_run: fn(&Timed) -> f64| {
            figures.add(name, timed.iter().map(of_run).collect());
        };
        add("total_seconds", |it| it.total);
        add("sort_seconds", |it| it.sorted);
        add("epoch_seconds", |it| it.epoch);
        add("scores_seconds", |it| it.scores);
        add("round_seconds", |it| it.round);
        figures.add("interactions_per_second", timed.iter().map(|it| rows / it.total).collect());
        let mebibytes = memory.into_iter().map(|it| it / f64::from(1 << 20)).collect();
        figures.add("peak_memory_mib", mebibytes);
        figures.add("bytes_per_interaction", memory.into_iter().map(|it| it / rows).collect());
        figures.add("duckdb_round_seconds", beside);
        figures.add("round_speedup", speedup);
        figures.add("total_ratio", ratio);
        figures.print("engine", self.json)
    }
}

/// The rows as a pass wants them, each account a person of its own.
fn evidence(accounts: u32, rows: u32) -> Evidence {
    let reactions = Interactions::new(SEED, accounts, u64::from(rows));
    let mut evidence = Evidence::new(
        (0..accounts).map(|account| account % REGISTERED == 0).collect(),
        (0..accounts).collect(),
        vec![false; accounts as usize],
    );
    evidence.reserve_exact(rows as usize);
    for it in reactions {
        evidence.react(it.subject, Some(it.actor), it.kind, it.age, u64::from(it.count));
    }
    evidence
}

fn time(evidence: Evidence) -> Timed {
    let model = Model::current();
    let start = Instant::now();
    let graph = Graph::new(model, evidence);
    let sorted = start.elapsed().as_secs_f64();
    let epoch = graph.epoch(model);
    let flowed = start.elapsed().as_secs_f64();
    let scores = graph.scores(model, &epoch);
    let total = start.elapsed().as_secs_f64();
    drop(scores);

    let known: Vec<f64> = epoch.actors.iter().map(|it| it.repute().credibility).collect();
    let start = Instant::now();
    drop(graph.received(model, &known));
    let round = start.elapsed().as_secs_f64();
    let (epoch, scores) = (flowed - sorted, total - flowed);
    Timed { sorted, epoch, scores, round, total, edges: graph.edges() }
}

/// A line of the kernel's account of this process, in bytes.
pub(super) fn resident(name: &str) -> std::io::Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let kibibytes = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':')?.split_whitespace().next())
        .and_then(|number| number.parse::<f64>().ok());
    kibibytes.map(|it| it * 1024.0).ok_or_else(|| std::io::Error::other(format!("no {name}")))
}

/// What DuckDB is given of one row.
fn mass(kind: Kind, age: u8, count: u32) -> f64 {
    debug_assert!(age < WINDOW_DAYS, "{age}");
    #[expect(clippy::cast_precision_loss, reason = "a mass of a benchmark is far below 2^53")]
    let mass = Model::current().mass(kind, age, u64::from(count)) as f64;
    mass / 1e6
}
