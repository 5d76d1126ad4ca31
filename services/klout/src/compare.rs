//! How far two models differ in what they say of the same people. Pure, and some fifty bytes a person.

mod movers;
mod plot;
mod ranks;
mod report;
mod summary;

use klout_model::Score;

pub(crate) use self::{
    report::Report,
    summary::{figures, lines},
};
use crate::quantile;

/// The decades of scores: 0-9, 10-19, …, 90-100.
pub(crate) const DECADES: usize = 10;

/// Cells of the density along each side.
pub(crate) const CELLS: usize = 50;

/// Points of score in a cell of the density.
pub(crate) const CELL_POINTS: f64 = 2.0;

/// Points of score in a band of the change by score.
pub(crate) const BAND_POINTS: f64 = 5.0;
const BANDS: usize = 20;

/// A band of fewer people says more about them than about the model.
const BAND_PEOPLE_MIN: usize = 5;

/// Everybody's scores by two models, as they come.
#[derive(Debug, Default)]
pub(crate) struct Scores {
    both: Vec<Both>,
    only_old: Vec<f64>,
    only_new: Vec<f64>,
}

/// Somebody whom both models score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Both {
    pub(crate) person: u64,
    pub(crate) old: f64,
    pub(crate) new: f64,
}

/// How far two models differ.
#[derive(Debug)]
pub(crate) struct Comparison {
    /// How many people both models score.
    pub(crate) people: usize,
    /// How many only the old one scores.
    pub(crate) only_old: usize,
    /// How many only the new one scores.
    pub(crate) only_new: usize,
    /// Spearman's rank correlation, -1 to 1; `None` where one model says the same of everybody.
    pub(crate) rank_correlation: Option<f64>,
    /// The share of people who stay in their decade, 0 to 1; `None` of nobody.
    pub(crate) same_decade: Option<f64>,
    /// The population stability index over the decades; `None` when a model scores nobody.
    pub(crate) stability: Option<f64>,
    /// What the old model says of all whom it scores.
    pub(crate) old: Option<Distribution>,
    /// What the new model says of all whom it scores.
    pub(crate) new: Option<Distribution>,
    /// How many points people move, up or down.
    pub(crate) moved: Option<Distribution>,
    /// Who gains most, the most first.
    pub(crate) up: Vec<Both>,
    /// Who loses most, the most first.
    pub(crate) down: Vec<Both>,
    /// How many people there are in each cell: by the old score, then by the new one.
    pub(crate) density: Box<[[u32; CELLS]; CELLS]>,
    /// How the score changes for people of about the same old score; `None`: nobody, or too few.
    pub(crate) bands: [Option<Band>; BANDS],
}

/// How some numbers are spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Distribution {
    pub(crate) mean: f64,
    /// What 10, 25, 50, 75, 90 and 99 of a hundred are at most.
    pub(crate) parts: [f64; PARTS.len()],
    pub(crate) decades: [usize; DECADES],
}

/// The percents of a distribution's parts.
pub(crate) const PARTS: [usize; 6] = [10, 25, 50, 75, 90, 99];

/// What changes for people of about the same old score, in points: for a tenth of them it is at most the first,
/// for half of them the second, for a tenth more than the third.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Band {
    pub(crate) low: f64,
    pub(crate) median: f64,
    pub(crate) high: f64,
}

/// How a population stability index is usually read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    Stable,
    Look,
    Another,
}

// === impl Scores ===

impl Scores {
    /// Adds somebody. Who has neither score says nothing.
    pub(crate) fn add(&mut self, person: u64, old: Option<f64>, new: Option<f64>) {
        match (old, new) {
            (Some(old), Some(new)) => self.both.push(Both { person, old, new }),
            (Some(old), None) => self.only_old.push(old),
            (None, Some(new)) => self.only_new.push(new),
            (None, None) => {}
        }
    }

    /// Compares. The order in which people came does not matter.
    pub(crate) fn compare(self) -> Comparison {
        let Self { both, only_old, only_new } = self;
        let (only_old_people, only_new_people) = (only_old.len(), only_new.len());
        let mut density = Box::new([[0; CELLS]; CELLS]);
        for it in &both {
            density[cell(it.old)][cell(it.new)] += 1;
        }
        let stay = both.iter().filter(|it| decade(it.old) == decade(it.new)).count();
        let same_decade = (!both.is_empty()).then(|| share(stay, both.len()));
        let mut order = ranks::order(both.len());
        let rank_correlation = ranks::correlation(&both, &mut order);
        let bands = bands(&both, &mut order);
        let (up, down) = movers::movers(&both, &mut order);
        drop(order);
        let moved = Distribution::of(both.iter().map(|it| it.change().abs()).collect());
        let old = Distribution::of(both.iter().map(|it| it.old).chain(only_old).collect());
        let new = Distribution::of(both.iter().map(|it| it.new).chain(only_new).collect());
        let stability = match (&old, &new) {
            (Some(old), Some(new)) => Some(stability(&old.decades, &new.decades)),
            _ => None,
        };
        Comparison {
            people: both.len(),
            only_old: only_old_people,
            only_new: only_new_people,
            rank_correlation,
            same_decade,
            stability,
            old,
            new,
            moved,
            up,
            down,
            density,
            bands,
        }
    }
}

// === impl Both ===

impl Both {
    /// By how many points the new model scores the person higher.
    pub(crate) fn change(&self) -> f64 {
        self.new - self.old
    }
}

// === impl Distribution ===

impl Distribution {
    fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_unstable_by(f64::total_cmp);
        let mut decades = [0; DECADES];
        for value in &values {
            decades[decade(*value)] += 1;
        }
        // Ascending, so that the order in which people came makes no other sum.
        let mean = values.iter().sum::<f64>() / count(values.len());
        let mut parts = [0.0; PARTS.len()];
        for (part, percent) in parts.iter_mut().zip(PARTS) {
            *part = quantile::part(&values, percent)?;
        }
        Some(Self { mean, parts, decades })
    }

    pub(crate) const fn median(&self) -> f64 {
        self.parts[2]
    }

    /// What nine of ten are at most.
    pub(crate) const fn ninth_tenth(&self) -> f64 {
        self.parts[4]
    }
}

// === impl Reading ===

impl Reading {
    pub(crate) fn of(stability: f64) -> Self {
        match stability {
            it if it < 0.1 => Self::Stable,
            it if it <= 0.25 => Self::Look,
            _ => Self::Another,
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Look => "have a look",
            Self::Another => "another population: rules that rest on scores need other limits",
        }
    }
}

/// Which decade a score is in.
pub(crate) fn decade(score: f64) -> usize {
    Score::new(score).map_or(0, |score| score.bucket().index())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "scores are from 1 to 100, and what is not becomes the first or the last"
)]
fn cell(score: f64) -> usize {
    ((score / CELL_POINTS) as usize).min(CELLS - 1)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "scores are from 1 to 100, and what is not becomes the first or the last"
)]
fn band(score: f64) -> usize {
    ((score / BAND_POINTS) as usize).min(BANDS - 1)
}

/// How the score changes, band by band of the old one.
fn bands(both: &[Both], order: &mut [u32]) -> [Option<Band>; BANDS] {
    let at = |index: u32| both[index as usize];
    order.sort_unstable_by(|one, other| at(*one).old.total_cmp(&at(*other).old));
    let mut bands = [None; BANDS];
    for people in order.chunk_by(|one, other| band(at(*one).old) == band(at(*other).old)) {
        if people.len() < BAND_PEOPLE_MIN {
            continue;
        }
        let mut changes: Vec<f64> = people.iter().map(|it| at(*it).change()).collect();
        changes.sort_unstable_by(f64::total_cmp);
        let part = |percent| quantile::part(&changes, percent);
        if let (Some(low), Some(median), Some(high)) = (part(10), part(50), part(90)) {
            bands[band(at(people[0]).old)] = Some(Band { low, median, high });
        }
    }
    bands
}

/// The population stability index: how far the shares of the decades differ. Nothing has no logarithm, so an empty
/// decade counts as half a person of the larger population.
fn stability(old: &[usize; DECADES], new: &[usize; DECADES]) -> f64 {
    let people = |decades: &[usize; DECADES]| decades.iter().sum::<usize>();
    let least = 0.5 / count(people(old).max(people(new)));
    let shares =
        |decades: &[usize; DECADES]| decades.map(|it| share(it, people(decades)).max(least));
    shares(old).iter().zip(shares(new)).map(|(old, new)| (new - old) * (new / old).ln()).sum()
}

pub(crate) fn share(part: usize, whole: usize) -> f64 {
    count(part) / count(whole)
}

#[expect(clippy::cast_precision_loss, reason = "there are not 2^53 people")]
pub(crate) const fn count(people: usize) -> f64 {
    people as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn compare(pairs: &[(f64, f64)]) -> Comparison {
        let mut scores = Scores::default();
        for (person, (old, new)) in (1..).zip(pairs) {
            scores.add(person, Some(*old), Some(*new));
        }
        scores.compare()
    }

    #[test]
    fn nobody_is_compared_with_nobody() {
        let comparison = Scores::default().compare();
        assert_eq!(comparison.people, 0);
        assert_eq!((comparison.rank_correlation, comparison.same_decade), (None, None));
        assert_eq!((comparison.stability, comparison.old), (None, None));
        assert!(comparison.up.is_empty() && comparison.down.is_empty());
    }

    #[test]
    fn who_stays_in_a_decade_is_counted_by_the_unrounded_score() {
        let pairs = [(9.9, 10.0), (19.9, 10.0), (90.0, 100.0), (50.0, 59.9)];
        let comparison = compare(&pairs);
        assert_eq!(comparison.same_decade, Some(0.75));
        let old = comparison.old.expect("four people");
        assert_eq!(old.decades, [1, 1, 0, 0, 0, 1, 0, 0, 0, 1]);
    }

    #[test]
    fn parts_are_what_so_many_are_at_most() {
        let pairs: Vec<_> = (1..=100).map(|it| (f64::from(it), 50.0)).collect();
        let old = compare(&pairs).old.expect("a hundred people");
        assert_eq!(old.parts, [10.0, 25.0, 50.0, 75.0, 90.0, 99.0]);
        assert!((old.mean - 50.5).abs() < 1e-12, "{}", old.mean);
    }

    #[test]
    fn the_stability_of_two_halves_is_worked_out_by_hand() {
        // Two decades of half the people each become three quarters and one: 0.25 · ln 1.5 − 0.25 · ln 0.5.
        let (mut old, mut new) = ([0; DECADES], [0; DECADES]);
        (old[0], old[1]) = (10, 10);
        (new[0], new[1]) = (15, 5);
        let expected = 0.25 * 1.5_f64.ln() - 0.25 * 0.5_f64.ln();
        assert!((stability(&old, &new) - expected).abs() < 1e-12);
        assert!((expected - 0.274_653_072_167_027_4).abs() < 1e-12);
        assert_eq!(Reading::of(expected), Reading::Another);
    }

    #[test]
    fn an_empty_decade_counts_as_half_a_person() {
        let (mut old, mut new) = ([0; DECADES], [0; DECADES]);
        (old[0], new[0]) = (10, 9);
        new[1] = 1;
        // Shares 1 → 0.9 and 0.05 → 0.1; the eight others are 0.05 on both sides.
        let expected = -0.1 * 0.9_f64.ln() + 0.05 * 2.0_f64.ln();
        assert!((stability(&old, &new) - expected).abs() < 1e-12);
    }

    #[test]
    fn how_many_people_there_are_is_no_difference() {
        let (mut old, mut new) = ([0; DECADES], [0; DECADES]);
        (old[0], old[1]) = (1, 3);
        (new[0], new[1]) = (1_000, 3_000);
        assert_eq!(stability(&old, &new).to_bits(), 0.0_f64.to_bits());
    }

    #[test]
    fn an_index_is_read_as_usual() {
        let read = [0.0, 0.099, 0.1, 0.25, 0.251].map(Reading::of);
        use Reading::{Another, Look, Stable};
        assert_eq!(read, [Stable, Stable, Look, Look, Another]);
    }

    #[test]
    fn whoever_has_one_score_counts_in_that_model_alone() {
        let mut scores = Scores::default();
        scores.add(1, Some(10.0), None);
        scores.add(2, None, Some(20.0));
        scores.add(3, None, Some(30.0));
        scores.add(4, None, None);
        let comparison = scores.compare();
        let counts = (comparison.people, comparison.only_old, comparison.only_new);
        assert_eq!(counts, (0, 1, 2));
        assert_eq!(comparison.new.expect("two people").mean.to_bits(), 25.0_f64.to_bits());
        assert!(comparison.stability.is_some(), "both models score somebody");
    }

    #[test]
    fn bands_tell_the_change_and_leave_out_few() {
        let mut pairs: Vec<_> = (0..10).map(|it| (42.0, 42.0 + f64::from(it))).collect();
        pairs.extend([(71.0, 1.0); BAND_PEOPLE_MIN - 1]);
        let bands = compare(&pairs).bands;
        assert_eq!(bands[8], Some(Band { low: 0.0, median: 4.0, high: 8.0 }));
        assert_eq!(bands.iter().flatten().count(), 1);
    }

    fn scores() -> impl Strategy<Value = Vec<(Option<f64>, Option<f64>)>> {
        let score = || {
            proptest::option::weighted(0.8, (10..=1_000_u32).prop_map(|it| f64::from(it) / 10.0))
        };
        prop::collection::vec((score(), score()), 0..200)
    }

    proptest! {
        #[test]
        fn the_order_of_people_does_not_matter(pairs in scores()) {
            let compared = |reversed: bool| {
                let mut people: Vec<_> = (1..).zip(&pairs).collect();
                if reversed {
                    people.reverse();
                }
                let mut scores = Scores::default();
                for (person, (old, new)) in people {
                    scores.add(person, *old, *new);
                }
                format!("{:?}", scores.compare())
            };
            prop_assert_eq!(compared(false), compared(true));
        }

        #[test]
        fn everybody_is_somewhere(pairs in scores()) {
            let mut scores = Scores::default();
            for (person, (old, new)) in (1..).zip(&pairs) {
                scores.add(person, *old, *new);
            }
            let comparison = scores.compare();
            let in_cells: u32 = comparison.density.iter().flatten().sum();
            prop_assert_eq!(in_cells as usize, comparison.people);
            let old = comparison.old.map_or(0, |it| it.decades.iter().sum());
            prop_assert_eq!(old, comparison.people + comparison.only_old);
            prop_assert!(comparison.stability.is_none_or(|it| it >= 0.0));
        }

        #[test]
        fn a_model_is_like_itself(pairs in scores()) {
            let mut scores = Scores::default();
            for (person, (old, _)) in (1..).zip(&pairs) {
                scores.add(person, *old, *old);
            }
            let comparison = scores.compare();
            prop_assert!(comparison.rank_correlation.is_none_or(|it| it == 1.0));
            prop_assert!(comparison.same_decade.is_none_or(|it| it == 1.0));
            prop_assert!(comparison.stability.is_none_or(|it| it == 0.0));
            prop_assert!(comparison.up.is_empty() && comparison.down.is_empty());
        }
    }
}
