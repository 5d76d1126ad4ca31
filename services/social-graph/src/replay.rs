//! Takes over states from a file that was written while they were still there, after a backup was restored.
//!
//! A backup knows nothing of who left after it was made. What is in the file and newer is put in force again, under
//! its old numbers, before anything else: the other services then ask what they have missed.

use std::collections::BTreeMap;

use klout_model::{PersonId, Purpose};
use klout_proto::graph::v1::PersonState;
use sqlx::PgPool;
use tracing::instrument;

use crate::{
    error::Error,
    state::{By, Standing, State, Turn},
    store,
};

/// States taken over at once.
const STATES_MAX: usize = 1_000;

/// A state that is to be in force again.
#[derive(Clone, Debug)]
pub(crate) struct Replayed {
    pub(crate) person: PersonId,
    pub(crate) number: i64,
    pub(crate) standing: Standing,
    /// With the day up to which each was theirs.
    pub(crate) erased_accounts: Vec<(i64, Option<i32>)>,
}

/// Checks states.
pub(crate) fn parse(states: Vec<PersonState>) -> Result<Vec<Replayed>, Error> {
    if states.len() > STATES_MAX {
        return Err(Error::StatesMalformed { problem: "more than 1,000 states" });
    }
    states.into_iter().map(|state| one(state).ok_or(MALFORMED)).collect()
}

const MALFORMED: Error = Error::StatesMalformed { problem: "a state that cannot be" };

fn one(state: PersonState) -> Option<Replayed> {
    let into = (state.into_person_id != 0).then_some(state.into_person_id);
    let known = |purpose: &String| purpose.parse::<Purpose>().is_ok();
    if !state.withheld_purposes.iter().all(known) {
        return None;
    }
    let erased = state.erased_accounts.into_iter().map(|it| (it.account_id, it.through_day));
    Some(Replayed {
        person: PersonId::new(state.person_id)?,
        number: i64::try_from(state.number).ok().filter(|number| *number > 0)?,
        standing: Standing {
            state: State::kept(&state.state, into)?,
            withheld_purposes: state.withheld_purposes.into_iter().collect(),
            // No other service is told of them, and so no file has them.
            withheld_networks: Default::default(),
        },
        erased_accounts: erased.collect(),
    })
}

/// Puts those of these states in force that are newer than what is known, and lets the loops tell them and delete what
/// is to go.
#[instrument(skip_all, fields(states.len = states.len()))]
pub(crate) async fn states(db: &PgPool, states: &[Replayed], by: &By<'_>) -> Result<(), Error> {
    let store = Error::store;
    let mut transaction = db.begin().await.map_err(store("begin to replay states"))?;
    let turn = Turn::take(&mut transaction).await?;
    let people: Vec<_> = states.iter().map(|state| state.person.get()).collect();
    let known =
        store::person_state::of(&mut *transaction, &people).await.map_err(store("read states"))?;
    let known: BTreeMap<_, _> = known.into_iter().map(|it| (it.person_id, it.number)).collect();
    let newer = states.iter().filter(|state| {
        let known = known.get(&state.person.get()).copied().unwrap_or(0);
        state.number.cast_unsigned() > known
    });
    // Of one person, the highest.
    let mut newest: BTreeMap<PersonId, &Replayed> = BTreeMap::new();
    for state in newer {
        let held = newest.entry(state.person).or_insert(state);
        if state.number > held.number {
            *held = state;
        }
    }
    turn.replay(&mut transaction, &newest, by).await?;
    transaction.commit().await.map_err(store("commit states"))
}
