//! Tells which rows are left out, and keeps them.

use std::{
    io,
    path::{Path, PathBuf},
};

use klout_chassis::Clock;
use klout_import::RejectedWriter;
use time::macros::format_description;

use super::reading::RejectedRow;
use crate::{data_directory::DataDirectory, exit::Failure};

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
    header: Vec<String>,
    count: u64,
    writer: Option<RejectedWriter>,
}

// === impl Rejects ===

impl Rejects {
    pub(super) fn new(path: Option<PathBuf>, data_dir: Option<PathBuf>) -> Self {
        Self { path, data_dir, files: 0, current: None }
    }

    /// Another file begins.
    pub(super) fn file(&mut self, name: String, header: Vec<String>) -> Result<(), Failure> {
        self.finish_file()?;
        self.current = Some(File { name, header, count: 0, writer: None });
        Ok(())
    }

    pub(super) fn add(&mut self, rows: &[RejectedRow]) -> Result<(), Failure> {
        let Some(file) = &mut self.current else { return Ok(()) };
        for row in rows {
            file.count += 1;
            if file.count <= TOLD_MAX {
                let RejectedRow { line, reason, message, .. } = row;
                eprintln!("{}:{line}: {reason} ({message})", file.name);
            }
            let writer = match &mut file.writer {
                Some(writer) => writer,
                None => {
                    self.files += 1;
                    let path = match &self.path {
                        Some(asked) => numbered(asked, self.files),
                        None => default_path(self.data_dir.clone(), self.files, &file.name)?,
                    };
                    file.writer.insert(RejectedWriter::new(path, &file.header))
                }
            };
            writer
                .write(row.fields.iter().map(Vec::as_slice), &row.reason)
                .map_err(|error| failed(writer.path(), &error))?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.finish_file()
    }

    fn finish_file(&mut self) -> Result<(), Failure> {
        let Some(File { name, count, writer: Some(writer), .. }) = self.current.take() else {
            return Ok(());
        };
        let path = writer.path().to_owned();
        writer.finish().map_err(|error| failed(&path, &error))?;
        eprintln!("klout: {name}: rows left out: {count}, kept in {}", path.display());
        Ok(())
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
    let extension = asked.extension().unwrap_or_default().to_string_lossy();
    asked.with_extension(format!("{nth}.{extension}"))
}

/// The same when nobody asked for one.
fn default_path(data_dir: Option<PathBuf>, nth: u32, name: &str) -> Result<PathBuf, Failure> {
    let folder = DataDirectory::path_or_default(data_dir)?;
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    let time = Clock::running().now().format(format).map_err(|error| Failure::failed(&error))?;
    let name = Path::new(name).file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".gz").unwrap_or(&name).to_owned();
    Ok(folder.join("rejected").join(format!("{time}-{nth}-{name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_file_with_rejected_rows_gets_a_number() {
        let asked = Path::new("out/bad.csv");
        assert_eq!(numbered(asked, 1), Path::new("out/bad.csv"));
        assert_eq!(numbered(asked, 2), Path::new("out/bad.2.csv"));
    }
}
