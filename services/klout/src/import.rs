//! `klout import`: files go in, over a gateway.
//!
//! A reader of the format makes entries of files, entries travel in chunks, a sender hands them to the
//! connector. Only the reader knows the format.

mod deletion_list;
mod formats;
mod ontology;
mod progress;
mod reading;
mod rejects;
mod sending;

use std::{
    collections::{BTreeMap, HashSet},
    path::PathBuf,
};

use futures::StreamExt as _;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::{
    client::{Missing, Target},
    exit::Failure,
    sources::{self, Sources},
    visible,
};

use self::{
    deletion_list::ImportDeletionList,
    formats::ImportFormat,
    ontology::ImportTopicOntology,
    progress::Progress,
    reading::Part,
    rejects::Rejects,
    sending::{Joining, Sender, Sent},
};

/// Chunks that travel at once: enough to keep the connector busy while others are answered.
const IN_FLIGHT_MAX: usize = 4;

/// Takes files in: of signals, or an ontology of topics.
#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    #[command(flatten)]
    Signals(ImportFormat),
    TopicOntology(ImportTopicOntology),
    DeletionList(ImportDeletionList),
}

/// What is the same for every format.
#[derive(Debug, clap::Args)]
struct Options {
    /// Makes each account of the rows that are taken a person of its own, actors too
    #[arg(long, conflicts_with = "registered")]
    register_all: bool,
    /// Makes each account of this file (network,account; also country,city) a person of its own
    #[arg(long, value_name = "FILE")]
    registered: Option<PathBuf>,
    /// Where rows go that are left out: no file that is read; of several files with such rows, the second
    /// has .2 in its name, and so on [default: rejected/TIME-N-NAME in the data directory]
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
    no_reaction: u64,
    people: u64,
}

// === impl Import ===

impl Import {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.what {
            What::Signals(format) => {
                let (sources, options) = format.open()?;
                options.run(sources)
            }
            What::TopicOntology(ontology) => ontology.run(),
            What::DeletionList(list) => list.run(),
        }
    }
}

// === impl Options ===

impl Options {
    fn run(self, sources: Sources) -> Result<(), Failure> {
        let rejects = Rejects::new(self.rejected, self.target.data_dir.clone());
        let inputs = sources.inputs.iter().chain(&self.registered).map(PathBuf::as_path);
        rejects.check(inputs, sources.files)?;
        self.target.ask(Missing::Make, async |client| {
            let joining = match (self.register_all, self.registered) {
                (true, _) => Joining::Everybody(HashSet::new()),
                (false, Some(file)) => Joining::Listed(
                    sources::registered(&file)?
                        .into_iter()
                        .map(|(it, place)| {
                            ((it.network.to_string(), it.native_id.to_string()), place)
                        })
                        .collect(),
                ),
                (false, None) => Joining::Nobody,
            };
            let sender = Sender::new(client, joining);
            let mut totals = Totals::default();
            let sent = send(&sender, sources, rejects, &mut totals).await;
            // Also when a file cannot be read to its end: who joined has joined.
            let registered = sender.register_the_rest().await;
            totals.people += registered.as_ref().copied().unwrap_or_default();
            totals.tell();
            sent?;
            registered?;
            if !self.no_wait {
                visible::until_visible(client).await?;
                visible::until_topics_are_told(client).await?;
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
        self.no_reaction += sent.no_reaction;
        self.people += sent.people;
        for row in &sent.rejected {
            *self.rejected.entry(row.reason.clone()).or_default() += 1;
        }
    }

    fn tell(&self) {
        let Self { accepted, repeated, rejected, no_reaction, people } = self;
        let count: u64 = rejected.values().sum();
        let reasons: Vec<_> =
            rejected.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        let reasons =
            if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
        let no_reaction = match no_reaction {
            0 => String::new(),
            count => format!(", no reaction {count}"),
        };
        eprintln!(
            "klout: accepted {accepted}, repeated {repeated}, rejected {count}{reasons}\
             {no_reaction}, new people {people}"
        );
    }
}

/// Sends every row of the files. What `totals` counts is durable, also when this fails.
async fn send(
    sender: &Sender,
    sources: Sources,
    mut rejects: Rejects,
    totals: &mut Totals,
) -> Result<(), Failure> {
    let progress = Progress::of(sources.bytes);
    let (parts_in, parts) = mpsc::channel(IN_FLIGHT_MAX);
    // Ends by itself: at the end of the files, or when nobody takes parts any more.
    let reading = tokio::task::spawn_blocking(move || reading::read(sources.readers, &parts_in));

    let mut sent = ReceiverStream::new(parts)
        .map(|part| async {
            Ok::<_, Failure>(match part {
                Part::File { name, columns } => Step::File { name, columns },
                Part::Chunk(chunk) => Step::Sent(sender.send(chunk).await?),
            })
        })
        // In the order of the files, so that rejected rows are.
        .buffered(IN_FLIGHT_MAX);
    while let Some(step) = sent.next().await {
        match step? {
            Step::File { name, columns } => rejects.file(name, columns)?,
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
    File { name: String, columns: Vec<String> },
    Sent(Sent),
}
