//! A pass over a population: credibility and attention of everybody, then everybody's score.
//! docs/scoring.md, sections 4 to 8.

use klout_model::{Kind, WINDOW_DAYS};
use klout_score_math::{
    Attention, Counters, Factor, Factors, Model, People, PersonEvidence, PersonScore, Presence,
    Share, Standing, credibility, handed_on,
};
use rayon::prelude::*;

use crate::{
    circles::{self, Closed},
    edges::Edges,
    evidence::{self, Evidence, Unnamed},
};

/// What a pass found out about a population.
#[derive(Debug)]
pub struct Pass {
    pub epoch: Epoch,
    /// By person; `None`: there is no evidence.
    pub scores: Vec<Option<PersonScore>>,
    /// Days on which an unusual number of strangers came to somebody, by person.
    pub bursts: Vec<Burst>,
}

/// What is needed of others to score one person.
#[derive(Debug)]
pub struct Epoch {
    /// By person.
    pub standings: Vec<Standing>,
    /// Pairs of closed circles, in order.
    pub closed: Vec<Closed>,
}

/// On one UTC day more strangers came than on all others together. It lowers nothing, since strangers
/// have an allowance, and is worth a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burst {
    pub person: u32,
    /// Of the day, in whole UTC days.
    pub age: u8,
    /// Actors of little credibility whose newest reaction is of that day.
    pub strangers: u32,
}

/// From so many strangers on a day on they can be a burst.
const BURST_MIN: u32 = 100;

/// Computes an epoch from nothing, and everybody's score with it, on the threads of the current pool.
///
/// # Panics
///
/// When the columns of the evidence do not fit one another.
#[must_use]
pub fn pass(model: &Model, evidence: Evidence) -> Pass {
    let Evidence { registered, owners, vouched, reactions, .. } = evidence;
    let mut seen = evidence.seen;
    // What people do to themselves is evidence, and makes no edge.
    seen.extend(
        reactions
            .iter()
            .map(|it| (owners[it.subject as usize], it.actor))
            .filter_map(|(subject, actor)| (subject == actor).then_some(subject)),
    );
    let mut edges = Edges::new(model, registered.len(), &owners, reactions);
    let epoch = epoch(model, &registered, &mut edges);

    let factors: Vec<Factors> = epoch.standings.par_iter().map(|it| it.factors()).collect();
    let sparse = Sparse::new(
        model,
        Others {
            vouched: &vouched,
            owners: &owners,
            unnamed: evidence.unnamed,
            plus_k: evidence.plus_k,
            posts: evidence.posts,
            counters: evidence.counters,
            seen,
        },
    );
    let parts: Vec<(Vec<Option<PersonScore>>, Vec<Burst>)> = edges
        .parts()
        .par_iter()
        .map(|part| {
            let mut scorer = Scorer::new(model, &edges, &factors, &epoch.standings, &sparse);
            let scores = part.clone().map(|person| scorer.score(person)).collect();
            (scores, scorer.bursts)
        })
        .collect();
    let mut scores = Vec::with_capacity(registered.len());
    let mut bursts = Vec::new();
    for (of_part, bursts_of_part) in parts {
        scores.extend(of_part);
        bursts.extend(bursts_of_part);
    }
    Pass { epoch, scores, bursts }
}

/// Takes closed circles out of the edges, and lets credibility flow over what is left.
fn epoch(model: &Model, registered: &[bool], edges: &mut Edges) -> Epoch {
    let given = edges.given();
    let closed = circles::closed(model, registered, edges);
    for pair in &closed {
        edges.discount(pair.one, pair.other, pair.discount);
        edges.discount(pair.other, pair.one, pair.discount);
    }
    let edges = &*edges;

    let all_credible = registered.iter().all(|registered| *registered);
    let mut known: Vec<f64> = registered.par_iter().map(|it| f64::from(u8::from(*it))).collect();
    let handed_on = |known: &[f64]| -> Vec<Factor> {
        let actors = known.par_iter().zip(&given);
        actors.map(|(known, given)| handed_on(model, *known, *given)).collect()
    };
    let rounds = if all_credible { 0 } else { model.rounds() };
    for _ in 0..rounds {
        let handed_on = handed_on(&known);
        known = by_person(edges, |person| {
            if registered[person as usize] {
                1.0
            } else {
                credibility(model, received(edges, &handed_on, person))
            }
        });
    }
    let handed_on = handed_on(&known);
    let standings = by_person(edges, |person| {
        let received = received(edges, &handed_on, person).count();
        let person = person as usize;
        Standing::new(model, known[person], given[person], received)
    });
    Epoch { standings, closed }
}

fn received(edges: &Edges, handed_on: &[Factor], person: u32) -> People {
    edges.of_person(person).fold(People::default(), |sum, edge| {
        sum.plus(handed_on[edge.actor() as usize], edge.share())
    })
}

fn by_person<T: Send>(edges: &Edges, value: impl Fn(u32) -> T + Sync) -> Vec<T> {
    let parts: Vec<Vec<T>> =
        edges.parts().par_iter().map(|part| part.clone().map(&value).collect()).collect();
    let mut values = Vec::with_capacity(edges.people());
    for part in parts {
        values.extend(part);
    }
    values
}

/// Columns that few people have anything in, as they come.
struct Others<'a> {
    vouched: &'a [bool],
    owners: &'a [u32],
    unnamed: Vec<Unnamed>,
    plus_k: Vec<evidence::PlusK>,
    posts: Vec<(u32, u8)>,
    counters: Vec<(u32, Counters)>,
    seen: Vec<u32>,
}

/// The same, sorted by whom they are of.
struct Sparse<'a> {
    vouched: &'a [bool],
    unnamed: Vec<Unnamed>,
    /// Receiver, giver, the giver's share, and whether it is given back.
    plus_k: Vec<(u32, u32, Share, bool)>,
    posts: Vec<(u32, u8)>,
    counters: Vec<(u32, Counters)>,
    seen: Vec<u32>,
}

// === impl Sparse ===

impl<'a> Sparse<'a> {
    fn new(model: &Model, others: Others<'a>) -> Self {
        let Others { vouched, owners, mut unnamed, mut plus_k, mut posts, mut counters, mut seen } =
            others;
        assert_eq!(vouched.len(), owners.len(), "every presence has a network");
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
        let mut given: Vec<(u32, u32, Share, bool)> = plus_k
            .chunk_by(of_one)
            .map(|of_one| {
                let mass = of_one.iter().fold(0_u64, |mass, it| {
                    mass.saturating_add(model.mass(Kind::PlusK, it.age, it.count))
                });
                (of_one[0].receiver, of_one[0].giver, model.share(mass), false)
            })
            .collect();
        for place in 0..given.len() {
            let (receiver, giver, ..) = given[place];
            let back = given.binary_search_by_key(&(giver, receiver), |it| (it.0, it.1));
            given[place].3 = back.is_ok_and(|back| given[back].2 > Share::NONE);
        }
        Self { vouched, unnamed, plus_k: given, posts, counters, seen }
    }
}

/// Scores people one after the other, in order.
struct Scorer<'a> {
    model: &'a Model,
    edges: &'a Edges,
    factors: &'a [Factors],
    standings: &'a [Standing],
    sparse: &'a Sparse<'a>,
    presences: Vec<Presence>,
    counters: Vec<Counters>,
    bursts: Vec<Burst>,
}

// === impl Scorer ===

impl<'a> Scorer<'a> {
    const fn new(
        model: &'a Model,
        edges: &'a Edges,
        factors: &'a [Factors],
        standings: &'a [Standing],
        sparse: &'a Sparse<'a>,
    ) -> Self {
        Self {
            model,
            edges,
            factors,
            standings,
            sparse,
            presences: Vec::new(),
            counters: Vec::new(),
            bursts: Vec::new(),
        }
    }

    fn score(&mut self, person: u32) -> Option<PersonScore> {
        let sparse = self.sparse;
        let mut evidence = of(&sparse.seen, person, |it| *it).next().is_some();

        self.presences.clear();
        for presence in self.edges.presences_of(person) {
            let edges = self.edges.of_presence(presence);
            let posts = of(&sparse.posts, presence, |it| it.0).map(|(_, age)| (*age, 1));
            let mut posts = posts.peekable();
            evidence |= !edges.is_empty() || posts.peek().is_some();

            let attention = edges.iter().fold(Attention::default(), |sum, edge| {
                sum.plus(&self.factors[edge.actor() as usize], edge.share())
            });
            let vouched = sparse.vouched[presence as usize];
            let unnamed =
                unnamed(self.model, vouched, of(&sparse.unnamed, presence, |it| it.presence));
            let found = Presence::new(self.model, &attention, vouched, &unnamed, posts);
            self.presences.push(found);
        }
        self.burst(person);

        self.counters.clear();
        self.counters.extend(of(&sparse.counters, person, |it| it.0).map(|(_, it)| *it));
        let mut plus_k = klout_score_math::PlusK::default();
        for (_, giver, share, back) in of(&sparse.plus_k, person, |it| it.0) {
            plus_k.add(&self.factors[*giver as usize], *share, *back);
            evidence = true;
        }
        evidence |= !self.counters.is_empty();
        evidence.then(|| {
            let (presences, counters) = (&self.presences, &self.counters);
            PersonScore::new(self.model, &PersonEvidence { presences, counters, plus_k })
        })
    }

    fn burst(&mut self, person: u32) {
        let presences = self.edges.presences_of(person);
        let edges: usize = presences.map(|it| self.edges.of_presence(it).len()).sum();
        if edges < BURST_MIN as usize {
            return;
        }
        let (mut days, mut all) = ([0_u32; 256], 0_u32);
        for edge in self.edges.of_person(person) {
            if self.standings[edge.actor() as usize].credibility < 0.5 {
                days[usize::from(edge.newest())] += 1;
                all += 1;
            }
        }
        let (age, strangers) =
            (0..=u8::MAX).zip(days).max_by_key(|(_, count)| *count).unwrap_or_default();
        if strangers >= BURST_MIN && strangers > all - strangers {
            self.bursts.push(Burst { person, age, strangers });
        }
    }
}

/// Interactions without an actor of one presence, sorted; those of one kind and day are put together.
fn unnamed<'a>(
    model: &Model,
    vouched: bool,
    of_presence: impl Iterator<Item = &'a Unnamed>,
) -> klout_score_math::Unnamed {
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
fn of<T>(column: &[T], owner: u32, owner_of: impl Fn(&T) -> u32) -> impl Iterator<Item = &T> {
    let start = column.partition_point(|row| owner_of(row) < owner);
    column[start..].iter().take_while(move |row| owner_of(row) == owner)
}
