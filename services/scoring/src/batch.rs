//! What a batch of signals adds to the evidence, summed up. No database.

use std::collections::BTreeMap;

use klout_model::{CounterValue, Day, Kind, Network};
use klout_proto::{
    convert,
    signal::v1::{BatchedCounter, BatchedInteraction, BatchedPost, SignalBatch},
};
use klout_score_engine::packed::{
    self, AccountEvidence, Cell, Given, NO_POST, Post, PostHash, Reading, Tally,
};
use uuid::Uuid;

use crate::error::Error;

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
    /// By account: in the order of the table's key, so that writers that lock rows never wait for one another
    /// in a circle.
    pub(crate) accounts: BTreeMap<i64, OfAccount>,
}

/// What a batch adds to the evidence of one account.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct OfAccount {
    pub(crate) network: String,
    pub(crate) evidence: AccountEvidence,
    pub(crate) tallies: Vec<Tally>,
}

/// The id of a batch.
pub(crate) fn batch_id(batch: &SignalBatch) -> Result<Uuid, Error> {
    uuid(&batch.batch_id, "batch_id is not 16 bytes")
}

/// Sums a batch up.
///
/// # Errors
///
/// [`Error::BatchMalformed`] when it is not what the connector sends.
pub(crate) fn evidence(batch: SignalBatch) -> Result<Evidence, Error> {
    let batch_id = batch_id(&batch)?;
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
    for of_account in evidence.accounts.values_mut() {
        of_account.evidence = std::mem::take(&mut of_account.evidence).settled();
        of_account.tallies = packed::settled_tallies(std::mem::take(&mut of_account.tallies));
    }
    Ok(evidence)
}

// === impl Evidence ===

impl Evidence {
    fn of(&mut self, account: i64, network: String) -> Result<&mut OfAccount, Error> {
        network.parse::<Network>().map_err(|_| malformed("an impossible network"))?;
        let of_account = self.accounts.entry(account).or_default();
        of_account.network = network;
        Ok(of_account)
    }

    fn add_interaction(
        &mut self,
        sign: Sign,
        interaction: BatchedInteraction,
    ) -> Result<(), Error> {
        let kind: Kind = interaction.kind.parse().map_err(|_| malformed("an unknown kind"))?;
        let (subject, actor) = (interaction.subject_account_id, interaction.actor_account_id);
        let day = day(interaction.day)?;
        let (count, told) = (sign.of(interaction.count.into()), sign.of(1));
        let network = interaction.network;
        if let (Kind::PlusK, Some(giver)) = (kind, actor) {
            let given = Given { receiver: subject, day, count, told };
            self.of(giver, network.clone())?.evidence.given.push(given);
        }
        let of_subject = self.of(subject, network)?;
        of_subject.evidence.cells.push(Cell { actor, day, kind, count, told });
        if let Some(post) = &interaction.post_hash {
            of_subject.tallies.push(Tally { post: hash(post)?, kind, day, count });
        }
        Ok(())
    }

    fn add_counter(&mut self, sign: Sign, counter: BatchedCounter) -> Result<(), Error> {
        let name = counter.name.parse().map_err(|_| malformed("an unknown counter"))?;
        let value = CounterValue::new(counter.value).map_err(|_| malformed("an invalid value"))?;
        let time = counter.read_time.as_ref().and_then(convert::time);
        let time = time.ok_or_else(|| malformed("an invalid time"))?;
        // Two that differ by less are one.
        let microseconds = time.unix_timestamp_nanos().div_euclid(1_000);
        let time = i64::try_from(microseconds).map_err(|_| malformed("an invalid time"))?;
        let post = counter.post_hash.as_deref().map_or(Ok(NO_POST), hash)?;
        // There is no −0: it is 0.
        let value = value.get() + 0.0;
        let reading = Reading { name, post, time, value, told: sign.of(1) };
        self.of(counter.account_id, counter.network)?.evidence.readings.push(reading);
        Ok(())
    }

    fn add_post(&mut self, sign: Sign, post: BatchedPost) -> Result<(), Error> {
        let (hash, day) = (hash(&post.post_hash)?, day(post.day)?);
        let row = Post { hash, day, told: sign.of(1) };
        self.of(post.account_id, post.network)?.evidence.posts.push(row);
        Ok(())
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

/// Days that a calendar has: what comes later or earlier was never sent by the connector.
fn day(number: i32) -> Result<i32, Error> {
    let possible =
        Day::from_date(time::Date::MIN).number()..=Day::from_date(time::Date::MAX).number();
    if possible.contains(&number) { Ok(number) } else { Err(malformed("an impossible day")) }
}

fn uuid(bytes: &[u8], problem: &'static str) -> Result<Uuid, Error> {
    Uuid::from_slice(bytes).map_err(|_| malformed(problem))
}

fn hash(bytes: &[u8]) -> Result<PostHash, Error> {
    bytes.try_into().map_err(|_| malformed("a post hash is not 16 bytes"))
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
            signal: None,
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
        assert!(evidence.accounts.values().all(|it| it.evidence.is_empty()));
        assert!(evidence.accounts.values().all(|it| it.tallies.is_empty()));
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
