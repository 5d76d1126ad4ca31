//! One world, given to the engine and to the reference.

use std::collections::BTreeMap;

use klout_model::CounterValue;
use klout_reference::{Answer, Numbers, Person, Presence, World};
use klout_score_engine::{AccountName, Evidence, Numbered, Pass, Population, Signal, pass};
use klout_score_math::{Counters, Model, ModelInvalid};

/// A model, as each of them reads it.
#[derive(Debug)]
pub(crate) struct Both {
    numbers: Numbers,
    model: Model,
}

// === impl Both ===

impl Both {
    pub(crate) fn current() -> Self {
        Self::of(Model::CURRENT_FILE)
    }

    /// The current model with these lines in place of others.
    pub(crate) fn with(lines: &[(&str, &str)]) -> Self {
        let mut file = Model::CURRENT_FILE.replace(Model::current().name(), "klout-of-a-test");
        for (from, to) in lines {
            assert!(file.contains(from), "no line `{from}`");
            file = file.replace(from, to);
        }
        let Err(ModelInvalid::Checksum { right, found }) = Model::load(&file) else {
            panic!("other numbers have another checksum");
        };
        Self::of(&file.replace(&found, &right))
    }

    fn of(file: &str) -> Self {
        Self { numbers: Numbers::read(file), model: Model::load(file).expect("a model") }
    }

    pub(crate) const fn model(&self) -> &Model {
        &self.model
    }

    pub(crate) fn reference<'a>(&self, world: &'a World) -> Answer<'a> {
        klout_reference::scores(&self.numbers, world)
    }

    /// Scores as the engine makes them, and who is which of its people.
    pub(crate) fn engine(&self, world: &World) -> (Pass, BTreeMap<Person, usize>) {
        let people: BTreeMap<Person, usize> =
            (0..).zip(world.people()).map(|(n, it)| (it, n)).collect();
        (pass(&self.model, evidence(&self.model, world)), people)
    }

    /// The same by the names of accounts, as files have them. Nobody has several accounts unless registered.
    pub(crate) fn engine_by_name(&self, world: &World) -> (Pass, BTreeMap<Person, usize>) {
        let Numbered { evidence, accounts } = population(world).numbered(&self.model);
        let owner = |name: &AccountName| {
            let number: usize = name.native_id.as_str().parse().expect("an account");
            world.owner(number)
        };
        let people =
            accounts.iter().enumerate().map(|(place, name)| (owner(name), place)).collect();
        (pass(&self.model, evidence), people)
    }
}

fn evidence(model: &Model, world: &World) -> Evidence {
    let people: Vec<Person> = world.people().into_iter().collect();
    let presences: Vec<Presence<'_>> = world.presences().into_iter().collect();
    let person = |it: Person| place(&people, &it);
    let presence = |account| place(&presences, &world.presence(account));

    let vouched = |network: &str| model.vouches(&network.parse().expect("a network"));
    let mut evidence = Evidence::new(
        people.iter().map(|it| world.registered.contains(it)).collect(),
        presences.iter().map(|(owner, _)| person(*owner)).collect(),
        presences.iter().map(|(_, network)| vouched(network)).collect(),
    );
    for it in &world.reactions {
        let actor = it.actor.map(|actor| person(world.owner(actor)));
        evidence.react(presence(it.subject), actor, it.kind, age(it.age), it.count);
    }
    evidence.posts = world.posts.iter().map(|it| (presence(it.account), age(it.age))).collect();
    evidence.counters = counters(world)
        .into_iter()
        .map(|(account, counters)| (person(world.owner(account)), counters))
        .collect();
    evidence
}

fn counters(world: &World) -> BTreeMap<usize, Counters> {
    let mut largest = BTreeMap::new();
    for it in &world.counters {
        let read = largest.entry((it.account, it.name)).or_insert(it.value);
        *read = it.value.max(*read);
    }
    let mut counters: BTreeMap<usize, Counters> = BTreeMap::new();
    for ((account, name), value) in largest {
        counters.entry(account).or_default().set(name, value_of(value));
    }
    counters
}

fn population(world: &World) -> Population {
    let names: Vec<AccountName> = (0..world.accounts.len())
        .map(|account| AccountName {
            network: world.accounts[account].1.parse().expect("a network"),
            native_id: account.to_string().parse().expect("a native id"),
        })
        .collect();
    let mut population = Population::default();
    for it in world.reactions.iter().filter(|it| it.age < 90) {
        let actor = it.actor.map(|actor| names[actor].clone());
        let signal =
            Signal::Interaction { actor, kind: it.kind, age: age(it.age), count: it.count };
        population.add(&names[it.subject], None, signal);
    }
    for (number, it) in world.posts.iter().enumerate().filter(|(_, it)| it.age < 90) {
        let signal = Signal::Post { post: number.to_string().into(), age: age(it.age) };
        population.add(&names[it.account], None, signal);
    }
    for it in &world.counters {
        let (time, value) = (0, value_of(it.value));
        let signal = Signal::Counter { name: it.name, time, value, of_post: false };
        population.add(&names[it.account], None, signal);
    }
    for person in &world.registered {
        let theirs = (0..names.len()).filter(|account| world.owner(*account) == *person);
        let theirs: Vec<AccountName> = theirs.map(|account| names[account].clone()).collect();
        population.join(&theirs);
    }
    population
}

fn place<T: Ord>(sorted: &[T], it: &T) -> u32 {
    let place = sorted.binary_search(it).expect("everybody has a place");
    u32::try_from(place).expect("few")
}

fn age(days: usize) -> u8 {
    u8::try_from(days).expect("ages of tests are below 256")
}

fn value_of(value: f64) -> CounterValue {
    CounterValue::new(value).expect("a value")
}

/// Every field that both have agrees to 1e-9, relative to the larger of the value and 1.
pub(crate) fn disagreement(
    Both { model, .. }: &Both,
    reference: &Answer<'_>,
    (pass, people): &(Pass, BTreeMap<Person, usize>),
) -> Option<String> {
    let mut found = Found::default();
    for (person, place) in people {
        let name = |field: &str| format!("{field} of person {person}");
        let (ours, repute) = (&reference.reputes[person], pass.epoch.actors[*place].repute());
        found.compare(&name("credibility"), ours.credibility, repute.credibility);
        // An epoch keeps the product.
        let prestige = |it: f64, credibility: f64| it * credibility;
        found.compare(
            &name("prestige"),
            prestige(ours.prestige, ours.credibility),
            prestige(repute.prestige, repute.credibility),
        );
        found.compare(&name("worth"), ours.worth, repute.worth);
        match (reference.scores.get(person), &pass.scores[*place]) {
            (None, None) => {}
            (Some(ours), Some(score)) => {
                found.compare(&name("score"), ours.score, score.score.points());
                found.compare(&name("influence"), ours.influence, score.influence);
                found.compare(&name("true reach"), ours.true_reach, score.true_reach);
                found.compare(&name("amplification"), ours.amplification, score.amplification);
                found.compare(&name("network impact"), ours.network_impact, score.network_impact);
                found.compare(&name("confidence"), ours.confidence, score.confidence);
                let (low, high) = score.interval(model);
                found.compare(&name("low"), ours.low, low.points());
                found.compare(&name("high"), ours.high, high.points());
            }
            (ours, score) => found.note(&name("evidence"), &ours.is_some(), &score.is_some()),
        }
    }
    // Whom the engine knows may be fewer than there are accounts, and it names each pair once.
    let owner = |place: u32| people.iter().find(|(_, it)| **it == place as usize).map(|it| *it.0);
    let mut closed = BTreeMap::new();
    for pair in &pass.epoch.closed {
        let [one, other] = [pair.one, pair.other].map(|it| owner(it).expect("a person"));
        closed.insert((one, other), u64::from(pair.discount.parts()));
        closed.insert((other, one), u64::from(pair.discount.parts()));
    }
    if closed != reference.discounts {
        found.note("closed pairs", &reference.discounts, &closed);
    }
    let mut rounds = BTreeMap::new();
    for it in &pass.epoch.rounds {
        let [giver, taker] = [it.giver, it.receiver].map(|it| owner(it).expect("a person"));
        rounds.insert((giver, taker), u64::from(it.part.parts()));
    }
    if rounds != reference.rounds {
        found.note("+K that came round", &reference.rounds, &rounds);
    }
    found.first
}

#[derive(Default)]
struct Found {
    first: Option<String>,
}

// === impl Found ===

impl Found {
    fn compare(&mut self, what: &str, reference: f64, engine: f64) {
        // Not the other way round, so that what is not a number disagrees.
        let close = (reference - engine).abs() <= 1e-9 * reference.abs().max(1.0);
        if !close {
            self.note(what, &reference, &engine);
        }
    }

    fn note(&mut self, what: &str, reference: &dyn std::fmt::Debug, engine: &dyn std::fmt::Debug) {
        self.first.get_or_insert_with(|| format!("{what}: {reference:?} by the page, {engine:?}"));
    }
}
