//! Answers of networks that were recorded, for the readers of libs/networks.

mod cassette;

use std::{
    collections::BTreeMap,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use klout_networks::{Account, Answer, Mode, Network, Recorded, Trouble, Visit, built};
use time::{OffsetDateTime, macros::datetime};
use url::Url;

use self::cassette::{Exchange, exchanges};
use crate::{say, workspace::sorted};

/// Reads every file of FOLDER/NETWORK that a network answered, and tells what came of it.
///
/// A file is a cassette of VCR, as YAML or JSON: its requests say which answers are to questions that we ask. An answer
/// by itself, as JSON, is one if its name says what was asked. What is asked is read, or refused by a reason that has a
/// name; it fails when anything panics. Nothing is asked of anybody.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  cargo xtask recordings ../recorded")]
pub struct Recordings {
    /// A folder with a folder for each network: bluesky, github, mastodon, mediawiki.
    folder: PathBuf,
}

/// When all that is recorded had happened, and not too long ago.
const SINCE: OffsetDateTime = datetime!(2000-01-01 0:00 UTC);

const NOW: OffsetDateTime = datetime!(2030-01-01 0:00 UTC);

/// What became of the answers of a network.
#[derive(Debug, Default)]
struct Found {
    files: usize,
    /// Files that are no recording of anything.
    broken: usize,
    answers: usize,
    parsed: usize,
    signals: usize,
    rejected: BTreeMap<&'static str, usize>,
    panicked: usize,
    /// Answers to what is not asked of the network.
    not_ours: usize,
}

// === impl Recordings ===

impl Recordings {
    pub(crate) fn run(self) -> Result<()> {
        say(
            "network     files  broken  answers  not ours   ours  parsed  signals  rejected  panicked  understood",
        );
        let mut all = Found::default();
        for network in built() {
            let name = network.description().network;
            let folder = self.folder.join(if name == "wikipedia" { "mediawiki" } else { name });
            let mut found = Found::default();
            for file in files(&folder)? {
                found.look(*network, &file)?;
            }
            found.tell(name);
            all.add(found);
        }
        all.tell("all");
        ensure!(all.panicked == 0, "{} answers made a reader panic", all.panicked);
        ensure!(all.ours() > 0, "no file of {} has an answer to us", self.folder.display());
        Ok(())
    }
}

// === impl Found ===

impl Found {
    fn look(&mut self, network: &dyn Network, file: &Path) -> Result<()> {
        self.files += 1;
        let bytes = fs::read(file).with_context(|| format!("could not read {}", file.display()))?;
        let exchanges = match exchanges(network.description().network, file, &bytes) {
            Ok(exchanges) => exchanges,
            Err(problem) => {
                self.broken += 1;
                eprintln!("xtask: {}: no recording: {problem:#}", file.display());
                return Ok(());
            }
        };
        for exchange in exchanges {
            self.answers += 1;
            let Some((url, recorded)) = ours(network, &exchange) else {
                self.not_ours += 1;
                continue;
            };
            let read = catch_unwind(AssertUnwindSafe(|| read(network, &exchange, &url, &recorded)));
            match read {
                Ok(Ok(signals)) => {
                    self.parsed += 1;
                    self.signals += signals;
                }
                Ok(Err(trouble)) => {
                    *self.rejected.entry(trouble.reason()).or_default() += 1;
                    let (file, reason) = (file.display(), trouble.reason());
                    eprintln!("xtask: {file}: {url}: {reason}: {trouble}");
                }
                Err(_) => {
                    self.panicked += 1;
                    eprintln!("xtask: {}: {url}: PANICKED", file.display());
                }
            }
        }
        Ok(())
    }

    fn rejected(&self) -> usize {
        self.rejected.values().sum()
    }

    fn ours(&self) -> usize {
        self.parsed + self.rejected() + self.panicked
    }

    fn tell(&self, name: &str) {
        let Self { files, broken, answers, not_ours, parsed, signals, panicked, .. } = self;
        let (ours, rejected) = (self.ours(), self.rejected());
        // Read, or refused by name.
        let understood = match ours {
            0 => "-".to_owned(),
            ours => format!("{} %", 100 * (parsed + rejected) / ours),
        };
        say(&format!(
            "{name:<10} {files:>6} {broken:>7} {answers:>8} {not_ours:>9} {ours:>6} {parsed:>7} {signals:>8} \
             {rejected:>9} {panicked:>9} {understood:>11}"
        ));
        for (reason, count) in &self.rejected {
            say(&format!("  {count:>4} {reason}"));
        }
    }

    fn add(&mut self, other: Self) {
        self.files += other.files;
        self.broken += other.broken;
        self.answers += other.answers;
        self.parsed += other.parsed;
        self.signals += other.signals;
        self.panicked += other.panicked;
        self.not_ours += other.not_ours;
        for (reason, count) in other.rejected {
            *self.rejected.entry(reason).or_default() += count;
        }
    }
}

/// What was asked for, if it is something that we ask.
fn ours(network: &dyn Network, exchange: &Exchange) -> Option<(Url, Recorded)> {
    let url = Url::parse(&exchange.url).ok().filter(Url::has_host)?;
    let recorded = exchange.method.eq_ignore_ascii_case("get").then(|| network.recorded(&url))?;
    Some((url, recorded?))
}

/// Reads an answer as a visit would that had asked for it. Returns how many signals it yields.
fn read(
    network: &dyn Network,
    exchange: &Exchange,
    url: &Url,
    recorded: &Recorded,
) -> Result<usize, Trouble> {
    let answer =
        Answer { status: exchange.status, headers: &exchange.headers, body: &exchange.body };
    let visit = visit(network.description().network, url);
    match recorded {
        Recorded::Account => network.resolved(&visit, &answer).map(|_| 0),
        Recorded::Task(task) => network.read(&visit, task, &answer).map(|it| it.signals.len()),
    }
}

/// A visit of somebody where it was recorded.
fn visit(network: &str, url: &Url) -> Visit {
    let host = url.host_str().unwrap_or_default();
    let (native_id, handle) = match network {
        "bluesky" => ("did:plc:recorded".to_owned(), "recorded.example".to_owned()),
        "mastodon" => (format!("recorded@{host}"), format!("recorded@{host}")),
        "wikipedia" => (format!("{host}/1"), "Recorded".to_owned()),
        _ => ("1".to_owned(), "recorded".to_owned()),
    };
    let mut server = url.clone();
    server.set_query(None);
    if network != "wikipedia" {
        server.set_path("");
    }
    Visit {
        account: Account { native_id, handle: Some(handle) },
        public: server.clone(),
        own: Some(server),
        mode: Mode::Backfill,
        since: SINCE,
        synced: None,
        now: NOW,
    }
}

/// The recordings in a folder and in those within, in an order that is always the same.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in sorted(&folder)? {
            let is = |end: &str| path.extension().is_some_and(|it| it == end);
            if path.is_dir() {
                folders.push(path);
            } else if is("json") || is("yaml") || is("yml") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
