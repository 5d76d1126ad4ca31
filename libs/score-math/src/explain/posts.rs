//! What each post brings.
//!
//! Of a reaction to a post only kind and day are known beside how many there were. So a post has of everything
//! of a kind and day the part that its tallies are of it, and without the post each actor has so much less
//! mass there. The post itself stays among the posts that reactions are measured by.

use klout_model::{Kind, Network, Score, WINDOW_DAYS};

use super::{Contribution, Group, NO_POST, OTHER_POSTS, POSTS_MAX, contributions};
use crate::{
    PlusK, Presence, Sums, Unnamed, float,
    ledger::{Entry, Ledger, Rates, Whole},
    portrait::{PostHash, PostTally},
};

/// A post and what it earned.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    pub network: Network,
    pub post: PostHash,
    /// In whole UTC days, as far as that was told.
    pub age: Option<u8>,
    /// Points of the score.
    pub points: f64,
    /// Interactions by kind, in the order of kinds.
    pub counts: Vec<(Kind, u64)>,
}

/// Posts that something was done about, taken apart from everything else.
#[derive(Debug)]
pub(super) struct Posts {
    /// Those that bring most.
    named: Vec<(Post, Group)>,
    others: Vec<Post>,
    /// What the others bring together.
    other: Option<Group>,
    /// What belongs to no post.
    none: Option<Group>,
}

#[derive(Clone, Debug)]
struct Post {
    presence: usize,
    network: Network,
    post: PostHash,
    age: Option<u8>,
    /// In people of influence.
    credit: f64,
    tallies: Vec<PostTally>,
}

const DAYS: usize = WINDOW_DAYS as usize;

/// Everything of one kind and day of a presence.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    count: u64,
    /// How much of it belongs to posts.
    tallied: u64,
    /// In people of influence.
    credit: f64,
}

/// The cells of a presence, by kind and day.
#[derive(Debug)]
struct Cells(Vec<Cell>);

/// Of each cell of a presence, the part that is left out, 0 to 1.
#[derive(Debug)]
struct Parts(Vec<f64>);

impl Ledger<'_> {
    pub(super) fn posts(&self, rates: &Rates) -> Posts {
        let cells: Vec<Cells> =
            (0..self.entries.len()).map(|presence| self.cells(rates, presence)).collect();
        let mut posts: Vec<Post> =
            self.entries.iter().zip(&cells).enumerate().flat_map(posts_of).collect();
        posts.sort_by(|one, other| {
            let by_credit = other.credit.total_cmp(&one.credit);
            by_credit.then_with(|| (one.presence, one.post).cmp(&(other.presence, other.post)))
        });
        let others = posts.split_off(posts.len().min(POSTS_MAX));

        let named = posts.into_iter().map(|post| {
            let mut parts = Parts::default();
            parts.add(&cells[post.presence], &post);
            let without = self.loss(&self.with(|place, entry| {
                if place == post.presence {
                    self.left(entry, &parts)
                } else {
                    self.whole.presences[place]
                }
            }));
            let name = format!("{}:{}", post.network, post.post);
            let group = Group { name, credit: post.credit, without, count: post.count() };
            (post, group)
        });
        let named = named.collect();

        let mut parts: Vec<Parts> = cells.iter().map(|_| Parts::default()).collect();
        for post in &others {
            parts[post.presence].add(&cells[post.presence], post);
        }
        let other = (!others.is_empty()).then(|| Group {
            name: OTHER_POSTS.to_owned(),
            credit: others.iter().map(|post| post.credit).sum(),
            without: self.loss(&self.with(|place, entry| self.left(entry, &parts[place]))),
            count: others.iter().map(Post::count).fold(0, u64::saturating_add),
        });
        Posts { named, others, other, none: self.no_post(rates, &cells) }
    }

    fn no_post(&self, rates: &Rates, cells: &[Cells]) -> Option<Group> {
        let counted = self.counters_count().saturating_add(self.plus_k_count());
        let untold = cells.iter().flat_map(|cells| &cells.0);
        let count = untold.clone().map(|cell| cell.untold()).fold(counted, u64::saturating_add);
        (count > 0).then(|| {
            let credit: f64 = untold.map(|cell| cell.credit * cell.rest()).sum();
            let parts: Vec<Parts> = cells.iter().map(Parts::rest).collect();
            let left = self.with(|place, entry| self.left(entry, &parts[place]));
            let left = Whole { counters: Vec::new(), plus_k: PlusK::default(), ..left };
            Group {
                name: NO_POST.to_owned(),
                credit: credit + self.counters_credits(rates) + rates.parts.plus_k,
                without: self.loss(&left),
                count,
            }
        })
    }

    fn cells(&self, rates: &Rates, presence: usize) -> Cells {
        let entry = &self.entries[presence];
        let mut cells = Cells(vec![Cell::default(); Kind::ALL.len() * DAYS]);
        for edge in &entry.edges {
            let credit = self.credit(rates, presence, edge);
            for row in &entry.rows[edge.rows.clone()] {
                let cell = &mut cells.0[place(row.kind, row.age)];
                cell.count = cell.count.saturating_add(row.count);
                cell.credit += credit * super::breakdown::part(row.mass.into(), edge.mass);
            }
        }
        let count = entry.unnamed.count();
        let each = if count > 0.0 {
            self.nameless_rate(rates, presence) * entry.unnamed.worth(self.model) / count
        } else {
            0.0
        };
        for (kind, age, count) in &entry.nameless {
            let cell = &mut cells.0[place(*kind, *age)];
            cell.count = cell.count.saturating_add(*count);
            let first = self.model.first(entry.of.vouched, *kind, *age).people();
            cell.credit += each * first * float(*count);
        }
        for tally in entry.of.tallies.iter().filter(|tally| tally.age < WINDOW_DAYS) {
            let cell = &mut cells.0[place(tally.kind, tally.age)];
            cell.tallied = cell.tallied.saturating_add(tally.count);
        }
        cells
    }

    /// The presence without these parts of its cells.
    fn left(&self, entry: &Entry<'_>, parts: &Parts) -> Presence {
        let lost = entry.edges.iter().fold(Sums::default(), |lost, edge| {
            let rows = entry.rows[edge.rows.clone()].iter();
            let mass: f64 =
                rows.map(|row| float(row.mass) * parts.0[place(row.kind, row.age)]).sum();
            if mass > 0.0 {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "saturates"
                )]
                let mass = mass.round() as u128;
                lost.and(&self.lost(edge, mass))
            } else {
                lost
            }
        });
        let unnamed = entry.nameless.iter().fold(Unnamed::default(), |sum, cell| {
            let part = 1.0 - parts.0[place(cell.0, cell.1)];
            sum.plus_part(self.model, entry.of.vouched, *cell, part)
        });
        entry.with(self.model, &entry.sums.but(&lost), &unnamed)
    }
}

/// The posts of a presence that something was done about.
fn posts_of((presence, (entry, cells)): (usize, (&Entry<'_>, &Cells))) -> Vec<Post> {
    let mut ages = entry.of.posts.clone();
    ages.sort_unstable();
    let age_of = |post: PostHash| {
        // Of the same post twice, the day it was first told of.
        let after = ages.partition_point(|it| it.0 <= post);
        let (found, age) = *ages.get(after.checked_sub(1)?)?;
        (found == post).then_some(age)
    };
    let in_window = entry.of.tallies.iter().filter(|it| it.age < WINDOW_DAYS && it.count > 0);
    let mut tallies: Vec<PostTally> = in_window.copied().collect();
    tallies.sort_unstable_by_key(|tally| (tally.post, tally.kind, tally.age, tally.count));
    let posts = tallies.chunk_by(|one, other| one.post == other.post);
    posts
        .map(|tallies| Post {
            presence,
            network: entry.of.network.clone(),
            post: tallies[0].post,
            age: age_of(tallies[0].post),
            credit: tallies
                .iter()
                .map(|tally| {
                    let cell = cells.0[place(tally.kind, tally.age)];
                    cell.credit * cell.part(tally.count)
                })
                .sum(),
            tallies: tallies.to_vec(),
        })
        .collect()
}

fn place(kind: Kind, age: u8) -> usize {
    usize::from(kind.code()) * DAYS + usize::from(age)
}

// === impl Posts ===

impl Posts {
    pub(super) fn into_groups(self) -> Vec<Group> {
        let Self { named, other, none, .. } = self;
        named.into_iter().map(|(_, group)| group).chain(other).chain(none).collect()
    }

    pub(super) fn into_moments(self, score: Score) -> Vec<Moment> {
        let Self { named, others, other, none } = self;
        let (posts, groups): (Vec<Post>, Vec<Group>) = named.into_iter().unzip();
        let rest = contributions(score, groups.iter().cloned().chain(other).chain(none).collect());
        let points_of = |name: &str| {
            let of = |it: &&Contribution| it.name == name;
            rest.iter().find(of).map_or(0.0, |it| it.points)
        };
        let all: f64 = others.iter().map(|post| post.credit).sum();
        let worth = if all > 0.0 { points_of(OTHER_POSTS) / all } else { 0.0 };
        let named = posts.into_iter().zip(groups).map(|(post, group)| {
            let points = points_of(&group.name);
            post.into_moment(points)
        });
        let others = others.into_iter().map(|post| {
            let points = post.credit * worth;
            post.into_moment(points)
        });
        let mut moments: Vec<Moment> = named.chain(others).collect();
        // Stable: posts with equal points stay in the order of what they bring.
        moments.sort_by(|one, other| other.points.total_cmp(&one.points));
        moments
    }
}

// === impl Post ===

impl Post {
    fn count(&self) -> u64 {
        self.tallies.iter().fold(0, |sum, tally| sum.saturating_add(tally.count))
    }

    fn into_moment(self, points: f64) -> Moment {
        let by_kind = self.tallies.chunk_by(|one, other| one.kind == other.kind);
        let counts = by_kind.map(|tallies| {
            let count = tallies.iter().fold(0_u64, |sum, it| sum.saturating_add(it.count));
            (tallies[0].kind, count)
        });
        let counts = counts.collect();
        Moment { network: self.network, post: self.post, age: self.age, points, counts }
    }
}

// === impl Cell ===

impl Cell {
    /// What so many of its interactions are of it. Tallies that are more than there is are all of it together.
    fn part(self, tallied: u64) -> f64 {
        let all = self.count.max(self.tallied);
        if all > 0 { float(tallied) / float(all) } else { 0.0 }
    }

    /// What belongs to no post.
    fn untold(self) -> u64 {
        self.count.saturating_sub(self.tallied)
    }

    /// The same as a part of it.
    fn rest(self) -> f64 {
        self.part(self.untold())
    }
}

// === impl Parts ===

impl Default for Parts {
    fn default() -> Self {
        Self(vec![0.0; Kind::ALL.len() * DAYS])
    }
}

impl Parts {
    /// Leaves a post out.
    fn add(&mut self, cells: &Cells, post: &Post) {
        for tally in &post.tallies {
            let place = place(tally.kind, tally.age);
            let part = &mut self.0[place];
            *part = (*part + cells.0[place].part(tally.count)).min(1.0);
        }
    }

    /// Leaves out what belongs to no post.
    fn rest(cells: &Cells) -> Self {
        Self(cells.0.iter().map(|cell| cell.rest()).collect())
    }
}
