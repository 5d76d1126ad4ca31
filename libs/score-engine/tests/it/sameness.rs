//! Sentence 14: order, repetition and splitting never matter, nor do threads and numbers.

use klout_model::Kind;
use klout_score_engine::Pass;
use proptest::prelude::*;

use crate::town::{Row, Town, any_town, cases, number};

/// Everything that a pass says, with every bit of every number: as text, a float is told from any other.
fn bits(pass: &Pass) -> String {
    format!("{pass:?}")
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn the_order_of_rows_does_not_matter(
        (town, reactions, posts) in any_town().prop_flat_map(|town| {
            let (reactions, posts) = (town.reactions.clone(), town.posts.clone());
            (Just(town), Just(reactions).prop_shuffle(), Just(posts).prop_shuffle())
        }),
    ) {
        let mut shuffled = Town { reactions, posts, ..town.clone() };
        shuffled.counters.reverse();
        prop_assert_eq!(bits(&shuffled.pass()), bits(&town.pass()));
    }

    #[test]
    fn splitting_counts_into_rows_does_not_matter(town in any_town(), share in 0.0..1.0) {
        let mut split = Town { reactions: Vec::new(), ..town.clone() };
        for row in &town.reactions {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss,
                reason = "any part will do")]
            let part = (row.count as f64 * share) as u64;
            split.reactions.push(Row { count: part, ..*row });
            split.reactions.push(Row { count: row.count - part, ..*row });
        }
        prop_assert_eq!(bits(&split.pass()), bits(&town.pass()));
    }

    #[test]
    fn the_numbers_of_people_and_presences_do_not_matter(
        (town, people, presences) in any_town().prop_flat_map(|town| {
            let people: Vec<u32> = (0..number(town.registered.len())).collect();
            let presences: Vec<u32> = (0..number(town.presences.len())).collect();
            (Just(town), Just(people).prop_shuffle(), Just(presences).prop_shuffle())
        }),
    ) {
        let mut other = town.clone();
        for (person, registered) in town.registered.iter().enumerate() {
            other.registered[people[person] as usize] = *registered;
        }
        for (presence, (owner, vouched)) in town.presences.iter().enumerate() {
            other.presences[presences[presence] as usize] = (people[*owner as usize], *vouched);
        }
        for row in &mut other.reactions {
            row.presence = presences[row.presence as usize];
            row.actor = row.actor.map(|actor| people[actor as usize]);
        }
        for (presence, _) in &mut other.posts {
            *presence = presences[*presence as usize];
        }
        for (person, _) in &mut other.counters {
            *person = people[*person as usize];
        }
        let (pass, other) = (town.pass(), other.pass());
        for (person, place) in people.iter().enumerate() {
            let place = *place as usize;
            let of = |pass: &Pass, place: usize| {
                format!("{:?} {:?}", pass.epoch.actors[place], pass.scores[place])
            };
            prop_assert_eq!(of(&pass, person), of(&other, place));
        }
        prop_assert_eq!(pass.epoch.closed.len(), other.epoch.closed.len());
        prop_assert_eq!(pass.epoch.rounds.len(), other.epoch.rounds.len());
    }
}

/// So many people that they are several tasks.
#[test]
fn the_number_of_threads_does_not_matter() {
    let mut town = Town::default();
    let presences: Vec<u32> = (0..150_000).map(|it| town.somebody(it % 3 == 0).1).collect();
    let people = number(presences.len());
    for row in 0..100_000_u32 {
        // As good as random, and the same every time.
        let any =
            |salt: u32| row.wrapping_mul(2_654_435_761).wrapping_add(salt).rotate_left(salt % 32);
        let subject = presences[(any(7) % people) as usize / (1 + row as usize % 50)];
        let age = u8::try_from(row % 90).expect("small");
        town.react(any(19) % people, subject, Kind::Like, age, u64::from(row % 3));
    }
    for circle in 0..100 {
        let members: Vec<u32> = (0..12).map(|it| 3 * (circle * 400 + it)).collect();
        for actor in &members {
            for subject in members.iter().filter(|it| *it != actor) {
                town.like(*actor, *subject);
            }
        }
    }
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        let evidence = town.evidence();
        pool.install(|| klout_score_engine::pass(klout_score_math::Model::current(), evidence))
    };
    let one = with(1);
    assert!(one.epoch.closed.len() >= 100 * 66);
    let one = bits(&one);
    assert!(one == bits(&with(2)), "two threads");
    assert!(one == bits(&with(7)), "seven threads");
}
