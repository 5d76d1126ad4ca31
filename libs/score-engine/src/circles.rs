//! Closed circles: people who all react to one another. docs/scoring.md, section 5.

use klout_score_math::{Factor, Model, Share, attention, discount};
use rayon::prelude::*;

use crate::{edges::Edges, population::index_of};

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
    let attention = |person: u32| Factor::of(attention(model, given[person as usize]));
    let all = |people: &[u32]| {
        people.iter().fold(Factor::ZERO, |sum, person| sum.and(attention(*person)))
    };
    let of_each: Vec<Factor> = (0..index_of(edges.people()))
        .into_par_iter()
        .map(|person| all(mutual.of(person)))
        .collect();
    let closed = pairs.par_iter().filter_map(|(one, other)| {
        let (with_one, with_other) = (mutual.of(*one), mutual.of(*other));
        if with_one.len().max(with_other.len()) > model.mutual_max() as usize {
            return None;
        }
        let (of_one, of_other) = (of_each[*one as usize], of_each[*other as usize]);
        let discount = |both| discount(model, both, of_one, of_other);
        // Cannot be closed, whoever they are: most pairs end here.
        if discount(of_one.min(of_other)) == Share::NONE {
            return None;
        }
        let both =
            in_both(with_one, with_other).fold(Factor::ZERO, |sum, it| sum.and(attention(it)));
        let discount = discount(both);
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

/// Who is in both lists, which are in order.
fn in_both<'a>(one: &'a [u32], other: &'a [u32]) -> impl Iterator<Item = u32> + 'a {
    let (mut left, mut right) = (0, 0);
    std::iter::from_fn(move || {
        while let (Some(one), Some(other)) = (one.get(left), other.get(right)) {
            left += usize::from(one <= other);
            right += usize::from(other <= one);
            if one == other {
                return Some(*one);
            }
        }
        None
    })
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
