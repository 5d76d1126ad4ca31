//! Takes in nothing of people who were erased, and takes what they left out of the log.
//!
//! Ingest looks who was erased in the transaction that writes the log, which whoever erases an account waits for; so
//! from the moment that a state is taken over nothing new of them is there. What is there already is in packed
//! batches, and what they did is in batches of others: a hand goes through the log, a part with each call, for
//! everybody who waits. A batch keeps its id, so a consumer that has applied it does not apply it again; one that gets
//! it once more, as evidence is made again, gets what is left.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use klout_proto::{
    people::{self, Erased, Known, State, Told},
    signal::v1::SignalBatch,
};
use prost::Message as _;
use sqlx::{PgConnection, PgPool};
use tracing::instrument;
use uuid::Uuid;

use crate::{
    batch::{self, TakenOut},
    error::Error,
    store::{self, LANES, forgetting::Hand},
};

/// Batches that are gone through in one transaction.
const BATCHES_MAX: i64 = 64;

/// Rows of the list of signals that are deleted at once.
const SIGNALS_MAX: i64 = 50_000;

/// How long a call goes on.
const TIME_MAX: Duration = Duration::from_millis(500);

/// What was deleted, and whether that was all.
#[derive(Debug, Default)]
pub(crate) struct Forgotten {
    pub(crate) counts: Vec<(&'static str, u64)>,
    pub(crate) done: bool,
}

/// Takes over states. Returns what is known of all these people then.
#[instrument(name = "apply_person_states", skip_all, fields(states.len = told.len()))]
pub(crate) async fn apply(db: &PgPool, told: &[Told]) -> Result<Vec<Known>, Error> {
    let store = Error::store;
    let mut transaction = db.begin().await.map_err(store("begin to take over states"))?;
    let connection = &mut *transaction;
    if told.iter().any(|it| !it.erased.is_empty()) {
        store::person_state::lock_erased(&mut *connection)
            .await
            .map_err(store("wait for signals that are taken in"))?;
    }
    let newer = store::person_state::renew(&mut *connection, told).await;
    let newer = newer.map_err(store("take over states"))?;
    let newer: Vec<&Told> = told.iter().filter(|it| newer.contains(&it.person)).collect();
    let erased: BTreeMap<i64, Erased> =
        newer.iter().flat_map(|it| &it.erased).map(|it| (it.account, *it)).collect();
    if !erased.is_empty() {
        store::person_state::renew_erased(&mut *connection, &erased)
            .await
            .map_err(store("note erased accounts"))?;
    }
    end_connections(&mut *connection, &newer).await?;
    let all: Vec<i64> = told.iter().map(|it| it.person).collect();
    let known = store::person_state::known(&mut *connection, &all).await;
    let known = known.map_err(store("look what is known of people"))?;
    transaction.commit().await.map_err(store("commit states"))?;
    Ok(known)
}

/// Who is not a member any more is asked about nowhere from then on: their access, and all that was still to be asked, is
/// gone with the same transaction. Who was merged is who stayed.
async fn end_connections(db: &mut PgConnection, newer: &[&Told]) -> Result<(), Error> {
    let store = Error::store;
    let merged = newer.iter().filter_map(|it| Some((it.person, it.into?)));
    let (people, into): (Vec<i64>, Vec<i64>) = merged.unzip();
    if !people.is_empty() {
        store::connection::merge(&mut *db, &people, &into)
            .await
            .map_err(store("hand connections over"))?;
    }
    let left = newer.iter().filter(|it| !matches!(it.state, State::Member | State::Merged));
    let left: Vec<i64> = left.map(|it| it.person).collect();
    if left.is_empty() {
        return Ok(());
    }
    // Whoever connects one of them now is waited for: what they connect ends, too.
    store::connection::lock_people(&mut *db, &left).await.map_err(store("hold who left"))?;
    let accounts = store::connection::accounts(&mut *db, &left).await;
    let accounts = accounts.map_err(store("look what is connected"))?;
    if !accounts.is_empty() {
        store::connection::remove(db, &accounts).await.map_err(store("end connections"))?;
    }
    Ok(())
}

/// Whether somebody is no member any more, and nobody else either.
pub(crate) fn has_left(known: &Known) -> bool {
    ![State::Member, State::Merged].iter().any(|it| it.as_str() == known.state)
}

/// The highest number that was told.
pub(crate) async fn newest(db: &PgPool) -> Result<u64, Error> {
    let newest = store::person_state::newest(db).await;
    newest.map(i64::cast_unsigned).map_err(Error::store("look for the newest state"))
}

/// Forgets somebody, or a part of what there is. Of who opted out everything stays, as a pseudonym's.
#[instrument(name = "forget_person", skip_all)]
pub(crate) async fn forget(
    db: &PgPool,
    person: i64,
    state: State,
    accounts: &[i64],
) -> Result<Forgotten, Error> {
    let store = Error::store;
    if state != State::Erased {
        return Ok(Forgotten { counts: Vec::new(), done: true });
    }
    // Where the hand stands is where it starts for these accounts only as long as it does not move.
    let mut transaction = db.begin().await.map_err(store("begin to forget somebody"))?;
    store::forgetting::lock_hand(&mut transaction).await.map_err(store("hold the hand"))?;
    store::forgetting::add(&mut *transaction, person, accounts)
        .await
        .map_err(store("have the log gone through"))?;
    transaction.commit().await.map_err(store("commit whom to forget"))?;
    let started = Instant::now();
    let progress = loop {
        let progress = store::forgetting::progress(db, person).await;
        let progress = progress.map_err(store("look how far the hand has come"))?;
        if progress.done || started.elapsed() >= TIME_MAX {
            break progress;
        }
        go_on(db).await?;
    };
    let mut forgotten = Forgotten::default();
    if !progress.done {
        return Ok(forgotten);
    }
    // After the log, in which signals are found by this list: what is left is what names no batch.
    let listed = store::forgetting::remove_all(db, accounts, SIGNALS_MAX).await;
    let listed = listed.map_err(store("delete the list of signals"))?;
    if listed > 0 {
        forgotten.counts.push(("signal_identity", listed));
    }
    let streamed = store::stream_record::forget(db, accounts, SIGNALS_MAX).await;
    let streamed = streamed.map_err(store("delete what records told"))?;
    if streamed > 0 {
        forgotten.counts.push(("stream_record", streamed));
    }
    if listed.max(streamed) < SIGNALS_MAX.unsigned_abs() {
        store::forgetting::remove(db, person)
            .await
            .map_err(store("note that somebody is forgotten"))?;
        if progress.signals > 0 {
            forgotten.counts.push(("signal", progress.signals.unsigned_abs()));
        }
        forgotten.done = true;
    }
    Ok(forgotten)
}

/// Moves the hand over the next batches, and takes out of them what is to go.
async fn go_on(db: &PgPool) -> Result<(), Error> {
    let store = Error::store;
    let mut transaction = db.begin().await.map_err(store("begin to go through the log"))?;
    let connection = &mut *transaction;
    let hand = store::forgetting::lock_hand(&mut *connection).await;
    let hand = hand.map_err(store("read how far the hand has come"))?;
    let pending = store::forgetting::pending(&mut *connection).await;
    let pending = pending.map_err(store("look who is to be forgotten"))?;
    let batches = store::forgetting::next_batches(&mut *connection, hand, BATCHES_MAX).await;
    let batches = batches.map_err(store("read the log"))?;
    let next = match batches.last() {
        Some(last) => {
            let lane = i16::from(last.batch_id.as_bytes()[0] % LANES);
            Hand { lane, batch_id: last.batch_id, ..hand }
        }
        None => Hand { lap: hand.lap + 1, lane: -1, batch_id: Uuid::nil() },
    };
    let (mut rewritten, mut signals, mut taken) = (Vec::new(), Vec::new(), HashMap::new());
    for logged in &batches {
        let Some(TakenOut { left, gone, counts }) =
            batch::take_out(logged, &pending).map_err(Error::LogBroken)?
        else {
            continue;
        };
        signals.extend(gone.into_iter().map(|(subject, id)| (subject, logged.batch_id, id)));
        for (account, count) in counts {
            *taken.entry(account).or_default() += count;
        }
        rewritten.push(left);
    }
    if !rewritten.is_empty() {
        write(&mut *connection, &rewritten, &signals, &pending).await?;
        store::forgetting::count(&mut *connection, &taken)
            .await
            .map_err(store("count what was taken out"))?;
    }
    store::forgetting::move_hand(&mut *connection, next)
        .await
        .map_err(store("note how far the hand has come"))?;
    transaction.commit().await.map_err(store("commit what was gone through"))
}

async fn write(
    db: &mut PgConnection,
    rewritten: &[store::batch::Logged],
    signals: &[(i64, Uuid, [u8; 8])],
    pending: &HashMap<i64, Erased>,
) -> Result<(), Error> {
    let store = Error::store;
    store::forgetting::rewrite(&mut *db, rewritten).await.map_err(store("rewrite the log"))?;
    store::forgetting::remove_signals(&mut *db, signals)
        .await
        .map_err(store("take signals off the list"))?;
    // Words go with what they belong to, also where they wait for a consumer.
    let ids: Vec<Uuid> = rewritten.iter().map(|it| it.batch_id).collect();
    let waiting = store::forgetting::beside(&mut *db, &ids).await;
    for mut waiting in waiting.map_err(store("read the outbox"))? {
        let Some(left) = rewritten.iter().find(|it| it.batch_id == waiting.batch_id) else {
            continue;
        };
        let mut joined = left.payload.clone();
        joined.extend(&waiting.payload);
        let mut joined = SignalBatch::decode(joined.as_slice()).map_err(Error::LogBroken)?;
        people::leave_out(&mut joined, pending);
        people::keep_words_of_what_is_there(&mut joined);
        let SignalBatch { handles, texts, labels, .. } = joined;
        let beside = SignalBatch { handles, texts, labels, ..SignalBatch::default() };
        waiting.payload = beside.encode_to_vec();
        store::forgetting::rewrite_beside(&mut *db, &waiting)
            .await
            .map_err(store("rewrite the outbox"))?;
    }
    Ok(())
}
