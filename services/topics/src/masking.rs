//! Takes over who is no member any more, and forgets people who left.
//!
//! Answers are read from Postgres alone, each of them with what holds of the people in it, so nothing shows any more
//! of somebody from the transaction on that takes the state over. It holds each person, as does whoever writes what
//! people have to do with topics, and deletes that; who writes later sees the state.

use std::collections::BTreeMap;

use klout_proto::people::{Erased, State, Told};
use sqlx::PgPool;
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

/// Takes over states.
#[instrument(name = "apply_person_states", skip_all, fields(states.len = told.len()))]
pub(crate) async fn apply(db: &PgPool, told: &[Told]) -> Result<(), Error> {
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
    store::person::lock(&mut *connection, &people).await.map_err(store("hold members"))?;
    let newer = store::person_state::renew(&mut *connection, told).await;
    let newer = newer.map_err(store("take over states"))?;
    let newer: Vec<&Told> = told.iter().filter(|it| newer.contains(&it.person)).collect();
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
    transaction.commit().await.map_err(store("commit states"))
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
    let failed = || Error::store("forget somebody");
    let mut forgotten = Forgotten { counts: Vec::new(), done: true };
    let mut count = |name, deleted: u64| {
        if deleted > 0 {
            forgotten.counts.push((name, deleted));
        }
        forgotten.done &= deleted < ROWS_MAX.unsigned_abs();
    };
    count("post", tables::posts(db, accounts, ROWS_MAX).await.map_err(failed())?);
    count("post_topic", tables::post_topics(db, accounts, ROWS_MAX).await.map_err(failed())?);
    count("reaction", tables::reactions(db, accounts, ROWS_MAX).await.map_err(failed())?);
    count("label", tables::labels(db, accounts, ROWS_MAX).await.map_err(failed())?);
    count("place", tables::places(db, accounts, ROWS_MAX).await.map_err(failed())?);
    if state == State::Erased {
        count("reaction", tables::reactions_by(db, accounts, ROWS_MAX).await.map_err(failed())?);
        count("label", tables::labels_by(db, accounts, ROWS_MAX).await.map_err(failed())?);
    }
    let for_good = state == State::Erased;
    let (declared, vetoed) = tables::person(db, person, for_good).await.map_err(failed())?;
    count("declared", declared.unsigned_abs());
    count("veto", vetoed.unsigned_abs());
    Ok(forgotten)
}

/// The highest number that was told.
pub(crate) async fn newest(db: &PgPool) -> Result<u64, Error> {
    let newest = store::person_state::newest(db).await;
    newest.map(i64::cast_unsigned).map_err(Error::store("look for the newest state"))
}
