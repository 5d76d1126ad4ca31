//! From a population to its ranking.

use klout_model::Score;
use klout_score_math::{
    AccountEvidence, Cell, Epoch, Model, PersonScore, account_influence, percentile, person_score,
};
use rayon::prelude::*;

use crate::{AccountName, Population, population::index_of};

/// One account and its score. Each account counts as a person of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    pub account: AccountName,
    pub score: PersonScore,
    /// Among all that are ranked, 0 to 100.
    pub percentile: f64,
}

/// Scores every account with evidence, and the registered, best first; equal ones in the order of
/// network and native id. A registered account without evidence has score 1 and confidence 0.
#[must_use]
pub fn rank(model: &Model, mut population: Population) -> Vec<Ranked> {
    population.settle();
    let accounts = population.names.len();
    let mut cells = std::mem::take(&mut population.cells);
    cells.par_sort_unstable();
    let counters = grouped(
        accounts,
        population
            .counters
            .iter()
            .map(|((account, name), reading)| (*account, (*name, reading.value))),
    );
    let posts =
        grouped(accounts, population.posts.iter().map(|((account, _), age)| (*account, (*age, 1))));

    let by_subject: Vec<&[(u32, Cell)]> = cells.chunk_by(|left, right| left.0 == right.0).collect();
    let mut cells_of = vec![&[][..]; accounts];
    for chunk in by_subject {
        cells_of[chunk[0].0 as usize] = chunk;
    }

    let mut ranked: Vec<Ranked> = (0..accounts)
        .into_par_iter()
        .filter_map(|account| {
            let mut cells: Vec<Cell> = cells_of[account].iter().map(|(_, cell)| *cell).collect();
            let index = index_of(account);
            let evidence = AccountEvidence {
                cells: &mut cells,
                counters: &counters[account],
                posts: &posts[account],
            };
            let mut influence =
                account_influence(model, Epoch::ZERO, &[i64::from(index)], evidence);
            influence.evidence |= population.seen.contains(&index);
            let score = person_score(model, &[influence])
                .or_else(|| population.is_registered(index).then_some(NOTHING))?;
            Some(Ranked { account: population.names[account].clone(), score, percentile: 0.0 })
        })
        .collect();

    let mut ascending: Vec<f64> = ranked.iter().map(|it| it.score.score.points()).collect();
    ascending.par_sort_unstable_by(f64::total_cmp);
    ranked.par_iter_mut().for_each(|it| {
        it.percentile = percentile(&ascending, it.score.score.points());
    });
    ranked.par_sort_unstable_by(|left, right| {
        let score = |it: &Ranked| it.score.score.points();
        score(right).total_cmp(&score(left)).then_with(|| left.account.cmp(&right.account))
    });
    ranked
}

/// A file has no states: somebody who joined and of whom nothing is known has the least score.
const NOTHING: PersonScore = PersonScore {
    score: Score::MIN,
    influence: 0.0,
    true_reach: 0.0,
    amplification: 0.0,
    network_impact: 0.0,
    confidence: 0.0,
};

/// The values of each account.
fn grouped<T>(accounts: usize, values: impl Iterator<Item = (u32, T)>) -> Vec<Vec<T>> {
    let mut groups: Vec<Vec<T>> = (0..accounts).map(|_| Vec::new()).collect();
    for (account, value) in values {
        groups[account as usize].push(value);
    }
    groups
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
        assert_eq!(ranked[1].score, NOTHING);
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
