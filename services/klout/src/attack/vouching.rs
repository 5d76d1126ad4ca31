//! Members who give one another +K, whoever they are: pairs, rings and cartels.

use klout_model::{Kind, WINDOW_DAYS};

use super::{
    Ground,
    bought::POINTS,
    report::{Limit, Report},
    town::{Newcomer, Scene},
};

/// People in a ring in which each gives to the next. Two are a pair who trade.
const RINGS: [usize; 3] = [3, 5, 10];
/// More than the model follows.
const LONG: usize = 20;
/// How many gave to somebody of whom others close a ring.
const GIVERS: [usize; 2] = [1, 10];
/// People who all give to one another: as many others as one may give to in a day, but for one.
const CARTEL: usize = 10;
const LIMIT: Limit = Limit::Most(2.0);
const LOST: &str = "points lost by whom it is closed around";

/// +K that are given back, or come round; and what of it is not discounted, which is told.
pub(super) fn traded(ground: &Ground<'_>, report: &mut Report) {
    ground.say("traded +K");
    for (start, presences) in ground.starts() {
        let group = |size, gives: &dyn Fn(usize, usize) -> bool| {
            gains(ground, presences, size, false, gives)
        };
        let pairs = group(2, &|_, _| true);
        report.add(format!("two trade +K every day, {start}"), POINTS, LIMIT, pairs);
        // Among so few people as tests attack there is no large ring.
        for size in RINGS.into_iter().filter(|size| *size <= presences.len()) {
            let ring = group(size, &|from, to| (from + 1) % size == to);
            let name = format!("a ring of {size} give the next one +K every day, {start}");
            report.add(name, POINTS, LIMIT, ring);
        }
        closed(ground, start, presences, report);
        if presences.len() < CARTEL {
            continue;
        }
        let cartel = group(CARTEL, &|_, _| true);
        let name = format!("a cartel of {CARTEL} give all others +K every day, {start}");
        report.add(name, POINTS, LIMIT, cartel);

        let ring = gains(ground, presences, CARTEL, true, &|from, to| (from + 1) % CARTEL == to);
        let name = format!("a ring of {CARTEL}, to each of whom one more gives, {start}");
        report.tell(name, POINTS, LIMIT, ring);
        if presences.len() < LONG {
            continue;
        }
        let ring = group(LONG, &|from, to| (from + 1) % LONG == to);
        let name = format!("a ring of {LONG} give the next one +K every day, {start}");
        report.tell(name, POINTS, LIMIT, ring);
        let ring = group(LONG, &|from, to| (1..CARTEL).contains(&((to + LONG - from) % LONG)));
        let name = format!("{LONG} in a ring give the next {} +K every day, {start}", CARTEL - 1);
        report.tell(name, POINTS, LIMIT, ring);
    }
}

/// What those lose who gave one +K, when that one gives to all who gave to them.
fn closed(ground: &Ground<'_>, start: &str, presences: &[u32], report: &mut Report) {
    for givers in GIVERS {
        let scores = |closes: bool| {
            let mut scene = ground.honest.scene();
            for victim in presences {
                let other = scene.newcomer(true);
                let plus_k = |scene: &mut Scene, to: u32, from: u32| {
                    scene.react(to, from, Kind::PlusK, 0, 1);
                };
                plus_k(&mut scene, other.presence, ground.honest.owner(*victim));
                for _ in 0..givers {
                    let Newcomer { person, presence } = scene.newcomer(true);
                    plus_k(&mut scene, *victim, person);
                    if closes {
                        plus_k(&mut scene, presence, other.person);
                    }
                }
            }
            scene.score(ground.model)
        };
        let (before, after) = (scores(false), scores(true));
        let lost = presences.iter().map(|victim| {
            let person = ground.honest.owner(*victim);
            before.points(person) - after.points(person)
        });
        let name = format!("exception, a ring is closed over all of {givers} who gave, {start}");
        report.tell(name, LOST, Limit::Most(1.0), lost.collect());
    }
}

/// What people gain who give +K every day in groups of `size`, each to those of the group whom `gives` names. The
/// last group is smaller when they are no multiple, and left out: it is another attack.
///
/// - `backed`: somebody to whom nobody gives does so to all of them too; what that one brings is not counted.
fn gains(
    ground: &Ground<'_>,
    presences: &[u32],
    size: usize,
    backed: bool,
    gives: &dyn Fn(usize, usize) -> bool,
) -> Vec<f64> {
    let groups = presences.chunks_exact(size);
    let traders: Vec<u32> = groups.clone().flatten().copied().collect();
    let mut scene = ground.honest.scene();
    back(&mut scene, &traders, backed);
    for group in groups {
        for (from, giver) in group.iter().enumerate() {
            for (to, receiver) in group.iter().enumerate() {
                if from == to || !gives(from, to) {
                    continue;
                }
                for age in 0..WINDOW_DAYS {
                    scene.react(*receiver, ground.honest.owner(*giver), Kind::PlusK, age, 1);
                }
            }
        }
    }
    let after = scene.score(ground.model);
    if !backed {
        return ground.gains(&after, &traders);
    }
    let mut scene = ground.honest.scene();
    back(&mut scene, &traders, backed);
    let before = scene.score(ground.model);
    let people = traders.iter().map(|it| ground.honest.owner(*it));
    people.map(|it| after.points(it) - before.points(it)).collect()
}

/// Somebody to whom nobody gives a +K gives one to each.
fn back(scene: &mut Scene, traders: &[u32], backed: bool) {
    if backed {
        let other = scene.newcomer(true);
        for trader in traders {
            scene.react(*trader, other.person, Kind::PlusK, 0, 1);
        }
    }
}
