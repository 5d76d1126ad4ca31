//! Keeps the rows that were left out, so that they can be mended and imported again.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
};

/// Writes rejected rows under their own header, with a last column `reason`. The file is made when
/// the first row comes.
#[derive(Debug)]
pub struct RejectedWriter {
    path: PathBuf,
    header: Vec<String>,
    file: Option<csv::Writer<File>>,
}

/// Writes rejected lines as they are. The file is made when the first line comes.
#[derive(Debug)]
pub struct LinesWriter {
    path: PathBuf,
    file: Option<BufWriter<File>>,
}

// === impl RejectedWriter ===

impl RejectedWriter {
    /// A writer of rows with these columns.
    #[must_use]
    pub fn new(path: PathBuf, header: &[String]) -> Self {
        let header = header.iter().filter(|name| *name != "reason").cloned().collect();
        Self { path, header, file: None }
    }

    /// Adds a row: its fields, less a `reason` that it may have from an earlier time, and the stable name
    /// of why it is left out.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write<'a>(
        &mut self,
        fields: impl Iterator<Item = &'a [u8]>,
        reason: &str,
    ) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                make_folder_of(&self.path)?;
                // Rows may have any number of fields: that is why they are here.
                let mut file = csv::WriterBuilder::new().flexible(true).from_path(&self.path)?;
                file.write_record(self.header.iter().map(String::as_str).chain(["reason"]))?;
                self.file.insert(file)
            }
        };
        for field in fields.take(self.header.len()) {
            file.write_field(field)?;
        }
        file.write_field(reason)?;
        file.write_record(None::<&[u8]>)?;
        Ok(())
    }

    /// Writes out what is buffered, and returns the path if there is a file.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn finish(self) -> io::Result<Option<PathBuf>> {
        match self.file {
            Some(mut file) => {
                file.flush()?;
                Ok(Some(self.path))
            }
            None => Ok(None),
        }
    }

    /// Where the file is, or would be.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

// === impl LinesWriter ===

impl LinesWriter {
    /// A writer of lines.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self { path, file: None }
    }

    /// Adds a line.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                make_folder_of(&self.path)?;
                self.file.insert(BufWriter::new(File::create(&self.path)?))
            }
        };
        file.write_all(line)?;
        file.write_all(b"\n")
    }

    /// Writes out what is buffered, and returns the path if there is a file.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn finish(self) -> io::Result<Option<PathBuf>> {
        match self.file {
            Some(mut file) => {
                file.flush()?;
                Ok(Some(self.path))
            }
            None => Ok(None),
        }
    }

    /// Where the file is, or would be.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn make_folder_of(path: &Path) -> io::Result<()> {
    match path.parent().filter(|it| !it.as_os_str().is_empty()) {
        Some(folder) => fs::create_dir_all(folder),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::{CsvReader, Input};

    #[test]
    fn a_rejected_row_keeps_its_fields_and_gets_its_reason_and_can_be_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep/rejected.csv");
        let text = "network,account\nBAD,\"a,\"\"b\"\nx,y\n";
        let input =
            Input::from_reader("a.csv".to_owned(), Cursor::new(text), None).expect("readable");
        let mut reader = CsvReader::new(input).expect("a header");
        let mut writer = RejectedWriter::new(path.clone(), reader.header());
        while let Some(record) = reader.next_record().expect("readable") {
            if let Err(rejection) = &record.row {
                writer.write(record.fields(), rejection.reason.as_str()).expect("written");
            }
        }
        assert_eq!(writer.finish().expect("written"), Some(path.clone()));

        let written = fs::read_to_string(&path).expect("a file");
        assert_eq!(written, "network,account,reason\nBAD,\"a,\"\"b\",NETWORK_INVALID\n");
        let mended = written.replace("BAD", "good");
        let input =
            Input::from_reader("b.csv".to_owned(), Cursor::new(mended), None).expect("readable");
        let mut reader = CsvReader::new(input).expect("a header");
        assert!(reader.next_record().expect("readable").expect("a row").row.is_ok());
    }

    #[test]
    fn without_a_rejected_row_there_is_no_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rejected.csv");
        assert_eq!(RejectedWriter::new(path.clone(), &[]).finish().expect("nothing"), None);
        assert!(!path.exists());
    }
}
