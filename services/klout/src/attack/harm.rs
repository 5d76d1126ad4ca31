//! Attackers who engage honest people to harm them.

use klout_model::{Kind, WINDOW_DAYS};

use super::{
    Ground,
    report::{Limit, Report},
    town::{Newcomer, Scene, Scores, number},
};

const LOST: &str = "points lost by anybody honest";

/// How often an attacker reacts.
const MASSIVELY: u64 = 1_000;
/// Fakes that engage one person.
const FAKES: u32 = 100;
/// How many others somebody starts to react to.
const NEW_TARGETS: usize = 10_000;
/// Attackers who close a circle; more than one are a stated exception.
const CLOSING: [usize; 3] = [1, 5, 50];
const LIMIT: Limit = Limit::Most(1.0);

/// Everything of them.
pub(super) fn harm(ground: &Ground<'_>, report: &mut Report) {
    ground.say("harm");
    let victims = victims(ground);
    let before = &ground.scores;

    let attack = |name: &str, report: &mut Report, plant: &dyn Fn(&mut Scene, u32)| {
        let mut scene = ground.honest.scene();
        for victim in &victims {
            plant(&mut scene, *victim);
        }
        let after = scene.score(ground.model);
        report.add(name, LOST, LIMIT, lost(ground, before, &after));
    };
    let presence = |person: u32| ground.honest.first_presence(person);
    attack("harm: 1,000 reactions a day by one who joined", report, &|scene, victim| {
        let attacker = scene.newcomer(true);
        for age in 0..WINDOW_DAYS {
            scene.react(presence(victim), attacker.person, Kind::Reply, age, MASSIVELY);
        }
    });
    attack("harm: one who joined reacts to all who react to them", report, &|scene, victim| {
        let attacker = scene.newcomer(true);
        for fan in ground.honest.audience(victim).into_iter().chain([victim]) {
            scene.react(presence(fan), attacker.person, Kind::Like, 0, MASSIVELY);
        }
    });
    attack("harm: a star of 100 fakes does both", report, &|scene, victim| {
        let audience = ground.honest.audience(victim);
        for fake in scene.fakes(FAKES) {
            for subject in audience.iter().chain([&victim]) {
                scene.react(presence(*subject), fake.person, Kind::Like, 0, MASSIVELY);
            }
        }
    });
    for attackers in CLOSING {
        made_mutual(ground, &victims, attackers, report);
    }
    turned_away(ground, &victims, report);
}

/// People who joined with a score above 1, spread evenly over the ranking.
fn victims(ground: &Ground<'_>) -> Vec<u32> {
    let honest = &ground.honest;
    let scored = ground.ascending.iter().copied().filter(|person| {
        honest.registered[*person as usize] && ground.scores.points(*person) > 1.0
    });
    let scored: Vec<u32> = scored.collect();
    let step = (scored.len() / ground.scale.victims).max(1);
    scored.into_iter().skip(step / 2).step_by(step).collect()
}

/// Attackers to whom a victim and all who are mutual with the victim react anyway react back.
fn made_mutual(ground: &Ground<'_>, victims: &[u32], attackers: usize, report: &mut Report) {
    let honest = &ground.honest;
    let circles: Vec<Vec<u32>> = victims
        .iter()
        .map(|victim| {
            let targets = honest.reacted_to(*victim);
            let audience = honest.audience(*victim);
            let mutual = audience.into_iter().filter(|fan| targets.binary_search(fan).is_ok());
            mutual.chain([*victim]).collect()
        })
        .collect();
    let scene = |react_back: bool| {
        let mut scene = honest.scene();
        for circle in &circles {
            let attackers: Vec<Newcomer> = (0..attackers).map(|_| scene.newcomer(true)).collect();
            for (attacker, person) in pairs(&attackers, circle) {
                scene.react(attacker.presence, person, Kind::Like, 0, 1);
                if react_back {
                    scene.react(honest.first_presence(person), attacker.person, Kind::Like, 0, 1);
                }
            }
            // They know one another too.
            for (one, other) in pairs(&attackers, &attackers) {
                if react_back {
                    scene.react(one.presence, other.person, Kind::Like, 0, 1);
                }
            }
        }
        scene.score(ground.model)
    };
    let (before, after) = (scene(false), scene(true));
    let lost = lost(ground, &before, &after);
    if attackers == 1 {
        let name = "harm: one whom a victim and their friends react to reacts back to them";
        report.add(name, LOST, LIMIT, lost);
    } else {
        let name = format!("exception, a circle is closed: {attackers} such attackers");
        report.tell(name, LOST, LIMIT, lost);
    }
}

/// One of the audience of each victim starts to react to ten thousand others.
fn turned_away(ground: &Ground<'_>, victims: &[u32], report: &mut Report) {
    let honest = &ground.honest;
    let registered = |person: &u32| honest.registered[*person as usize];
    let mut turning: Vec<u32> =
        victims.iter().filter_map(|it| honest.audience(*it).into_iter().find(registered)).collect();
    turning.sort_unstable();
    turning.dedup();
    let mut scene = honest.scene();
    let mut theirs = Vec::new();
    for person in &turning {
        theirs.extend(honest.reacted_to(*person));
        for presence in (0..number(honest.owners.len())).take(NEW_TARGETS) {
            scene.react(presence, *person, Kind::Like, 0, 1);
        }
    }
    theirs.sort_unstable();
    theirs.dedup();
    let after = scene.score(ground.model);
    let losses = theirs.iter().map(|it| ground.scores.points(*it) - after.points(*it));
    report.tell(
        "exception, divided attention: one of the audience turns to 10,000 others",
        "points lost by whom they reacted to",
        LIMIT,
        losses.collect(),
    );
}

/// What each honest person lost, in points; below 0 for those who gained.
fn lost(ground: &Ground<'_>, before: &Scores, after: &Scores) -> Vec<f64> {
    let people = 0..number(ground.honest.registered.len());
    people.map(|person| before.points(person) - after.points(person)).collect()
}

fn pairs<'a, Other: Copy>(
    ones: &'a [Newcomer],
    others: &'a [Other],
) -> impl Iterator<Item = (Newcomer, Other)> + 'a {
    ones.iter().flat_map(|one| others.iter().map(|other| (*one, *other)))
}
