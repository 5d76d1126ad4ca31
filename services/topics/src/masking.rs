//! Takes over who is no member any more, and forgets people who left.
//!
//! Answers are read from Postgres alone, each of them with what holds of the people in it, so nothing shows any more
//! of somebody from the transaction on that takes the state over. It holds each person, as does whoever writes what
//! people have to do with topics, and deletes that; who writes later sees the state.

use std::collections::BTreeMap;

use klout_proto::people::{Erased, Known, State, Told};
use sqlx::{PgPool, Postgres, Transaction};
use tracing::instrument;

use crate::{error::Error, store};

/// Rows of a table that are deleted at once.
const ROWS_MAX: i64 = 20_000;

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
    let mut transaction = db.begin().await.map_err(store("begin to mask people"))?;
    let connection = &mut *transaction;
    // In the order of everybody who writes: the ontology, batches, people.
    store::edition::hold(&mut *connection).await.map_err(store("hold the ontology in use"))?;
    let erased = |told: &[&Told]| -> BTreeMap<i64, Erased> {
        told.iter().flat_map(|it| &it.erased).map(|it| (it.account, *it)).collect()
    };
    let all: Vec<&Told> = told.iter().collect();
    if !erased(&all).is_empty() {
        store::person_state::lock_erased(&mut *connection)
            .await
            .map_err(store("wait for batches"))?;
    }
    let people: Vec<i64> =
        told.iter().flat_map(|it| [Some(it.person), it.into]).flatten().collect();
    // Whoever writes of somebody for the first time right now is waited for too, or waits: a row that is not there yet
    // cannot be held.
    let leaving = told.iter().filter(|it| it.state != State::Member);
    let leaving: Vec<i64> = leaving.map(|it| it.person).collect();
    let added = store::person::add(&mut *connection, &leaving).await;
    let added = added.map_err(store("hold who leaves"))?;
    store::person::lock(&mut *connection, &people).await.map_err(store("hold members"))?;
    let newer = store::person_state::renew(&mut *connection, told).await;
    let newer = newer.map_err(store("take over states"))?;
    let newer: Vec<&Told> = told.iter().filter(|it| newer.contains(&it.person)).collect();
    let all: Vec<i64> = told.iter().map(|it| it.person).collect();
    let known = store::person_state::known(&mut *connection, &all).await;
    let known = known.map_err(store("look what is known of people"))?;
    let erased = erased(&newer);
    if !erased.is_empty() {
        store::person_state::renew_erased(&mut *connection, &erased)
            .await
            .map_err(store("note erased accounts"))?;
    }
    let merged: (Vec<i64>, Vec<i64>) =
        newer.iter().filter_map(|it| Some((it.person, it.into?))).unzip();
    if !merged.0.is_empty() {
        store::person_state::move_said(&mut *connection, &merged.0, &merged.1)
            .await
            .map_err(store("move what merged people said"))?;
    }
    let (members, others): (Vec<&Told>, Vec<&Told>) =
        newer.iter().partition(|it| it.state == State::Member);
    let masked: Vec<i64> = others.iter().map(|it| it.person).collect();
    let topics = store::person_state::mask(&mut *connection, &masked).await;
    let topics = topics.map_err(store("mask people"))?;
    store::standing::mark(&mut *connection, &topics)
        .await
        .map_err(store("note whose ranks change"))?;
    // Who is a member again is computed by the evidence that there is.
    let again = members.iter().map(|it| it.person).chain(merged.1).collect();
    store::dirty_person::mark(&mut *connection, &again)
        .await
        .map_err(store("mark people dirty"))?;
    store::person::remove(&mut *connection, &added).await.map_err(store("let who leaves go"))?;
    transaction.commit().await.map_err(store("commit states"))?;
    Ok(known)
}

/// Forgets somebody, or a part of what there is. Of who opted out what they did to others stays, as a pseudonym's, and
/// what they declared and vetoed, for when they come back; what is about them goes, as that of everybody who is no
/// member.
#[instrument(name = "forget_person", skip_all)]
pub(crate) async fn forget(
    db: &PgPool,
    person: i64,
    state: State,
    accounts: &[i64],
) -> Result<Forgotten, Error> {
    use store::forgetting as tables;
    let mut forgotten = Forgotten { counts: Vec::new(), done: true };
    macro_rules! forget {
        ($name:literal, $table:ident) => {
            let Some(mut held) = hold(db, person, state).await? else {
                return Ok(Forgotten { done: false, ..forgotten });
            };
            let deleted = tables::$table(&mut *held, accounts, ROWS_MAX)
                .await
                .map_err(Error::store("forget somebody"))?;
            held.commit().await.map_err(Error::store("commit that somebody is forgotten"))?;
            if deleted > 0 {
                forgotten.counts.push(($name, deleted));
            }
            forgotten.done &= deleted < ROWS_MAX.unsigned_abs();
        };
    }
    forget!("post_topic", post_topics);
    forget!("post", posts);
    forget!("reaction", reactions);
    forget!("label", labels);
    forget!("place", places);
    if state == State::Erased {
        forget!("reaction", reactions_by);
        forget!("label", labels_by);
    }
    let Some(mut held) = hold(db, person, state).await? else {
        return Ok(Forgotten { done: false, ..forgotten });
    };
    let said = tables::person(&mut held, person, state == State::Erased).await;
    let (declared, vetoed) = said.map_err(Error::store("forget what somebody said"))?;
    held.commit().await.map_err(Error::store("commit that somebody is forgotten"))?;
    for (name, deleted) in [("declared", declared), ("veto", vetoed)] {
        if deleted > 0 {
            forgotten.counts.push((name, deleted.unsigned_abs()));
        }
    }
    Ok(forgotten)
}

/// Begins a transaction in which nobody's state changes, if somebody is in this one: who came back meanwhile keeps
/// everything. The order is that of everybody who writes: batches, people.
async fn hold(
    db: &PgPool,
    person: i64,
    state: State,
) -> Result<Option<Transaction<'static, Postgres>>, Error> {
    let store = Error::store;
    let mut transaction = db.begin().await.map_err(store("begin to forget somebody"))?;
    store::person_state::lock_erased(&mut transaction).await.map_err(store("wait for batches"))?;
    store::person::lock(&mut transaction, &[person]).await.map_err(store("hold a member"))?;
    let is = store::person_state::is(&mut transaction, person, state.as_str())
        .await
        .map_err(store("look who is to be forgotten"))?;
    Ok(is.then_some(transaction))
}

/// The highest number that was told.
pub(crate) async fn newest(db: &PgPool) -> Result<u64, Error> {
    let newest = store::person_state::newest(db).await;
    newest.map(i64::cast_unsigned).map_err(Error::store("look for the newest state"))
}
