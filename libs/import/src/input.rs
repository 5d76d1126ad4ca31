//! Opens files: a path, a folder or `-`, plain or gzip by content.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use flate2::bufread::MultiGzDecoder;

/// What is read from a file at once.
const BUFFER_BYTES: usize = 256 * 1024;

/// The first bytes of every gzip file.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Why a file cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("{name}: could not be opened")]
    Open {
        name: String,
        #[source]
        source: io::Error,
    },
    #[error("{name}: could not be read on after line {line}; is it cut off?")]
    Read {
        name: String,
        line: u64,
        #[source]
        source: io::Error,
    },
    #[error("{name}: is empty; the first line has to name the columns, such as {columns}")]
    Empty { name: String, columns: &'static str },
    #[error("{name}: the first line {problem}")]
    Header { name: String, problem: String },
    #[error("{name}: has no {files} in it")]
    Folder { name: String, files: String },
    #[error("{name}: is a list of accounts; give it with --registered")]
    Registered { name: String },
    #[error("{name}: is {encoding}; save it as UTF-8")]
    Encoding { name: String, encoding: String },
    #[error("{name}: {problem}")]
    Dump { name: String, problem: String },
    #[error("{name}: ends after line {line} without its {end}, so it is cut off")]
    Cut { name: String, line: u64, end: String },
    #[error("could not keep what a dump names in the temporary folder {folder}; is there room?")]
    Index {
        folder: String,
        #[source]
        source: io::Error,
    },
}

/// An open file, unpacked if it is gzip.
pub struct Input {
    pub(crate) name: String,
    pub(crate) bytes: Box<dyn Read + Send>,
    length: Option<u64>,
    position: Position,
}

/// How many bytes of a file were read, before unpacking: grows while it is read.
#[derive(Clone, Debug, Default)]
pub struct Position(Arc<AtomicU64>);

/// Counts what was read of the file itself, before unpacking.
struct Counted<R> {
    inner: R,
    position: Position,
}

// === impl ReadError ===

impl ReadError {
    /// Whether the file is good as far as it goes, and ends too early.
    pub(crate) fn is_cut(&self) -> bool {
        let cut_gzip = |source: &io::Error| source.kind() == io::ErrorKind::UnexpectedEof;
        matches!(self, Self::Cut { .. })
            || matches!(self, Self::Read { source, .. } if cut_gzip(source))
    }
}

// === impl Input ===

impl Input {
    /// Opens a file; `-` is stdin.
    ///
    /// # Errors
    ///
    /// When it is not there or not readable.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let name = path.display().to_string();
        if path.as_os_str() == "-" {
            return Self::from_reader("stdin".to_owned(), io::stdin(), None);
        }
        let open = || {
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            if metadata.is_dir() {
                return Err(io::Error::other("it is a folder"));
            }
            let length = metadata.is_file().then_some(metadata.len());
            Ok((file, length))
        };
        let (file, length) =
            open().map_err(|source| ReadError::Open { name: name.clone(), source })?;
        Self::from_reader(name, file, length)
    }

    /// Reads from anything; `length` is for progress.
    ///
    /// # Errors
    ///
    /// When its first bytes cannot be read.
    pub fn from_reader(
        name: String,
        reader: impl Read + Send + 'static,
        length: Option<u64>,
    ) -> Result<Self, ReadError> {
        let position = Position::default();
        let counted = Counted { inner: reader, position: position.clone() };
        let mut buffered = BufReader::with_capacity(BUFFER_BYTES, counted);
        let start =
            buffered.fill_buf().map_err(|source| ReadError::Open { name: name.clone(), source })?;
        let bytes: Box<dyn Read + Send> = if start.starts_with(&GZIP_MAGIC) {
            Box::new(MultiGzDecoder::new(buffered))
        } else {
            Box::new(buffered)
        };
        Ok(Self { name, bytes, length, position })
    }

    /// How to call it in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// In bytes, as it lies on the disk. `None` for a pipe.
    #[must_use]
    pub const fn length(&self) -> Option<u64> {
        self.length
    }

    /// How many of those bytes were read.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position.clone()
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.bytes.read(buffer)
    }
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Input({})", self.name)
    }
}

// === impl Position ===

impl Position {
    /// In bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

// === impl Counted ===

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.position.0.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

/// The files that `paths` name: a folder stands for its files with one of these `endings`, plain or
/// gzip, by name.
///
/// # Errors
///
/// When a folder cannot be listed, or has no such file.
pub fn files(paths: &[PathBuf], endings: &[&str]) -> Result<Vec<PathBuf>, ReadError> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let name = path.display().to_string();
        let mut inside = list(path)?;
        inside.retain(|path| {
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let plain = file.strip_suffix(".gz").unwrap_or(&file);
            endings.iter().any(|ending| plain.ends_with(ending))
        });
        if inside.is_empty() {
            let files = format!("{} or {}.gz file", endings.join(", "), endings[0]);
            return Err(ReadError::Folder { name, files });
        }
        files.append(&mut inside);
    }
    Ok(files)
}

/// What lies in a folder, by name.
pub(crate) fn list(folder: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let name = folder.display().to_string();
    let entries: io::Result<Vec<PathBuf>> = std::fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| entry.map(|it| it.path())).collect());
    let mut entries = entries.map_err(|source| ReadError::Open { name, source })?;
    entries.sort();
    Ok(entries)
}
