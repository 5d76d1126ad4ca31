//! Odd input. docs/scoring.md, section 13.

use klout_model::{CounterName, Kind};

use crate::town::Town;

#[test]
fn nothing_that_is_older_than_the_window_is_evidence() {
    let mut town = Town::default();
    let (one, presence) = town.registered();
    let (other, _) = town.registered();
    town.posts.push((presence, 90));
    town.react(other, presence, Kind::Like, 90, 1);
    town.react(other, presence, Kind::PlusK, 120, 1);
    town.unnamed(presence, Kind::Like, 255, 1);
    assert_eq!(town.scores()[one as usize], None);

    town.posts.push((presence, 89));
    assert!(town.scores()[one as usize].is_some());
}

#[test]
fn a_plus_k_of_nobody_weighs_nothing() {
    let mut town = Town::default();
    let (one, presence) = town.registered();
    let vouched = town.vouched_presence(one);
    town.unnamed(presence, Kind::PlusK, 0, 1_000);
    town.unnamed(vouched, Kind::PlusK, 0, 1_000);
    assert_eq!(town.influence(one).to_bits(), 0.0_f64.to_bits());
}

#[test]
fn a_huge_count_is_a_whole_person_or_enters_by_its_logarithm() {
    let mut town = Town::default();
    let (one, presence) = town.registered();
    let (fan, _) = town.registered();
    town.like(fan, presence);
    let mut huge = town.clone();
    for kind in [Kind::Like, Kind::Follow, Kind::Endorse] {
        huge.react(fan, presence, kind, 0, u64::MAX);
        huge.react(fan, presence, kind, 89, u64::MAX);
    }
    assert_eq!(huge.scores(), town.scores());

    // As many as fit into a row make a whole person, whatever is left of them.
    let with = |age, count| {
        let mut town = Town::default();
        let (one, presence) = town.registered();
        let (fan, _) = town.registered();
        town.react(fan, presence, Kind::Follow, age, count);
        town.influence(one).to_bits()
    };
    for count in [1 << 20, 1 << 21, 1 << 32, 1 << 53, u64::MAX] {
        assert_eq!(with(89, count), with(0, 100), "{count}");
    }

    // Of nobody in particular, on a network that vouches: fifty times the logarithm of half the numbers.
    let vouched = huge.vouched_presence(one);
    for age in 0..90 {
        huge.unnamed(vouched, Kind::Like, age, u64::MAX);
        huge.unnamed(presence, Kind::Like, age, u64::MAX);
    }
    assert!(huge.influence(one) > 1_000.0, "{}", huge.influence(one));
    huge.react(fan, presence, Kind::PlusK, 0, u64::MAX);
    let readings = CounterName::ALL.map(|name| (name, f64::MAX));
    huge.count(one, &readings);
    let score = huge.scores()[one as usize].expect("evidence");
    assert!((1.0..=100.0).contains(&score.score.points()), "{score:?}");
    assert!(score.influence < 10_000.0 && score.true_reach < 10_000.0, "{score:?}");
    assert!((0.0..=1.0).contains(&score.confidence), "{score:?}");
    let (low, high) = score.interval(klout_score_math::Model::current());
    assert!(low <= score.score && score.score <= high, "{score:?}");
}

#[test]
fn what_one_does_to_oneself_is_evidence_and_weighs_nothing() {
    let mut town = Town::default();
    let (one, presence) = town.registered();
    let elsewhere = town.presence(one);
    let (other, others) = town.registered();
    town.like(one, others);
    let before = town.clone();
    for kind in Kind::ALL {
        town.react(one, presence, kind, 0, 1_000);
        town.react(one, elsewhere, kind, 0, 1_000);
    }
    assert_eq!(town.influence(one).to_bits(), 0.0_f64.to_bits());
    // Nor does it divide the attention that somebody else gets.
    assert_eq!(town.scores()[other as usize], before.scores()[other as usize]);
    assert_eq!(before.scores()[one as usize], None);
}

#[test]
fn forty_accounts_get_no_more_from_strangers_than_one() {
    let gained = |accounts: u32| {
        let mut town = Town::default();
        let (one, first) = town.registered();
        for account in 0..accounts {
            let presence = if account == 0 { first } else { town.presence(one) };
            town.audience(presence, 2_000 / accounts, false);
            town.unnamed(presence, Kind::Like, 0, 1_000_000);
            town.count(one, &[(CounterName::FollowerCount, 1e12), (CounterName::Views, 1e12)]);
        }
        town.influence(one)
    };
    assert!(gained(1) <= 0.08);
    assert!(gained(40) <= 0.08);
    assert!(gained(40) - gained(1) < 1e-6, "{} and {}", gained(40), gained(1));
}

#[test]
fn a_person_with_forty_accounts_is_one_actor() {
    let mut town = Town::default();
    let (_, presence) = town.registered();
    let (fan, _) = town.registered();
    town.like(fan, presence);
    let mut many = town.clone();
    for _ in 0..40 {
        many.presence(fan);
        many.like(fan, presence);
    }
    assert_eq!(many.scores(), town.scores());
}

#[test]
fn two_hundred_thousand_edges_on_one_subject_are_as_a_thousand() {
    let scored = |edges: u32| {
        let mut town = Town::default();
        let (one, presence) = town.registered();
        town.audience(presence, edges, true);
        town.scores()[one as usize].expect("evidence")
    };
    let (some, many) = (scored(1_000), scored(200_000));
    // Each of them reaches a whole person, so far as floats tell.
    assert!((some.true_reach - 1_000.0).abs() < 0.1, "{some:?}");
    assert!((many.true_reach - 200_000.0).abs() < 0.1, "{many:?}");
    assert!(some.score < many.score);
}

#[test]
fn who_has_no_posts_is_taken_to_have_three() {
    let mut town = Town::default();
    let (one, presence) = town.registered();
    town.audience(presence, 6, true);
    let score = town.scores()[one as usize].expect("evidence");
    // Six people over themselves and two for each of three posts.
    assert!((score.amplification - 50.0).abs() < 1e-9, "{score:?}");
    town.posts.push((presence, 0));
    assert!(town.scores()[one as usize].expect("evidence").amplification < 50.0);
}
