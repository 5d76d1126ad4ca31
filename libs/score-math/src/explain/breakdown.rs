//! What each network, dimension, kind and class of actors brings, and what the score is without it.

use klout_model::{CounterName, Kind};

use super::{
    AMPLIFICATION, ActorClass, COUNTERS, Group, NETWORK_IMPACT, NONE, OUTSIDE_INFLUENCE, PLUS_K,
    TRUE_REACH, UNNAMED,
};
use crate::{
    Factors, Model, PlusK, Presence, Sums, Unnamed, float,
    ledger::{Edge, Entry, Ledger, Rates, Whole, share, sums_of},
    person::curve,
    share::{Factor, People},
};

impl Ledger<'_> {
    /// What the score loses when it is made of `whole` instead.
    pub(super) fn loss(&self, whole: &Whole) -> f64 {
        self.loss_of(whole.influence(self.model))
    }

    /// The same when so much influence is left.
    fn loss_of(&self, left: f64) -> f64 {
        let points = |influence| curve(self.model, influence).points();
        points(self.whole.influence(self.model)) - points(left)
    }

    /// The presences with what is left of each sum, and everything else.
    pub(super) fn with(&self, left: impl Fn(usize, &Entry<'_>) -> Presence) -> Whole {
        let presences = self.entries.iter().enumerate().map(|(place, it)| left(place, it));
        Whole { presences: presences.collect(), ..self.whole.clone() }
    }

    fn without_counters(&self) -> Whole {
        Whole { counters: Vec::new(), ..self.whole.clone() }
    }

    fn without_plus_k(&self) -> Whole {
        Whole { plus_k: PlusK::default(), ..self.whole.clone() }
    }

    /// +K, if there is any.
    fn given(&self, rates: &Rates) -> Option<Group> {
        (!self.givers.is_empty()).then(|| Group {
            name: PLUS_K.to_owned(),
            credit: rates.parts.plus_k,
            without: self.loss(&self.without_plus_k()),
            count: self.plus_k_count(),
        })
    }

    pub(super) fn plus_k_count(&self) -> u64 {
        self.givers.iter().fold(0, |sum, giver| sum.saturating_add(giver.count))
    }

    pub(super) fn counters_count(&self) -> u64 {
        self.entries.iter().map(Entry::counters_count).sum()
    }

    /// What all counters bring.
    pub(super) fn counters_credits(&self, rates: &Rates) -> f64 {
        self.whole.counters.iter().map(|account| self.counters_credit(rates, account)).sum()
    }

    /// What is done to a presence by nobody in particular.
    fn nameless_credit(&self, rates: &Rates, presence: usize) -> f64 {
        self.nameless_rate(rates, presence) * self.entries[presence].unnamed.worth(self.model)
    }

    pub(super) fn networks(&self, rates: &Rates) -> Vec<Group> {
        let group = |place: usize, entry: &Entry<'_>| {
            let left_out = |other: &Entry<'_>| other.of.network == entry.of.network;
            let mut left = Whole { plus_k: self.whole.plus_k, ..Whole::default() };
            for (other, presence) in self.entries.iter().zip(&self.whole.presences) {
                if !left_out(other) {
                    left.presences.push(*presence);
                    left.counters.extend(&other.of.counters);
                }
            }
            let presence = &self.whole.presences[place];
            let counters = entry.of.counters.iter();
            let counters: f64 = counters.map(|it| self.counters_credit(rates, it)).sum();
            Group {
                name: entry.of.network.to_string(),
                credit: presence.influence + rates.stranger * presence.strangers + counters,
                without: self.loss(&left),
                count: entry.count().saturating_add(entry.counters_count()),
            }
        };
        let groups = self.entries.iter().enumerate().map(|(place, entry)| group(place, entry));
        groups.chain(self.given(rates)).collect()
    }

    pub(super) fn dimensions(&self, rates: &Rates) -> Vec<Group> {
        let (mut plain, mut amplified, mut prestige) = (0.0, 0.0, 0.0);
        let mut without_amplification = 0.0;
        let mut impressed = 0_u64;
        for (place, (entry, presence)) in self.entries.iter().zip(&self.whole.presences).enumerate()
        {
            let credible = entry.credible(self.model);
            let added = self.prestige(entry).min(credible);
            let part = presence.amplified_part(self.model);
            prestige += added * rates.kept[place];
            amplified += (credible - added) * part;
            plain += (credible - added) * (rates.kept[place] - part);
            without_amplification += credible * part;
            impressed = impressed.saturating_add(self.impressed(entry));
        }
        let interactions = self.entries.iter().map(Entry::count).fold(0, u64::saturating_add);
        let influence = rates.influence;
        let group = |name: &str, credit: f64, lost: f64, count| Group {
            name: name.to_owned(),
            credit,
            without: self.loss_of((influence - lost).max(0.0)),
            count,
        };
        let reach = plain + rates.parts.strangers;
        let (outside, plus_k) = (rates.parts.outside, rates.parts.plus_k);
        let pages = self.whole.counters.iter().map(|it| it.read().filter(is_page).count() as u64);
        let counted = self.counters_count();
        let pages: u64 = pages.sum();
        vec![
            group(TRUE_REACH, reach, reach, interactions.saturating_add(counted - pages)),
            group(AMPLIFICATION, amplified, without_amplification, interactions),
            group(NETWORK_IMPACT, prestige, prestige, impressed),
            group(OUTSIDE_INFLUENCE, outside, outside, pages),
            group(PLUS_K, plus_k, plus_k, self.plus_k_count()),
        ]
    }

    /// What prestige adds to the credible attention of a presence, in people. Section 6.
    fn prestige(&self, entry: &Entry<'_>) -> f64 {
        let added = entry.edges.iter().fold(People::default(), |sum, edge| {
            let factors = &self.actor(edge.actor).factors;
            sum.plus(prestige(self.model, factors), edge.share)
        });
        added.count()
    }

    /// How many reactions are by somebody with prestige.
    fn impressed(&self, entry: &Entry<'_>) -> u64 {
        let with_prestige =
            |row: &&crate::ledger::Row| self.actor(row.actor).factors.prestige > Factor::ZERO;
        let counts = entry.rows.iter().filter(with_prestige).map(|row| row.count);
        counts.fold(0, u64::saturating_add)
    }

    pub(super) fn kinds(&self, rates: &Rates) -> Vec<Group> {
        let mut credits = [0.0; Kind::ALL.len()];
        let mut counts = [0_u64; Kind::ALL.len()];
        let mut lost = Vec::new();
        for (place, entry) in self.entries.iter().enumerate() {
            let mut of_entry = [Sums::default(); Kind::ALL.len()];
            for edge in &entry.edges {
                for (kind, mass, count) in of_kinds(entry, edge) {
                    let kind = usize::from(kind.code());
                    of_entry[kind] = of_entry[kind].and(&self.lost(edge, mass));
                    counts[kind] = counts[kind].saturating_add(count);
                }
            }
            lost.push(of_entry);
            for (kind, credit) in self.kinds_of(rates, place) {
                credits[usize::from(kind.code())] += credit;
            }
        }
        let kinds = Kind::ALL.into_iter().enumerate().filter(|(place, _)| counts[*place] > 0);
        let groups = kinds.map(|(kind, name)| Group {
            name: name.as_str().to_owned(),
            credit: credits[kind],
            without: self.loss(&self.with(|place, entry| {
                entry.with(self.model, &entry.sums.but(&lost[place][kind]), &entry.unnamed)
            })),
            count: counts[kind],
        });
        let groups = groups.chain(self.nameless(rates)).chain(self.counted(rates, COUNTERS));
        groups.chain(self.given(rates)).collect()
    }

    /// What each kind brings on one network, in people.
    pub(crate) fn kinds_of(&self, rates: &Rates, place: usize) -> Vec<(Kind, f64)> {
        let entry = &self.entries[place];
        let mut credits = [0.0; Kind::ALL.len()];
        for edge in &entry.edges {
            let credit = self.credit(rates, place, edge);
            for (kind, mass, _) in of_kinds(entry, edge) {
                credits[usize::from(kind.code())] += credit * part(mass, edge.mass);
            }
        }
        Kind::ALL.into_iter().zip(credits).filter(|(_, credit)| *credit > 0.0).collect()
    }

    /// What the sums of a presence lose when so much mass of an edge is left out.
    pub(super) fn lost(&self, edge: &Edge, mass: u128) -> Sums {
        let actor = self.actor(edge.actor);
        let left = share(self.model, edge.mass.saturating_sub(mass), actor.discount);
        sums_of(&actor.factors, edge.share).but(&sums_of(&actor.factors, left))
    }

    /// Interactions that name nobody, if there are any.
    fn nameless(&self, rates: &Rates) -> Option<Group> {
        let count = self.entries.iter().map(Entry::nameless_count).fold(0, u64::saturating_add);
        (count > 0).then(|| Group {
            name: UNNAMED.to_owned(),
            credit: (0..self.entries.len()).map(|it| self.nameless_credit(rates, it)).sum(),
            without: self.loss(
                &self.with(|_, entry| entry.with(self.model, &entry.sums, &Unnamed::default())),
            ),
            count,
        })
    }

    /// Numbers that have no actors, if there are any.
    fn counted(&self, rates: &Rates, name: &str) -> Option<Group> {
        let count = self.counters_count();
        (count > 0).then(|| Group {
            name: name.to_owned(),
            credit: self.counters_credits(rates),
            without: self.loss(&self.without_counters()),
            count,
        })
    }

    pub(super) fn actor_classes(&self, rates: &Rates) -> Vec<Group> {
        let classes: Vec<usize> = self
            .portrait
            .actors
            .iter()
            .map(|actor| ActorClass::of(&actor.factors, actor.registered) as usize)
            .collect();
        let class_of = |actor: u32| classes[actor as usize];
        let mut credits = [0.0; ActorClass::ALL.len()];
        let mut counts = [0_u64; ActorClass::ALL.len()];
        let mut given = [PlusK::default(); ActorClass::ALL.len()];
        let mut lost = Vec::new();
        for (place, entry) in self.entries.iter().enumerate() {
            let mut sums = [Sums::default(); ActorClass::ALL.len()];
            for edge in &entry.edges {
                let class = class_of(edge.actor);
                let factors = &self.actor(edge.actor).factors;
                sums[class] = sums[class].plus(factors, edge.share);
                credits[class] += self.credit(rates, place, edge);
                let rows = entry.rows[edge.rows.clone()].iter();
                counts[class] = rows.fold(counts[class], |sum, row| sum.saturating_add(row.count));
            }
            lost.push(sums);
        }
        for giver in &self.givers {
            let class = class_of(giver.actor);
            given[class] = given[class].and(giver.worth);
            credits[class] += rates.plus_k * self.whole.plus_k.worth_of(self.model, giver.worth);
            counts[class] = counts[class].saturating_add(giver.count);
        }
        let classes = ActorClass::ALL.into_iter().enumerate().filter(|(it, _)| counts[*it] > 0);
        let groups = classes.map(|(class, name)| {
            let mut left = self.with(|place, entry| {
                entry.with(self.model, &entry.sums.but(&lost[place][class]), &entry.unnamed)
            });
            left.plus_k = left.plus_k.but(given[class]);
            Group {
                name: name.as_str().to_owned(),
                credit: credits[class],
                without: self.loss(&left),
                count: counts[class],
            }
        });
        groups.chain(self.nameless(rates)).chain(self.counted(rates, NONE)).collect()
    }
}

/// What each kind has of an edge: mass and count.
fn of_kinds(entry: &Entry<'_>, edge: &Edge) -> impl Iterator<Item = (Kind, u128, u64)> {
    let rows = &entry.rows[edge.rows.clone()];
    rows.chunk_by(|one, other| one.kind == other.kind).map(|rows| {
        let mass = rows.iter().map(|row| u128::from(row.mass)).sum();
        let count = rows.iter().fold(0_u64, |sum, row| sum.saturating_add(row.count));
        (rows[0].kind, mass, count)
    })
}

/// How much of an edge this mass of it is, 0 to 1.
pub(super) fn part(mass: u128, all: u128) -> f64 {
    let [mass, all] = [mass, all].map(|it| float(u64::try_from(it).unwrap_or(u64::MAX)));
    if all > 0.0 { mass / all } else { 0.0 }
}

/// What prestige adds to the credible attention of a whole share.
fn prestige(model: &Model, factors: &Factors) -> Factor {
    let attention = factors.attention.value();
    let plain = attention / (1.0 + model.numbers.prestige.worth * factors.repute().prestige);
    Factor::of((attention - plain).max(0.0))
}

const fn is_page(name: &CounterName) -> bool {
    matches!(name, CounterName::PageInlinks | CounterName::PageOutlinks | CounterName::PageRank)
}
