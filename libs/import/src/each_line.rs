//! Files that say one thing a line.

use crate::{
    Entry, Found, Input, Kept, Position, ReadError, SignalReader, gharchive, json_signals,
    lines::{Line, Lines},
};

/// Reads one file, of which each line stands for itself. Empty lines are passed over.
pub struct EachLine {
    lines: Lines,
    read: fn(Line<'_>) -> Found,
}

// === impl EachLine ===

impl EachLine {
    /// JSON Lines of `klout.signal.v1.Signal`.
    ///
    /// # Errors
    ///
    /// When the beginning cannot be read.
    pub fn of_signals(input: Input) -> Result<Self, ReadError> {
        Ok(Self { lines: Lines::new(input)?, read: json_signals::read })
    }

    /// An hour of GH Archive, an event a line.
    ///
    /// # Errors
    ///
    /// When the beginning cannot be read.
    pub fn of_gharchive(input: Input) -> Result<Self, ReadError> {
        Ok(Self { lines: Lines::new(input)?, read: gharchive::read })
    }
}

impl SignalReader for EachLine {
    fn name(&self) -> &str {
        self.lines.name()
    }

    fn position(&self) -> Position {
        self.lines.position()
    }

    fn next_entry(&mut self) -> Result<Option<Entry>, ReadError> {
        while let Some(line) = self.lines.next_line()? {
            if line.bytes.trim_ascii().is_empty() {
                continue;
            }
            let found = (self.read)(line);
            // Most events are no reactions: what is never written again is not copied.
            let kept = match &found {
                Found::NoReaction | Found::Noted => Kept::Signal,
                Found::Signal(_) | Found::Rejected { .. } => Kept::Line(line.bytes.to_vec()),
            };
            return Ok(Some(Entry { line: line.number, found, kept }));
        }
        Ok(None)
    }
}

impl std::fmt::Debug for EachLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EachLine({})", self.lines.name())
    }
}
