//! Pages of strangers: links of any bytes, and addresses of any text.

#![no_main]

use klout_social_graph::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let links = fuzzing::links(bytes);
    assert!(links.len() <= 1_000);
    for (link, is_itself) in links {
        // Links may lead elsewhere than to pages; those that do are kept one way.
        let kept = fuzzing::web_address(&link);
        assert!(is_itself || kept.is_none());
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Some(kept) = fuzzing::web_address(text)
    {
        assert_eq!(fuzzing::web_address(&kept).as_ref(), Some(&kept));
        assert!(kept.starts_with("http") && !kept.contains('#') && kept.is_ascii());
    }
});
