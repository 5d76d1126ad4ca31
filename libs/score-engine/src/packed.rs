//! The evidence of one account as it is kept: few bytes a cell, in columns.
//!
//! A block and the changes that came since have the same form, and add up in any order. What is kept are whole
//! counts, those that were taken back before they were told as well, below zero.

use klout_model::{CounterName, CounterValue, Kind, WINDOW_DAYS};
use klout_score_math::Counters;
use prost::Message as _;

/// Everything that is known of one account, or a change of it.
///
/// `told` counts signals: those that were told less those that were taken back. A row counts as evidence
/// while that is above 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccountEvidence {
    /// In the order of their keys, as are all rows here once they are [`Self::settled`].
    pub cells: Vec<Cell>,
    /// The +K that the account gave: what makes one that it got back count less.
    pub given: Vec<Given>,
    pub posts: Vec<Post>,
    pub readings: Vec<Reading>,
}

/// What an actor did to the account on a UTC day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// `None`: nobody knows who.
    pub actor: Option<i64>,
    /// Since 1970.
    pub day: i32,
    pub kind: Kind,
    /// -10¹⁸ to 10¹⁸.
    pub count: i64,
    pub told: i64,
}

/// A +K that the account gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    /// The account that got it.
    pub receiver: i64,
    pub day: i32,
    /// As in [`Cell`].
    pub count: i64,
    pub told: i64,
}

/// A published post, as told of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Post {
    pub hash: PostHash,
    pub day: i32,
    pub told: i64,
}

/// A counter read at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    pub name: CounterName,
    /// [`NO_POST`]: of the account itself.
    pub post: PostHash,
    /// Microseconds since 1970.
    pub time: i64,
    /// At least 0.
    pub value: f64,
    pub told: i64,
}

/// What of the cells of a kind and day belongs to which post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    pub post: PostHash,
    pub kind: Kind,
    pub day: i32,
    /// -10¹⁸ to 10¹⁸.
    pub count: i64,
}

/// What a network's name of a post is kept as.
pub type PostHash = [u8; 16];

/// The post of what belongs to none.
pub const NO_POST: PostHash = [0; 16];

/// The bytes are not what [`AccountEvidence::pack`] or [`pack_tallies`] makes.
#[derive(Debug, thiserror::Error)]
pub enum PackedInvalid {
    #[error("the columns cannot be read")]
    Columns(#[from] prost::DecodeError),
    #[error("the columns do not fit one another: {0}")]
    Misfit(&'static str),
}

/// Counts are kept up to this, either way.
const COUNT_MAX: i64 = 1_000_000_000_000_000_000;

const MICROSECONDS_A_DAY: i64 = 86_400_000_000;

/// As the bytes have it.
#[derive(Clone, PartialEq, prost::Message)]
struct Columns {
    /// Of each actor, in order.
    #[prost(sfixed64, repeated, tag = "1")]
    actors: Vec<i64>,
    /// How many cells nobody's name is known of, then how many each actor has.
    #[prost(uint32, repeated, tag = "2")]
    lengths: Vec<u32>,
    #[prost(sint32, tag = "3")]
    first_day: i32,
    /// Of each cell: days since the first, ten kinds, and whether count and told are 1.
    #[prost(uint64, repeated, tag = "4")]
    deeds: Vec<u64>,
    /// Of each cell where they are not 1: count, then told.
    #[prost(sint64, repeated, tag = "5")]
    counts: Vec<i64>,
    /// Sixteen bytes each.
    #[prost(bytes = "vec", tag = "6")]
    posts: Vec<u8>,
    /// Days since the first, and whether told is 1, of each post.
    #[prost(uint64, repeated, tag = "7")]
    post_days: Vec<u64>,
    #[prost(sint64, repeated, tag = "8")]
    post_told: Vec<i64>,
    #[prost(uint32, repeated, tag = "9")]
    reading_names: Vec<u32>,
    #[prost(bytes = "vec", tag = "10")]
    reading_posts: Vec<u8>,
    #[prost(sfixed64, repeated, tag = "11")]
    reading_times: Vec<i64>,
    #[prost(double, repeated, tag = "12")]
    reading_values: Vec<f64>,
    #[prost(sint64, repeated, tag = "13")]
    reading_told: Vec<i64>,
    #[prost(sfixed64, repeated, tag = "14")]
    receivers: Vec<i64>,
    #[prost(sint32, repeated, tag = "15")]
    given_days: Vec<i32>,
    #[prost(sint64, repeated, tag = "16")]
    given_counts: Vec<i64>,
    #[prost(sint64, repeated, tag = "17")]
    given_told: Vec<i64>,
}

/// The part of [`Columns`] that names others.
#[derive(Clone, PartialEq, prost::Message)]
struct Named {
    #[prost(sfixed64, repeated, tag = "1")]
    actors: Vec<i64>,
    #[prost(sfixed64, repeated, tag = "14")]
    receivers: Vec<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct TallyColumns {
    #[prost(bytes = "vec", tag = "1")]
    posts: Vec<u8>,
    #[prost(sint32, tag = "2")]
    first_day: i32,
    /// Days since the first, and ten kinds.
    #[prost(uint64, repeated, tag = "3")]
    deeds: Vec<u64>,
    #[prost(sint64, repeated, tag = "4")]
    counts: Vec<i64>,
}

const KIND_BITS: u32 = 4;
const PLAIN: u64 = 1;

// === impl AccountEvidence ===

impl AccountEvidence {
    /// In the order of keys, with each key once and without what adds up to nothing.
    #[must_use]
    pub fn settled(mut self) -> Self {
        settle(&mut self.cells, Cell::key, |one, other| {
            one.count = added(one.count, other.count);
            one.told = one.told.saturating_add(other.told);
        });
        self.cells.retain(|it| it.count != 0 || it.told != 0);
        settle(
            &mut self.given,
            |it| (it.receiver, it.day),
            |one, other| {
                one.count = added(one.count, other.count);
                one.told = one.told.saturating_add(other.told);
            },
        );
        self.given.retain(|it| it.count != 0 || it.told != 0);
        settle(
            &mut self.posts,
            |it| (it.hash, it.day),
            |one, other| {
                one.told = one.told.saturating_add(other.told);
            },
        );
        self.posts.retain(|it| it.told != 0);
        settle(&mut self.readings, Reading::key, |one, other| {
            one.told = one.told.saturating_add(other.told);
        });
        self.readings.retain(|it| it.told != 0);
        self
    }

    /// Both together; [`Self::settled`] afterwards.
    pub fn add(&mut self, other: Self) {
        self.cells.extend(other.cells);
        self.given.extend(other.given);
        self.posts.extend(other.posts);
        self.readings.extend(other.readings);
    }

    /// Without what is of a day before `first`.
    pub fn drop_before(&mut self, first: i32) {
        self.cells.retain(|it| it.day >= first);
        self.given.retain(|it| it.day >= first);
        self.posts.retain(|it| it.day >= first);
        self.readings.retain(|it| it.day() >= i64::from(first));
    }

    /// The earliest day that anything is of.
    #[must_use]
    pub fn first_day(&self) -> Option<i32> {
        let days = self.cells.iter().map(|it| it.day);
        let days = days.chain(self.given.iter().map(|it| it.day));
        let days = days.chain(self.posts.iter().map(|it| it.day));
        let read = |it: &Reading| i32::try_from(it.day()).unwrap_or(i32::MAX);
        days.chain(self.readings.iter().map(read)).min()
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.cells.is_empty()
            && self.given.is_empty()
            && self.posts.is_empty()
            && self.readings.is_empty()
    }

    /// The cells that count on the day `today`, since 1970, and their ages. Their counts are at least 0.
    pub fn cells_on(&self, today: i32) -> impl Iterator<Item = (Option<i64>, Kind, u8, u64)> {
        self.cells.iter().filter_map(move |it| it.on(today))
    }

    /// The +K given that count on that day: receiver, age, count.
    pub fn given_on(&self, today: i32) -> impl Iterator<Item = (i64, u8, u64)> {
        let told = self.given.iter().filter(|it| it.told > 0);
        told.filter_map(move |it| Some((it.receiver, age_on(today, it.day)?, whole(it.count))))
    }

    /// The posts that count on that day, and their ages. Of a post that was told of several days the earliest
    /// counts. The rows are settled.
    pub fn posts_on(&self, today: i32) -> impl Iterator<Item = (PostHash, u8)> {
        let mut last = None;
        let told = self.posts.iter().filter(|it| it.told > 0);
        told.filter_map(move |it| {
            let age = age_on(today, it.day)?;
            (last.replace(it.hash) != Some(it.hash)).then_some((it.hash, age))
        })
    }

    /// The counters that count on that day; `None`: there is none of the account itself. And whether there is one of
    /// its posts. The rows are settled.
    ///
    /// # Errors
    ///
    /// When a value cannot be.
    pub fn counters_on(&self, today: i32) -> Result<(Option<Counters>, bool), PackedInvalid> {
        let (mut counters, mut of_posts) = (None, false);
        for reading in &self.readings {
            let day = i32::try_from(reading.day()).unwrap_or(i32::MAX);
            if age_on(today, day).is_none() || reading.told <= 0 {
                continue;
            }
            if reading.post != NO_POST {
                of_posts = true;
                continue;
            }
            let value = CounterValue::new(reading.value);
            let value = value.map_err(|_| PackedInvalid::Misfit("a value"))?;
            // In the order of time and value, so the newest is set last, and of two the larger.
            counters.get_or_insert_with(Counters::default).set(reading.name, value);
        }
        Ok((counters, of_posts))
    }

    /// The bytes that [`Self::unpack`] reads. The rows are settled.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let days = self.cells.iter().map(|it| it.day).chain(self.posts.iter().map(|it| it.day));
        let first_day = days.min().unwrap_or_default();
        let mut columns = Columns { first_day, ..Columns::default() };
        if !self.cells.is_empty() {
            columns.lengths.push(0);
        }
        for cell in &self.cells {
            if let Some(actor) = cell.actor
                && columns.actors.last() != Some(&actor)
            {
                columns.actors.push(actor);
                columns.lengths.push(0);
            }
            if let Some(length) = columns.lengths.last_mut() {
                *length += 1;
            }
            let plain = cell.count == 1 && cell.told == 1;
            if !plain {
                columns.counts.extend([cell.count, cell.told]);
            }
            let kind = u64::from(cell.kind.code());
            let deed = since(first_day, cell.day) << KIND_BITS | kind;
            columns.deeds.push(deed << 1 | u64::from(plain));
        }
        for post in &self.posts {
            columns.posts.extend(post.hash);
            columns.post_days.push(since(first_day, post.day) << 1 | u64::from(post.told == 1));
            if post.told != 1 {
                columns.post_told.push(post.told);
            }
        }
        for reading in &self.readings {
            columns.reading_names.push(reading.name.code().into());
            columns.reading_posts.extend(reading.post);
            columns.reading_times.push(reading.time);
            columns.reading_values.push(reading.value);
            columns.reading_told.push(reading.told);
        }
        for given in &self.given {
            columns.receivers.push(given.receiver);
            columns.given_days.push(given.day);
            columns.given_counts.push(given.count);
            columns.given_told.push(given.told);
        }
        columns.encode_to_vec()
    }

    /// # Errors
    ///
    /// When they are not packed evidence.
    pub fn unpack(bytes: &[u8]) -> Result<Self, PackedInvalid> {
        let mut cells = Vec::new();
        let evidence = Self::unpack_beside_cells(bytes, |cell| cells.push(cell))?;
        Ok(Self { cells, ..evidence })
    }

    /// Hands each cell to `take`, in order, and returns everything else: a population has so many that they are
    /// not worth writing down in between.
    pub(crate) fn unpack_beside_cells(
        bytes: &[u8],
        take: impl FnMut(Cell),
    ) -> Result<Self, PackedInvalid> {
        let columns = Columns::decode(bytes)?;
        columns.each_cell(take)?;
        let mut evidence = Self::default();
        let (hashes, rest) = columns.posts.as_chunks::<16>();
        if !rest.is_empty() || hashes.len() != columns.post_days.len() {
            return Err(PackedInvalid::Misfit("posts"));
        }
        let mut told = columns.post_told.iter();
        for (hash, day) in hashes.iter().zip(&columns.post_days) {
            let told = match day & PLAIN {
                0 => *told.next().ok_or(PackedInvalid::Misfit("posts"))?,
                _ => 1,
            };
            let day = later(columns.first_day, day >> 1)?;
            evidence.posts.push(Post { hash: *hash, day, told });
        }

        let (posts, rest) = columns.reading_posts.as_chunks::<16>();
        let lengths = [
            posts.len(),
            columns.reading_times.len(),
            columns.reading_values.len(),
            columns.reading_told.len(),
        ];
        if !rest.is_empty() || lengths.iter().any(|it| *it != columns.reading_names.len()) {
            return Err(PackedInvalid::Misfit("readings"));
        }
        for (place, name) in columns.reading_names.iter().enumerate() {
            let name = u8::try_from(*name).ok().and_then(CounterName::from_code);
            evidence.readings.push(Reading {
                name: name.ok_or(PackedInvalid::Misfit("an unknown counter"))?,
                post: posts[place],
                time: columns.reading_times[place],
                value: columns.reading_values[place],
                told: columns.reading_told[place],
            });
        }

        let lengths =
            [columns.given_days.len(), columns.given_counts.len(), columns.given_told.len()];
        if lengths.iter().any(|it| *it != columns.receivers.len()) {
            return Err(PackedInvalid::Misfit("given"));
        }
        for (place, receiver) in columns.receivers.iter().enumerate() {
            evidence.given.push(Given {
                receiver: *receiver,
                day: columns.given_days[place],
                count: columns.given_counts[place],
                told: columns.given_told[place],
            });
        }
        Ok(evidence)
    }
}

/// Every account that packed evidence names, as an actor or as having got a +K.
///
/// # Errors
///
/// When the bytes are not packed evidence.
pub fn named(bytes: &[u8]) -> Result<Vec<i64>, PackedInvalid> {
    let Named { mut actors, receivers } = Named::decode(bytes)?;
    actors.extend(receivers);
    Ok(actors)
}

/// The bytes that [`unpack_tallies`] reads.
#[must_use]
pub fn pack_tallies(tallies: &[Tally]) -> Vec<u8> {
    let first_day = tallies.iter().map(|it| it.day).min().unwrap_or_default();
    let mut columns = TallyColumns { first_day, ..TallyColumns::default() };
    for tally in tallies {
        columns.posts.extend(tally.post);
        let kind = u64::from(tally.kind.code());
        columns.deeds.push(since(first_day, tally.day) << KIND_BITS | kind);
        columns.counts.push(tally.count);
    }
    columns.encode_to_vec()
}

/// # Errors
///
/// When they are not packed tallies.
pub fn unpack_tallies(bytes: &[u8]) -> Result<Vec<Tally>, PackedInvalid> {
    let columns = TallyColumns::decode(bytes)?;
    let (posts, rest) = columns.posts.as_chunks::<16>();
    let lengths = [columns.deeds.len(), columns.counts.len()];
    if !rest.is_empty() || lengths.iter().any(|it| *it != posts.len()) {
        return Err(PackedInvalid::Misfit("tallies"));
    }
    let rows = posts.iter().zip(&columns.deeds).zip(&columns.counts);
    let tally = |((post, deed), count): ((&PostHash, &u64), &i64)| {
        let day = later(columns.first_day, deed >> KIND_BITS)?;
        Ok(Tally { post: *post, kind: kind(*deed)?, day, count: *count })
    };
    rows.map(tally).collect()
}

/// In the order of posts, kinds and days, each once and without what adds up to nothing.
#[must_use]
pub fn settled_tallies(mut tallies: Vec<Tally>) -> Vec<Tally> {
    settle(
        &mut tallies,
        |it| (it.post, it.kind.code(), it.day),
        |one, other| {
            one.count = added(one.count, other.count);
        },
    );
    tallies.retain(|it| it.count != 0);
    tallies
}

// === impl Cell ===

impl Cell {
    /// Actor, kind, age and count, when it counts on that day.
    pub(crate) fn on(&self, today: i32) -> Option<(Option<i64>, Kind, u8, u64)> {
        let age = age_on(today, self.day).filter(|_| self.told > 0)?;
        Some((self.actor, self.kind, age, whole(self.count)))
    }

    const fn key(&self) -> (Option<i64>, i32, u8) {
        (self.actor, self.day, self.kind.code())
    }
}

// === impl Reading ===

impl Reading {
    /// Since 1970, in UTC.
    #[must_use]
    pub const fn day(&self) -> i64 {
        self.time.div_euclid(MICROSECONDS_A_DAY)
    }

    /// A value from 0 on has the order of its bits.
    const fn key(&self) -> (u8, PostHash, i64, u64) {
        (self.name.code(), self.post, self.time, self.value.to_bits())
    }
}

// === impl Columns ===

impl Columns {
    fn each_cell(&self, mut take: impl FnMut(Cell)) -> Result<(), PackedInvalid> {
        let Some((unnamed, lengths)) = self.lengths.split_first() else {
            return if self.deeds.is_empty() {
                Ok(())
            } else {
                Err(PackedInvalid::Misfit("cells"))
            };
        };
        if lengths.len() != self.actors.len() {
            return Err(PackedInvalid::Misfit("actors"));
        }
        let (mut deeds, mut counts) = (self.deeds.iter(), self.counts.iter());
        let named = self.actors.iter().copied().map(Some).zip(lengths);
        for (actor, length) in std::iter::once((None, unnamed)).chain(named) {
            for _ in 0..*length {
                let deed = *deeds.next().ok_or(PackedInvalid::Misfit("cells"))?;
                let (count, told) = match deed & PLAIN {
                    0 => match (counts.next(), counts.next()) {
                        (Some(count), Some(told)) => (*count, *told),
                        _ => return Err(PackedInvalid::Misfit("counts")),
                    },
                    _ => (1, 1),
                };
                let deed = deed >> 1;
                let day = later(self.first_day, deed >> KIND_BITS)?;
                take(Cell { actor, day, kind: kind(deed)?, count, told });
            }
        }
        if deeds.next().is_some() { Err(PackedInvalid::Misfit("cells")) } else { Ok(()) }
    }
}

/// How old what is of a day is on the day `today`; `None`: outside the window.
#[must_use]
pub fn age_on(today: i32, day: i32) -> Option<u8> {
    let age = i64::from(today) - i64::from(day);
    u8::try_from(age).ok().filter(|age| *age < WINDOW_DAYS)
}

/// Below zero while what was taken back is known of a signal that has not arrived.
fn whole(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

/// Sorts rows by their keys and puts those with one key together.
fn settle<T, K: Ord>(rows: &mut Vec<T>, key: impl Fn(&T) -> K, mut add: impl FnMut(&mut T, &T)) {
    // What was settled before is a run, which this sort takes as it is.
    rows.sort_by_key(&key);
    rows.dedup_by(|next, kept| {
        let same = key(next) == key(kept);
        if same {
            add(kept, next);
        }
        same
    });
}

fn added(one: i64, other: i64) -> i64 {
    one.saturating_add(other).clamp(-COUNT_MAX, COUNT_MAX)
}

fn since(first: i32, day: i32) -> u64 {
    u64::from(day.abs_diff(first))
}

fn later(first: i32, days: u64) -> Result<i32, PackedInvalid> {
    let day = i32::try_from(days).ok().and_then(|days| first.checked_add(days));
    day.ok_or(PackedInvalid::Misfit("an impossible day"))
}

#[expect(clippy::cast_possible_truncation, reason = "only the lowest bits are taken")]
fn kind(deed: u64) -> Result<Kind, PackedInvalid> {
    let code = deed as u8 & ((1 << KIND_BITS) - 1);
    Kind::from_code(code).ok_or(PackedInvalid::Misfit("an unknown kind"))
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    prop_compose! {
        fn any_cell()(
            actor in prop::option::of(-3..3_i64), day in 20_000..20_004_i32, kind in 0..10_u8,
            count in -2..3_i64, told in -2..3_i64,
        ) -> Cell {
            let kind = Kind::from_code(kind).expect("a kind");
            Cell { actor, day, kind, count, told }
        }
    }

    prop_compose! {
        fn any_evidence()(
            cells in vec(any_cell(), 0..12),
            posts in vec((0..3_u8, -5..5_i32, -2..3_i64), 0..6),
            readings in vec((0..3_u8, 0..2_u8, 0..3_i64, 0..3_u8, -2..3_i64), 0..6),
            given in vec((0..3_i64, 0..3_i32, -2..3_i64), 0..4),
        ) -> AccountEvidence {
            AccountEvidence {
                cells,
                posts: posts.into_iter().map(|(hash, day, told)| Post { hash: [hash; 16], day, told }).collect(),
                readings: readings
                    .into_iter()
                    .map(|(name, post, time, value, told)| Reading {
                        name: CounterName::from_code(name).expect("a counter"),
                        post: [post; 16], time, value: value.into(), told,
                    })
                    .collect(),
                given: given.into_iter().map(|(receiver, day, told)| Given { receiver, day, count: -told, told }).collect(),
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_out_again(evidence in any_evidence()) {
            let settled = evidence.settled();
            let bytes = settled.pack();
            prop_assert_eq!(AccountEvidence::unpack(&bytes).expect("packed"), settled.clone());
            let mut actors: Vec<i64> = settled.cells.iter().filter_map(|it| it.actor).collect();
            actors.dedup();
            actors.extend(settled.given.iter().map(|it| it.receiver));
            prop_assert_eq!(named(&bytes).expect("packed"), actors);
        }

        #[test]
        fn changes_add_up_in_any_order_and_grouping(
            parts in vec(any_evidence(), 0..5).prop_flat_map(|parts| (Just(parts.clone()), Just(parts).prop_shuffle())),
        ) {
            let (parts, shuffled) = parts;
            let mut at_once = AccountEvidence::default();
            parts.into_iter().for_each(|part| at_once.add(part));
            let one_by_one = shuffled.into_iter().fold(AccountEvidence::default(), |mut sum, part| {
                sum.add(part.settled());
                sum.settled()
            });
            prop_assert_eq!(at_once.settled(), one_by_one);
        }

        #[test]
        fn bytes_of_anything_are_refused_or_read_and_never_panic(bytes in vec(any::<u8>(), 0..200)) {
            let _ = AccountEvidence::unpack(&bytes);
            let _ = unpack_tallies(&bytes);
        }

        #[test]
        fn tallies_that_are_packed_come_out_again(
            tallies in vec((0..3_u8, 0..10_u8, -9..9_i32, -3..4_i64), 0..12),
        ) {
            let tally = |(post, kind, day, count)| Tally {
                post: [post; 16], kind: Kind::from_code(kind).expect("a kind"), day, count,
            };
            let settled = settled_tallies(tallies.into_iter().map(tally).collect());
            prop_assert_eq!(unpack_tallies(&pack_tallies(&settled)).expect("packed"), settled);
        }
    }

    #[test]
    fn a_reaction_takes_eleven_bytes_and_the_next_of_its_actor_two_more() {
        let cell =
            |actor, day| Cell { actor: Some(actor), day, kind: Kind::Like, count: 1, told: 1 };
        let size =
            |cells: Vec<Cell>| AccountEvidence { cells, ..AccountEvidence::default() }.pack().len();
        let many = size((0..1_000).map(|actor| cell(actor * 12_345_678, 20_000)).collect());
        assert!((10_000..11_100).contains(&many), "{many}");
        let days = size((0..90).map(|day| cell(1, 20_000 + day)).collect());
        assert!(days < 210, "{days}");
    }
}
