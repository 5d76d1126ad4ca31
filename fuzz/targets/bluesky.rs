//! Answers of Bluesky, or of whoever is asked in its place.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| klout_fuzz::read("bluesky", bytes));
