//! Pods: registered people who always react to one another.

use klout_model::{Kind, WINDOW_DAYS};
use klout_world::Attack;

use super::{
    Ground,
    report::{Limit, Report},
    town::Scores,
};

const RATIO: &str = "score with it / score without, upper half";
/// A pod that is small enough to be friends.
const FEW: usize = 5;
/// How far those with whom each of a pod reacts are away in its list, so that friends share few friends.
const SOME: [usize; 10] = [1, 5, 12, 19, 24, 26, 31, 38, 45, 49];
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

    let every_day = |together: &dyn Fn(usize, usize) -> bool| {
        let mut scene = ground.honest.scene();
        for (place, subject) in members.iter().enumerate() {
            let others = members.iter().enumerate();
            for (_, actor) in others.filter(|(other, _)| *other != place && together(place, *other))
            {
                for age in 0..WINDOW_DAYS {
                    scene.react(*subject, ground.honest.owner(*actor), Kind::Like, age, 1);
                }
            }
        }
        ratio(ground, &scene.score(ground.model), &upper)
    };
    let all = every_day(&|_, _| true);
    report.add(format!("pod of {count}, every day"), RATIO, LIMIT, all);
    // What is not a closed circle is not discounted.
    let fives = every_day(&|one, other| one / FEW == other / FEW);
    report.tell(format!("pods of {FEW}, every day"), RATIO, LIMIT, fives);
    let some = every_day(&|one, other| SOME.contains(&((count + one - other) % count)));
    let name = format!("pod of {count}, each with {} of the others, every day", SOME.len());
    report.tell(name, RATIO, LIMIT, some);
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
