//! Signals of many accounts, in columns.

use klout_model::{CounterName, CounterValue, Kind, NativeId, Network};
use klout_score_math::Cell;
use rustc_hash::{FxHashMap, FxHashSet};

/// An account, as files name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountName {
    pub network: Network,
    pub native_id: NativeId,
}

/// Everything that is known of a population in the window.
#[derive(Debug, Default)]
pub struct Population {
    indices: FxHashMap<AccountName, u32>,
    pub(crate) names: Vec<AccountName>,
    /// Whose owner joined, by account index.
    registered: FxHashSet<u32>,
    /// Cells by subject; one account has its cells in any order and in parts.
    pub(crate) cells: Vec<(u32, Cell)>,
    /// The newest reading of each counter of an account itself.
    pub(crate) counters: FxHashMap<(u32, CounterName), Reading>,
    /// Published posts: account, age, and its name once.
    pub(crate) posts: FxHashMap<(u32, Box<str>), u8>,
    /// Accounts whose only evidence is a counter of one of their posts.
    pub(crate) seen: FxHashSet<u32>,
    /// Identities of signals that came with one.
    signals: FxHashSet<(u32, Box<str>)>,
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
    /// Whether a signal with this id was seen for this subject for the first time. Signals without an
    /// id are each one of their own.
    #[must_use]
    pub fn is_new(&mut self, subject: &AccountName, id: Option<&str>) -> bool {
        let Some(id) = id else { return true };
        let subject = self.index(subject);
        self.signals.insert((subject, id.into()))
    }

    /// `actor` did something to `subject`, `age` whole UTC days ago. `None`: nobody knows who.
    pub fn interaction(
        &mut self,
        subject: &AccountName,
        actor: Option<&AccountName>,
        kind: Kind,
        age: u8,
        count: u64,
    ) {
        let subject = self.index(subject);
        let actor = actor.map(|actor| i64::from(self.index(actor)));
        self.cells.push((subject, Cell { actor, kind, age, count }));
    }

    /// A counter read so and so at a time, in microseconds since 1970. The newest counts, and of two at
    /// one time the larger. One that belongs to a post is evidence and weighs nothing.
    pub fn counter(
        &mut self,
        account: &AccountName,
        name: CounterName,
        time: i128,
        value: CounterValue,
        of_post: bool,
    ) {
        let account = self.index(account);
        if of_post {
            self.seen.insert(account);
            return;
        }
        let reading = Reading { time, value };
        let newest = self.counters.entry((account, name)).or_insert(reading);
        if reading > *newest {
            *newest = reading;
        }
    }

    /// `account` published `post`, `age` whole UTC days ago. The same post twice is one post, of its
    /// earliest day.
    pub fn post(&mut self, account: &AccountName, post: &str, age: u8) {
        let account = self.index(account);
        let oldest = self.posts.entry((account, post.into())).or_insert(age);
        *oldest = age.max(*oldest);
    }

    /// The owner of `account` joined.
    pub fn register(&mut self, account: &AccountName) {
        let account = self.index(account);
        self.registered.insert(account);
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
