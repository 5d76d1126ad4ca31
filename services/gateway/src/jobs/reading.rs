//! Reads a part of a file as it comes, on a thread of its own: unpacked, counted, hashed, and cut into chunks of rows.

use std::io::{self, Read};

use bytes::{Buf as _, Bytes};
use flate2::read::MultiGzDecoder;
use klout_import::{CsvRows, ReadError};
use prost::Message as _;
use tokio::sync::mpsc::{Receiver, Sender};

use super::{
    BYTES_MAX, ROWS_MAX,
    error::JobError,
    row::{Columns, Row, Rows},
};
use crate::store::job_part::Chunk;

/// Rows of a chunk: what social-graph and scoring are asked at once.
pub(crate) const CHUNK_ROWS: usize = 1_000;

/// Bytes of a chunk, about: long keys make it shorter, so that a few of them fit into memory whatever they hold.
const CHUNK_BYTES: usize = 512 * 1024;

/// Bytes of one row. What is longer is one row that failed.
const ROW_BYTES_MAX: usize = 64 * 1024;

/// Bytes of a part beside its rows: room for its header, which is no longer than a row.
const HEADER_BYTES_MAX: u64 = ROW_BYTES_MAX as u64;

/// Columns of a file: what a customer system exports may have hundreds.
const COLUMNS_MAX: usize = 1_000;

/// How the bytes of a part are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    None,
    Gzip,
}

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartRead {
    pub(crate) hash: [u8; 32],
    /// Of its rows. What is before the first one is not of the file, but of the part: each repeats the header.
    pub(crate) bytes: u64,
    pub(crate) rows: u64,
}

/// How much more a job takes: rows, and bytes of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    bytes: u64,
    rows: u64,
}

// === impl Room ===

impl Room {
    /// What is left in a job that has so much.
    pub(crate) fn beside(bytes: i64, rows: i64) -> Self {
        let left = |max: i64, there: i64| u64::try_from(max - there).unwrap_or(0);
        Self { bytes: left(BYTES_MAX, bytes), rows: left(ROWS_MAX, rows) }
    }

    pub(crate) const fn takes(self, part: &PartRead) -> bool {
        part.bytes <= self.bytes && part.rows <= self.rows
    }
}

/// Reads all that comes, and hands on its rows. A part that is there already has none to hand on: it is only hashed, and
/// nothing is counted.
pub(crate) fn read(
    pieces: Receiver<io::Result<Bytes>>,
    packing: Packing,
    room: Room,
    chunks: Option<Sender<Chunk>>,
) -> Result<PartRead, JobError> {
    let bytes_max = room.bytes + HEADER_BYTES_MAX;
    let pieces = Bounded::new(Pieces { pieces, piece: Bytes::new() }, bytes_max);
    let unpacked: Box<dyn Read + Send> = match packing {
        Packing::None => Box::new(pieces),
        Packing::Gzip => Box::new(MultiGzDecoder::new(pieces)),
    };
    let (told, tells) = std::sync::mpsc::channel();
    let bytes = Hashed {
        inner: Bounded::new(unpacked, bytes_max),
        hasher: blake3::Hasher::new(),
        bytes: 0,
        told,
    };
    let (rows, first_row) = match chunks {
        Some(chunks) => read_rows(bytes, room.rows, &chunks)?,
        None => {
            let mut bytes = bytes;
            io::copy(&mut bytes, &mut io::sink()).map_err(broken)?;
            (0, None)
        }
    };
    let (hash, all) = tells.try_recv().map_err(|_| broken(io::ErrorKind::UnexpectedEof.into()))?;
    let bytes = first_row.map_or(0, |first_row| all - first_row);
    let part = PartRead { hash, bytes, rows };
    if room.takes(&part) { Ok(part) } else { Err(full()) }
}

/// How many rows there are, and where the first one begins, if there is one.
fn read_rows(
    bytes: impl Read + Send + 'static,
    rows_max: u64,
    chunks: &Sender<Chunk>,
) -> Result<(u64, Option<u64>), JobError> {
    let mut reader =
        CsvRows::new("the part".to_owned(), Box::new(bytes), ROW_BYTES_MAX, COLUMNS_MAX);
    let malformed = |problem: String| JobError::CsvMalformed { problem };
    let Some(header) = reader.next_row().map_err(unreadable)? else {
        return Err(malformed("the part is empty; its first line has to name columns".to_owned()));
    };
    let header = header.header().map_err(|it| malformed(format!("the first line {it}")))?;
    let columns = Columns::of(&header).map_err(malformed)?;
    let mut cut = Cut { rows: Vec::new(), bytes: 0, first_row: 0, chunk: 0, chunks };
    let (mut rows, mut first_row) = (0, None);
    while let Some(fields) = reader.next_row().map_err(unreadable)? {
        first_row.get_or_insert(fields.start());
        rows += 1;
        if rows > rows_max {
            return Err(full());
        }
        cut.push(Row::read(&columns, fields))?;
    }
    cut.hand_on()?;
    Ok((rows, first_row))
}

/// Rows that are not handed on yet.
struct Cut<'a> {
    rows: Vec<Row>,
    bytes: usize,
    first_row: i64,
    chunk: i32,
    chunks: &'a Sender<Chunk>,
}

// === impl Cut ===

impl Cut<'_> {
    fn push(&mut self, row: Row) -> Result<(), JobError> {
        self.bytes += row.encoded_len();
        self.rows.push(row);
        if self.rows.len() < CHUNK_ROWS && self.bytes < CHUNK_BYTES {
            return Ok(());
        }
        self.hand_on()
    }

    fn hand_on(&mut self) -> Result<(), JobError> {
        let rows = std::mem::take(&mut self.rows);
        let count = i32::try_from(rows.len()).expect("at most a thousand");
        if count == 0 {
            return Ok(());
        }
        self.chunk += 1;
        let chunk = Chunk {
            part: 0,
            upload_id: 0,
            chunk: self.chunk,
            first_row: self.first_row,
            rows: count,
            content: Rows { rows }.encode_to_vec(),
        };
        self.first_row += i64::from(count);
        self.bytes = 0;
        // Nobody takes them any more when writing one has failed, which is told there.
        self.chunks.blocking_send(chunk).map_err(|_| broken(io::ErrorKind::BrokenPipe.into()))
    }
}

/// What comes in pieces, as bytes.
struct Pieces {
    pieces: Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let length = self.piece.len().min(buffer.len());
        self.piece.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

/// Bytes of which there may be so many.
struct Bounded<R> {
    inner: R,
    left: u64,
}

/// There are more.
#[derive(Debug, thiserror::Error)]
#[error("more than fits into the job")]
struct Full;

// === impl Bounded ===

impl<R> Bounded<R> {
    const fn new(inner: R, left: u64) -> Self {
        Self { inner, left }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(length as u64).ok_or_else(|| io::Error::other(Full))?;
        Ok(length)
    }
}

/// Bytes whose hash and number are told when they have ended.
struct Hashed<R> {
    inner: R,
    hasher: blake3::Hasher,
    bytes: u64,
    told: std::sync::mpsc::Sender<([u8; 32], u64)>,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..length]);
        self.bytes += length as u64;
        if length == 0 && !buffer.is_empty() {
            // Whoever has gone does not need it.
            let _ = self.told.send((*self.hasher.finalize().as_bytes(), self.bytes));
        }
        Ok(length)
    }
}

fn unreadable(error: ReadError) -> JobError {
    if let ReadError::Read { source, .. } = error {
        return broken(source);
    }
    JobError::CsvMalformed { problem: error.to_string() }
}

fn broken(error: io::Error) -> JobError {
    let is_full = error.get_ref().is_some_and(|it| it.is::<Full>());
    if is_full { full() } else { JobError::BodyBroken(error.into()) }
}

const fn full() -> JobError {
    JobError::JobFull { bytes: BYTES_MAX, rows: ROWS_MAX }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_part(text: &str, room: Room) -> Result<PartRead, JobError> {
        let (pieces_in, pieces) = tokio::sync::mpsc::channel(1);
        pieces_in.try_send(Ok(Bytes::copy_from_slice(text.as_bytes()))).expect("there is room");
        drop(pieces_in);
        let (chunks, _taken) = tokio::sync::mpsc::channel(1);
        read(pieces, Packing::None, room, Some(chunks))
    }

    #[test]
    fn a_header_counts_for_nothing_however_often_parts_repeat_it() {
        let rows = ["1,a@example.org\n", "2,b@example.org\n", "3,c@example.org"];
        let all = i64::try_from(rows.concat().len()).expect("short");
        for header in ["key,email\n", "\u{feff}key,email\r\n", "\n\"key\",email\r\n\r\n"] {
            // A job that takes these rows and not a byte more.
            let (mut bytes, mut count) = (BYTES_MAX - all, ROWS_MAX - 3);
            for row in rows {
                let room = Room::beside(bytes, count);
                let longer = read_part(&format!("{header}{row}{}", "\n".repeat(40)), room);
                assert!(matches!(longer, Err(JobError::JobFull { .. })), "{longer:?}");
                let part = read_part(&format!("{header}{row}"), room).expect("there is room");
                assert_eq!((part.bytes, part.rows), (row.len() as u64, 1), "{header:?}");
                bytes += i64::try_from(part.bytes).expect("short");
                count += 1;
            }
            assert_eq!((bytes, count), (BYTES_MAX, ROWS_MAX));
            let empty = read_part(header, Room::beside(bytes, count)).expect("it has no rows");
            assert_eq!((empty.bytes, empty.rows), (0, 0));
        }
    }

    #[test]
    fn a_job_takes_all_its_bytes_and_rows_and_no_more() {
        let part = |bytes, rows| PartRead { hash: [0; 32], bytes, rows };
        let room = Room::beside(BYTES_MAX - 10, ROWS_MAX - 2);
        assert!(room.takes(&part(10, 2)));
        assert!(!room.takes(&part(11, 2)) && !room.takes(&part(10, 3)));
        assert!(Room::beside(BYTES_MAX, ROWS_MAX).takes(&part(0, 0)));
        assert!(!Room::beside(BYTES_MAX, ROWS_MAX).takes(&part(1, 1)));
    }
}
