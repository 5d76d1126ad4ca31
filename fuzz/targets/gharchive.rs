//! Events of any bytes.

#![no_main]

use std::io::Cursor;

use klout_import::{EachLine, Input, SignalReader as _};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(input) = Input::from_reader("fuzz".to_owned(), Cursor::new(bytes.to_vec()), None) else {
        return;
    };
    let Ok(mut reader) = EachLine::of_gharchive(input) else { return };
    while let Ok(Some(_)) = reader.next_entry() {}
});
