//! Those who cheat: who buys, who is fake. What they do is in `attack/deeds.rs`.

mod deeds;

pub(crate) use self::deeds::live;

use std::ops::Range;

use crate::{
    Account, Attack, Attacks, Nature, Truth, World,
    draw::{Draw, Purpose, hash, index},
    name::{Name, Place},
};

/// The attacks that sell fakes to members, in the order in which buyers are found for them.
const SOLD: [Attack; 5] =
    [Attack::Star, Attack::Ring, Attack::Camouflage, Attack::SlowDrip, Attack::Burst];
/// How many strangers' bots there are for each noise bot.
const NOISE_STRANGERS: u32 = 8;
/// How many are famous on a network.
const FAMOUS: usize = 10;
/// Buyers and members of pods post at least so often a day, and at most.
const POSTS: Range<f64> = 0.02..1.0;

/// An attack with its people.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) attack: Attack,
    pub(crate) buyers: Vec<u32>,
    pub(crate) fakes: Range<u32>,
    /// Fakes of each buyer.
    each: u32,
}

/// Everything about attacks that a world keeps.
#[derive(Debug, Default)]
pub(crate) struct Plans {
    pub(crate) plans: Vec<Plan>,
    /// How often a fake reacts to its buyer.
    repeats: u32,
    /// By [`Place`], the most influential first.
    famous: [Vec<u32>; 3],
}

// === impl Plan ===

impl Plan {
    /// A fake of the buyer in this place of the list.
    fn fake(&self, buyer: usize, fake: u32) -> u32 {
        self.fakes.start + index(buyer) * self.each + fake
    }
}

// === impl Plans ===

impl Plans {
    /// Finds the buyers, makes the fakes and adds both to the world.
    pub(crate) fn new(world: &mut World, attacks: Attacks) -> Self {
        // First, because their number does not hang on the sizes of other attacks.
        let mut plans = vec![noise(world, attacks.buyers)];
        let pod = pod(world, attacks.pod);
        mark(world, Attack::Pod, &pod);
        let candidates = small_members(world);
        for (place, attack) in SOLD.into_iter().enumerate() {
            // In turns, so that more buyers leave each attack those that it had.
            let buyers = candidates.iter().skip(place).step_by(SOLD.len()).copied();
            let buyers: Vec<u32> = buyers.take(attacks.buyers as usize).collect();
            mark(world, attack, &buyers);
            let each = if attack == Attack::Burst { attacks.burst } else { attacks.fakes };
            let places: Vec<Place> = buyers.iter().map(|buyer| world.place(*buyer)).collect();
            let fakes = add_fakes(world, attack, &places, each);
            plans.push(Plan { attack, buyers, fakes, each });
        }
        plans.push(Plan { attack: Attack::Pod, buyers: pod, fakes: 0..0, each: 0 });
        plans.sort_unstable_by_key(|plan| plan.attack);
        Self {
            plans,
            repeats: attacks.repeats,
            famous: Place::ALL.map(|place| famous(world, place)),
        }
    }
}

/// Bots that joined, and the strangers' bots that react to them.
fn noise(world: &mut World, bots: u32) -> Plan {
    let attack = Attack::NoiseBot;
    let places = vec![Place::Bluesky; bots as usize];
    let buyers: Vec<u32> = add_fakes(world, attack, &places, 1).collect();
    for bot in &buyers {
        let number = world.number_of_fake(*bot);
        world.people.accounts[*bot as usize].truth.member = Some(number);
        world.people.members.push((number, vec![*bot]));
    }
    mark(world, attack, &buyers);
    let fakes = add_fakes(world, attack, &places, NOISE_STRANGERS);
    Plan { attack, buyers, fakes, each: NOISE_STRANGERS }
}

/// Makes so many fakes for each of these places, and returns their accounts.
fn add_fakes(world: &mut World, attack: Attack, places: &[Place], each: u32) -> Range<u32> {
    let start = index(world.people.accounts.len());
    for place in places {
        for _ in 0..each {
            let number = world.number_of_fake(index(world.people.accounts.len()));
            let name = Name::new(world.seed, number);
            let (native_id, handle) = place.account(world.seed, number, &name);
            let nature = Nature::Fake { attack };
            let truth = Truth { person: number, member: None, nature, bought: None };
            let network = world.networks[*place as usize].clone();
            world.people.accounts.push(Account { network, native_id, handle, truth });
            world.fake_places.push(*place);
        }
    }
    start..index(world.people.accounts.len())
}

fn mark(world: &mut World, attack: Attack, accounts: &[u32]) {
    for account in accounts {
        world.people.accounts[*account as usize].truth.bought = Some(attack);
    }
}

/// Accounts of members that would buy: below the median of influence among those that post, on a
/// network where fakes are sold; one account a person, in an order by lot.
fn small_members(world: &World) -> Vec<u32> {
    let mut posting: Vec<u32> = world.members_who_post().collect();
    posting.retain(|account| world.place(*account) != Place::Github);
    let influence = |account: &u32| world.traits(*account).influence;
    posting.sort_unstable_by(|left, right| influence(left).total_cmp(&influence(right)));
    posting.truncate(posting.len() / 2);
    by_lot(world, posting)
}

/// Members who found together on Bluesky, by lot.
fn pod(world: &World, size: u32) -> Vec<u32> {
    let posting = world.members_who_post().filter(|it| world.place(*it) == Place::Bluesky);
    let mut pod = by_lot(world, posting.collect());
    pod.truncate(size as usize);
    pod.sort_unstable();
    pod
}

/// Those who have bought nothing yet, one account a person, in an order by lot.
fn by_lot(world: &World, mut accounts: Vec<u32>) -> Vec<u32> {
    let truth = |account: u32| &world.account(account).truth;
    accounts.retain(|account| truth(*account).bought.is_none());
    accounts
        .sort_by_cached_key(|account| hash(world.seed, Purpose::Buyers, &[u64::from(*account)]));
    let mut seen = std::collections::HashSet::new();
    accounts.retain(|account| seen.insert(truth(*account).member));
    accounts
}

fn famous(world: &World, place: Place) -> Vec<u32> {
    let mut accounts: Vec<u32> =
        (0..world.honest()).filter(|account| world.place(*account) == place).collect();
    let influence = |account: &u32| world.traits(*account).influence;
    accounts.sort_by(|left, right| influence(right).total_cmp(&influence(left)));
    accounts.truncate(FAMOUS);
    accounts
}

impl World {
    fn members_who_post(&self) -> impl Iterator<Item = u32> {
        (0..self.honest()).filter(|account| {
            self.account(*account).truth.member.is_some()
                && POSTS.contains(&self.traits(*account).posting)
        })
    }

    /// A number that no person and no other fake has.
    fn number_of_fake(&self, account: u32) -> u32 {
        self.population + (account - self.honest())
    }

    /// The stream of one deed of an attack.
    fn deed(&self, purpose: Purpose, name: &[u32]) -> Draw {
        let mut words = [0; 6];
        for (word, part) in words.iter_mut().zip(name) {
            *word = u64::from(*part);
        }
        Draw::new(self.seed, purpose, &words)
    }
}
