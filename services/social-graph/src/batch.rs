//! What a batch of signals tells about who reacts to whom, summed up. No database.

use std::collections::BTreeMap;

use klout_model::{AccountId, Day, Kind, NativeId};
use klout_proto::{
    convert,
    signal::v1::{BatchedHandle, BatchedInteraction, SignalBatch},
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{error::Error, plus_k::suggest::Answers};

/// Where a count is kept, in the order of the table's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EdgeKey {
    pub(crate) subject: i64,
    pub(crate) actor: i64,
    pub(crate) day: i32,
}

/// What an account was called at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Handle {
    pub(crate) seen_time: OffsetDateTime,
    pub(crate) name: NativeId,
}

/// What of one batch belongs to the graph.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Reactions {
    pub(crate) batch_id: Uuid,
    pub(crate) edges: BTreeMap<EdgeKey, i64>,
    /// The newest handle of each account.
    pub(crate) handles: BTreeMap<AccountId, Handle>,
    pub(crate) answers: Answers,
}

/// Sums a batch up. What has no actor is nobody's reaction.
///
/// # Errors
///
/// [`Error::BatchMalformed`] when it is not what the connector sends.
pub(crate) fn reactions(batch: SignalBatch) -> Result<Reactions, Error> {
    let batch_id = Uuid::from_slice(&batch.batch_id)
        .map_err(|_| Error::BatchMalformed { problem: "batch_id is not 16 bytes" })?;
    let mut reactions = Reactions { batch_id, ..Reactions::default() };
    for (sign, interactions) in [(1, &batch.interactions), (-1, &batch.retracted_interactions)] {
        interactions.iter().try_for_each(|it| reactions.add_interaction(sign, it))?;
    }
    for handle in batch.handles {
        reactions.add_handle(handle)?;
    }
    Ok(reactions)
}

// === impl Reactions ===

impl Reactions {
    fn add_interaction(
        &mut self,
        sign: i64,
        interaction: &BatchedInteraction,
    ) -> Result<(), Error> {
        let possible =
            Day::from_date(time::Date::MIN).number()..=Day::from_date(time::Date::MAX).number();
        if !possible.contains(&interaction.day) {
            return Err(Error::BatchMalformed { problem: "an impossible day" });
        }
        let Some(actor) = interaction.actor_account_id else { return Ok(()) };
        if interaction.kind == Kind::Accept.as_str() {
            self.answers.note(sign, interaction.subject_account_id, actor, interaction.day);
        }
        let key = EdgeKey { subject: interaction.subject_account_id, actor, day: interaction.day };
        let sum = self.edges.entry(key).or_default();
        *sum = sum.saturating_add(sign * i64::from(interaction.count));
        Ok(())
    }

    fn add_handle(&mut self, handle: BatchedHandle) -> Result<(), Error> {
        let malformed = |problem| Error::BatchMalformed { problem };
        let name = handle.handle.parse().map_err(|_| malformed("an impossible handle"))?;
        let seen_time = handle.seen_time.as_ref().and_then(convert::time);
        let seen_time = seen_time.ok_or_else(|| malformed("an invalid time"))?;
        let seen = Handle { seen_time, name };
        let newest =
            self.handles.entry(AccountId(handle.account_id)).or_insert_with(|| seen.clone());
        if seen > *newest {
            *newest = seen;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn like(subject: i64, actor: Option<i64>, count: u32) -> BatchedInteraction {
        BatchedInteraction {
            subject_account_id: subject,
            actor_account_id: actor,
            network: "bluesky".to_owned(),
            kind: "like".to_owned(),
            day: 17_000,
            count,
            post_hash: None,
            signal: None,
        }
    }

    fn batch(interactions: Vec<BatchedInteraction>, handles: Vec<BatchedHandle>) -> SignalBatch {
        SignalBatch { batch_id: vec![1; 16], interactions, handles, ..SignalBatch::default() }
    }

    #[test]
    fn reactions_of_one_actor_on_one_day_are_one_edge() {
        let batch = batch(vec![like(1, Some(2), 3), like(1, None, 9), like(1, Some(2), 4)], vec![]);
        let edges = reactions(batch).expect("one of ours").edges;
        assert_eq!(edges, BTreeMap::from([(EdgeKey { subject: 1, actor: 2, day: 17_000 }, 7)]));
    }

    #[test]
    fn the_newest_handle_of_an_account_counts_in_any_order() {
        let called = |name: &str, time| BatchedHandle {
            account_id: 1,
            handle: name.to_owned(),
            seen_time: Some(convert::timestamp(time)),
        };
        let old = called("ann", datetime!(2018-01-01 00:00 UTC));
        let new = called("anna", datetime!(2018-01-02 00:00 UTC));
        for handles in [vec![old.clone(), new.clone()], vec![new, old]] {
            let handles = reactions(batch(vec![], handles)).expect("one of ours").handles;
            assert_eq!(handles[&AccountId(1)].name.as_str(), "anna");
        }
    }

    #[test]
    fn what_the_connector_does_not_send_is_refused() {
        assert!(reactions(SignalBatch::default()).is_err(), "no id");
        let late = BatchedInteraction { day: i32::MAX, ..like(1, None, 1) };
        assert!(reactions(batch(vec![late], vec![])).is_err());
        let nameless = BatchedHandle { account_id: 1, handle: String::new(), seen_time: None };
        assert!(reactions(batch(vec![], vec![nameless])).is_err());
    }
}
