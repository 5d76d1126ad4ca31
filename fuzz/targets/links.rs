//! Links to further parts of a list.

#![no_main]

use klout_fuzz::read;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let answer = |path: &[u8]| [path, b"\nlink: ", bytes, b"\n\n[]"].concat();
    read("mastodon", &answer(b"/api/v1/accounts/1/followers"));
    read("github", &answer(b"/repos/ann/engine/stargazers"));
});
