//! From presences to a person. docs/scoring.md, sections 8 to 11.

use klout_model::{CounterName, CounterValue, Score};

use crate::{Factors, Model, Presence, Share, ordered_sum, presence::amplified, share::People};

/// A score and what stands behind it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PersonScore {
    pub score: Score,
    /// People's worth of influence, unbounded, at least 0.
    pub influence: f64,
    /// People.
    pub true_reach: f64,
    /// 0 to 100.
    pub amplification: f64,
    /// 0 to 100.
    pub network_impact: f64,
    /// 0 to 1: one half where the interval is as wide as the score is high.
    pub confidence: f64,
    /// The sum of the squares of what single actors add to `influence`, from which its uncertainty follows.
    pub squares: f64,
}

/// What influence is made of: amounts in people, each at least 0, that add up to it. Section 8.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Parts {
    /// Of all presences.
    pub presences: f64,
    /// Of strangers and of numbers without names.
    pub strangers: f64,
    /// Of the pages about the person.
    pub outside: f64,
    pub plus_k: f64,
}

/// Everything about a person but what they do.
#[derive(Debug)]
pub struct PersonEvidence<'a> {
    /// One for each network, in any order.
    pub presences: &'a [Presence],
    /// One for each account, in any order.
    pub counters: &'a [Counters],
    pub plus_k: PlusK,
}

/// The newest readings of one account, by [`CounterName::code`]; `None`: never read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counters([Option<f64>; CounterName::ALL.len()]);

/// What givers of +K add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlusK {
    one_way: People,
    /// Given back, or come round.
    given_back: People,
}

// === impl PersonScore ===

impl PersonScore {
    /// Of somebody who is registered and of whom nothing is known, where a state cannot be told.
    pub const NOTHING: Self = Self {
        score: Score::MIN,
        influence: 0.0,
        true_reach: 0.0,
        amplification: 0.0,
        network_impact: 0.0,
        confidence: 0.0,
        squares: 0.0,
    };

    /// The score of somebody of whom there is evidence. Section 8.
    #[must_use]
    pub fn new(model: &Model, evidence: &PersonEvidence<'_>) -> Self {
        let parts = Parts::new(model, evidence);
        let influence = parts.influence();
        let (people, posts) = (evidence.sum(|it| it.people), evidence.sum(|it| it.posts));

        let score = curve(model, influence);
        let squares = evidence.sum(|it| it.squares);
        let (low, high) = interval(model, influence, squares);
        Self {
            score,
            influence,
            true_reach: people + parts.strangers,
            amplification: 100.0 * amplified(model, people, posts),
            network_impact: if people > 0.0 {
                // Two sums that were rounded on their own.
                (100.0 * (evidence.sum(|it| it.prestige) / people)).min(100.0)
            } else {
                0.0
            },
            confidence: score.points() / (score.points() + (high.points() - low.points())),
            squares,
        }
    }

    /// Within what an equally large second half of the evidence would say, in 90 % of people: from, to.
    /// Section 11.
    #[must_use]
    pub fn interval(&self, model: &Model) -> (Score, Score) {
        interval(model, self.influence, self.squares)
    }
}

// === impl Parts ===

impl Parts {
    #[must_use]
    pub fn new(model: &Model, evidence: &PersonEvidence<'_>) -> Self {
        let PersonEvidence { counters, plus_k, .. } = evidence;
        Self {
            presences: evidence.sum(|it| it.influence),
            strangers: strangers(model, evidence.sum(|it| it.strangers), counters),
            outside: outside(model, counters),
            plus_k: plus_k.influence(model),
        }
    }

    /// All of them.
    #[must_use]
    pub fn influence(self) -> f64 {
        self.presences + self.strangers + self.outside + self.plus_k
    }
}

// === impl PersonEvidence ===

impl PersonEvidence<'_> {
    fn sum(&self, part: fn(&Presence) -> f64) -> f64 {
        match self.presences {
            [] => 0.0,
            [one] => part(one),
            several => ordered_sum(&mut several.iter().map(part).collect::<Vec<_>>()),
        }
    }
}

// === impl Counters ===

impl Counters {
    pub fn set(&mut self, name: CounterName, value: CounterValue) {
        self.0[usize::from(name.code())] = Some(value.get());
    }

    fn get(&self, name: CounterName) -> f64 {
        self.0[usize::from(name.code())].unwrap_or(0.0)
    }

    /// Those that were ever read.
    pub(crate) fn read(&self) -> impl Iterator<Item = CounterName> {
        CounterName::ALL.into_iter().filter(|name| self.0[usize::from(name.code())].is_some())
    }

    /// What they add to `L` of section 8.
    pub(crate) fn counted(&self, model: &Model) -> f64 {
        let weighed = |name| model.counter_weight(name) * libm::log1p(self.get(name));
        CounterName::ALL.into_iter().map(weighed).sum()
    }

    /// The influence of the pages about the account: what they add to `O` of section 8.
    pub(crate) fn outside(&self, model: &Model) -> f64 {
        let numbers = &model.numbers.outside;
        let inlinks = self.get(CounterName::PageInlinks);
        let outlinks = self.get(CounterName::PageOutlinks);
        let linked = if inlinks > 0.0 {
            // Halved first, because both may be as large as a number can be.
            libm::log1p(inlinks) * (0.5 * inlinks / (0.5 * inlinks + 0.5 * outlinks))
        } else {
            0.0
        };
        numbers.inlinks * linked + numbers.rank * libm::log1p(self.get(CounterName::PageRank))
    }
}

// === impl PlusK ===

impl PlusK {
    /// With one more giver.
    ///
    /// - `back`: the part of it that came from the person in the first place: all of it when the person gave that
    ///   giver a +K as well, else what came round.
    pub fn add(&mut self, giver: &Factors, share: Share, back: Share) {
        let one_way = share.less(back);
        self.one_way = self.one_way.plus(giver.attention, one_way);
        self.given_back = self.given_back.plus(giver.attention, share.but(one_way));
    }

    /// Those of several givers together.
    pub(crate) const fn and(self, other: Self) -> Self {
        let (one_way, given_back) = (other.one_way, other.given_back);
        Self { one_way: self.one_way.and(one_way), given_back: self.given_back.and(given_back) }
    }

    /// What is left without a part of it.
    pub(crate) const fn but(self, part: Self) -> Self {
        let (one_way, given_back) = (part.one_way, part.given_back);
        Self { one_way: self.one_way.but(one_way), given_back: self.given_back.but(given_back) }
    }

    /// Of as many givers, each like these.
    pub(crate) const fn times(self, count: u64) -> Self {
        let Self { one_way, given_back } = self;
        Self { one_way: one_way.times(count), given_back: given_back.times(count) }
    }

    /// `k` of section 8: before its ceiling.
    pub(crate) fn worth(self, model: &Model) -> f64 {
        self.worth_of(model, self)
    }

    /// What `part` of it has of that.
    pub(crate) fn worth_of(self, model: &Model, part: Self) -> f64 {
        let numbers = &model.numbers.plus_k;
        let (all, back) = (self.given_back.count(), part.given_back.count());
        // What comes round counts together, so each has its part of what all of it does.
        let back = match &model.numbers.rings {
            Some(rings) if all > rings.together => rings.together * (back / all),
            Some(_) | None => back,
        };
        let given_back = numbers.given_back * back;
        numbers.each * (part.one_way.count() + given_back)
    }

    fn influence(self, model: &Model) -> f64 {
        capped(self.worth(model), model.numbers.plus_k.people)
    }
}

/// What strangers and numbers without names are worth together, in people, below the model's allowance.
fn strangers(model: &Model, strangers: f64, counters: &[Counters]) -> f64 {
    let numbers = &model.numbers.strangers;
    let each = |account: &Counters| account.counted(model);
    let counted = ordered_sum(&mut counters.iter().map(each).collect::<Vec<_>>());
    let left = libm::exp(-numbers.weight * strangers / numbers.people);
    let uncounted = 1.0 - counted / (counted + numbers.counters_half);
    numbers.people * (1.0 - left * uncounted)
}

/// The influence of the pages about somebody.
fn outside(model: &Model, counters: &[Counters]) -> f64 {
    let each = |account: &Counters| account.outside(model);
    ordered_sum(&mut counters.iter().map(each).collect::<Vec<_>>())
}

/// The published scale. Section 9.
pub(crate) fn curve(model: &Model, influence: f64) -> Score {
    let numbers = &model.numbers.curve;
    let bent = libm::exp(-numbers.exponent * libm::log1p(influence / numbers.scale));
    let points = 100.0 - 99.0 * bent;
    Score::new(points.clamp(1.0, 100.0)).expect("clamped, and influence is not NaN")
}

/// How many points more influence is worth, for each person of it. Section 9.
pub(crate) fn slope(model: &Model, influence: f64) -> f64 {
    let numbers = &model.numbers.curve;
    let bent = libm::exp(-(numbers.exponent + 1.0) * libm::log1p(influence / numbers.scale));
    99.0 * numbers.exponent / numbers.scale * bent
}

/// Section 11.
fn interval(model: &Model, influence: f64, squares: f64) -> (Score, Score) {
    let numbers = &model.numbers.confidence;
    let spread = numbers.spread * libm::sqrt(2.0 * squares);
    let above = if squares > 0.0 {
        let people = influence * (influence / squares);
        spread * (people / (people + numbers.lucky))
    } else {
        0.0
    };
    let low = (influence - spread - numbers.unseen).max(0.0);
    (curve(model, low), curve(model, influence + above + numbers.unseen))
}

/// Below `most`, and as good as `amount` while that is small.
fn capped(amount: f64, most: f64) -> f64 {
    -most * libm::expm1(-amount / most)
}

#[cfg(test)]
mod tests {
    use klout_model::Kind;
    use proptest::{collection::vec, prelude::*};

    use super::*;

    prop_compose! {
        fn any_presence()(
            influence in 0.0..1e6_f64,
            more in 0.0..1e6_f64,
            strangers in 0.0..1e9_f64,
            posts in 0.0..1e4_f64,
            evenly in 0.0..1.0_f64,
        ) -> Presence {
            let people = influence + more;
            let (prestige, squares) = (people * evenly, influence * influence * evenly);
            Presence { influence, people, prestige, strangers, posts, squares }
        }
    }

    fn any_counters() -> impl Strategy<Value = Counters> {
        vec(prop::option::of(0.0..1e300_f64), CounterName::ALL.len()).prop_map(|values| {
            let mut counters = Counters::default();
            for (name, value) in CounterName::ALL.into_iter().zip(values) {
                if let Some(Ok(value)) = value.map(CounterValue::new) {
                    counters.set(name, value);
                }
            }
            counters
        })
    }

    proptest! {
        #[test]
        fn what_influence_is_made_of_adds_up_to_the_score(
            presences in vec(any_presence(), 0..4), counters in vec(any_counters(), 0..3),
        ) {
            let model = Model::current();
            let plus_k = PlusK::default();
            let evidence = PersonEvidence { presences: &presences, counters: &counters, plus_k };
            let parts = Parts::new(model, &evidence);
            let score = PersonScore::new(model, &evidence);
            let all = [parts.presences, parts.strangers, parts.outside, parts.plus_k];
            prop_assert!(all.iter().all(|part| *part >= 0.0 && part.is_finite()), "{parts:?}");
            let sum: f64 = all.iter().sum();
            let points = 100.0 - 99.0 * (1.0 + sum / 0.5).powf(-0.2);
            prop_assert!((score.score.points() - points).abs() < 0.01, "{points} and {score:?}");
        }

        #[test]
        fn every_further_point_is_harder(influence in 0.0..1e6_f64, step in 1e-3..1e3_f64) {
            let score = |influence| curve(Model::current(), influence).points();
            let first = score(influence + step) - score(influence);
            let second = score(influence + 2.0 * step) - score(influence + step);
            // Far up, points are so small that they are rounded.
            prop_assert!(first > 0.0 && second < first + 1e-12, "{first} then {second}");
        }
    }

    #[test]
    fn the_slope_is_that_of_the_curve() {
        let model = Model::current();
        for influence in [0.0, 0.08, 1.0, 30.0, 1e4] {
            let step = 1e-6 * (1.0 + influence);
            let risen = curve(model, influence + step).points() - curve(model, influence).points();
            let slope = slope(model, influence);
            assert!((risen / step / slope - 1.0).abs() < 1e-3, "{influence}: {slope}");
        }
    }

    #[test]
    fn the_table_of_the_page_is_the_curve() {
        let table = [
            (0.0, 1.0),
            (0.08, 3.9),
            (0.5, 13.8),
            (1.0, 20.5),
            (3.0, 32.9),
            (10.0, 46.1),
            (30.0, 56.5),
            (100.0, 65.7),
            (1e3, 78.4),
            (1e4, 86.3),
            (1e5, 91.4),
            (1e6, 94.6),
        ];
        for (influence, points) in table {
            let score = curve(Model::current(), influence).points();
            assert!((score - points).abs() < 0.051, "{influence}: {score}");
        }
    }

    #[test]
    fn a_month_of_silence_takes_a_67_to_a_57() {
        // One person on each day of the window, once each, by the age of the reaction.
        let model = Model::current();
        let share = |age| model.share(model.mass(Kind::Like, age, 1)).people();
        let all: f64 = (0..90).map(share).sum();
        let after: f64 = (30..90).map(share).sum();
        let of_67 = 0.5 * (3.0_f64.powi(5) - 1.0);
        let score = curve(model, of_67 * after / all).points();
        assert!((score - 57.0).abs() < 0.1, "{score}");
    }
}
