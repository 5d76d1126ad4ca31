//! Members who give one another +K, whoever they are: pairs, rings and cartels.

use klout_model::{Kind, WINDOW_DAYS};

use super::{
    Ground,
    bought::POINTS,
    report::{Limit, Report},
};

/// People in a ring in which each gives to the next. Two are a pair who trade.
const RINGS: [usize; 3] = [3, 5, 10];
/// People who all give to one another: as many others as one may give to in a day, but for one.
const CARTEL: usize = 10;
const LIMIT: Limit = Limit::Most(2.0);

/// Two who trade +K every day; and what is not reciprocal, or not between two, which is told.
pub(super) fn traded(ground: &Ground<'_>, report: &mut Report) {
    ground.say("traded +K");
    for (start, presences) in ground.starts() {
        let pairs = gains(ground, presences, 2, &|_, _| true);
        report.add(format!("two trade +K every day, {start}"), POINTS, LIMIT, pairs);
        // Among so few people as tests attack there is no large ring.
        for size in RINGS.into_iter().filter(|size| *size <= presences.len()) {
            let ring = gains(ground, presences, size, &|from, to| (from + 1) % size == to);
            let name = format!("a ring of {size} give the next one +K every day, {start}");
            report.tell(name, POINTS, LIMIT, ring);
        }
        if presences.len() < CARTEL {
            continue;
        }
        let cartel = gains(ground, presences, CARTEL, &|_, _| true);
        let name = format!("a cartel of {CARTEL} give all others +K every day, {start}");
        report.tell(name, POINTS, LIMIT, cartel);
    }
}

/// What people gain who give +K every day in groups of `size`, each to those of the group whom `gives` names. The
/// last group is smaller when they are no multiple, and left out: it is another attack.
fn gains(
    ground: &Ground<'_>,
    presences: &[u32],
    size: usize,
    gives: &dyn Fn(usize, usize) -> bool,
) -> Vec<f64> {
    let mut scene = ground.honest.scene();
    let groups = presences.chunks_exact(size);
    let traders: Vec<u32> = groups.clone().flatten().copied().collect();
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
    ground.gains(&scene.score(ground.model), &traders)
}
