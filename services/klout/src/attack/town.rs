//! The honest world in columns, and what is planted into it.

use std::collections::HashMap;

use klout_model::{CounterName, CounterValue, Day, Kind, WINDOW_DAYS};
use klout_score_engine::{Evidence, Pass, pass};
use klout_score_math::{Counters, Model, PersonScore};
use klout_world::{Account, Attack, Attacks, Content, DAYS, Recipe, World};
use time::macros::date;

use crate::exit::Failure;

/// The last day of the world.
const LAST_DAY: time::Date = date!(2026 - 10 - 31);

/// A world as it is on its last day. Each account is a presence, because nobody has two on one network.
#[derive(Debug)]
pub(super) struct Town {
    /// Of each person, whether they joined.
    pub(super) registered: Vec<bool>,
    /// The person of each presence.
    pub(super) owners: Vec<u32>,
    vouched: Vec<bool>,
    pub(super) rows: Vec<Row>,
    /// The presence and the age of each post.
    pub(super) posts: Vec<(u32, u8)>,
    /// The newest number of followers of each presence that tells it.
    pub(super) followers: HashMap<u32, f64>,
    /// The presence of each account, by network and native id.
    presences: HashMap<(String, String), u32>,
    /// Who gains by each attack.
    gaining: Vec<(Attack, Vec<u32>)>,
}

/// What was done to a presence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) presence: u32,
    /// A person.
    pub(super) actor: Option<u32>,
    pub(super) kind: Kind,
    /// In whole UTC days.
    pub(super) age: u8,
    pub(super) count: u64,
}

/// A town to which something is added before it is scored.
#[derive(Debug)]
pub(super) struct Scene(pub(super) Evidence);

/// Somebody who was planted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Newcomer {
    pub(super) person: u32,
    pub(super) presence: u32,
}

/// Everybody's scores.
#[derive(Debug)]
pub(super) struct Scores {
    /// By person; nothing for those of whom there is no evidence.
    pub(super) scores: Vec<Option<PersonScore>>,
    /// Whom strangers came to in a burst.
    pub(super) bursts: Vec<u32>,
}

// === impl Town ===

impl Town {
    /// # Errors
    ///
    /// When there is no room for so many attacks among so few people.
    pub(super) fn new(
        model: &Model,
        seed: u64,
        people: u32,
        attacks: Attacks,
    ) -> Result<Self, Failure> {
        let recipe = Recipe { attacks, ..Recipe::new(seed, people, Day::from_date(LAST_DAY)) };
        let world = World::new(&recipe).map_err(|error| Failure::failed(&error))?;
        let mut town = Self {
            registered: Vec::new(),
            owners: Vec::new(),
            vouched: Vec::new(),
            rows: Vec::new(),
            posts: Vec::new(),
            followers: HashMap::new(),
            presences: HashMap::new(),
            gaining: Vec::new(),
        };
        for member in world.members() {
            let person = town.person(true);
            for account in member.accounts() {
                town.account(model, account, person);
            }
        }
        for account in world.accounts().filter(|it| it.truth.member.is_none()) {
            let person = town.person(false);
            town.account(model, account, person);
        }
        town.gaining = world
            .schemes()
            .map(|it| (it.attack(), it.beneficiaries().map(|it| town.presence(it)).collect()))
            .collect();
        let window = u16::from(WINDOW_DAYS);
        for (day, age) in (DAYS - window..DAYS).zip((0..WINDOW_DAYS).rev()) {
            for event in world.day(day) {
                town.happen(&event.content, age);
            }
        }
        Ok(town)
    }

    fn person(&mut self, registered: bool) -> u32 {
        self.registered.push(registered);
        number(self.registered.len() - 1)
    }

    fn account(&mut self, model: &Model, account: &Account, person: u32) {
        self.presences.insert(key(account), number(self.owners.len()));
        self.owners.push(person);
        self.vouched.push(model.vouches(&account.network));
    }

    fn happen(&mut self, content: &Content<'_>, age: u8) {
        match content {
            Content::Interaction { actor, subject, kind, count, post: _, label: _ } => {
                let actor = actor.map(|actor| self.owners[self.presence(actor) as usize]);
                let presence = self.presence(subject);
                let count = u64::from(count.get());
                self.rows.push(Row { presence, actor, kind: *kind, age, count });
            }
            Content::Post { account, .. } => self.posts.push((self.presence(account), age)),
            Content::Counter { account, name: CounterName::FollowerCount, value } => {
                self.followers.insert(self.presence(account), value.get());
            }
            // What somebody does, which weighs nothing.
            Content::Counter { .. } => {}
        }
    }

    /// Of an account of the same seed, in a world with or without attacks.
    pub(super) fn presence(&self, account: &Account) -> u32 {
        self.presences[&key(account)]
    }

    /// Who gains by an attack: presences.
    pub(super) fn gaining(&self, attack: Attack) -> &[u32] {
        let found = self.gaining.iter().find(|it| it.0 == attack);
        found.map_or(&[], |it| &it.1)
    }

    /// The same accounts in another world of the same seed.
    pub(super) fn here(&self, other: &Self, presences: &[u32]) -> Vec<u32> {
        let names: HashMap<u32, _> =
            other.presences.iter().map(|(name, presence)| (*presence, name)).collect();
        presences.iter().map(|presence| self.presences[names[presence]]).collect()
    }

    /// Everything, to plant something into.
    pub(super) fn scene(&self) -> Scene {
        self.scene_of(self.rows.iter().copied())
    }

    /// Everybody, with these rows instead of what was done to them.
    pub(super) fn scene_of(&self, rows: impl Iterator<Item = Row>) -> Scene {
        let (registered, owners) = (self.registered.clone(), self.owners.clone());
        let mut scene = Scene(Evidence::new(registered, owners, self.vouched.clone()));
        scene.0.posts.clone_from(&self.posts);
        for row in rows {
            scene.0.react(row.presence, row.actor, row.kind, row.age, row.count);
        }
        let mut followers: Vec<_> = self.followers.iter().map(|it| (*it.0, *it.1)).collect();
        followers.sort_unstable_by_key(|it| it.0);
        for (presence, value) in followers {
            scene.followers(presence, value);
        }
        scene
    }

    pub(super) fn owner(&self, presence: u32) -> u32 {
        self.owners[presence as usize]
    }

    /// The people who react to a person.
    pub(super) fn audience(&self, person: u32) -> Vec<u32> {
        let rows = self.rows.iter().filter(|row| self.owner(row.presence) == person);
        sorted(rows.filter_map(|row| row.actor).filter(|actor| *actor != person).collect())
    }

    /// The people to whom a person reacts.
    pub(super) fn reacted_to(&self, person: u32) -> Vec<u32> {
        let rows = self.rows.iter().filter(|row| row.actor == Some(person));
        let subjects = rows.map(|row| self.owner(row.presence));
        sorted(subjects.filter(|subject| *subject != person).collect())
    }

    /// The first presence of a person.
    pub(super) fn first_presence(&self, person: u32) -> u32 {
        number(self.owners.partition_point(|owner| *owner < person))
    }
}

// === impl Scene ===

impl Scene {
    /// One more person, with one account.
    pub(super) fn newcomer(&mut self, registered: bool) -> Newcomer {
        let person = number(self.0.registered.len());
        let presence = number(self.0.owners.len());
        self.0.registered.push(registered);
        self.0.owners.push(person);
        self.0.vouched.push(false);
        Newcomer { person, presence }
    }

    /// So many fakes.
    pub(super) fn fakes(&mut self, count: u32) -> Vec<Newcomer> {
        (0..count).map(|_| self.newcomer(false)).collect()
    }

    pub(super) fn react(&mut self, presence: u32, actor: u32, kind: Kind, age: u8, count: u64) {
        self.0.react(presence, Some(actor), kind, age, count);
    }

    pub(super) fn post(&mut self, presence: u32, age: u8) {
        self.0.posts.push((presence, age));
    }

    /// Tells a number of followers, of a presence that tells none yet.
    pub(super) fn followers(&mut self, presence: u32, value: f64) {
        let mut counters = Counters::default();
        let value = CounterValue::new(value).expect("a number of followers is finite and above 0");
        counters.set(CounterName::FollowerCount, value);
        self.0.counters.push((self.0.owners[presence as usize], counters));
    }

    pub(super) fn score(self, model: &Model) -> Scores {
        let Pass { epoch: _, scores, bursts } = pass(model, self.0);
        Scores { scores, bursts: bursts.iter().map(|burst| burst.person).collect() }
    }
}

// === impl Scores ===

impl Scores {
    /// The score of a person, which is 1 without evidence.
    pub(super) fn points(&self, person: u32) -> f64 {
        self.scores[person as usize].map_or(1.0, |it| it.score.points())
    }
}

fn key(account: &Account) -> (String, String) {
    (account.network.as_str().to_owned(), account.native_id.as_str().to_owned())
}

pub(super) fn number(place: usize) -> u32 {
    u32::try_from(place).expect("a town is smaller than four thousand million")
}

pub(super) fn sorted(mut people: Vec<u32>) -> Vec<u32> {
    people.sort_unstable();
    people.dedup();
    people
}
