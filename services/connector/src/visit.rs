//! Asks networks about accounts that are connected, a request at a time.
//!
//! A request is a row of `connector.task`. It is leased in one statement, together with the turn of its host, so that all
//! replicas together ask no host faster than it may be asked; it is made while no transaction is open; and what was
//! answered, the signals and the requests that follow, is written in one transaction with the end of the row. So whatever
//! is killed at whatever moment, a request is made again or is done, and nothing is told twice that counts twice.
//!
//! What a list held is kept as hashes: what is not in it any more, when all of it was read, is taken back.

pub(crate) mod ask;
mod begin;
mod commit;
#[cfg(test)]
mod tests;
pub(crate) mod verdict;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use http::StatusCode;
use klout_chassis::{Chain, Clock, renewing};
use klout_networks::{Ask, Mode, Network, Step, Task, Trouble, Visit};
use klout_outbound::Outbound;
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{debug, instrument, warn};
use uuid::Uuid;

use self::{
    ask::{Answered, Unasked},
    commit::Noted,
    verdict::{Problem, Verdict, host_pause},
};
use crate::{
    access::{Access, Lent, Mark},
    admission::Terms,
    deliver::Bell,
    error::Error,
    metrics::{Metrics, VisitOutcome},
    networks::Networks,
    store::{self, connection::Connection, task::Leased},
};

/// How long a request is ours unless we renew that: what a process that dies had leased waits as long.
const LEASE_TIME: Duration = Duration::from_secs(10);

/// How often a lease is renewed, so that one can fail to be.
const RENEW_INTERVAL: Duration = Duration::from_secs(3);

/// How often it is looked whether something is due, when nobody rang.
pub(crate) const IDLE: Duration = Duration::from_millis(500);

/// The same of all but one.
pub(crate) const IDLE_OF_OTHERS: Duration = Duration::from_secs(10);

/// Makes requests, one at a time each.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    pub(crate) db: PgPool,
    pub(crate) networks: Networks,
    pub(crate) outbound: Outbound,
    pub(crate) access: Access,
    pub(crate) outbox_grew: Bell,
    /// Rung when there is something to be asked.
    pub(crate) due: Arc<Notify>,
    /// The clock of the scores, by which signals are told.
    pub(crate) clock: Clock,
    /// The one that runs, by which hosts are asked.
    pub(crate) running: Clock,
    pub(crate) terms: Terms,
    pub(crate) metrics: Arc<Metrics>,
    /// How long after a request the same host is asked again.
    pub(crate) pace: Duration,
    /// How long after a visit the next one begins.
    pub(crate) visit_interval: Duration,
    /// How long after a visit that read everything the next one does.
    pub(crate) whole_interval: Duration,
    pub(crate) bounds: Bounds,
}

/// How much is read before it is called endless.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Parts of one list.
    pub(crate) parts_max: i32,
    /// Requests about one account that wait. What follows beyond it is left to the next visit.
    pub(crate) waiting_max: i32,
    /// Requests of one visit. What follows beyond it is left to the next visit.
    pub(crate) requests_max: i64,
}

/// A request, all it is about, and what was answered.
struct Asked<'a> {
    network: &'static dyn Network,
    connection: &'a Connection,
    task: &'a Leased,
    /// What is asked.
    of: Task,
    /// Which access went along, if any did.
    lent: OnceLock<Mark>,
}

impl Asked<'_> {
    /// What people are told of a problem.
    fn told(&self, problem: &Problem) -> String {
        format!("{}: {}", self.of.kind(), Chain(problem))
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self { parts_max: 10_000, waiting_max: 50_000, requests_max: 200_000 }
    }
}

// === impl Visitor ===

impl Visitor {
    /// Makes the request that is due. Returns whether there was one. A host that is slow keeps nobody from stopping: the
    /// request is then made again later.
    #[instrument(name = "visit", skip_all)]
    pub(crate) async fn step(&self, stop: &CancellationToken) -> Result<bool, Error> {
        let store = Error::store;
        let now = self.running.now();
        let task = store::task::lease(&self.db, now, now + LEASE_TIME, now + self.pace).await;
        let Some(task) = task.map_err(store("look what is to be asked"))? else {
            return Ok(false);
        };
        // There may be more.
        self.due.notify_waiters();
        let connection = store::connection::read(&self.db, task.account_id).await;
        let Some(connection) = connection.map_err(store("read a connection"))? else {
            // It ended since, and took its requests along.
            return Ok(true);
        };
        let Some(network) = self.networks.get(&connection.network) else {
            warn!(network = connection.network, "a connection of a network that is not built in");
            self.put_off(&task, now + self.visit_interval, task.attempts).await?;
            return Ok(true);
        };
        let of = Task::kept(task.content.clone());
        let asked =
            Asked { network, connection: &connection, task: &task, of, lent: OnceLock::new() };
        let asking = stop.run_until_cancelled(self.ask(&asked));
        let asking = renewing(RENEW_INTERVAL, asking, || {
            let until = self.running.now() + LEASE_TIME;
            store::task::renew(&self.db, task.account_id, task.task_id, until)
        });
        let Some(asking) = asking.await else {
            self.put_off(&task, now, task.attempts - 1).await?;
            return Ok(false);
        };
        match asking {
            Ok(answered) => self.answered(&asked, answered).await?,
            Err(problem) => self.failed(&asked, &problem, None).await?,
        }
        Ok(true)
    }

    /// Asks, and waits for the answer.
    async fn ask(&self, asked: &Asked<'_>) -> Result<Reply, Problem> {
        let visit = self.visit(asked.connection)?;
        let ask = asked.network.ask(&visit, &asked.of)?;
        if !allowed(&visit, &ask.url) {
            return Err(Unasked::Elsewhere.into());
        }
        let mut lent = self.lend(asked, &ask).await?;
        let address = (ask.conditional && asked.task.part == 0).then(|| self.address(asked, &ask));
        let known = match address {
            // What cannot be looked up is asked for whole.
            Some(address) => store::validator::read(&self.db, asked.connection.account_id, address)
                .await
                .unwrap_or_default(),
            None => None,
        };
        let mut answered = ask::send(&self.outbound, &ask, &lent.headers, known.as_ref()).await?;
        if self.access.heard(&lent, &ask, &answered) {
            lent = self.lend(asked, &ask).await?;
            answered = ask::send(&self.outbound, &ask, &lent.headers, known.as_ref()).await?;
            self.access.heard(&lent, &ask, &answered);
        }
        let unchanged = known.is_some() && answered.status == StatusCode::NOT_MODIFIED;
        Ok(Reply { answered, address, unchanged })
    }

    /// What stands for an address. Another release may read more out of the same answer.
    fn address(&self, asked: &Asked<'_>, ask: &Ask) -> Uuid {
        let name = format!("{} {}", env!("CARGO_PKG_VERSION"), ask.url);
        self.hash(&asked.connection.network, &name)
    }

    /// The access that goes with a request.
    async fn lend(&self, asked: &Asked<'_>, ask: &Ask) -> Result<Lent, Problem> {
        let lent = self.access.headers(asked.connection, ask).await?;
        if let Some(mark) = &lent.mark {
            // That of the first attempt stays: what was renewed since is newer than that.
            let _ = asked.lent.set(mark.clone());
        }
        Ok(lent)
    }

    /// Reads an answer and keeps what it yields.
    async fn answered(&self, asked: &Asked<'_>, reply: Reply) -> Result<(), Error> {
        let now = self.running.now();
        let answer = reply.answered.as_answer();
        // A budget may be used up by an answer that is one.
        let wait = klout_networks::wait(&answer, now);
        let step = match self.visit(asked.connection) {
            Ok(_) if reply.unchanged => Ok(Step::default()),
            Ok(visit) => asked.network.read(&visit, &asked.of, &answer).map_err(Problem::from),
            Err(trouble) => Err(Problem::from(trouble)),
        };
        let step =
            step.and_then(|step| commit::check(self.bounds, asked.task, &step).map(|()| step));
        match step {
            Ok(step) => {
                let noted = reply.noted(&step);
                self.keep(asked, step, noted).await?;
                store::host::answered(&self.db, &asked.task.host, wait)
                    .await
                    .map_err(Error::store("note that a host answered"))?;
                let network = asked.network.description().network;
                let outcome = match reply.unchanged {
                    true => VisitOutcome::Unchanged,
                    false => VisitOutcome::Answered,
                };
                self.metrics.visited(network, outcome);
                Ok(())
            }
            Err(problem) => self.failed(asked, &problem, wait).await,
        }
    }

    /// Does what is to be done about a request that yielded nothing.
    async fn failed(
        &self,
        asked: &Asked<'_>,
        problem: &Problem,
        wait: Option<OffsetDateTime>,
    ) -> Result<(), Error> {
        let store = Error::store;
        let Asked { network, connection, task, of, .. } = asked;
        let now = self.running.now();
        let account = connection.account_id;
        debug!(network = connection.network, kind = of.kind(), problem = %Chain(problem), "nothing came of a request");
        let outcome = VisitOutcome::of(problem.reason());
        self.metrics.visited(network.description().network, outcome);
        let attempts = task.attempts.unsigned_abs();
        let verdict = problem.verdict(attempts, rand::random(), now);
        // That access is refused is noted with the end of it.
        if !problem.is_usual() && !matches!(verdict, Verdict::NeedsAccess) {
            let state = match verdict {
                Verdict::Gone => Some("GONE"),
                // No failure.
                Verdict::Wait { .. } | Verdict::Renew | Verdict::NeedsAccess => None,
                Verdict::Retry { .. } | Verdict::GiveUp { .. } => Some("FAILING"),
            };
            let told = asked.told(problem);
            let of = (account, task.task_id);
            store::connection::failed(&self.db, of, state, (problem.reason(), &told), now)
                .await
                .map_err(store("note why an attempt failed"))?;
        }
        match verdict {
            Verdict::Wait { until } => {
                self.block(&task.host, until.max(wait.unwrap_or(until))).await?;
                // It was not its fault.
                self.put_off(task, until, task.attempts - 1).await
            }
            Verdict::Retry { at, host } => {
                self.host_failed(&task.host, host, wait, now).await?;
                self.put_off(task, wait.map_or(at, |wait| wait.max(at)), task.attempts).await
            }
            Verdict::Renew => match self.access.renew(connection, asked.lent.get()).await {
                Ok(()) => self.put_off(task, now, task.attempts).await,
                // What is the matter is not asked to be renewed once more.
                Err(problem @ Problem::Trouble(Trouble::AccessExpired)) => {
                    self.refused(asked, &problem).await
                }
                Err(problem) => Box::pin(self.failed(asked, &problem, wait)).await,
            },
            Verdict::GiveUp { host } => {
                self.host_failed(&task.host, host, wait, now).await?;
                self.give_up(account, task.task_id).await
            }
            Verdict::NeedsAccess => self.refused(asked, problem).await,
            Verdict::Gone => {
                self.close(account, "GONE").await?;
                self.take_all_back(account).await.map(|_| ())
            }
        }
    }

    /// What a network has to know of a connection to be asked about it.
    fn visit(&self, connection: &Connection) -> Result<Visit, Trouble> {
        begin::visit(connection, self.clock.now())
    }

    async fn host_failed(
        &self,
        host: &str,
        failed: bool,
        wait: Option<OffsetDateTime>,
        now: OffsetDateTime,
    ) -> Result<(), Error> {
        let mut until = wait;
        if failed {
            let failures = store::host::failed(&self.db, host).await;
            let failures = failures.map_err(Error::store("note that a host failed"))?;
            until = until.max(host_pause(failures, now));
        }
        match until {
            Some(until) => self.block(host, until).await,
            None => Ok(()),
        }
    }

    async fn block(&self, host: &str, until: OffsetDateTime) -> Result<(), Error> {
        let blocked = store::host::block(&self.db, host, until).await;
        blocked.map_err(Error::store("leave a host alone"))
    }

    async fn put_off(
        &self,
        task: &Leased,
        due_time: OffsetDateTime,
        attempts: i32,
    ) -> Result<(), Error> {
        store::task::put_off(&self.db, task.account_id, task.task_id, due_time, attempts)
            .await
            .map_err(Error::store("put a request off"))
    }
}

/// What was answered.
struct Reply {
    answered: Answered,
    /// What stands for the address, if it may be asked whether that is still so.
    address: Option<Uuid>,
    /// That it is, as we asked.
    unchanged: bool,
}

// === impl Reply ===

impl Reply {
    /// What is noted of an address that was answered: of a list that was told whole, and led to nothing further, with
    /// what it may be asked whether that is still so. All else is asked for whole again.
    fn noted(&self, step: &Step) -> Option<Noted> {
        if self.unchanged {
            return None;
        }
        let address = self.address?;
        let whole = self.answered.status == StatusCode::OK
            && step.listing.as_ref().is_some_and(|it| it.last)
            && step.next.is_none()
            && step.then.is_empty();
        let validator = if whole { self.answered.validator() } else { None };
        Some(Noted { address, validator })
    }
}

/// As connections name it.
pub(crate) const INCREMENTAL: &str = "INCREMENTAL";

/// As connections name it.
pub(crate) const BACKFILL: &str = "BACKFILL";

pub(crate) fn mode_of(connection: &Connection) -> Mode {
    match connection.mode.as_str() {
        INCREMENTAL => Mode::Incremental,
        _ => Mode::Backfill,
    }
}

/// Nobody is asked but whom the account was connected at, whatever an answer says.
fn allowed(visit: &Visit, url: &url::Url) -> bool {
    let origin = url.origin();
    visit.public.origin() == origin || visit.own.as_ref().is_some_and(|own| own.origin() == origin)
}
