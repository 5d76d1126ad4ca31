//! What strangers can do to a score, and what they cannot. docs/scoring.md, section 1.

use klout_model::{CounterName, Kind};
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::town::{Row, Town, any_kind, any_town, cases, number};

/// Strangers come to somebody.
#[derive(Clone, Debug)]
struct Attack {
    strangers: u32,
    /// How often each reacts, and over how many days.
    reactions: u64,
    days: u8,
    kind: Kind,
    /// Each also reacts to so many of the others.
    ring: u32,
    /// Each also reacts to so many of those who were there before.
    camouflage: u32,
    /// They also send interactions of nobody, and raise the counters of the victim.
    numbers: u64,
}

fn any_attack() -> impl Strategy<Value = Attack> {
    let strangers = prop_oneof![4 => 1_u32..60, 1 => 500_u32..3_000];
    let numbers = prop_oneof![Just(0), Just(1_000_000_000)];
    (strangers, 1_u64..1_000, 1_u8..90, any_kind(), 0_u32..6, 0_u32..6, numbers).prop_map(
        |(strangers, reactions, days, kind, ring, camouflage, numbers)| Attack {
            strangers,
            reactions,
            days,
            kind,
            ring,
            camouflage,
            numbers,
        },
    )
}

// === impl Attack ===

impl Attack {
    fn on(&self, town: &mut Town, victim: u32, presence: u32) {
        let before = number(town.presences.len());
        let fakes: Vec<(u32, u32)> = (0..self.strangers).map(|_| town.stranger()).collect();
        for (place, (fake, _)) in (0_u32..).zip(&fakes) {
            let age = u8::try_from(place % u32::from(self.days)).expect("below 90");
            town.react(*fake, presence, self.kind, age, self.reactions);
            for next in 1..=self.ring {
                let (other, others) = fakes[((place + next) % self.strangers) as usize];
                if other != *fake {
                    town.react(*fake, others, self.kind, age, self.reactions);
                }
            }
            for next in 0..self.camouflage {
                town.react(*fake, (place + next) % before, Kind::Like, age, 1);
            }
        }
        if self.numbers > 0 {
            town.unnamed(presence, self.kind, 0, self.numbers);
            town.count(victim, &[(CounterName::FollowerCount, 1e9), (CounterName::Views, 1e12)]);
        }
    }
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn nobodys_score_rises_by_more_than_3_points_from_any_number_of_strangers(
        town in any_town(), attack in any_attack(), victim in any::<Index>(), audience in 0_u32..200,
    ) {
        // Where nobody vouches for votes: those are not strangers' to give.
        let places: Vec<u32> =
            (0..number(town.presences.len())).filter(|it| !town.presences[*it as usize].1).collect();
        let presence = places[victim.index(places.len())];
        let victim = town.owner(presence);
        let mut town = town;
        town.audience(presence, audience, true);

        let mut attacked = town.clone();
        attack.on(&mut attacked, victim, presence);
        let people = town.registered.len();
        let (before, after) = (town.all_points(), attacked.all_points());
        for (person, after) in after.iter().enumerate() {
            // The strangers themselves start at the bottom.
            let before = if person < people { before[person] } else { 1.0 };
            prop_assert!(*after <= before + 3.0, "person {}: {} to {}", person, before, after);
        }
    }

    #[test]
    fn who_engages_somebody_takes_at_most_a_point_from_anybody_but_their_own_audience(
        town in any_town(), attack in any_attack(), victim in any::<Index>(), attacker in any::<Index>(),
        audience in 0_u32..200,
    ) {
        let presence = number(victim.index(town.presences.len()));
        let victim = town.owner(presence);
        let mut town = town;
        town.audience(presence, audience, true);
        // Newcomers have nobody to take attention from, registered or not.
        let mut attacked = town.clone();
        attack.on(&mut attacked, victim, presence);
        for kind in Kind::ALL {
            let (newcomer, _) = attacked.registered();
            attacked.react(newcomer, presence, kind, 0, attack.reactions);
        }
        // Somebody who was there before may take it from those whom they reach.
        let attacker = number(attacker.index(town.registered.len()));
        for kind in Kind::ALL {
            attacked.react(attacker, presence, kind, 0, attack.reactions);
        }
        let exempt = town.reached(attacker);
        let (before, after) = (town.all_points(), attacked.all_points());
        for (person, (before, after)) in (0..).zip(before.into_iter().zip(after)) {
            prop_assert!(
                after >= before - 1.0 || (exempt.contains(&person) && person != victim),
                "person {}: {} to {}", person, before, after
            );
        }
    }

    #[test]
    fn a_noise_bot_stays_below_15(
        posts in 1_usize..20_000, attack in any_attack(), bots in vec(any::<Index>(), 0..5),
    ) {
        let mut town = Town::default();
        let (bot, presence) = town.stranger();
        town.posts.extend((0..90).cycle().take(posts).map(|age| (presence, age)));
        let others: Vec<(u32, u32)> = (0..10).map(|_| town.registered()).collect();
        for other in bots {
            // It reacts to real people, who do not react to it.
            town.react(bot, others[other.index(others.len())].1, Kind::Mention, 0, 1_000);
        }
        attack.on(&mut town, bot, presence);
        prop_assert!(town.points(bot) <= 15.0, "{}", town.points(bot));
    }

    #[test]
    fn a_registered_account_that_is_fooled_lifts_the_best_fake_to_at_most_30(
        attack in any_attack(), famous in 0_u32..500, fooled_by in 1_u32..60, among_them in any::<bool>(),
        kinds in vec(any_kind(), 1..5),
    ) {
        let mut town = Town::default();
        let (best, presence) = town.stranger();
        let (fooled, fooleds) = town.registered();
        town.audience(fooleds, famous, true);
        let first = number(town.presences.len());
        attack.on(&mut town, best, presence);
        let fakes = first..first + attack.strangers.min(fooled_by);
        for fake in fakes.chain(among_them.then_some(presence)) {
            for kind in &kinds {
                town.react(fooled, fake, *kind, 0, 100);
            }
        }
        for (person, points) in town.all_points().into_iter().enumerate() {
            let is_fake = !town.registered[person];
            prop_assert!(!is_fake || points <= 30.0, "person {}: {}", person, points);
        }
    }
}

#[test]
fn ten_thousand_strangers_are_worth_as_much_as_a_hundred() {
    let gained = |strangers: u32, reactions: u64| {
        let mut town = Town::default();
        let (victim, presence) = town.registered();
        town.posts.push((presence, 1));
        for _ in 0..strangers {
            let (fake, _) = town.stranger();
            town.react(fake, presence, Kind::Like, 0, reactions);
        }
        town.points(victim) - 1.0
    };
    assert!(gained(10_000, 100) <= 3.0);
    assert!(gained(10_000, 100) - gained(100, 1) < 1e-6);
}

#[test]
fn an_unusual_number_of_strangers_on_one_day_is_noticed() {
    let mut town = Town::default();
    let (victim, presence) = town.registered();
    for _ in 0..1_500 {
        let (fake, _) = town.stranger();
        town.react(fake, presence, Kind::Like, 5, 1);
    }
    let bursts = town.pass().bursts;
    assert_eq!(
        bursts.iter().map(|it| (it.person, it.age, it.strangers)).collect::<Vec<_>>(),
        [(victim, 5, 1_500)]
    );

    let calm = Town { reactions: town.reactions[..999].to_vec(), ..town };
    assert_eq!(calm.pass().bursts, []);
}

#[test]
fn a_regular_audience_of_strangers_is_no_burst() {
    let mut town = Town::default();
    let (_, presence) = town.registered();
    for place in 0..3_000_u32 {
        let (fan, _) = town.stranger();
        // Who came on some day comes again today.
        let came = u8::try_from(place % 80).expect("a day");
        town.react(fan, presence, Kind::Like, came, 1);
        town.react(fan, presence, Kind::Like, 0, 1);
    }
    assert_eq!(town.pass().bursts, []);
}

#[test]
fn strangers_gain_nothing_more_when_one_person_reacts_to_all_of_them() {
    for fooled in [false, true] {
        let mut town = Town::default();
        let (buyer, presence) = town.registered();
        let (other, _) = town.registered();
        let before = town.points(buyer);
        for _ in 0..300 {
            let (fake, theirs) = town.stranger();
            town.react(fake, presence, Kind::Reshare, 0, 9);
            town.like(if fooled { other } else { buyer }, theirs);
        }
        let after = town.points(buyer);
        assert!(after - before <= 3.0, "{fooled}: {before} and {after}");
    }
}

/// Section 5: whoever is friends with everybody makes no circle of those who are friends with them.
#[test]
fn popular_accounts_that_like_back_close_no_circle() {
    let mut town = Town::default();
    let (someone, presence) = town.registered();
    let mut friends = vec![(someone, presence)];
    for _ in 0..12 {
        let (friend, theirs) = town.registered();
        town.like(friend, presence);
        town.like(someone, theirs);
        friends.push((friend, theirs));
    }
    let before = town.points(someone);
    for _ in 0..24 {
        let (popular, theirs) = town.registered();
        for (friend, presence) in &friends {
            town.like(*friend, theirs);
            town.like(popular, *presence);
        }
        for _ in 0..500 {
            let (_, another) = town.registered();
            town.like(popular, another);
        }
    }
    let after = town.points(someone);
    assert!(after > before - 1.0, "{before} and {after}");
}

#[test]
fn so_is_one_of_reactions_that_name_nobody() {
    let mut town = Town::default();
    let (victim, presence) = town.registered();
    let row = |age, count| Row { presence, actor: None, kind: Kind::Like, age, count };
    town.reactions.extend([row(5, 10_000), row(6, 9_999)]);
    let bursts = town.pass().bursts;
    let found: Vec<_> = bursts.iter().map(|it| (it.person, it.age, it.strangers)).collect();
    assert_eq!(found, [(victim, 5, 10_000)]);

    town.reactions.push(row(7, 1));
    assert_eq!(town.pass().bursts, []);
}

#[test]
fn a_pod_of_fifty_is_worth_little_to_its_members() {
    let pod = |members: u32| {
        let mut town = Town::default();
        let members: Vec<(u32, u32)> = (0..members).map(|_| town.registered()).collect();
        for (_, presence) in &members {
            town.audience(*presence, 10, true);
        }
        let before = town.points(members[0].0);
        for (actor, _) in &members {
            for (_, presence) in members.iter().filter(|(subject, _)| subject != actor) {
                town.react(*actor, *presence, Kind::Like, 0, 90);
            }
        }
        town.points(members[0].0) / before
    };
    assert!(pod(50) <= 1.2, "{}", pod(50));
}
