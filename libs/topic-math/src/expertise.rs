//! What a person is influential about, by what they write and what others make of it. docs/topics.md.
//!
//! Sums are of whole numbers, so that the same evidence gives the same bits in any order.

mod behind;
mod rolled;
mod scored;
mod tally;

use std::fmt;

use klout_model::{Kind, TopicId};
use klout_ontology::Ontology;
use klout_score_math::{Factors, Model, Share};

pub use self::behind::{Behind, PersonBehind, PostBehind, behind};

use crate::related::RelatedTopics;

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
    /// The networks that vouch for reactions without an actor: those of others weigh nothing.
    pub vouching: Vec<u32>,
    /// What the person says to be wrong: with its descendants no evidence for anything.
    pub vetoed: Vec<TopicId>,
    /// Everything that the person is influential with, in people, from the score. 0: not known.
    pub influence: f64,
}

/// A post that is about something.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    pub network: u32,
    /// In days. From 90 on it is no post of the person any more, and what others do about it still counts.
    pub age: u8,
    /// Each topic once, with its weight, above 0 and at most 1. Topics that are not of the ontology are none.
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
    /// `None`: the network does not tell who, and it weighs nothing.
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Actor {
    /// What the epoch says of them.
    pub factors: Factors,
    /// The part of what they do to the person that is not counted, because both are of one closed circle.
    /// docs/scoring.md, section 5.
    pub discount: Share,
}

/// What a person has to do with a topic, on one network or on all.
#[derive(Clone, Debug, PartialEq)]
pub struct Expertise {
    pub topic: TopicId,
    /// `None`: on all networks together.
    pub network: Option<u32>,
    /// What the person writes, in people's worth like all the following.
    pub written: f64,
    /// What others do about that.
    pub reacted: f64,
    /// What others say of the person.
    pub said: f64,
    /// What those are known for whom the person reacts to. Of no network alone.
    pub influencers: f64,
    /// All four.
    pub strength: f64,
    /// Distinct people who are known to be somebody and reacted or said it.
    pub people: u32,
    /// Posts about it in the window.
    pub posts: u32,
    /// Whether something is about the topic itself, and not only about a descendant.
    pub direct: bool,
    /// The topic or the descendant that most of it is about.
    pub mostly: TopicId,
    /// How influential the person is on it, 1 to 100, on the scale of scores.
    pub score: f64,
    /// What is missing until others are told of it. None: it is shown.
    pub missing: Vec<Missing>,
}

/// Why a topic is not shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Missing {
    /// So many more people have to react or say it.
    People(u32),
    /// On so many more days there have to be posts that people react to; or as many people who say it.
    Occasions(u32),
    /// So much more has to come from others, in people's worth.
    Strength(f64),
}

/// The name of the numbers below. Whoever changes one changes it too.
pub const NUMBERS: &str = "topics-2026-12";

/// A topic is shown from so many distinct people on.
pub const PEOPLE_MIN: u32 = 3;
/// And from so many occasions on: days with posts that somebody reacted to, and people who say it. One post about a
/// hurricane makes no expert on weather, however many react.
pub const OCCASIONS_MIN: u32 = 3;
/// And from so much on that others did or said, in people's worth.
pub const STRENGTH_MIN: f64 = 1.0;

/// The most that writing adds, in people's worth: posting is not influence.
const WRITTEN_MOST: f64 = 0.05;
/// So many posts of today add nearly two thirds of that.
const WRITTEN_POSTS: f64 = 10.0;
/// What a list or an endorsement is worth beside a reaction: lists were the best single sign of expertise.
const LABEL_WORTH: f64 = 3.0;
/// The most that +K adds, in people's worth, as in the score.
const PLUS_K_MOST: f64 = 5.0;
/// The most that influencers add, in people's worth: not enough to be shown, nor to outrank whom three people know.
const INFLUENCERS_MOST: f64 = 0.25;
/// How much evidence of related topics supports a topic.
const RELATED_WORTH: f64 = 0.5;

/// What a person is influential about, by topic and then network, all networks first. Every topic with any evidence
/// is there, and its ancestors; [`Expertise::is_shown`] says what others are told of.
///
/// - `related`: which topics support one another in the topic score; none of them: nothing does.
/// - A post, a label or an actor counts once for an ancestor, whatever it says of its descendants, and at least as
///   much. So who is shown in a topic is shown in its ancestors, and scores as high on them or higher.
/// - One more reaction, label or influencer, and more influence, lowers nothing.
#[must_use]
pub fn expertise(
    model: &Model,
    ontology: &Ontology,
    related: &RelatedTopics,
    evidence: &PersonEvidence,
) -> Vec<Expertise> {
    let mut found = tally::tally(model, ontology, evidence);
    scored::find_mostly(ontology, &mut found);
    scored::score(model, ontology, related, evidence.influence, &mut found);
    found
}

// === impl Expertise ===

impl Expertise {
    /// Whether there is enough evidence, from enough people, for others to be told.
    #[must_use]
    pub const fn is_shown(&self) -> bool {
        self.missing.is_empty()
    }

    /// What is from others alone, in people's worth.
    #[must_use]
    pub fn from_others(&self) -> f64 {
        self.reacted + self.said
    }
}

// === impl Missing ===

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::People(1) => f.write_str("1 more person who reacts to it or says it"),
            Self::People(more) => write!(f, "{more} more people who react to it or say it"),
            Self::Occasions(1) => f.write_str(
                "posts that people react to on 1 more day, or 1 more person who says it",
            ),
            Self::Occasions(more) => write!(
                f,
                "posts that people react to on {more} more days, or {more} more people who say it"
            ),
            Self::Strength(more) => {
                // Rounded up: nothing missing is never said to be missing.
                let more = ((more * 10.0).ceil() / 10.0).max(0.1);
                write!(f, "{more:.1} people's worth more of recent reactions")
            }
        }
    }
}

#[cfg(test)]
mod tests;
