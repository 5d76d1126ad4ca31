//! Reads a file line by line, in bounded memory.

use std::io::{BufRead as _, BufReader, Read};

use crate::{Input, Position, ReadError};

/// The longest line, in bytes. What is longer is passed over in the memory of one that is not.
pub const LINE_BYTES_MAX: usize = 1024 * 1024;

/// How much is kept of a line that is too long.
const EXCERPT_BYTES: usize = 256;

/// What is unpacked at once.
const BUFFER_BYTES: usize = 64 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The lines of one file. A byte order mark, CRLF and a missing last line end are nothing special.
pub(crate) struct Lines {
    name: String,
    bytes: BufReader<Box<dyn Read + Send>>,
    position: Position,
    buffer: Vec<u8>,
    number: u64,
    /// How much of `buffer` is the line, and whether it was longer.
    length: usize,
    too_long: bool,
}

/// One line without its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// From 1.
    pub(crate) number: u64,
    /// Of a line that is too long, its beginning.
    pub(crate) bytes: &'a [u8],
    pub(crate) too_long: bool,
}

// === impl Lines ===

impl Lines {
    /// # Errors
    ///
    /// When the beginning cannot be read or is UTF-16.
    pub(crate) fn new(input: Input) -> Result<Self, ReadError> {
        let position = input.position();
        let Input { name, bytes, .. } = input;
        let bytes = BufReader::with_capacity(BUFFER_BYTES, bytes);
        let mut lines = Self {
            name,
            bytes,
            position,
            buffer: Vec::new(),
            number: 0,
            length: 0,
            too_long: false,
        };
        let start = lines.bytes.fill_buf();
        let start = start.map_err(|source| read_error(&lines.name, 0, source))?;
        if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
            return Err(ReadError::Encoding { name: lines.name, encoding: "UTF-16".to_owned() });
        }
        // The whole mark is there, or it is none: what is read at once is never that small.
        if start.starts_with(BYTE_ORDER_MARK) {
            lines.bytes.consume(BYTE_ORDER_MARK.len());
        }
        Ok(lines)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn position(&self) -> Position {
        self.position.clone()
    }

    /// How many lines were read.
    pub(crate) const fn number(&self) -> u64 {
        self.number
    }

    /// The next line; `None` after the last.
    pub(crate) fn next_line(&mut self) -> Result<Option<Line<'_>>, ReadError> {
        self.buffer.clear();
        // One more byte than a line may have, and its end.
        let room = LINE_BYTES_MAX as u64 + 3;
        let failed = |lines: &Self, source| read_error(&lines.name, lines.number, source);
        (&mut self.bytes)
            .take(room)
            .read_until(b'\n', &mut self.buffer)
            .map_err(|source| failed(self, source))?;
        if self.buffer.is_empty() {
            return Ok(None);
        }
        let mut line = self.buffer.as_slice();
        let ended = line.ends_with(b"\n");
        line = line.strip_suffix(b"\n").unwrap_or(line);
        line = line.strip_suffix(b"\r").unwrap_or(line);
        let too_long = line.len() > LINE_BYTES_MAX;
        let length = if too_long { EXCERPT_BYTES } else { line.len() };
        if too_long && !ended {
            self.bytes.skip_until(b'\n').map_err(|source| failed(self, source))?;
        }
        self.number += 1;
        (self.length, self.too_long) = (length, too_long);
        Ok(Some(self.current()))
    }

    /// The line that was read last.
    pub(crate) fn current(&self) -> Line<'_> {
        let (number, too_long) = (self.number, self.too_long);
        Line { number, bytes: &self.buffer[..self.length], too_long }
    }
}

fn read_error(name: &str, line: u64, source: std::io::Error) -> ReadError {
    ReadError::Read { name: name.to_owned(), line, source }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::*;

    fn open(file: impl Read + Send + 'static) -> Result<Lines, ReadError> {
        Lines::new(Input::from_reader("test".to_owned(), file, None)?)
    }

    fn read(bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut lines = open(Cursor::new(bytes.to_vec())).expect("a beginning");
        let mut found = Vec::new();
        while let Some(line) = lines.next_line().expect("readable") {
            assert!(!line.too_long);
            found.push(line.bytes.to_vec());
        }
        assert_eq!(lines.number(), found.len() as u64);
        found
    }

    #[test]
    fn a_byte_order_mark_crlf_and_a_missing_last_line_end_are_nothing_special() {
        assert_eq!(read(b"\xef\xbb\xbfa\r\n\nb"), [&b"a"[..], b"", b"b"]);
        assert_eq!(read(b""), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn utf_16_is_told() {
        for start in [b"\xff\xfea\0", b"\xfe\xff\0a"] {
            let error = open(Cursor::new(start)).err().expect("refused");
            assert_eq!(error.to_string(), "test: is UTF-16; save it as UTF-8");
        }
    }

    #[test]
    fn a_line_of_a_gigabyte_is_passed_over_in_the_memory_of_a_small_one() {
        let file = Cursor::new("a\n")
            .chain(std::io::repeat(b'x').take(1 << 30))
            .chain(Cursor::new("\nb\n"));
        let mut lines = open(file).expect("a beginning");
        let mut found = Vec::new();
        while let Some(line) = lines.next_line().expect("readable") {
            found.push((line.number, line.bytes.len(), line.too_long));
        }
        assert_eq!(found, [(1, 1, false), (2, EXCERPT_BYTES, true), (3, 1, false)]);
        assert!(lines.buffer.capacity() <= 2 * LINE_BYTES_MAX + BUFFER_BYTES);
    }

    #[test]
    fn a_gzip_bomb_is_a_line_like_any_other_that_is_too_long() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        let zeros = vec![0; 1 << 20];
        for _ in 0..256 {
            gzip.write_all(&zeros).expect("memory");
        }
        gzip.write_all(b"\nb\n").expect("memory");
        let bomb = gzip.finish().expect("memory");
        assert!(bomb.len() < 3 << 20);
        let mut lines = open(Cursor::new(bomb)).expect("a beginning");
        assert!(lines.next_line().expect("readable").expect("a line").too_long);
        assert_eq!(lines.next_line().expect("readable").expect("a line").bytes, b"b");
        assert!(lines.buffer.capacity() <= 2 * LINE_BYTES_MAX + BUFFER_BYTES);
    }

    #[test]
    fn a_cut_gzip_is_named_with_the_line_that_was_read_last() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
        gzip.write_all(&b"line\n".repeat(50_000)).expect("memory");
        let whole = gzip.finish().expect("memory");
        let mut lines = open(Cursor::new(whole[..whole.len() / 2].to_vec())).expect("a beginning");
        let error = loop {
            match lines.next_line() {
                Ok(line) => assert!(line.is_some(), "it is cut"),
                Err(error) => break error.to_string(),
            }
        };
        assert!(lines.number() > 10_000);
        let told = format!("test: could not be read on after line {}", lines.number());
        assert!(error.starts_with(&told), "{error}");
    }

    #[test]
    fn the_longest_line_is_whole_and_one_byte_more_is_too_long() {
        for (length, end) in [(0, "\n"), (0, "\r\n"), (1, "\n"), (1, "\r\n"), (1, "")] {
            let text = "x".repeat(LINE_BYTES_MAX + length) + end;
            let mut lines = open(Cursor::new(text)).expect("a beginning");
            let line = lines.next_line().expect("readable").expect("a line");
            assert_eq!(line.too_long, length == 1);
            assert_eq!(lines.next_line().expect("readable"), None);
        }
    }

    proptest! {
        #[test]
        fn lines_are_what_lies_between_line_ends(lines in prop::collection::vec("[a-z]{0,9}", 0..9)) {
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            let found: Vec<String> = read(text.as_bytes())
                .into_iter()
                .map(|line| String::from_utf8(line).expect("letters"))
                .collect();
            prop_assert_eq!(found, lines);
        }
    }
}
