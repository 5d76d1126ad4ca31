//! Documents that are made from the sources, or say what they say.

use std::collections::BTreeSet;

use klout_networks::{State, catalogue};

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
fn each_network_and_its_state_is_in_the_page_of_networks() {
    let page = sources::read("docs/networks.md");
    for it in catalogue() {
        let (network, state) = (it.network, it.state.as_str());
        let told = match it.state {
            State::Live => format!("(`{network}`, LIVE)"),
            State::NotBuilt | State::Gated | State::Paid | State::Import | State::Dead => {
                format!("(`{network}`) | {state} |")
            }
        };
        let line = page.lines().find(|line| line.contains(&told));
        let line = line.unwrap_or_else(|| panic!("docs/networks.md does not have: {told}"));
        if it.state != State::Live {
            assert_eq!(line.contains("no perks"), !it.terms.feeds_perks, "{network}");
            assert_eq!(line.contains("no blending"), !it.terms.blends, "{network}");
            assert_eq!(line.contains("forgotten"), it.terms.forgets, "{network}");
            assert!(line.contains(it.terms.url), "{network}");
        }
    }
}

#[test]
fn what_networks_forbid_to_reward_is_rewarded_nowhere_unless_somebody_says_so() {
    let defaults = sources::read("services/perks/config.default.toml");
    let defaults: toml::Table = defaults.parse().expect("the default file is read");
    let without = defaults["perks"]["networks_without_rewards"].as_array().expect("a list");
    let without: BTreeSet<&str> = without.iter().filter_map(toml::Value::as_str).collect();
    let forbid = catalogue().into_iter().filter(|it| !it.terms.feeds_perks);
    // One network, two names.
    let forbid: BTreeSet<&str> = forbid.map(|it| it.network).chain(["x"]).collect();
    assert_eq!(without, forbid, "perks.networks_without_rewards and the catalogue of networks");
}
