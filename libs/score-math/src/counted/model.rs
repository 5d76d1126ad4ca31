//! The weights of a model, and what a pass over the population found out.

use std::sync::LazyLock;

use klout_model::{CounterName, Kind, WINDOW_DAYS};

/// A version of the formula with its weights. A score always names the model that made it.
#[derive(Debug)]
pub struct Model {
    name: &'static str,
    /// By [`Kind::code`]: what one reaction of this kind weighs. A reshare weighs 1.
    kind_weights: [f64; Kind::ALL.len()],
    /// By [`CounterName::code`]: what ln(1 + value) weighs, in known actors that reacted e - 1 times.
    counter_weights: [f64; CounterName::ALL.len()],
    /// By age in whole UTC days: what is left of a reaction. 1 today, never rising.
    decay: [f64; WINDOW_DAYS as usize],
    /// How many people a flood of anonymous reactions is taken to come from before each further one
    /// counts half.
    pub(super) anonymous_people: f64,
    /// Bends influence to the published scale: the larger, the sooner the scale is used up.
    pub(super) curve: f64,
    /// Posts that everybody is taken to have, so that one lucky post does not make an amplifier.
    pub(super) prior_posts: f64,
    /// Reactions a post at which amplification reaches 50.
    pub(super) amplification_half: f64,
    /// People's worth of evidence at which confidence reaches one half.
    pub(super) confidence_half: f64,
}

/// What a pass over the population published: how credible each actor is. This model does not make
/// passes, so there is one epoch, in which nothing is known of anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch(u64);

/// docs/scoring-klout-2026-11.md, section 2. In the order of the codes.
static CURRENT: LazyLock<Model> = LazyLock::new(|| {
    Model {
        name: "klout-2026-11",
        //              like reshare reply mention comment follow list endorse accept plus_k
        kind_weights: [1.0, 1.0, 0.8, 0.8, 1.0, 0.5, 1.0, 1.5, 1.5, 1.0],
        // follower following listed mentions-received retweets-received mentions-sent retweets-sent
        // posts likes-received views page-inlinks page-outlinks page-rank
        counter_weights: [0.5, 0.0, 1.0, 0.3, 0.3, 0.0, 0.0, 0.0, 0.3, 0.1, 0.0, 0.0, 0.0],
        decay: half_life_table(HALF_LIFE_DAYS),
        anonymous_people: 20.0,
        curve: 0.2,
        prior_posts: 3.0,
        amplification_half: 5.0,
        confidence_half: 10.0,
    }
    .validated()
});

/// After this many days a reaction is worth half: a month offline takes a 67 to about 58.
const HALF_LIFE_DAYS: f64 = 15.0;

// === impl Model ===

impl Model {
    /// The first model.
    #[must_use]
    pub fn current() -> &'static Self {
        &CURRENT
    }

    /// The model of that name, if this version knows it.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        Self::all().find(|model| model.name == name)
    }

    /// Every model that this version knows.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        std::iter::once(Self::current())
    }

    /// Such as `klout-2026-11`: never given to other weights.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn kind_weight(&self, kind: Kind) -> f64 {
        self.kind_weights[usize::from(kind.code())]
    }

    pub(super) fn counter_weight(&self, name: CounterName) -> f64 {
        self.counter_weights[usize::from(name.code())]
    }

    /// What is left after `age` days; nothing from [`WINDOW_DAYS`] on.
    pub(super) fn decay(&self, age: u8) -> f64 {
        self.decay.get(usize::from(age)).copied().unwrap_or(0.0)
    }

    fn validated(self) -> Self {
        let good = |weight: &f64| weight.is_finite() && *weight >= 0.0;
        let falls = self.decay.windows(2).all(|days| days[1] <= days[0]);
        let positive = [
            self.anonymous_people,
            self.curve,
            self.prior_posts,
            self.amplification_half,
            self.confidence_half,
        ];
        let valid = self.kind_weights.iter().chain(&self.counter_weights).all(good)
            && self.decay.iter().all(good)
            && falls
            && positive.iter().all(|it| good(it) && *it > 0.0);
        assert!(valid, "the weights of {} are finite and not negative", self.name);
        self
    }
}

// === impl Epoch ===

impl Epoch {
    /// Before the first pass: nobody is known to be credible.
    pub const ZERO: Self = Self(0);

    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// How credible an actor is, 0..=1.
    pub(super) const fn credibility(self, _actor: i64) -> f64 {
        0.0
    }
}

fn half_life_table(days: f64) -> [f64; WINDOW_DAYS as usize] {
    let mut table = [0.0; WINDOW_DAYS as usize];
    for (age, left) in (0..WINDOW_DAYS).zip(&mut table) {
        *left = libm::exp2(-f64::from(age) / days);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_counts_less_and_halves_in_fifteen_days() {
        let model = Model::current();
        assert_eq!(model.decay(0).to_bits(), 1.0_f64.to_bits());
        assert_eq!(model.decay(15).to_bits(), 0.5_f64.to_bits());
        assert!((1..WINDOW_DAYS).all(|age| model.decay(age) < model.decay(age - 1)));
        assert_eq!(model.decay(WINDOW_DAYS).to_bits(), 0.0_f64.to_bits());
    }

    #[test]
    fn a_model_is_found_by_its_name() {
        let current = Model::current();
        assert_eq!(Model::by_name(current.name()).map(Model::name), Some(current.name()));
        assert!(Model::by_name("klout-1999-01").is_none());
    }
}
