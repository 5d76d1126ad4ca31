//! Pods: registered people who always react to one another.

use klout_model::{Kind, WINDOW_DAYS};
use klout_world::Attack;

use super::{
    Ground,
    report::{Limit, Report},
    town::Scores,
};

const RATIO: &str = "score with it / score without, upper half";
const LIMIT: Limit = Limit::MedianMost(1.2, f64::INFINITY);

/// The pod of the made-up world, whose members like every post of one another; and the same people
/// when each of them reacts to all others every day.
pub(super) fn pod(ground: &Ground<'_>, report: &mut Report) {
    ground.say("pod");
    let members = ground.honest.here(&ground.podded, ground.podded.gaining(Attack::Pod));
    let mut upper = members.clone();
    let before = |presence: &u32| ground.scores.points(ground.honest.owner(*presence));
    upper.sort_by(|one, other| before(other).total_cmp(&before(one)));
    upper.truncate(members.len().div_ceil(2));
    let count = members.len();

    let there = ground.podded.here(&ground.honest, &upper);
    let scores = ground.podded.scene().score(ground.model);
    let with = |presence: &u32| scores.points(ground.podded.owner(*presence));
    let ratios = upper.iter().zip(&there).map(|(here, there)| with(there) / before(here));
    report.add(format!("pod of {count}, by their posts"), RATIO, LIMIT, ratios.collect());

    let mut scene = ground.honest.scene();
    for subject in &members {
        for actor in members.iter().filter(|actor| *actor != subject) {
            for age in 0..WINDOW_DAYS {
                scene.react(*subject, ground.honest.owner(*actor), Kind::Like, age, 1);
            }
        }
    }
    let scores = scene.score(ground.model);
    report.add(format!("pod of {count}, every day"), RATIO, LIMIT, ratio(ground, &scores, &upper));
}

fn ratio(ground: &Ground<'_>, scores: &Scores, presences: &[u32]) -> Vec<f64> {
    let ratio = |presence: &u32| {
        let person = ground.honest.owner(*presence);
        scores.points(person) / ground.scores.points(person)
    };
    presences.iter().map(ratio).collect()
}

/// The same attacks as the made-up world plants them by itself.
pub(super) fn of_the_world(ground: &Ground<'_>, report: &mut Report) {
    let scores = ground.attacked.scene().score(ground.model);
    for attack in Attack::ALL {
        let there = ground.attacked.gaining(attack);
        let points = |presence: &u32| scores.points(ground.attacked.owner(*presence));
        let name = format!("the world's own: {}", attack.as_str());
        match attack {
            // Has lines of its own.
            Attack::Pod => {}
            // Nobody before the attack.
            Attack::NoiseBot => {
                let scores = there.iter().map(points).collect();
                report.add(name, "score", Limit::Most(15.0), scores);
            }
            Attack::Star | Attack::Ring | Attack::Camouflage | Attack::SlowDrip | Attack::Burst => {
                let here = ground.honest.here(&ground.attacked, there);
                let before = |presence: &u32| ground.scores.points(ground.honest.owner(*presence));
                let gains =
                    there.iter().zip(&here).map(|(there, here)| points(there) - before(here));
                let limit = Limit::Most(if attack == Attack::Burst { 3.0 } else { 5.0 });
                report.add(name, super::bought::POINTS, limit, gains.collect());
            }
        }
    }
}
