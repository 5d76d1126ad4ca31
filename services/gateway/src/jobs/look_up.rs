//! Looks up the rows of closed jobs, a chunk a step.
//!
//! Whoever looks a chunk up has leased its job, for a short time that is renewed meanwhile. Who the rows are, how far the
//! job is, and that nothing of what they were looked up by is kept any more, is written in one transaction, and only
//! under the lease. So each row is looked up with effect once, whoever is killed whenever. Of all keys with jobs the one
//! is served next that was served least lately, so that a file of a million rows keeps no other waiting.

use std::{collections::HashMap, time::Duration};

use klout_chassis::{Caller, failpoint, from_row, reason as reason_of, renewing, within};
use klout_proto::graph::v1::{
    BatchIdentifyPeopleRequest, IdentifyResult, identify_result::Result as Identified,
};
use klout_store::interval;
use prost::Message as _;
use tokio::time::Instant;
use tonic::Code;
use tracing::{debug, instrument};

use super::{Jobs, KEPT_TIME, error::JobError, random_id, row::Rows};
use crate::store::{
    self,
    job::{Claimed, Counts},
    job_part::Chunk,
    job_result::Found,
    person_state::Standing,
};

/// How often it is looked for jobs that nobody has said anything of: those of other processes.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);

/// How long a lease lasts when whoever had it is gone.
const LEASE_TIME: Duration = Duration::from_secs(6);

/// How often it is renewed.
const RENEW_INTERVAL: Duration = Duration::from_secs(2);

/// How long social-graph may take.
const PEER_TIME_MAX: Duration = Duration::from_secs(30);

/// For how long a job is left alone whose rows could not be looked up.
const PAUSE: Duration = Duration::from_secs(1);

/// What became of a row.
enum Came {
    Person(Found),
    Nobody,
    Failed(&'static str),
}

impl Jobs {
    /// Looks some rows up. Returns whether there were any.
    #[instrument(name = "look_up_rows", skip_all)]
    pub(crate) async fn step(&self) -> Result<bool, JobError> {
        let claimed = store::job::claim(&self.db, random_id(), interval(LEASE_TIME)).await;
        let claimed = claimed.map_err(JobError::store("lease a job"))?;
        let Some(claimed) = claimed else { return Ok(false) };
        failpoint!("gateway.rows.leased");
        let (db, job, lease) = (&self.db, claimed.job_id, claimed.lease);
        let renew = || async move {
            let renewed = store::job::renew(db, job, lease, interval(LEASE_TIME)).await;
            renewed.map_err(JobError::store("renew a lease"))
        };
        let done = renewing(RENEW_INTERVAL, self.look_up(&claimed), renew).await;
        if done.is_err() {
            // Others come first. When this fails too, the lease ends by itself.
            let released = store::job::renew(db, job, lease, interval(PAUSE)).await;
            if let Err(error) = released {
                debug!(%error, "a lease could not be given back");
            }
        }
        done.map(|()| true)
    }

    async fn look_up(&self, claimed: &Claimed) -> Result<(), JobError> {
        let Claimed { job_id, cursor_part, cursor_chunk, .. } = claimed;
        let chunk = store::job_part::next_chunk(&self.db, *job_id, *cursor_part, *cursor_chunk);
        let chunk = chunk.await.map_err(JobError::store("read rows of a job"))?;
        let Some(chunk) = chunk else {
            return store::job::finish(&self.db, claimed, interval(KEPT_TIME))
                .await
                .map_err(JobError::store("finish a job"));
        };
        let started = Instant::now();
        let mut rows = Rows::decode(chunk.content.as_slice()).map_err(JobError::ContentBroken)?;
        let came = self.identify(claimed, &chunk, &mut rows).await?;
        let counts = self.write(claimed, &chunk, rows, came).await?;
        if let Some(counts) = counts {
            self.metrics.looked_up(counts, started.elapsed());
        }
        Ok(())
    }

    /// Asks social-graph who the rows are that can be looked up, and takes from each what it is looked up by.
    async fn identify(
        &self,
        claimed: &Claimed,
        chunk: &Chunk,
        rows: &mut Rows,
    ) -> Result<Vec<(usize, Came)>, JobError> {
        let (mut places, mut customers, mut clear) = (Vec::new(), Vec::new(), Vec::new());
        for (place, row) in rows.rows.iter_mut().enumerate() {
            if let Some(names) = row.names.take() {
                places.push(place);
                if names.clear {
                    clear.push(i32::try_from(customers.len()).expect("at most a thousand"));
                }
                customers.push(names.request(claimed.min_likelihood));
            }
        }
        if customers.is_empty() {
            return Ok(Vec::new());
        }
        let caller = Caller::new(&claimed.caller, &claimed.purpose)
            .map_err(|_| JobError::CallerRefused { job: claimed.job_id })?;
        let asked = customers.len();
        let request = BatchIdentifyPeopleRequest { customers, clear };
        let mut graph = self.graph(&caller);
        let answered = within(PEER_TIME_MAX, graph.batch_identify_people(request)).await;
        let answered = answered.and_then(|it| it).map_err(JobError::Peer)?;
        let results = answered.into_inner().results;
        if results.len() != asked {
            return Err(JobError::PeerBroken);
        }
        let came = places.into_iter().zip(results).map(|(place, result)| {
            let in_part = chunk.first_row + i64::try_from(place).unwrap_or(i64::MAX);
            Ok::<_, JobError>((place, came(result, in_part)?))
        });
        came.collect()
    }

    /// Writes who the rows are. `None`: somebody else has the lease by now.
    async fn write(
        &self,
        claimed: &Claimed,
        chunk: &Chunk,
        mut rows: Rows,
        came: Vec<(usize, Came)>,
    ) -> Result<Option<Counts>, JobError> {
        let store = JobError::store;
        let mut found = Vec::new();
        for (place, came) in came {
            match came {
                Came::Person(person) => found.push(person),
                Came::Nobody => {}
                Came::Failed(reason) => reason.clone_into(&mut rows.rows[place].failed),
            }
        }
        let mut transaction = self.db.begin().await.map_err(store("begin to write results"))?;
        let connection = &mut *transaction;
        let people: Vec<i64> = found.iter().map(|it| it.person_id).collect();
        store::person_state::share(&mut *connection).await.map_err(store("share states"))?;
        let standings = store::person_state::find(&mut *connection, &people).await;
        let standings = standings.map_err(store("look who has left"))?;
        let found = as_they_are_now(found, &standings);
        let all = i64::from(chunk.rows);
        let failed = rows.rows.iter().filter(|it| !it.failed.is_empty()).count();
        let count = |it: usize| i64::try_from(it).unwrap_or(i64::MAX);
        let (matched, failed) = (count(found.len()), count(failed));
        let counts = Counts { matched, failed, unmatched: all - matched - failed };
        let holds =
            store::job::advance(&mut *connection, claimed, chunk.part, chunk.chunk, counts).await;
        if !holds.map_err(store("count looked-up rows"))? {
            return Ok(None);
        }
        store::job_result::insert(&mut *connection, claimed.job_id, chunk.part, &found)
            .await
            .map_err(store("write results"))?;
        let content = rows.encode_to_vec();
        store::job_part::replace_chunk(
            &mut *connection,
            claimed.job_id,
            chunk.upload_id,
            chunk.chunk,
            &content,
        )
        .await
        .map_err(store("delete what rows were looked up by"))?;
        failpoint!("gateway.rows.written");
        transaction.commit().await.map_err(store("commit results"))?;
        failpoint!("gateway.rows.committed");
        Ok(Some(counts))
    }
}

/// Whom social-graph found before they left, or became somebody else.
fn as_they_are_now(found: Vec<Found>, standings: &HashMap<i64, Standing>) -> Vec<Found> {
    let now = |it: Found| match standings.get(&it.person_id) {
        None => Some(it),
        Some(Standing::Gone) => None,
        Some(Standing::Moved(into)) => Some(Found { person_id: *into, ..it }),
    };
    found.into_iter().filter_map(now).collect()
}

fn came(result: IdentifyResult, place: i64) -> Result<Came, JobError> {
    let status = match result.result {
        Some(Identified::Person(person)) => {
            return Ok(Came::Person(Found {
                place,
                person_id: person.person_id,
                likelihood: person.likelihood,
                matched_on: person.matched_on.join(" "),
                by_hashes_alone: person.by_hashes_alone,
            }));
        }
        Some(Identified::Status(status)) => from_row(&status),
        None => return Err(JobError::PeerBroken),
    };
    let said = reason_of(&status);
    match said.as_deref() {
        // Those who asked can do something about it.
        Some("HANDLE_AMBIGUOUS") => Ok(Came::Failed("HANDLE_AMBIGUOUS")),
        Some("PEOPLE_AMBIGUOUS") => Ok(Came::Failed("PEOPLE_AMBIGUOUS")),
        _ if status.code() == Code::NotFound => Ok(Came::Nobody),
        Some("NETWORK_INVALID") => Ok(Came::Failed("NETWORK_INVALID")),
        _ if status.code() == Code::InvalidArgument => Ok(Came::Failed("ACCOUNT_INVALID")),
        _ => Err(JobError::Peer(status)),
    }
}
