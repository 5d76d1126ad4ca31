//! What a batch of signals adds to the evidence, summed up. No database.

use std::collections::{BTreeMap, BTreeSet};

use klout_model::{CounterName, CounterValue, Day, Kind};
use klout_proto::{
    convert,
    signal::v1::{BatchedCounter, BatchedInteraction, BatchedPost, SignalBatch},
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::Error;

/// Where a count is kept. In the order of the table's key, as are all keys here: writers that lock
/// rows in one order never wait for one another in a circle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CellKey {
    pub(crate) subject: i64,
    pub(crate) actor: Option<i64>,
    pub(crate) kind: Kind,
    pub(crate) day: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TallyKey {
    pub(crate) subject: i64,
    pub(crate) post: Uuid,
    pub(crate) kind: Kind,
    pub(crate) day: i32,
}

/// A reading of a counter of an account; its post is nil for the account itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ReadingKey {
    pub(crate) account: i64,
    pub(crate) name: CounterName,
    pub(crate) post: Uuid,
    pub(crate) time: OffsetDateTime,
    /// The bits of the value, which for numbers from 0 have the order of the value (there is no −0).
    value: u64,
}

/// What is added to a cell. Below zero: it is taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CellChange {
    pub(crate) count: i64,
    /// Signals.
    pub(crate) told: i64,
}

/// A post of an account as told of a day.
pub(crate) type PostKey = (i64, Uuid, i32);

/// Whether signals are told or taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Told,
    Retracted,
}

/// The evidence of one batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Evidence {
    pub(crate) batch_id: Uuid,
    /// Whose evidence it is, and on which network.
    pub(crate) accounts: BTreeMap<i64, String>,
    pub(crate) cells: BTreeMap<CellKey, CellChange>,
    pub(crate) tallies: BTreeMap<TallyKey, i64>,
    /// How often each reading was told.
    pub(crate) readings: BTreeMap<ReadingKey, i64>,
    /// How often each was told.
    pub(crate) posts: BTreeMap<PostKey, i64>,
}

/// Sums a batch up.
///
/// # Errors
///
/// [`Error::BatchMalformed`] when it is not what the connector sends.
pub(crate) fn evidence(batch: SignalBatch) -> Result<Evidence, Error> {
    let batch_id = uuid(&batch.batch_id, "batch_id is not 16 bytes")?;
    let mut evidence = Evidence { batch_id, ..Evidence::default() };
    for (sign, interactions) in
        [(Sign::Told, batch.interactions), (Sign::Retracted, batch.retracted_interactions)]
    {
        interactions.into_iter().try_for_each(|it| evidence.add_interaction(sign, it))?;
    }
    for (sign, counters) in
        [(Sign::Told, batch.counters), (Sign::Retracted, batch.retracted_counters)]
    {
        counters.into_iter().try_for_each(|it| evidence.add_counter(sign, it))?;
    }
    for (sign, posts) in [(Sign::Told, batch.posts), (Sign::Retracted, batch.retracted_posts)] {
        posts.into_iter().try_for_each(|it| evidence.add_post(sign, it))?;
    }
    Ok(evidence)
}

// === impl Evidence ===

impl Evidence {
    /// The accounts whose owners have new evidence.
    pub(crate) fn subjects(&self) -> BTreeSet<i64> {
        self.accounts.keys().copied().collect()
    }

    fn add_interaction(
        &mut self,
        sign: Sign,
        interaction: BatchedInteraction,
    ) -> Result<(), Error> {
        let kind: Kind = interaction.kind.parse().map_err(|_| malformed("an unknown kind"))?;
        let subject = interaction.subject_account_id;
        let day = day(interaction.day)?;
        let count = sign.of(interaction.count.into());
        let cell = CellKey { subject, actor: interaction.actor_account_id, kind, day };
        let change = self.cells.entry(cell).or_default();
        add(&mut change.count, count);
        add(&mut change.told, sign.of(1));
        if let Some(post) = &interaction.post_hash {
            let post = uuid(post, "a post hash is not 16 bytes")?;
            add(self.tallies.entry(TallyKey { subject, post, kind, day }).or_default(), count);
        }
        self.accounts.insert(subject, interaction.network);
        Ok(())
    }

    fn add_counter(&mut self, sign: Sign, counter: BatchedCounter) -> Result<(), Error> {
        let name = counter.name.parse().map_err(|_| malformed("an unknown counter"))?;
        let value = CounterValue::new(counter.value).map_err(|_| malformed("an invalid value"))?;
        let time = counter.read_time.as_ref().and_then(convert::time);
        let time = time.ok_or_else(|| malformed("an invalid time"))?;
        // As fine as the database keeps it: two that it cannot tell apart are one.
        let time = time.truncate_to_microsecond();
        let post = match &counter.post_hash {
            Some(post) => uuid(post, "a post hash is not 16 bytes")?,
            None => Uuid::nil(),
        };
        let account = counter.account_id;
        let reading =
            ReadingKey { account, name, post, time, value: (value.get() + 0.0).to_bits() };
        add(self.readings.entry(reading).or_default(), sign.of(1));
        self.accounts.insert(account, counter.network);
        Ok(())
    }

    fn add_post(&mut self, sign: Sign, post: BatchedPost) -> Result<(), Error> {
        let hash = uuid(&post.post_hash, "a post hash is not 16 bytes")?;
        let day = day(post.day)?;
        add(self.posts.entry((post.account_id, hash, day)).or_default(), sign.of(1));
        self.accounts.insert(post.account_id, post.network);
        Ok(())
    }
}

// === impl ReadingKey ===

impl ReadingKey {
    pub(crate) const fn value(&self) -> f64 {
        f64::from_bits(self.value)
    }
}

// === impl Sign ===

impl Sign {
    const fn of(self, count: i64) -> i64 {
        match self {
            Self::Told => count,
            Self::Retracted => -count,
        }
    }
}

fn add(sum: &mut i64, count: i64) {
    *sum = sum.saturating_add(count);
}

/// Days that a calendar has: what comes later or earlier was never sent by the connector.
fn day(number: i32) -> Result<i32, Error> {
    let possible =
        Day::from_date(time::Date::MIN).number()..=Day::from_date(time::Date::MAX).number();
    if possible.contains(&number) { Ok(number) } else { Err(malformed("an impossible day")) }
}

fn uuid(bytes: &[u8], problem: &'static str) -> Result<Uuid, Error> {
    Uuid::from_slice(bytes).map_err(|_| malformed(problem))
}

fn malformed(problem: &'static str) -> Error {
    Error::BatchMalformed { problem }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn batch(interactions: Vec<BatchedInteraction>) -> SignalBatch {
        SignalBatch { batch_id: vec![1; 16], interactions, ..SignalBatch::default() }
    }

    fn like(subject: i64, actor: Option<i64>, count: u32) -> BatchedInteraction {
        BatchedInteraction {
            subject_account_id: subject,
            actor_account_id: actor,
            network: "bluesky".to_owned(),
            kind: "like".to_owned(),
            day: 17_000,
            count,
            post_hash: Some(vec![2; 16]),
        }
    }

    proptest! {
        #[test]
        fn the_order_of_a_batch_does_not_matter(
            (signals, shuffled) in prop::collection::vec((0_i64..4, prop::option::of(0_i64..4), 0_u32..9), 0..20)
                .prop_flat_map(|signals| (Just(signals.clone()), Just(signals).prop_shuffle())),
        ) {
            let sum_up = |signals: Vec<(i64, Option<i64>, u32)>| {
                let likes = signals.into_iter().map(|(subject, actor, count)| like(subject, actor, count));
                evidence(batch(likes.collect())).expect("one of ours")
            };
            prop_assert_eq!(sum_up(signals), sum_up(shuffled));
        }
    }

    #[test]
    fn what_is_told_and_taken_back_leaves_nothing() {
        let told = like(1, Some(2), 3);
        let batch = SignalBatch { retracted_interactions: vec![told.clone()], ..batch(vec![told]) };
        let evidence = evidence(batch).expect("one of ours");
        assert!(evidence.cells.values().all(|it| *it == CellChange::default()));
        assert!(evidence.tallies.values().all(|count| *count == 0));
    }

    #[test]
    fn what_the_connector_does_not_send_is_refused() {
        let refused = |interaction| evidence(batch(vec![interaction])).is_err();
        assert!(refused(BatchedInteraction { kind: "adore".to_owned(), ..like(1, None, 1) }));
        assert!(refused(BatchedInteraction { day: i32::MAX, ..like(1, None, 1) }));
        assert!(refused(BatchedInteraction { post_hash: Some(vec![1]), ..like(1, None, 1) }));
        assert!(evidence(SignalBatch::default()).is_err(), "no id");
    }
}
