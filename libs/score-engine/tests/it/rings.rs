//! +K of members who vouch for one another in a ring. docs/scoring.md, section 8.

use klout_model::Kind;
use klout_score_engine::pass;
use klout_score_math::{Model, Share};
use proptest::{collection::vec, prelude::*};

use crate::town::{Town, any_town, cases, number};

/// So many members of whom nobody has anything but +K: pairs of who gives and who gets one.
fn members(count: u32, given: &[(u32, u32)]) -> Town {
    let mut town = Town::default();
    let presences: Vec<u32> = (0..count).map(|_| town.registered().1).collect();
    for (giver, receiver) in given {
        town.react(*giver, presences[*receiver as usize], Kind::PlusK, 0, 1);
    }
    town
}

/// Each of so many gives to the next.
fn ring(size: u32) -> Vec<(u32, u32)> {
    (0..size).map(|giver| (giver, (giver + 1) % size)).collect()
}

#[test]
fn a_ring_brings_what_two_who_trade_have_however_long_it_is() {
    let two = members(2, &ring(2)).points(0);
    assert!(two > 2.8 && two < 3.0, "{two}");
    for size in 3..=13 {
        let town = members(size, &ring(size));
        for person in 0..size {
            assert_eq!(town.points(person).to_bits(), two.to_bits(), "{person} of {size}");
        }
        let mut open = ring(size);
        open.pop();
        let open = members(size, &open);
        assert!(open.points(1) > 7.0, "{size}: {}", open.points(1));
    }
}

#[test]
fn all_that_comes_back_counts_together() {
    let all = |size: u32| -> Vec<(u32, u32)> {
        let pairs = (0..size).flat_map(|giver| (0..size).map(move |receiver| (giver, receiver)));
        pairs.filter(|(giver, receiver)| giver != receiver).collect()
    };
    let two = members(2, &ring(2)).points(0);
    for size in [3, 10, 60] {
        let cartel = members(size, &all(size));
        assert_eq!(cartel.points(0).to_bits(), two.to_bits(), "{size}");
    }
}

#[test]
fn who_is_outside_of_the_ring_gives_as_much_as_ever() {
    let alone = members(2, &[(0, 1)]).influence(1);
    let mut given = ring(5);
    let without = members(5, &given).influence(2);
    given.push((5, 2));
    let with = members(6, &given);
    assert!((with.influence(2) - without - alone).abs() < 0.01, "{}", with.influence(2));
    // Who is in it gives those outside as much, too.
    given.push((2, 6));
    let outside = members(7, &given);
    assert_eq!(outside.influence(6).to_bits(), alone.to_bits());
}

#[test]
fn of_what_one_gave_no_more_comes_round_than_that() {
    // Ten give to the first, who gives to one; that one then gives to the ten.
    let mut given: Vec<(u32, u32)> = (2..12).map(|giver| (giver, 0)).collect();
    given.push((0, 1));
    let before = members(12, &given).influence(0);
    given.extend((2..12).map(|giver| (1, giver)));
    let town = members(12, &given);
    let lost = before - town.influence(0);
    assert!(lost > 0.0 && lost < 0.25, "{lost}");
    let rounds = town.pass().epoch.rounds;
    let back: u32 =
        rounds.iter().filter(|it| it.receiver == 0).map(|it| u32::from(it.part.parts())).sum();
    assert!(back <= u32::from(Share::WHOLE.parts()), "{back}");
}

#[test]
fn among_many_who_know_one_another_little_comes_round() {
    // Each of 200 gives to eight who are spread widely.
    let far = [1, 3, 11, 29, 53, 91, 131, 173];
    let given: Vec<(u32, u32)> =
        (0..200).flat_map(|giver| far.map(|it| (giver, (giver + it) % 200))).collect();
    let town = members(200, &given);
    let eight = members(9, &(1..9).map(|giver| (giver, 0)).collect::<Vec<_>>()).influence(0);
    assert!(town.influence(0) > 0.85 * eight, "{} of {eight}", town.influence(0));
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn who_is_which_number_does_not_matter_to_a_ring(
        given in vec((0_u32..9, 0_u32..9), 0..30), order in Just((0_u32..9).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let moved: Vec<(u32, u32)> =
            given.iter().rev().map(|(one, other)| (order[*one as usize], order[*other as usize])).collect();
        let (here, there) = (members(9, &given).scores(), members(9, &moved).scores());
        for (person, place) in order.iter().enumerate() {
            prop_assert_eq!(here[person], there[*place as usize]);
        }
    }

    #[test]
    fn nobody_has_less_than_without_any_plus_k(town in any_town()) {
        let mut without = town.clone();
        without.reactions.retain(|it| it.kind != Kind::PlusK);
        for (person, points) in without.all_points().into_iter().enumerate() {
            prop_assert!(town.points(number(person)) >= points);
        }
    }

    /// The models that are compiled in differ in +K alone.
    #[test]
    fn without_plus_k_the_models_give_the_same_bits(mut town in any_town()) {
        town.reactions.retain(|it| it.kind != Kind::PlusK);
        let found: Vec<_> =
            Model::built_in().map(|model| pass(model, town.evidence()).scores).collect();
        prop_assert_eq!(found.len(), 2);
        prop_assert_eq!(&found[0], &found[1]);
    }
}
