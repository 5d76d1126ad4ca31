//! A month of silence, and back.

use klout_model::{Kind, WINDOW_DAYS};
use klout_score_engine::Evidence;
use klout_score_math::Model;

use super::{
    Ground,
    report::{Limit, Report, median},
    town::{Row, Scene, number},
};
use crate::quantile::part;

/// The score of those who go, more or less.
const ABOUT: f64 = 67.0;
const LESS_OR_MORE: f64 = 2.0;
/// Days without a post and a reaction.
const SILENT: u8 = 30;
/// The last day that is looked at.
pub(super) const LAST: u8 = 120;

/// The scores on one day; day 0 is the last before the silence.
#[derive(Clone, Copy, Debug)]
pub(super) struct OnDay {
    pub(super) day: u8,
    /// Of people of the world, if anybody goes: first quartile, median, third quartile.
    pub(super) quartiles: Option<[f64; 3]>,
    /// Of somebody whose audience reacts once each, evenly over the window.
    pub(super) pure: f64,
}

/// Whoever is at about 67 falls silent, and their audience with them; after a month everything that
/// came in the window before comes again in its order. The rest of the world stays as it is.
pub(super) fn month(ground: &Ground<'_>, every_day: bool, report: &mut Report) {
    let honest = &ground.honest;
    let people = || 0..number(honest.registered.len());
    let goes = |person: u32| (ground.scores.points(person) - ABOUT).abs() <= LESS_OR_MORE;
    let gone: Vec<bool> = people().map(goes).collect();
    report.gone = gone.iter().filter(|gone| **gone).count();
    ground.say(&format!("a month of silence of {} people", report.gone));
    let is_gone = |presence: u32| gone[honest.owner(presence) as usize];
    let a_day = pure_audience(ground.model);

    let days = (0..=LAST).filter(|day| every_day || day.is_multiple_of(SILENT));
    let on_day = |day: u8| {
        let later = |age: u8| ages(age, day);
        let rows = honest.rows.iter().flat_map(|row| {
            let ages = if is_gone(row.presence) { later(row.age) } else { [Some(row.age), None] };
            ages.into_iter().flatten().map(|age| Row { age, ..*row })
        });
        let mut scene = honest.scene_of(rows);
        let posts = honest.posts.iter().flat_map(|(presence, age)| {
            let ages = if is_gone(*presence) { later(*age) } else { [Some(*age), None] };
            ages.into_iter().flatten().map(|age| (*presence, age))
        });
        scene.0.posts = posts.collect();
        let scores = scene.score(ground.model);
        let mut points: Vec<f64> =
            people().filter(|it| gone[*it as usize]).map(|it| scores.points(it)).collect();
        points.sort_by(f64::total_cmp);
        let quartiles = match (part(&points, 25), part(&points, 75)) {
            (Some(first), Some(third)) => Some([first, median(points), third]),
            _ => None,
        };
        OnDay { day, quartiles, pure: pure(ground.model, a_day, day) }
    };
    report.days = days.map(on_day).collect();
    let back = report.days.iter().filter(|it| it.day == SILENT).map(|it| it.pure).collect();
    let name = format!("a month offline, reacted to once each, from a {ABOUT}");
    report.add(name, "score on day 30", Limit::Between(55.0, 60.0), back);
}

// === impl OnDay ===

impl OnDay {
    pub(super) const fn is_told(&self) -> bool {
        self.day.is_multiple_of(SILENT)
    }
}

/// How old something is so many days later, and what comes in its place after the silence.
fn ages(age: u8, day: u8) -> [Option<u8>; 2] {
    let first = age + day;
    // The oldest comes first, on the first day after the silence.
    let again = (day + age).checked_sub(SILENT + WINDOW_DAYS);
    [(first < WINDOW_DAYS).then_some(first), again]
}

/// Somebody to whom so many react on each day of the window, each of them once in their life.
fn pure(model: &Model, a_day: u32, day: u8) -> f64 {
    let mut scene = Scene(Evidence::default());
    let subject = scene.newcomer(true);
    for age in 0..WINDOW_DAYS {
        for age in ages(age, day).into_iter().flatten() {
            for _ in 0..a_day {
                let one = scene.newcomer(true);
                scene.react(subject.presence, one.person, Kind::Like, age, 1);
            }
        }
    }
    scene.score(model).points(subject.person)
}

/// How many a day make a score of about 67.
fn pure_audience(model: &Model) -> u32 {
    (1..200).find(|a_day| pure(model, *a_day, 0) >= ABOUT).unwrap_or(200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_before_comes_again_after_the_silence_in_its_order() {
        assert_eq!(ages(0, 0), [Some(0), None]);
        assert_eq!(ages(89, 1), [None, None]);
        // The oldest comes on the first day after the silence, and is a day old on the next.
        assert_eq!(ages(89, SILENT), [None, None]);
        assert_eq!(ages(89, SILENT + 1), [None, Some(0)]);
        assert_eq!(ages(88, SILENT + 1), [None, None]);
        assert_eq!(ages(88, SILENT + 2), [None, Some(0)]);
        assert_eq!(ages(0, SILENT + 90), [None, Some(0)]);
    }
}
