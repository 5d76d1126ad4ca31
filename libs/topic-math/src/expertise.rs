//! What a person is influential about, by what they write and what others make of it.

use klout_model::{Kind, TopicId};
use klout_score_math::Factors;

/// All that is known of a person and topics. Numbers of networks, posts and actors are places in lists.
#[derive(Clone, Debug, Default)]
pub struct PersonEvidence {
    /// What the person wrote.
    pub posts: Vec<Post>,
    /// What others did about it. Reactions to posts that are not there, or by the person, are not there either.
    pub reactions: Vec<Reaction>,
    /// What others called the person: lists, endorsements, +K.
    pub labels: Vec<Label>,
    /// Whom the person reacts to, and what they are known for.
    pub influencers: Vec<Influencer>,
    /// Who the actors of reactions and labels are.
    pub actors: Vec<Actor>,
    /// Everything that the person is influential with, in people, from the score. 0: not known.
    pub influence: f64,
}

/// A post that is about something.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    pub network: u32,
    /// In days, 0 to 89.
    pub age: u8,
    /// Each topic once, with its weight, above 0 and at most 1.
    pub topics: Vec<(TopicId, f32)>,
}

/// What an actor did about a post on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reaction {
    pub post: u32,
    /// `None`: the network does not tell who.
    pub actor: Option<u32>,
    pub kind: Kind,
    /// In days, 0 to 89.
    pub age: u8,
    pub count: u64,
}

/// What an actor called the person on a day.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    pub network: u32,
    /// `None`: the network does not tell who.
    pub actor: Option<u32>,
    pub kind: Kind,
    /// In days, 0 to 89.
    pub age: u8,
    pub count: u64,
    /// Each topic once, with its weight, above 0 and at most 1.
    pub topics: Vec<(TopicId, f32)>,
}

/// Somebody whom the person reacts to, or named as an influencer.
#[derive(Clone, Debug, PartialEq)]
pub struct Influencer {
    /// How much the person reacts to them, 0 to 1.
    pub tie: f64,
    /// What they are known for, with their topic scores, 1 to 100.
    pub topics: Vec<(TopicId, f64)>,
}

/// Somebody who reacts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Actor {
    /// What the epoch says of them.
    pub factors: Factors,
    /// Whether the network hunts those who vote twice. Only of reactions without an actor: see the score.
    pub vouched: bool,
}
