//! The rows of a CSV file, as fields of bytes, in bounded memory whatever the file holds.

use std::io::Read as _;

use csv_core::ReadRecordResult;

use crate::ReadError;

/// What is unpacked at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// Reads rows one by one. A row that is longer than may be is told as such, and never held.
pub struct CsvRows {
    name: String,
    bytes: Box<dyn std::io::Read + Send>,
    core: csv_core::Reader,
    chunk: Box<[u8]>,
    /// The part of `chunk` that was not parsed yet.
    unread: std::ops::Range<usize>,
    /// Bytes of the file before `chunk`.
    before: u64,
    fields: CsvFields,
}

/// The fields of one row, in one buffer that is used again for the next.
#[derive(Debug)]
pub struct CsvFields {
    bytes: Box<[u8]>,
    ends: Box<[usize]>,
    count: usize,
    line: u64,
    start: u64,
    /// Whether the row was longer than the buffer; what is held is only its beginning.
    too_long: bool,
}

// === impl CsvRows ===

impl CsvRows {
    /// `name`: what the file is called in errors. A row has at most so many bytes and fields.
    #[must_use]
    pub fn new(
        name: String,
        bytes: Box<dyn std::io::Read + Send>,
        row_bytes_max: usize,
        fields_max: usize,
    ) -> Self {
        Self {
            name,
            bytes,
            core: csv_core::Reader::new(),
            chunk: vec![0; CHUNK_BYTES].into_boxed_slice(),
            unread: 0..0,
            before: 0,
            fields: CsvFields {
                bytes: vec![0; row_bytes_max].into_boxed_slice(),
                ends: vec![0; fields_max].into_boxed_slice(),
                count: 0,
                line: 1,
                start: 0,
                too_long: false,
            },
        }
    }

    /// How to call the file in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The next row, the header first; `None` after the last.
    ///
    /// # Errors
    ///
    /// When the file cannot be read on, for example because its gzip is cut off.
    pub fn next_row(&mut self) -> Result<Option<&CsvFields>, ReadError> {
        Ok(self.read_fields()?.then_some(&self.fields))
    }

    /// Fills `fields` with the next row. Returns whether there was one.
    fn read_fields(&mut self) -> Result<bool, ReadError> {
        self.fields.count = 0;
        self.fields.too_long = false;
        self.skip_line_ends()?;
        self.fields.line = self.core.line();
        self.fields.start = self.before + self.unread.start as u64;
        let (mut bytes, mut fields) = (0, 0);
        loop {
            if self.unread.is_empty() {
                self.fill()?;
            }
            let (result, read, written, ended) = self.core.read_record(
                &self.chunk[self.unread.clone()],
                &mut self.fields.bytes[bytes..],
                &mut self.fields.ends[fields..],
            );
            self.unread.start += read;
            bytes += written;
            fields += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::Record => {
                    self.fields.count = fields;
                    return Ok(true);
                }
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    self.fields.too_long = true;
                    self.skip_line()?;
                    return Ok(true);
                }
                ReadRecordResult::End => return Ok(false),
            }
        }
    }

    /// Passes over empty lines, and the second half of a CRLF, which the parser would count to the next
    /// row.
    fn skip_line_ends(&mut self) -> Result<(), ReadError> {
        loop {
            if self.unread.is_empty() {
                self.fill()?;
            }
            match self.chunk[self.unread.clone()].first() {
                Some(b'\n') => self.core.set_line(self.core.line() + 1),
                Some(b'\r') => {}
                Some(_) | None => return Ok(()),
            }
            self.unread.start += 1;
        }
    }

    /// Passes over the rest of a line that is too long. A quote that was never closed swallows what
    /// fits the buffer, and no more.
    fn skip_line(&mut self) -> Result<(), ReadError> {
        let line = self.core.line();
        self.core.reset();
        self.core.set_line(line + 1);
        loop {
            if self.unread.is_empty() {
                self.fill()?;
            }
            if self.unread.is_empty() {
                return Ok(());
            }
            let found = self.chunk[self.unread.clone()].iter().position(|byte| *byte == b'\n');
            match found {
                Some(place) => {
                    self.unread.start += place + 1;
                    return Ok(());
                }
                None => self.unread.start = self.unread.end,
            }
        }
    }

    /// Reads on. Nothing read means the end of the file.
    fn fill(&mut self) -> Result<(), ReadError> {
        loop {
            match self.bytes.read(&mut self.chunk) {
                Ok(length) => {
                    self.before += self.unread.end as u64;
                    self.unread = 0..length;
                    return Ok(());
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(source) => {
                    let (name, line) = (self.name.clone(), self.core.line());
                    return Err(ReadError::Read { name, line, source });
                }
            }
        }
    }
}

impl std::fmt::Debug for CsvRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CsvRows({})", self.name)
    }
}

// === impl CsvFields ===

impl CsvFields {
    /// Where the row begins: from 1; the header has line 1.
    #[must_use]
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// How many bytes of the file are before the row.
    #[must_use]
    pub const fn start(&self) -> u64 {
        self.start
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether the row was longer, or had more fields, than it may: then there are none.
    #[must_use]
    pub const fn is_too_long(&self) -> bool {
        self.too_long
    }

    /// The fields as they stand in the file, without their quotes.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let ends = &self.ends[..self.count];
        let starts = std::iter::once(0).chain(ends.iter().copied());
        starts.zip(ends).map(|(start, end)| &self.bytes[start..*end])
    }

    /// The fields as names of columns, without the mark that some programs put before the first.
    ///
    /// # Errors
    ///
    /// When they cannot be; in words that stand after `the first line`.
    pub fn header(&self) -> Result<Vec<String>, &'static str> {
        if self.too_long {
            return Err("is too long to be a header");
        }
        let column = |field: &[u8]| {
            let column = std::str::from_utf8(field).map_err(|_| "is not UTF-8")?;
            Ok(column.trim_start_matches('\u{feff}').trim().to_owned())
        };
        self.iter().map(column).collect()
    }

    /// The first bytes of a row that is too long.
    pub(crate) fn beginning(&self, length: usize) -> Option<&[u8]> {
        self.too_long.then_some(&self.bytes[..length.min(self.bytes.len())])
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn a_row_starts_after_all_that_is_before_it_wherever_a_chunk_ends() {
        for length in CHUNK_BYTES - 20..CHUNK_BYTES + 4 {
            let long = "x".repeat(length);
            let text = format!("a,b\r\n\r\n1,2\r\n{long},3\r\n\n4,5");
            let place = |row: &str| text.find(row).expect("it is there") as u64;
            let expected = [0, place("1,2"), place(&long), place("4,5")];
            let bytes = Box::new(Cursor::new(text.clone()));
            let mut rows = CsvRows::new("test.csv".to_owned(), bytes, 2 * CHUNK_BYTES, 4);
            let mut starts = Vec::new();
            while let Some(row) = rows.next_row().expect("readable") {
                starts.push(row.start());
            }
            assert_eq!(starts, expected, "{length}");
        }
    }
}
