//! Reads files into chunks, on a thread of its own.

use klout_import::{Entry, Found, Kept, ReadError, SignalReader};
use klout_proto::signal::v1::Signal;
use prost::Message as _;
use tokio::sync::mpsc;

/// Signals in one chunk: as many as the connector takes at once.
const ROWS_MAX: usize = 1_000;

/// Bytes of the signals of one chunk, which stays well below the largest message.
const BYTES_MAX: usize = 2 * 1024 * 1024;

/// Bytes that a chunk keeps of files, in case rows are left out.
const KEPT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Entries that are not sent, after which it is told how far it is.
const SILENT_MAX: u64 = 20_000;

/// What a file falls into.
#[derive(Debug)]
pub(super) enum Part {
    /// Another file begins.
    File {
        name: String,
        columns: Vec<String>,
    },
    Chunk(Chunk),
}

/// Rows that travel together.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) signals: Vec<Signal>,
    /// Where each signal stands, in the same order.
    pub(super) origins: Vec<Origin>,
    /// What could not even be read.
    pub(super) rejected: Vec<RejectedRow>,
    /// How many entries were no reactions.
    pub(super) no_reaction: u64,
    /// How much of the file it took, before unpacking.
    pub(super) file_bytes: u64,
    silent: u64,
    bytes: usize,
    kept_bytes: usize,
}

/// Where a signal stands, and what is kept of it there.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) line: u64,
    pub(super) kept: Kept,
}

/// A row that is left out.
#[derive(Debug)]
pub(super) struct RejectedRow {
    pub(super) origin: Origin,
    /// What it says, if it could be read.
    pub(super) signal: Option<Signal>,
    pub(super) reason: String,
    pub(super) message: String,
}

/// Reads all files, until somebody drops the other end.
pub(super) fn read(
    readers: impl Iterator<Item = Result<Box<dyn SignalReader>, ReadError>>,
    parts: &mpsc::Sender<Part>,
) -> Result<(), ReadError> {
    for reader in readers {
        let mut reader = reader?;
        let position = reader.position();
        let mut position_before = 0;
        let (name, columns) = (reader.name().to_owned(), reader.columns().to_vec());
        if parts.blocking_send(Part::File { name, columns }).is_err() {
            return Ok(());
        }
        let mut chunk = Chunk::default();
        loop {
            let ended = match reader.next_entry() {
                Ok(Some(entry)) => {
                    chunk.add(entry);
                    None
                }
                Ok(None) => Some(Ok(())),
                Err(error) => Some(Err(error)),
            };
            if ended.is_some() || chunk.is_full() {
                let now = position.bytes();
                chunk.file_bytes = now - position_before;
                position_before = now;
                if parts.blocking_send(Part::Chunk(std::mem::take(&mut chunk))).is_err() {
                    return Ok(());
                }
            }
            match ended {
                // What was read before is on its way nevertheless.
                Some(Err(error)) => return Err(error),
                Some(Ok(())) => break,
                None => {}
            }
        }
    }
    Ok(())
}

// === impl Chunk ===

impl Chunk {
    fn is_full(&self) -> bool {
        self.signals.len() + self.rejected.len() >= ROWS_MAX
            || self.bytes >= BYTES_MAX
            || self.kept_bytes >= KEPT_BYTES_MAX
            || self.silent >= SILENT_MAX
    }

    fn add(&mut self, entry: Entry) {
        let Entry { line, found, kept } = entry;
        self.kept_bytes += kept.length();
        let origin = Origin { line, kept };
        match found {
            Found::Signal(signal) => {
                self.bytes += signal.encoded_len();
                self.signals.push(*signal);
                self.origins.push(origin);
            }
            Found::Rejected { reason, detail } => self.rejected.push(RejectedRow {
                origin,
                signal: None,
                reason: reason.as_str().to_owned(),
                message: detail.unwrap_or_else(|| reason.to_string()),
            }),
            Found::NoReaction => {
                self.no_reaction += 1;
                self.silent += 1;
            }
            Found::Noted => self.silent += 1,
        }
    }
}
