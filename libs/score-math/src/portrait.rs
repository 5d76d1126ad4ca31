//! Everything that one person's score is made of, so that it can be made again, taken apart, and tried
//! with more. docs/scoring.md, section 16.

use std::fmt;

use klout_model::{Kind, Network};

use crate::{Counters, Factors, Model, PersonScore, Share, ledger::Ledger};

/// The evidence of one person in the window, with what an epoch says of those who reacted. Neither the order
/// of rows matters nor how counts are split into them, and a row that is older than the window is as good as
/// none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Portrait {
    /// One for each network, in the order of their names.
    pub presences: Vec<PortraitPresence>,
    /// Everybody who did something to the person. Rows name them by their place here.
    pub actors: Vec<PortraitActor>,
    /// By others only.
    pub plus_k: Vec<PortraitPlusK>,
    /// Whether there is evidence that weighs nothing, such as what owners do to their own accounts.
    pub seen: bool,
}

/// What happened around the person on one network.
#[derive(Clone, Debug, PartialEq)]
pub struct PortraitPresence {
    pub network: Network,
    /// Whether the network vouches for votes that name nobody: [`Model::vouches`].
    pub vouched: bool,
    /// By others only, and none is a +K.
    pub reactions: Vec<PortraitReaction>,
    /// Interactions that name no actor: kind, age in whole UTC days, how many.
    pub unnamed: Vec<(Kind, u8, u64)>,
    /// Posts and their age in whole UTC days.
    pub posts: Vec<(PostHash, u8)>,
    /// How many of the reactions and interactions above belong to which post. By whom is not known.
    pub tallies: Vec<PostTally>,
    /// One for each account of the network that has any.
    pub counters: Vec<Counters>,
}

/// An actor did something to a presence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortraitReaction {
    pub actor: u32,
    pub kind: Kind,
    /// In whole UTC days.
    pub age: u8,
    pub count: u64,
}

/// Somebody gave the person a +K.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortraitPlusK {
    pub actor: u32,
    /// In whole UTC days.
    pub age: u8,
    pub count: u64,
    /// Whether the person gave that giver a +K as well.
    pub given_back: bool,
}

/// How much of what happened on a day belongs to a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostTally {
    pub post: PostHash,
    pub kind: Kind,
    /// In whole UTC days, of the interactions.
    pub age: u8,
    pub count: u64,
}

/// An actor, as an epoch has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortraitActor {
    pub factors: Factors,
    pub registered: bool,
    /// The part that does not count, of a closed circle with the person. Section 5.
    pub discount: Share,
    /// The part of their +K to the person that came round. Section 8.
    pub come_round: Share,
}

/// The hash of a post's name, which is all that is kept of it. Prints as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PostHash(pub u128);

// === impl Portrait ===

impl Portrait {
    /// The score, bit for bit that of a pass over everybody with the same epoch. `None`: there is no evidence.
    ///
    /// # Panics
    ///
    /// When a row names an actor that is not there.
    #[must_use]
    pub fn score(&self, model: &Model) -> Option<PersonScore> {
        Ledger::new(model, self).score()
    }
}

// === impl PostHash ===

impl fmt::Display for PostHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}
