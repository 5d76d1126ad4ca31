//! Who follows whom, and since when.

use crate::{
    draw::{Draw, Purpose, below, index},
    name::Place,
    people::{People, Urns, follows},
    recipe::DAYS,
};

/// The share of ties that are younger than the world.
const NEW: f64 = 0.35;
/// The chance that somebody follows back.
const BACK: f64 = 0.15;
/// Before the first day.
const EVER: u8 = u8::MAX;

/// Ties by subject, in columns.
#[derive(Debug)]
pub(crate) struct Ties {
    /// Where the ties of each subject start, and at last where they end.
    starts: Vec<usize>,
    followers: Vec<u32>,
    /// The day on which each began, or [`EVER`].
    since: Vec<u8>,
    /// How many accounts each account follows.
    following: Vec<u32>,
    /// Where the ties of each network start, and at last where they end.
    places: [usize; 4],
}

// === impl Ties ===

impl Ties {
    pub(crate) fn new(seed: u64, people: &People, urns: &Urns) -> Self {
        let mut pairs: Vec<(u32, u32)> = Vec::new();
        for (actor, (account, traits)) in people.accounts.iter().zip(&people.traits).enumerate() {
            let actor = index(actor);
            let draw = &mut Draw::new(seed, Purpose::Tie, &[u64::from(actor)]);
            for _ in 0..follows(traits, draw) {
                let subject = urns.draw(traits.place, account.topics(), draw);
                if let Some(subject) = subject.filter(|subject| *subject != actor) {
                    pairs.push((subject, actor));
                    if draw.chance(BACK) {
                        pairs.push((actor, subject));
                    }
                }
            }
        }
        pairs.sort_unstable();
        pairs.dedup();

        let accounts = people.accounts.len();
        let mut starts = vec![0; accounts + 1];
        let mut following = vec![0; accounts];
        let mut since = Vec::with_capacity(pairs.len());
        for (subject, actor) in &pairs {
            starts[*subject as usize + 1] += 1;
            following[*actor as usize] += 1;
            let name = [u64::from(*subject), u64::from(*actor)];
            since.push(began(&mut Draw::new(seed, Purpose::Tie, &name)));
        }
        for subject in 0..accounts {
            starts[subject + 1] += starts[subject];
        }
        let places = [0, 1, 2, 3].map(|place| {
            let first = people.traits.partition_point(|it| (it.place as usize) < place);
            starts[first]
        });
        let followers = pairs.into_iter().map(|(_, actor)| actor).collect();
        Self { starts, followers, since, following, places }
    }

    /// Somebody who reads `subject`: a follower, or nobody when there is none.
    pub(crate) fn follower(&self, subject: u32, draw: &mut Draw) -> Option<u32> {
        let followers = &self.followers[self.range(subject)];
        (!followers.is_empty()).then(|| *draw.pick(followers))
    }

    /// Anybody on the network, the more likely the more accounts they follow; `None` when nobody there
    /// follows anybody.
    pub(crate) fn stranger(&self, place: Place, draw: &mut Draw) -> Option<u32> {
        let (start, end) = (self.places[place as usize], self.places[place as usize + 1]);
        let ties = index(end - start);
        (ties > 0).then(|| self.followers[start + below(draw.word(), ties) as usize])
    }

    /// Ties that begin on `day`, as (subject, actor).
    pub(crate) fn begun(&self, day: u16) -> impl Iterator<Item = (u32, u32)> {
        let mut subject = 0;
        self.since.iter().enumerate().filter(move |(_, since)| u16::from(**since) == day).map(
            move |(tie, _)| {
                while self.starts[subject + 1] <= tie {
                    subject += 1;
                }
                (index(subject), self.followers[tie])
            },
        )
    }

    /// How many follow `subject` at the end of `day`.
    pub(crate) fn followers_on(&self, subject: u32, day: u16) -> u32 {
        let since = &self.since[self.range(subject)];
        index(since.iter().filter(|it| **it == EVER || u16::from(**it) <= day).count())
    }

    /// How many accounts `actor` follows at the end of the last day.
    pub(crate) fn following(&self, actor: u32) -> u32 {
        self.following[actor as usize]
    }

    fn range(&self, subject: u32) -> std::ops::Range<usize> {
        self.starts[subject as usize]..self.starts[subject as usize + 1]
    }
}

/// The day on which a tie began.
fn began(draw: &mut Draw) -> u8 {
    if draw.chance(NEW) {
        u8::try_from(draw.below(u32::from(DAYS))).expect("fewer days than a byte holds")
    } else {
        EVER
    }
}
