//! Who lives in the world, drawn person by person.

use klout_model::Network;

use crate::{
    Account, Nature, Recipe, Topic, Truth,
    draw::{Draw, Purpose, float, index},
    name::{Name, Place},
    recipe::DAYS,
    rhythm::Zone,
};

/// Reactions to posts over all days, divided by the people.
const REACTIONS_MEAN: f64 = 60.0;
/// Influence is log-normal with this standard deviation of its logarithm, times a power law: P(> x)
/// falls as x^−[`INFLUENCE_TAIL`]; at most so much, where 1 is the log-normal's median.
const INFLUENCE_SIGMA: f64 = 1.5;
const INFLUENCE_TAIL: f64 = 1.2;
const INFLUENCE_MAX: f64 = 20_000.0;
/// Without it, the largest account of a small world is most of that world, for some seeds.
const SHARE_MAX: f64 = 0.04;
/// Posts a day of the person in the middle, and the standard deviation of its logarithm.
const POSTING_MEDIAN: f64 = 0.02;
const POSTING_SIGMA: f64 = 1.6;
/// At most so many posts a day.
const POSTING_MAX: f64 = 30.0;
/// Accounts that an account follows, as influence: a log-normal times a power law, and at most so many.
const FOLLOWS_MEDIAN: f64 = 3.2;
const FOLLOWS_SIGMA: f64 = 1.3;
const FOLLOWS_TAIL: f64 = 1.8;
const FOLLOWS_MAX: f64 = 5_000.0;
/// How much the accounts of one person differ: standard deviation of the logarithm.
const ACCOUNT_SIGMA: f64 = 0.5;
/// Chance of an account, by [`Place`]. Who has none of them is on Bluesky.
const PLACES: [f64; 3] = [0.62, 0.42, 0.30];

/// What drives an account of a person.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traits {
    pub(crate) place: Place,
    pub(crate) zone: Zone,
    /// Expected reactions to a post.
    pub(crate) influence: f64,
    /// Expected posts a day.
    pub(crate) posting: f64,
    /// The chance of a day without a post.
    pub(crate) quiet: f64,
    /// Accounts that it would follow; it also reacts in proportion to it.
    pub(crate) follows: f64,
}

/// All accounts of people, by network; the fakes come behind them.
#[derive(Debug)]
pub(crate) struct People {
    pub(crate) accounts: Vec<Account>,
    pub(crate) traits: Vec<Traits>,
    /// Accounts of each person who joined, by the person's number.
    pub(crate) members: Vec<(u32, Vec<u32>)>,
}

// === impl People ===

impl People {
    pub(crate) fn new(recipe: &Recipe, networks: &[Network; 3]) -> Self {
        let mut drafts: [Vec<(u32, Account, Traits)>; 3] = Default::default();
        for person in 0..recipe.people {
            draw_person(recipe, networks, person, &mut drafts);
        }
        let mut people = Self { accounts: Vec::new(), traits: Vec::new(), members: Vec::new() };
        let mut owned: Vec<(u32, u32)> = Vec::new();
        for (person, account, traits) in drafts.into_iter().flatten() {
            if account.truth.member.is_some() {
                owned.push((person, index(people.accounts.len())));
            }
            people.accounts.push(account);
            people.traits.push(traits);
        }
        owned.sort_unstable();
        people.members = owned
            .chunk_by(|left, right| left.0 == right.0)
            .map(|chunk| (chunk[0].0, chunk.iter().map(|(_, account)| *account).collect()))
            .collect();
        people.scale(recipe.people);
        people
    }

    /// Makes influence an expectation: so many reactions a post that all posts of all days draw
    /// [`REACTIONS_MEAN`] a person, after no account was left with more than [`SHARE_MAX`] of them all.
    fn scale(&mut self, people: u32) {
        let mass =
            |traits: &[Traits]| traits.iter().map(|it| it.posting * it.influence).sum::<f64>();
        let most = SHARE_MAX * mass(&self.traits);
        for traits in &mut self.traits {
            traits.influence = traits.influence.min(most / traits.posting);
        }
        let days = f64::from(DAYS);
        let scale = REACTIONS_MEAN * f64::from(people) / (mass(&self.traits) * days);
        for (account, traits) in self.accounts.iter_mut().zip(&mut self.traits) {
            traits.influence *= scale;
            if let Nature::Person { influence, .. } = &mut account.truth.nature {
                *influence = traits.influence;
            }
        }
    }
}

fn draw_person(
    recipe: &Recipe,
    networks: &[Network; 3],
    person: u32,
    drafts: &mut [Vec<(u32, Account, Traits)>; 3],
) {
    let seed = recipe.seed;
    let draw = &mut Draw::new(seed, Purpose::Person, &[u64::from(person)]);
    let joined = draw.chance(recipe.joined);
    let influence =
        (draw.log_normal(1.0, INFLUENCE_SIGMA) * draw.pareto(INFLUENCE_TAIL)).min(INFLUENCE_MAX);
    let posting = draw.log_normal(POSTING_MEDIAN, POSTING_SIGMA);
    let follows = draw.log_normal(FOLLOWS_MEDIAN, FOLLOWS_SIGMA) * draw.pareto(FOLLOWS_TAIL);
    let zone = Zone::draw(draw);
    let topics = draw_topics(draw);
    let mut places = PLACES.map(|chance| draw.chance(chance));
    places[0] |= !places.contains(&true);

    let name = Name::new(seed, person);
    for place in Place::ALL.into_iter().filter(|place| places[*place as usize]) {
        let draw = &mut Draw::new(seed, Purpose::Account, &[u64::from(person), place as u64]);
        let (native_id, handle) = place.account(seed, person, &name);
        let posting = (posting * draw.noise(ACCOUNT_SIGMA)).min(POSTING_MAX);
        let traits = Traits {
            place,
            zone,
            influence: influence * draw.noise(ACCOUNT_SIGMA),
            posting,
            quiet: libm::exp(-posting),
            follows: (follows * draw.noise(ACCOUNT_SIGMA)).min(FOLLOWS_MAX),
        };
        let truth = Truth {
            person,
            member: joined.then_some(person),
            nature: Nature::Person { influence: traits.influence, topics: topics.clone() },
            bought: None,
        };
        let network = networks[place as usize].clone();
        drafts[place as usize].push((
            person,
            Account { network, native_id, handle, truth },
            traits,
        ));
    }
}

/// One topic, two or three with chances of 0.4, 0.35 and 0.25; never one twice.
fn draw_topics(draw: &mut Draw) -> Vec<Topic> {
    let wanted = 1 + draw.weighted(&[0.4, 0.35, 0.25]);
    let mut topics = Vec::with_capacity(wanted);
    while topics.len() < wanted {
        let topic = Topic::draw(draw);
        if !topics.contains(&topic) {
            topics.push(topic);
        }
    }
    topics
}

/// A weighted choice among accounts.
#[derive(Debug, Default)]
pub(crate) struct Urn {
    accounts: Vec<u32>,
    /// The sum of the weights up to and with each.
    sums: Vec<f64>,
}

impl Urn {
    pub(crate) fn put(&mut self, account: u32, weight: f64) {
        self.sums.push(self.sums.last().unwrap_or(&0.0) + weight);
        self.accounts.push(account);
    }

    /// `None` when it is empty.
    pub(crate) fn draw(&self, draw: &mut Draw) -> Option<u32> {
        let sought = draw.unit() * self.sums.last()?;
        let place = self.sums.partition_point(|sum| *sum <= sought);
        Some(self.accounts[place.min(self.accounts.len() - 1)])
    }
}

/// Urns of the accounts about each topic of each network, weighted by influence.
#[derive(Debug)]
pub(crate) struct Urns(Vec<Urn>);

impl Urns {
    pub(crate) fn new(people: &People) -> Self {
        let mut urns = Vec::new();
        urns.resize_with(Place::ALL.len() * usize::from(Topic::COUNT), Urn::default);
        for (number, (account, traits)) in people.accounts.iter().zip(&people.traits).enumerate() {
            for topic in account.topics() {
                urns[Self::place(traits.place, *topic)].put(index(number), traits.influence);
            }
        }
        Self(urns)
    }

    /// An account that somebody with these topics, at least one, comes across: about one of them in
    /// four of five cases, about anything else.
    pub(crate) fn draw(&self, place: Place, topics: &[Topic], draw: &mut Draw) -> Option<u32> {
        let topic = if draw.chance(0.8) { *draw.pick(topics) } else { Topic::draw(draw) };
        self.0[Self::place(place, topic)].draw(draw)
    }

    fn place(place: Place, topic: Topic) -> usize {
        place as usize * usize::from(Topic::COUNT) + topic.place()
    }
}

/// How many accounts an account really tries to follow: the whole part, and one more with the chance
/// of the rest.
pub(crate) fn follows(traits: &Traits, draw: &mut Draw) -> u32 {
    let whole = crate::draw::whole(traits.follows);
    whole + u32::from(draw.chance(traits.follows - float(u64::from(whole))))
}
