//! Signals of many accounts, in columns.

use std::collections::hash_map::Entry;

use klout_model::{CounterName, CounterValue, Kind, NativeId, Network};
use rustc_hash::{FxHashMap, FxHashSet};

/// An account, as files name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountName {
    pub network: Network,
    pub native_id: NativeId,
}

/// What somebody's network told of them. Compared only to settle which of two signals with one
/// identity counts.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub enum Signal {
    /// `actor` did something to the subject, `age` whole UTC days ago. `None`: nobody knows who.
    Interaction { actor: Option<AccountName>, kind: Kind, age: u8, count: u64 },
    /// A counter read so and so at a time, in microseconds since 1970. The newest counts, and of two
    /// at one time the larger. One that belongs to a post is evidence and weighs nothing.
    Counter { name: CounterName, time: i128, value: CounterValue, of_post: bool },
    /// The subject published `post`, `age` whole UTC days ago. The same post twice is one post, of its
    /// earliest day.
    Post { post: Box<str>, age: u8 },
}

/// Everything that is known of a population in the window.
#[derive(Debug, Default)]
pub struct Population {
    indices: FxHashMap<AccountName, u32>,
    pub(crate) names: Vec<AccountName>,
    /// Whose owner joined, by account index.
    registered: FxHashSet<u32>,
    /// The person who said that an account is theirs, by account. Others are their own.
    owners: FxHashMap<u32, u32>,
    /// How many people said so.
    joined: u32,
    /// In any order and in parts.
    pub(crate) interactions: Vec<Interaction>,
    /// The newest reading of each counter of an account itself.
    pub(crate) counters: FxHashMap<(u32, CounterName), Reading>,
    /// Published posts: account, age, and its name once.
    pub(crate) posts: FxHashMap<(u32, Box<str>), u8>,
    /// Accounts whose only evidence is a counter of one of their posts.
    pub(crate) seen: FxHashSet<u32>,
    /// Signals that have an identity, and are not settled yet: subject and id.
    identified: FxHashMap<(u32, Box<str>), Signal>,
}

/// What an account did to an account, by their indices.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interaction {
    pub(crate) subject: u32,
    pub(crate) actor: Option<u32>,
    pub(crate) kind: Kind,
    pub(crate) age: u8,
    pub(crate) count: u64,
}

/// Whose an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    Itself(u32),
    Joined(u32),
}

/// A counter at a time.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct Reading {
    /// Microseconds since 1970.
    time: i128,
    pub(crate) value: CounterValue,
}

// === impl Population ===

impl Population {
    /// Adds what was told of `subject`. Signals of one subject with the same `id` are one signal, and
    /// where they differ the least of them counts, so that their order does not; without an id each is
    /// one of its own.
    pub fn add(&mut self, subject: &AccountName, id: Option<&str>, signal: Signal) {
        let subject = self.index(subject);
        let Some(id) = id else { return self.count(subject, signal) };
        if let Signal::Interaction { actor: Some(actor), .. } = &signal {
            self.index(actor);
        }
        match self.identified.entry((subject, id.into())) {
            Entry::Vacant(vacant) => {
                vacant.insert(signal);
            }
            Entry::Occupied(mut other) if signal < *other.get() => {
                other.insert(signal);
            }
            Entry::Occupied(_) => {}
        }
    }

    /// Counts the signals that waited for others with their identity.
    pub(crate) fn settle(&mut self) {
        for ((subject, _), signal) in std::mem::take(&mut self.identified) {
            self.count(subject, signal);
        }
    }

    fn count(&mut self, subject: u32, signal: Signal) {
        match signal {
            Signal::Interaction { actor, kind, age, count } => {
                let actor = actor.map(|actor| self.index(&actor));
                self.interactions.push(Interaction { subject, actor, kind, age, count });
            }
            Signal::Counter { of_post: true, .. } => {
                self.seen.insert(subject);
            }
            Signal::Counter { name, time, value, of_post: false } => {
                let reading = Reading { time, value };
                let newest = self.counters.entry((subject, name)).or_insert(reading);
                if reading > *newest {
                    *newest = reading;
                }
            }
            Signal::Post { post, age } => {
                let oldest = self.posts.entry((subject, post)).or_insert(age);
                *oldest = age.max(*oldest);
            }
        }
    }

    /// The owner of `account` joined.
    pub fn register(&mut self, account: &AccountName) {
        let account = self.index(account);
        self.registered.insert(account);
    }

    /// One person joined and owns these accounts. An account has one owner: the last that was named.
    pub fn join(&mut self, accounts: &[AccountName]) {
        let accounts: Vec<u32> = accounts.iter().map(|account| self.index(account)).collect();
        self.registered.extend(&accounts);
        let owner = self.joined;
        self.joined += 1;
        self.owners.extend(accounts.into_iter().map(|account| (account, owner)));
    }

    /// Equal for the accounts of one person, and for no others.
    pub(crate) fn owner(&self, account: u32) -> Owner {
        self.owners.get(&account).map_or(Owner::Itself(account), |owner| Owner::Joined(*owner))
    }

    /// Every account that any signal named counts as registered.
    pub fn register_all(&mut self) {
        self.registered.extend(0..index_of(self.names.len()));
    }

    pub(crate) fn is_registered(&self, account: u32) -> bool {
        self.registered.contains(&account)
    }

    fn index(&mut self, name: &AccountName) -> u32 {
        if let Some(index) = self.indices.get(name) {
            return *index;
        }
        let index = index_of(self.names.len());
        self.indices.insert(name.clone(), index);
        self.names.push(name.clone());
        index
    }
}

/// # Panics
///
/// With more than four thousand million accounts, which do not fit into memory.
pub(crate) fn index_of(place: usize) -> u32 {
    u32::try_from(place).expect("fewer accounts than four thousand million")
}
