//! Takes over who is no member any more, so that nothing of them is shown from the moment that this returns.
//!
//! One transaction, while nobody writes scores and, when accounts were erased, while no batch is applied: it takes
//! over the newer states and deletes what shows anything of these people. Whoever writes scores asks for states
//! under the lock that this waits for, so nothing comes back. Before it commits, Redis has tombstones of a revision
//! above all that these people's scores ever had, or the generation of its keys is raised.
//!
//! The commit tells all replicas, which forget these people, what is being read of them, and then confirm the
//! number of the change with their lease. A replica that does not confirm is waited for until its lease has
//! lapsed: after that it reads Postgres only, where these people are not. It is not served by it again before it
//! has heard of the change: see [`crate::replica`].

use std::{collections::BTreeMap, time::Duration};

use klout_chassis::switched_on;
use klout_proto::people::{Erased, Known, State, Told};
use sqlx::{PgConnection, PgPool};
use tokio::time::{Instant, sleep};
use tracing::instrument;

use crate::{
    cached::Cached,
    change::Change,
    error::{Error, ending},
    flights::Flights,
    store,
};

/// How long a change may take until everybody has confirmed it. A lease lapses in less.
const TIME_MAX: Duration = Duration::from_secs(3);

/// How long rescores and batches under way are waited for, which keep new ones waiting meanwhile.
const LOCK_TIME_MAX: Duration = Duration::from_secs(1);

/// How often it is looked who has confirmed.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// What masking needs.
#[derive(Clone, Debug)]
pub(crate) struct Masker {
    pub(crate) db: PgPool,
    pub(crate) cached: Cached,
    pub(crate) flights: Flights,
}

// === impl Masker ===

impl Masker {
    /// Takes over states, and returns when nothing shows any more of who is no member: what is known of all these people
    /// then.
    ///
    /// # Errors
    ///
    /// [`Error::MaskingUnconfirmed`] when that took too long: it is in force for whoever has confirmed it.
    #[instrument(name = "apply_person_states", skip_all, fields(states.len = told.len()))]
    pub(crate) async fn apply(&self, told: &[Told]) -> Result<Vec<Known>, Error> {
        let end = Instant::now() + TIME_MAX;
        let written = ending(TIME_MAX, self.write(told)).await??;
        if let Some(people) = &written.people {
            self.flights.outdate(people);
        }
        // What was repeated may have been confirmed by nobody the first time.
        self.confirmed(written.number, end).await?;
        Ok(written.known)
    }

    /// The highest number that was told.
    pub(crate) async fn newest(&self) -> Result<u64, Error> {
        let newest = store::person_state::newest(&self.db).await;
        newest.map(i64::cast_unsigned).map_err(Error::store("look for the newest state"))
    }

    async fn write(&self, told: &[Told]) -> Result<Written, Error> {
        let store = Error::store;
        let mut transaction = self.db.begin().await.map_err(store("begin to mask people"))?;
        let connection = &mut *transaction;
        if !store::standing::try_lock(&mut *connection, LOCK_TIME_MAX)
            .await
            .map_err(store("wait for rescores"))?
        {
            return Err(Error::MaskingUnconfirmed);
        }
        let erased: BTreeMap<i64, Erased> =
            told.iter().flat_map(|it| &it.erased).map(|it| (it.account, *it)).collect();
        if !erased.is_empty() {
            store::person_state::lock_erased(&mut *connection)
                .await
                .map_err(store("wait for batches"))?;
        }
        let newer = store::person_state::renew(&mut *connection, told)
            .await
            .map_err(store("take over states"))?;
        let people: Vec<i64> = told.iter().map(|it| it.person).collect();
        let known = store::person_state::known(&mut *connection, &people).await;
        let known = known.map_err(store("look what is known of people"))?;
        if newer.is_empty() {
            let number = store::person_state::masking(&mut *connection).await;
            let number = number.map_err(store("read the number of the last change"))?;
            return Ok(Written { number, people: None, known });
        }
        let newer: Vec<&Told> = told.iter().filter(|it| newer.contains(&it.person)).collect();
        let erased: BTreeMap<i64, Erased> =
            newer.iter().flat_map(|it| &it.erased).map(|it| (it.account, *it)).collect();
        if !erased.is_empty() {
            store::person_state::renew_erased(&mut *connection, &erased)
                .await
                .map_err(store("note erased accounts"))?;
        }
        let merged: (Vec<i64>, Vec<i64>) =
            newer.iter().filter_map(|it| Some((it.person, it.into?))).unzip();
        store::person_state::move_contests(&mut *connection, &merged.0, &merged.1)
            .await
            .map_err(store("move cases"))?;
        let (members, others): (Vec<&Told>, Vec<&Told>) =
            newer.iter().partition(|it| it.state == State::Member);
        let masked: Vec<i64> = others.iter().map(|it| it.person).collect();
        store::person_state::mask(&mut *connection, &masked).await.map_err(store("mask people"))?;
        // Who is a member again, or more of one, is scored by the evidence that there is.
        for person in members.iter().map(|it| it.person).chain(merged.1) {
            store::dirty_person::mark_known(&mut *connection, person)
                .await
                .map_err(store("mark people dirty"))?;
        }
        let people: Vec<i64> = newer.iter().map(|it| it.person).collect();
        self.bury(&mut *connection, &people).await?;
        let number = store::person_state::raise(&mut *connection).await;
        let number = number.map_err(store("number a change of states"))?;
        let mut changes = Change::of_people(people.iter().copied());
        // After all of them, so that whoever has heard of it has heard of everybody.
        changes.push(Change::Masking(number).message());
        store::replica::tell(&mut *connection, &changes).await.map_err(store("tell of states"))?;
        transaction.commit().await.map_err(store("commit states"))?;
        Ok(Written { number, people: Some(people), known })
    }

    /// Sees to it that Redis has nothing of these people, or that nobody reads what it has.
    async fn bury(&self, db: &mut PgConnection, people: &[i64]) -> Result<(), Error> {
        let store = Error::store;
        let revisions = store::person_state::touch(&mut *db, people).await;
        let revisions = revisions.map_err(store("give people new revisions"))?;
        // So that nobody puts what was before under another one while this is committed.
        let generation = store::replica::hold_generation(&mut *db).await;
        let generation = generation.map_err(store("read the generation of the cache"))?;
        if switched_on!("scoring.no_tombstones")
            || self.cached.bury_people(generation, &revisions).await
        {
            return Ok(());
        }
        let generation = store::replica::raise_generation(&mut *db).await;
        let generation = generation.map_err(store("raise the generation of the cache"))?;
        let change = Change::Generation(generation).message();
        store::replica::tell(&mut *db, &[change]).await.map_err(store("tell of a generation"))
    }

    /// Waits until nobody may serve what was cached before a change.
    async fn confirmed(&self, number: i64, end: Instant) -> Result<(), Error> {
        if switched_on!("scoring.no_confirmation") {
            return Ok(());
        }
        loop {
            let looked = store::replica::any_unconfirmed(&self.db, number);
            let left = end.saturating_duration_since(Instant::now());
            let unconfirmed = ending(left, looked).await.map_err(|_| Error::MaskingUnconfirmed)?;
            if !unconfirmed.map_err(Error::store("look who has confirmed"))? {
                return Ok(());
            }
            if Instant::now() + LOOK_INTERVAL >= end {
                return Err(Error::MaskingUnconfirmed);
            }
            sleep(LOOK_INTERVAL).await;
        }
    }
}

/// What was committed.
#[derive(Debug)]
struct Written {
    /// The last change of anybody's state, with this one.
    number: i64,
    /// Whose states are newer; `None`: nobody's.
    people: Option<Vec<i64>>,
    known: Vec<Known>,
}
