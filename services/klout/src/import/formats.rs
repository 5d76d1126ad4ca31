//! The formats: what each is given, and what it is read with. All else is the same for all.

use std::path::PathBuf;

use super::Options;
use crate::{
    exit::Failure,
    sources::{FileFormat, Sources, gharchive},
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum ImportFormat {
    Signals(ImportSignals),
    Csv(ImportCsv),
    #[command(name = "stackexchange")]
    StackExchange(ImportStackExchange),
    #[command(name = "gharchive")]
    GhArchive(ImportGhArchive),
}

/// Takes in JSON Lines: whatever a signal can say, one a line.
///
/// A line is a klout.signal.v1.Signal as canonical protobuf JSON, as every API of Klout takes it. Its
/// identity is its network, whose it is, and its signalId: importing a file twice changes nothing. A
/// line that is left out is named on stderr with its reason, kept as it was in a file that can be
/// mended and imported, and stops nothing. Ends when all scores can be read.
#[derive(Debug, clap::Args)]
#[command(
    after_help = r#"Lines look like this; docs/import.md and proto/klout/signal/v1/signal.proto tell the rest:
  {"network":"bluesky","signalId":"1","time":"2018-05-01T00:00:00Z","interaction":
    {"actor":{"nativeId":"bob"},"subject":{"nativeId":"ann","handle":"Ann"},"kind":"like"}}

Examples:
  klout import signals signals.jsonl.gz --register-all
  my-exporter | klout import signals - --registered members.csv"#
)]
pub(super) struct ImportSignals {
    /// Files of JSON Lines, folders of them (.jsonl, .ndjson, .json), or - for stdin
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    options: Options,
}

/// Takes in CSV files of interactions, counters and posts.
///
/// Importing a file twice changes nothing: a row is what its id says, or what it says itself and how
/// many equal rows of the file came before it, for which 24 to 48 bytes a row are held in memory. A row that is left out is named on stderr, kept in a
/// file of rejected rows that can be mended and imported, and stops nothing. Ends when all scores can
/// be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Files are told by their header, in any order of columns, plain or gzip:
  time,network,actor,subject,kind,count      interactions (+ id, post, label)
  time,network,account,counter,value         counters (+ id, post)
  time,network,account,post                  posts (+ id, text)

Examples:
  klout import csv interactions.csv.gz posts.csv.gz --register-all
  klout import csv folder --registered members.csv")]
pub(super) struct ImportCsv {
    /// CSV files, folders of them, or - for stdin
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    options: Options,
}

/// Takes in Stack Exchange's data dump of a site.
///
/// Questions and answers become posts; an answer a reply to whoever asked, a comment a comment on
/// whoever posted, an up-vote a like of nobody in particular, an accepted answer an accept by whoever
/// asked. Down-votes count nothing, nor does what somebody does to a post of their own. Accounts are
/// SITE/USERID on the network stackexchange, and are called by their display names. Importing a dump
/// twice changes nothing, and a newer dump adds what is new. Ends when all scores can be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A dump is a folder with Users.xml and Posts.xml, and Comments.xml and Votes.xml if they are there,
plain or gzip, or a .7z archive of them, which is unpacked into temporary files. Other files of a dump
are left alone. Old dumps need an old clock: signals count for 90 days (klout up --as-of TIME).

Signals that are refused are kept as JSON Lines for `klout import signals`; XML rows that cannot be
read are kept as they were in a file beside, .xml: mend them in the dump, and import it again.

Examples:
  klout import stackexchange quantumcomputing.stackexchange.com.7z --register-all
  klout import stackexchange stackexchange-quantumcomputing --registered members.csv
  klout import stackexchange stackoverflow.com-*.7z --site stackoverflow --register-all")]
pub(super) struct ImportStackExchange {
    /// Folders or .7z archives of dumps, or the files of one
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The site, which is the first part of every native id; then all paths are parts of its one dump
    /// [default: what the folder or archive is called, less `stackexchange-`, `.stackexchange.com`, `.7z`]
    #[arg(long, value_name = "NAME")]
    site: Option<String>,
    #[command(flatten)]
    options: Options,
}

/// Takes in hours of GH Archive: what people do to the repositories of others.
///
/// A star is a like of the repository's owner, a fork a reshare, each comment a comment, every action
/// of an issue a mention, every action of a pull request and each review a reply, and a follower a
/// follow. Pushes and whatever else there is count nothing, nor does what somebody does to a repository
/// of their own. Accounts are login/NAME on the network github. Importing an hour twice changes nothing.
/// Ends when all scores can be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Files are JSON Lines, plain or gzip, as gharchive.org has them since 2015, or minimised:
  {\"id\":\"1\",\"dt\":\"2015-02-22T21:00:05Z\",\"repo\":\"owner/name\",\"type\":\"watch\",\"actor\":\"name\"}
Older files join events without line ends; a line of several events is left out. Old hours need an old
clock: signals count for 90 days (klout up --as-of TIME).

Examples:
  klout import gharchive 2015-02-22-21.json.gz --register-all
  curl https://data.gharchive.org/2026-01-01-15.json.gz | klout import gharchive - --register-all")]
pub(super) struct ImportGhArchive {
    /// Hours of GH Archive, folders of them (.json), or - for stdin
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    options: Options,
}

// === impl ImportFormat ===

impl ImportFormat {
    /// Finds what there is to read, and tells what to do with it.
    pub(super) fn open(self) -> Result<(Sources, Options), Failure> {
        Ok(match self {
            Self::Signals(it) => (FileFormat::Signals.open(&it.paths, None)?, it.options),
            Self::Csv(it) => (FileFormat::Csv.open(&it.paths, None)?, it.options),
            Self::StackExchange(it) => {
                (FileFormat::StackExchange.open(&it.paths, it.site.as_deref())?, it.options)
            }
            Self::GhArchive(it) => (gharchive(&it.paths)?, it.options),
        })
    }
}
