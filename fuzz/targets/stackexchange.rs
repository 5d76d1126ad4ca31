//! Rows of a dump of any bytes, in any of its files.

#![no_main]

use std::io::Cursor;

use klout_import::{Input, lone_file};
use libfuzzer_sys::fuzz_target;

const ROOTS: [&str; 4] = ["users", "posts", "comments", "votes"];

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rows)) = bytes.split_first() else { return };
    let root = ROOTS[usize::from(*first) % ROOTS.len()];
    let file = [format!("<{root}>\n").as_bytes(), rows, format!("\n</{root}>").as_bytes()].concat();
    let Ok(input) = Input::from_reader("fuzz".to_owned(), Cursor::new(file), None) else { return };
    let Ok(mut reader) = lone_file(input) else { return };
    while let Ok(Some(_)) = reader.next_entry() {}
});
