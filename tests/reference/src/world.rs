//! What is known of a few hundred people, as plain rows.

use std::collections::BTreeSet;

use klout_model::{CounterName, Kind};

/// Whose score it is.
pub type Person = u32;

/// An account; its place in [`World::accounts`].
pub type Account = usize;

/// One person on one network. Section 2.
pub type Presence<'a> = (Person, &'a str);

/// What was done to an account, by another or by nobody in particular.
#[derive(Clone, Copy, Debug)]
pub struct Reaction {
    pub subject: Account,
    pub actor: Option<Account>,
    pub kind: Kind,
    /// In whole UTC days.
    pub age: usize,
    pub count: u64,
}

/// What an account published.
#[derive(Clone, Copy, Debug)]
pub struct Post {
    pub account: Account,
    /// In whole UTC days.
    pub age: usize,
}

/// The newest reading of a counter; of several the largest counts.
#[derive(Clone, Copy, Debug)]
pub struct Counter {
    pub account: Account,
    pub name: CounterName,
    pub value: f64,
}

/// Everything that is known on one day.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// Who joined.
    pub registered: BTreeSet<Person>,
    /// Whose each is, and on which network.
    pub accounts: Vec<(Person, String)>,
    pub reactions: Vec<Reaction>,
    pub posts: Vec<Post>,
    pub counters: Vec<Counter>,
}

/// Nothing older counts. Section 1, sentence 9.
const WINDOW: usize = 90;

// === impl World ===

impl World {
    #[must_use]
    pub fn people(&self) -> BTreeSet<Person> {
        self.accounts.iter().map(|(owner, _)| *owner).collect()
    }

    #[must_use]
    pub fn presences(&self) -> BTreeSet<Presence<'_>> {
        (0..self.accounts.len()).map(|account| self.presence(account)).collect()
    }

    #[must_use]
    pub fn owner(&self, account: Account) -> Person {
        self.accounts[account].0
    }

    #[must_use]
    pub fn presence(&self, account: Account) -> Presence<'_> {
        (self.owner(account), &self.accounts[account].1)
    }

    /// Section 13: what is older than the window is left out.
    pub(crate) fn reactions(&self) -> impl Iterator<Item = &Reaction> {
        self.reactions.iter().filter(|it| it.age < WINDOW)
    }

    pub(crate) fn posts(&self) -> impl Iterator<Item = &Post> {
        self.posts.iter().filter(|it| it.age < WINDOW)
    }

    /// 0 when the counter was never read.
    pub(crate) fn reading(&self, account: Account, name: CounterName) -> f64 {
        let readings = self.counters.iter().filter(|it| it.account == account && it.name == name);
        readings.map(|counter| counter.value).fold(0.0, f64::max)
    }
}
