//! A model: numbers with a name and a checksum. docs/scoring.md.

use std::{collections::BTreeMap, sync::LazyLock};

use klout_model::{CounterName, Kind, Network, WINDOW_DAYS};
use serde::{Deserialize, Serialize};

use crate::share::{self, Share};

/// A version of the formula with its numbers, checked. A score always names the model that made it.
#[derive(Debug)]
pub struct Model {
    pub(crate) numbers: Numbers,
    /// By [`Kind::code`], in hundredths.
    kind_weights: [u64; Kind::ALL.len()],
    /// By [`CounterName::code`].
    counter_weights: [f64; CounterName::ALL.len()],
    /// The share of one single reaction, by kind and age.
    first: FirstShares,
    /// The same on networks that vouch for their votes.
    first_vouched: FirstShares,
}

type FirstShares = [[Share; DAYS]; Kind::ALL.len()];
const DAYS: usize = WINDOW_DAYS as usize;

/// A model as its file has it. What each number means is said there.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Numbers {
    pub(crate) name: String,
    checksum: String,
    vouching: Vec<String>,
    left: Vec<u32>,
    vouched_left: Vec<u32>,
    kinds: BTreeMap<String, u32>,
    counters: BTreeMap<String, f64>,
    pub(crate) reaction: Reaction,
    pub(crate) attention: Attention,
    pub(crate) closure: Closure,
    pub(crate) credibility: Credibility,
    pub(crate) prestige: Prestige,
    pub(crate) unnamed: Unnamed,
    pub(crate) posts: Posts,
    pub(crate) strangers: Strangers,
    pub(crate) outside: Outside,
    pub(crate) plus_k: PlusK,
    pub(crate) curve: Curve,
    pub(crate) confidence: Confidence,
}

/// Declares sections of a model file; each number is at least 0, or above 0 where `positive` says so.
macro_rules! sections {
    ($($name:ident { $($field:ident: $check:ident),* })*) => {
        $(
            #[derive(Clone, Debug, Serialize, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub(crate) struct $name { $(pub(crate) $field: f64),* }

            impl $name {
                fn check(&self, section: &'static str) -> Result<(), ModelInvalid> {
                    $($check(section, stringify!($field), self.$field)?;)*
                    Ok(())
                }
            }
        )*
    };
}

sections! {
    Attention { people: positive }
    Prestige { half: positive, worth: at_least_0 }
    Unnamed { people: positive }
    Posts { prior: positive, half: positive, weight: share_of_1 }
    Strangers { people: positive, weight: share_of_1, counters_half: positive }
    Outside { inlinks: at_least_0, rank: at_least_0 }
    PlusK { people: positive, each: at_least_0, given_back: share_of_1 }
    Curve { scale: positive, exponent: positive }
    Confidence { spread: at_least_0, unseen: at_least_0, lucky: at_least_0 }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reaction {
    pub(crate) whole: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Closure {
    pub(crate) beside: f64,
    pub(crate) discounted_from: f64,
    pub(crate) worthless_from: f64,
    pub(crate) mutual_max: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credibility {
    pub(crate) rounds: u32,
    pub(crate) handed_on: f64,
    pub(crate) targets_min: f64,
}

/// Why a model file is refused.
#[derive(Debug, thiserror::Error)]
pub enum ModelInvalid {
    #[error("the model is not read: {0}")]
    Syntax(Box<toml::de::Error>),
    #[error("`{section}.{name}` is {found}, and has to be {expected}")]
    Number { section: &'static str, name: String, found: String, expected: &'static str },
    #[error("`{name}` has {found} days, and has to have {DAYS}")]
    Days { name: &'static str, found: usize },
    #[error("`{name}` rises on day {day}: what is older may not count more")]
    Rises { name: &'static str, day: usize },
    #[error("`{section}.{name}` is not a {section} that exists")]
    NameUnknown { section: &'static str, name: String },
    #[error("`vouching` names `{name}`, which no network can be called")]
    Network { name: String },
    #[error("`closure.worthless_from` is not above `closure.discounted_from`")]
    Closure,
    #[error(
        "the checksum of these numbers is `{right}` and the file says `{found}`: who changed a number on \
         purpose gives the model another name and writes this checksum into it"
    )]
    Checksum { right: String, found: String },
}

/// The newest model.
static CURRENT: LazyLock<Model> = LazyLock::new(|| {
    let file = include_str!("../models/klout-2026-12.toml");
    Model::load(file).expect("the models that are compiled in are valid, which a test shows")
});

// === impl Model ===

impl Model {
    /// The newest model.
    #[must_use]
    pub fn current() -> &'static Self {
        &CURRENT
    }

    /// The newest model's file, to start one's own from.
    pub const CURRENT_FILE: &'static str = include_str!("../models/klout-2026-12.toml");

    /// Reads a model file.
    ///
    /// # Errors
    ///
    /// When it is not a model, a number is out of range, or the checksum is another one's.
    pub fn load(file: &str) -> Result<Self, ModelInvalid> {
        let numbers: Numbers =
            toml::from_str(file).map_err(|error| ModelInvalid::Syntax(Box::new(error)))?;
        let model = Self::new(numbers)?;
        let right = model.numbers.checksum();
        if right != model.numbers.checksum {
            return Err(ModelInvalid::Checksum { right, found: model.numbers.checksum });
        }
        Ok(model)
    }

    fn new(numbers: Numbers) -> Result<Self, ModelInvalid> {
        numbers.check()?;
        let mut kind_weights = [0; Kind::ALL.len()];
        for (name, weight) in &numbers.kinds {
            let kind: Kind = name.parse().map_err(|_| unknown("kinds", name))?;
            kind_weights[usize::from(kind.code())] = u64::from(*weight);
        }
        let mut counter_weights = [0.0; CounterName::ALL.len()];
        for (name, weight) in &numbers.counters {
            let counter: CounterName = name.parse().map_err(|_| unknown("counters", name))?;
            at_least_0("counters", name, *weight)?;
            counter_weights[usize::from(counter.code())] = *weight;
        }
        let whole = numbers.reaction.whole;
        let first = |left: &[u32]| -> FirstShares {
            let mut first = kind_weights.map(|weight| {
                std::array::from_fn(|age| share::of_mass(weight * u64::from(left[age]), whole))
            });
            // A +K is worth what its giver is, and nobody gave this one.
            first[usize::from(Kind::PlusK.code())] = [Share::NONE; DAYS];
            first
        };
        let (first, first_vouched) = (first(&numbers.left), first(&numbers.vouched_left));
        Ok(Self { numbers, kind_weights, counter_weights, first, first_vouched })
    }

    /// Such as `klout-2026-12`: never given to other numbers.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.numbers.name
    }

    /// 32 hexadecimal digits of a BLAKE3 hash of all numbers and the name.
    #[must_use]
    pub fn checksum(&self) -> &str {
        &self.numbers.checksum
    }

    /// How many rounds credibility flows. Section 6.
    #[must_use]
    pub const fn rounds(&self) -> u32 {
        self.numbers.credibility.rounds
    }

    /// Whoever is mutual with more people is not looked at for closed circles. Section 5.
    #[must_use]
    pub const fn mutual_max(&self) -> u32 {
        self.numbers.closure.mutual_max
    }

    /// Whether interactions without an actor are votes that this network vouches for.
    #[must_use]
    pub fn vouches(&self, network: &Network) -> bool {
        self.numbers.vouching.iter().any(|name| name == network.as_str())
    }

    /// What so many reactions of one kind and age weigh; a like of today is 1,000,000. Section 3.
    #[must_use]
    pub fn mass(&self, kind: Kind, age: u8, count: u64) -> u64 {
        (self.kind_weights[usize::from(kind.code())] * self.left(age)).saturating_mul(count)
    }

    /// The part of a person that an actor's mass amounts to. Section 3.
    #[must_use]
    pub const fn share(&self, mass: u64) -> Share {
        share::of_mass(mass, self.numbers.reaction.whole)
    }

    /// The share of one single reaction. Section 7.
    pub(crate) fn first(&self, vouched: bool, kind: Kind, age: u8) -> Share {
        let table = if vouched { &self.first_vouched } else { &self.first };
        table[usize::from(kind.code())].get(usize::from(age)).copied().unwrap_or(Share::NONE)
    }

    /// What is left after so many whole UTC days, in ten-thousandths; nothing from 90 on.
    pub(crate) fn left(&self, age: u8) -> u64 {
        self.numbers.left.get(usize::from(age)).copied().map_or(0, u64::from)
    }

    pub(crate) const fn counter_weight(&self, name: CounterName) -> f64 {
        self.counter_weights[name.code() as usize]
    }
}

// === impl Numbers ===

impl Numbers {
    fn check(&self) -> Result<(), ModelInvalid> {
        for (name, left) in [("left", &self.left), ("vouched_left", &self.vouched_left)] {
            if left.len() != DAYS {
                return Err(ModelInvalid::Days { name, found: left.len() });
            }
            if let Some(day) = (1..DAYS).find(|day| left[*day] > left[day - 1]) {
                return Err(ModelInvalid::Rises { name, day });
            }
            at_most(name, "0", f64::from(left[0]), 10_000.0, "a whole number up to 10000")?;
        }
        for name in &self.vouching {
            name.parse::<Network>().map_err(|_| ModelInvalid::Network { name: name.clone() })?;
        }
        for (name, weight) in &self.kinds {
            at_most("kinds", name, f64::from(*weight), 10_000.0, "a whole number up to 10000")?;
        }
        if self.reaction.whole == 0 {
            return Err(number("reaction", "whole", 0, "at least 1"));
        }
        let Closure { beside, discounted_from, worthless_from, mutual_max: _ } = self.closure;
        positive("closure", "beside", beside)?;
        share_of_1("closure", "discounted_from", discounted_from)?;
        share_of_1("closure", "worthless_from", worthless_from)?;
        if worthless_from <= discounted_from {
            return Err(ModelInvalid::Closure);
        }
        let Credibility { rounds, handed_on, targets_min } = self.credibility;
        at_most("credibility", "rounds", f64::from(rounds), 100.0, "a whole number up to 100")?;
        share_of_1("credibility", "handed_on", handed_on)?;
        if !(targets_min.is_finite() && targets_min >= 1.0) {
            return Err(number("credibility", "targets_min", targets_min, "at least 1"));
        }
        self.attention.check("attention")?;
        self.prestige.check("prestige")?;
        self.unnamed.check("unnamed")?;
        self.posts.check("posts")?;
        self.strangers.check("strangers")?;
        self.outside.check("outside")?;
        self.plus_k.check("plus_k")?;
        self.curve.check("curve")?;
        self.confidence.check("confidence")
    }

    /// Over everything but the checksum itself, in the order of the fields.
    fn checksum(&self) -> String {
        let canonical = Self { checksum: String::new(), ..self.clone() };
        let canonical = toml::to_string(&canonical).expect("numbers and names are TOML");
        blake3::hash(canonical.as_bytes()).to_hex()[..32].to_owned()
    }
}

fn unknown(section: &'static str, name: &str) -> ModelInvalid {
    ModelInvalid::NameUnknown { section, name: name.to_owned() }
}

fn number(
    section: &'static str,
    name: &str,
    found: impl ToString,
    expected: &'static str,
) -> ModelInvalid {
    ModelInvalid::Number { section, name: name.to_owned(), found: found.to_string(), expected }
}

fn at_least_0(section: &'static str, name: &str, found: f64) -> Result<(), ModelInvalid> {
    let good = found.is_finite() && found >= 0.0;
    good.then_some(()).ok_or_else(|| number(section, name, found, "a number from 0"))
}

fn positive(section: &'static str, name: &str, found: f64) -> Result<(), ModelInvalid> {
    let good = found.is_finite() && found > 0.0;
    good.then_some(()).ok_or_else(|| number(section, name, found, "a number above 0"))
}

fn share_of_1(section: &'static str, name: &str, found: f64) -> Result<(), ModelInvalid> {
    let good = (0.0..=1.0).contains(&found);
    good.then_some(()).ok_or_else(|| number(section, name, found, "a number from 0 to 1"))
}

fn at_most(
    section: &'static str,
    name: &str,
    found: f64,
    most: f64,
    expected: &'static str,
) -> Result<(), ModelInvalid> {
    (found <= most).then_some(()).ok_or_else(|| number(section, name, found, expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_models_that_are_compiled_in_are_valid_and_their_numbers_are_those_of_their_checksums() {
        let model = Model::load(Model::CURRENT_FILE).expect("valid");
        assert_eq!(model.name(), "klout-2026-12");
    }
}
