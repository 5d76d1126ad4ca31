//! A CSV file of any bytes.

#![no_main]

use std::io::Cursor;

use klout_import::{CsvSignals, Input, SignalReader as _};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(input) = Input::from_reader("fuzz".to_owned(), Cursor::new(bytes.to_vec()), None) else {
        return;
    };
    let Ok(mut reader) = CsvSignals::new(input) else { return };
    let mut line = 0;
    while let Ok(Some(entry)) = reader.next_entry() {
        // A lone CR ends a row as well, and is no line end to whoever counts lines.
        assert!(entry.line >= line, "rows come in the order of lines");
        line = entry.line;
    }
});
