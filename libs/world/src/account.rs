//! Accounts, their owners, and the truth about them.

use klout_model::{NativeId, Network};

use crate::{Home, Topic, World, name::Name};

/// An account of the world, with everything that is true of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    pub network: Network,
    pub native_id: NativeId,
    /// As people of the network write it; unique on it.
    pub handle: String,
    pub truth: Truth,
}

/// What no network tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    /// Who is behind it, whether or not they joined; all accounts of one person have one number.
    pub person: u32,
    /// Which [`Member`] owns it; `None` when its owner has not joined.
    pub member: Option<u32>,
    pub nature: Nature,
    /// What its owner bought, or takes part in.
    pub bought: Option<Attack>,
}

/// What an account is.
#[derive(Clone, Debug, PartialEq)]
pub enum Nature {
    Person {
        /// How many reactions one post of the account draws in the mean, at least 0.
        influence: f64,
        /// One to three, the main one first.
        topics: Vec<Topic>,
    },
    /// Made for an attack.
    Fake { attack: Attack },
}

/// Ways to look more influential than one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attack {
    /// Fakes react to their buyer and to nobody else, within a month.
    Star,
    /// A star whose fakes also react to one another.
    Ring,
    /// A ring whose fakes also react to the famous.
    Camouflage,
    /// As many reactions as a star's, spread evenly over a hundred days.
    SlowDrip,
    /// Members who react to every post of one another. Nobody is fake.
    Pod,
    /// Very many likes of one post within an hour, each by another fake.
    Burst,
    /// Members that post all day, to whom only strangers' bots react.
    NoiseBot,
}

/// Somebody who joined, with one to three accounts.
#[derive(Clone, Copy, Debug)]
pub struct Member<'w> {
    pub(crate) world: &'w World,
    pub(crate) number: u32,
    pub(crate) accounts: &'w [u32],
}

/// One kind of attack: who gains by it, and who carries it out.
#[derive(Clone, Copy, Debug)]
pub struct Scheme<'w> {
    pub(crate) world: &'w World,
    pub(crate) plan: &'w crate::attack::Plan,
}

// === impl Account ===

impl Account {
    #[must_use]
    pub const fn is_fake(&self) -> bool {
        matches!(self.truth.nature, Nature::Fake { .. })
    }

    /// See [`Nature::Person`]; `None` for a fake.
    #[must_use]
    pub const fn influence(&self) -> Option<f64> {
        match self.truth.nature {
            Nature::Person { influence, .. } => Some(influence),
            Nature::Fake { .. } => None,
        }
    }

    /// None for a fake.
    #[must_use]
    pub fn topics(&self) -> &[Topic] {
        match &self.truth.nature {
            Nature::Person { topics, .. } => topics,
            Nature::Fake { .. } => &[],
        }
    }
}

// === impl Attack ===

impl Attack {
    pub const ALL: [Self; 7] = [
        Self::Star,
        Self::Ring,
        Self::Camouflage,
        Self::SlowDrip,
        Self::Pod,
        Self::Burst,
        Self::NoiseBot,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Star => "star",
            Self::Ring => "ring",
            Self::Camouflage => "camouflage",
            Self::SlowDrip => "slow-drip",
            Self::Pod => "pod",
            Self::Burst => "burst",
            Self::NoiseBot => "noise-bot",
        }
    }
}

// === impl Member ===

impl<'w> Member<'w> {
    /// What [`Truth::member`] says; its own alone in this world, and not the place in a list.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.number
    }

    /// Given and family name.
    #[must_use]
    pub fn name(self) -> String {
        Name::new(self.world.seed, self.number).display()
    }

    /// Where the person says to live; `None`: they do not say, nor do bots.
    #[must_use]
    pub fn home(self) -> Option<Home> {
        let account = *self.accounts.first()?;
        let is_person = account < self.world.honest();
        let zone = is_person.then(|| self.world.traits(account).zone)?;
        Home::draw(self.world.seed, self.number, zone)
    }

    /// One to three, each on another network.
    pub fn accounts(self) -> impl ExactSizeIterator<Item = &'w Account> {
        self.accounts.iter().map(move |account| self.world.account(*account))
    }
}

// === impl Scheme ===

impl<'w> Scheme<'w> {
    #[must_use]
    pub const fn attack(self) -> Attack {
        self.plan.attack
    }

    /// Who gains by it: all members. Of a pod, everybody in it; of noise, the bots themselves.
    pub fn beneficiaries(self) -> impl ExactSizeIterator<Item = &'w Account> {
        self.plan.buyers.iter().map(move |account| self.world.account(*account))
    }

    /// Who carries it out and is fake; nobody in a pod.
    pub fn fakes(self) -> impl ExactSizeIterator<Item = &'w Account> {
        self.plan.fakes.clone().map(move |account| self.world.account(account))
    }
}
