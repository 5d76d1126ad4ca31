//! What a score says of one person. docs/scoring.md, section 1.

use klout_model::{CounterName, Kind};
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::town::{NOTHING, Town, any_kind, any_town, cases, number};

/// A person with so many registered people who react once today each.
fn with_audience(people: u32) -> (Town, u32, u32) {
    let mut town = Town::default();
    let (person, presence) = town.registered();
    town.audience(presence, people, true);
    (town, person, presence)
}

proptest! {
    #![proptest_config(cases(200))]

    /// Sentence 1.
    #[test]
    fn a_score_is_from_1_to_100_and_no_evidence_is_no_score(town in any_town()) {
        for (person, score) in (0..).zip(town.scores()) {
            let subject = town.reactions.iter().any(|it| it.age < 90 && town.owner(it.presence) == person)
                || town.posts.iter().any(|(it, age)| *age < 90 && town.owner(*it) == person)
                || town.counters.iter().any(|(it, _)| *it == person);
            prop_assert_eq!(score.is_some(), subject);
            if let Some(score) = score {
                prop_assert!((1.0..=100.0).contains(&score.score.points()), "{:?}", score);
                prop_assert!((0.0..=1.0).contains(&score.confidence), "{:?}", score);
                prop_assert!((0.0..=100.0).contains(&score.amplification), "{:?}", score);
                prop_assert!((0.0..=100.0).contains(&score.network_impact), "{:?}", score);
                prop_assert!(score.influence >= 0.0 && score.true_reach >= 0.0, "{:?}", score);
                let (low, high) = score.interval(klout_score_math::Model::current());
                prop_assert!(low <= score.score && score.score <= high);
            }
        }
    }

    /// Sentence 2.
    #[test]
    fn posts_never_raise_a_score_and_move_nobody_elses(
        town in any_town(), author in any::<Index>(), ages in vec(0_u8..90, 1..50),
    ) {
        let before = town.all_points();
        let mut posted = town.clone();
        let author = number(author.index(town.presences.len()));
        posted.posts.extend(ages.into_iter().map(|age| (author, age)));
        let author = town.owner(author) as usize;
        for (person, (before, after)) in before.into_iter().zip(posted.all_points()).enumerate() {
            prop_assert!(after <= before + NOTHING, "person {}: {} to {}", person, before, after);
            prop_assert!(person == author || before.to_bits() == after.to_bits());
        }
    }

    /// Sentence 2.
    #[test]
    fn counters_of_what_somebody_does_weigh_nothing(town in any_town(), value in 0.0..1e9, who in any::<Index>()) {
        let mut counted = town.clone();
        let doing = [
            CounterName::FollowingCount,
            CounterName::MentionsSent,
            CounterName::RetweetsSent,
            CounterName::Posts,
        ];
        let who = number(who.index(town.registered.len()));
        counted.count(who, &doing.map(|name| (name, value)));
        prop_assert_eq!(counted.all_points(), town.all_points());
    }

    /// Sentence 9.
    #[test]
    fn a_reaction_never_counts_more_for_being_older(
        town in any_town(), row in any::<Index>(), days in 1_u8..60,
    ) {
        prop_assume!(!town.reactions.is_empty());
        let mut older = town.clone();
        let row = row.index(town.reactions.len());
        older.reactions[row].age = older.reactions[row].age.saturating_add(days);
        let subject = town.owner(town.reactions[row].presence);
        // What no longer closes a circle may count more.
        let (now, then) = (town.pass().epoch, older.pass().epoch);
        prop_assume!(now.closed == then.closed && now.rounds == then.rounds);
        prop_assert!(older.points(subject) <= town.points(subject) + NOTHING);
    }

    /// Sentence 13.
    #[test]
    fn numbers_without_names_count_at_most_as_as_many_strangers(
        kind in any_kind(), age in 0_u8..90, count in 1_u32..300, known in 0_u32..40,
    ) {
        let (mut nameless, person, presence) = with_audience(known);
        let mut strangers = nameless.clone();
        nameless.unnamed(presence, kind, age, u64::from(count));
        for _ in 0..count {
            let (actor, _) = strangers.stranger();
            strangers.react(actor, presence, kind, age, 1);
        }
        prop_assert!(nameless.points(person) <= strangers.points(person) + NOTHING);
    }

    /// Sentence 13.
    #[test]
    fn a_counter_counts_at_most_as_as_many_strangers(count in 1_u32..300, known in 0_u32..40) {
        let (town, person, presence) = with_audience(known);
        let mut strangers = town.clone();
        strangers.audience(presence, count, false);
        for name in CounterName::ALL.into_iter().filter(|name| !name.as_str().starts_with("page_")) {
            let mut counted = town.clone();
            counted.count(person, &[(name, f64::from(count))]);
            prop_assert!(counted.points(person) <= strangers.points(person) + NOTHING, "{}", name);
        }
    }
}

/// Sentence 1.
#[test]
fn evidence_of_no_influence_is_a_1() {
    let mut town = Town::default();
    let (person, presence) = town.registered();
    assert_eq!(town.scores()[person as usize], None);
    town.posts.push((presence, 3));
    assert_eq!(town.points(person).to_bits(), 1.0_f64.to_bits());
}

/// Sentence 5.
#[test]
fn a_hundred_people_count_more_than_one_a_hundred_times() {
    for registered in [true, false] {
        let mut many = Town::default();
        let (person, presence) = many.registered();
        let mut one = many.clone();
        many.audience(presence, 100, registered);
        let (fan, _) = one.somebody(registered);
        for _ in 0..100 {
            one.like(fan, presence);
        }
        assert!(many.points(person) > one.points(person), "registered: {registered}");
    }
}

/// Sentence 8.
#[test]
fn a_hundred_reactions_to_ten_posts_count_more_than_to_a_thousand() {
    let with_posts = |posts: u32| {
        let (mut town, person, presence) = with_audience(100);
        town.posts.extend((0..posts).map(|_| (presence, 0)));
        town.points(person)
    };
    assert!(with_posts(10) > with_posts(1_000) + 0.5);
}

/// Sentence 9.
#[test]
fn a_reaction_halves_in_fifteen_days_and_is_gone_after_ninety() {
    let reach = |age| {
        let mut town = Town::default();
        let (person, presence) = town.registered();
        let (fan, _) = town.registered();
        town.react(fan, presence, Kind::Follow, age, 1);
        town.scores()[person as usize].map_or(0.0, |it| it.true_reach)
    };
    for age in 0..75 {
        let halves = reach(age + 15) / reach(age);
        assert!((halves - 0.5).abs() < 0.003, "{halves} on day {age}");
    }
    assert!(reach(89) > 0.0);
    assert_eq!(reach(90).to_bits(), 0.0_f64.to_bits());
}

/// Sentence 9.
#[test]
fn who_has_67_falls_to_57_in_a_month_of_silence() {
    let evenly = |people: u32| {
        let mut town = Town::default();
        let (person, presence) = town.registered();
        for age in (0..90).cycle().take(people as usize) {
            let (fan, _) = town.registered();
            town.react(fan, presence, Kind::Like, age, 1);
        }
        (town, person)
    };
    let found =
        (100..1_000).step_by(10).map(evenly).find(|(town, person)| town.points(*person) >= 67.0);
    let (town, person) = found.expect("some audience is worth a 67");
    assert!((town.points(person) - 67.0).abs() < 0.4, "{}", town.points(person));
    let later = town.days_later(30).points(person);
    assert!((later - 57.0).abs() < 0.7, "{later}");
    assert_eq!(town.days_later(90).scores()[person as usize], None);
}

/// Sentence 10.
#[test]
fn every_further_point_is_harder() {
    // By influence, of which anybody can have any amount.
    let at = |rank: f64| {
        let mut town = Town::default();
        let (person, _) = town.registered();
        town.count(person, &[(CounterName::PageRank, rank.exp_m1())]);
        let score = town.scores()[person as usize].expect("evidence");
        (score.influence, score.score.points())
    };
    let mut slope = f64::INFINITY;
    let mut last = at(0.0);
    for step in 1..600 {
        let next = at(f64::from(step));
        let new = (next.1 - last.1) / (next.0 - last.0);
        assert!(new > 0.0 && new < slope, "{new} after {slope} at {next:?}");
        (slope, last) = (new, next);
    }

    let mut gains = [0, 50, 100, 150, 200].map(with_audience).map(|(town, it, _)| town.points(it));
    for place in (1..gains.len()).rev() {
        gains[place] -= gains[place - 1];
    }
    assert!(gains[1..].is_sorted_by(|one, next| one > next), "{gains:?}");
}

/// Sentence 11.
#[test]
fn pages_count_that_link_to_ones_page_and_their_ratio_and_its_rank() {
    let points = |inlinks, outlinks, rank| {
        let (mut town, person, _) = with_audience(3);
        let readings = [
            (CounterName::PageInlinks, inlinks),
            (CounterName::PageOutlinks, outlinks),
            (CounterName::PageRank, rank),
        ];
        town.count(person, &readings);
        town.points(person)
    };
    assert!(points(10.0, 10.0, 1.0) > points(5.0, 5.0, 1.0));
    assert!(points(10.0, 5.0, 1.0) > points(10.0, 10.0, 1.0));
    assert!(points(10.0, 10.0, 2.0) > points(10.0, 10.0, 1.0));
    assert_eq!(points(0.0, 0.0, 0.0).to_bits(), points(0.0, 100.0, 0.0).to_bits());
}

/// Sentence 13.
#[test]
fn votes_count_where_the_network_vouches_for_them() {
    let mut town = Town::default();
    let (person, presence) = town.registered();
    let vouched = town.vouched_presence(person);
    let mut elsewhere = town.clone();
    town.unnamed(vouched, Kind::Like, 0, 100);
    elsewhere.unnamed(presence, Kind::Like, 0, 100);
    assert!(town.points(person) > 50.0);
    assert!(elsewhere.points(person) < 4.0);
}

/// Sentence 15.
#[test]
fn influence_is_made_of_amounts_that_add_up() {
    let mut nobody = Town::default();
    let (person, presence) = nobody.registered();
    let elsewhere = nobody.presence(person);
    let parts: [fn(&mut Town, u32, u32, u32); 4] = [
        |town, _, presence, _| town.audience(presence, 20, true),
        |town, _, _, elsewhere| town.audience(elsewhere, 7, true),
        |town, person, _, _| town.count(person, &[(CounterName::PageRank, 3.0)]),
        |town, _, presence, _| {
            let (giver, _) = town.registered();
            town.react(giver, presence, Kind::PlusK, 0, 1);
        },
    ];
    let mut all = nobody.clone();
    let mut sum = 0.0;
    for part in parts {
        part(&mut all, person, presence, elsewhere);
        let mut alone = nobody.clone();
        part(&mut alone, person, presence, elsewhere);
        assert!(alone.influence(person) > 0.1);
        sum += alone.influence(person);
    }
    assert!((all.influence(person) - sum).abs() < 1e-9, "{} and {sum}", all.influence(person));
}
