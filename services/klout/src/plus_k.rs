//! `klout plus-k`: members vouch for members.

mod block;
mod give;
mod list;
mod propose;
mod thank;

use std::collections::BTreeSet;

use klout_proto::{
    convert,
    graph::v1::{BatchGetPeopleRequest, PlusKBudget},
};
use prost_types::Timestamp;

use crate::{arguments, client::Client, exit::Failure, names::Names, output};

/// Vouches for people on a topic, and says what was given and received.
///
/// A member gives ten +K a day, the day by their time zone; one for each receiver and topic in seven days; only on
/// topics that the receiver has. A +K counts for the score of its receiver, by the credibility of its giver; one that
/// is given back counts less for both. It fades as every reaction does.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout plus-k give bluesky:ann.example bluesky:bob.example photography
  klout plus-k received bluesky:bob.example
  klout plus-k thank bluesky:bob.example 1234 'See you on the trail' --public
  klout plus-k budget bluesky:ann.example
  klout plus-k propose bluesky:ann.example bluesky:bob.example hiking
  klout plus-k block bluesky:bob.example bluesky:spammer.example")]
pub(crate) struct PlusK {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Give(give::Give),
    TakeBack(give::TakeBack),
    Budget(give::Budget),
    Given(list::Given),
    Received(list::Received),
    Suggestions(list::Suggestions),
    Thank(thank::Thank),
    Propose(propose::Propose),
    Answer(propose::Answer),
    Proposals(propose::Proposals),
    Block(block::Block),
    Unblock(block::Unblock),
    Blocked(block::Blocked),
}

// === impl PlusK ===

impl PlusK {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Give(it) => it.run(),
            Command::TakeBack(it) => it.run(),
            Command::Budget(it) => it.run(),
            Command::Given(it) => it.run(),
            Command::Received(it) => it.run(),
            Command::Suggestions(it) => it.run(),
            Command::Thank(it) => it.run(),
            Command::Propose(it) => it.run(),
            Command::Answer(it) => it.run(),
            Command::Proposals(it) => it.run(),
            Command::Block(it) => it.run(),
            Command::Unblock(it) => it.run(),
            Command::Blocked(it) => it.run(),
        }
    }
}

/// The most people whom one call names.
const PEOPLE_MAX: usize = 1_000;

/// What these people are called.
async fn names(client: &Client, people: impl Iterator<Item = &String>) -> Result<Names, Failure> {
    let people: BTreeSet<&String> = people.collect();
    let people: Vec<String> = people.into_iter().take(PEOPLE_MAX).cloned().collect();
    let request = BatchGetPeopleRequest { people };
    Ok(Names::of(client.graph().batch_get_people(request).await?.into_inner().people))
}

fn called(names: &Names, person: &str) -> String {
    names.subject(person).unwrap_or_else(|| format!("person {person}"))
}

/// Says what is left.
fn tell_budget(budget: Option<&PlusKBudget>) -> Result<(), Failure> {
    let Some(budget) = budget else { return Ok(()) };
    let reset = time(budget.reset_time.as_ref());
    output::line(&format!("{} of {} left until {reset}", budget.left, budget.daily))
}

fn time(time: Option<&Timestamp>) -> String {
    let time = time.and_then(convert::time);
    time.map(arguments::print_time).unwrap_or_default()
}
