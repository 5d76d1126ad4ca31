//! Takes signals in: all that is new goes into the log and the outbox in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use klout_model::{AccountId, SignalHash};
use klout_proto::signal::v1::{BatchedHandle, Rejection, Signal, SignalBatch};
use prost::Message as _;
use sqlx::PgPool;
use tracing::instrument;
use uuid::Uuid;

use crate::{
    admission::{self, Admitted, Item, Terms},
    deliver::{Bell, Consumer},
    error::Error,
    store::{self, outbox::Entry, signal::Logged},
};

/// Signals in one message: what a transaction of a few milliseconds takes.
pub(crate) const SIGNALS_MAX: usize = 1_000;

/// What became of the signals of one message.
#[derive(Debug, Default)]
pub(crate) struct Ingested {
    pub(crate) accepted: u32,
    pub(crate) repeated: u32,
    /// By their place in the message.
    pub(crate) rejected: Vec<Rejection>,
    /// The batches that hold what was accepted or repeated.
    pub(crate) batches: Vec<Uuid>,
}

/// Takes in `signals`. When it returns, what it counts as accepted is durable, and `outbox_grew` was
/// rung if there was any.
#[instrument(skip_all, fields(signals.len = signals.len()))]
pub(crate) async fn ingest(
    db: &PgPool,
    outbox_grew: &Bell,
    terms: &Terms,
    signals: Vec<Signal>,
) -> Result<Ingested, Error> {
    if signals.len() > SIGNALS_MAX {
        return Err(Error::SignalsTooMany { count: signals.len() });
    }
    let mut ingested = Ingested::default();
    // In the order of the key, so that two requests with the same signals cannot lock one another
    // out; and once each.
    let mut admitted = BTreeMap::new();
    for (index, signal) in (0..).zip(signals) {
        match admission::admit(terms, signal) {
            Ok(signal) => {
                if admitted.insert((signal.subject, signal.signal_id), signal).is_some() {
                    ingested.repeated += 1;
                }
            }
            Err(reason) => ingested.rejected.push(Rejection {
                index,
                reason: reason.as_str().to_owned(),
                message: reason.to_string(),
            }),
        }
    }
    if admitted.is_empty() {
        return Ok(ingested);
    }

    let batch_id = Uuid::new_v4();
    let identities: Vec<_> = admitted.keys().copied().collect();
    let logged: Vec<Logged> = admitted.values().map(|signal| to_log(signal, batch_id)).collect();

    let store = Error::store;
    let mut transaction = db.begin().await.map_err(store("begin to take signals in"))?;
    let new = store::signal::append(&mut *transaction, &logged)
        .await
        .map_err(store("write the signal log"))?;
    if new.len() < identities.len() {
        let old: Vec<_> = identities.iter().filter(|it| !new.contains(it)).copied().collect();
        ingested.batches = store::signal::batches(&mut *transaction, &old)
            .await
            .map_err(store("read the signal log"))?;
        ingested.repeated += u32::try_from(old.len()).unwrap_or(u32::MAX);
    }
    if !new.is_empty() {
        ingested.accepted = u32::try_from(new.len()).unwrap_or(u32::MAX);
        ingested.batches.push(batch_id);
        let payload = batch(batch_id, admitted, &new).encode_to_vec();
        let entries = Consumer::ALL.map(|consumer| Entry { batch_id, consumer, payload: &payload });
        store::outbox::append(&mut *transaction, &entries)
            .await
            .map_err(store("write the outbox"))?;
    }
    transaction.commit().await.map_err(store("commit signals"))?;
    if !new.is_empty() {
        outbox_grew.ring();
    }
    Ok(ingested)
}

/// The batch of what is new.
fn batch(
    batch_id: Uuid,
    admitted: BTreeMap<(AccountId, SignalHash), Admitted>,
    new: &BTreeSet<(AccountId, SignalHash)>,
) -> SignalBatch {
    let mut batch =
        SignalBatch { batch_id: batch_id.into_bytes().to_vec(), ..SignalBatch::default() };
    let mut handles: BTreeMap<i64, BatchedHandle> = BTreeMap::new();
    for (identity, signal) in admitted {
        if !new.contains(&identity) {
            continue;
        }
        push(&mut batch, signal.item);
        for handle in signal.handles {
            let newest = handles.entry(handle.account_id).or_insert_with(|| handle.clone());
            if age_key(&handle) > age_key(newest) {
                *newest = handle;
            }
        }
    }
    batch.handles = handles.into_values().collect();
    batch
}

/// Orders handles of one account: by time, then by name so that the order of signals cannot matter.
fn age_key(handle: &BatchedHandle) -> (i64, i32, &str) {
    let time = handle.seen_time.unwrap_or_default();
    (time.seconds, time.nanos, &handle.handle)
}

fn to_log(signal: &Admitted, batch_id: Uuid) -> Logged {
    let mut alone = SignalBatch::default();
    push(&mut alone, signal.item.clone());
    Logged {
        subject: signal.subject,
        signal_id: signal.signal_id,
        batch_id,
        content: alone.encode_to_vec(),
    }
}

fn push(batch: &mut SignalBatch, item: Item) {
    match item {
        Item::Interaction(interaction) => batch.interactions.push(interaction),
        Item::Counter(counter) => batch.counters.push(counter),
        Item::Post(post) => batch.posts.push(post),
    }
}
