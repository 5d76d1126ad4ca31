//! Who reacts to whom: one edge for each presence and actor, sorted by both.

use std::{
    ops::Range,
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
};

use klout_score_math::{Model, Share};
use rayon::prelude::*;

use crate::evidence::{Deed, Reaction, Reactions};

/// The edges of a population, in one column: the people in order, their presences in order, and the
/// actors of each presence in order.
#[derive(Debug)]
pub(crate) struct Edges {
    column: Vec<Edge>,
    /// Where the edges of each presence begin in the column.
    starts: Vec<u32>,
    /// Where they end. What lies behind them is left over from rows that were put together.
    ends: Vec<u32>,
    /// The first presence of each person, and the number of presences last.
    presences: Vec<u32>,
    /// People in parts with about as many edges each: what one task takes.
    parts: Vec<Range<u32>>,
}

/// An actor and its share. As a number it sorts by actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edge(u64);

/// About so many edges are one task.
const TASK: u64 = 1 << 18;
/// Rows of one presence that are worth sorting on several threads.
const LONG: usize = 1 << 20;

// === impl Edges ===

impl Edges {
    /// Puts the rows of each presence and actor together. What people do to themselves is left out.
    /// Takes eight bytes a row beside the rows themselves, which are gone afterwards.
    pub(crate) fn new(model: &Model, people: usize, owners: &[u32], reactions: Reactions) -> Self {
        let presences = presences(people, owners);
        let (mut column, starts, mut ends, parts) = match reactions {
            Reactions::Unsorted(rows) => sort(&presences, rows),
            Reactions::ByPresence(rows) => {
                assert_eq!(rows.lengths.len(), owners.len(), "every presence has a length");
                let count = u32::try_from(rows.column.len()).expect("rows have places of 32 bits");
                let starts = starts(rows.lengths.iter().copied());
                let ends = starts.iter().zip(&rows.lengths).map(|(start, it)| start + it).collect();
                let parts = parts(&presences, &starts, count);
                (rows.column, starts, ends, parts)
            }
        };
        let places = (&*starts, &*presences);
        split(&mut column, &mut ends, places, &parts).into_par_iter().for_each(|part| {
            let Part { column, starts, ends, .. } = part;
            let first = starts.first().copied().unwrap_or_default();
            for (start, end) in starts.iter().zip(ends) {
                let rows = &mut column[(*start - first) as usize..(*end - first) as usize];
                *end = *start + put_together(model, rows);
            }
        });
        let column = column.into_iter().map(Edge).collect();
        Self { column, starts, ends, presences, parts }
    }

    pub(crate) fn count(&self) -> u64 {
        let lengths = self.starts.iter().zip(&self.ends).map(|(start, end)| end - start);
        lengths.map(u64::from).sum()
    }

    pub(crate) const fn people(&self) -> usize {
        self.presences.len() - 1
    }

    /// People in parts of about the same work, which cover all of them in order.
    pub(crate) fn parts(&self) -> &[Range<u32>] {
        &self.parts
    }

    /// Changes the value of each person, a part at a time on each thread.
    pub(crate) fn fill<T: Send>(&self, values: &mut [T], change: impl Fn(u32, &mut T) + Sync) {
        self.fill_parts(values, |part, values| {
            part.zip(values).for_each(|(person, value)| change(person, value));
        });
    }

    /// Changes the values of a part of the people at a time, and returns what that brought, in order.
    pub(crate) fn fill_parts<T: Send, R: Send>(
        &self,
        mut values: &mut [T],
        change: impl Fn(Range<u32>, &mut [T]) -> R + Sync,
    ) -> Vec<R> {
        let mut cut = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let (mine, others) = values.split_at_mut(part.len());
            cut.push((part.clone(), mine));
            values = others;
        }
        cut.into_par_iter().map(|(part, values)| change(part, values)).collect()
    }

    pub(crate) fn presences_of(&self, person: u32) -> Range<u32> {
        self.presences[person as usize]..self.presences[person as usize + 1]
    }

    /// The edges of a presence, by actor.
    pub(crate) fn of_presence(&self, presence: u32) -> &[Edge] {
        &self.column[self.place(presence)]
    }

    fn place(&self, presence: u32) -> Range<usize> {
        self.starts[presence as usize] as usize..self.ends[presence as usize] as usize
    }

    /// The edges of all presences of a person.
    pub(crate) fn of_person(&self, person: u32) -> impl Iterator<Item = Edge> {
        self.presences_of(person).flat_map(|presence| self.of_presence(presence)).copied()
    }

    /// Whether the person has an edge of that actor above 0.
    pub(crate) fn has(&self, person: u32, actor: u32) -> bool {
        self.presences_of(person).any(|presence| {
            let edges = self.of_presence(presence);
            edges
                .binary_search_by_key(&actor, |edge| edge.actor())
                .is_ok_and(|place| edges[place].share() > Share::NONE)
        })
    }

    /// Takes a part off every share that the actor has of the person.
    pub(crate) fn discount(&mut self, person: u32, actor: u32, discount: Share) {
        for presence in self.presences_of(person) {
            let place = self.place(presence);
            let edges = &mut self.column[place];
            if let Ok(place) = edges.binary_search_by_key(&actor, |edge| edge.actor()) {
                let edge = edges[place];
                edges[place] = Edge::new(actor, edge.oldest(), edge.share().less(discount));
            }
        }
    }

    /// How much of others each person gives, in 32,768ths.
    pub(crate) fn given(&self) -> Vec<u64> {
        let given: Vec<AtomicU64> =
            (0..self.people()).into_par_iter().map(|_| AtomicU64::new(0)).collect();
        self.parts.par_iter().for_each(|part| {
            for edge in part.clone().flat_map(|person| self.of_person(person)) {
                let share = u64::from(edge.share().parts());
                // Only the sum matters, after all threads have joined.
                given[edge.actor() as usize].fetch_add(share, Ordering::Relaxed);
            }
        });
        given.into_iter().map(AtomicU64::into_inner).collect()
    }
}

/// Puts rows that are in any order into that of their presences. Returns the column, where each presence begins and ends
/// in it, and the parts.
fn sort(
    presences: &[u32],
    reactions: Vec<Reaction>,
) -> (Vec<u64>, Vec<u32>, Vec<u32>, Vec<Range<u32>>) {
    let rows = u32::try_from(reactions.len()).expect("rows have places of 32 bits");
    let all = presences.last().copied().unwrap_or_default();
    let counts: Vec<AtomicU32> = (0..all).into_par_iter().map(|_| AtomicU32::new(0)).collect();
    reactions.par_iter().for_each(|reaction| {
        // Only the sum matters, after all threads have joined.
        counts[reaction.subject as usize].fetch_add(1, Ordering::Relaxed);
    });
    let starts = starts(counts.into_iter().map(AtomicU32::into_inner));
    let parts = parts(presences, &starts, rows);
    let mut column = vec![0_u64; reactions.len()];

    // Each thread reads all rows and places those of its own people, so none shares what it writes. Where
    // the rows of a presence end so far is where its next one goes.
    let mut ends = starts.clone();
    let threads = rayon::current_num_threads().clamp(1, 16);
    let mine = parts.chunks(parts.len().div_ceil(threads).max(1));
    let mine = mine.map(|parts| parts[0].start..parts[parts.len() - 1].end).collect::<Vec<_>>();
    let places = (&*starts, presences);
    split(&mut column, &mut ends, places, &mine).into_par_iter().for_each(|part| {
        let Part { column, starts, ends, first_presence } = part;
        let first = starts.first().copied().unwrap_or_default();
        for reaction in &reactions {
            let presence = reaction.subject.wrapping_sub(first_presence) as usize;
            if let Some(end) = ends.get_mut(presence) {
                column[(*end - first) as usize] = reaction.row();
                *end += 1;
            }
        }
    });
    (column, starts, ends, parts)
}

/// Where each begins of those that are so long.
fn starts(lengths: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut next = 0;
    let start = |length| {
        let start = next;
        next += length;
        start
    };
    lengths.map(start).collect()
}

/// A part of the column that one task writes.
struct Part<'a> {
    column: &'a mut [u64],
    starts: &'a [u32],
    ends: &'a mut [u32],
    first_presence: u32,
}

/// Cuts the columns where these parts of the people, which follow one another, end.
fn split<'a>(
    mut column: &'a mut [u64],
    mut ends: &'a mut [u32],
    (starts, presences): (&'a [u32], &[u32]),
    parts: &[Range<u32>],
) -> Vec<Part<'a>> {
    let mut cut = Vec::with_capacity(parts.len());
    for part in parts {
        let [first, end] = [part.start, part.end].map(|person| presences[person as usize]);
        let starts_here = &starts[first as usize..end as usize];
        let rows = match (starts_here.first(), starts.get(end as usize)) {
            (None, _) => 0,
            (Some(_), None) => column.len(),
            (Some(start), Some(end)) => (end - start) as usize,
        };
        let (rows, other_rows) = column.split_at_mut(rows);
        let (mine, others) = ends.split_at_mut((end - first) as usize);
        cut.push(Part { column: rows, starts: starts_here, ends: mine, first_presence: first });
        (column, ends) = (other_rows, others);
    }
    cut
}

fn presences(people: usize, owners: &[u32]) -> Vec<u32> {
    let mut presences = Vec::with_capacity(people + 1);
    for (presence, owner) in (0..).zip(owners) {
        assert!(
            presences.len() <= *owner as usize + 1,
            "presences are in the order of their owners"
        );
        presences.resize(*owner as usize + 1, presence);
    }
    assert!(presences.len() <= people, "every owner is a person");
    presences.resize(people + 1, u32::try_from(owners.len()).expect("presences have numbers"));
    presences
}

fn parts(presences: &[u32], starts: &[u32], rows: u32) -> Vec<Range<u32>> {
    let mut parts = Vec::new();
    let (mut start, mut work) = (0, 0_u64);
    let place = |presence: u32| starts.get(presence as usize).copied().unwrap_or(rows);
    for person in 0..presences.len() - 1 {
        // A person without edges is some work too.
        work += u64::from(place(presences[person + 1]) - place(presences[person])) + 4;
        if work >= TASK || person + 2 == presences.len() {
            let end = u32::try_from(person + 1).expect("people have numbers");
            parts.push(start..end);
            (start, work) = (end, 0);
        }
    }
    parts
}

/// Turns the rows of one presence into its edges, in place, and returns how many there are.
fn put_together(model: &Model, rows: &mut [u64]) -> u32 {
    if rows.len() > LONG {
        rows.par_sort_unstable();
    } else {
        rows.sort_unstable();
    }
    let (mut edges, mut next) = (0, 0);
    while next < rows.len() {
        let actor = Edge(rows[next]).actor();
        let (mut mass, mut oldest) = (0_u64, 0);
        while let Some(row) = rows.get(next).filter(|row| Edge(**row).actor() == actor) {
            #[expect(clippy::cast_possible_truncation, reason = "the lower half is the deed")]
            let deed = Deed::of_bits(*row as u32);
            let added = model.mass(deed.kind(), deed.age(), deed.count());
            mass = mass.saturating_add(added);
            oldest = oldest.max(deed.age());
            next += 1;
        }
        rows[edges] = Edge::new(actor, oldest, model.share(mass)).0;
        edges += 1;
    }
    u32::try_from(edges).expect("no more than there are actors")
}

// === impl Edge ===

impl Edge {
    fn new(actor: u32, oldest: u8, share: Share) -> Self {
        Self(u64::from(actor) << 32 | u64::from(oldest) << 16 | u64::from(share.parts()))
    }

    /// A person.
    pub(crate) const fn actor(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The age of the oldest reaction in the window.
    #[expect(clippy::cast_possible_truncation, reason = "eight of the bits are the age")]
    pub(crate) const fn oldest(self) -> u8 {
        (self.0 >> 16) as u8
    }

    #[expect(clippy::cast_possible_truncation, reason = "sixteen of the bits are the share")]
    pub(crate) const fn share(self) -> Share {
        Share::of_parts(self.0 as u16)
    }
}
