//! What networks are asked, and what they answer, read into signals.
//!
//! Each network is a [`Network`]: it says what to ask next and reads the answer. It asks nobody itself, knows no clock
//! but the one it is told, and keeps nothing: what is still to be asked is a [`Task`], which whoever asks keeps with the
//! signals that an answer yielded. So a network is tested on what was once answered, and a process that is killed goes
//! on where it was.
//!
//! What any host may answer to anybody is read in one place: how long to wait ([`wait`]), and where the other parts of a
//! list are, which never is on another server.

mod about;
mod account;
mod address;
mod answer;
#[cfg(test)]
mod any_json;
mod ask;
pub mod bluesky;
mod catalogue;
mod description;
mod github;
mod html;
mod id;
mod link;
mod mastodon;
mod network;
pub mod sign_in;
mod task;
mod text;
mod trouble;
mod waiting;
mod wikipedia;

pub use crate::{
    account::{Account, Mode, Visit},
    answer::Answer,
    ask::{Ask, Server},
    description::{Capabilities, Description, Method, State, Terms, Whose},
    network::{Network, Recorded},
    task::{Listing, Seen, Step, Task, TaskBroken, Then},
    trouble::Trouble,
    waiting::wait,
};

/// The networks that accounts can be connected on.
#[must_use]
pub fn built() -> &'static [&'static dyn Network] {
    &[&bluesky::Bluesky, &github::GitHub, &mastodon::Mastodon, &wikipedia::Wikipedia]
}

/// All networks that people may ask after, built in or not, by their names.
#[must_use]
pub fn catalogue() -> Vec<&'static Description> {
    let built = built().iter().map(|it| it.description());
    let mut all: Vec<_> = built.chain(&catalogue::OTHERS).collect();
    all.sort_by_key(|it| it.network);
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use klout_model::Network as Name;

    use super::*;

    #[test]
    fn each_network_is_described_once_by_a_name_that_signals_can_have() {
        let all = catalogue();
        let names: BTreeSet<&str> = all.iter().map(|it| it.network).collect();
        assert_eq!(names.len(), all.len());
        for it in &all {
            assert!(it.network.parse::<Name>().is_ok(), "{}", it.network);
            let said = [it.display_name, it.gives, it.source, it.terms.summary];
            assert!(said.iter().all(|text| !text.is_empty()), "{}", it.network);
            let terms = url::Url::parse(it.terms.url);
            assert!(terms.is_ok_and(|url| url.scheme() == "https"), "{}", it.network);
        }
    }

    #[test]
    fn an_account_can_be_connected_where_its_network_is_built_in_and_nowhere_else() {
        let built: BTreeSet<&str> = built().iter().map(|it| it.description().network).collect();
        for it in catalogue() {
            let live = built.contains(it.network);
            assert_eq!(it.state == State::Live, live, "{}", it.network);
            assert_eq!(!it.methods.is_empty(), live, "{}", it.network);
        }
    }
}
