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

#[test]
fn each_attack_that_was_tried_names_its_test() {
    let page = sources::read("docs/security.md");
    let tests: Vec<String> = sources::rust()
        .filter(|source| source.text.contains("#[test]") || source.text.contains("::test]"))
        .map(|source| source.text)
        .collect();
    let mut attacks = 0;
    for row in page.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let named = row.trim_end_matches(" |").rsplit(" | ").next().expect("a row has columns");
        for name in named.split(", ") {
            let declared = format!("fn {}(", name.trim_matches('`'));
            assert!(tests.iter().any(|text| text.contains(&declared)), "{name} is no test: {row}");
        }
        attacks += 1;
    }
    assert!(attacks > 20, "the table is there");
}
