//! A gzip file of any bytes, whatever it unpacks to.

#![no_main]

use std::io::Cursor;

use klout_import::{EachLine, Input, SignalReader as _};
use libfuzzer_sys::fuzz_target;

/// The first bytes of a gzip file, which are the same in all: what comes after is the fuzzer's.
const START: [u8; 3] = [0x1f, 0x8b, 8];

fuzz_target!(|bytes: &[u8]| {
    let file = [&START[..], bytes].concat();
    let Ok(input) = Input::from_reader("fuzz".to_owned(), Cursor::new(file), None) else {
        return;
    };
    let Ok(mut reader) = EachLine::of_signals(input) else { return };
    while let Ok(Some(_)) = reader.next_entry() {}
});
