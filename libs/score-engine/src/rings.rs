//! +K that come round: of members who vouch for one another in a ring. docs/scoring.md, section 8.

use klout_score_math::{Model, Share};
use rayon::prelude::*;

/// A +K of a member that came from its receiver in the first place, over others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// A person, as is `giver`.
    pub receiver: u32,
    pub giver: u32,
    /// The part of the +K that came round.
    pub part: Share,
}

/// All +K that one person gave another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given {
    pub(crate) receiver: u32,
    pub(crate) giver: u32,
    pub(crate) share: Share,
    /// Whether the receiver gave the giver one too.
    pub(crate) back: bool,
}

/// Part of a giver's +K, which is `WHOLE`, that came over `over` from `receiver`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    receiver: u32,
    over: u32,
    giver: u32,
    part: u64,
}

/// Whom each person has +K of, as far as both are registered.
struct Vouching {
    /// By receiver, then giver.
    received: Vec<(u32, u32, u64)>,
    /// Where the rows of each receiver begin, and their number last.
    starts: Vec<u32>,
}

/// What is followed of each giver's +K. Times a share it is still below 2⁶⁴.
const WHOLE: u64 = 1 << 40;

/// Every +K of which a part came round, by receiver, then giver. `given` is in that order too.
pub(crate) fn rounds(model: &Model, registered: &[bool], given: &[Given]) -> Vec<Round> {
    let among_members = |it: &&Given| {
        registered[it.receiver as usize] && registered[it.giver as usize] && it.share > Share::NONE
    };
    if model.ring_steps() == 0 || !given.iter().any(|it| among_members(&it)) {
        return Vec::new();
    }
    let vouching = Vouching::new(registered.len(), given.iter().filter(among_members));
    // Whoever vouches for somebody in a ring was vouched for.
    let mut one_way: Vec<(u32, u32)> = given
        .iter()
        .filter(|it| among_members(it) && !it.back && !vouching.of(it.giver).is_empty())
        .map(|it| (it.giver, it.receiver))
        .collect();
    one_way.par_sort_unstable();
    let of_one: Vec<&[(u32, u32)]> = one_way.chunk_by(|one, other| one.0 == other.0).collect();
    let mut ways: Vec<Way> =
        of_one.par_iter().flat_map_iter(|given| vouching.ways(model, given)).collect();
    ways.par_sort_unstable();

    let mut found: Vec<Round> = Vec::new();
    for of_one in ways.chunk_by(|one, other| one.receiver == other.receiver) {
        let mut parts: Vec<(u32, u64)> = Vec::new();
        for over_one in of_one.chunk_by(|one, other| one.over == other.over) {
            parts.extend(vouching.returned(over_one));
        }
        parts.sort_unstable();
        for of_giver in parts.chunk_by(|one, other| one.0 == other.0) {
            let part = of_giver.iter().fold(0_u64, |sum, it| sum.saturating_add(it.1)).min(WHOLE);
            let (receiver, giver) = (of_one[0].receiver, of_giver[0].0);
            let part = share_of(part);
            if part > Share::NONE {
                found.push(Round { receiver, giver, part });
            }
        }
    }
    found
}

/// One row for each person.
fn together(mut parts: Vec<(u32, u64)>) -> Vec<(u32, u64)> {
    parts.sort_unstable();
    parts.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    parts
}

/// A part of `WHOLE`, rounded down.
fn share_of(part: u64) -> Share {
    let parts = u64::from(Share::WHOLE.parts()) * part / WHOLE;
    Share::of_parts(u16::try_from(parts).unwrap_or(u16::MAX))
}

// === impl Vouching ===

impl Vouching {
    fn new<'a>(people: usize, rows: impl Iterator<Item = &'a Given>) -> Self {
        let received: Vec<(u32, u32, u64)> =
            rows.map(|it| (it.receiver, it.giver, u64::from(it.share.parts()))).collect();
        let mut starts = vec![0; people + 1];
        for (receiver, ..) in &received {
            starts[*receiver as usize + 1] += 1;
        }
        for person in 1..starts.len() {
            starts[person] += starts[person - 1];
        }
        Self { received, starts }
    }

    /// The +K that a person has.
    fn of(&self, person: u32) -> &[(u32, u32, u64)] {
        let start = self.starts[person as usize] as usize;
        &self.received[start..self.starts[person as usize + 1] as usize]
    }

    fn share(&self, giver: u32, receiver: u32) -> u64 {
        let of = self.of(receiver);
        of.binary_search_by_key(&giver, |it| it.1).map_or(0, |place| of[place].2)
    }

    /// Follows what stands behind one giver back to whom it is from, and notes where it comes past those whom the giver
    /// vouches for: `to`, pairs of that giver and a receiver, in order.
    fn ways(&self, model: &Model, to: &[(u32, u32)]) -> Vec<Way> {
        let giver = to[0].0;
        let least = WHOLE / u64::from(model.ring_least());
        let mut ways: Vec<Way> = Vec::new();
        let mut here = vec![(giver, WHOLE)];
        for _ in 0..model.ring_steps() {
            let mut before: Vec<(u32, u64)> = Vec::new();
            for (person, part) in here {
                let of = self.of(person);
                let all: u64 = of.iter().map(|it| it.2).sum();
                for (_, from, share) in of {
                    let part = part * share / all;
                    before.push((*from, part));
                    if part > 0 && to.binary_search(&(giver, *from)).is_ok() {
                        ways.push(Way { receiver: *from, over: person, giver, part });
                    }
                }
            }
            here = together(before);
            here.retain(|(_, part)| *part >= least);
            if here.is_empty() {
                break;
            }
        }
        ways.sort_unstable();
        ways.dedup_by(|next, kept| {
            let same = (next.receiver, next.over) == (kept.receiver, kept.over);
            if same {
                kept.part = kept.part.saturating_add(next.part);
            }
            same
        });
        ways
    }

    /// What came from one receiver over one other, as `ways` tell: at most what the receiver gave the other. By giver.
    fn returned(&self, ways: &[Way]) -> Vec<(u32, u64)> {
        let Way { receiver, over, .. } = ways[0];
        let amount = |it: &Way| u128::from(it.part) * u128::from(self.share(it.giver, receiver));
        let all: u128 = ways.iter().map(amount).sum();
        let most = u128::from(WHOLE) * u128::from(self.share(receiver, over));
        let part = |it: &Way| {
            if all <= most {
                return it.part;
            }
            let part = u128::from(it.part) * most / all;
            u64::try_from(part).expect("less than all of it")
        };
        ways.iter().map(|it| (it.giver, part(it))).collect()
    }
}
