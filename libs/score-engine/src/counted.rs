//! From a population to its ranking by the first model. docs/scoring-klout-2026-11.md.

use klout_score_math::{
    PersonScore,
    counted::{AccountEvidence, Cell, Epoch, Model, account_influence, person_score},
};
use rayon::prelude::*;

use crate::{Population, Ranked, population::index_of, ranking};

/// The same as [`rank`](crate::rank) by the first model, to which every account is a person of its own.
#[must_use]
pub fn rank(model: &Model, mut population: Population) -> Vec<Ranked> {
    population.settle();
    let accounts = population.names.len();
    let mut cells: Vec<(u32, Cell)> = std::mem::take(&mut population.interactions)
        .into_iter()
        .map(|it| {
            let actor = it.actor.map(i64::from);
            (it.subject, Cell { actor, kind: it.kind, age: it.age, count: it.count })
        })
        .collect();
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
            let account = population.names[account].clone();
            match person_score(model, &[influence]) {
                Some(score) => Some(Ranked {
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
                }),
                None => population
                    .is_registered(index)
                    .then(|| Ranked::new(account, &PersonScore::NOTHING)),
            }
        })
        .collect();

    ranking::place(&mut ranked);
    ranked
}

/// The values of each account.
fn grouped<T>(accounts: usize, values: impl Iterator<Item = (u32, T)>) -> Vec<Vec<T>> {
    let mut groups: Vec<Vec<T>> = (0..accounts).map(|_| Vec::new()).collect();
    for (account, value) in values {
        groups[account as usize].push(value);
    }
    groups
}
