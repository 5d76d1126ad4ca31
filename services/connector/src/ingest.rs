//! Takes signals in: all that is new goes into the log and the outbox in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use klout_chassis::{failpoint, switched_on};
use klout_proto::signal::v1::{Rejection, Signal, SignalBatch};
use prost::Message as _;
use sqlx::{PgConnection, PgPool};
use tracing::instrument;
use uuid::Uuid;

use crate::{
    admission::{self, Admitted, Item, Terms},
    batch::{self, Batch},
    deliver::{Bell, Consumer},
    error::Error,
    store::{
        self,
        batch::Logged,
        outbox::Entry,
        signal::{Identity, Retracted},
    },
};

/// Signals in one message: what a transaction of a few milliseconds takes.
pub(crate) const SIGNALS_MAX: usize = 1_000;

/// Batches of the log in memory at once, while signals in them are taken back.
const BATCHES_MAX: usize = 16;

/// What became of the signals of one message.
#[derive(Debug, Default)]
pub(crate) struct Ingested {
    pub(crate) accepted: u32,
    pub(crate) repeated: u32,
    /// By their place in the message.
    pub(crate) rejected: Vec<Rejection>,
    /// The batches that hold what was accepted or repeated.
    pub(crate) batches: Vec<Uuid>,
    /// Those that were not there before.
    pub(crate) new: BTreeSet<Identity>,
}

/// Signals that may be taken in, in the order of the key, so that two who write the same ones cannot lock one another out.
pub(crate) type Taken = BTreeMap<Identity, Admitted>;

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
    let (taken, mut ingested) = admit(terms, signals);
    if taken.is_empty() {
        return Ok(ingested);
    }
    let mut transaction = db.begin().await.map_err(Error::store("begin to take signals in"))?;
    write(&mut transaction, taken, &[], &mut ingested).await?;
    failpoint!("connector.signals.written");
    transaction.commit().await.map_err(Error::store("commit signals"))?;
    failpoint!("connector.signals.committed");
    if ingested.accepted > 0 {
        outbox_grew.ring();
    }
    Ok(ingested)
}

/// Sorts out what may be taken in, each signal once.
pub(crate) fn admit(terms: &Terms, signals: impl IntoIterator<Item = Signal>) -> (Taken, Ingested) {
    let mut ingested = Ingested::default();
    let mut taken = Taken::new();
    for (index, signal) in (0..).zip(signals) {
        match admission::admit(terms, signal) {
            Ok(signal) => {
                if taken.insert((signal.subject, signal.signal_id), signal).is_some() {
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
    (taken, ingested)
}

/// Writes what is new of these into the log and the outbox, and takes back what was taken in before under
/// `taken_back`, in the order of the key. It counts when the transaction is committed, and then somebody has to ring if
/// there is anything in [`Ingested::batches`].
pub(crate) async fn write(
    db: &mut PgConnection,
    taken: Taken,
    taken_back: &[Identity],
    ingested: &mut Ingested,
) -> Result<(), Error> {
    write_knowing(db, taken, taken_back, BTreeMap::new(), ingested).await
}

/// As [`write`], by whoever knows what some of the signals were that are taken back: these are not looked for in the log.
pub(crate) async fn write_knowing(
    db: &mut PgConnection,
    mut taken: Taken,
    taken_back: &[Identity],
    known: BTreeMap<Identity, Item>,
    ingested: &mut Ingested,
) -> Result<(), Error> {
    let batch_id = Uuid::new_v4();
    let store = Error::store;
    ingested.accepted += leave_out(&mut *db, &mut taken).await?;
    let rows = rows(&taken);
    let added = store::signal::append(&mut *db, batch_id, &rows)
        .await
        .map_err(store("write the list of signals"))?;
    let (new, old): (BTreeMap<_, _>, BTreeMap<_, _>) =
        taken.into_iter().partition(|(identity, _)| added.contains(identity));
    if !old.is_empty() {
        let old: Vec<_> = old.into_keys().collect();
        let batches = store::signal::batches(&mut *db, &old).await;
        ingested.batches.extend(batches.map_err(store("read the list of signals"))?);
        ingested.repeated += u32::try_from(old.len()).unwrap_or(u32::MAX);
    }
    let accepted = u32::try_from(new.len()).unwrap_or(u32::MAX);
    ingested.accepted = ingested.accepted.saturating_add(accepted);
    let targets: BTreeSet<_> = targets(&new).chain(taken_back.iter().copied()).collect();
    let targets: Vec<_> = targets.into_iter().collect();
    let mut batch = Batch::new(batch_id);
    let mut is_empty = new.is_empty();
    new.into_values().for_each(|signal| batch.push(signal));
    ingested.new.extend(added);
    for item in retracted(&mut *db, &targets, known, &batch).await? {
        batch.retract(item);
        is_empty = false;
    }
    if !is_empty {
        append(&mut *db, &batch).await?;
        ingested.batches.push(batch_id);
    }
    Ok(())
}

/// Leaves out what is about or by accounts that were erased: it counts as taken in, so that whoever sends it goes
/// on, and nothing of it is kept. Returns how much that was.
async fn leave_out(
    db: &mut PgConnection,
    admitted: &mut BTreeMap<Identity, Admitted>,
) -> Result<u32, Error> {
    let store = Error::store;
    // Who erases an account waits for this transaction, or this one for them.
    store::person_state::share_erased(&mut *db)
        .await
        .map_err(store("wait for changes of states"))?;
    let accounts: BTreeSet<i64> = admitted.values().flat_map(Admitted::accounts).collect();
    let accounts: Vec<i64> = accounts.into_iter().collect();
    let erased = store::person_state::erased(db, &accounts).await;
    let erased = erased.map_err(store("look who was erased"))?;
    if erased.is_empty() || switched_on!("connector.signals_of_anybody") {
        return Ok(0);
    }
    let before = admitted.len();
    admitted.retain(|_, signal| !signal.is_of(&erased));
    Ok(u32::try_from(before - admitted.len()).unwrap_or(u32::MAX))
}

/// The signals that retractions among these name, in the order of the key.
fn targets(signals: &BTreeMap<Identity, Admitted>) -> impl Iterator<Item = Identity> {
    let targets = signals.values().filter_map(|signal| match &signal.item {
        Item::Retraction(of) => Some((signal.subject, *of)),
        Item::Interaction(_) | Item::Counter(_) | Item::Post(_) => None,
    });
    targets.collect::<BTreeSet<_>>().into_iter()
}

/// What the list of signals gets, in the order of its key: every signal, and in the place of a signal
/// that is taken back before it came, that it was.
fn rows(signals: &BTreeMap<Identity, Admitted>) -> Vec<(Identity, bool)> {
    let mut rows: BTreeMap<_, _> = targets(signals).map(|target| (target, true)).collect();
    rows.extend(signals.keys().map(|identity| (*identity, false)));
    rows.into_iter().collect()
}

/// Takes signals back, and returns what they were.
async fn retracted(
    db: &mut PgConnection,
    targets: &[Identity],
    mut known: BTreeMap<Identity, Item>,
    batch: &Batch,
) -> Result<Vec<Item>, Error> {
    if targets.is_empty() {
        return Ok(Vec::new());
    }
    let store = Error::store;
    let retracted =
        store::signal::retract(&mut *db, targets).await.map_err(store("take signals back"))?;
    let mut by_batch: BTreeMap<Uuid, Vec<Retracted>> = BTreeMap::new();
    let mut items = Vec::new();
    for signal in retracted {
        match known.remove(&signal.identity) {
            Some(item) => items.push(item),
            None => by_batch.entry(signal.batch_id).or_default().push(signal),
        }
    }
    // The one that is being made is not in the log yet.
    let own = batch.to_log();
    items.extend(found(&own, &mut by_batch)?);
    let batches: Vec<_> = by_batch.keys().copied().collect();
    for some in batches.chunks(BATCHES_MAX) {
        for logged in store::batch::find(&mut *db, some).await.map_err(store("read the log"))? {
            items.extend(found(&logged, &mut by_batch)?);
        }
    }
    // The version before kept the content with each signal.
    for content in by_batch.into_values().flatten().filter_map(|signal| signal.content) {
        let alone = SignalBatch::decode(content.as_slice()).map_err(Error::LogBroken)?;
        items.extend(batch::items(alone).next());
    }
    Ok(items)
}

/// Takes those of the signals that are in a batch, and returns what they were.
fn found(
    logged: &Logged,
    by_batch: &mut BTreeMap<Uuid, Vec<Retracted>>,
) -> Result<Vec<Item>, Error> {
    let Some(signals) = by_batch.remove(&logged.batch_id) else { return Ok(Vec::new()) };
    let mut index = batch::index(logged).map_err(Error::LogBroken)?;
    let items = signals.into_iter().filter_map(|signal| index.remove(&batch::key(signal.identity)));
    Ok(items.collect())
}

/// Writes a batch into the log, and tells the outbox who has to get it.
async fn append(db: &mut PgConnection, batch: &Batch) -> Result<(), Error> {
    let logged = batch.to_log();
    let batch_id = logged.batch_id;
    store::batch::append(&mut *db, &logged).await.map_err(Error::store("write the log"))?;
    let (names, texts) = (batch.for_social_graph(), batch.for_topics());
    let entry = |consumer, payload| Entry { batch_id, consumer, payload };
    let mut entries =
        vec![entry(Consumer::Scoring, None), entry(Consumer::SocialGraph, names.as_deref())];
    if batch.concerns_topics() {
        entries.push(entry(Consumer::Topics, texts.as_deref()));
    }
    store::outbox::append(&mut *db, &entries).await.map_err(Error::store("write the outbox"))
}
