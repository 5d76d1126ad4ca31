//! Tells which rows are left out, and keeps them.

use std::{
    io,
    path::{Path, PathBuf},
};

use klout_chassis::Clock;
use klout_import::RejectedWriter;
use time::macros::format_description;

use super::reading::RejectedRow;
use crate::exit::Failure;

/// Rows of one file that are told on stderr; the others are only in the file of rejected rows.
const TOLD_MAX: u64 = 20;

/// Where rejected rows go.
#[derive(Debug)]
pub(super) struct Rejects {
    /// As asked for; `None`: beside the data.
    path: Option<PathBuf>,
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
    pub(super) fn new(path: Option<PathBuf>) -> Self {
        Self { path, files: 0, current: None }
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
                    let path = path(self.path.as_deref(), self.files, &file.name)?;
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

/// Where the rejected rows of a file go, the `nth` that has any.
fn path(asked: Option<&Path>, nth: u32, name: &str) -> Result<PathBuf, Failure> {
    if let Some(asked) = asked {
        if nth == 1 {
            return Ok(asked.to_owned());
        }
        let extension = asked.extension().unwrap_or_default().to_string_lossy();
        return Ok(asked.with_extension(format!("{nth}.{extension}")));
    }
    let folder = dirs::data_dir().ok_or_else(|| {
        Failure::Failed("there is no home folder; name a file with --rejected".into())
    })?;
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    let time = Clock::running().now().format(format).map_err(|error| Failure::failed(&error))?;
    let name = Path::new(name).file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".gz").unwrap_or(&name).to_owned();
    Ok(folder.join("klout/rejected").join(format!("{time}-{nth}-{name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_file_with_rejected_rows_gets_a_number() {
        let asked = Some(Path::new("out/bad.csv"));
        assert_eq!(path(asked, 1, "a.csv").expect("a path"), Path::new("out/bad.csv"));
        assert_eq!(path(asked, 2, "b.csv").expect("a path"), Path::new("out/bad.2.csv"));
    }
}
