//! Followers that are bought as a number, and somebody registered who is fooled into reacting to a ring.

use klout_model::Kind;

use super::{
    Ground,
    bought::POINTS,
    report::{Limit, Report},
    town::{Newcomer, Scene, number},
};

/// Of whom nobody knew before.
const FOLLOWERS_FROM_NOTHING: f64 = 10_000_000.0;

/// A hundred times the followers that somebody tells; and ten million for those who told none.
pub(super) fn followers(ground: &Ground<'_>, report: &mut Report) {
    ground.say("followers");
    let honest = &ground.honest;
    let mut telling: Vec<u32> = honest.followers.keys().copied().collect();
    telling.retain(|presence| honest.registered[honest.owner(*presence) as usize]);
    telling.sort_unstable();
    let mut scene = honest.scene();
    scene.0.counters.clear();
    let mut all: Vec<_> = honest.followers.iter().map(|it| (*it.0, *it.1)).collect();
    all.sort_unstable_by_key(|it| it.0);
    for (presence, value) in all {
        let factor = if telling.binary_search(&presence).is_ok() { 100.0 } else { 1.0 };
        scene.followers(presence, value * factor);
    }
    let scores = scene.score(ground.model);
    let gains = ground.gains(&scores, &telling);
    report.add("followers × 100, all who tell them", POINTS, Limit::Most(5.0), gains);

    let (start, presences) = ground.starts()[1];
    let mut scene = honest.scene();
    for presence in presences {
        scene.followers(*presence, FOLLOWERS_FROM_NOTHING);
    }
    let gains = ground.gains(&scene.score(ground.model), presences);
    let name = format!("10,000,000 followers, {start}");
    report.add(name, POINTS, Limit::Most(5.0), gains);
}

/// How a ring makes use of somebody who is fooled.
#[derive(Clone, Copy, Debug)]
enum Fooled {
    /// Into reacting to the one fake that all others react to.
    One,
    /// To as many as somebody has attention for.
    Thirty,
    /// To all of them.
    All,
}

const FOOLED: [(Fooled, &str); 3] = [
    (Fooled::One, "to one fake"),
    (Fooled::Thirty, "to thirty fakes"),
    (Fooled::All, "to all fakes"),
];
const NEIGHBOURS: u32 = 3;

/// A ring of fakes that all react to the first of them, and to three of one another. Each of those who
/// are fooled has a ring of their own.
pub(super) fn fooled(ground: &Ground<'_>, report: &mut Report) {
    let people = easily_fooled(ground);
    for (fooled, name) in FOOLED {
        let mut best = Vec::new();
        for fakes in &ground.scale.fakes {
            ground.say(&format!("fooled {name} of {fakes}"));
            let mut scene = ground.honest.scene();
            let rings: Vec<Vec<Newcomer>> =
                people.iter().map(|person| fooled.plant(&mut scene, *person, *fakes)).collect();
            let scores = scene.score(ground.model);
            let best_of = |ring: &Vec<Newcomer>| {
                ring.iter().map(|fake| scores.points(fake.person)).fold(1.0, f64::max)
            };
            best.extend(rings.iter().map(best_of));
        }
        let name = format!("a registered account is fooled {name}");
        report.add(name, "score of the best fake", Limit::Most(30.0), best);
    }
}

/// The most influential people who joined, and members who react to nobody else.
fn easily_fooled(ground: &Ground<'_>) -> Vec<u32> {
    let half = ground.scale.victims.div_ceil(2);
    let honest = &ground.honest;
    let registered = |person: &&u32| honest.registered[**person as usize];
    let mut people: Vec<u32> =
        ground.ascending.iter().rev().filter(registered).take(half).copied().collect();
    let mut reacting = vec![false; honest.registered.len()];
    for actor in honest.rows.iter().filter_map(|row| row.actor) {
        reacting[actor as usize] = true;
    }
    let silent = (0..number(honest.registered.len()))
        .filter(|person| honest.registered[*person as usize] && !reacting[*person as usize]);
    people.extend(silent.take(half));
    people
}

// === impl Fooled ===

impl Fooled {
    fn plant(self, scene: &mut Scene, person: u32, fakes: u32) -> Vec<Newcomer> {
        let ring = scene.fakes(fakes);
        for (place, fake) in (0_u32..).zip(&ring) {
            // As often as it takes to count as a whole person.
            let mut react = |other: Newcomer| {
                scene.react(other.presence, fake.person, Kind::Like, 0, 10);
            };
            if place > 0 {
                react(ring[0]);
            }
            for neighbour in 1..=NEIGHBOURS.min(fakes - 1) {
                react(ring[((place + neighbour) % fakes) as usize]);
            }
        }
        let count = match self {
            Self::One => 1,
            Self::Thirty => 30,
            Self::All => ring.len(),
        };
        for fake in ring.iter().take(count) {
            scene.react(fake.presence, person, Kind::Like, 0, 10);
        }
        ring
    }
}
