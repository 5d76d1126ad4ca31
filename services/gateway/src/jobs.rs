//! Files of customers that are looked up in bulk.
//!
//! A job takes the parts of a file, looks its rows up when all are there, and keeps who they are for seven days. What it
//! keeps names people by numbers alone, and scores are asked for when somebody fetches them: so nobody is shown who has
//! left or withdrawn their consent since.

mod describe;
mod download;
mod error;
pub(crate) mod http;
mod look_up;
mod masking;
mod reading;
mod row;
mod sweep;
mod upload;

use std::{sync::Arc, time::Duration};

use klout_chassis::{Caller, Link, Links, follow_states, repeat};
use klout_model::Purpose;
use klout_proto::{
    graph::v1::graph_service_client::GraphServiceClient, people::Told,
    score::v1::score_service_client::ScoreServiceClient,
};
use klout_store::interval;
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio::sync::{Notify, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{
    metrics::JobMetrics,
    store::{
        self,
        job::{Job, NewJob},
    },
};

pub(crate) use self::{download::Outcome, error::JobError, reading::Packing};

/// Bytes of a file, unpacked: what Salesforce's bulk interface takes and CRM systems therefore write.
pub(crate) const BYTES_MAX: i64 = 150_000_000;

/// Rows of a file: of 75 bytes each if it has all of them, which is an address and a key.
pub(crate) const ROWS_MAX: i64 = 2_000_000;

/// Parts of a file: 15 kB each if it has all of them, so that nobody needs more.
const PART_MAX: i32 = 10_000;

/// Jobs of a key that are not finished. Of one file each that is a whole night's work.
const UNFINISHED_MAX: i64 = 20;

/// Jobs of a key that are kept.
const JOBS_MAX: i64 = 1_000;

/// Rows of all jobs of a key that are kept, when another one is opened: some gigabytes.
const ROWS_KEPT_MAX: i64 = 20_000_000;

/// Bytes of a request id.
const REQUEST_ID_MAX: usize = 64;

/// How likely somebody has to be, unless it is said otherwise: as for a single look-up.
const MIN_LIKELIHOOD: f64 = 0.95;

/// How long what came out is kept, and a closed job at all.
const KEPT_TIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long a job waits for its parts.
const OPEN_TIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Files that come at the same time to this process. Each has a thread.
const UPLOADS_MAX: usize = 64;

/// Everything that jobs need. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Jobs {
    db: PgPool,
    graph: Link,
    scores: Link,
    uploads: Arc<Semaphore>,
    /// Rings when a job was closed in this process.
    closed: Arc<Notify>,
    going_down: CancellationToken,
    metrics: Arc<JobMetrics>,
}

// === impl Jobs ===

impl Jobs {
    pub(crate) fn new(db: PgPool, links: &Links, going_down: CancellationToken) -> Self {
        Self {
            db,
            graph: links.to("social_graph"),
            scores: links.to("scoring"),
            uploads: Arc::new(Semaphore::new(UPLOADS_MAX)),
            closed: Arc::default(),
            going_down,
            metrics: Arc::new(JobMetrics::new()),
        }
    }

    /// Opens a job, or answers the one that a repeated request has opened.
    pub(crate) async fn create(
        &self,
        caller: &Caller,
        min_likelihood: Option<f64>,
        request_id: &str,
    ) -> Result<Job, JobError> {
        let store = JobError::store;
        let min_likelihood = min_likelihood.unwrap_or(MIN_LIKELIHOOD);
        if !(0.0..=1.0).contains(&min_likelihood) {
            return Err(JobError::field("min_likelihood", "is not from 0 to 1"));
        }
        if request_id.len() > REQUEST_ID_MAX {
            return Err(JobError::field("request_id", "has more than 64 bytes"));
        }
        let mut transaction = self.db.begin().await.map_err(store("begin to open a job"))?;
        store::job::hold_caller(&mut transaction, caller.name())
            .await
            .map_err(store("hold the jobs of a key"))?;
        store::job::end_expired(&mut *transaction, caller.name())
            .await
            .map_err(store("end jobs whose time is over"))?;
        let known = store::job::by_request(&mut *transaction, caller.name(), request_id).await;
        if let Some(job) = known.map_err(store("look for a job by its request"))? {
            let is_same = job.min_likelihood.to_bits() == min_likelihood.to_bits();
            return if is_same { Ok(job) } else { Err(JobError::RequestIdReused) };
        }
        let held = store::job::held(&mut *transaction, caller.name()).await;
        let held = held.map_err(store("count the jobs of a key"))?;
        let too_many = |max, what| Err(JobError::JobsTooMany { max, what });
        if held.unfinished >= UNFINISHED_MAX {
            return too_many(UNFINISHED_MAX, "jobs that are not finished");
        }
        if held.jobs >= JOBS_MAX {
            return too_many(JOBS_MAX, "jobs; delete some");
        }
        if held.rows >= ROWS_KEPT_MAX {
            return too_many(ROWS_KEPT_MAX, "rows in its jobs; delete some");
        }
        let job_id = random_id();
        let job = NewJob {
            job_id,
            caller: caller.name(),
            purpose: caller.words(),
            request_id,
            min_likelihood,
        };
        store::job::insert(&mut *transaction, &job, interval(OPEN_TIME))
            .await
            .map_err(store("open a job"))?;
        transaction.commit().await.map_err(store("commit a job"))?;
        self.job(caller, &job_id.to_string()).await
    }

    /// A job of the caller, or of anybody for the operator.
    pub(crate) async fn job(&self, caller: &Caller, job: &str) -> Result<Job, JobError> {
        let unknown = || JobError::JobUnknown { job: job.chars().take(20).collect() };
        let job_id = job.parse::<i64>().ok().filter(|it| *it > 0).ok_or_else(unknown)?;
        let found = store::job::find(&self.db, job_id).await;
        let found = found.map_err(JobError::store("look for a job"))?;
        found.filter(|it| is_theirs(caller, it)).ok_or_else(unknown)
    }

    /// A page of the caller's jobs, newest first.
    pub(crate) async fn list(
        &self,
        caller: &Caller,
        after: Option<[i64; 2]>,
        max: usize,
    ) -> Result<Vec<Job>, JobError> {
        let time = |micros: i64| {
            OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000)
                .map_err(|_| JobError::from(klout_chassis::page::not_ours()))
        };
        let after = after.map(|[micros, id]| Ok::<_, JobError>((time(micros)?, id))).transpose()?;
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        let listed = store::job::list(&self.db, caller.name(), after, max).await;
        listed.map_err(JobError::store("list jobs"))
    }

    /// Has a job looked up whose parts are all there.
    pub(crate) async fn close(&self, caller: &Caller, job: &str) -> Result<Job, JobError> {
        let store = JobError::store;
        let found = self.job(caller, job).await?;
        let mut transaction = self.db.begin().await.map_err(store("begin to close a job"))?;
        let held = store::job::lock(&mut transaction, found.job_id).await;
        let unknown = || JobError::JobUnknown { job: found.job_id.to_string() };
        let held = held.map_err(store("hold a job"))?.ok_or_else(unknown)?;
        if held.state != "OPEN" {
            return Ok(held);
        }
        let parts = store::job_part::list(&mut *transaction, held.job_id).await;
        let parts = parts.map_err(store("list the parts of a job"))?;
        let gap = (1..).zip(&parts).find(|(number, it)| it.part != *number);
        let gap = gap.map(|(number, _)| number).or_else(|| parts.is_empty().then_some(1));
        if let Some(part) = gap {
            return Err(JobError::PartsMissing { part });
        }
        store::job::close(&mut transaction, held.job_id, interval(KEPT_TIME))
            .await
            .map_err(store("close a job"))?;
        transaction.commit().await.map_err(store("commit that a job is closed"))?;
        self.closed.notify_one();
        self.job(caller, job).await
    }

    /// Deletes a job. Whose there is none is deleted already.
    pub(crate) async fn delete(&self, caller: &Caller, job: &str) -> Result<(), JobError> {
        match self.job(caller, job).await {
            Ok(job) => store::job::mark_deleted(&self.db, job.job_id)
                .await
                .map_err(JobError::store("delete a job")),
            Err(JobError::JobUnknown { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Looks rows up, deletes what is over, and hears who left, until `stop`.
    pub(crate) async fn keep(&self, stop: &CancellationToken) {
        let nobody_rings = Notify::new();
        let look_up =
            || repeat("look up rows", look_up::INTERVAL, &self.closed, stop, || self.step());
        let sweep = repeat("sweep jobs", sweep::INTERVAL, &nobody_rings, stop, || self.sweep());
        let states = follow_states(
            "gateway",
            GraphServiceClient::new(self.graph.clone()),
            // Nobody has to wait for it: who is shown, scoring is asked for.
            TaskTracker::new().token(),
            stop,
            || self.newest(),
            |told: Vec<Told>| async move { self.apply(&told).await },
        );
        // Two at once, so that a file whose rows take long holds no other up.
        tokio::join!(look_up(), look_up(), sweep, states);
    }

    fn graph(&self, caller: &Caller) -> GraphServiceClient<Link> {
        GraphServiceClient::new(self.graph.clone().on_behalf_of(caller))
    }

    fn scores(&self, caller: &Caller) -> ScoreServiceClient<Link> {
        ScoreServiceClient::new(self.scores.clone().on_behalf_of(caller))
    }
}

fn is_theirs(caller: &Caller, job: &Job) -> bool {
    caller.purpose() == Purpose::Operator || caller.name() == job.caller
}

/// A positive number that nobody can guess.
fn random_id() -> i64 {
    // Of 122 random bits the last 62 are all random.
    let (_, low) = Uuid::new_v4().as_u64_pair();
    i64::try_from(low & (u64::MAX >> 2)).unwrap_or(1).max(1)
}
