//! From a population to its ranking.

use klout_model::Score;
use klout_score_math::{Counters, Model, PersonScore, percentile};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::{AccountName, Evidence, Pass, Population, pass::pass, population::index_of};

/// A person and their score.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// The person's only account, or the first of them that was named.
    pub account: AccountName,
    pub score: Score,
    pub influence: f64,
    pub true_reach: f64,
    pub amplification: f64,
    pub network_impact: f64,
    pub confidence: f64,
    /// What an equally large second half of the evidence says, in 90 % of people. `None` by a model that
    /// does not tell it.
    pub interval: Option<(Score, Score)>,
    /// Among all that are ranked, 0 to 100.
    pub percentile: f64,
    /// Whether strangers came in a burst.
    pub burst: bool,
}

/// A population as a pass wants it, and who is who in it.
#[derive(Debug)]
pub struct Numbered {
    pub evidence: Evidence,
    /// By person: the account that stands for them.
    pub accounts: Vec<AccountName>,
}

/// Scores every person with evidence, and the registered, best first; equal ones in the order of
/// network and native id. A registered account without evidence has score 1 and confidence 0.
#[must_use]
pub fn rank(model: &Model, population: Population) -> Vec<Ranked> {
    let Numbered { evidence, accounts } = population.numbered(model);
    let registered = evidence.registered.clone();
    let Pass { scores, bursts, epoch: _ } = pass(model, evidence);
    let mut burst = vec![false; scores.len()];
    bursts.iter().for_each(|it| burst[it.person as usize] = true);
    let mut ranked: Vec<Ranked> = accounts
        .into_iter()
        .zip(scores)
        .zip(registered)
        .zip(burst)
        .filter_map(|(((account, score), registered), burst)| {
            let score = score.or_else(|| registered.then_some(PersonScore::NOTHING))?;
            let interval = Some(score.interval(model));
            Some(Ranked { interval, burst, ..Ranked::new(account, &score) })
        })
        .collect();
    place(&mut ranked);
    ranked
}

/// Fills the percentiles in, and puts the best first.
pub(crate) fn place(ranked: &mut [Ranked]) {
    let mut ascending: Vec<f64> = ranked.iter().map(|it| it.score.points()).collect();
    ascending.par_sort_unstable_by(f64::total_cmp);
    ranked.par_iter_mut().for_each(|it| {
        it.percentile = percentile(&ascending, it.score.points());
    });
    ranked.par_sort_unstable_by(|left, right| {
        let score = |it: &Ranked| it.score.points();
        score(right).total_cmp(&score(left)).then_with(|| left.account.cmp(&right.account))
    });
}

// === impl Ranked ===

impl Ranked {
    pub(crate) const fn new(account: AccountName, score: &PersonScore) -> Self {
        Self {
            account,
            score: score.score,
            influence: score.influence,
            true_reach: score.true_reach,
            amplification: score.amplification,
            network_impact: score.network_impact,
            confidence: score.confidence,
            interval: None,
            percentile: 0.0,
            burst: false,
        }
    }
}

// === impl Population ===

impl Population {
    /// Gives people and presences their numbers.
    #[must_use]
    pub fn numbered(mut self, model: &Model) -> Numbered {
        self.settle();
        let accounts = index_of(self.names.len());
        let mut order: Vec<u32> = (0..accounts).collect();
        order.sort_by_cached_key(|account| {
            (self.owner(*account), self.names[*account as usize].network.clone())
        });
        let mut evidence = Evidence::default();
        // The first account of each person.
        let mut firsts: Vec<u32> = Vec::new();
        let mut before = None;
        let (mut people, mut presences) = (vec![0; order.len()], vec![0; order.len()]);
        let mut last = None;
        for account in order {
            let owner = self.owner(account);
            let network = &self.names[account as usize].network;
            if before.replace(owner) != Some(owner) {
                firsts.push(account);
                evidence.registered.push(false);
                last = None;
            }
            let person = index_of(firsts.len() - 1);
            let first = &mut firsts[person as usize];
            *first = account.min(*first);
            if last != Some(network) {
                last = Some(network);
                evidence.owners.push(person);
                evidence.vouched.push(model.vouches(network));
            }
            people[account as usize] = person;
            presences[account as usize] = index_of(evidence.owners.len() - 1);
            evidence.registered[person as usize] |= self.is_registered(account);
        }

        for it in std::mem::take(&mut self.interactions) {
            let actor = it.actor.map(|actor| people[actor as usize]);
            evidence.react(presences[it.subject as usize], actor, it.kind, it.age, it.count);
        }
        evidence.posts = self
            .posts
            .iter()
            .map(|((account, _), age)| (presences[*account as usize], *age))
            .collect();
        let mut counters: FxHashMap<u32, Counters> = FxHashMap::default();
        for ((account, name), reading) in &self.counters {
            counters.entry(*account).or_default().set(*name, reading.value);
        }
        let counters = counters.into_iter();
        evidence.counters =
            counters.map(|(account, counters)| (people[account as usize], counters)).collect();
        evidence.seen.extend(self.seen.iter().map(|account| people[*account as usize]));
        let accounts = firsts.into_iter().map(|it| self.names[it as usize].clone()).collect();
        Numbered { evidence, accounts }
    }
}

#[cfg(test)]
mod tests {
    use klout_model::{CounterName, CounterValue, Kind};
    use proptest::prelude::*;

    use super::*;
    use crate::Signal;

    type Interaction = (u8, Option<u8>, Kind, u8, u64);

    fn name(number: u8) -> AccountName {
        AccountName {
            network: "bluesky".parse().expect("a network"),
            native_id: format!("account{number}").parse().expect("a native id"),
        }
    }

    fn any_interactions() -> impl Strategy<Value = Vec<Interaction>> {
        let kind = (0..Kind::ALL.len()).prop_map(|kind| Kind::ALL[kind]);
        let interaction = (0_u8..9, prop::option::of(0_u8..9), kind, 0_u8..90, 0_u64..50);
        prop::collection::vec(interaction, 1..60)
    }

    fn add(population: &mut Population, id: Option<&str>, interaction: &Interaction) {
        let (subject, actor, kind, age, count) = *interaction;
        let signal = Signal::Interaction { actor: actor.map(name), kind, age, count };
        population.add(&name(subject), id, signal);
    }

    fn population(interactions: &[Interaction]) -> Population {
        let mut population = Population::default();
        for interaction in interactions {
            add(&mut population, None, interaction);
        }
        population
    }

    fn ranking(interactions: &[Interaction]) -> Vec<Ranked> {
        rank(Model::current(), population(interactions))
    }

    proptest! {
        #[test]
        fn the_order_of_signals_does_not_matter_to_the_bit(
            (ordered, shuffled) in any_interactions().prop_flat_map(|interactions| {
                (Just(interactions.clone()), Just(interactions).prop_shuffle())
            }),
        ) {
            prop_assert_eq!(ranking(&ordered), ranking(&shuffled));
        }

        #[test]
        fn a_signal_that_came_before_changes_nothing(interactions in any_interactions()) {
            let mut population = Population::default();
            for _ in 0..2 {
                for (id, interaction) in interactions.iter().enumerate() {
                    add(&mut population, Some(&id.to_string()), interaction);
                }
            }
            prop_assert_eq!(rank(Model::current(), population), ranking(&interactions));
        }

        #[test]
        fn of_signals_that_share_an_id_the_same_one_counts_in_any_order(
            (ordered, shuffled) in any_interactions().prop_flat_map(|interactions| {
                (Just(interactions.clone()), Just(interactions).prop_shuffle())
            }),
        ) {
            let ranked = |interactions: &[Interaction]| {
                let mut population = Population::default();
                for interaction in interactions {
                    add(&mut population, Some("the same"), interaction);
                }
                population.register_all();
                rank(Model::current(), population)
            };
            prop_assert_eq!(ranked(&ordered), ranked(&shuffled));
        }
    }

    #[test]
    fn who_is_only_an_actor_is_ranked_when_registered_alone() {
        let signals = [(1, Some(2), Kind::Like, 0, 1)];
        assert_eq!(ranking(&signals).len(), 1);

        let mut population = population(&signals);
        population.register_all();
        let ranked = rank(Model::current(), population);
        assert_eq!(ranked.iter().map(|it| &it.account).collect::<Vec<_>>(), [&name(1), &name(2)]);
        assert_eq!(
            ranked[1],
            Ranked {
                percentile: 25.0,
                interval: Some(PersonScore::NOTHING.interval(Model::current())),
                ..Ranked::new(name(2), &PersonScore::NOTHING)
            }
        );
        assert_eq!(ranked[0].percentile.to_bits(), 75.0_f64.to_bits());
    }

    #[test]
    fn the_newest_reading_of_a_counter_counts_and_then_the_larger() {
        let value = |value| CounterValue::new(value).expect("a value");
        let ranked = |readings: &[(i128, f64)]| {
            let mut population = Population::default();
            for (time, read) in readings {
                let signal = Signal::Counter {
                    name: CounterName::FollowerCount,
                    time: *time,
                    value: value(*read),
                    of_post: false,
                };
                population.add(&name(1), None, signal);
            }
            rank(Model::current(), population)
        };
        assert_eq!(ranked(&[(2, 5.0), (1, 9.0), (2, 7.0)]), ranked(&[(2, 7.0)]));
    }
}
