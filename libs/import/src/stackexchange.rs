//! Stack Exchange's official dump as signals.
//!
//! A dump is some XML files with a row a line. What a comment or a vote is about stands in another
//! file, so users and posts are read first, into an index on disk; then posts, comments and votes are
//! read into signals.

mod archive;
mod find;
mod html;
mod index;
mod reader;
mod row;
mod rows;
#[cfg(test)]
mod tests;

use std::{
    io::Seek as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{Input, ReadError, SignalReader};

pub use self::{find::dumps, reader::post_text};

use self::{archive::unpack, index::Index, reader::DumpReader, rows::Rows};

/// A file of a dump that we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Table {
    Users,
    Posts,
    Comments,
    Votes,
}

/// What is done with a file of a dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    /// It goes into the index.
    Index,
    /// It is read into signals.
    Signals,
}

/// The dump of one site.
#[derive(Debug)]
pub struct Dump {
    site: String,
    /// An archive that the files are packed in.
    archives: Vec<PathBuf>,
    files: Vec<(Table, Source)>,
}

/// Where a file of a dump is.
#[derive(Debug)]
enum Source {
    Path(PathBuf),
    /// A member of an archive that is still to be unpacked.
    Packed {
        archive: PathBuf,
        member: String,
        bytes: u64,
    },
    /// The same, unpacked into a file without a name, which is gone when we are.
    Unpacked {
        name: String,
        file: std::fs::File,
    },
}

/// What is read, one after the other.
#[derive(Debug)]
struct Steps {
    dump: Dump,
    index: Option<Arc<Index>>,
    left: std::vec::IntoIter<(Table, Pass)>,
}

// === impl Dump ===

impl Dump {
    /// As many files are read of one dump, at most.
    pub const READERS_MAX: usize = STEPS.len();

    /// What comes before the `/` of every native id.
    #[must_use]
    pub fn site(&self) -> &str {
        &self.site
    }

    /// The archives that have to be unpacked into temporary files.
    #[must_use]
    pub fn archives(&self) -> &[PathBuf] {
        &self.archives
    }

    /// The files that are read, archives and others.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        let files = self.files.iter().filter_map(|(_, source)| match source {
            Source::Path(path) => Some(path),
            Source::Packed { .. } | Source::Unpacked { .. } => None,
        });
        self.archives.iter().chain(files).map(PathBuf::as_path)
    }

    /// How much is read in all, posts twice.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let bytes = |table| self.source(table).map_or(0, Source::bytes);
        STEPS.iter().map(|(table, _)| bytes(*table)).sum()
    }

    /// Reads it, file by file. Posts come twice: once to be remembered, once to be signals.
    pub fn readers(self) -> impl Iterator<Item = Result<Box<dyn SignalReader>, ReadError>> + Send {
        let steps: Vec<_> =
            STEPS.into_iter().filter(|(table, _)| self.source(*table).is_some()).collect();
        Steps { dump: self, index: None, left: steps.into_iter() }
    }

    fn source(&self, table: Table) -> Option<&Source> {
        self.files.iter().find(|(it, _)| *it == table).map(|(_, source)| source)
    }
}

/// The order of reading: whatever speaks of something else comes after it.
const STEPS: [(Table, Pass); 5] = [
    (Table::Users, Pass::Index),
    (Table::Posts, Pass::Index),
    (Table::Posts, Pass::Signals),
    (Table::Comments, Pass::Signals),
    (Table::Votes, Pass::Signals),
];

// === impl Steps ===

impl Steps {
    fn open(&mut self, table: Table, pass: Pass) -> Result<Box<dyn SignalReader>, ReadError> {
        let index = match &self.index {
            Some(index) => Arc::clone(index),
            None => {
                unpack(&mut self.dump.files)?;
                Arc::clone(self.index.insert(Arc::new(Index::new()?)))
            }
        };
        let source = self.dump.source(table).expect("a step has a file");
        let rows = Rows::new(source.open()?)?;
        let reader = DumpReader::new(rows, table, pass, &self.dump.site, index)?;
        Ok(Box::new(reader))
    }
}

impl Iterator for Steps {
    type Item = Result<Box<dyn SignalReader>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (table, pass) = self.left.next()?;
        Some(self.open(table, pass))
    }
}

// === impl Source ===

impl Source {
    fn bytes(&self) -> u64 {
        match self {
            Self::Path(path) => path.metadata().map_or(0, |it| it.len()),
            Self::Packed { bytes, .. } => *bytes,
            Self::Unpacked { file, .. } => file.metadata().map_or(0, |it| it.len()),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Path(path) => path.display().to_string(),
            Self::Packed { archive, member, .. } => member_name(archive, member),
            Self::Unpacked { name, .. } => name.clone(),
        }
    }

    fn open(&self) -> Result<Input, ReadError> {
        match self {
            Self::Path(path) => Input::open(path),
            Self::Packed { .. } => {
                let problem = "was not unpacked".to_owned();
                Err(ReadError::Dump { name: self.name(), problem })
            }
            Self::Unpacked { name, file } => {
                let open = || {
                    let mut file = file.try_clone()?;
                    file.rewind()?;
                    Ok(file)
                };
                let file =
                    open().map_err(|source| ReadError::Open { name: name.clone(), source })?;
                let length = file.metadata().ok().map(|it| it.len());
                Input::from_reader(name.clone(), file, length)
            }
        }
    }
}

/// Reads one file of a dump of which nothing else is known: its comments and votes are about nobody. To
/// try what a reader does with a file, without a dump around it.
///
/// # Errors
///
/// When it is no file of a dump.
pub fn lone_file(input: Input) -> Result<Box<dyn SignalReader>, ReadError> {
    let rows = Rows::new(input)?;
    let Some(table) = Table::of_root(rows.root()) else {
        let problem = format!("holds {}, which is no file of Stack Exchange's dump", rows.root());
        return Err(ReadError::Dump { name: rows.name().to_owned(), problem });
    };
    let index = Arc::new(Index::new()?);
    Ok(Box::new(DumpReader::new(rows, table, Pass::Signals, "lone", index)?))
}

/// How to call a member of an archive in messages.
fn member_name(archive: &Path, member: &str) -> String {
    format!("{}/{member}", archive.display())
}

// === impl Table ===

impl Table {
    const ALL: [Self; 4] = [Self::Users, Self::Posts, Self::Comments, Self::Votes];

    /// Its root element; the name of the file is the same with a capital.
    const fn root(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Posts => "posts",
            Self::Comments => "comments",
            Self::Votes => "votes",
        }
    }

    fn of_root(root: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.root() == root)
    }

    /// By the name of a file, such as `Posts.xml` or `posts.xml.gz`.
    fn of_file(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        Self::of_root(name.strip_suffix(".xml")?)
    }
}
