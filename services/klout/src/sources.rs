//! Files of signals, of whatever format, for the commands that read them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use klout_import::{
    CsvReader, CsvSignals, Dump, EachLine, Format, Input, ReadError, Row, SignalReader, dumps,
    files,
};
use klout_score_engine::AccountName;

use crate::{exit::Failure, printable};

/// Files to read, one after the other.
pub(crate) struct Sources {
    pub(crate) readers: Box<dyn Iterator<Item = Result<Box<dyn SignalReader>, ReadError>> + Send>,
    /// All that is read, and is not to be written over.
    pub(crate) inputs: Vec<PathBuf>,
    /// How many readers there are at most.
    pub(crate) files: usize,
    /// How much there is to read. `None`: nobody knows.
    pub(crate) bytes: Option<u64>,
}

/// Where somebody says to live. Empty: not told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) country: String,
    pub(crate) city: String,
}

/// A format of files that have posts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum FileFormat {
    /// JSON Lines
    Signals,
    /// CSV files of interactions, counters and posts
    Csv,
    /// Stack Exchange's data dump of a site
    #[value(name = "stackexchange")]
    StackExchange,
}

/// Hours of GH Archive, which have no posts.
///
/// # Errors
///
/// When they cannot be found.
pub(crate) fn gharchive(paths: &[PathBuf]) -> Result<Sources, Failure> {
    each(paths, &[".json"], EachLine::of_gharchive).map_err(|error| Failure::failed(&error))
}

/// The accounts of a file of those who joined, with where their owners say to live. Rows that are none are named on stderr.
///
/// # Errors
///
/// When it cannot be read, or is no such file.
pub(crate) fn registered(file: &Path) -> Result<BTreeMap<AccountName, Place>, Failure> {
    let input = Input::open(file).map_err(|error| Failure::failed(&error))?;
    let mut reader = CsvReader::new(input).map_err(|error| Failure::failed(&error))?;
    if reader.format() != Format::Registered {
        let message = "--registered takes a file with the columns network,account";
        return Err(Failure::Failed(format!("{}: {message}", file.display())));
    }
    let mut registered = BTreeMap::new();
    while let Some(record) = reader.next_record().map_err(|error| Failure::failed(&error))? {
        match record.row {
            Ok(Row::Registered(row)) => {
                let name = AccountName { network: row.network, native_id: row.account };
                registered.insert(name, Place { country: row.country, city: row.city });
            }
            Ok(_) => {}
            Err(rejection) => eprintln!(
                "{}:{}: {} ({})",
                printable::shortened(&file.display().to_string()),
                rejection.line,
                rejection.reason.as_str(),
                printable::shortened(&rejection.reason.to_string())
            ),
        }
    }
    Ok(registered)
}

// === impl FileFormat ===

impl FileFormat {
    /// Finds what there is to read. `site`: of a dump, what its ids begin with.
    ///
    /// # Errors
    ///
    /// When it cannot be found.
    pub(crate) fn open(self, paths: &[PathBuf], site: Option<&str>) -> Result<Sources, Failure> {
        if site.is_some() && self != Self::StackExchange {
            let message = "--site is for stackexchange: other files name their networks themselves";
            return Err(Failure::Usage(message.to_owned()));
        }
        let sources = match self {
            Self::Signals => each(paths, &[".jsonl", ".ndjson", ".json"], EachLine::of_signals),
            Self::Csv => each(paths, &[".csv"], CsvSignals::new),
            Self::StackExchange => dumps(paths, site).map(of_dumps),
        };
        sources.map_err(|error| Failure::failed(&error))
    }
}

/// The files of paths, each by itself.
fn each<R: SignalReader + 'static>(
    paths: &[PathBuf],
    endings: &[&str],
    open: impl Fn(Input) -> Result<R, ReadError> + Send + 'static,
) -> Result<Sources, ReadError> {
    let paths = files(paths, endings)?;
    let length = |path: &Path| path.metadata().ok().filter(|it| it.is_file()).map(|it| it.len());
    // A pipe has no length, and then the whole has none.
    let bytes = paths.iter().map(|path| length(path)).sum();
    let (inputs, files) = (paths.clone(), paths.len());
    let readers = paths.into_iter().map(move |path| {
        let reader: Box<dyn SignalReader> = Box::new(open(Input::open(&path)?)?);
        Ok(reader)
    });
    Ok(Sources { readers: Box::new(readers), inputs, files, bytes })
}

/// Dumps, whose files hang together.
fn of_dumps(dumps: Vec<Dump>) -> Sources {
    for dump in &dumps {
        for archive in dump.archives() {
            let (archive, folder) = (archive.display(), std::env::temp_dir());
            eprintln!("klout: {archive}: unpacking into temporary files in {}", folder.display());
        }
    }
    let bytes = Some(dumps.iter().map(Dump::bytes).sum());
    let inputs = dumps.iter().flat_map(Dump::paths).map(Path::to_owned).collect();
    let files = dumps.len() * Dump::READERS_MAX;
    let readers = Box::new(dumps.into_iter().flat_map(Dump::readers));
    Sources { readers, inputs, files, bytes }
}
