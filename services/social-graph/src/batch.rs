//! What a batch of signals tells about who reacts to whom, summed up. No database.

use std::collections::BTreeMap;

use klout_model::{AccountId, Day, Kind, NativeId, Network};
use klout_proto::{
    convert,
    signal::v1::{BatchedHandle, BatchedInteraction, SignalBatch},
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{error::Error, name, plus_k::suggest::Answers, strength};

/// Between whom a tie is, in the order of the table's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TieKey {
    pub(crate) subject: i64,
    pub(crate) actor: i64,
}

/// What a batch changes about a tie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TieChange {
    /// As [`strength::kept`] adds it up.
    pub(crate) strength: f64,
    pub(crate) reactions: i64,
    /// The newest that is told of.
    pub(crate) last_day: i32,
}

/// What an account was called at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Handle {
    pub(crate) seen_time: OffsetDateTime,
    pub(crate) name: NativeId,
    /// The network, where a handle is one account's at a time.
    pub(crate) unique_on: Option<Network>,
}

/// What of one batch belongs to the graph.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Reactions {
    pub(crate) batch_id: Uuid,
    pub(crate) ties: BTreeMap<TieKey, TieChange>,
    /// The newest handle of each account.
    pub(crate) handles: BTreeMap<AccountId, Handle>,
    pub(crate) answers: Answers,
}

/// Accounts of which nothing is taken in, and up to which day; `None`: whatever the day.
#[derive(Clone, Debug, Default)]
pub(crate) struct Erased(pub(crate) BTreeMap<i64, Option<i32>>);

/// Every account that a batch names, as an id.
pub(crate) fn accounts(batch: &SignalBatch) -> Vec<i64> {
    let reactions = batch.interactions.iter().chain(&batch.retracted_interactions);
    let named = reactions.flat_map(|it| [Some(it.subject_account_id), it.actor_account_id]);
    let mut accounts: Vec<_> = named.flatten().collect();
    accounts.extend(batch.handles.iter().map(|handle| handle.account_id));
    accounts.sort_unstable();
    accounts.dedup();
    accounts
}

/// Sums a batch up. What has no actor is nobody's reaction, and what is about or by who was erased nobody's business.
///
/// # Errors
///
/// [`Error::BatchMalformed`] when it is not what the connector sends.
pub(crate) fn reactions(batch: SignalBatch, erased: &Erased) -> Result<Reactions, Error> {
    let batch_id = Uuid::from_slice(&batch.batch_id)
        .map_err(|_| Error::BatchMalformed { problem: "batch_id is not 16 bytes" })?;
    let mut reactions = Reactions { batch_id, ..Reactions::default() };
    for (back, interactions) in
        [(false, &batch.interactions), (true, &batch.retracted_interactions)]
    {
        let kept = interactions.iter().filter(|it| {
            let accounts = [Some(it.subject_account_id), it.actor_account_id];
            accounts.into_iter().flatten().all(|account| erased.lets_in(account, it.day))
        });
        kept.into_iter().try_for_each(|it| reactions.add_interaction(it, back))?;
    }
    for handle in batch.handles {
        let day =
            handle.seen_time.as_ref().and_then(convert::time).map(|time| Day::of(time).number());
        if !day.is_none_or(|day| erased.lets_in(handle.account_id, day)) {
            continue;
        }
        reactions.add_handle(handle)?;
    }
    Ok(reactions)
}

// === impl Erased ===

impl Erased {
    fn lets_in(&self, account: i64, day: i32) -> bool {
        self.0.get(&account).is_none_or(|through| through.is_some_and(|through| day > through))
    }
}

// === impl Reactions ===

impl Reactions {
    fn add_interaction(
        &mut self,
        interaction: &BatchedInteraction,
        taken_back: bool,
    ) -> Result<(), Error> {
        let malformed = |problem| Error::BatchMalformed { problem };
        let possible =
            Day::from_date(time::Date::MIN).number()..=Day::from_date(time::Date::MAX).number();
        let BatchedInteraction { subject_account_id: subject, kind, day, count, .. } = interaction;
        if !possible.contains(day) {
            return Err(malformed("an impossible day"));
        }
        let kind: Kind = kind.parse().map_err(|_| malformed("an unknown kind"))?;
        let Some(actor) = interaction.actor_account_id.filter(|_| *count > 0) else {
            return Ok(());
        };
        if kind == Kind::Accept {
            let sign = if taken_back { -1 } else { 1 };
            self.answers.note(sign, *subject, actor, *day);
        }
        let (strength, reactions) = (strength::kept(kind, *count, *day), i64::from(*count));
        let (strength, reactions) =
            if taken_back { (-strength, -reactions) } else { (strength, reactions) };
        let none = TieChange { strength: 0.0, reactions: 0, last_day: *day };
        let tie = self.ties.entry(TieKey { subject: *subject, actor }).or_insert(none);
        tie.strength += strength;
        tie.reactions = tie.reactions.saturating_add(reactions);
        tie.last_day = tie.last_day.max(*day);
        Ok(())
    }

    fn add_handle(&mut self, handle: BatchedHandle) -> Result<(), Error> {
        let malformed = |problem| Error::BatchMalformed { problem };
        let name: NativeId =
            handle.handle.parse().map_err(|_| malformed("an impossible handle"))?;
        // Batches of the version before name no network.
        let network: Option<Network> = match handle.network.as_str() {
            "" => None,
            network => Some(network.parse().map_err(|_| malformed("an impossible network"))?),
        };
        if name::is_deceptive(name.as_str()) {
            return Ok(());
        }
        let seen_time = handle.seen_time.as_ref().and_then(convert::time);
        let seen_time = seen_time.ok_or_else(|| malformed("an invalid time"))?;
        let unique_on = network.filter(Network::has_unique_handles);
        let seen = Handle { seen_time, name, unique_on };
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
    fn reactions_of_one_actor_are_one_tie() {
        let later = BatchedInteraction { day: 17_001, ..like(1, Some(2), 4) };
        let told = vec![like(1, Some(2), 3), like(1, None, 9), later];
        let ties = reactions(batch(told, vec![]), &Erased::default()).expect("one of ours").ties;
        let strength =
            strength::kept(Kind::Like, 3, 17_000) + strength::kept(Kind::Like, 4, 17_001);
        let tie = TieChange { strength, reactions: 7, last_day: 17_001 };
        assert_eq!(ties, BTreeMap::from([(TieKey { subject: 1, actor: 2 }, tie)]));
    }

    #[test]
    fn what_is_taken_back_leaves_nothing_but_its_day() {
        let batch = SignalBatch {
            retracted_interactions: vec![like(1, Some(2), 3)],
            ..batch(vec![like(1, Some(2), 3), like(1, Some(3), 0)], vec![])
        };
        let ties = reactions(batch, &Erased::default()).expect("one of ours").ties;
        let tie = TieChange { strength: 0.0, reactions: 0, last_day: 17_000 };
        assert_eq!(ties, BTreeMap::from([(TieKey { subject: 1, actor: 2 }, tie)]));
    }

    #[test]
    fn the_newest_handle_of_an_account_counts_in_any_order() {
        let called = |name: &str, time| BatchedHandle {
            account_id: 1,
            handle: name.to_owned(),
            seen_time: Some(convert::timestamp(time)),
            ..Default::default()
        };
        let old = called("ann", datetime!(2018-01-01 00:00 UTC));
        let new = called("anna", datetime!(2018-01-02 00:00 UTC));
        for handles in [vec![old.clone(), new.clone()], vec![new, old]] {
            let handles =
                reactions(batch(vec![], handles), &Erased::default()).expect("one of ours").handles;
            assert_eq!(handles[&AccountId(1)].name.as_str(), "anna");
        }
    }

    #[test]
    fn what_the_connector_does_not_send_is_refused() {
        assert!(reactions(SignalBatch::default(), &Erased::default()).is_err(), "no id");
        let late = BatchedInteraction { day: i32::MAX, ..like(1, None, 1) };
        assert!(reactions(batch(vec![late], vec![]), &Erased::default()).is_err());
        let adored = BatchedInteraction { kind: "adore".to_owned(), ..like(1, None, 1) };
        assert!(reactions(batch(vec![adored], vec![]), &Erased::default()).is_err());
        let nameless = BatchedHandle { account_id: 1, ..Default::default() };
        assert!(reactions(batch(vec![], vec![nameless]), &Erased::default()).is_err());
    }
}
