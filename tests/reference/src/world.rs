//! What is known of a few hundred people, as plain rows.

use std::collections::BTreeSet;

use klout_model::{CounterName, Kind};

/// Whose score it is.
pub type Person = u32;

/// One person on one network; its place in [`World::presences`].
pub type Presence = usize;

/// One account of a person. A person may have several, on one network as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Account {
    pub owner: Person,
    pub number: u32,
}

/// What was done to a presence, by somebody or by nobody in particular.
#[derive(Clone, Copy, Debug)]
pub struct Reaction {
    pub presence: Presence,
    pub actor: Option<Person>,
    pub kind: Kind,
    /// In whole UTC days.
    pub age: usize,
    pub count: u64,
}

/// What a presence published.
#[derive(Clone, Copy, Debug)]
pub struct Post {
    pub presence: Presence,
    /// In whole UTC days.
    pub age: usize,
}

/// What a counter of an account read last. Of several the largest counts.
#[derive(Clone, Copy, Debug)]
pub struct Counter {
    pub account: Account,
    pub name: CounterName,
    pub value: f64,
}

/// Everything that is known on one day.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// People are 0 up to here.
    pub people: Person,
    pub registered: BTreeSet<Person>,
    /// Whose each is, and on which network.
    pub presences: Vec<(Person, String)>,
    pub reactions: Vec<Reaction>,
    pub posts: Vec<Post>,
    pub counters: Vec<Counter>,
}

// === impl World ===

impl World {
    pub(crate) fn people(&self) -> impl Iterator<Item = Person> {
        0..self.people
    }

    pub(crate) fn presences(&self) -> impl Iterator<Item = Presence> {
        0..self.presences.len()
    }

    pub(crate) fn owner(&self, presence: Presence) -> Person {
        self.presences[presence].0
    }

    pub(crate) fn network(&self, presence: Presence) -> &str {
        &self.presences[presence].1
    }

    pub(crate) fn accounts_of(&self, person: Person) -> BTreeSet<Account> {
        let accounts = self.counters.iter().map(|counter| counter.account);
        accounts.filter(|account| account.owner == person).collect()
    }

    /// 0 when the counter was never read.
    pub(crate) fn reading(&self, account: Account, name: CounterName) -> f64 {
        let readings = self.counters.iter().filter(|it| it.account == account && it.name == name);
        readings.map(|counter| counter.value).fold(0.0, f64::max)
    }
}
