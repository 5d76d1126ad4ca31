//! Fakes that are bought: stars, rings, camouflage, slow drips, bursts; and a noise bot with its own.

use klout_model::{Kind, WINDOW_DAYS};

use super::{
    Ground,
    report::{Limit, Line, Report, Size, largest, median, spread},
    town::{Newcomer, Scene, Scores, number},
};

/// What is done with fakes; docs/world.md, section 5, has them too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bought {
    /// Fakes react to their buyer and to nobody else, within a month.
    Star,
    /// And to three of one another.
    Ring,
    /// And to the famous, four times as often.
    Camouflage,
    /// A star's reactions, spread evenly over the window.
    SlowDrip,
    /// A ring to which the buyer reacts too.
    Answered,
    /// A ring to which its buyer and another one react.
    SharedByTwo,
    /// Rings of a group of buyers: each of them reacts to the fakes of all rings, which react to all of them.
    SharedByFive,
    SharedByTwenty,
}

/// What is sold within a month happens in these days.
const MONTH: u32 = 30;
const NEIGHBOURS: u32 = 3;
const CAMOUFLAGE: u32 = 4;
const FAMOUS: usize = 10;

/// Likes of a burst, and their age in days.
pub(super) const BURST: u32 = 10_000;
const BURST_AGE: u8 = 5;

/// What a noise bot does in a day, and how many strangers' bots there are for it.
const POSTS_A_DAY: u32 = 24 * 60;
const STRANGERS: u32 = 1_000;

pub(super) const POINTS: &str = "points gained";

// === impl Bought ===

impl Bought {
    /// The attacks that have a limit.
    pub(super) const LIMITED: [Self; 5] =
        [Self::Star, Self::Ring, Self::Camouflage, Self::SlowDrip, Self::Answered];

    /// Those that are only told.
    const SHARED: [Self; 3] = [Self::SharedByTwo, Self::SharedByFive, Self::SharedByTwenty];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Star => "star",
            Self::Ring => "ring",
            Self::Camouflage => "camouflage",
            Self::SlowDrip => "slow drip",
            Self::Answered => "ring that its buyer answers",
            Self::SharedByTwo => "ring that two buyers answer",
            Self::SharedByFive => "rings that five buyers share and answer",
            Self::SharedByTwenty => "rings that twenty buyers share and answer",
        }
    }

    /// How many buyers react to the fakes of each.
    const fn answering(self) -> usize {
        match self {
            Self::Star | Self::Ring | Self::Camouflage | Self::SlowDrip => 0,
            Self::Answered => 1,
            Self::SharedByTwo => 2,
            Self::SharedByFive => 5,
            Self::SharedByTwenty => 20,
        }
    }

    /// Whether the fakes of a group of buyers react to each of them.
    const fn is_for_all(self) -> bool {
        matches!(self, Self::SharedByFive | Self::SharedByTwenty)
    }

    /// Lets fakes react to a buyer, each so often, about one more post a day.
    fn plant(self, scene: &mut Scene, buyer: u32, famous: &[u32], fakes: u32, repeats: u32) {
        let fakes = scene.fakes(fakes);
        let days = if self == Self::SlowDrip { WINDOW_DAYS } else { day(MONTH) };
        for age in 0..days {
            scene.post(buyer, age);
        }
        for (place, fake) in (0..).zip(&fakes) {
            for (turn, count) in turns(repeats, u32::from(days)) {
                self.deeds(scene, buyer, famous, (&fakes, *fake, place), (turn, count, repeats));
            }
        }
    }

    fn deeds(
        self,
        scene: &mut Scene,
        buyer: u32,
        famous: &[u32],
        (fakes, fake, place): (&[Newcomer], Newcomer, u32),
        (turn, count, repeats): (u32, u64, u32),
    ) {
        let all = number(fakes.len());
        let kind = kind(turn);
        if self == Self::SlowDrip {
            // The fakes in turns, and the turns one after the other.
            let done = (u64::from(turn) * u64::from(all) + u64::from(place))
                * u64::from(WINDOW_DAYS)
                / (u64::from(all) * u64::from(repeats.min(u32::from(WINDOW_DAYS))));
            let age = WINDOW_DAYS - 1 - u8::try_from(done).expect("within the window");
            return scene.react(buyer, fake.person, kind, age, count);
        }
        let age = |deed: u32| day((place * 7 + turn * 13 + deed * 3) % MONTH);
        scene.react(buyer, fake.person, kind, age(0), count);
        if self == Self::Star || all <= NEIGHBOURS {
            return;
        }
        for neighbour in 1..=NEIGHBOURS {
            let other = fakes[((place + neighbour) % all) as usize];
            scene.react(other.presence, fake.person, kind, age(neighbour), count);
        }
        if self == Self::Camouflage {
            for deed in 0..CAMOUFLAGE {
                let one = famous[(place * CAMOUFLAGE + turn + deed) as usize % famous.len()];
                scene.react(one, fake.person, kind, age(NEIGHBOURS + 1 + deed), count);
            }
        }
    }
}

/// Runs every attack at every size, from both starts.
pub(super) fn sizes(ground: &Ground<'_>, report: &mut Report) {
    let famous = famous(ground);
    for bought in Bought::LIMITED {
        let mut spreads = Vec::new();
        for (start, buyers) in ground.starts() {
            let (mut most, mut middle) = (Vec::new(), Vec::new());
            for fakes in &ground.scale.fakes {
                for repeats in &ground.scale.repeats {
                    ground.say(&format!("{}: {fakes} fakes, {repeats} each", bought.as_str()));
                    let size = size(ground, bought, (start, buyers), &famous, (*fakes, *repeats));
                    most.push(size.most);
                    middle.push(size.median);
                    report.sizes.push(size);
                }
            }
            spreads.extend([spread(&middle), spread(&most)]);
            report.lines.push(over_all_sizes(bought, start, &middle, &most));
        }
        let name = format!("{}, more fakes, more reactions", bought.as_str());
        let figure = "points between two sizes, of medians and of the most";
        report.add(name, figure, Limit::Most(0.5), spreads);
    }
    for bought in Bought::SHARED {
        // A small world has fewer who buy.
        let starts = ground.starts().into_iter().filter(|it| it.1.len() >= bought.answering());
        for (start, buyers) in starts {
            ground.say(&format!("{}, {start}", bought.as_str()));
            let (mut most, mut middle) = (Vec::new(), Vec::new());
            for fakes in &ground.scale.fakes {
                let size = size(ground, bought, (start, buyers), &famous, (*fakes, 5));
                most.push(size.most);
                middle.push(size.median);
            }
            let line = over_all_sizes(bought, start, &middle, &most);
            report.lines.push(Line { told: true, ..line });
        }
    }
}

/// The largest over all sizes, of the median and of the most of each.
fn over_all_sizes(bought: Bought, start: &str, middle: &[f64], most: &[f64]) -> Line {
    Line {
        attack: format!("{}, {start}", bought.as_str()),
        figure: POINTS,
        median: largest(middle),
        worst: largest(most),
        limit: Limit::Most(5.0),
        told: false,
    }
}

/// Runs the attacks at these numbers of fakes, for the plot.
pub(super) fn curve(ground: &Ground<'_>, fakes: &[u32]) -> Vec<(&'static str, Vec<Size>)> {
    let famous = famous(ground);
    let curve = |bought: Bought| {
        let sizes = fakes.iter().map(|fakes| {
            let start = ground.starts()[0];
            size(ground, bought, start, &famous, (*fakes, 5))
        });
        (bought.as_str(), sizes.collect())
    };
    Bought::LIMITED.map(curve).into()
}

/// What as many people who joined make of it: each reacts once, today, and to nobody else.
pub(super) fn honest_curve(ground: &Ground<'_>, people: &[u32]) -> Vec<(u32, f64)> {
    let (_, subjects) = ground.starts()[0];
    let point = |people: &u32| {
        let mut scene = ground.honest.scene();
        for subject in subjects {
            for _ in 0..*people {
                let one = scene.newcomer(true);
                scene.react(*subject, one.person, Kind::Like, 0, 1);
            }
        }
        let scores = scene.score(ground.model);
        let points = subjects.iter().map(|it| scores.points(ground.honest.owner(*it)));
        (*people, median(points.collect()))
    };
    people.iter().map(point).collect()
}

fn size(
    ground: &Ground<'_>,
    bought: Bought,
    (start, buyers): (&'static str, &[u32]),
    famous: &[u32],
    (fakes, repeats): (u32, u32),
) -> Size {
    let mut scene = ground.honest.scene();
    for (place, buyer) in buyers.iter().enumerate() {
        bought.plant(&mut scene, *buyer, famous, fakes, repeats);
        let group = bought.answering();
        if let Some(groups_before) = place.checked_div(group) {
            for other in buyers.iter().skip(groups_before * group).take(group) {
                answer(&mut scene, ground.honest.owner(*other), fakes);
                if bought.is_for_all() && other != buyer {
                    react_too(&mut scene, *other, fakes, repeats);
                }
            }
        }
    }
    let scores = scene.score(ground.model);
    let mut gains = ground.gains(&scores, buyers);
    gains.sort_by(f64::total_cmp);
    let points = buyers.iter().map(|buyer| scores.points(ground.honest.owner(*buyer)));
    Size {
        attack: bought.as_str(),
        start,
        fakes,
        repeats,
        score: median(points.collect()),
        most: gains.last().copied().unwrap_or(f64::NAN),
        median: median(gains),
    }
}

/// The buyer reacts to each of the fakes that were planted last.
fn answer(scene: &mut Scene, buyer: u32, fakes: u32) {
    let end = number(scene.0.owners.len());
    for presence in end - fakes..end {
        scene.react(presence, buyer, Kind::Like, 0, 1);
    }
}

/// The fakes that were planted last react to another buyer too.
fn react_too(scene: &mut Scene, buyer: u32, fakes: u32, repeats: u32) {
    let end = number(scene.0.registered.len());
    for (place, fake) in (0..).zip(end - fakes..end) {
        for (turn, count) in turns(repeats, MONTH) {
            scene.react(buyer, fake, kind(turn), day((place * 7 + turn * 13) % MONTH), count);
        }
    }
}

/// Ten thousand likes within an hour, by name and without.
pub(super) fn burst(ground: &Ground<'_>, report: &mut Report) {
    ground.say("burst");
    for (start, buyers) in ground.starts() {
        for (attack, named) in [("burst of 10,000 likes", true), ("the same without names", false)]
        {
            let mut scene = ground.honest.scene();
            for buyer in buyers {
                scene.post(*buyer, BURST_AGE);
                if named {
                    for fake in scene.fakes(BURST) {
                        scene.react(*buyer, fake.person, Kind::Like, BURST_AGE, 1);
                    }
                } else {
                    scene.0.react(*buyer, None, Kind::Like, BURST_AGE, u64::from(BURST));
                }
            }
            let scores = scene.score(ground.model);
            let name = format!("{attack}, {start}");
            report.add(&name, POINTS, Limit::Most(3.0), ground.gains(&scores, buyers));
            let flagged = |buyer: &u32| scores.bursts.contains(&ground.honest.owner(*buyer));
            let flagged = buyers.iter().map(|it| f64::from(u8::from(flagged(it)))).collect();
            report.add(&name, "flagged, 1 is yes", Limit::AllLeast(1.0), flagged);
        }
    }
}

/// Joined, a post a minute, and strangers' bots that react every day.
pub(super) fn noise(ground: &Ground<'_>, report: &mut Report) {
    ground.say("noise bot");
    let mut scene = ground.honest.scene();
    let bot = scene.newcomer(true);
    for age in 0..WINDOW_DAYS {
        for _ in 0..POSTS_A_DAY {
            scene.post(bot.presence, age);
        }
    }
    for fake in scene.fakes(STRANGERS) {
        for age in 0..WINDOW_DAYS {
            scene.react(bot.presence, fake.person, kind(u32::from(age)), age, 1);
        }
    }
    let points = scene.score(ground.model).points(bot.person);
    let name = "noise bot, a post a minute, 1,000 strangers' bots";
    report.add(name, "score", Limit::Most(15.0), vec![points]);
}

/// The presences of those with the highest scores.
fn famous(ground: &Ground<'_>) -> Vec<u32> {
    let best = ground.ascending.iter().rev().take(FAMOUS);
    best.map(|person| ground.honest.first_presence(*person)).collect()
}

/// What repeats itself after a number of days is one turn with a count.
fn turns(repeats: u32, days: u32) -> impl Iterator<Item = (u32, u64)> {
    let turns = repeats.min(days);
    (0..turns).map(move |turn| {
        let more = u32::from(turn < repeats % turns);
        (turn, u64::from(repeats / turns + more))
    })
}

const fn kind(turn: u32) -> Kind {
    const KINDS: [Kind; 3] = [Kind::Like, Kind::Reshare, Kind::Reply];
    KINDS[turn as usize % KINDS.len()]
}

fn day(age: u32) -> u8 {
    u8::try_from(age).expect("within a month")
}

// === impl Ground ===

impl Ground<'_> {
    /// What each of them has gained, in points.
    pub(super) fn gains(&self, scores: &Scores, presences: &[u32]) -> Vec<f64> {
        let gain = |presence: &u32| {
            let person = self.honest.owner(*presence);
            scores.points(person) - self.scores.points(person)
        };
        presences.iter().map(gain).collect()
    }
}
