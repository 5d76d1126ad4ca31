//! The world has the shape of real networks; docs/world.md has the figures.

use std::collections::HashMap;

use klout_world::{Account, Content, Event, World};

use crate::world;

/// Interactions between honest people, as (subject, actor) and the hour of the day.
fn honest(world: &World) -> impl Iterator<Item = (&Account, &Account, u8)> {
    world.events().filter_map(|event: Event<'_>| {
        let Content::Interaction { actor: Some(actor), subject, .. } = event.content else {
            return None;
        };
        let honest = !actor.is_fake() && !subject.is_fake() && subject.truth.bought.is_none();
        honest.then_some((subject, actor, event.time.hour()))
    })
}

fn counts<'w>(accounts: impl Iterator<Item = &'w Account>) -> HashMap<&'w str, u32> {
    let mut counts = HashMap::new();
    for account in accounts {
        *counts.entry(account.native_id.as_str()).or_default() += 1;
    }
    counts
}

fn descending(counts: &HashMap<&str, u32>) -> Vec<u32> {
    let mut counts: Vec<u32> = counts.values().copied().collect();
    counts.sort_unstable_by(|left, right| right.cmp(left));
    counts
}

#[test]
fn a_person_has_some_fifty_interactions() {
    let world = world(1);
    let interactions = honest(&world).count();
    assert!((40_000..80_000).contains(&interactions), "{interactions}");
}

#[test]
fn few_get_most_reactions_and_most_are_nearly_silent() {
    let world = world(1);
    let accounts = world.accounts().filter(|account| !account.is_fake()).count();
    let counts = descending(&counts(honest(&world).map(|(subject, ..)| subject)));
    let total: u32 = counts.iter().sum();
    let top: u32 = counts[..accounts / 100].iter().sum();
    assert!(top * 100 > total * 30, "the top hundredth gets {top} of {total}");
    let median = counts.get(accounts / 2).copied().unwrap_or_default();
    assert!(median <= 12, "the account in the middle gets {median} in 120 days");
}

#[test]
fn few_actors_do_much() {
    let world = world(1);
    let counts = descending(&counts(honest(&world).map(|(_, actor, _)| actor)));
    let total: u32 = counts.iter().sum();
    let top: u32 = counts[..counts.len() / 10].iter().sum();
    assert!(top * 100 > total * 30, "the top tenth does {top} of {total}");
}

#[test]
fn nights_are_quieter_than_evenings() {
    let world = world(1);
    let mut hours = [0_u32; 24];
    honest(&world).for_each(|(.., hour)| hours[usize::from(hour)] += 1);
    let (quiet, busy) = (hours.iter().min().expect("24"), hours.iter().max().expect("24"));
    assert!(busy > &(quiet * 2), "{hours:?}");
}

#[test]
fn reactions_to_a_post_come_in_a_burst() {
    let world = world(1);
    let mut times: HashMap<(&str, String), Vec<i64>> = HashMap::new();
    for event in world.events() {
        if let Content::Interaction { actor: Some(_), subject, post: Some(post), .. } =
            event.content
        {
            let post = (subject.native_id.as_str(), post);
            times.entry(post).or_default().push(event.time.unix_timestamp());
        }
    }
    let mut early = 0;
    let mut all = 0;
    for times in times.values().filter(|times| times.len() >= 20) {
        early += times.iter().filter(|time| *time - times[0] < 7_200).count();
        all += times.len();
    }
    // Two of 48 hours.
    assert!(early * 3 > all, "{early} of {all}");
}

#[test]
fn influence_and_received_reactions_agree_in_rank() {
    let world = world(1);
    let received = counts(honest(&world).map(|(subject, ..)| subject));
    let posted = counts(world.events().filter_map(|event| match event.content {
        Content::Post { account, .. } => Some(account),
        Content::Interaction { .. } | Content::Counter { .. } => None,
    }));
    let (influence, reactions): (Vec<f64>, Vec<f64>) = world
        .accounts()
        .filter(|it| it.truth.bought.is_none() && posted.contains_key(it.native_id.as_str()))
        .filter_map(|it| {
            let received = received.get(it.native_id.as_str()).copied().unwrap_or_default();
            Some((it.influence()?, f64::from(received)))
        })
        .unzip();
    let rho = spearman(&influence, &reactions);
    assert!(rho > 0.5, "{rho}");
}

/// The rank correlation of pairs, equal values in the order they come.
fn spearman(left: &[f64], right: &[f64]) -> f64 {
    let ranks = |values: &[f64]| {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|one, other| values[*one].total_cmp(&values[*other]));
        let mut ranks = vec![0.0; values.len()];
        let mut rank = 0.0;
        for place in order {
            ranks[place] = rank;
            rank += 1.0;
        }
        (ranks, rank)
    };
    let ((left, count), (right, _)) = (ranks(left), ranks(right));
    let distance: f64 = left
        .iter()
        .zip(&right)
        .map(|(one, other): (&f64, &f64)| (one - other) * (one - other))
        .sum();
    1.0 - 6.0 * distance / (count * (count * count - 1.0))
}
