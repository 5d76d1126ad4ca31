//! An epoch as it is published: by who somebody is, so that some people can be scored without the others.

use klout_score_math::{Factor, Factors, Repute, Share};
use prost::Message as _;
use rustc_hash::FxHashMap;

use crate::{
    Closed, Epoch, Round, census::Identity, packed::PackedInvalid, population::index_of,
    sorted_ids::SortedIds,
};

/// What a pass found out about everybody. The default is that of before the first pass: whoever joined is
/// somebody, and nobody else is.
#[derive(Clone, Debug, Default)]
pub struct Published {
    members: Keyed,
    accounts: Keyed,
    /// Each pair twice, in order.
    closed: Vec<(i64, i64, Share)>,
    /// Receiver and giver of each +K that came round, in order.
    rounds: Vec<(i64, i64, Share)>,
}

/// Factors by id, but for those whose factors are those of a newcomer.
#[derive(Clone, Debug, Default)]
struct Keyed {
    ids: SortedIds,
    factors: Vec<Factors>,
}

/// As the bytes have it: a part of it.
#[derive(Clone, PartialEq, prost::Message)]
struct Columns {
    #[prost(message, optional, tag = "1")]
    members: Option<KeyedColumns>,
    #[prost(message, optional, tag = "2")]
    accounts: Option<KeyedColumns>,
    #[prost(sfixed64, repeated, tag = "3")]
    closed: Vec<i64>,
    #[prost(uint32, repeated, tag = "4")]
    discounts: Vec<u32>,
    #[prost(sfixed64, repeated, tag = "5")]
    rounds: Vec<i64>,
    #[prost(uint32, repeated, tag = "6")]
    round_parts: Vec<u32>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct KeyedColumns {
    #[prost(sfixed64, repeated, tag = "1")]
    ids: Vec<i64>,
    #[prost(uint64, repeated, tag = "2")]
    attention: Vec<u64>,
    #[prost(uint64, repeated, tag = "3")]
    people: Vec<u64>,
    #[prost(uint64, repeated, tag = "4")]
    prestige: Vec<u64>,
    #[prost(uint64, repeated, tag = "5")]
    strangers: Vec<u64>,
}

/// So many rows are one part: about two megabytes.
const PART: usize = 65_536;

// === impl Published ===

impl Published {
    /// `people`: who the numbers of the epoch are, in order.
    #[must_use]
    pub fn new(epoch: &Epoch, people: &[Identity]) -> Self {
        let of = |kind: fn(&Identity) -> Option<i64>, newcomer: Factors| {
            let rows = people.iter().zip(&epoch.actors);
            let rows = rows.filter_map(|(it, factors)| Some((kind(it)?, *factors)));
            Keyed::new(rows.filter(|(_, factors)| *factors != newcomer))
        };
        let id = |number: u32| match people[number as usize] {
            Identity::Person(id) | Identity::Account(id) => id,
        };
        let pairs = epoch.closed.iter().map(|it| (id(it.one), id(it.other), it.discount));
        let mut closed: Vec<_> =
            pairs.flat_map(|(one, other, it)| [(one, other, it), (other, one, it)]).collect();
        closed.sort_unstable();
        let rounds = epoch.rounds.iter().map(|it| (id(it.receiver), id(it.giver), it.part));
        let mut rounds: Vec<_> = rounds.collect();
        rounds.sort_unstable();
        Self {
            members: of(Identity::person, new_member()),
            accounts: of(Identity::account, Repute::UNSEEN.factors()),
            closed,
            rounds,
        }
    }

    #[must_use]
    pub fn factors(&self, of: Identity) -> Factors {
        match of {
            Identity::Person(id) => self.members.find(id).unwrap_or_else(new_member),
            Identity::Account(id) => {
                self.accounts.find(id).unwrap_or_else(|| Repute::UNSEEN.factors())
            }
        }
    }

    /// What part of the reactions of two members to one another is not counted.
    #[must_use]
    pub fn discount(&self, one: i64, other: i64) -> Share {
        share_of(&self.closed, one, other)
    }

    /// What part of a member's +K to another came round.
    #[must_use]
    pub fn come_round(&self, receiver: i64, giver: i64) -> Share {
        share_of(&self.rounds, receiver, giver)
    }

    /// The epoch of these people alone.
    #[must_use]
    pub fn of(&self, people: &[Identity]) -> Epoch {
        let actors = people.iter().map(|it| self.factors(*it)).collect();
        let (mut closed, mut rounds) = (Vec::new(), Vec::new());
        if !self.closed.is_empty() || !self.rounds.is_empty() {
            let members = people.iter().enumerate();
            let members = members.filter_map(|(number, it)| Some((it.person()?, index_of(number))));
            let numbers: FxHashMap<i64, u32> = members.collect();
            for (person, one) in &numbers {
                for (_, other, discount) in of_first(&self.closed, *person) {
                    if let Some(other) = numbers.get(other).filter(|other| one < *other) {
                        closed.push(Closed { one: *one, other: *other, discount: *discount });
                    }
                }
                for (_, giver, part) in of_first(&self.rounds, *person) {
                    if let Some(giver) = numbers.get(giver) {
                        rounds.push(Round { receiver: *one, giver: *giver, part: *part });
                    }
                }
            }
            closed.sort_unstable_by_key(|it| (it.one, it.other));
            rounds.sort_unstable_by_key(|it| (it.receiver, it.giver));
        }
        Epoch { actors, closed, rounds }
    }

    /// As bytes, in parts that can be put together in any order.
    pub fn pack(&self) -> impl Iterator<Item = Vec<u8>> {
        let members =
            self.members.columns().map(|it| Columns { members: Some(it), ..Columns::default() });
        let accounts =
            self.accounts.columns().map(|it| Columns { accounts: Some(it), ..Columns::default() });
        let closed = self.closed.chunks(PART).map(|part| Columns {
            closed: pairs_of(part),
            discounts: parts_of(part),
            ..Columns::default()
        });
        let rounds = self.rounds.chunks(PART).map(|part| Columns {
            rounds: pairs_of(part),
            round_parts: parts_of(part),
            ..Columns::default()
        });
        members.chain(accounts).chain(closed).chain(rounds).map(|part| part.encode_to_vec())
    }

    /// # Errors
    ///
    /// When the parts are not packed.
    pub fn unpack<B: AsRef<[u8]>>(parts: &[B]) -> Result<Self, PackedInvalid> {
        let (mut members, mut accounts) = (Vec::new(), Vec::new());
        let (mut closed, mut rounds) = (Vec::new(), Vec::new());
        for part in parts {
            let columns = Columns::decode(part.as_ref())?;
            members.extend(columns.members.unwrap_or_default().rows()?);
            accounts.extend(columns.accounts.unwrap_or_default().rows()?);
            let (pairs, parts) = (columns.closed, columns.discounts);
            closed.extend(rows(&pairs, &parts).ok_or(PackedInvalid::Misfit("closed circles"))?);
            let (pairs, parts) = (columns.rounds, columns.round_parts);
            rounds.extend(rows(&pairs, &parts).ok_or(PackedInvalid::Misfit("rounds"))?);
        }
        closed.sort_unstable();
        rounds.sort_unstable();
        let keyed = |mut rows: Vec<(i64, Factors)>| {
            rows.sort_unstable_by_key(|(id, _)| *id);
            rows.dedup_by_key(|(id, _)| *id);
            Keyed::new(rows.into_iter())
        };
        Ok(Self { members: keyed(members), accounts: keyed(accounts), closed, rounds })
    }
}

/// Those of whom the first is this one, of pairs in order.
fn of_first(pairs: &[(i64, i64, Share)], first: i64) -> impl Iterator<Item = &(i64, i64, Share)> {
    let start = pairs.partition_point(|it| it.0 < first);
    pairs[start..].iter().take_while(move |it| it.0 == first)
}

/// That of one of the pairs, which are in order.
fn share_of(pairs: &[(i64, i64, Share)], one: i64, other: i64) -> Share {
    let place = pairs.binary_search_by_key(&(one, other), |it| (it.0, it.1));
    place.map_or(Share::NONE, |place| pairs[place].2)
}

fn pairs_of(pairs: &[(i64, i64, Share)]) -> Vec<i64> {
    pairs.iter().flat_map(|(one, other, _)| [*one, *other]).collect()
}

fn parts_of(pairs: &[(i64, i64, Share)]) -> Vec<u32> {
    pairs.iter().map(|(.., share)| share.parts().into()).collect()
}

/// Pairs from their columns, if these fit one another.
fn rows(pairs: &[i64], parts: &[u32]) -> Option<impl Iterator<Item = (i64, i64, Share)>> {
    let (pairs, rest) = pairs.as_chunks::<2>();
    (rest.is_empty() && pairs.len() == parts.len()).then(|| {
        pairs.iter().zip(parts).map(|([one, other], part)| {
            (*one, *other, Share::of_parts(u16::try_from(*part).unwrap_or(u16::MAX)))
        })
    })
}

// === impl Keyed ===

impl Keyed {
    /// The rows are in order.
    fn new(rows: impl Iterator<Item = (i64, Factors)>) -> Self {
        let (ids, factors) = rows.unzip();
        Self { ids: SortedIds::new(ids), factors }
    }

    fn find(&self, id: i64) -> Option<Factors> {
        self.ids.place(id).map(|place| self.factors[place])
    }

    fn columns(&self) -> impl Iterator<Item = KeyedColumns> {
        let parts = self.ids.as_slice().chunks(PART).zip(self.factors.chunks(PART));
        parts.map(|(ids, factors)| {
            let column =
                |part: fn(&Factors) -> Factor| factors.iter().map(|it| part(it).bits()).collect();
            KeyedColumns {
                ids: ids.to_vec(),
                attention: column(|it| it.attention),
                people: column(|it| it.people),
                prestige: column(|it| it.prestige),
                strangers: column(|it| it.strangers),
            }
        })
    }
}

// === impl KeyedColumns ===

impl KeyedColumns {
    fn rows(self) -> Result<Vec<(i64, Factors)>, PackedInvalid> {
        let Self { ids, attention, people, prestige, strangers } = self;
        if [&attention, &people, &prestige, &strangers].iter().any(|it| it.len() != ids.len()) {
            return Err(PackedInvalid::Misfit("factors"));
        }
        let rows = ids.into_iter().enumerate().map(|(place, id)| {
            let factor = |column: &[u64]| Factor::of_bits(column[place]);
            let factors = Factors {
                attention: factor(&attention),
                people: factor(&people),
                prestige: factor(&prestige),
                strangers: factor(&strangers),
            };
            (id, factors)
        });
        Ok(rows.collect())
    }
}

/// Of somebody who joined since the pass.
fn new_member() -> Factors {
    Repute { credibility: 1.0, ..Repute::UNSEEN }.factors()
}
