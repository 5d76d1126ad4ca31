//! What those who cheat do on one day.

use klout_model::Kind;

use super::{Plan, Plans};
use crate::{
    Attack, DAYS, World,
    day::{Diary, interaction, posts},
    draw::{Draw, Purpose},
    event::{PostKey, What},
    rhythm::DAY_MILLISECONDS,
};

/// What is sold within a month happens on these last days of the world.
const MONTH: u16 = 30;
/// A slow drip takes these last days.
const DRIP: u16 = 100;
/// The day of the burst.
const BURST_DAY: u16 = DAYS - 6;
const HOUR: u32 = 3_600_000;
/// How many of one another each fake of a ring reacts to, as often as to its buyer.
const NEIGHBOURS: u32 = 3;
/// How often a fake in camouflage reacts to the famous, for each reaction to its buyer.
const CAMOUFLAGE: u32 = 4;
/// A noise bot posts every half an hour; a post a minute would only make the world larger.
const NOISE_POSTS: u16 = 48;
/// What the strangers' bots of a noise bot do in a day.
const NOISE_REACTIONS: u32 = 20;
/// Of posts that attacks are about; no honest post of a day has so high a number.
const ORDINAL: u16 = 512;
/// What fakes do, in turns.
const KINDS: [Kind; 3] = [Kind::Like, Kind::Reshare, Kind::Reply];

/// Writes down everything that is done for attacks on the diary's day.
pub(crate) fn live(world: &World, diary: &mut Diary) {
    let plans = &world.plans;
    for plan in &plans.plans {
        match plan.attack {
            Attack::Pod => pod(plan, world, diary),
            Attack::Burst => burst(plan, world, diary),
            Attack::NoiseBot => noise(plan, world, diary),
            Attack::Star | Attack::Ring | Attack::Camouflage => month(plans, plan, world, diary),
            Attack::SlowDrip => drip(plans, plan, world, diary),
        }
    }
}

/// A star, a ring or camouflage: each deed of each fake falls on some day of the month.
fn month(plans: &Plans, plan: &Plan, world: &World, diary: &mut Diary) {
    if diary.day() < DAYS - MONTH {
        return;
    }
    let ring = plan.attack != Attack::Star && plan.each > NEIGHBOURS;
    let neighbours = if ring { NEIGHBOURS } else { 0 };
    let deeds = 1 + neighbours + if plan.attack == Attack::Camouflage { CAMOUFLAGE } else { 0 };
    for (place, buyer) in plan.buyers.iter().enumerate() {
        let post = sell(plans, plan, world, diary, *buyer, MONTH);
        let famous = &plans.famous[world.place(*buyer) as usize];
        for (fake, turn) in turns(plan.each, plans.repeats) {
            let actor = plan.fake(place, fake);
            for deed in 0..deeds {
                let name = [plan.attack as u32, *buyer, fake, turn, deed];
                let draw = &mut world.deed(Purpose::Bought, &name);
                if draw.below(u32::from(MONTH)) + u32::from(DAYS - MONTH) != u32::from(diary.day())
                {
                    continue;
                }
                let (subject, post) = match deed {
                    0 => (*buyer, post),
                    deed if deed <= neighbours => {
                        (plan.fake(place, (fake + deed) % plan.each), None)
                    }
                    _ => (*draw.pick(famous), None),
                };
                diary.note(late(draw), interaction(actor, subject, kind(turn), post));
            }
        }
    }
}

/// A slow drip: the deeds follow one another evenly, the fakes in turns.
fn drip(plans: &Plans, plan: &Plan, world: &World, diary: &mut Diary) {
    let total = u64::from(plan.each) * u64::from(plans.repeats);
    for (place, buyer) in plan.buyers.iter().enumerate() {
        let post = sell(plans, plan, world, diary, *buyer, DRIP);
        for (fake, turn) in turns(plan.each, plans.repeats) {
            let done = u64::from(turn) * u64::from(plan.each) + u64::from(fake);
            if done * u64::from(DRIP) / total + u64::from(DAYS - DRIP) == u64::from(diary.day()) {
                let name = [plan.attack as u32, *buyer, fake, turn];
                let at = late(&mut world.deed(Purpose::Bought, &name));
                diary.note(at, interaction(plan.fake(place, fake), *buyer, kind(turn), post));
            }
        }
    }
}

/// A burst: one post, and within the hour a like of every fake.
fn burst(plan: &Plan, world: &World, diary: &mut Diary) {
    if diary.day() != BURST_DAY || plan.each == 0 {
        return;
    }
    for (place, buyer) in plan.buyers.iter().enumerate() {
        let draw = &mut world.deed(Purpose::Bought, &[plan.attack as u32, *buyer]);
        let at = draw.below(DAY_MILLISECONDS - HOUR);
        let post = publish(diary, *buyer, at, ORDINAL);
        for fake in 0..plan.each {
            let at = at + draw.below(HOUR);
            diary.note(at, interaction(plan.fake(place, fake), *buyer, Kind::Like, Some(post)));
        }
    }
}

/// A pod: whatever one of them posts, each of the others likes and often reshares within the hour.
fn pod(plan: &Plan, world: &World, diary: &mut Diary) {
    for subject in &plan.buyers {
        for post in posts(world, *subject, diary.day()) {
            for actor in plan.buyers.iter().filter(|actor| *actor != subject) {
                let PostKey { day, ordinal, .. } = post.key;
                let name = [*subject, *actor, u32::from(day), u32::from(ordinal)];
                let draw = &mut world.deed(Purpose::Pod, &name);
                let at = (post.key.at + draw.below(HOUR)).min(DAY_MILLISECONDS - 1);
                diary.note(at, interaction(*actor, *subject, Kind::Like, Some(post.key)));
                if draw.chance(0.5) {
                    diary.note(at, interaction(*actor, *subject, Kind::Reshare, Some(post.key)));
                }
            }
        }
    }
}

/// A noise bot: posts around the clock, and a few reactions of strangers' bots.
fn noise(plan: &Plan, world: &World, diary: &mut Diary) {
    for (place, bot) in plan.buyers.iter().enumerate() {
        let name = [plan.attack as u32, *bot, u32::from(diary.day())];
        let draw = &mut world.deed(Purpose::Bought, &name);
        let every = DAY_MILLISECONDS / u32::from(NOISE_POSTS);
        let posts: Vec<PostKey> = (0..NOISE_POSTS)
            .map(|number| {
                let at = u32::from(number) * every + draw.below(every);
                publish(diary, *bot, at, ORDINAL + number)
            })
            .collect();
        for turn in 0..NOISE_REACTIONS {
            let post = *draw.pick(&posts);
            let at = (post.at + draw.below(HOUR)).min(DAY_MILLISECONDS - 1);
            let actor = plan.fake(place, draw.below(plan.each));
            diary.note(at, interaction(actor, *bot, kind(turn), Some(post)));
        }
    }
}

/// The post that a buyer shows to its fakes today, early in the day; `None` before the last `days` and
/// when no fake would react to it.
fn sell(
    plans: &Plans,
    plan: &Plan,
    world: &World,
    diary: &mut Diary,
    buyer: u32,
    days: u16,
) -> Option<PostKey> {
    if diary.day() < DAYS - days || plan.each == 0 || plans.repeats == 0 {
        return None;
    }
    let name = [plan.attack as u32, buyer, u32::from(diary.day()), u32::MAX];
    let at = world.deed(Purpose::Bought, &name).below(HOUR);
    Some(publish(diary, buyer, at, ORDINAL))
}

fn publish(diary: &mut Diary, account: u32, at: u32, ordinal: u16) -> PostKey {
    let post = PostKey { day: diary.day(), at, ordinal };
    diary.note(at, What::Post { account, post });
    post
}

/// Some time after the first hour.
fn late(draw: &mut Draw) -> u32 {
    HOUR + draw.below(DAY_MILLISECONDS - HOUR)
}

const fn kind(turn: u32) -> Kind {
    KINDS[turn as usize % KINDS.len()]
}

/// Every turn of every fake.
fn turns(fakes: u32, repeats: u32) -> impl Iterator<Item = (u32, u32)> {
    (0..fakes).flat_map(move |fake| (0..repeats).map(move |turn| (fake, turn)))
}
