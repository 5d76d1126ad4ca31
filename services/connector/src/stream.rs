//! Reads what a network tells as it happens, and keeps it.
//!
//! One replica reads a stream at a time, which a lease decides. Events are kept in their order, many in one transaction,
//! together with how far the stream was read: so whatever is killed, it is read on from there, and what is told twice
//! counts once, by the ids of signals and by the records that told them (`connector.stream_record`). Who takes something
//! back names nothing but the record.
//!
//! Reading waits for keeping, so memory is bounded, and a server that tells faster than we keep notices. Whatever it
//! sends, a connection ends with a reason that is kept with the stream, and comes about again later.

mod keep;
mod run;
mod socket;
pub(crate) mod sweep;

use std::{collections::HashSet, sync::Arc, time::Duration};

use klout_chassis::{Chain, Clock};
use klout_model::Network;
use klout_networks::bluesky::jetstream::{End, Framing, Position, Start};
use klout_outbound::Reach;
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use url::Url;
use uuid::Uuid;

use self::{run::Followed, socket::Problem};
use crate::{
    admission::Terms,
    config::Whose,
    deliver::Bell,
    error::Error,
    metrics::Metrics,
    store::{self, stream::Progress},
};

/// How long a replica has a stream for itself without saying so again.
pub(crate) const LEASE_TIME: Duration = Duration::from_secs(30);

/// How often it says so while nothing happens, and others look whether it does.
const LEASE_INTERVAL: Duration = Duration::from_secs(5);

/// Runs that wait to be kept.
const RUNS_AHEAD: usize = 2;

/// How long it is waited after a connection that came to nothing; twice as long each time after.
const PAUSE_MIN: Duration = Duration::from_secs(1);

const PAUSE_MAX: Duration = Duration::from_secs(300);

/// How much is read again from another server, in microseconds: their clocks differ, and so does the order.
const REWIND_MICROS: i64 = 60_000_000;

/// How far back is tried when all since the last time is not told any more, in microseconds.
const RETREATS_MICROS: [i64; 2] = [24 * HOUR_MICROS, HOUR_MICROS];

const HOUR_MICROS: i64 = 3_600_000_000;

/// What is tried next is later by more than that.
const RETREAT_MICROS_MIN: i64 = HOUR_MICROS / 6;

/// How far back servers of the old framing tell; they begin there without a word when they are asked for more.
const OLD_WINDOW_MICROS: i64 = 36 * HOUR_MICROS;

/// Who refuses so often in a row, and says nothing that we know, may not tell any more what we ask for.
const REFUSALS_MAX: u32 = 8;

/// Accounts that are connected of which is known that they are. What is about others of them waits for a visit.
const CONNECTED_MAX: i64 = 2_000_000;

/// Reads the stream of Bluesky.
#[derive(Debug)]
pub(crate) struct Streamer {
    pub(crate) db: PgPool,
    pub(crate) network: Network,
    pub(crate) whose: Whose,
    pub(crate) framing: Framing,
    pub(crate) server: Url,
    pub(crate) reach: Reach,
    pub(crate) outbox_grew: Bell,
    /// The clock of the scores, by which signals are told.
    pub(crate) clock: Clock,
    /// The one that runs, by which the network is read.
    pub(crate) running: Clock,
    pub(crate) terms: Terms,
    pub(crate) metrics: Arc<Metrics>,
    /// Who this is, to other replicas.
    pub(crate) holder: Uuid,
}

/// How a connection went.
struct Session {
    /// Where it was to begin.
    start: Start,
    /// Whether anything was kept that had not been before.
    went_on: bool,
    /// Why it ended, unless it was to.
    problem: Option<Problem>,
}

// === impl Streamer ===

impl Streamer {
    /// Reads until `stop`. Nothing, where nothing is to be read.
    pub(crate) async fn run(&self, stop: CancellationToken) {
        if self.whose == Whose::Nobody {
            return;
        }
        // What is being kept then is told again.
        stop.run_until_cancelled(self.read_on()).await;
        if let Err(error) =
            store::stream::release(&self.db, self.network.as_str(), self.holder).await
        {
            warn!(error = %Chain(&error), "a stream is not left to others before its lease ends");
        }
    }

    async fn read_on(&self) {
        let (mut failures, mut retreat) = (0, None);
        loop {
            let session = match self.lease().await {
                Ok(Some(progress)) => self.session(&progress, retreat).await,
                Ok(None) => {
                    tokio::time::sleep(LEASE_INTERVAL).await;
                    continue;
                }
                Err(error) => {
                    let problem = Some(Problem::Store(error));
                    Session { start: Start::Now, went_on: false, problem }
                }
            };
            if session.went_on {
                (failures, retreat) = (0, None);
            }
            let Some(problem) = session.problem else { continue };
            failures += 1;
            self.note(&problem).await;
            let now = self.now_micros();
            if let Problem::End(end) = &problem {
                // Not every server says in a way that can be read that it does not tell what we ask for.
                let too_old = match end {
                    End::CursorTooOld => true,
                    End::Said(_) => failures % REFUSALS_MAX == 0,
                    End::TooSlow | End::FutureCursor => false,
                };
                if too_old {
                    let next = older_than_told(session.start, now);
                    self.missed(session.start, next).await;
                    retreat = Some(next);
                } else if *end == End::FutureCursor {
                    retreat = Some(not_yet_told(session.start, now));
                }
            }
            tokio::time::sleep(pause(failures, rand::random())).await;
        }
    }

    async fn lease(&self) -> Result<Option<Progress>, Error> {
        store::stream::lease(&self.db, self.network.as_str(), self.holder, LEASE_TIME)
            .await
            .map_err(Error::store("have a stream for ourselves"))
    }

    /// Connects, and reads until the connection ends.
    async fn session(&self, progress: &Progress, retreat: Option<Start>) -> Session {
        let source = self.source();
        let start = retreat.unwrap_or_else(|| start(progress, &source));
        let mut session = Session { start, went_on: false, problem: None };
        if let (Start::At(Position { number: None, micros }), None) = (start, retreat)
            && self.now_micros() - micros > OLD_WINDOW_MICROS
        {
            self.missed(start, Start::Since(self.now_micros() - OLD_WINDOW_MICROS)).await;
        }
        let followed = match self.followed().await {
            Ok(followed) => followed,
            Err(error) => {
                session.problem = Some(Problem::Store(error));
                return session;
            }
        };
        let url = self.framing.url(&self.server, start);
        let socket = match socket::connect(self.reach, &url).await {
            Ok(socket) => socket,
            Err(problem) => {
                session.problem = Some(problem);
                return session;
            }
        };
        info!(network = %self.network, ?start, "a stream is read");
        let (runs, kept) = mpsc::channel(RUNS_AHEAD);
        let mut went_on = false;
        let read = self.read(socket, followed, runs);
        let keep = self.keep_all(kept, &source, start, &mut went_on);
        // Each ends when the other one has.
        let (read, keep) = tokio::join!(read, keep);
        session.went_on = went_on;
        session.problem = keep.and(read).err();
        session
    }

    /// Keeps what is read until nothing more is.
    async fn keep_all(
        &self,
        mut runs: mpsc::Receiver<run::Run>,
        source: &str,
        start: Start,
        went_on: &mut bool,
    ) -> Result<(), Problem> {
        loop {
            let ours = match timeout(LEASE_INTERVAL, runs.recv()).await {
                Ok(None) => return Ok(()),
                Ok(Some(run)) => {
                    let further = run.position.is_some_and(|it| is_after(it, start));
                    let kept = self.keep(run, source).await.map_err(Problem::Store)?;
                    *went_on |= kept && further;
                    kept
                }
                Err(_) => {
                    let network = self.network.as_str();
                    store::stream::renew(&self.db, network, self.holder, LEASE_TIME)
                        .await
                        .map_err(Error::store("keep a stream for ourselves"))
                        .map_err(Problem::Store)?
                }
            };
            if !ours {
                return Err(Problem::Lost);
            }
        }
    }

    /// Whose events are taken in, as it is now.
    async fn followed(&self) -> Result<Followed, Error> {
        let network = self.network.as_str();
        let connected = store::connection::of_network(&self.db, network, CONNECTED_MAX).await;
        let connected: HashSet<i64> =
            connected.map_err(Error::store("look who is connected"))?.into_iter().collect();
        Ok(Followed { connected, everybody: self.whose == Whose::Everybody })
    }

    /// Keeps why a connection ended, for whoever looks.
    async fn note(&self, problem: &Problem) {
        let (network, reason) = (self.network.as_str(), problem.reason());
        self.metrics.stream_ended("bluesky", reason);
        let message = Chain(problem).to_string();
        warn!(network, reason, problem = message, "a stream ended; it will be read on");
        let told = (reason, message.as_str());
        let noted = store::stream::failed(&self.db, network, told, self.running.now()).await;
        if let Err(error) = noted {
            warn!(network, error = %Chain(&error), "why a stream ended is not kept");
        }
    }

    /// Keeps that not all was told, for whoever looks. Of accounts that are connected, visits find what was missed.
    async fn missed(&self, from: Start, to: Start) {
        let now = self.now_micros();
        let (from, to) = (micros(from).unwrap_or(now), micros(to).unwrap_or(now));
        self.metrics.bluesky.gaps.increment(1);
        let network = self.network.as_str();
        let (Some(from), Some(to)) = (moment(from), moment(to)) else { return };
        warn!(network, %from, %to, "a stream does not tell any more what happened");
        if let Err(error) = store::stream::missed(&self.db, network, from, to).await {
            warn!(network, error = %Chain(&error), "what a stream did not tell is not kept");
        }
    }

    /// Whose numbers these are.
    fn source(&self) -> String {
        format!("{:?} {}", self.framing, self.server)
    }

    fn now_micros(&self) -> i64 {
        i64::try_from(self.running.now().unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX)
    }
}

/// Where to read on: at the same event, or before it, where the server is another one.
fn start(progress: &Progress, source: &str) -> Start {
    let Some(micros) = progress.micros else { return Start::Now };
    match progress.source.as_deref() == Some(source) {
        true => Start::At(Position { number: progress.number, micros }),
        false => Start::Since(micros.saturating_sub(REWIND_MICROS)),
    }
}

/// Where to read on when what happened since is not told any more: as far back as may be.
fn older_than_told(tried: Start, now: i64) -> Start {
    let tried = micros(tried).unwrap_or(now);
    let mut retreats = RETREATS_MICROS.iter().map(|it| now.saturating_sub(*it));
    // The clock has gone on since the last one was tried, for as long as it was waited.
    let later = retreats.find(|it| *it > tried.saturating_add(RETREAT_MICROS_MIN));
    later.map_or(Start::Now, Start::Since)
}

/// Where to read on when a server has not come so far: its numbers are others than they were, or its clock is.
fn not_yet_told(tried: Start, now: i64) -> Start {
    match tried {
        Start::At(position) => Start::Since(position.micros.min(now).saturating_sub(REWIND_MICROS)),
        Start::Since(_) | Start::Now => Start::Now,
    }
}

/// Whether an event is after where reading began, and not the one that is told again there.
fn is_after(position: Position, start: Start) -> bool {
    match start {
        Start::Now => true,
        Start::Since(micros) => position.micros > micros,
        Start::At(at) => match (position.number, at.number) {
            (Some(number), Some(before)) => number > before,
            _ => position.micros > at.micros,
        },
    }
}

fn micros(start: Start) -> Option<i64> {
    match start {
        Start::Now => None,
        Start::At(position) => Some(position.micros),
        Start::Since(micros) => Some(micros),
    }
}

fn moment(micros: i64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).ok()
}

/// How long it is waited, after so many connections in a row that came to nothing. `luck` is between 0 and 1.
fn pause(failures: u32, luck: f64) -> Duration {
    let doubled = PAUSE_MIN.saturating_mul(1 << failures.saturating_sub(1).min(12));
    doubled.min(PAUSE_MAX).mul_f64(0.5 + luck.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_600_000_000_000;

    #[test]
    fn another_server_is_read_from_a_while_before_and_the_same_one_from_where_it_was() {
        let kept = |source: &str| Progress {
            source: Some(source.to_owned()),
            number: Some(7),
            micros: Some(NOW),
        };
        assert_eq!(start(&Progress::default(), "a"), Start::Now);
        let at = Position { number: Some(7), micros: NOW };
        assert_eq!(start(&kept("a"), "a"), Start::At(at));
        assert_eq!(start(&kept("b"), "a"), Start::Since(NOW - REWIND_MICROS));
    }

    #[test]
    fn as_much_is_read_again_as_is_told() {
        let long_ago = Start::Since(NOW - 100 * HOUR_MICROS);
        let day = older_than_told(long_ago, NOW);
        let hour = older_than_told(day, NOW + 1_000_000);
        assert_eq!(day, Start::Since(NOW - 24 * HOUR_MICROS));
        assert_eq!(hour, Start::Since(NOW + 1_000_000 - HOUR_MICROS));
        assert_eq!(older_than_told(hour, NOW + 3_000_000), Start::Now);
    }

    #[test]
    fn a_server_whose_numbers_began_anew_is_read_by_time() {
        let at = Start::At(Position { number: Some(9), micros: NOW + HOUR_MICROS });
        let by_time = not_yet_told(at, NOW);
        assert_eq!(by_time, Start::Since(NOW - REWIND_MICROS));
        assert_eq!(not_yet_told(by_time, NOW), Start::Now);
    }

    #[test]
    fn who_fails_again_and_again_is_asked_ever_less_often() {
        assert_eq!(pause(1, 1.0), PAUSE_MIN);
        assert_eq!(pause(2, 1.0), 2 * PAUSE_MIN);
        assert_eq!(pause(u32::MAX, 1.0), PAUSE_MAX);
        assert!(pause(1, 0.0) < PAUSE_MIN);
    }
}
