//! A model: numbers with a name and a checksum. docs/scoring.md.

use std::{collections::BTreeMap, sync::LazyLock};

use klout_model::{CounterName, Kind, Network, Score, WINDOW_DAYS};
use serde::{Deserialize, Serialize};

use crate::{
    counted, person,
    share::{self, Share},
};

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

/// A row of reactions keeps its count up to 2²¹ − 1. With weight and remainder of 1 that is still above this
/// mass, so a count that was cut is a whole share all the same.
const WHOLE_MAX: u64 = 2_000_000;

/// So many people are looked at in one step at most, in finding where a +K comes from.
const LEAST_MAX: u32 = 10_000;

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
    /// A model that has none looks for pairs alone, and counts each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rings: Option<Rings>,
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
    Prestige { half: positive, worth: up_to_1000 }
    Unnamed { people: positive }
    Posts { prior: positive, half: positive, weight: share_of_1 }
    Strangers { people: positive, weight: share_of_1, counters_half: positive }
    Outside { inlinks: at_least_0, rank: at_least_0 }
    PlusK { people: positive, each: at_least_0, given_back: share_of_1 }
    Curve { scale: positive, exponent: positive }
    Confidence { spread: at_least_0, unseen: at_least_0, lucky: positive }
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
    pub(crate) corroborated: f64,
    pub(crate) targets_min: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rings {
    pub(crate) steps: u32,
    pub(crate) least: u32,
    pub(crate) together: f64,
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
    #[error("`{section}.{name}` is not a {what} that exists")]
    NameUnknown { section: &'static str, what: &'static str, name: String },
    #[error("`vouching` names `{name}`, which no network can be called")]
    Network { name: String },
    #[error(
        "`name` is `{name}`, which is the name of other numbers: give the model another name, and history \
         stays what it was"
    )]
    NameTaken { name: String },
    #[error("`closure.worthless_from` is not above `closure.discounted_from`")]
    Closure,
    #[error(
        "the checksum of these numbers is `{right}` and the file says `{found}`: who changed a number on \
         purpose gives the model another name and writes this checksum into it"
    )]
    Checksum { right: String, found: String },
}

/// The files of the models that are compiled in, the newest first.
const FILES: [&str; 2] =
    [include_str!("../models/klout-2027-01.toml"), include_str!("../models/klout-2026-12.toml")];

static BUILT_IN: LazyLock<[Model; FILES.len()]> = LazyLock::new(|| {
    FILES.map(|file| {
        Model::read(file).expect("the models that are compiled in are valid, which a test shows")
    })
});

// === impl Model ===

impl Model {
    /// The newest model.
    #[must_use]
    pub fn current() -> &'static Self {
        &BUILT_IN[0]
    }

    /// The newest model's file, to start one's own from.
    pub const CURRENT_FILE: &'static str = FILES[0];

    /// The file of a model that is compiled in.
    #[must_use]
    pub fn file_of(name: &str) -> Option<&'static str> {
        let place = Self::built_in().position(|it| it.name() == name)?;
        FILES.get(place).copied()
    }

    /// Every model that is compiled in, but for those of [`counted`], the newest first.
    pub fn built_in() -> impl Iterator<Item = &'static Self> {
        BUILT_IN.iter()
    }

    /// Reads a model file.
    ///
    /// # Errors
    ///
    /// When it is not a model, a number is out of range, the checksum is another one's, or the name is that of
    /// a model that is compiled in and has other numbers.
    pub fn load(file: &str) -> Result<Self, ModelInvalid> {
        let model = Self::read(file)?;
        let name = model.name();
        let known = Self::built_in().find(|it| it.name() == name);
        let taken = known.is_some_and(|it| it.checksum() != model.checksum());
        if taken || counted::Model::by_name(name).is_some() {
            return Err(ModelInvalid::NameTaken { name: name.to_owned() });
        }
        Ok(model)
    }

    fn read(file: &str) -> Result<Self, ModelInvalid> {
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
            let kind: Kind = name.parse().map_err(|_| unknown("kinds", "kind", name))?;
            kind_weights[usize::from(kind.code())] = u64::from(*weight);
        }
        for kind in Kind::ALL {
            if !numbers.kinds.contains_key(kind.as_str()) {
                let expected = "a whole number up to 10000";
                return Err(number("kinds", kind.as_str(), "missing", expected));
            }
        }
        let mut counter_weights = [0.0; CounterName::ALL.len()];
        for (name, weight) in &numbers.counters {
            let counter: CounterName =
                name.parse().map_err(|_| unknown("counters", "counter", name))?;
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

    /// How many steps back it is followed where +K come from; 0: it is not. Section 8.
    #[must_use]
    pub fn ring_steps(&self) -> u32 {
        self.numbers.rings.as_ref().map_or(0, |it| it.steps)
    }

    /// What is less than such a part of a +K is not followed on. Section 8.
    #[must_use]
    pub fn ring_least(&self) -> u32 {
        self.numbers.rings.as_ref().map_or(1, |it| it.least)
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

    /// What so many interactions without an actor are worth, in people: `g` of section 7.
    #[must_use]
    pub fn unnamed_worth(&self, count: f64) -> f64 {
        let flood = self.numbers.unnamed.people;
        flood * libm::log1p(count / flood)
    }

    /// Influence on the published scale. Section 9.
    #[must_use]
    pub fn score(&self, influence: f64) -> Score {
        person::curve(self, influence)
    }

    /// What is left after so many whole UTC days, in ten-thousandths; nothing from 90 on.
    #[must_use]
    pub fn left(&self, age: u8) -> u64 {
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
        if !(1..=WHOLE_MAX).contains(&self.reaction.whole) {
            let expected = "a whole number from 1 to 2000000";
            return Err(number("reaction", "whole", self.reaction.whole, expected));
        }
        let Closure { beside, discounted_from, worthless_from, mutual_max: _ } = self.closure;
        positive("closure", "beside", beside)?;
        share_of_1("closure", "discounted_from", discounted_from)?;
        share_of_1("closure", "worthless_from", worthless_from)?;
        if worthless_from <= discounted_from {
            return Err(ModelInvalid::Closure);
        }
        let Credibility { rounds, handed_on, corroborated, targets_min } = self.credibility;
        at_most("credibility", "rounds", f64::from(rounds), 100.0, "a whole number up to 100")?;
        share_of_1("credibility", "handed_on", handed_on)?;
        at_least_0("credibility", "corroborated", corroborated)?;
        if !(1.0..=LARGEST).contains(&targets_min) {
            let expected = "a number from 1 to 1000000";
            return Err(number("credibility", "targets_min", targets_min, expected));
        }
        if let Some(Rings { steps, least, together }) = &self.rings {
            at_most("rings", "steps", f64::from(*steps), 100.0, "a whole number up to 100")?;
            if !(1..=LEAST_MAX).contains(least) {
                let expected = "a whole number from 1 to 10000";
                return Err(number("rings", "least", least, expected));
            }
            positive("rings", "together", *together)?;
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

fn unknown(section: &'static str, what: &'static str, name: &str) -> ModelInvalid {
    ModelInvalid::NameUnknown { section, what, name: name.to_owned() }
}

fn number(
    section: &'static str,
    name: &str,
    found: impl ToString,
    expected: &'static str,
) -> ModelInvalid {
    ModelInvalid::Number { section, name: name.to_owned(), found: found.to_string(), expected }
}

/// No number of a model is larger, so that no sum or quotient of them leaves the finite numbers.
const LARGEST: f64 = 1e6;
/// None that has to be above 0 is smaller, for the same reason.
const SMALLEST: f64 = 1e-6;

fn at_least_0(section: &'static str, name: &str, found: f64) -> Result<(), ModelInvalid> {
    let good = (0.0..=LARGEST).contains(&found);
    good.then_some(()).ok_or_else(|| number(section, name, found, "a number from 0 to 1000000"))
}

fn positive(section: &'static str, name: &str, found: f64) -> Result<(), ModelInvalid> {
    let good = (SMALLEST..=LARGEST).contains(&found);
    let expected = "a number from 0.000001 to 1000000";
    good.then_some(()).ok_or_else(|| number(section, name, found, expected))
}

fn share_of_1(section: &'static str, name: &str, found: f64) -> Result<(), ModelInvalid> {
    let good = (0.0..=1.0).contains(&found);
    good.then_some(()).ok_or_else(|| number(section, name, found, "a number from 0 to 1"))
}

/// What a factor of an actor can hold.
fn up_to_1000(section: &'static str, name: &str, found: f64) -> Result<(), ModelInvalid> {
    let good = (0.0..=1_000.0).contains(&found);
    good.then_some(()).ok_or_else(|| number(section, name, found, "a number from 0 to 1000"))
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

    /// The current file with `from` replaced, which may no longer be a model.
    fn with(from: &str, to: &str) -> Result<Model, ModelInvalid> {
        assert!(Model::CURRENT_FILE.contains(from), "no `{from}`");
        Model::load(&Model::CURRENT_FILE.replacen(from, to, 1))
    }

    /// Why such a file is refused.
    fn refused(from: &str, to: &str) -> String {
        with(from, to).expect_err(to).to_string()
    }

    #[test]
    fn the_models_that_are_compiled_in_are_valid_and_their_numbers_are_those_of_their_checksums() {
        // What was published never changes, so what is added here stays.
        let published = [
            ("klout-2027-01", "cdf17c6588de41611c7e53a97a466d0a"),
            ("klout-2026-12", "2d5fed45e7cbb1c9820d68741f40c076"),
        ];
        let models: Vec<Model> =
            FILES.map(|file| Model::load(file).expect("valid")).into_iter().collect();
        let found: Vec<_> = models.iter().map(|it| (it.name(), it.checksum())).collect();
        assert_eq!(found, published);
        assert!(Model::built_in().map(Model::name).eq(published.map(|it| it.0)));
        assert_eq!(Model::current().name(), published[0].0);
    }

    #[test]
    fn the_name_of_an_older_model_is_not_given_to_other_numbers_either() {
        let Err(ModelInvalid::Checksum { right, found }) = with("klout-2027-01", "klout-2026-12")
        else {
            panic!("the checksum covers the name");
        };
        let mended = Model::CURRENT_FILE.replacen("klout-2027-01", "klout-2026-12", 1);
        let mended = mended.replace(&found, &right);
        assert!(matches!(Model::load(&mended), Err(ModelInvalid::NameTaken { .. })));
    }

    #[test]
    fn other_numbers_or_another_name_have_another_checksum_which_the_message_tells() {
        for (from, to) in [
            ("klout-2027-01", "klout-of-a-test"),
            ("like = 100", "like = 101"),
            ("rank = 2.0", "rank = 2.5"),
            (" 164,", " 163,"),
            ("[\"stackexchange\"]", "[]"),
        ] {
            let Err(ModelInvalid::Checksum { right, found }) = with(from, to) else {
                panic!("{to} has the checksum of {from}");
            };
            assert_eq!(found, Model::current().checksum());
            let message = ModelInvalid::Checksum { right: right.clone(), found: found.clone() };
            assert!(message.to_string().contains(&format!("is `{right}`")), "{message}");
            let mended = Model::CURRENT_FILE.replacen(from, to, 1).replace(&found, &right);
            // With the name of other numbers it is refused all the same.
            let taken = matches!(Model::load(&mended), Err(ModelInvalid::NameTaken { .. }));
            assert_eq!(taken, !mended.contains("klout-of-a-test"), "{to}");
        }
        let wrong = refused(Model::current().checksum(), "0123456789abcdef0123456789abcdef");
        assert!(wrong.contains(Model::current().checksum()), "{wrong}");
    }

    #[test]
    fn comments_and_blank_lines_have_no_checksum() {
        with("# Section 4:", "\n# A word more. Section 4:").expect("valid");
    }

    #[test]
    fn a_number_out_of_range_is_refused_by_its_name() {
        for (from, to, name) in [
            ("follower_count = 0.5", "follower_count = -0.5", "counters.follower_count"),
            ("views = 0.1", "views = 1e308", "counters.views"),
            ("like = 100\n", "", "kinds.like"),
            ("worth = 0.5", "worth = 1e9", "prestige.worth"),
            ("prior = 3.0", "prior = 1e-200", "posts.prior"),
            ("views = 0.1", "views = inf", "counters.views"),
            ("like = 100", "like = 10001", "kinds.like"),
            ("whole = 600_000", "whole = 0", "reaction.whole"),
            ("whole = 600_000", "whole = 2_000_001", "reaction.whole"),
            ("people = 30.0", "people = 0.0", "attention.people"),
            ("beside = 9.0", "beside = 0.0", "closure.beside"),
            ("discounted_from = 0.25", "discounted_from = 1.5", "closure.discounted_from"),
            ("rounds = 4", "rounds = 4_000_000", "credibility.rounds"),
            ("handed_on = 0.7", "handed_on = 1.1", "credibility.handed_on"),
            ("targets_min = 2.0", "targets_min = 0.5", "credibility.targets_min"),
            ("half = 20.0", "half = -20.0", "prestige.half"),
            ("weight = 0.3", "weight = nan", "posts.weight"),
            ("weight = 0.2", "weight = 1.2", "strangers.weight"),
            ("inlinks = 3.0", "inlinks = -3.0", "outside.inlinks"),
            ("given_back = 0.2", "given_back = 2.0", "plus_k.given_back"),
            ("steps = 12", "steps = 101", "rings.steps"),
            ("least = 250", "least = 0", "rings.least"),
            ("least = 250", "least = 10_001", "rings.least"),
            ("together = 1.0", "together = 0.0", "rings.together"),
            ("scale = 0.5", "scale = 0.0", "curve.scale"),
            // A curve that falls.
            ("exponent = 0.2", "exponent = -0.2", "curve.exponent"),
            ("spread = 2.0", "spread = -1.0", "confidence.spread"),
        ] {
            let message = refused(from, to);
            assert!(message.starts_with(&format!("`{name}` is ")), "{to}: {message}");
        }
        let closure = refused("worthless_from = 0.5", "worthless_from = 0.25");
        assert!(closure.contains("`closure.worthless_from`"), "{closure}");
    }

    #[test]
    fn the_largest_whole_is_one_that_a_count_which_was_cut_still_makes() {
        let Err(ModelInvalid::Checksum { .. }) = with("whole = 600_000", "whole = 2_000_000")
        else {
            panic!("the checksum alone is wrong");
        };
    }

    #[test]
    fn what_is_no_whole_number_is_refused_with_its_line() {
        for (from, to) in [
            ("like = 100", "like = -100"),
            ("like = 100", "like = 1.5"),
            ("rounds = 4", "rounds = -4"),
            ("whole = 600_000", "whole = -1"),
            (" 164,", " -164,"),
        ] {
            let message = refused(from, to);
            let place = Model::CURRENT_FILE.find(from).expect("is there");
            let line = 1 + Model::CURRENT_FILE[..place].matches('\n').count();
            assert!(message.contains(&format!("at line {line},")), "{to}, line {line}: {message}");
        }
    }

    #[test]
    fn what_is_left_never_rises_with_age_and_has_a_number_for_each_day() {
        assert_eq!(
            refused("10000,  9548,  9117", "10000,  9548,  9549"),
            "`left` rises on day 2: what is older may not count more"
        );
        assert_eq!(
            refused("10000,  9885,", "10000, 10001,"),
            "`vouched_left` rises on day 1: what is older may not count more"
        );
        let days = |name, found| format!("`{name}` has {found} days, and has to have 90");
        assert_eq!(refused("  171,   164,", "  171,"), days("left", 89));
        assert_eq!(refused(" 3618,  3577,", " 3618,  3577,  3500,"), days("vouched_left", 91));
        assert!(refused("    10000,  9548", "    10001,  9548").starts_with("`left.0` is 10001"));
    }

    #[test]
    fn a_name_that_nothing_has_is_refused() {
        assert_eq!(refused("like = 100", "adore = 100"), "`kinds.adore` is not a kind that exists");
        assert_eq!(
            refused("views = 0.1", "friends = 0.1"),
            "`counters.friends` is not a counter that exists"
        );
        assert!(refused("[\"stackexchange\"]", "[\"No Such\"]").contains("names `No Such`"));
        for (from, to) in [
            ("rounds = 4", "rounds = 4\nround = 4"),
            ("[confidence]", "[trust]\n[confidence]"),
            ("name =", "title = 1\nname ="),
        ] {
            let message = refused(from, to);
            assert!(message.contains("unknown field"), "{to}: {message}");
            assert!(message.contains("at line "), "{to}: {message}");
        }
        assert!(refused("rounds = 4\n", "").contains("missing field `rounds`"));
    }
}
