//! Takes over who is no member any more, and forgets people who left.
//!
//! Whoever writes what somebody has shares the states until they commit, and looks at them first; whoever takes states
//! over holds them alone. So when that is done nobody who left gets anything, and what they had is as it stays. Answers
//! are read with the states, so that nothing shows any more of somebody from then on.

use klout_proto::people::{Known, State, Told};
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
    store::person_state::hold(&mut *connection).await.map_err(store("hold states"))?;
    let newer = store::person_state::renew(&mut *connection, told).await;
    let newer = newer.map_err(store("take over states"))?;
    let newer: Vec<&Told> = told.iter().filter(|it| newer.contains(&it.person)).collect();
    let all: Vec<i64> = told.iter().map(|it| it.person).collect();
    let known = store::person_state::known(&mut *connection, &all).await;
    let known = known.map_err(store("look what is known of people"))?;
    let (merged, into): (Vec<i64>, Vec<i64>) =
        newer.iter().filter_map(|it| Some((it.person, it.into?))).unzip();
    if !merged.is_empty() {
        store::person_state::move_held(&mut *connection, &merged, &into)
            .await
            .map_err(store("move what merged people have"))?;
    }
    transaction.commit().await.map_err(store("commit states"))?;
    Ok(known)
}

/// Forgets somebody, or a part of what there is. Of who opted out it stays what they got, so that they do not get it
/// twice when they come back; from what it was decided goes.
#[instrument(name = "forget_person", skip_all)]
pub(crate) async fn forget(db: &PgPool, person: i64, state: State) -> Result<Forgotten, Error> {
    use store::forgetting as tables;
    let mut forgotten = Forgotten { counts: Vec::new(), done: true };
    macro_rules! forget {
        ($name:literal, $table:ident) => {
            let Some(mut held) = hold(db, person, state).await? else {
                return Ok(Forgotten { done: false, ..forgotten });
            };
            let deleted = tables::$table(&mut held, person, ROWS_MAX)
                .await
                .map_err(Error::store("forget somebody"))?;
            held.commit().await.map_err(Error::store("commit that somebody is forgotten"))?;
            if deleted > 0 {
                forgotten.counts.push(($name, deleted));
            }
            forgotten.done &= deleted < ROWS_MAX.unsigned_abs();
        };
    }
    forget!("arrival", arrivals);
    forget!("check_in", check_ins);
    if state == State::Erased {
        forget!("decision", decisions);
        forget!("grant", grants);
        forget!("budget", budgets);
    } else {
        forget!("facts", facts);
    }
    Ok(forgotten)
}

/// Begins a transaction in which somebody's state does not change, if they are in this one: who came back meanwhile
/// keeps everything.
async fn hold(
    db: &PgPool,
    person: i64,
    state: State,
) -> Result<Option<Transaction<'static, Postgres>>, Error> {
    let store = Error::store;
    let mut transaction = db.begin().await.map_err(store("begin to forget somebody"))?;
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
