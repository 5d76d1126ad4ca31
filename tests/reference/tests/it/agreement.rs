use proptest::prelude::*;

use crate::{
    both::{Both, disagreement},
    worlds::{any_world, any_world_of_files},
};

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn the_engine_says_of_a_handful_of_people_what_the_page_says(world in any_world(12, 60)) {
        let both = Both::current();
        prop_assert_eq!(disagreement(&both, &both.reference(&world), &both.engine(&world)), None);
    }

    /// Limits that a small world reaches.
    #[test]
    fn so_it_does_with_other_numbers(world in any_world(30, 200)) {
        let both = Both::with(&[
            ("vouching = [\"stackexchange\"]", "vouching = [\"github\", \"twitter\"]"),
            ("whole = 600_000", "whole = 1_300_000"),
            ("people = 30.0", "people = 2.5"),
            ("mutual_max = 2_000", "mutual_max = 7"),
            ("beside = 9.0", "beside = 1.5"),
            ("rounds = 4", "rounds = 7"),
            ("steps = 12", "steps = 5"),
            ("least = 250", "least = 3"),
            ("together = 1.0", "together = 0.4"),
            ("counters_half = 20.0", "counters_half = 2.0"),
            ("exponent = 0.2", "exponent = 0.31"),
        ]);
        prop_assert_eq!(disagreement(&both, &both.reference(&world), &both.engine(&world)), None);
    }

    #[test]
    fn and_when_accounts_come_by_name(world in any_world_of_files(12, 60)) {
        let both = Both::current();
        prop_assert_eq!(disagreement(&both, &both.reference(&world), &both.engine_by_name(&world)), None);
    }
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn the_engine_says_of_hundreds_of_people_what_the_page_says(world in any_world(400, 2_000)) {
        let both = Both::current();
        prop_assert_eq!(disagreement(&both, &both.reference(&world), &both.engine(&world)), None);
    }
}
