//! How long hosts ask us to wait.

#![no_main]

use klout_fuzz::{NOW, parse};
use klout_networks::{Answer, wait};
use libfuzzer_sys::fuzz_target;
use time::Duration;

fuzz_target!(|bytes: &[u8]| {
    // The same bytes are headers and a body.
    let (status, headers) = parse(bytes);
    let body = bytes.rsplit(|it| *it == b'\n').next().unwrap_or_default();
    if let Some(until) = wait(&Answer { status, headers: &headers, body }, NOW) {
        assert!(until > NOW && until <= NOW + Duration::DAY);
    }
});
