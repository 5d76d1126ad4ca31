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
mod ask;
mod description;
mod github;
mod html;
mod id;
mod link;
mod mastodon;
mod network;
mod task;
mod text;
mod trouble;
mod waiting;

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
    &[&github::GitHub, &mastodon::Mastodon]
}

/// All networks that people may ask after, built in or not, by their names.
#[must_use]
pub fn catalogue() -> Vec<&'static Description> {
    built().iter().map(|it| it.description()).collect()
}
