//! Rows for benchmarks.

use klout_world::{Edge, Interactions};
use proptest::prelude::*;

fn counted(values: impl Iterator<Item = u32>, accounts: usize) -> Vec<u32> {
    let mut counts = vec![0; accounts];
    values.for_each(|value| counts[value as usize] += 1);
    counts.sort_unstable_by(|left, right| right.cmp(left));
    counts
}

proptest! {
    #[test]
    fn every_row_is_valid(seed: u64, accounts in 2_u32..10_000, rows in 0_u64..2_000) {
        let edges: Vec<Edge> = Interactions::new(seed, accounts, rows).collect();
        prop_assert_eq!(edges.len() as u64, rows);
        for edge in edges {
            prop_assert!(edge.subject < accounts && edge.actor < accounts);
            prop_assert!(edge.subject != edge.actor);
            prop_assert!(edge.age < 90 && (1..=10).contains(&edge.count));
        }
    }
}

#[test]
fn another_seed_gives_other_rows() {
    let rows = |seed| Interactions::new(seed, 1_000, 1_000).collect::<Vec<_>>();
    assert_eq!(rows(1), rows(1));
    assert_ne!(rows(1), rows(2));
}

#[test]
fn rows_have_a_heavy_tail_of_subjects_and_a_lighter_one_of_actors() {
    let edges: Vec<Edge> = Interactions::new(1, 100_000, 1_000_000).collect();
    let subjects = counted(edges.iter().map(|edge| edge.subject), 100_000);
    let actors = counted(edges.iter().map(|edge| edge.actor), 100_000);

    let top = |counts: &[u32]| counts[..1_000].iter().sum::<u32>();
    assert!((600_000..900_000).contains(&top(&subjects)), "{}", top(&subjects));
    assert!((40_000..200_000).contains(&top(&actors)), "{}", top(&actors));
    assert!(subjects[50_000] < 10, "most are nearly silent");
}

#[test]
fn numbers_do_not_tell_who_is_large() {
    let mut counts: Vec<(u32, u32)> = (0..10_000).map(|account| (0, account)).collect();
    for edge in Interactions::new(1, 10_000, 100_000) {
        counts[edge.subject as usize].0 += 1;
    }
    counts.sort_unstable_by(|left, right| right.cmp(left));
    let largest = &counts[..100];
    let share = |is: fn(u32) -> bool| largest.iter().filter(|(_, account)| is(*account)).count();
    assert!((35..=65).contains(&share(|account| account < 5_000)));
    assert!((35..=65).contains(&share(|account| account % 2 == 0)));
}

#[test]
fn pairs_come_again() {
    let rows = 100_000;
    let mut pairs: Vec<_> =
        Interactions::new(1, 50_000, rows).map(|edge| (edge.subject, edge.actor)).collect();
    pairs.sort_unstable();
    pairs.dedup();
    let repeated = 1.0 - f64::from(u32::try_from(pairs.len()).expect("few")) / 100_000.0;
    assert!((0.05..0.5).contains(&repeated), "{repeated}");
}
