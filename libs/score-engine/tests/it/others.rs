//! What one person's reactions do to the scores of others. docs/scoring.md, section 1.

use std::collections::BTreeSet;

use klout_model::Kind;
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::town::{NOTHING, Row, Town, any_age, any_count, any_kind, any_town, cases, number};

proptest! {
    #![proptest_config(cases(300))]

    /// Sentence 3. Reactions on one more network are reactions.
    #[test]
    fn one_more_network_never_lowers_a_score(
        town in any_town(), who in any::<Index>(), vouched in any::<bool>(),
        rows in vec((prop::option::weighted(0.8, any::<Index>()), any_kind(), any_age(), any_count()), 0..20),
    ) {
        let who = number(who.index(town.registered.len()));
        let mut connected = town.clone();
        let presence =
            if vouched { connected.vouched_presence(who) } else { connected.presence(who) };
        for (actor, kind, age, count) in rows {
            let actor = actor.map(|it| number(it.index(town.registered.len())));
            connected.reactions.push(Row { presence, actor, kind, age, count });
        }
        prop_assume!(connected.pass().epoch.closed == town.pass().epoch.closed);
        prop_assert!(connected.points(who) >= town.points(who) - NOTHING);
    }

    /// Sentence 4.
    #[test]
    fn one_more_reaction_lowers_nobody_but_those_whom_its_actor_reaches(
        town in any_town(), subject in any::<Index>(), actor in any::<Index>(),
        kind in any_kind(), age in 0_u8..90, count in any_count(),
    ) {
        let presence = number(subject.index(town.presences.len()));
        let actor = number(actor.index(town.registered.len()));
        let mut more = town.clone();
        more.react(actor, presence, kind, age, count);
        let (before, after) = (town.pass(), more.pass());
        prop_assume!(before.epoch.closed == after.epoch.closed);

        // The actor itself is no exception, unless by those whom it reaches, or by a +K that is given back.
        let subject = town.owner(presence);
        let mut exempt = BTreeSet::new();
        for row in town.reactions.iter().filter(|it| it.actor == Some(actor)) {
            exempt.insert(town.owner(row.presence));
            exempt.extend(town.reached(town.owner(row.presence)));
        }
        exempt.remove(&subject);
        if kind == Kind::PlusK {
            let vouched = more.vouched(actor);
            // A ring is closed.
            let closes = town.vouched(subject).contains(&actor);
            exempt = if closes { vouched } else { BTreeSet::from([actor]) };
        }
        for (person, (before, after)) in (0..).zip(town.all_points().into_iter().zip(more.all_points())) {
            let lowered = after < before - NOTHING;
            prop_assert!(!lowered || exempt.contains(&person), "{}: {} to {}", person, before, after);
        }
    }
}

/// Sentence 4.
#[test]
fn a_reaction_that_closes_a_circle_may_lower_its_members() {
    let circle = |members: u32, closed: bool| {
        let mut town = Town::default();
        let members: Vec<(u32, u32)> = (0..members).map(|_| town.registered()).collect();
        for (actor, _) in &members {
            for (subject, presence) in &members {
                let missing = !closed && (*actor, *subject) == (members[0].0, members[1].0);
                if actor != subject && !missing {
                    town.like(*actor, *presence);
                }
            }
        }
        (town.all_points(), town.pass().epoch.closed.len())
    };
    let ((open, some), (closed, all)) = (circle(12, false), circle(12, true));
    assert!(some < all);
    assert!(closed[0] < open[0], "{} and {}", closed[0], open[0]);
    // Twelve who react to nobody else are worth nothing to one another, five are left alone.
    assert!(closed.iter().all(|points| *points < 4.0), "{closed:?}");
    assert_eq!(circle(5, true).1, 0);
    assert!(circle(5, true).0[0] > 30.0);
}

/// Sentence 6.
#[test]
fn the_more_people_an_actor_reacts_to_the_less_each_gets() {
    let with_others = |others: u32| {
        let mut town = Town::default();
        let (person, presence) = town.registered();
        let (actor, _) = town.registered();
        town.like(actor, presence);
        for _ in 0..others {
            let (_, other) = town.registered();
            town.like(actor, other);
        }
        (town.influence(person), town.points(person))
    };
    let mut last = with_others(0);
    for others in [1, 10, 29, 30, 31, 40, 100, 1_000] {
        let next = with_others(others);
        assert!(next.1 <= last.1, "{others}");
        assert!(others < 30 || next.1 < last.1, "{others}");
        last = next;
    }
    assert!(last.0 < with_others(0).0 / 30.0, "{last:?}");
}

/// Sentence 6, of credibility: what makes somebody else known is divided too.
#[test]
fn the_more_people_an_actor_reacts_to_the_less_known_each_gets() {
    let credibility = |others: u32| {
        let mut town = Town::default();
        let (stranger, presence) = town.stranger();
        for _ in 0..2 {
            let (actor, _) = town.registered();
            town.like(actor, presence);
            for _ in 0..others {
                let (_, other) = town.registered();
                town.like(actor, other);
            }
        }
        town.pass().epoch.actors[stranger as usize].repute().credibility
    };
    assert!((credibility(0) - 0.7).abs() < 1e-9 && (credibility(1) - 0.7).abs() < 1e-9);
    assert!((credibility(4) - 0.28).abs() < 1e-9);
    assert!(credibility(2) > credibility(3));
}

/// Section 6: one source alone makes nobody known, and the largest counts at most as much as all others.
#[test]
fn credibility_needs_a_second_source() {
    let credibility = |reacting: &[u32]| {
        let mut town = Town::default();
        let (stranger, presence) = town.stranger();
        for others in reacting {
            let (actor, _) = town.registered();
            town.like(actor, presence);
            for _ in 0..*others {
                let (_, other) = town.registered();
                town.like(actor, other);
            }
        }
        town.pass().epoch.actors[stranger as usize].repute().credibility
    };
    assert!(credibility(&[0]) <= 0.0);
    assert!((credibility(&[0, 9]) - 0.7 * 2.0 * 0.1).abs() < 1e-9);
    assert!((credibility(&[9, 9, 9]) - 0.7 * 0.3).abs() < 1e-9);
    assert!((credibility(&[0, 0, 0, 0, 0]) - 1.0).abs() < 1e-9);
}

/// Sentence 7.
#[test]
fn a_reaction_by_somebody_influential_is_worth_more() {
    for registered in [true, false] {
        let by_somebody_with = |audience: u32| {
            let mut town = Town::default();
            let (person, presence) = town.registered();
            let (actor, actors) = town.somebody(registered);
            town.audience(actors, audience, true);
            town.like(actor, presence);
            town.points(person)
        };
        assert!(by_somebody_with(30) > by_somebody_with(3), "registered: {registered}");
        assert!(by_somebody_with(3) > by_somebody_with(0), "registered: {registered}");
    }
}

/// Sentence 12.
#[test]
fn a_plus_k_is_weighted_by_its_giver_and_has_a_ceiling() {
    let given = |givers: u32, registered: bool, count: u64| {
        let mut town = Town::default();
        let (person, presence) = town.registered();
        for _ in 0..givers {
            let (giver, _) = town.somebody(registered);
            town.react(giver, presence, Kind::PlusK, 0, count);
        }
        town.influence(person)
    };
    assert!(given(1, true, 1) > 0.2);
    assert_eq!(given(1_000, false, 9).to_bits(), 0.0_f64.to_bits());
    // One giver is one giver, however often.
    assert_eq!(given(1, true, 1).to_bits(), given(1, true, 1_000).to_bits());
    assert!(given(10, true, 1) > given(1, true, 1));
    assert!(given(2_000, true, 1) <= 5.0 && given(2_000, true, 1) > 4.9);

    // Somebody influential is a better giver.
    let mut town = Town::default();
    let (person, presence) = town.registered();
    let (giver, givers) = town.registered();
    town.react(giver, presence, Kind::PlusK, 0, 1);
    town.audience(givers, 20, true);
    assert!(town.influence(person) > given(1, true, 1));
}

/// Sentence 12.
#[test]
fn a_plus_k_fades() {
    let mut town = Town::default();
    let (person, presence) = town.registered();
    let (giver, _) = town.registered();
    town.react(giver, presence, Kind::PlusK, 0, 1);
    let days = [0, 30, 60, 89].map(|days| town.days_later(days).influence(person));
    assert!(days.is_sorted_by(|earlier, later| earlier > later), "{days:?}");
    assert!(days[3] > 0.0);
}

/// Sentence 12.
#[test]
fn a_plus_k_that_is_given_back_counts_less_for_both() {
    let mut town = Town::default();
    let (one, ones) = town.registered();
    let (other, others) = town.registered();
    town.react(one, others, Kind::PlusK, 0, 1);
    let one_way = town.influence(other);
    town.react(other, ones, Kind::PlusK, 0, 1);
    assert!(town.influence(other) < one_way / 4.0);
    assert!((town.influence(other) - town.influence(one)).abs() < 1e-9);

    // Every day for the whole window: not two points each.
    for age in 0..90 {
        town.react(one, others, Kind::PlusK, age, 1);
        town.react(other, ones, Kind::PlusK, age, 1);
    }
    assert!(town.points(one) <= 3.0, "{}", town.points(one));
}
