//! CSV as signals.

use klout_model::NativeId;
use klout_proto::{
    convert::timestamp,
    signal::v1::{Account, Counter, Interaction, Post, Signal, signal::Content},
};

use crate::{
    CsvReader, Entry, Format, Found, Input, Kept, Position, ReadError, Row, RowIdentities,
    SignalReader,
};

/// Reads one file, a signal a row.
#[derive(Debug)]
pub struct CsvSignals {
    reader: CsvReader,
    position: Position,
    identities: RowIdentities,
}

// === impl CsvSignals ===

impl CsvSignals {
    /// Reads the header.
    ///
    /// # Errors
    ///
    /// When there is none, or it is not that of signals.
    pub fn new(input: Input) -> Result<Self, ReadError> {
        let position = input.position();
        let reader = CsvReader::new(input)?;
        if reader.format() == Format::Registered {
            return Err(ReadError::Registered { name: reader.name().to_owned() });
        }
        Ok(Self { reader, position, identities: RowIdentities::default() })
    }
}

impl SignalReader for CsvSignals {
    fn name(&self) -> &str {
        self.reader.name()
    }

    fn position(&self) -> Position {
        self.position.clone()
    }

    fn columns(&self) -> &[String] {
        self.reader.header()
    }

    fn next_entry(&mut self) -> Result<Option<Entry>, ReadError> {
        let Some(record) = self.reader.next_record()? else { return Ok(None) };
        let kept = Kept::Fields(record.fields().map(<[u8]>::to_vec).collect());
        let found = match record.row {
            Ok(row) => {
                let signal_id = self.identities.identify(&row);
                // The header was not that of a list of accounts.
                signal(row, signal_id).map_or(Found::Noted, |it| Found::Signal(Box::new(it)))
            }
            Err(rejection) => Found::rejected(rejection.reason),
        };
        Ok(Some(Entry { line: record.line, found, kept }))
    }
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
            label: row.label,
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

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn open(text: &'static str) -> Result<CsvSignals, ReadError> {
        CsvSignals::new(Input::from_reader("test.csv".to_owned(), Cursor::new(text), None)?)
    }

    #[test]
    fn equal_rows_are_different_signals_and_the_same_ones_the_next_time() {
        let text = "time,network,account,post\n\
                    2018-05-01T00:00:00Z,bluesky,ann,p\n2018-05-01T00:00:00Z,bluesky,ann,p\n";
        let ids = || {
            let mut reader = open(text).expect("a header");
            let mut ids = Vec::new();
            while let Some(entry) = reader.next_entry().expect("readable") {
                let Found::Signal(signal) = entry.found else { panic!("a signal") };
                ids.push(signal.signal_id);
            }
            ids
        };
        assert!(ids()[0] != ids()[1] && ids() == ids());
    }

    #[test]
    fn a_list_of_accounts_is_told_where_it_belongs() {
        let error = open("network,account\nbluesky,ann\n").expect_err("refused");
        assert!(error.to_string().contains("--registered"), "{error}");
    }
}
