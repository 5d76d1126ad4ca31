//! The numbers of the model, read from its file by structs of our own.

use std::collections::BTreeMap;

use klout_model::{CounterName, Kind};
use serde::Deserialize;

/// What docs/scoring.md calls the model's numbers, under the names that its file gives them.
#[derive(Clone, Debug, Deserialize)]
pub struct Numbers {
    pub vouching: Vec<String>,
    pub left: Vec<u64>,
    pub vouched_left: Vec<u64>,
    pub kinds: BTreeMap<String, u64>,
    pub counters: BTreeMap<String, f64>,
    pub reaction: Reaction,
    pub attention: Attention,
    pub closure: Closure,
    pub credibility: Credibility,
    pub prestige: Prestige,
    pub unnamed: Unnamed,
    pub posts: Posts,
    pub strangers: Strangers,
    pub outside: Outside,
    pub plus_k: PlusK,
    pub rings: Rings,
    pub curve: Curve,
    pub confidence: Confidence,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Reaction {
    pub whole: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Attention {
    pub people: f64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Closure {
    pub beside: f64,
    pub discounted_from: f64,
    pub worthless_from: f64,
    pub mutual_max: usize,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Credibility {
    pub rounds: u32,
    pub handed_on: f64,
    pub corroborated: f64,
    pub targets_min: f64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Prestige {
    pub half: f64,
    pub worth: f64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Unnamed {
    pub people: f64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Posts {
    pub prior: f64,
    pub half: f64,
    pub weight: f64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Strangers {
    pub people: f64,
    pub weight: f64,
    pub counters_half: f64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Outside {
    pub inlinks: f64,
    pub rank: f64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct PlusK {
    pub people: f64,
    pub each: f64,
    pub given_back: f64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Rings {
    pub steps: usize,
    pub least: u64,
    pub together: f64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Curve {
    pub scale: f64,
    pub exponent: f64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Confidence {
    pub spread: f64,
    pub unseen: f64,
    pub lucky: f64,
}

// === impl Numbers ===

impl Numbers {
    /// # Panics
    ///
    /// When `text` is no model file.
    #[must_use]
    pub fn read(text: &str) -> Self {
        toml::from_str(text).expect("a model file")
    }

    /// Weight of a kind, in hundredths. Section 3.
    pub(crate) fn weight(&self, kind: Kind) -> u64 {
        self.kinds[kind.as_str()]
    }

    /// Weight of a counter. Section 8; 0 for what the table there leaves out.
    pub(crate) fn counter(&self, name: CounterName) -> f64 {
        self.counters.get(name.as_str()).copied().unwrap_or(0.0)
    }

    /// What is left of a reaction, in ten-thousandths. Section 3; nothing beyond the window.
    pub(crate) fn left(&self, age: usize) -> u64 {
        self.left.get(age).copied().unwrap_or(0)
    }

    /// The same of a vote on a network that vouches for it. Section 7.
    pub(crate) fn vouched_left(&self, age: usize) -> u64 {
        self.vouched_left.get(age).copied().unwrap_or(0)
    }

    /// Influence on the published scale. Section 9.
    #[must_use]
    pub fn score(&self, influence: f64) -> f64 {
        100.0 - 99.0 * (1.0 + influence / self.curve.scale).powf(-self.curve.exponent)
    }
}
