//! What is known of a population, in columns of numbers.

use klout_model::{Kind, WINDOW_DAYS};
use klout_score_math::Counters;

/// Everything that is known of a population in the window. People and presences are numbers from 0 on,
/// in any order; the order of the rows of each column does not matter either. A row that is older than the
/// window is as good as none.
///
/// A presence is a person on one network (docs/scoring.md, section 2).
#[derive(Debug, Default)]
pub struct Evidence {
    /// Of each person, whether they joined.
    pub registered: Vec<bool>,
    /// The person of each presence; never falls, so that a person's presences follow one another.
    pub owners: Vec<u32>,
    /// Of each presence, whether its network vouches for votes that name nobody.
    pub vouched: Vec<bool>,
    /// None by the owner of the presence: that is evidence, and goes to `seen`.
    pub(crate) reactions: Vec<Reaction>,
    /// Instead of these, rows that are in the order of presences already.
    pub(crate) by_presence: Option<Rows>,
    pub unnamed: Vec<Unnamed>,
    pub plus_k: Vec<PlusK>,
    /// The presence and the age in whole UTC days of each post.
    pub posts: Vec<(u32, u8)>,
    /// The person and the counters of each account that has any.
    pub counters: Vec<(u32, Counters)>,
    /// People of whom there is evidence that weighs nothing.
    pub seen: Vec<u32>,
}

/// An actor did something to a presence: twelve bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reaction {
    /// A presence.
    pub(crate) subject: u32,
    /// A person.
    pub(crate) actor: u32,
    pub(crate) deed: Deed,
}

/// Reactions in the order of presences: the actor in the upper half, the deed in the lower.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) column: Vec<u64>,
    /// How many each presence has.
    pub(crate) lengths: Vec<u32>,
}

/// Reactions as they come.
#[derive(Debug)]
pub(crate) enum Reactions {
    Unsorted(Vec<Reaction>),
    ByPresence(Rows),
}

/// What was done: kind, age and count. As a number it sorts by kind, then age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Deed(u32);

/// Interactions that name no actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unnamed {
    pub presence: u32,
    pub kind: Kind,
    /// In whole UTC days.
    pub age: u8,
    pub count: u64,
}

/// A person gave a person a +K.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlusK {
    pub receiver: u32,
    pub giver: u32,
    /// In whole UTC days.
    pub age: u8,
    pub count: u64,
}

// === impl Evidence ===

impl Evidence {
    /// Nothing yet of these people and presences.
    ///
    /// - `registered`: of each person, whether they joined.
    /// - `owners`: the person of each presence; never falls.
    /// - `vouched`: of each presence, whether its network vouches for votes that name nobody.
    #[must_use]
    pub fn new(registered: Vec<bool>, owners: Vec<u32>, vouched: Vec<bool>) -> Self {
        Self { registered, owners, vouched, ..Self::default() }
    }

    /// Makes room for so many reactions at once.
    pub fn reserve_exact(&mut self, reactions: usize) {
        self.reactions.reserve_exact(reactions);
    }

    /// Adds what `actor`, a person, did to `presence`. What is older than the window is left out.
    pub fn react(&mut self, presence: u32, actor: Option<u32>, kind: Kind, age: u8, count: u64) {
        self.react_to(self.owners[presence as usize], presence, actor, kind, age, count);
    }

    /// The same, where the owner of the presence is known.
    pub(crate) fn react_to(
        &mut self,
        receiver: u32,
        presence: u32,
        actor: Option<u32>,
        kind: Kind,
        age: u8,
        count: u64,
    ) {
        if age >= WINDOW_DAYS {
            return;
        }
        match actor {
            _ if count == 0 || actor == Some(receiver) => self.seen.push(receiver),
            None => self.unnamed.push(Unnamed { presence, kind, age, count }),
            Some(giver) if kind == Kind::PlusK => {
                self.plus_k.push(PlusK { receiver, giver, age, count });
            }
            Some(actor) => self.reactions.push(Reaction::new(presence, actor, kind, age, count)),
        }
    }
}

impl Evidence {
    /// Adds the rows of several parts, but for reactions. Their own people and presences are none.
    pub(crate) fn extend(&mut self, parts: Vec<Self>) {
        for part in parts {
            self.unnamed.extend(part.unnamed);
            self.plus_k.extend(part.plus_k);
            self.posts.extend(part.posts);
            self.counters.extend(part.counters);
            self.seen.extend(part.seen);
        }
    }

    pub(crate) fn take_reactions(&mut self) -> Reactions {
        match self.by_presence.take() {
            Some(rows) => Reactions::ByPresence(rows),
            None => Reactions::Unsorted(std::mem::take(&mut self.reactions)),
        }
    }
}

// === impl Reaction ===

impl Reaction {
    /// `age` is below [`WINDOW_DAYS`]; a count beyond two million is as good as two million, because
    /// it makes a whole share in every model.
    fn new(subject: u32, actor: u32, kind: Kind, age: u8, count: u64) -> Self {
        debug_assert!(age < WINDOW_DAYS, "{age}");
        let count = u32::try_from(count).unwrap_or(Deed::COUNT_MAX).min(Deed::COUNT_MAX);
        let deed = Deed(u32::from(kind.code()) << 28 | u32::from(age) << 21 | count);
        Self { subject, actor, deed }
    }

    /// As in [`Rows`].
    pub(crate) const fn row(self) -> u64 {
        (self.actor as u64) << 32 | self.deed.0 as u64
    }
}

// === impl Deed ===

impl Deed {
    const COUNT_MAX: u32 = (1 << 21) - 1;

    pub(crate) const fn of_bits(bits: u32) -> Self {
        Self(bits)
    }

    pub(crate) fn kind(self) -> Kind {
        Kind::ALL[(self.0 >> 28) as usize]
    }

    pub(crate) const fn age(self) -> u8 {
        ((self.0 >> 21) & 0x7f) as u8
    }

    pub(crate) const fn count(self) -> u64 {
        (self.0 & Self::COUNT_MAX) as u64
    }
}
