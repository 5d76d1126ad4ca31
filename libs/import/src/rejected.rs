//! Keeps the rows that were left out, so that they can be mended and imported again.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
};

/// The column that rejected rows have more.
const REASON: &str = "reason";

/// Writes rejected rows under their own header, with a last column `reason`. The file is made when
/// the first row comes.
#[derive(Debug)]
pub struct RejectedWriter {
    file: LateFile<csv::Writer<File>>,
    /// The columns of the file that the rows come from, less `reason`.
    columns: Vec<String>,
    /// Where `reason` is in that file, if it was among rejected rows before.
    reason_before: Option<usize>,
}

/// Writes rejected lines as they are. The file is made when the first line comes.
#[derive(Debug)]
pub struct LinesWriter {
    file: LateFile<BufWriter<File>>,
}

/// A file that is made when it is first written to.
#[derive(Debug)]
struct LateFile<W> {
    path: PathBuf,
    writer: Option<W>,
}

// === impl RejectedWriter ===

impl RejectedWriter {
    /// A writer of rows of a file with this header.
    #[must_use]
    pub fn new(path: PathBuf, header: &[String]) -> Self {
        let reason_before = header.iter().position(|name| name == REASON);
        let columns = header.iter().filter(|name| *name != REASON).cloned().collect();
        Self { file: LateFile { path, writer: None }, columns, reason_before }
    }

    /// Adds a row: its fields, less a `reason` that it may have from an earlier time, and the stable name
    /// of why it is left out.
    ///
    /// A row with too many or too few fields loses nothing and never becomes as wide as the header, or
    /// the file would be taken in unmended: fields that are missing are empty, and what is too much stands
    /// after the reason, if it is only an empty field.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write<'a>(
        &mut self,
        fields: impl Iterator<Item = &'a [u8]>,
        reason: &str,
    ) -> io::Result<()> {
        let mut fields: Vec<&[u8]> = fields.collect();
        let is_whole =
            fields.len() == self.columns.len() + usize::from(self.reason_before.is_some());
        if let Some(place) = self.reason_before {
            // In a row of another width the place may hold anything, and only the same reason is one.
            let before = fields.get(place);
            if before.is_some_and(|before| is_whole || *before == reason.as_bytes()) {
                fields.remove(place);
            }
        }
        if fields.len() < self.columns.len() {
            fields.resize(self.columns.len(), b"");
        }
        let (fields, mut surplus) = fields.split_at(self.columns.len());
        if surplus.is_empty() && !is_whole {
            surplus = &[b""];
        }

        let columns = &self.columns;
        let file = self.file.open(|path| {
            // Rows may have any number of fields: that is why they are here.
            let mut file = csv::WriterBuilder::new().flexible(true).from_path(path)?;
            file.write_record(columns.iter().map(String::as_str).chain([REASON]))?;
            Ok(file)
        })?;
        let row = fields.iter().copied().chain([reason.as_bytes()]);
        file.write_record(row.chain(surplus.iter().copied()))?;
        Ok(())
    }

    /// Writes out what is buffered, and returns the path if there is a file.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn finish(self) -> io::Result<Option<PathBuf>> {
        self.file.finish(csv::Writer::flush)
    }

    /// Where the file is, or would be.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.file.path
    }
}

// === impl LinesWriter ===

impl LinesWriter {
    /// A writer of lines.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self { file: LateFile { path, writer: None } }
    }

    /// Adds a line.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let file = self.file.open(|path| File::create(path).map(BufWriter::new))?;
        file.write_all(line)?;
        file.write_all(b"\n")
    }

    /// Writes out what is buffered, and returns the path if there is a file.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn finish(self) -> io::Result<Option<PathBuf>> {
        self.file.finish(BufWriter::flush)
    }

    /// Where the file is, or would be.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.file.path
    }
}

// === impl LateFile ===

impl<W> LateFile<W> {
    fn open(&mut self, make: impl FnOnce(&Path) -> io::Result<W>) -> io::Result<&mut W> {
        match &mut self.writer {
            Some(writer) => Ok(writer),
            none => {
                make_folder_of(&self.path)?;
                Ok(none.insert(make(&self.path)?))
            }
        }
    }

    fn finish(self, flush: fn(&mut W) -> io::Result<()>) -> io::Result<Option<PathBuf>> {
        self.writer.map(|mut writer| flush(&mut writer).map(|()| self.path)).transpose()
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

    /// Writes the rows of a file that are rejected; returns the file of them, and how many are not.
    fn rejected_of(text: &str) -> (String, usize) {
        let folder = tempfile::tempdir().expect("a folder");
        let input = Input::from_reader("a.csv".to_owned(), Cursor::new(text.to_owned()), None);
        let mut reader = CsvReader::new(input.expect("readable")).expect("a header");
        let mut writer = RejectedWriter::new(folder.path().join("a.csv"), reader.header());
        let mut accepted = 0;
        while let Some(record) = reader.next_record().expect("readable") {
            match &record.row {
                Ok(_) => accepted += 1,
                Err(rejection) => {
                    writer.write(record.fields(), rejection.reason.as_str()).expect("written");
                }
            }
        }
        let path = writer.finish().expect("written").expect("a file");
        (fs::read_to_string(path).expect("a file"), accepted)
    }

    #[test]
    fn rejected_rows_lose_nothing_and_are_never_taken_unmended() {
        let long = "x".repeat(2 * 1024 * 1024);
        let time = "2018-05-01T00:00:00Z";
        let text = format!(
            "time,network,account,post,text\n\
             {time},bluesky,ann,p,first, second\n\
             {time},bluesky,ann,p\n\
             {time},bluesky,,p,text\n\
             {time}\n\
             {long}\n"
        );
        let (first, accepted) = rejected_of(&text);
        assert_eq!(accepted, 0);
        let lines: Vec<_> = first.lines().collect();
        let expected = [
            "time,network,account,post,text,reason".to_owned(),
            format!("{time},bluesky,ann,p,first,ROW_MALFORMED, second"),
            format!("{time},bluesky,ann,p,,ROW_MALFORMED,"),
            format!("{time},bluesky,,p,text,ACCOUNT_INVALID"),
            format!("{time},,,,,ROW_MALFORMED,"),
        ];
        assert_eq!(lines[..5], expected);
        let mut again = first.clone();
        for _ in 0..3 {
            let accepted;
            (again, accepted) = rejected_of(&again);
            assert_eq!((again.as_str(), accepted), (first.as_str(), 0));
        }
    }

    #[test]
    fn an_earlier_reason_is_told_by_its_place() {
        let (text, _) =
            rejected_of("network,reason,account\nBAD,ANY,ann\nx,ROW_MALFORMED,a,b\nx,a,b,c\nx\n");
        assert_eq!(
            text,
            "network,account,reason\nBAD,ann,NETWORK_INVALID\nx,a,ROW_MALFORMED,b\n\
             x,a,ROW_MALFORMED,b,c\nx,,ROW_MALFORMED,\n"
        );
    }

    #[test]
    fn without_a_rejected_row_there_is_no_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rejected.csv");
        assert_eq!(RejectedWriter::new(path.clone(), &[]).finish().expect("nothing"), None);
        assert!(!path.exists());
    }
}
