//! Closed circles: people who all react to one another. docs/scoring.md, section 5.

use klout_score_math::{Model, Share, discount};
use rayon::prelude::*;

use crate::edges::Edges;

/// Two people of a closed circle: the part of what they do for each other that does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The person with the smaller number.
    pub one: u32,
    pub other: u32,
    pub discount: Share,
}

/// With whom each person is mutual, in order.
struct Mutual {
    people: Vec<u32>,
    /// Where those of each person begin, and their number last.
    starts: Vec<usize>,
}

/// Every pair that is discounted, in the order of their numbers.
///
/// - `given`: how much of others each person gives.
pub(crate) fn closed(
    model: &Model,
    registered: &[bool],
    given: &[u64],
    edges: &Edges,
) -> Vec<Closed> {
    let pairs = pairs(registered, given, edges);
    if pairs.is_empty() {
        return Vec::new();
    }
    let mutual = Mutual::new(edges.people(), &pairs);
    let closed = pairs.par_iter().filter_map(|(one, other)| {
        let (of_one, of_other) = (mutual.of(*one), mutual.of(*other));
        let [fewer, more] = [of_one.len().min(of_other.len()), of_one.len().max(of_other.len())];
        let count = |length: usize| u32::try_from(length).expect("no more than there are people");
        let discount = |both| discount(model, both, count(more), count(fewer));
        // Cannot be closed, whoever they are: most pairs end here.
        if discount(count(fewer) - 1) == Share::NONE {
            return None;
        }
        let discount = discount(in_both(of_one, of_other));
        (discount > Share::NONE).then_some(Closed { one: *one, other: *other, discount })
    });
    closed.collect()
}

/// Every mutual pair of registered people, the smaller number first, in order.
fn pairs(registered: &[bool], given: &[u64], edges: &Edges) -> Vec<(u32, u32)> {
    let may_be = |person: &u32| registered[*person as usize] && given[*person as usize] > 0;
    let found = edges.parts().par_iter().flat_map_iter(|part| {
        part.clone().filter(may_be).flat_map(|person| {
            let mut others: Vec<u32> = edges
                .of_person(person)
                .filter(|edge| edge.actor() > person && registered[edge.actor() as usize])
                .filter(|edge| edge.share() > Share::NONE && edges.has(edge.actor(), person))
                .map(|edge| edge.actor())
                .collect();
            others.sort_unstable();
            others.dedup();
            others.into_iter().map(move |other| (person, other))
        })
    });
    found.collect()
}

fn in_both(one: &[u32], other: &[u32]) -> u32 {
    let (mut left, mut right, mut both) = (0, 0, 0);
    while let (Some(one), Some(other)) = (one.get(left), other.get(right)) {
        both += u32::from(one == other);
        left += usize::from(one <= other);
        right += usize::from(other <= one);
    }
    both
}

// === impl Mutual ===

impl Mutual {
    fn new(people: usize, pairs: &[(u32, u32)]) -> Self {
        let mut starts = vec![0; people + 2];
        for (one, other) in pairs {
            starts[*one as usize + 2] += 1;
            starts[*other as usize + 2] += 1;
        }
        for person in 2..starts.len() {
            starts[person] += starts[person - 1];
        }
        // Pairs come in order, so everybody's lesser friends come before the greater, and both in order.
        let mut mutual = vec![0; 2 * pairs.len()];
        let mut place = |person: u32, friend: u32| {
            let next = &mut starts[person as usize + 1];
            mutual[*next] = friend;
            *next += 1;
        };
        for (one, other) in pairs {
            place(*other, *one);
        }
        for (one, other) in pairs {
            place(*one, *other);
        }
        starts.pop();
        Self { people: mutual, starts }
    }

    fn of(&self, person: u32) -> &[u32] {
        &self.people[self.starts[person as usize]..self.starts[person as usize + 1]]
    }
}
