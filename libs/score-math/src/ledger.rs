//! A portrait in order: edges with their rows, their sums, and what each row brings.

use std::ops::Range;

use klout_model::{Kind, WINDOW_DAYS};

use crate::{
    Counters, Factors, Model, Parts, PersonEvidence, PersonScore, PlusK, Portrait, Presence, Share,
    Sums, Unnamed,
    portrait::{PortraitActor, PortraitPresence},
};

/// A portrait, its rows put together as the engine does.
#[derive(Debug)]
pub(crate) struct Ledger<'a> {
    pub(crate) model: &'a Model,
    pub(crate) portrait: &'a Portrait,
    /// One for each presence of the portrait, in its order.
    pub(crate) entries: Vec<Entry<'a>>,
    pub(crate) givers: Vec<Giver>,
    pub(crate) whole: Whole,
}

/// One presence.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) of: &'a PortraitPresence,
    /// By actor, then kind, then age.
    pub(crate) rows: Vec<Row>,
    pub(crate) edges: Vec<Edge>,
    /// Those of one kind and day put together, in ascending order.
    pub(crate) nameless: Vec<(Kind, u8, u64)>,
    pub(crate) sums: Sums,
    pub(crate) unnamed: Unnamed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row {
    pub(crate) actor: u32,
    pub(crate) kind: Kind,
    pub(crate) age: u8,
    pub(crate) count: u64,
    pub(crate) mass: u64,
}

/// One actor of a presence.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    pub(crate) actor: u32,
    /// Its rows in those of the presence.
    pub(crate) rows: Range<usize>,
    /// Exact, so that a part can be taken out of it.
    pub(crate) mass: u128,
    pub(crate) share: Share,
}

/// Somebody who gave a +K.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Giver {
    pub(crate) actor: u32,
    pub(crate) count: u64,
    pub(crate) worth: PlusK,
}

/// What a person's score is computed from: the presences in the order of the entries, and the counters of
/// all accounts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Whole {
    pub(crate) presences: Vec<Presence>,
    pub(crate) counters: Vec<Counters>,
    pub(crate) plus_k: PlusK,
}

/// What single amounts are of the person's influence. Where a sum is bent, as that of strangers, each part
/// of the sum has the same part of what comes out.
#[derive(Debug)]
pub(crate) struct Rates {
    pub(crate) influence: f64,
    /// Of credible attention, by presence.
    pub(crate) kept: Vec<f64>,
    /// Of a stranger.
    pub(crate) stranger: f64,
    /// Of what counters add up to.
    pub(crate) counted: f64,
    /// Of what givers of +K add up to.
    pub(crate) plus_k: f64,
    pub(crate) parts: Parts,
}

// === impl Ledger ===

impl<'a> Ledger<'a> {
    pub(crate) fn new(model: &'a Model, portrait: &'a Portrait) -> Self {
        let entries: Vec<Entry<'a>> = portrait
            .presences
            .iter()
            .map(|presence| Entry::new(model, &portrait.actors, presence))
            .collect();
        let givers = givers(model, portrait);
        let whole = Whole {
            presences: entries.iter().map(|it| it.with(model, &it.sums, &it.unnamed)).collect(),
            counters: entries.iter().flat_map(|it| &it.of.counters).copied().collect(),
            plus_k: givers.iter().fold(PlusK::default(), |sum, giver| sum.and(giver.worth)),
        };
        Self { model, portrait, entries, givers, whole }
    }

    pub(crate) fn actor(&self, actor: u32) -> &'a PortraitActor {
        &self.portrait.actors[actor as usize]
    }

    fn is_evidence(&self) -> bool {
        let of_presence = |it: &Entry<'_>| {
            !it.edges.is_empty()
                || !it.nameless.is_empty()
                || !it.of.counters.is_empty()
                || it.of.posts.iter().any(|(_, age)| *age < WINDOW_DAYS)
        };
        self.portrait.seen || !self.givers.is_empty() || self.entries.iter().any(of_presence)
    }

    pub(crate) fn score(&self) -> Option<PersonScore> {
        self.is_evidence().then(|| self.whole.score(self.model))
    }

    pub(crate) fn rates(&self) -> Rates {
        let Self { model, entries, whole, .. } = self;
        let parts = whole.parts(model);
        let kept = entries.iter().zip(&whole.presences).map(|(entry, presence)| {
            let credible = entry.credible(model);
            if credible > 0.0 { presence.influence / credible } else { 0.0 }
        });
        // S of section 8 is 1 less a power of e, so what is in the exponent adds up.
        let numbers = &model.numbers.strangers;
        let strangers: f64 = whole.presences.iter().map(|it| it.strangers).sum();
        let counted: f64 = whole.counters.iter().map(|it| it.counted(model)).sum();
        let by_strangers = numbers.weight * strangers / numbers.people;
        let by_counters = libm::log1p(counted / numbers.counters_half);
        let both = by_strangers + by_counters;
        let of_each = |part: f64, sum: f64| {
            if sum > 0.0 && both > 0.0 { parts.strangers * (part / both) / sum } else { 0.0 }
        };
        let given = whole.plus_k.worth(model);
        Rates {
            influence: parts.influence(),
            kept: kept.collect(),
            stranger: of_each(by_strangers, strangers),
            counted: of_each(by_counters, counted),
            plus_k: if given > 0.0 { parts.plus_k / given } else { 0.0 },
            parts,
        }
    }

    /// What an edge brings, and what its presence does.
    pub(crate) fn credit(&self, rates: &Rates, presence: usize, edge: &Edge) -> f64 {
        let factors = &self.actor(edge.actor).factors;
        let worth = rates.kept[presence] * factors.attention.value()
            + rates.stranger * factors.strangers.value();
        worth * edge.share.people()
    }

    /// What one person of `g`, section 7, brings to a presence.
    pub(crate) fn nameless_rate(&self, rates: &Rates, presence: usize) -> f64 {
        if self.entries[presence].of.vouched { rates.kept[presence] } else { rates.stranger }
    }

    /// What the counters of an account bring.
    pub(crate) fn counters_credit(&self, rates: &Rates, account: &Counters) -> f64 {
        rates.counted * account.counted(self.model) + account.outside(self.model)
    }
}

/// Everybody who gave a +K, by actor.
fn givers(model: &Model, portrait: &Portrait) -> Vec<Giver> {
    let mut rows: Vec<_> = portrait.plus_k.iter().filter(|it| it.age < WINDOW_DAYS).collect();
    rows.sort_unstable_by_key(|row| (row.actor, row.age, row.count));
    let of_one = rows.chunk_by(|one, other| one.actor == other.actor);
    of_one
        .map(|rows| {
            let add = |mass: u64, added| mass.saturating_add(added);
            let masses = rows.iter().map(|row| model.mass(Kind::PlusK, row.age, row.count));
            let share = model.share(masses.fold(0, add));
            let mut worth = PlusK::default();
            let PortraitActor { factors, come_round, .. } =
                &portrait.actors[rows[0].actor as usize];
            let given_back = rows.iter().any(|row| row.given_back);
            worth.add(factors, share, if given_back { Share::WHOLE } else { *come_round });
            let count = rows.iter().map(|row| row.count).fold(0, add);
            Giver { actor: rows[0].actor, count, worth }
        })
        .collect()
}

// === impl Entry ===

impl<'a> Entry<'a> {
    fn new(model: &Model, actors: &[PortraitActor], of: &'a PortraitPresence) -> Self {
        let in_window = of.reactions.iter().filter(|row| row.age < WINDOW_DAYS);
        let mut rows: Vec<Row> = in_window
            .map(|row| {
                let mass = model.mass(row.kind, row.age, row.count);
                Row { actor: row.actor, kind: row.kind, age: row.age, count: row.count, mass }
            })
            .collect();
        rows.sort_unstable();
        let mut edges: Vec<Edge> = Vec::new();
        let mut sums = Sums::default();
        for rows in rows.chunk_by(|one, other| one.actor == other.actor) {
            let start = edges.last().map_or(0, |edge| edge.rows.end);
            let actor = rows[0].actor;
            let mass = rows.iter().map(|row| u128::from(row.mass)).sum();
            let PortraitActor { factors, discount, .. } = &actors[actor as usize];
            let share = share(model, mass, *discount);
            sums = sums.plus(factors, share);
            edges.push(Edge { actor, rows: start..start + rows.len(), mass, share });
        }

        let mut cells = of.unnamed.clone();
        cells.retain(|(_, age, _)| *age < WINDOW_DAYS);
        cells.sort_unstable();
        let of_one = cells.chunk_by(|one, other| (one.0, one.1) == (other.0, other.1));
        let nameless: Vec<(Kind, u8, u64)> = of_one
            .map(|cells| {
                let count = cells.iter().fold(0_u64, |sum, it| sum.saturating_add(it.2));
                (cells[0].0, cells[0].1, count)
            })
            .collect();
        let unnamed = nameless.iter().fold(Unnamed::default(), |sum, (kind, age, count)| {
            sum.plus(model, of.vouched, *kind, *age, *count)
        });
        Self { of, rows, edges, nameless, sums, unnamed }
    }

    /// The presence with other sums.
    pub(crate) fn with(&self, model: &Model, sums: &Sums, unnamed: &Unnamed) -> Presence {
        self.with_posts(model, sums, unnamed, 0)
    }

    /// The presence with other sums, and with more posts of today.
    pub(crate) fn with_posts(
        &self,
        model: &Model,
        sums: &Sums,
        unnamed: &Unnamed,
        more: u64,
    ) -> Presence {
        let posts = self.of.posts.iter().map(|(_, age)| (*age, 1)).chain([(0, more)]);
        Presence::new(model, sums, self.of.vouched, unnamed, posts)
    }

    /// `R` of section 7.
    pub(crate) fn credible(&self, model: &Model) -> f64 {
        let votes = if self.of.vouched { self.unnamed.worth(model) } else { 0.0 };
        self.sums.credible() + votes
    }

    /// How many interactions there are.
    pub(crate) fn count(&self) -> u64 {
        self.rows.iter().map(|row| row.count).fold(self.nameless_count(), u64::saturating_add)
    }

    pub(crate) fn nameless_count(&self) -> u64 {
        self.nameless.iter().fold(0, |sum, (.., count)| sum.saturating_add(*count))
    }

    /// How many counters were read.
    pub(crate) fn counters_count(&self) -> u64 {
        self.of.counters.iter().map(|account| account.read().count() as u64).sum()
    }
}

/// What is left of a mass after the discount of a closed circle.
pub(crate) fn share(model: &Model, mass: u128, discount: Share) -> Share {
    model.share(u64::try_from(mass).unwrap_or(u64::MAX)).less(discount)
}

/// Of one edge.
pub(crate) fn sums_of(factors: &Factors, share: Share) -> Sums {
    Sums::default().plus(factors, share)
}

// === impl Whole ===

impl Whole {
    fn evidence(&self) -> PersonEvidence<'_> {
        let Self { presences, counters, plus_k } = self;
        PersonEvidence { presences, counters, plus_k: *plus_k }
    }

    pub(crate) fn score(&self, model: &Model) -> PersonScore {
        PersonScore::new(model, &self.evidence())
    }

    pub(crate) fn parts(&self, model: &Model) -> Parts {
        Parts::new(model, &self.evidence())
    }

    /// The influence, in people.
    pub(crate) fn influence(&self, model: &Model) -> f64 {
        self.parts(model).influence()
    }
}
