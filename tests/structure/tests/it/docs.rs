//! Documents that are made from the sources.

use crate::sources;

#[test]
fn the_page_of_all_settings_is_current() {
    let current = xtask::docs::config(&sources::root()).expect("the default files are read");
    assert!(
        sources::exists("docs/config.md") && sources::read("docs/config.md") == current,
        "docs/config.md is not current: run `cargo xtask docs`"
    );
}
