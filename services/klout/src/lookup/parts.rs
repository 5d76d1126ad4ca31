//! A file, cut between rows into parts that each begin with its header.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    ops::Range,
    path::{Path, PathBuf},
};

/// Bytes of a part, about: what is sent again after an interruption.
const PART_BYTES: u64 = 8 * 1024 * 1024;

/// Bytes that are read to find where a row begins, at once: as a rule there is one line end.
const LINE_ENDS: usize = 64;

/// Where its parts are.
#[derive(Debug)]
pub(crate) struct Parts {
    path: PathBuf,
    header: Vec<u8>,
    parts: Vec<Range<u64>>,
}

// === impl Parts ===

impl Parts {
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        Self::cut(path, PART_BYTES)
    }

    fn cut(path: &Path, part_bytes: u64) -> io::Result<Self> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(io::BufReader::new(File::open(path)?));
        let mut row = csv::ByteRecord::new();
        let mut file = File::open(path)?;
        reader.read_byte_record(&mut row)?;
        let header_end = after_line_ends(&mut file, reader.position().byte())?;
        let (mut parts, mut start) = (Vec::new(), header_end);
        while reader.read_byte_record(&mut row)? {
            let end = reader.position().byte();
            if end - start >= part_bytes {
                let end = after_line_ends(&mut file, end)?;
                parts.push(start..end);
                start = end;
            }
        }
        let end = reader.position().byte();
        // A file without rows has a part too, so that it is looked up like any other.
        if end > start || parts.is_empty() {
            parts.push(start..end);
        }
        let mut header = vec![0; usize::try_from(header_end).map_err(io::Error::other)?];
        file.rewind()?;
        file.read_exact(&mut header)?;
        if !header.ends_with(b"\n") {
            header.push(b'\n');
        }
        Ok(Self { path: path.to_owned(), header, parts })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Range<u64>> {
        self.parts.iter()
    }

    /// Bytes of all that is sent of it, with its header.
    pub(super) fn length(&self, part: &Range<u64>) -> u64 {
        self.header.len() as u64 + (part.end - part.start)
    }

    pub(super) fn read(&self, part: &Range<u64>) -> io::Result<Vec<u8>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(part.start))?;
        let mut bytes = self.header.clone();
        let length = file.take(part.end - part.start).read_to_end(&mut bytes)?;
        if length as u64 == part.end - part.start {
            Ok(bytes)
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }
}

/// The place after a row where the next one begins: behind the second half of a CRLF, to which the reader has not come,
/// and behind empty lines. So a part begins with a row, and whoever takes it counts as many bytes of rows as are here.
fn after_line_ends(file: &mut File, mut place: u64) -> io::Result<u64> {
    file.seek(SeekFrom::Start(place))?;
    for byte in io::BufReader::with_capacity(LINE_ENDS, file).bytes() {
        if !matches!(byte?, b'\n' | b'\r') {
            break;
        }
        place += 1;
    }
    Ok(place)
}

#[cfg(test)]
mod tests {
    use klout_import::{CsvFields, CsvRows};

    use super::*;

    /// The rows of all parts, each with how many parts there are.
    fn rows(text: &str, part_bytes: u64) -> (Vec<Vec<String>>, usize) {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("written");
        let parts = Parts::cut(file.path(), part_bytes).expect("cut");
        let mut rows = Vec::new();
        for part in parts.iter() {
            let bytes = parts.read(part).expect("read");
            assert_eq!(bytes.len() as u64, parts.length(part));
            assert_eq!(rows_bytes(&bytes), part.end - part.start);
            let mut reader = csv::Reader::from_reader(bytes.as_slice());
            assert_eq!(reader.headers().expect("a header"), vec!["key", "email"]);
            let read = reader.records().map(|row| row.expect("a row"));
            rows.extend(read.map(|row| row.iter().map(ToOwned::to_owned).collect()));
        }
        (rows, parts.iter().count())
    }

    /// Of the rows of a part, as the gateway counts them.
    fn rows_bytes(part: &[u8]) -> u64 {
        let bytes = Box::new(io::Cursor::new(part.to_vec()));
        let mut rows = CsvRows::new("a part".to_owned(), bytes, 1_000, 10);
        rows.next_row().expect("readable").expect("a header");
        let first = rows.next_row().expect("readable").map(CsvFields::start);
        first.map_or(0, |first| part.len() as u64 - first)
    }

    #[test]
    fn parts_together_have_the_rows_of_the_file_wherever_it_is_cut() {
        let text =
            "key,email\n1,a@example.org\n\"2\n\"\"x\"\"\",b@example.org\n3,\n\n4,d@example.org";
        for text in [text.to_owned(), text.replace('\n', "\r\n")] {
            let (whole, one) = rows(&text, 1_000);
            assert_eq!((whole.len(), one), (4, 1));
            for part_bytes in 1..40 {
                let (cut, parts) = rows(&text, part_bytes);
                assert_eq!(cut, whole, "{part_bytes}");
                assert!(parts > 1, "{part_bytes}");
            }
        }
    }

    #[test]
    fn a_file_without_rows_is_one_part() {
        assert_eq!(rows("key,email\n", 10), (Vec::new(), 1));
        assert_eq!(rows("key,email", 10), (Vec::new(), 1));
    }
}
