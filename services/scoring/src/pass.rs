//! A pass over everybody: from evidence alone to an epoch, and everybody scored with it.
//!
//! 1. Begin. In a transaction of an instant that waits for the rescores under way, the next revision is taken:
//!    V. Every score of before is of evidence that the pass will see, and has a lower revision.
//! 2. READING: all evidence streams out of one snapshot, packed as it lies there.
//! 3. COMPUTING: the engine, from nothing, on threads that give way to everybody else.
//! 4. PUBLISHING: the epoch is written in parts, and published in a transaction that waits for the rescores
//!    under way. Whoever is rescored from then on is so with this epoch. Who was rescored since 1 with
//!    the one before is put on the list once more.
//! 5. WRITING: scores of revision V take the place of earlier ones, some thousands a transaction, each in the
//!    place that it has among all. Who was rescored since 1 has a later revision and is left alone.
//! 6. The standing becomes V, which makes everything that is cached old.
//!
//! Nobody who reads or applies signals waits for any of it. While a pass goes on, percentiles are not
//! published; they are exact for those of V, and the next publication places those that came later.
//!
//! Whoever works on a pass says so every second. A process that is silent for five is taken for dead, and
//! another one takes the pass up: from the start, or, when the epoch is published, by putting everybody
//! on the list whose score rests on an earlier one: a rescore gives the bits that the pass would have given.

mod shadow;
mod snapshot;

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use klout_chassis::{Chain, Clock, failpoint, renewing};
use klout_model::Day;
use klout_score_engine::Published;
use klout_score_math::Model;
use rayon::ThreadPool;
use sqlx::{Connection as _, PgConnection, PgPool};
use time::OffsetDateTime;
use tokio::{
    sync::Notify,
    task::spawn_blocking,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, instrument, warn};

use self::snapshot::{Outcome, Snapshot};
use crate::{
    cached::Cached,
    change::Change,
    epochs::{Epoch, Epochs},
    error::{Error, LOOK_TIME_MAX, ending},
    metrics::Metrics,
    models::{Models, Serving},
    publish::{LOCK_TIME_MAX, SILENCE_MAX, sample},
    store::{
        self,
        epoch::Head,
        pass::{Claim, PassRow, Progress},
        score::{Made, NewScore},
        standing::Publication,
    },
    write,
};

/// People whose scores are written in one transaction: some ten milliseconds of work.
const PEOPLE_MAX: usize = 4_096;

/// Such transactions at once: they are most of the work, and a server has more than one processor.
const CHUNKS_AT_ONCE: usize = 2;

/// How long rescores are waited for before an epoch is published.
const PUBLISH_TIME_MAX: Duration = Duration::from_secs(3);

/// How often what cannot begin yet is tried again.
const RETRY: Duration = Duration::from_millis(50);

/// A pass over which so many processes died is given up.
const RESUMPTIONS_MAX: i32 = 5;

/// So many seconds after a pass that failed another one is due; twice as many after each that fails then.
const FAILED_PAUSE_SECONDS: f64 = 60.0;

/// The most it comes to: 64 times, about an hour.
const FAILED_DOUBLINGS_MAX: i64 = 6;

/// What a pass needs.
#[derive(Debug)]
pub(crate) struct Passer {
    pub(crate) db: PgPool,
    pub(crate) cached: Cached,
    pub(crate) clock: Clock,
    pub(crate) epochs: Epochs,
    pub(crate) models: Models,
    /// The longest time between two.
    pub(crate) interval: Duration,
    /// Rung when somebody asks for one.
    pub(crate) wanted: Arc<Notify>,
    /// Rung when one is over.
    pub(crate) done: Arc<Notify>,
    pub(crate) threads: Arc<ThreadPool>,
    pub(crate) metrics: Arc<Metrics>,
}

/// A pass that this process works on.
struct Work<'a> {
    passer: &'a Passer,
    claim: Claim,
    publication: Publication,
    /// How often evidence had been made again before it was read.
    rebuilds: i64,
    model: Arc<Model>,
    /// Whether the model only serves from this epoch on.
    goes_over: bool,
    shadows: Vec<Arc<Model>>,
    epoch: i64,
    now: OffsetDateTime,
    /// How often findings about anybody had come or gone when it read.
    findings: AtomicI64,
}

/// How work on a pass ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Done,
    /// Somebody else has taken it up, or this process stops.
    Left,
}

/// Threads for passes, which give way to everything else.
pub(crate) fn threads() -> Result<ThreadPool, rayon::ThreadPoolBuildError> {
    rayon::ThreadPoolBuilder::new()
        .thread_name(|number| format!("pass-{number}"))
        .start_handler(|_| {
            // Of this thread alone. Where it may not, a pass is a neighbour like any other.
            let _ = rustix::process::nice(10);
        })
        .build()
}

// === impl Passer ===

impl Passer {
    /// Makes a pass if one is asked for, due, or left by somebody who died.
    #[instrument(name = "pass", skip_all)]
    pub(crate) async fn step(&self, stop: &CancellationToken) -> Result<bool, Error> {
        let store = Error::store;
        let Some((claim, row)) = ending(LOOK_TIME_MAX, self.claim()).await?? else {
            return Ok(false);
        };
        let started = Instant::now();
        match self.work(claim, &row, stop).await {
            Ok(Ended::Done) => {
                self.metrics.pass_duration.record(started.elapsed());
                self.metrics.passes_done.increment(1);
                self.done.notify_one();
            }
            Ok(Ended::Left) => {
                store::pass::give_up(&self.db, claim).await.map_err(store("leave a pass"))?;
            }
            // Of the store: tried again, by whoever comes first.
            Err(error @ Error::Store { .. }) => {
                let left = store::pass::give_up(&self.db, claim).await;
                left.map_err(store("leave a pass"))?;
                return Err(error);
            }
            Err(error) => {
                warn!(error = %Chain(&error), pass = claim.pass_id, "a pass failed");
                self.metrics.passes_failed.increment(1);
                let problem = Chain(&error).to_string();
                store::pass::end(&self.db, claim, Some(&problem))
                    .await
                    .map_err(store("end a pass"))?;
            }
        }
        Ok(false)
    }

    /// Takes a pass up that is asked for, due, or left.
    async fn claim(&self) -> Result<Option<(Claim, PassRow)>, Error> {
        let store = Error::store;
        // Of a part of the evidence no pass is made.
        if self.whole().await?.is_none() {
            return Ok(None);
        }
        let claim = || store::pass::claim(&self.db, SILENCE_MAX);
        let claimed = claim().await.map_err(store("look for a pass"))?;
        if claimed.is_some() || !self.is_due().await? {
            return Ok(claimed);
        }
        store::pass::ask(&self.db, None).await.map_err(store("ask for a pass"))?;
        claim().await.map_err(store("take a pass up"))
    }

    /// As [`store::rebuild::whole`].
    async fn whole(&self) -> Result<Option<i64>, Error> {
        let whole = store::rebuild::whole(&self.db).await;
        whole.map_err(Error::store("look whether evidence is whole"))
    }

    /// Whether it is time for one that nobody asked for.
    async fn is_due(&self) -> Result<bool, Error> {
        let store = Error::store;
        let schedule =
            store::pass::schedule(&self.db).await.map_err(store("look when a pass is due"))?;
        if schedule.going_on
            || !schedule.any_member
            || schedule.failed_seconds.is_some_and(|since| since < failed_pause(schedule.failures))
        {
            return Ok(false);
        }
        let today = Day::of(self.clock.now()).number();
        let head = store::epoch::current(&self.db).await.map_err(store("look for an epoch"))?;
        let of_today = head.is_some_and(|head| is_of_today(head.day, today));
        let since = schedule.since_seconds.unwrap_or(f64::INFINITY);
        Ok(!of_today
            || schedule.found_out
            || since >= self.interval.as_secs_f64()
            || self.models.is_due(self.clock.now()).await?)
    }

    async fn work(
        &self,
        claim: Claim,
        row: &PassRow,
        stop: &CancellationToken,
    ) -> Result<Ended, Error> {
        let store = Error::store;
        let head = store::epoch::current(&self.db).await.map_err(store("look for an epoch"))?;
        let published = head.as_ref().map_or(0, |head| head.epoch);
        if row.state == state::WRITING && row.epoch == published {
            return self.finish(claim, row).await;
        }
        if row.resumptions > RESUMPTIONS_MAX {
            return Err(Error::PassGivenUp { resumptions: row.resumptions });
        }
        let Some(rebuilds) = self.whole().await? else { return Ok(Ended::Left) };
        let Some(publication) = self.begin(claim, row, stop).await? else {
            return Ok(Ended::Left);
        };
        // As of the moment at which the revision was taken, or later: never before a score that it replaces.
        let now = self.clock.now();
        let ended = async {
            let Serving { model, goes_over } = self.models.serving(now).await?;
            let shadows = self.models.shadows(now).await?;
            let epoch = published + 1;
            let passer = self;
            let work = Work {
                passer,
                claim,
                publication,
                rebuilds,
                model,
                goes_over,
                shadows,
                epoch,
                now,
                findings: AtomicI64::new(row.findings),
            };
            work.all(stop).await
        };
        let ended = Box::pin(ended).await;
        if !matches!(ended, Ok(Ended::Done)) {
            store::standing::give_up(&self.db, &publication)
                .await
                .map_err(store("let others publish"))?;
        }
        ended
    }

    /// Takes the next revision, while nobody rescores. `None`: the process stops, or somebody else has taken the
    /// pass up.
    async fn begin(
        &self,
        claim: Claim,
        row: &PassRow,
        stop: &CancellationToken,
    ) -> Result<Option<Publication>, Error> {
        let store = Error::store;
        while !stop.is_cancelled() {
            let ours = store::pass::go_on(&self.db, claim, SILENCE_MAX, &row.progress()).await;
            if !ours.map_err(store("go on with a pass"))? {
                return Ok(None);
            }
            let standing = store::standing::read(&self.db).await;
            if standing.map_err(store("look whether somebody publishes"))?.publishing {
                sleep(RETRY).await;
                continue;
            }
            let mut transaction = self.db.begin().await.map_err(store("begin a pass"))?;
            let locked = store::standing::try_lock(&mut transaction, LOCK_TIME_MAX).await;
            if locked.map_err(store("wait for rescores"))? {
                let publication = store::standing::begin_pass(&mut transaction, SILENCE_MAX)
                    .await
                    .map_err(store("take a revision"))?;
                transaction.commit().await.map_err(store("commit the start of a pass"))?;
                if publication.is_some() {
                    return Ok(publication);
                }
            }
            // Somebody publishes percentiles, or rescores for long.
            sleep(RETRY).await;
        }
        Ok(None)
    }

    /// The rest of a pass whose process died when its epoch was published already.
    async fn finish(&self, claim: Claim, row: &PassRow) -> Result<Ended, Error> {
        let store = Error::store;
        let mut transaction = self.db.begin().await.map_err(store("begin to finish a pass"))?;
        let ours = store::pass::go_on(&mut *transaction, claim, SILENCE_MAX, &row.progress())
            .await
            .map_err(store("go on with a pass"))?;
        if !ours {
            return Ok(Ended::Left);
        }
        let people = store::score::mark_behind(&mut transaction, row.epoch.cast_unsigned(), 0)
            .await
            .map_err(store("put on the list whom a pass left"))?;
        store::pass::end(&mut *transaction, claim, None).await.map_err(store("end a pass"))?;
        transaction.commit().await.map_err(store("commit whom a pass left"))?;
        info!(pass = claim.pass_id, people, "the rest of a pass is on the list");
        Ok(Ended::Done)
    }
}

/// The states of a pass.
pub(crate) mod state {
    pub(crate) const READING: &str = "READING";
    pub(crate) const COMPUTING: &str = "COMPUTING";
    pub(crate) const PUBLISHING: &str = "PUBLISHING";
    pub(crate) const WRITING: &str = "WRITING";
}

// === impl Work ===

impl Work<'_> {
    async fn all(&self, stop: &CancellationToken) -> Result<Ended, Error> {
        let started = Instant::now();
        if !self.go_on(&self.progress(state::READING, 0, 0, 0)).await? {
            return Ok(Ended::Left);
        }
        let snapshot =
            self.alive(state::READING, 0, 0, Box::pin(Snapshot::read(&self.passer.db))).await?;
        self.findings.store(snapshot.findings, Ordering::Relaxed);
        failpoint!("scoring.pass.read");
        let read = started.elapsed();
        if stop.is_cancelled() {
            return Ok(Ended::Left);
        }
        let (model, today) = (Arc::clone(&self.model), Day::of(self.now).number());
        let (shadows, threads) = (self.shadows.clone(), Arc::clone(&self.passer.threads));
        let computed =
            spawn_blocking(move || threads.install(|| snapshot.compute(&model, &shadows, today)));
        let outcome = self.alive(state::COMPUTING, 0, 0, computed).await.map_err(Error::Lost)??;
        let computed = started.elapsed();
        if stop.is_cancelled() {
            return Ok(Ended::Left);
        }
        let publish = Box::pin(async {
            let Some(parts) = self.write_epoch(&outcome.published).await? else {
                return Ok(false);
            };
            failpoint!("scoring.epoch.written");
            self.publish(&outcome, parts).await
        });
        if !self.alive(state::PUBLISHING, outcome.scores.len(), outcome.cells, publish).await? {
            return Ok(Ended::Left);
        }
        failpoint!("scoring.epoch.published");
        let Outcome { published, scores, ranking, cells, shadows } = outcome;
        self.passer.epochs.follow(Arc::new(Epoch {
            number: self.epoch.cast_unsigned(),
            model: Arc::clone(&self.model),
            published,
        }));
        let written = started.elapsed();
        if !self.write(&scores, cells, stop).await? {
            return Ok(Ended::Left);
        }
        if !self.end_standing(&ranking).await? {
            return Ok(Ended::Left);
        }
        if !self.write_shadows(shadows, &scores, cells, stop).await? {
            return Ok(Ended::Left);
        }
        self.end().await?;
        info!(
            pass = self.claim.pass_id,
            epoch = self.epoch,
            cells,
            people = scores.len(),
            read_ms = read.as_millis(),
            compute_ms = (computed - read).as_millis(),
            publish_ms = (written - computed).as_millis(),
            write_ms = (started.elapsed() - written).as_millis(),
            "a pass is done"
        );
        Ok(Ended::Done)
    }

    fn progress(
        &self,
        state: &'static str,
        people: usize,
        done: usize,
        cells: u64,
    ) -> Progress<'_> {
        let whole = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        Progress {
            state,
            model: self.model.name(),
            epoch: self.epoch,
            people: whole(people),
            people_done: whole(done),
            cells: cells.cast_signed(),
            findings: self.findings.load(Ordering::Relaxed),
        }
    }

    /// Says that this process works on it. `false`: somebody else does.
    async fn go_on(&self, progress: &Progress<'_>) -> Result<bool, Error> {
        let store = Error::store;
        let mut connection = self.passer.db.acquire().await.map_err(store("go on with a pass"))?;
        self.go_on_in(&mut connection, progress).await
    }

    async fn go_on_in(
        &self,
        connection: &mut PgConnection,
        progress: &Progress<'_>,
    ) -> Result<bool, Error> {
        let store = Error::store;
        let ours = store::pass::go_on(&mut *connection, self.claim, SILENCE_MAX, progress)
            .await
            .map_err(store("go on with a pass"))?;
        let publishes = store::standing::go_on(connection, &self.publication, SILENCE_MAX)
            .await
            .map_err(store("go on with a pass"))?;
        Ok(ours && publishes)
    }

    /// Whether nobody else works on the pass or publishes; then nobody does before the transaction ends.
    async fn is_ours(&self, connection: &mut PgConnection) -> Result<bool, Error> {
        let store = Error::store;
        let ours = store::pass::is_ours(&mut *connection, self.claim).await;
        let publishes = store::standing::is_ours(connection, &self.publication).await;
        Ok(ours.map_err(store("go on with a pass"))?
            && publishes.map_err(store("go on with a pass"))?)
    }

    /// Does `work`, and says meanwhile that this process works on it.
    async fn alive<T>(
        &self,
        state: &'static str,
        people: usize,
        cells: u64,
        work: impl Future<Output = T>,
    ) -> T {
        let progress = self.progress(state, people, 0, cells);
        let say = || async { self.go_on(&progress).await.map(|_| ()) };
        // At once, so that everybody sees how far it is.
        let said = async {
            if let Err(error) = say().await {
                warn!(error = %Chain(&error), "could not tell how far a pass is");
            }
        };
        let work = async {
            let ((), done) = tokio::join!(said, work);
            done
        };
        renewing(SILENCE_MAX / 5, work, say).await
    }

    /// Returns how many parts were written; `None`: somebody else works on the pass.
    #[instrument(name = "pass_write_epoch", skip_all)]
    async fn write_epoch(&self, published: &Published) -> Result<Option<i32>, Error> {
        let store = Error::store;
        let mut connection = self.passer.db.acquire().await.map_err(store("write an epoch"))?;
        let mut parts = 0;
        // One epoch is kept for those who are about to load it.
        let mut next = Part::Clear { first: self.epoch - 2 };
        let mut contents = published.pack();
        loop {
            // Each in a transaction that knows that nobody else works on the pass: what another one has written is
            // neither cleared away nor mixed with this.
            let mut transaction = connection.begin().await.map_err(store("write an epoch"))?;
            if !self.is_ours(&mut transaction).await? {
                return Ok(None);
            }
            match &next {
                Part::Clear { first } => store::epoch::clear(&mut transaction, *first)
                    .await
                    .map_err(store("clear epochs away"))?,
                Part::Content(content) => {
                    store::epoch::write_part(&mut transaction, self.epoch, parts, content)
                        .await
                        .map_err(store("write an epoch"))?;
                    parts += 1;
                }
            }
            transaction.commit().await.map_err(store("commit a part of an epoch"))?;
            match contents.next() {
                Some(content) => next = Part::Content(content),
                None => return Ok(Some(parts)),
            }
        }
    }

    /// From here on people are scored with this epoch. `false`: somebody else works on the pass.
    #[instrument(name = "pass_publish", skip_all)]
    async fn publish(&self, outcome: &Outcome, parts: i32) -> Result<bool, Error> {
        let store = Error::store;
        let mut transaction =
            self.passer.db.begin().await.map_err(store("begin to publish an epoch"))?;
        let locked = store::standing::try_lock(&mut transaction, PUBLISH_TIME_MAX).await;
        if !locked.map_err(store("wait for rescores"))? {
            return Ok(false);
        }
        let whole = store::rebuild::whole(&mut *transaction).await;
        if whole.map_err(store("look whether evidence is whole"))? != Some(self.rebuilds) {
            // Forgotten while it was read.
            return Ok(false);
        }
        let progress = self.progress(state::WRITING, outcome.scores.len(), 0, outcome.cells);
        if !self.go_on_in(&mut transaction, &progress).await? {
            return Ok(false);
        }
        if self.goes_over && !Models::go_over(&mut transaction, self.model.name()).await? {
            // Its announcement was taken back: the pass begins again, with the model that still serves.
            return Ok(false);
        }
        let head = Head {
            epoch: self.epoch,
            model: self.model.name().to_owned(),
            day: Day::of(self.now).number(),
            parts,
        };
        store::epoch::publish(&mut transaction, &head, self.now)
            .await
            .map_err(store("publish an epoch"))?;
        transaction.commit().await.map_err(store("commit an epoch"))?;

        let mut connection =
            self.passer.db.acquire().await.map_err(store("look who was scored meanwhile"))?;
        let epoch = self.epoch.cast_unsigned();
        store::score::mark_behind(&mut connection, epoch, self.publication.revision)
            .await
            .map_err(store("put on the list who was scored meanwhile"))?;
        Ok(true)
    }

    /// `false`: somebody else works on the pass, or the process stops.
    #[instrument(name = "pass_write", skip_all)]
    async fn write(
        &self,
        scores: &[NewScore],
        cells: u64,
        stop: &CancellationToken,
    ) -> Result<bool, Error> {
        let done = AtomicUsize::new(0);
        let say = || async {
            let done = done.load(Ordering::Relaxed);
            self.go_on(&self.progress(state::WRITING, scores.len(), done, cells)).await.map(|_| ())
        };
        let done = &done;
        let starts = (0..scores.len()).step_by(PEOPLE_MAX);
        let chunks = stream::iter(starts).map(|start| async move {
            let chunk = &scores[start..scores.len().min(start + PEOPLE_MAX)];
            let written = !stop.is_cancelled() && self.write_some(chunk).await?;
            done.fetch_add(chunk.len(), Ordering::Relaxed);
            Ok::<bool, Error>(written)
        });
        let chunks = chunks.buffer_unordered(CHUNKS_AT_ONCE);
        let all = chunks.try_fold(true, |all, written| std::future::ready(Ok(all && written)));
        renewing(SILENCE_MAX / 5, Box::pin(all), say).await
    }

    async fn write_some(&self, scores: &[NewScore]) -> Result<bool, Error> {
        let store = Error::store;
        let made = Made {
            time: self.now,
            day: Day::of(self.now),
            model: self.model.name(),
            epoch: self.epoch.cast_unsigned(),
        };
        let mut transaction =
            self.passer.db.begin().await.map_err(store("begin to write scores"))?;
        store::plan_anew(&mut transaction).await.map_err(store("begin to write scores"))?;
        // Who is masked waits for this, and nobody who is masked is written after it.
        store::standing::share_lock(&mut transaction)
            .await
            .map_err(store("wait for changes of states"))?;
        if !self.is_ours(&mut transaction).await? {
            return Ok(false);
        }
        write::scores(&mut transaction, &made, Some(self.publication.revision), scores).await?;
        failpoint!("scoring.pass.written");
        transaction.commit().await.map_err(store("commit scores"))?;
        Ok(true)
    }

    /// Everybody is scored: what was cached before is old. `false`: somebody else has published since.
    async fn end_standing(&self, ranking: &[f64]) -> Result<bool, Error> {
        let store = Error::store;
        let Passer { db, cached, .. } = self.passer;
        let sample = sample(ranking);
        let ended = store::standing::end(db, &self.publication, &sample).await;
        if !ended.map_err(store("publish the standing"))? {
            return Ok(false);
        }
        failpoint!("scoring.pass.ended");
        let change = Change::Standing(self.publication.revision).message();
        store::replica::tell(db, &[change]).await.map_err(store("tell of an epoch"))?;
        cached.follow_standing(self.publication.revision);
        Ok(true)
    }

    async fn end(&self) -> Result<(), Error> {
        let store = Error::store;
        let mut connection = self.passer.db.acquire().await.map_err(store("end a pass"))?;
        store::pass::end(&mut *connection, self.claim, None).await.map_err(store("end a pass"))?;
        store::pass::clear(&mut connection).await.map_err(store("clear passes away"))
    }
}

/// What is written of an epoch next.
enum Part {
    /// Everything before this epoch goes, and what was never published.
    Clear {
        first: i64,
    },
    Content(Vec<u8>),
}

/// How many seconds nothing is tried after so many passes failed one after the other.
fn failed_pause(failures: i64) -> f64 {
    let doublings = (failures - 1).clamp(0, FAILED_DOUBLINGS_MAX);
    FAILED_PAUSE_SECONDS * f64::from(1_u32 << doublings)
}

/// Whether an epoch of that day is today's. A process whose clock is ahead may have gone over to tomorrow; if others
/// went back, and it forward again, there would be passes without end.
pub(crate) fn is_of_today(day: i32, today: i32) -> bool {
    day == today || day == today + 1
}
