//! What every format is read into.

use klout_model::RowReason;
use klout_proto::signal::v1::Signal;

use crate::{Position, ReadError};

/// One file, read into signals.
pub trait SignalReader: Send {
    /// How to call the file in messages.
    fn name(&self) -> &str;

    /// How far it is.
    fn position(&self) -> Position;

    /// The columns, of a file that has them.
    fn columns(&self) -> &[String] {
        &[]
    }

    /// The next entry; `None` after the last. A row that is several signals is as many entries.
    ///
    /// # Errors
    ///
    /// When the file cannot be read on. What came before is good.
    fn next_entry(&mut self) -> Result<Option<Entry>, ReadError>;
}

/// A part of a file that may be a signal.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Where it stands, from 1.
    pub line: u64,
    pub found: Found,
    pub kept: Kept,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    Signal(Box<Signal>),
    /// Left out; `detail` says more than the reason does, if there is more to say.
    Rejected {
        reason: RowReason,
        detail: Option<String>,
    },
    /// As good as any, and nothing that anybody's influence rests on.
    NoReaction,
    /// Nothing by itself: remembered, because later entries speak of it.
    Noted,
}

/// What is kept of an entry in case it is left out, so that it can be imported again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The fields of a row with columns, as they stood in the file.
    Fields(Vec<Vec<u8>>),
    /// A line that the same command takes again, as it stood in the file.
    Line(Vec<u8>),
    /// A line that means nothing without the rest of its file, as it stood there.
    Row(Vec<u8>),
    /// Nothing: the signal is all there is to it.
    Signal,
}

// === impl Found ===

impl Found {
    pub(crate) const fn rejected(reason: RowReason) -> Self {
        Self::Rejected { reason, detail: None }
    }
}

// === impl Kept ===

impl Kept {
    /// In bytes.
    #[must_use]
    pub fn length(&self) -> usize {
        match self {
            Self::Fields(fields) => fields.iter().map(Vec::len).sum(),
            Self::Line(line) | Self::Row(line) => line.len(),
            Self::Signal => 0,
        }
    }
}
