//! Tells which rows are left out, and keeps them.

use std::{
    collections::HashSet,
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use klout_chassis::Clock;
use klout_import::{Kept, LinesWriter, RejectedWriter};
use klout_proto::json;
use time::macros::format_description;

use super::reading::RejectedRow;
use crate::{data_directory::DataDirectory, exit::Failure, printable};

/// Rows of one file that are told on stderr; the others are only in the file of rejected rows.
const TOLD_MAX: u64 = 20;

/// Where rejected rows go.
#[derive(Debug)]
pub(super) struct Rejects {
    /// As asked for; `None`: in the data directory.
    path: Option<PathBuf>,
    /// As asked for; `None`: the default one.
    data_dir: Option<PathBuf>,
    /// How many files have rejected rows.
    files: u32,
    current: Option<File>,
}

/// The rejected rows of one file.
#[derive(Debug)]
struct File {
    name: String,
    columns: Vec<String>,
    count: u64,
    writers: Option<Writers>,
}

/// Each makes its file when the first row for it comes.
#[derive(Debug)]
struct Writers {
    /// What the command takes again: rows under their columns, or lines.
    rows: RejectedWriter,
    lines: LinesWriter,
    /// What has to be mended where it came from.
    beside: LinesWriter,
}

// === impl Rejects ===

impl Rejects {
    pub(super) fn new(path: Option<PathBuf>, data_dir: Option<PathBuf>) -> Self {
        Self { path, data_dir, files: 0, current: None }
    }

    /// Refuses to write over what is still to be read.
    ///
    /// # Errors
    ///
    /// When a file for rejected rows of `files` files is one of the `inputs`.
    pub(super) fn check<'a>(
        &self,
        inputs: impl Iterator<Item = &'a Path>,
        files: usize,
    ) -> Result<(), Failure> {
        let Some(asked) = &self.path else { return Ok(()) };
        let inputs: HashSet<_> = inputs.filter_map(file_identity).collect();
        for nth in (1..).take(files) {
            let path = numbered(asked, nth);
            for path in [beside(&path), path] {
                if file_identity(&path).is_some_and(|it| inputs.contains(&it)) {
                    return Err(Failure::Usage(format!(
                        "--rejected would write over {}, which is to be read; name another file",
                        path.display()
                    )));
                }
            }
        }
        Ok(())
    }

    /// Another file begins.
    pub(super) fn file(&mut self, name: String, columns: Vec<String>) -> Result<(), Failure> {
        self.finish_file()?;
        self.current = Some(File { name, columns, count: 0, writers: None });
        Ok(())
    }

    pub(super) fn add(&mut self, rows: &[RejectedRow]) -> Result<(), Failure> {
        let Some(file) = &mut self.current else { return Ok(()) };
        for row in rows {
            file.count += 1;
            if file.count <= TOLD_MAX {
                let RejectedRow { origin, reason, message, .. } = row;
                let [name, reason, message] =
                    [&file.name, reason, message].map(|text| printable::shortened(text));
                eprintln!("{name}:{}: {reason} ({message})", origin.line);
            }
            let writers = match &mut file.writers {
                Some(writers) => writers,
                None => {
                    self.files += 1;
                    let (path, beside) = match &self.path {
                        Some(asked) => {
                            let path = numbered(asked, self.files);
                            let beside = beside(&path);
                            (path, beside)
                        }
                        None => default_paths(self.data_dir.clone(), self.files, &file.name)?,
                    };
                    file.writers.insert(Writers::new(path, beside, &file.columns))
                }
            };
            writers.write(row)?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.finish_file()
    }

    fn finish_file(&mut self) -> Result<(), Failure> {
        let Some(File { name, count, writers: Some(writers), .. }) = self.current.take() else {
            return Ok(());
        };
        let kept = writers.finish()?.join(" and ");
        let name = printable::shortened(&name);
        eprintln!("klout: {name}: rows left out: {count}, kept in {kept}");
        Ok(())
    }
}

// === impl Writers ===

impl Writers {
    fn new(path: PathBuf, beside: PathBuf, columns: &[String]) -> Self {
        Self {
            rows: RejectedWriter::new(path.clone(), columns),
            lines: LinesWriter::new(path),
            beside: LinesWriter::new(beside),
        }
    }

    fn write(&mut self, row: &RejectedRow) -> Result<(), Failure> {
        let (written, path) = match &row.origin.kept {
            Kept::Fields(fields) => {
                let fields = fields.iter().map(Vec::as_slice);
                (self.rows.write(fields, &row.reason), self.rows.path())
            }
            Kept::Line(line) => (self.lines.write(line), self.lines.path()),
            Kept::Row(line) => (self.beside.write(line), self.beside.path()),
            Kept::Signal => {
                let line = row.signal.as_ref().map(|it| json::to_value(it).to_string());
                let line = line.unwrap_or_default();
                (self.lines.write(line.as_bytes()), self.lines.path())
            }
        };
        written.map_err(|error| failed(path, &error))
    }

    /// The files that there are.
    fn finish(self) -> Result<Vec<String>, Failure> {
        let Self { rows, lines, beside } = self;
        let (path, path_beside) = (lines.path().to_owned(), beside.path().to_owned());
        let finished = [
            rows.finish().map_err(|error| failed(&path, &error))?,
            lines.finish().map_err(|error| failed(&path, &error))?,
            beside.finish().map_err(|error| failed(&path_beside, &error))?,
        ];
        Ok(finished.into_iter().flatten().map(|path| path.display().to_string()).collect())
    }
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::Failed(format!("{}: could not be written: {error}", path.display()))
}

/// The file for the `nth` file that has rejected rows.
fn numbered(asked: &Path, nth: u32) -> PathBuf {
    if nth == 1 {
        return asked.to_owned();
    }
    match asked.extension() {
        Some(extension) => asked.with_extension(format!("{nth}.{}", extension.display())),
        None => asked.with_extension(nth.to_string()),
    }
}

/// The file for what has to be mended where it came from.
fn beside(path: &Path) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".xml");
    beside.into()
}

/// What tells an ordinary file from all others, whatever it is called; `-` is the one that stdin is.
fn file_identity(path: &Path) -> Option<(u64, u64)> {
    let path = if path.as_os_str() == "-" { Path::new("/dev/stdin") } else { path };
    let metadata = path.metadata().ok().filter(|it| it.is_file())?;
    Some((metadata.dev(), metadata.ino()))
}

/// The same when nobody asked for one, and the file beside it. What is left out of XML is JSON Lines.
fn default_paths(
    data_dir: Option<PathBuf>,
    nth: u32,
    name: &str,
) -> Result<(PathBuf, PathBuf), Failure> {
    let folder = DataDirectory::path_or_default(data_dir)?.join("rejected");
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    let time = Clock::running().now().format(format).map_err(|error| Failure::failed(&error))?;
    let name = Path::new(name).file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let beside = folder.join(format!("{time}-{nth}-{name}"));
    let path = match name.strip_suffix(".xml") {
        Some(name) => folder.join(format!("{time}-{nth}-{name}.jsonl")),
        None => beside.clone(),
    };
    Ok((path, beside))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_file_with_rejected_rows_gets_a_number() {
        let asked = Path::new("out/bad.csv");
        assert_eq!(numbered(asked, 1), Path::new("out/bad.csv"));
        assert_eq!(numbered(asked, 2), Path::new("out/bad.2.csv"));
        assert_eq!(numbered(Path::new("out.d/bad"), 2), Path::new("out.d/bad.2"));
    }

    #[test]
    fn a_file_that_is_to_be_read_is_not_written_over_whatever_it_is_called() {
        let folder = tempfile::tempdir().expect("a folder");
        let [bad, second, link, beside] =
            ["bad.csv", "bad.2.csv", "link", "new.csv.xml"].map(|it| folder.path().join(it));
        for file in [&bad, &second, &beside] {
            std::fs::write(file, "rows").expect("a file");
        }
        std::os::unix::fs::symlink(&bad, &link).expect("a link");
        let new = folder.path().join("new.csv");
        let is_refused = |asked: &Path, input: &Path, files| {
            let rejects = Rejects::new(Some(asked.to_owned()), None);
            let checked = rejects.check([input].into_iter(), files);
            assert!(matches!(checked, Ok(()) | Err(Failure::Usage(_))), "{checked:?}");
            checked.is_err()
        };
        assert!(is_refused(&bad, &bad, 1) && is_refused(&link, &bad, 1));
        assert!(is_refused(&bad, &link, 1) && is_refused(&new, &beside, 1));
        assert!(is_refused(&bad, &second, 2) && !is_refused(&bad, &second, 1));
        assert!(!is_refused(&new, &bad, 2) && !is_refused(&new, &new, 2));
    }

    #[test]
    fn rows_of_xml_lie_beside_the_signals_of_the_same_file() {
        let folder = Some(PathBuf::from("data"));
        let (path, beside) = default_paths(folder, 1, "dump/Votes.xml.gz").expect("a clock");
        assert!(path.to_string_lossy().ends_with("-1-Votes.jsonl"), "{}", path.display());
        assert!(beside.to_string_lossy().ends_with("-1-Votes.xml"), "{}", beside.display());
    }
}
