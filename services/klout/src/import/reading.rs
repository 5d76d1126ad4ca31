//! Reads files into chunks, on a thread of its own.

use std::path::PathBuf;

use klout_import::{CsvReader, Input, ReadError, RegisteredRow, Row, RowIdentities};
use klout_model::{NativeId, Network};
use klout_proto::{
    convert::timestamp,
    signal::v1::{Account, Counter, Interaction, Post, Signal, signal::Content},
};
use prost::Message as _;
use tokio::sync::mpsc;

/// Rows in one chunk: as many as the connector takes at once.
const ROWS_MAX: usize = 1_000;

/// Bytes of one chunk, which stays well below the largest message.
const BYTES_MAX: usize = 2 * 1024 * 1024;

/// What a file falls into.
#[derive(Debug)]
pub(super) enum Part {
    /// Another file begins.
    File {
        name: String,
        header: Vec<String>,
    },
    Chunk(Chunk),
}

/// Rows that travel together.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) rows: Vec<SignalRow>,
    /// What could not even be read.
    pub(super) rejected: Vec<RejectedRow>,
    /// How much of the file it took, before unpacking.
    pub(super) file_bytes: u64,
    bytes: usize,
}

/// A row that is a signal.
#[derive(Debug)]
pub(super) struct SignalRow {
    pub(super) line: u64,
    /// As they were, in case the row is rejected after all.
    pub(super) fields: Vec<Vec<u8>>,
    pub(super) signal: Signal,
    /// Everybody in the row.
    pub(super) accounts: Vec<RegisteredRow>,
}

/// A row that is left out.
#[derive(Debug)]
pub(super) struct RejectedRow {
    pub(super) line: u64,
    pub(super) fields: Vec<Vec<u8>>,
    pub(super) reason: String,
    pub(super) message: String,
}

/// Why the files cannot be read to their end.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadingError {
    #[error(transparent)]
    File(#[from] ReadError),
    #[error("{name}: is a list of accounts; give it with --registered")]
    Registered { name: String },
}

/// Reads all files, until somebody drops the other end.
pub(super) fn read(paths: &[PathBuf], parts: &mpsc::Sender<Part>) -> Result<(), ReadingError> {
    for path in paths {
        let input = Input::open(path)?;
        let position = input.position();
        let mut position_before = 0;
        let mut reader = CsvReader::new(input)?;
        let (name, header) = (reader.name().to_owned(), reader.header().to_vec());
        let mut identities = RowIdentities::default();
        if parts.blocking_send(Part::File { name: name.clone(), header }).is_err() {
            return Ok(());
        }
        let mut chunk = Chunk::default();
        loop {
            let ended = match reader.next_record() {
                Ok(Some(record)) => {
                    let fields = record.fields().map(<[u8]>::to_vec).collect();
                    let line = record.line;
                    match record.row {
                        Ok(Row::Registered(_)) => return Err(ReadingError::Registered { name }),
                        Ok(row) => {
                            let signal_id = identities.identify(&row);
                            chunk.add(line, fields, row, signal_id);
                        }
                        Err(rejection) => chunk.reject(rejection.line, fields, &rejection.reason),
                    }
                    None
                }
                Ok(None) => Some(Ok(())),
                Err(error) => Some(Err(error)),
            };
            if ended.is_some() || chunk.is_full() {
                let now = position.load(std::sync::atomic::Ordering::Relaxed);
                chunk.file_bytes = now - position_before;
                position_before = now;
                if parts.blocking_send(Part::Chunk(std::mem::take(&mut chunk))).is_err() {
                    return Ok(());
                }
            }
            match ended {
                // What was read before is on its way nevertheless.
                Some(Err(error)) => return Err(error.into()),
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
        self.rows.len() + self.rejected.len() >= ROWS_MAX || self.bytes >= BYTES_MAX
    }

    fn add(&mut self, line: u64, fields: Vec<Vec<u8>>, row: Row, signal_id: String) {
        let network = row.network().clone();
        let mut accounts = vec![account(&network, row.subject())];
        if let Row::Interaction(row) = &row {
            accounts.extend(row.actor.as_ref().map(|actor| account(&network, actor)));
        }
        let Some(signal) = signal(row, signal_id) else { return };
        self.bytes += signal.encoded_len();
        self.rows.push(SignalRow { line, fields, signal, accounts });
    }

    fn reject(&mut self, line: u64, fields: Vec<Vec<u8>>, reason: &klout_model::RowReason) {
        self.bytes += fields.iter().map(Vec::len).sum::<usize>();
        self.rejected.push(RejectedRow {
            line,
            fields,
            reason: reason.as_str().to_owned(),
            message: reason.to_string(),
        });
    }
}

fn account(network: &Network, account: &NativeId) -> RegisteredRow {
    RegisteredRow { network: network.clone(), account: account.clone() }
}

/// The signal that a row is. `None`: it is none, but a registration.
fn signal(row: Row, signal_id: String) -> Option<Signal> {
    // An account of a file is native id and handle at once, which is what social-graph takes it for.
    let named = |account: NativeId| Account { native_id: account.to_string(), handle: None };
    let time = row.time()?;
    let network = row.network().to_string();
    let content = match row {
        Row::Interaction(row) => Content::Interaction(Interaction {
            actor: row.actor.map(named),
            subject: Some(named(row.subject)),
            kind: row.kind.to_string(),
            count: Some(row.count.get()),
            post: row.post,
        }),
        Row::Counter(row) => Content::Counter(Counter {
            account: Some(named(row.account)),
            name: row.counter.to_string(),
            value: row.value.get(),
            post: row.post,
        }),
        Row::Post(row) => Content::Post(Post {
            account: Some(named(row.account)),
            post: row.post,
            text: row.text,
            links: Vec::new(),
            tags: Vec::new(),
        }),
        Row::Registered(_) => return None,
    };
    Some(Signal { network, signal_id, time: Some(timestamp(time)), content: Some(content) })
}
