//! Answers of Wikipedia, or of whoever is asked in its place.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| klout_fuzz::read("wikipedia", bytes));
