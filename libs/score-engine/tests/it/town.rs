//! People without names, and what they do to one another, to be scored again and again.

use std::collections::BTreeSet;

use klout_model::{CounterName, CounterValue, Kind};
use klout_score_engine::{Evidence, Pass, pass};
use klout_score_math::{Counters, Model, PersonScore};
use proptest::{collection::vec, prelude::*, sample::Index};

/// Rows of which evidence is made. People and presences are numbers in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Town {
    pub(crate) registered: Vec<bool>,
    /// The person of each, and whether its network vouches for votes.
    pub(crate) presences: Vec<(u32, bool)>,
    pub(crate) reactions: Vec<Row>,
    /// Presence and age.
    pub(crate) posts: Vec<(u32, u8)>,
    /// The person and the counters of an account.
    pub(crate) counters: Vec<(u32, Counters)>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) presence: u32,
    pub(crate) actor: Option<u32>,
    pub(crate) kind: Kind,
    pub(crate) age: u8,
    pub(crate) count: u64,
}

// === impl Town ===

impl Town {
    /// Somebody with one presence, and the numbers of both.
    pub(crate) fn somebody(&mut self, registered: bool) -> (u32, u32) {
        let person = number(self.registered.len());
        self.registered.push(registered);
        (person, self.presence(person))
    }

    pub(crate) fn registered(&mut self) -> (u32, u32) {
        self.somebody(true)
    }

    pub(crate) fn stranger(&mut self) -> (u32, u32) {
        self.somebody(false)
    }

    /// One more network of somebody.
    pub(crate) fn presence(&mut self, person: u32) -> u32 {
        self.presences.push((person, false));
        number(self.presences.len() - 1)
    }

    /// Of the same, one that vouches for its votes.
    pub(crate) fn vouched_presence(&mut self, person: u32) -> u32 {
        self.presences.push((person, true));
        number(self.presences.len() - 1)
    }

    /// Today.
    pub(crate) fn like(&mut self, actor: u32, presence: u32) {
        self.react(actor, presence, Kind::Like, 0, 1);
    }

    pub(crate) fn react(&mut self, actor: u32, presence: u32, kind: Kind, age: u8, count: u64) {
        self.reactions.push(Row { presence, actor: Some(actor), kind, age, count });
    }

    pub(crate) fn unnamed(&mut self, presence: u32, kind: Kind, age: u8, count: u64) {
        self.reactions.push(Row { presence, actor: None, kind, age, count });
    }

    /// So many people, registered or not, who do nothing else than react to a presence once today.
    pub(crate) fn audience(&mut self, presence: u32, people: u32, registered: bool) {
        for _ in 0..people {
            let (actor, _) = self.somebody(registered);
            self.like(actor, presence);
        }
    }

    pub(crate) fn count(&mut self, person: u32, readings: &[(CounterName, f64)]) {
        let mut counters = Counters::default();
        for (name, value) in readings {
            counters.set(*name, CounterValue::new(*value).expect("a value"));
        }
        self.counters.push((person, counters));
    }

    /// The same after some days of silence.
    pub(crate) fn days_later(&self, days: u8) -> Self {
        let mut later = self.clone();
        later.reactions.iter_mut().for_each(|it| it.age = it.age.saturating_add(days));
        later.posts.iter_mut().for_each(|(_, age)| *age = age.saturating_add(days));
        later
    }

    pub(crate) fn owner(&self, presence: u32) -> u32 {
        self.presences[presence as usize].0
    }

    /// Whom the attention and the credibility of `actor` reach, over any number of others, and `actor`.
    pub(crate) fn reached(&self, actor: u32) -> BTreeSet<u32> {
        let mut reached = BTreeSet::from([actor]);
        loop {
            let count = reached.len();
            for row in &self.reactions {
                if row.actor.is_some_and(|it| reached.contains(&it)) {
                    reached.insert(self.owner(row.presence));
                }
            }
            if reached.len() == count {
                return reached;
            }
        }
    }

    /// To whom `giver` gave a +K, over any number of others, and `giver`.
    pub(crate) fn vouched(&self, giver: u32) -> BTreeSet<u32> {
        let rows = self.reactions.iter().filter(|it| it.kind == Kind::PlusK);
        Self { reactions: rows.copied().collect(), ..self.clone() }.reached(giver)
    }

    pub(crate) fn evidence(&self) -> Evidence {
        let mut order: Vec<u32> = (0..number(self.presences.len())).collect();
        order.sort_by_key(|presence| self.owner(*presence));
        let mut places = vec![0; order.len()];
        for (place, presence) in (0..).zip(&order) {
            places[*presence as usize] = place;
        }
        let place = |presence: u32| places[presence as usize];
        let mut evidence = Evidence::new(
            self.registered.clone(),
            order.iter().map(|it| self.owner(*it)).collect(),
            order.iter().map(|it| self.presences[*it as usize].1).collect(),
        );
        evidence.posts = self.posts.iter().map(|(it, age)| (place(*it), *age)).collect();
        evidence.counters.clone_from(&self.counters);
        for it in &self.reactions {
            evidence.react(place(it.presence), it.actor, it.kind, it.age, it.count);
        }
        evidence
    }

    pub(crate) fn pass(&self) -> Pass {
        pass(Model::current(), self.evidence())
    }

    pub(crate) fn scores(&self) -> Vec<Option<PersonScore>> {
        self.pass().scores
    }

    /// Everybody's points, as if who has no evidence had 1.
    pub(crate) fn all_points(&self) -> Vec<f64> {
        self.scores().iter().map(points_of).collect()
    }

    pub(crate) fn points(&self, person: u32) -> f64 {
        points_of(&self.scores()[person as usize])
    }

    pub(crate) fn influence(&self, person: u32) -> f64 {
        self.scores()[person as usize].expect("evidence").influence
    }
}

pub(crate) fn points_of(score: &Option<PersonScore>) -> f64 {
    score.map_or(1.0, |it| it.score.points())
}

pub(crate) fn number(place: usize) -> u32 {
    u32::try_from(place).expect("few")
}

/// The score and influence of floats that were added in another order: what is lower by less is as high.
pub(crate) const NOTHING: f64 = 1e-9;

/// A dozen or two of people, a third of them registered, who react to one another at random.
pub(crate) fn any_town() -> impl Strategy<Value = Town> {
    let people = vec((prop::bool::weighted(0.4), 1_usize..4), 2..24);
    let row = (
        any::<Index>(),
        prop::option::weighted(0.9, any::<Index>()),
        any_kind(),
        any_age(),
        any_count(),
    );
    let posts = vec((any::<Index>(), any_age()), 0..20);
    let counters = vec((any::<Index>(), prop::sample::select(&CounterName::ALL), 0.0..1e6), 0..10);
    (people, vec(row, 0..120), posts, counters).prop_map(|(people, rows, posts, counters)| {
        let mut town = Town::default();
        for (registered, presences) in people {
            let (person, _) = town.somebody(registered);
            for presence in 1..presences {
                if presence == 2 {
                    town.vouched_presence(person);
                } else {
                    town.presence(person);
                }
            }
        }
        for (presence, actor, kind, age, count) in rows {
            let presence = number(presence.index(town.presences.len()));
            let actor = actor.map(|it| number(it.index(town.registered.len())));
            town.reactions.push(Row { presence, actor, kind, age, count });
        }
        for (presence, age) in posts {
            town.posts.push((number(presence.index(town.presences.len())), age));
        }
        for (person, name, value) in counters {
            town.count(number(person.index(town.registered.len())), &[(name, value)]);
        }
        town
    })
}

pub(crate) fn any_kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(&Kind::ALL)
}

pub(crate) fn any_age() -> impl Strategy<Value = u8> {
    prop_oneof![6 => 0_u8..90, 2 => 0_u8..12, 1 => 90_u8..=255]
}

pub(crate) fn any_count() -> impl Strategy<Value = u64> {
    prop_oneof![1 => Just(0), 8 => 1_u64..4, 1 => 4_u64..100_000]
}

pub(crate) fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}
