//! Takes over who is no member any more, and forgets people who left.
//!
//! Whoever writes who was found shares the states until they commit, and looks at them first; whoever takes states over
//! holds them alone. So when that is done nothing is written any more about who left. What was written before is shown
//! to nobody, as scoring is asked about everybody who is shown; it is deleted when social-graph says so.

use klout_proto::people::{Known, State, Told};
use tracing::instrument;

use super::{Jobs, error::JobError};
use crate::store;

/// Rows that are deleted at once.
const ROWS_MAX: i64 = 20_000;

impl Jobs {
    /// Takes over states. Returns what is known of all these people then.
    #[instrument(name = "apply_person_states", skip_all, fields(states.len = told.len()))]
    pub(crate) async fn apply(&self, told: &[Told]) -> Result<Vec<Known>, JobError> {
        let store = JobError::store;
        let mut transaction = self.db.begin().await.map_err(store("begin to mask people"))?;
        let connection = &mut *transaction;
        store::person_state::hold(&mut *connection).await.map_err(store("hold states"))?;
        let newer = store::person_state::renew(&mut *connection, told).await;
        let newer = newer.map_err(store("take over states"))?;
        let all: Vec<i64> = told.iter().map(|it| it.person).collect();
        let known = store::person_state::known(&mut *connection, &all).await;
        let known = known.map_err(store("look what is known of people"))?;
        let newer = told.iter().filter(|it| newer.contains(&it.person));
        let (merged, into): (Vec<i64>, Vec<i64>) =
            newer.filter_map(|it| Some((it.person, it.into?))).unzip();
        if !merged.is_empty() {
            store::job_result::move_to(&mut *connection, &merged, &into)
                .await
                .map_err(store("move what was found of merged people"))?;
        }
        transaction.commit().await.map_err(store("commit states"))?;
        Ok(known)
    }

    /// Forgets what was found of somebody, or a part of it: returns how much, and whether that was all. Who comes back is
    /// found by files that are sent afterwards.
    #[instrument(name = "forget_person", skip_all)]
    pub(crate) async fn forget(&self, person: i64, state: State) -> Result<(u64, bool), JobError> {
        let store = JobError::store;
        let mut transaction = self.db.begin().await.map_err(store("begin to forget somebody"))?;
        let is = store::person_state::is(&mut transaction, person, state.as_str()).await;
        // Who came back meanwhile keeps everything.
        if !is.map_err(store("look who is to be forgotten"))? {
            return Ok((0, false));
        }
        let forgotten = store::job_result::forget(&mut transaction, person, ROWS_MAX).await;
        let forgotten = forgotten.map_err(store("forget somebody"))?;
        transaction.commit().await.map_err(store("commit that somebody is forgotten"))?;
        Ok((forgotten, forgotten < ROWS_MAX.unsigned_abs()))
    }

    /// The highest number that was told.
    pub(crate) async fn newest(&self) -> Result<u64, JobError> {
        let newest = store::person_state::newest(&self.db).await;
        newest.map(i64::cast_unsigned).map_err(JobError::store("look for the newest state"))
    }
}
