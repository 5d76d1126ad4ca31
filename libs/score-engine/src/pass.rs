//! A pass over a population: credibility and attention of everybody, then everybody's score.
//! docs/scoring.md, sections 4 to 8.

use klout_model::{Kind, WINDOW_DAYS};
use klout_score_math::{
    Counters, Factor, Factors, Model, PersonEvidence, PersonScore, Presence, Received, Repute,
    Share, Sums, credibility,
};
use rayon::prelude::*;

use crate::{
    circles::{self, Closed},
    edges::{Edge, Edges},
    evidence::{self, Evidence, Unnamed},
    population::index_of,
    rings::{self, Given, Round},
};

/// What a pass found out about a population.
#[derive(Debug)]
pub struct Pass {
    pub epoch: Epoch,
    /// By person; `None`: there is no evidence.
    pub scores: Vec<Option<PersonScore>>,
    /// Days on which an unusual number of strangers came to a presence, in the order of people.
    pub bursts: Vec<Burst>,
}

/// What is needed of others to score one person.
#[derive(Debug)]
pub struct Epoch {
    /// By person.
    pub actors: Vec<Factors>,
    /// Pairs of closed circles, in order.
    pub closed: Vec<Closed>,
    /// +K that came round, by receiver, then giver.
    pub rounds: Vec<Round>,
}

/// On one UTC day more strangers came than on all others together. It lowers nothing, since strangers
/// have an allowance, and is worth a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burst {
    pub person: u32,
    /// Of the day, in whole UTC days.
    pub age: u8,
    /// Actors of little credibility who came on that day, by their oldest reaction, and interactions of that day that
    /// name nobody, where the network does not vouch for them.
    pub strangers: u64,
}

/// So many people are scored with the factors of all their actors at hand. What is far away in memory is
/// fetched while other such fetches wait, which a score in between would prevent.
const BLOCK: usize = 64;
/// A presence with more edges than this fetches for itself, so that memory stays small.
const FETCHED_MAX: usize = 1_024;
/// From so many strangers on a day on they can be a burst.
const BURST_MIN: usize = 1_000;
/// Whoever is less credible is a stranger to a burst.
const HALF_CREDIBLE: Factor = Factor::HALF;

/// A population that is ready to be passed over.
#[derive(Debug)]
pub struct Graph {
    registered: Vec<bool>,
    edges: Edges,
    /// How much of others each person gives, in 32,768ths, before circles are closed.
    given: Vec<u64>,
    closed: Vec<Closed>,
    sparse: Sparse,
}

/// Computes an epoch from nothing, and everybody's score with it, on the threads of the current pool.
///
/// # Panics
///
/// When the columns of the evidence do not fit one another.
#[must_use]
pub fn pass(model: &Model, evidence: Evidence) -> Pass {
    let graph = Graph::new(model, evidence);
    let epoch = graph.epoch(model);
    let (scores, bursts) = graph.scores(model, &epoch);
    Pass { epoch, scores, bursts }
}

// === impl Graph ===

impl Graph {
    /// Puts the evidence in order, and takes closed circles out of it.
    ///
    /// # Panics
    ///
    /// When the columns of the evidence do not fit one another.
    #[must_use]
    pub fn new(model: &Model, evidence: Evidence) -> Self {
        Self::with(model, evidence, |registered, given, edges| {
            circles::closed(model, registered, given, edges)
        })
    }

    /// As [`Self::new`], of some people only, with the closed circles that an epoch of all found.
    ///
    /// # Panics
    ///
    /// When the columns of the evidence do not fit one another.
    #[must_use]
    pub fn of_some(model: &Model, evidence: Evidence, closed: Vec<Closed>) -> Self {
        Self::with(model, evidence, |_, _, _| closed)
    }

    fn with(
        model: &Model,
        mut evidence: Evidence,
        closed: impl FnOnce(&[bool], &[u64], &Edges) -> Vec<Closed>,
    ) -> Self {
        let reactions = evidence.take_reactions();
        let people = evidence.registered.len();
        let mut edges = Edges::new(model, people, &evidence.owners, reactions);
        let given = edges.given();
        let closed = closed(&evidence.registered, &given, &edges);
        for pair in &closed {
            edges.discount(pair.one, pair.other, pair.discount);
            edges.discount(pair.other, pair.one, pair.discount);
        }
        let registered = std::mem::take(&mut evidence.registered);
        let sparse = Sparse::new(model, people, evidence);
        Self { registered, edges, given, closed, sparse }
    }

    /// Lets credibility flow from the registered, from nothing.
    #[must_use]
    pub fn epoch(&self, model: &Model) -> Epoch {
        let mut known: Vec<f64> =
            self.registered.par_iter().map(|it| f64::from(u8::from(*it))).collect();
        let mut handed_on = Vec::new();
        // Among the registered alone nothing changes.
        if self.registered.contains(&false) {
            for _ in 0..model.rounds() {
                self.round(model, &mut known, &mut handed_on);
            }
        }
        self.hand_on(model, &known, &mut handed_on);
        let mut actors = vec![Factors::default(); known.len()];
        self.edges.fill(&mut actors, |person, factors| {
            let received = received(&self.edges, &handed_on, person).count();
            let (known, given) = (known[person as usize], self.given[person as usize]);
            *factors = Repute::new(model, known, given, received).factors();
        });
        let rounds = rings::rounds(model, &self.registered, &self.sparse.plus_k);
        Epoch { actors, closed: self.closed.clone(), rounds }
    }

    /// One round of the flow: everybody's credibility from that of the round before.
    fn round(&self, model: &Model, known: &mut [f64], handed_on: &mut Vec<Factor>) {
        self.hand_on(model, known, handed_on);
        self.edges.fill(known, |person, known| {
            if !self.registered[person as usize] {
                *known = credibility(model, received(&self.edges, handed_on, person));
            }
        });
    }

    /// The credible attention that everybody receives, in people.
    #[must_use]
    pub fn received(&self, model: &Model, known: &[f64]) -> Vec<f64> {
        let mut handed_on = Vec::new();
        self.hand_on(model, known, &mut handed_on);
        let mut sums = vec![0.0; self.edges.people()];
        self.edges.fill(&mut sums, |person, sum| {
            *sum = received(&self.edges, &handed_on, person).count();
        });
        sums
    }

    fn hand_on(&self, model: &Model, known: &[f64], handed_on: &mut Vec<Factor>) {
        let actors = known.par_iter().zip(&self.given);
        actors
            .map(|(known, given)| klout_score_math::handed_on(model, *known, *given))
            .collect_into_vec(handed_on);
    }

    /// Everybody's score with an epoch of this population.
    #[must_use]
    pub fn scores(&self, model: &Model, epoch: &Epoch) -> (Vec<Option<PersonScore>>, Vec<Burst>) {
        let mut scores = vec![None; self.registered.len()];
        let bursts = self.edges.fill_parts(&mut scores, |part, scores| {
            let mut scorer = Scorer::new(model, self, epoch);
            let mut people = part.clone();
            for block in scores.chunks_mut(BLOCK) {
                scorer.fetch(people.clone().take(block.len()));
                // In this order: the people are asked last, so none is lost where a block ends.
                for (score, person) in block.iter_mut().zip(people.by_ref()) {
                    *score = scorer.score(person);
                }
            }
            scorer.bursts
        });
        (scores, bursts.into_iter().flatten().collect())
    }

    /// How many edges there are: pairs of a presence and an actor.
    #[must_use]
    pub fn edges(&self) -> u64 {
        self.edges.count()
    }
}

fn received(edges: &Edges, handed_on: &[Factor], person: u32) -> Received {
    edges.of_person(person).fold(Received::default(), |sum, edge| {
        sum.plus(handed_on[edge.actor() as usize], edge.share())
    })
}

/// Columns that few people have anything in, sorted by whom they are of.
#[derive(Debug)]
struct Sparse {
    vouched: Vec<bool>,
    unnamed: Vec<Unnamed>,
    /// By receiver, then giver.
    plus_k: Vec<Given>,
    posts: Vec<(u32, u8)>,
    counters: Vec<(u32, Counters)>,
    seen: Vec<u32>,
}

// === impl Sparse ===

impl Sparse {
    fn new(model: &Model, people: usize, evidence: Evidence) -> Self {
        let Evidence { owners, vouched, mut unnamed, mut plus_k, .. } = evidence;
        let Evidence { mut posts, mut counters, mut seen, .. } = evidence;
        assert_eq!(vouched.len(), owners.len(), "every presence has a network");
        let (presences, people) = (index_of(owners.len()), index_of(people));
        assert!(posts.iter().all(|(it, _)| *it < presences), "every post has a presence");
        assert!(counters.iter().all(|(it, _)| *it < people), "every account has a person");
        assert!(seen.iter().all(|it| *it < people), "whoever was seen is a person");
        unnamed.retain(|it| it.age < WINDOW_DAYS);
        plus_k.retain(|it| it.age < WINDOW_DAYS);
        posts.retain(|(_, age)| *age < WINDOW_DAYS);
        unnamed.par_sort_unstable();
        posts.par_sort_unstable();
        counters.par_sort_by_key(|(person, _)| *person);
        // To oneself: evidence alone.
        seen.extend(plus_k.iter().filter(|it| it.receiver == it.giver).map(|it| it.receiver));
        seen.extend(unnamed.iter().map(|it| owners[it.presence as usize]));
        seen.par_sort_unstable();
        plus_k.retain(|it| it.receiver != it.giver);
        plus_k.par_sort_unstable();
        let of_one = |one: &evidence::PlusK, other: &evidence::PlusK| {
            (one.receiver, one.giver) == (other.receiver, other.giver)
        };
        let mut given: Vec<Given> = plus_k
            .chunk_by(of_one)
            .map(|of_one| {
                let mass = of_one.iter().fold(0_u64, |mass, it| {
                    mass.saturating_add(model.mass(Kind::PlusK, it.age, it.count))
                });
                let evidence::PlusK { receiver, giver, .. } = of_one[0];
                Given { receiver, giver, share: model.share(mass), back: false }
            })
            .collect();
        for place in 0..given.len() {
            let Given { receiver, giver, .. } = given[place];
            let back = given.binary_search_by_key(&(giver, receiver), |it| (it.receiver, it.giver));
            given[place].back = back.is_ok_and(|back| given[back].share > Share::NONE);
        }
        Self { vouched, unnamed, plus_k: given, posts, counters, seen }
    }
}

/// Scores people one after the other, in order.
struct Scorer<'a> {
    model: &'a Model,
    graph: &'a Graph,
    factors: &'a [Factors],
    rounds: &'a [Round],
    /// Those of the actors of the people who come next, edge by edge.
    near: Vec<Factors>,
    /// How many of them were used.
    used: usize,
    presences: Vec<Presence>,
    counters: Vec<Counters>,
    bursts: Vec<Burst>,
}

// === impl Scorer ===

impl<'a> Scorer<'a> {
    fn new(model: &'a Model, graph: &'a Graph, epoch: &'a Epoch) -> Self {
        Self {
            model,
            graph,
            factors: &epoch.actors,
            rounds: &epoch.rounds,
            near: Vec::new(),
            used: 0,
            presences: Vec::new(),
            counters: Vec::new(),
            bursts: Vec::new(),
        }
    }

    /// Gets the factors of the actors of these people, who are scored next.
    fn fetch(&mut self, people: impl Iterator<Item = u32>) {
        self.near.clear();
        self.used = 0;
        let edges = &self.graph.edges;
        for presence in people.flat_map(|person| edges.presences_of(person)) {
            let edges = edges.of_presence(presence);
            if edges.len() <= FETCHED_MAX {
                let factors = edges.iter().map(|edge| self.factors[edge.actor() as usize]);
                self.near.extend(factors);
            }
        }
    }

    fn score(&mut self, person: u32) -> Option<PersonScore> {
        let Graph { edges: all, sparse, .. } = self.graph;
        let mut evidence = !rows(&sparse.seen, person, |it| *it).is_empty();

        self.presences.clear();
        for presence in all.presences_of(person) {
            let edges = all.of_presence(presence);
            let posts = rows(&sparse.posts, presence, |it| it.0).iter().map(|(_, age)| (*age, 1));
            let mut posts = posts.peekable();
            evidence |= !edges.is_empty() || posts.peek().is_some();

            let attention = if edges.len() <= FETCHED_MAX {
                let near = &self.near[self.used..];
                self.used += edges.len();
                edges
                    .iter()
                    .zip(near)
                    .fold(Sums::default(), |sum, (edge, factors)| sum.plus(factors, edge.share()))
            } else {
                edges.iter().fold(Sums::default(), |sum, edge| {
                    sum.plus(&self.factors[edge.actor() as usize], edge.share())
                })
            };
            let vouched = sparse.vouched[presence as usize];
            let nameless = rows(&sparse.unnamed, presence, |it| it.presence);
            self.burst(person, edges, if vouched { &[] } else { nameless });
            let unnamed = unnamed(self.model, vouched, nameless);
            let found = Presence::new(self.model, &attention, vouched, &unnamed, posts);
            self.presences.push(found);
        }

        self.counters.clear();
        self.counters.extend(rows(&sparse.counters, person, |it| it.0).iter().map(|(_, it)| *it));
        let mut plus_k = klout_score_math::PlusK::default();
        for Given { giver, share, back, .. } in rows(&sparse.plus_k, person, |it| it.receiver) {
            let back = if *back { Share::WHOLE } else { self.come_round(*giver, person) };
            plus_k.add(&self.factors[*giver as usize], *share, back);
            evidence = true;
        }
        evidence |= !self.counters.is_empty();
        evidence.then(|| {
            let (presences, counters) = (&self.presences, &self.counters);
            PersonScore::new(self.model, &PersonEvidence { presences, counters, plus_k })
        })
    }

    /// The part of a giver's +K that came from their receiver in the first place.
    fn come_round(&self, giver: u32, receiver: u32) -> Share {
        let key = |it: &Round| (it.receiver, it.giver);
        let place = self.rounds.binary_search_by_key(&(receiver, giver), key);
        place.map_or(Share::NONE, |place| self.rounds[place].part)
    }

    /// Looks for a day on which most strangers came to a presence.
    fn burst(&mut self, person: u32, edges: &[Edge], unnamed: &[Unnamed]) {
        if edges.len() < BURST_MIN && unnamed.is_empty() {
            return;
        }
        let (mut days, mut together) = ([0_u64; 256], 0_u64);
        for row in unnamed {
            let day = &mut days[usize::from(row.age)];
            *day = day.saturating_add(row.count);
            together = together.saturating_add(row.count);
        }
        for edge in edges {
            if self.factors[edge.actor() as usize].people < HALF_CREDIBLE {
                let day = &mut days[usize::from(edge.oldest())];
                *day = day.saturating_add(1);
                together = together.saturating_add(1);
            }
        }
        let (age, strangers) =
            (0..=u8::MAX).zip(days).max_by_key(|(_, count)| *count).unwrap_or_default();
        if strangers >= BURST_MIN as u64 && strangers > together.saturating_sub(strangers) {
            self.bursts.push(Burst { person, age, strangers });
        }
    }
}

/// Interactions without an actor of one presence, sorted; those of one kind and day are put together.
fn unnamed(model: &Model, vouched: bool, of_presence: &[Unnamed]) -> klout_score_math::Unnamed {
    let mut sum = klout_score_math::Unnamed::default();
    let mut waiting: Option<Unnamed> = None;
    for next in of_presence {
        match &mut waiting {
            Some(same) if (same.kind, same.age) == (next.kind, next.age) => {
                same.count = same.count.saturating_add(next.count);
            }
            other => {
                if let Some(done) = other.replace(*next) {
                    sum = sum.plus(model, vouched, done.kind, done.age, done.count);
                }
            }
        }
    }
    if let Some(done) = waiting {
        sum = sum.plus(model, vouched, done.kind, done.age, done.count);
    }
    sum
}

/// The rows of one owner in a column that is sorted by them.
fn rows<T>(column: &[T], owner: u32, owner_of: impl Fn(&T) -> u32) -> &[T] {
    let start = column.partition_point(|row| owner_of(row) < owner);
    let length = column[start..].partition_point(|row| owner_of(row) == owner);
    &column[start..start + length]
}
