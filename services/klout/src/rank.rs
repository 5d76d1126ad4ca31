//! `klout rank`: scores from files alone, without a server or a database.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::{Path, PathBuf},
};

use indicatif::ProgressBar;
use klout_import::{CsvReader, Format, Input, Position, Row, files};
use klout_model::{Day, NativeId, Network, RowReason};
use klout_score_engine::{AccountName, Population, Ranked, Signal};
use time::{Duration, OffsetDateTime};

use crate::{arguments, exit::Failure, model::ChosenModel, output, output::ResultFile};

/// Scores the accounts of CSV files, without a server or a database.
///
/// Writes network,account,score,influence,true_reach,amplification,network_impact,percentile,
/// confidence: every account with evidence and every registered one, best first. The same rows give
/// the same bytes in any order. Rows that are left out are counted by reason on stderr.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Files are told by their header, in any order of columns, plain or gzip:
  time,network,actor,subject,kind,count      interactions (+ id, post, label)
  time,network,account,counter,value         counters (+ id, post)
  time,network,account,post                  posts (+ id, text)

Example:
  klout rank interactions.csv.gz --registered members.csv --as-of 2018-06-01T00:00:00Z --out scores.csv")]
pub(crate) struct Rank {
    /// CSV files, folders of them, or - for stdin
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The time to score at, inclusive, such as 2018-06-01T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = arguments::time)]
    as_of: OffsetDateTime,
    /// The accounts whose owners joined (network,account); without it, all
    #[arg(long, value_name = "FILE")]
    registered: Option<PathBuf>,
    /// The model to score with, by name or as a file of one's own
    #[arg(long, value_name = "NAME|FILE", value_parser = ChosenModel::parse, default_value = ChosenModel::NEWEST)]
    model: ChosenModel,
    /// Threads to compute with; any number gives the same bytes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Also writes low,high: between them lies what as much evidence again would say, in 90 % of people
    #[arg(long)]
    interval: bool,
    /// Where to write the scores; - is stdout
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// The columns of a scores file.
const COLUMNS: [&str; 9] = [
    "network",
    "account",
    "score",
    "influence",
    "true_reach",
    "amplification",
    "network_impact",
    "percentile",
    "confidence",
];

/// What --interval adds.
const INTERVAL_COLUMNS: [&str; 2] = ["low", "high"];

/// So many accounts are named, the best first.
const FLAGGED_SHOWN: usize = 5;

/// How many rows were left out, by reason.
pub(crate) type LeftOut = BTreeMap<RowReason, u64>;

/// How much of a file was read.
struct Progress {
    bar: ProgressBar,
    position: Position,
}

impl Rank {
    pub(crate) fn run(self) -> Result<(), Failure> {
        if self.interval && !self.model.has_interval() {
            let message = "this model has no interval: leave --interval or --model out";
            return Err(Failure::Usage(message.to_owned()));
        }
        let threads = self.threads.map_or(0, usize::from);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .map_err(|error| Failure::failed(&error))?;
        let mut population = Population::default();
        let mut left_out = LeftOut::new();
        let mut rows = 0_u64;
        for file in files(&self.files, &[".csv"]).map_err(|error| Failure::failed(&error))? {
            let reader = open(&file)?;
            rows += read(reader, self.as_of, &mut population, &mut left_out)?;
        }
        match &self.registered {
            Some(file) => {
                let reader = open_registered(file)?;
                read(reader, self.as_of, &mut population, &mut left_out)?;
            }
            None => {
                population.register_all();
                eprintln!(
                    "klout: without --registered every account counts as registered, and nothing \
                     resists fakes"
                );
            }
        }
        for (reason, count) in &left_out {
            eprintln!("{} {count}", reason.as_str());
        }

        let ranked = pool.install(|| self.model.rank(population));
        write(&self.out, &ranked, self.interval)?;
        flag(&ranked);
        eprintln!("klout: {rows} rows, {} accounts", ranked.len());
        Ok(())
    }
}

/// A file every row of which has to count.
#[derive(Debug)]
pub(crate) struct WholeFile(PathBuf);

impl WholeFile {
    /// # Errors
    ///
    /// When it cannot be read, or is no file of rows by its header.
    pub(crate) fn rows(path: PathBuf) -> Result<Self, Failure> {
        let (reader, _) = open(&path)?;
        if reader.format() == Format::Registered {
            let message = "these are registered accounts, and not what was done to them";
            return Err(Failure::Failed(format!("{}: {message}", path.display())));
        }
        Ok(Self(path))
    }

    /// # Errors
    ///
    /// When it cannot be read, or is no file of registered accounts by its header.
    pub(crate) fn registered(path: PathBuf) -> Result<Self, Failure> {
        open_registered(&path)?;
        Ok(Self(path))
    }

    /// # Errors
    ///
    /// When a row is left out, for whatever reason.
    pub(crate) fn read(
        &self,
        as_of: OffsetDateTime,
        population: &mut Population,
    ) -> Result<(), Failure> {
        let mut left_out = LeftOut::new();
        read(open(&self.0)?, as_of, population, &mut left_out)?;
        if left_out.is_empty() {
            return Ok(());
        }
        let reasons: Vec<_> =
            left_out.iter().map(|(reason, count)| format!("{} {count}", reason.as_str())).collect();
        let message = "every row has to count as of";
        let (file, reasons) = (self.0.display(), reasons.join(", "));
        Err(Failure::Failed(format!(
            "{file}: {message} {as_of}, and rows were left out: {reasons}"
        )))
    }
}

/// A file of accounts whose owners joined.
fn open_registered(file: &Path) -> Result<(CsvReader, Progress), Failure> {
    let reader = open(file)?;
    if reader.0.format() != Format::Registered {
        let message = "registered accounts are in a file with the columns network,account";
        return Err(Failure::Failed(format!("{}: {message}", file.display())));
    }
    Ok(reader)
}

/// Says to whom strangers came in a burst.
fn flag(ranked: &[Ranked]) {
    let mut flagged = ranked.iter().filter(|it| it.burst).map(|it| &it.account).peekable();
    if flagged.peek().is_none() {
        return;
    }
    let count = flagged.clone().count();
    let named: Vec<String> =
        flagged.take(FLAGGED_SHOWN).map(|it| format!("{}:{}", it.network, it.native_id)).collect();
    let more = if count > named.len() { ", …" } else { "" };
    let named = named.join(", ");
    eprintln!(
        "klout: a burst of strangers on one day, which adds no more than others: {count} ({named}{more})"
    );
}

/// A file with its header read, and what shows how far it is.
fn open(file: &Path) -> Result<(CsvReader, Progress), Failure> {
    let failed = |error| Failure::failed(&error);
    let input = Input::open(file).map_err(failed)?;
    let template = "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta} left";
    let bar = output::progress(input.length(), template);
    bar.set_message(input.name().to_owned());
    let progress = Progress { bar, position: input.position() };
    Ok((CsvReader::new(input).map_err(failed)?, progress))
}

/// Adds the rows of a file, and returns how many there were.
fn read(
    (mut reader, progress): (CsvReader, Progress),
    as_of: OffsetDateTime,
    population: &mut Population,
    left_out: &mut LeftOut,
) -> Result<u64, Failure> {
    let mut rows = 0;
    while let Some(record) = reader.next_record().map_err(|error| Failure::failed(&error))? {
        rows += 1;
        let added = record
            .row
            .map_err(|rejection| rejection.reason)
            .and_then(|row| add(population, row, as_of));
        if let Err(reason) = added {
            *left_out.entry(reason).or_default() += 1;
        }
        if rows % 4096 == 0 {
            progress.bar.set_position(progress.position.bytes());
        }
    }
    progress.bar.finish_and_clear();
    Ok(rows)
}

fn add(population: &mut Population, row: Row, as_of: OffsetDateTime) -> Result<(), RowReason> {
    let name = |network: &Network, native_id: NativeId| AccountName {
        network: network.clone(),
        native_id,
    };
    let subject = name(row.network(), row.subject().clone());
    let id = row.id().map(str::to_owned);
    let age = match row.time() {
        Some(time) => Day::admit(time, as_of, Duration::ZERO)?
            .age_on(Day::of(as_of))
            .ok_or(RowReason::TimeBeforeWindow)?,
        None => 0,
    };
    let signal = match row {
        Row::Interaction(row) => Signal::Interaction {
            actor: row.actor.map(|actor| name(&row.network, actor)),
            kind: row.kind,
            age,
            count: u64::from(row.count.get()),
        },
        Row::Counter(row) => Signal::Counter {
            name: row.counter,
            // As fine as the database keeps it.
            time: row.time.unix_timestamp_nanos() / 1_000,
            value: row.value,
            of_post: row.post.is_some(),
        },
        Row::Post(row) => Signal::Post { post: row.post.into(), age },
        Row::Registered(_) => {
            population.register(&subject);
            return Ok(());
        }
    };
    population.add(&subject, id.as_deref(), signal);
    Ok(())
}

fn write(path: &Path, ranked: &[Ranked], interval: bool) -> Result<(), Failure> {
    let mut file = ResultFile::create(path)?;
    let written = write_rows(&mut file, ranked, interval);
    written.map_err(|error| file.failed(&error))?;
    file.keep()
}

fn write_rows(output: impl Write, ranked: &[Ranked], interval: bool) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(output);
    writer.write_record(COLUMNS.iter().chain(INTERVAL_COLUMNS.iter().filter(|_| interval)))?;
    for it in ranked {
        let ends = it.interval.filter(|_| interval);
        let numbers = [
            it.score.points(),
            it.influence,
            it.true_reach,
            it.amplification,
            it.network_impact,
            it.percentile,
            it.confidence,
        ];
        let ends = ends.into_iter().flat_map(|(low, high)| [low.points(), high.points()]);
        // `Display` of a float is its shortest form that reads back as the same float.
        let numbers: Vec<_> =
            numbers.into_iter().chain(ends).map(|number| number.to_string()).collect();
        let names = [it.account.network.as_str(), it.account.native_id.as_str()];
        writer.write_record(names.into_iter().chain(numbers.iter().map(String::as_str)))?;
    }
    writer.flush()
}
