//! `klout import`: files go in, over a gateway.

mod progress;
mod reading;
mod rejects;
mod sending;

use std::{collections::BTreeMap, path::PathBuf};

use futures::StreamExt as _;
use klout_import::{CsvReader, Format, Input, Row, files};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::{
    client::{Client, Missing, Target},
    exit::Failure,
    visible,
};

use self::{
    progress::Progress,
    reading::Part,
    rejects::Rejects,
    sending::{Sender, Sent},
};

/// Chunks that travel at once: enough to keep the connector busy while others are answered.
const IN_FLIGHT_MAX: usize = 4;

/// Takes files of signals in.
#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    #[command(subcommand)]
    format: ImportFormat,
}

#[derive(Debug, clap::Subcommand)]
enum ImportFormat {
    Csv(ImportCsv),
}

/// Takes in CSV files of interactions, counters and posts.
///
/// Importing a file twice changes nothing: a row is what its id says, or what it says itself and how
/// many equal rows of the file came before it. A row that is left out is named on stderr, kept in a
/// file of rejected rows that can be mended and imported, and stops nothing. Ends when all scores can
/// be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Files are told by their header, in any order of columns, plain or gzip:
  time,network,actor,subject,kind,count      interactions (+ id, post)
  time,network,account,counter,value         counters (+ id, post)
  time,network,account,post                  posts (+ id, text)

Examples:
  klout import csv interactions.csv.gz posts.csv.gz --register-all
  klout import csv folder --registered members.csv")]
struct ImportCsv {
    /// CSV files, folders of them, or - for stdin
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Makes each account of the rows that are taken a person of its own, actors too
    #[arg(long, conflicts_with = "registered")]
    register_all: bool,
    /// Makes each account of this file (network,account) a person of its own
    #[arg(long, value_name = "FILE")]
    registered: Option<PathBuf>,
    /// Where rows go that are left out, with a reason; of several files with such rows, the second has
    /// .2 in its name, and so on [default: rejected/TIME-NAME in the data directory]
    #[arg(long, value_name = "FILE")]
    rejected: Option<PathBuf>,
    /// Ends when everything is durable, before scores can be read
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    target: Target,
}

/// What became of all rows.
#[derive(Debug, Default)]
struct Totals {
    accepted: u64,
    repeated: u64,
    rejected: BTreeMap<String, u64>,
    people: u64,
}

// === impl Import ===

impl Import {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.format {
            ImportFormat::Csv(csv) => csv.run(),
        }
    }
}

// === impl ImportCsv ===

impl ImportCsv {
    fn run(self) -> Result<(), Failure> {
        let paths = files(&self.paths).map_err(|error| Failure::failed(&error))?;
        let data_dir = self.target.data_dir.clone();
        self.target.ask(Missing::Make, async |client| {
            let mut totals = Totals::default();
            if let Some(file) = self.registered {
                totals.people += register(client, file).await?;
            }
            let rejects = Rejects::new(self.rejected, data_dir);
            let sent = send(client, paths, self.register_all, rejects, &mut totals).await;
            totals.tell();
            sent?;
            if !self.no_wait {
                visible::until_visible(client).await?;
            }
            Ok(())
        })
    }
}

// === impl Totals ===

impl Totals {
    fn add(&mut self, sent: &Sent) {
        self.accepted += sent.accepted;
        self.repeated += sent.repeated;
        self.people += sent.people;
        for row in &sent.rejected {
            *self.rejected.entry(row.reason.clone()).or_default() += 1;
        }
    }

    fn tell(&self) {
        let Self { accepted, repeated, rejected, people } = self;
        let count: u64 = rejected.values().sum();
        let reasons: Vec<_> =
            rejected.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        let reasons =
            if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
        eprintln!(
            "klout: accepted {accepted}, repeated {repeated}, rejected {count}{reasons}, new people \
             {people}"
        );
    }
}

/// Makes the accounts of a file people. Returns how many are new.
async fn register(client: &Client, file: PathBuf) -> Result<u64, Failure> {
    let sender = Sender::new(client, true);
    let input = Input::open(&file).map_err(|error| Failure::failed(&error))?;
    let mut reader = CsvReader::new(input).map_err(|error| Failure::failed(&error))?;
    if reader.format() != Format::Registered {
        let message = "--registered takes a file with the columns network,account";
        return Err(Failure::Failed(format!("{}: {message}", file.display())));
    }
    let (mut accounts, mut people) = (Vec::new(), 0);
    while let Some(record) = reader.next_record().map_err(|error| Failure::failed(&error))? {
        match record.row {
            Ok(Row::Registered(account)) => accounts.push(account),
            Ok(_) => {}
            Err(rejection) => eprintln!(
                "{}:{}: {} ({})",
                file.display(),
                rejection.line,
                rejection.reason.as_str(),
                rejection.reason
            ),
        }
        if accounts.len() == sending::PEOPLE_MAX {
            people += sender.register(std::mem::take(&mut accounts)).await?;
        }
    }
    Ok(people + sender.register(accounts).await?)
}

/// Sends every row of the files. What `totals` counts is durable, also when this fails.
async fn send(
    client: &Client,
    paths: Vec<PathBuf>,
    register_all: bool,
    mut rejects: Rejects,
    totals: &mut Totals,
) -> Result<(), Failure> {
    let progress = Progress::of(&paths);
    let sender = Sender::new(client, register_all);
    let (parts_in, parts) = mpsc::channel(IN_FLIGHT_MAX);
    // Ends by itself: at the end of the files, or when nobody takes parts any more.
    let reading = tokio::task::spawn_blocking(move || reading::read(&paths, &parts_in));

    let mut sent = ReceiverStream::new(parts)
        .map(|part| async {
            Ok::<_, Failure>(match part {
                Part::File { name, header } => Step::File { name, header },
                Part::Chunk(chunk) => Step::Sent(sender.send(chunk).await?),
            })
        })
        // In the order of the files, so that rejected rows are.
        .buffered(IN_FLIGHT_MAX);
    while let Some(step) = sent.next().await {
        match step? {
            Step::File { name, header } => rejects.file(name, header)?,
            Step::Sent(sent) => {
                totals.add(&sent);
                progress.add(&sent);
                rejects.add(&sent.rejected)?;
            }
        }
    }
    drop(sent);
    progress.end();
    rejects.finish()?;
    let read = reading.await.map_err(|error| Failure::failed(&error))?;
    read.map_err(|error| Failure::failed(&error))
}

/// A part, after it was sent.
enum Step {
    File { name: String, header: Vec<String> },
    Sent(Sent),
}
