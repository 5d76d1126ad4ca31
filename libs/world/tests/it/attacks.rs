//! Each attack is there, does what its name says, and the truth knows who is in it.

use std::collections::{HashMap, HashSet};

use klout_model::Kind;
use klout_world::{Account, Attack, Attacks, Content, DAYS, Nature, Scheme, World};
use time::OffsetDateTime;

use crate::world;

/// An interaction with an actor.
struct Deed<'w> {
    time: OffsetDateTime,
    actor: &'w Account,
    subject: &'w Account,
    kind: Kind,
    post: Option<String>,
}

fn scheme(world: &World, attack: Attack) -> Scheme<'_> {
    world.schemes().find(|it| it.attack() == attack).expect("every attack has a scheme")
}

/// What the fakes of an attack do.
fn deeds_of_fakes(world: &World, attack: Attack) -> Vec<Deed<'_>> {
    deeds(world).filter(|deed| deed.actor.truth.nature == Nature::Fake { attack }).collect()
}

fn deeds(world: &World) -> impl Iterator<Item = Deed<'_>> {
    world.events().filter_map(|event| match event.content {
        Content::Interaction { actor: Some(actor), subject, kind, post, .. } => {
            Some(Deed { time: event.time, actor, subject, kind, post })
        }
        Content::Interaction { actor: None, .. }
        | Content::Post { .. }
        | Content::Counter { .. } => None,
    })
}

fn share(deeds: &[Deed<'_>], is: impl Fn(&Deed<'_>) -> bool) -> f64 {
    let count = |count: usize| f64::from(u32::try_from(count).expect("few"));
    count(deeds.iter().filter(|deed| is(deed)).count()) / count(deeds.len())
}

fn to_buyer(attack: Attack) -> impl Fn(&Deed<'_>) -> bool {
    move |deed| deed.subject.truth.bought == Some(attack)
}

fn to_fake(deed: &Deed<'_>) -> bool {
    deed.subject.is_fake()
}

#[test]
fn the_truth_names_fakes_and_beneficiaries() {
    let world = world(1);
    let mut seen = HashSet::new();
    for scheme in world.schemes() {
        let attack = scheme.attack();
        assert!(seen.insert(attack));
        assert!(scheme.beneficiaries().len() > 0, "{attack:?} has nobody who gains");
        for buyer in scheme.beneficiaries() {
            assert_eq!(buyer.truth.bought, Some(attack));
            assert!(buyer.truth.member.is_some(), "who gains has joined");
            assert_eq!(buyer.is_fake(), attack == Attack::NoiseBot);
        }
        assert_eq!(scheme.fakes().len() == 0, attack == Attack::Pod);
        for fake in scheme.fakes() {
            assert_eq!(fake.truth.nature, Nature::Fake { attack });
            assert_eq!((fake.truth.member, fake.truth.bought), (None, None));
        }
        let said = world.accounts().filter(|it| it.truth.bought == Some(attack)).count();
        assert_eq!(said, scheme.beneficiaries().len());
    }
    assert_eq!(seen, HashSet::from(Attack::ALL));
}

#[test]
fn fakes_of_a_star_react_to_their_buyer_alone() {
    let world = world(1);
    let deeds = deeds_of_fakes(&world, Attack::Star);
    assert!(deeds.len() >= 50);
    assert!(deeds.iter().all(to_buyer(Attack::Star)));
    let last_month = world.first_day().to_date() + time::Duration::days(i64::from(DAYS) - 30);
    assert!(deeds.iter().all(|deed| deed.time.date() >= last_month));
}

#[test]
fn fakes_of_a_ring_also_react_to_one_another() {
    let world = world(1);
    let deeds = deeds_of_fakes(&world, Attack::Ring);
    let buyer = share(&deeds, to_buyer(Attack::Ring));
    assert!((0.2..0.3).contains(&buyer), "{buyer}");
    assert!((buyer + share(&deeds, to_fake) - 1.0).abs() < 1e-9);
}

#[test]
fn fakes_in_camouflage_also_react_to_the_famous() {
    let world = world(1);
    let deeds = deeds_of_fakes(&world, Attack::Camouflage);
    let median = {
        let mut influence: Vec<f64> = world.accounts().filter_map(Account::influence).collect();
        influence.sort_by(f64::total_cmp);
        influence[influence.len() / 2]
    };
    let famous = share(&deeds, |deed| {
        !to_buyer(Attack::Camouflage)(deed)
            && deed.subject.influence().is_some_and(|it| it > 5.0 * median)
    });
    assert!((0.4..0.6).contains(&famous), "{famous}");
    assert!(share(&deeds, to_fake) > 0.3);
}

#[test]
fn a_slow_drip_falls_evenly_over_a_hundred_days() {
    let world = world(1);
    let deeds = deeds_of_fakes(&world, Attack::SlowDrip);
    assert!(deeds.iter().all(to_buyer(Attack::SlowDrip)));
    let mut days: HashMap<_, usize> = HashMap::new();
    for deed in &deeds {
        *days.entry((deed.time.date(), deed.subject.handle.as_str())).or_default() += 1;
    }
    let (least, most) = (days.values().min().expect("some"), days.values().max().expect("some"));
    assert!(days.len() >= 100.min(deeds.len()) && most - least <= 1, "{least} to {most} a day");
}

#[test]
fn a_burst_is_many_likes_of_one_post_within_an_hour() {
    let world = world(1);
    let deeds = deeds_of_fakes(&world, Attack::Burst);
    let scheme = scheme(&world, Attack::Burst);
    assert_eq!(deeds.len(), scheme.fakes().len());
    for buyer in scheme.beneficiaries() {
        let likes: Vec<_> = deeds.iter().filter(|deed| deed.subject == buyer).collect();
        let (first, last) = (likes[0], likes[likes.len() - 1]);
        assert!(last.time - first.time < time::Duration::HOUR);
        assert!(likes.iter().all(|it| it.kind == Kind::Like && it.post == first.post));
    }
}

#[test]
fn members_of_a_pod_like_every_post_of_one_another() {
    let world = world(1);
    let pod: Vec<&str> = scheme(&world, Attack::Pod)
        .beneficiaries()
        .map(|account| account.native_id.as_str())
        .collect();
    let in_pod = |account: &Account| pod.contains(&account.native_id.as_str());
    let mut posts = 0;
    for event in world.events() {
        if let Content::Post { account, .. } = event.content {
            posts += usize::from(in_pod(account));
        }
    }
    let likes: HashSet<_> = deeds(&world)
        .filter(|deed| in_pod(deed.actor) && in_pod(deed.subject) && deed.kind == Kind::Like)
        .map(|deed| (deed.actor.handle.as_str(), deed.subject.handle.as_str(), deed.post))
        .collect();
    assert!(posts > 0);
    assert!(likes.len() >= posts * (pod.len() - 1), "{} likes of {posts} posts", likes.len());
}

#[test]
fn a_noise_bot_posts_all_day_and_only_strangers_bots_react() {
    let world = world(1);
    let bot = scheme(&world, Attack::NoiseBot).beneficiaries().next().expect("a bot");
    let posts = world
        .events()
        .filter(|event| matches!(&event.content, Content::Post { account, .. } if *account == bot));
    assert!(posts.count() >= 40 * usize::from(DAYS));
    let reactions: Vec<_> = deeds(&world).filter(|deed| deed.subject == bot).collect();
    assert!(!reactions.is_empty());
    let strangers = Nature::Fake { attack: Attack::NoiseBot };
    assert!(reactions.iter().all(|it| it.actor.truth.nature == strangers));
}

#[test]
fn larger_attacks_have_the_same_beneficiaries() {
    let beneficiaries = |fakes, burst| {
        let mut recipe = crate::recipe(1);
        recipe.attacks = Attacks { fakes, burst, ..recipe.attacks };
        let world = World::new(&recipe).expect("a recipe in range");
        world
            .schemes()
            .map(|scheme| scheme.beneficiaries().map(|it| it.handle.clone()).collect())
            .collect::<Vec<Vec<String>>>()
    };
    assert_eq!(beneficiaries(20, 100), beneficiaries(100, 10_000));
}
