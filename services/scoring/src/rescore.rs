//! Scores people again whose evidence changed.
//!
//! One step takes some of them off the list, reads all their evidence, computes, and writes the scores,
//! in one transaction: if the process dies, they are still on the list. Whoever adds evidence
//! meanwhile puts the person on the list again, so nothing is missed, and waits for nobody.
//!
//! Evidence comes in for famous people all the time, and to read what there is of them takes long. So that
//! all others need not wait for them, they are scored by a loop of their own, and rest after each score.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use klout_chassis::{Clock, failpoint};
use klout_model::Day;
use klout_score_math::{PersonScore, percentile};
use sqlx::{PgConnection, PgPool};
use tokio::{sync::Mutex, task::spawn_blocking, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::instrument;

use crate::{
    cached::{Cached, Moment},
    change::Change,
    epochs::Epochs,
    error::{Error, ending},
    flights::Flights,
    memberships::Memberships,
    metrics::Metrics,
    some::Means,
    store::{
        self,
        evidence::OwnAccount,
        replica::Current,
        score::{Made, NewKnown, NewScore, StoredScore},
    },
    write,
};

/// People scored in one transaction: some ten milliseconds of work.
const PEOPLE_MAX: i64 = 1_024;

/// A round is followed by a pause of this many times its own length: while evidence pours in, the same
/// people are scored again and again, and the longer they wait, the more of it is in one score.
const PAUSE_FACTOR: u32 = 1;

/// The longest such pause, which with the round has to fit into a second.
const PAUSE_MAX: Duration = Duration::from_millis(400);

/// The same after the famous, who rest anyway.
const FAMOUS_PAUSE_MAX: Duration = Duration::from_millis(100);

/// The same of the famous: of each of them there is as much to read as of a hundred others.
const FAMOUS_MAX: i64 = 64;

/// Who has so many bytes of evidence, some 200 cells, is famous.
const FAMOUS_BYTES: usize = 2_000;

/// The famous rest so long for each byte of evidence, which takes about a hundredth of that to read.
const REST_A_BYTE: Duration = Duration::from_micros(10);

/// The longest such rest, which with the rounds before and after has to fit into a second.
const REST_MAX: Duration = Duration::from_millis(300);

/// What a rescore needs.
#[derive(Clone, Debug)]
pub(crate) struct Rescorer {
    pub(crate) db: PgPool,
    pub(crate) transaction_time_max: Duration,
    pub(crate) cached: Cached,
    pub(crate) flights: Flights,
    pub(crate) clock: Clock,
    pub(crate) epochs: Epochs,
    pub(crate) memberships: Memberships,
    /// The famous whom this process has met, and until when they rest. Another process may not know them
    /// and score them meanwhile, which costs time and no more.
    pub(crate) famous: Arc<Mutex<HashMap<i64, Instant>>>,
    pub(crate) metrics: Arc<Metrics>,
}

/// Who is scored by one loop.
#[derive(Debug)]
pub(crate) struct Lane {
    famous: bool,
    pause_max: Duration,
    /// When the last round ended, and how long it took.
    last: Mutex<Option<(Instant, Duration)>>,
}

// === impl Lane ===

impl Lane {
    pub(crate) fn everybody_else() -> Self {
        Self { famous: false, pause_max: PAUSE_MAX, last: Mutex::default() }
    }

    pub(crate) fn famous() -> Self {
        Self { famous: true, pause_max: FAMOUS_PAUSE_MAX, last: Mutex::default() }
    }
}

// === impl Rescorer ===

impl Rescorer {
    /// Scores everybody of a lane who is dirty by now, if it is time. Stops between two transactions.
    #[instrument(name = "rescore", skip_all, fields(lane.famous = lane.famous))]
    pub(crate) async fn step(&self, lane: &Lane, stop: &CancellationToken) -> Result<bool, Error> {
        let mut last = lane.last.lock().await;
        if last.is_some_and(|(end, took)| !is_due(end.elapsed(), took, lane.pause_max)) {
            return Ok(false);
        }
        let started = Instant::now();
        if lane.famous && self.famous.lock().await.is_empty() {
            return Ok(false);
        }
        let time_max = self.transaction_time_max;
        let end = ending(time_max, store::dirty_person::end(&self.db)).await?;
        let Some(end) = end.map_err(Error::store("look for work"))? else { return Ok(false) };
        while !stop.is_cancelled() && ending(time_max, self.score_some(lane, end)).await?? {}
        self.metrics.rescore_duration.record(started.elapsed());
        *last = Some((Instant::now(), started.elapsed()));
        Ok(false)
    }

    /// Those of the famous whom a lane is about: the rested ones, or in the other lane all, whom it leaves out.
    async fn named(&self, lane: &Lane) -> Vec<i64> {
        let (famous, now) = (self.famous.lock().await, Instant::now());
        let named = famous.iter().filter(|(_, until)| !lane.famous || **until <= now);
        named.map(|(person, _)| *person).collect()
    }

    /// Scores some of the people of a lane on the list up to `end`. Returns whether there were any.
    async fn score_some(&self, lane: &Lane, end: i64) -> Result<bool, Error> {
        let store = Error::store;
        let moment = self.cached.moment();
        let mut transaction = self.db.begin().await.map_err(store("begin to rescore"))?;
        let connection = &mut *transaction;
        store::plan_anew(&mut *connection).await.map_err(store("begin to rescore"))?;
        store::standing::share_lock(&mut *connection)
            .await
            .map_err(store("wait for a publication"))?;
        // Of a part of the evidence no score is made.
        if store::rebuild::goes_on(&mut *connection)
            .await
            .map_err(store("look whether evidence is whole"))?
        {
            return Ok(false);
        }
        // Not before: going over to a new day waits for this lock too, so nobody is scored as of the day
        // before after everybody was put on the list.
        let now = self.clock.now();
        let today = Day::of(now);
        let max = if lane.famous { FAMOUS_MAX } else { PEOPLE_MAX };
        let named = self.named(lane).await;
        let (people, waited) =
            store::dirty_person::take(&mut *connection, end, max, &named, lane.famous)
                .await
                .map_err(store("take dirty people"))?;
        if people.is_empty() {
            return Ok(false);
        }
        let epoch = self.epochs.current(&mut *connection).await?;
        self.memberships.refresh(&mut *connection).await?;
        let ids: Vec<i64> = people.iter().copied().collect();
        let own = store::evidence::of_people(&mut *connection, &ids)
            .await
            .map_err(store("read evidence"))?;
        let ignored =
            store::finding::standing(&mut *connection).await.map_err(store("read findings"))?;
        let standing =
            store::standing::read(&mut *connection).await.map_err(store("read the standing"))?;
        let rests = rests(&ids, &own);

        let means = Means {
            epoch: Arc::clone(&epoch),
            memberships: self.memberships.clone(),
            ignored: Arc::new(ignored),
            today,
        };
        let found = spawn_blocking(move || means.scores_of_readable(own));
        let (found, unreadable) = found.await.map_err(Error::Lost)??;
        self.metrics.unreadable.increment(unreadable.len() as u64);
        let ids: Vec<i64> = ids.into_iter().filter(|id| !unreadable.contains(id)).collect();
        let known = |person: &i64| found.get(person).copied().flatten();
        let scores: Vec<NewScore> = ids
            .iter()
            .map(|person| NewScore {
                person: *person,
                known: known(person).map(|score| {
                    let percentile = placed(&standing.scores, score.score.points());
                    NewKnown::new(&score, percentile)
                }),
            })
            .collect();
        let made = Made { time: now, day: today, model: epoch.model.name(), epoch: epoch.number };
        let scores = write::scores(&mut *connection, &made, None, &scores).await?;
        let scores: BTreeMap<i64, StoredScore> =
            scores.into_iter().map(|score| (score.person, score)).collect();
        let buried = self.bury(&mut *connection, &scores).await?;
        let people = Change::of_people(scores.keys().copied());
        store::replica::tell(&mut *connection, &people).await.map_err(store("tell of scores"))?;
        failpoint!("scoring.scores.written");
        transaction.commit().await.map_err(store("commit scores"))?;
        self.metrics.scored(scores.len(), &waited);

        failpoint!("scoring.scores.committed");
        // Others hear of it; here nobody is answered what was before from now on.
        self.flights.outdate(&ids);
        let mut famous = self.famous.lock().await;
        for (person, rest) in rests {
            match rest {
                Some(rest) => famous.insert(person, Instant::now() + rest),
                None => famous.remove(&person),
            };
        }
        drop(famous);
        let generation = self.bury_again(buried, &scores).await?;
        let current = Current { standing: standing.revision, generation };
        // Tombstones do not stand for ever, and this process may have stood still for longer.
        if moment.is_some_and(|moment| self.cached.may_fill(moment)) {
            self.cached.fill(Moment::of(current), scores.values()).await;
        }
        failpoint!("scoring.cache.filled");
        Ok(true)
    }

    /// Sees to it that Redis has nothing older than these scores, which are about to be committed. When it
    /// does not say so, they are committed with a new generation of keys, which nobody reads before. Returns
    /// the generation for which that is so.
    async fn bury(
        &self,
        db: &mut PgConnection,
        scores: &BTreeMap<i64, StoredScore>,
    ) -> Result<i64, Error> {
        let read = Error::store("read the generation of the cache");
        let generation = store::replica::generation(&mut *db).await.map_err(read)?;
        if self.cached.bury(generation, scores.values()).await {
            return Ok(generation);
        }
        self.raise_generation(db).await
    }

    /// If somebody else has raised the generation meanwhile, a reader may have put the scores of before under
    /// it: buries them there too, and tells once more of these people. Returns the generation.
    async fn bury_again(
        &self,
        buried: i64,
        scores: &BTreeMap<i64, StoredScore>,
    ) -> Result<i64, Error> {
        let read = Error::store("read the generation of the cache");
        let generation = store::replica::generation(&self.db).await.map_err(read)?;
        if generation == buried {
            return Ok(generation);
        }
        let store = Error::store;
        let mut transaction = self.db.begin().await.map_err(store("begin to bury again"))?;
        let generation = self.bury(&mut transaction, scores).await?;
        let people = Change::of_people(scores.keys().copied());
        store::replica::tell(&mut *transaction, &people).await.map_err(store("tell again"))?;
        transaction.commit().await.map_err(store("commit what was told again"))?;
        Ok(generation)
    }

    async fn raise_generation(&self, db: &mut PgConnection) -> Result<i64, Error> {
        let generation = store::replica::raise_generation(&mut *db)
            .await
            .map_err(Error::store("raise the generation of the cache"))?;
        // Heard before what else the transaction tells.
        let change = Change::Generation(generation).message();
        store::replica::tell(&mut *db, &[change])
            .await
            .map_err(Error::store("tell of a generation"))?;
        Ok(generation)
    }
}

// === impl NewKnown ===

impl NewKnown {
    pub(crate) const fn new(score: &PersonScore, percentile: f64) -> Self {
        Self {
            score: score.score.points(),
            percentile,
            confidence: score.confidence,
            true_reach: score.true_reach,
            amplification: score.amplification,
            network_impact: score.network_impact,
            influence: score.influence,
        }
    }
}

/// Where a score stands among a sample of all of them. Nobody stands below or above themselves, so that it is never
/// quite 0 or 100.
fn placed(sample: &[f64], points: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a sample is small")]
    let half = 50.0 / sample.len().max(1) as f64;
    percentile(sample, points).clamp(half, 100.0 - half)
}

/// Whether it is time again, so long after a round that took so long.
fn is_due(since: Duration, took: Duration, pause_max: Duration) -> bool {
    since >= (took * PAUSE_FACTOR).min(pause_max)
}

/// How long each of these people rests; `None` for who is not famous.
fn rests(people: &[i64], own: &[OwnAccount]) -> Vec<(i64, Option<Duration>)> {
    let mut bytes: HashMap<i64, usize> = people.iter().map(|person| (*person, 0)).collect();
    for it in own {
        *bytes.entry(it.person).or_default() += it.evidence.as_ref().map_or(0, Vec::len);
    }
    bytes.into_iter().map(|(person, bytes)| (person, rest(bytes))).collect()
}

/// How long somebody rests of whom there are so many bytes of evidence.
fn rest(bytes: usize) -> Option<Duration> {
    let rest = u32::try_from(bytes).map_or(REST_MAX, |bytes| REST_A_BYTE * bytes);
    (bytes >= FAMOUS_BYTES).then(|| rest.min(REST_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_famous_rest_the_longer_the_more_there_is_to_read_and_nobody_else_does() {
        assert_eq!(rest(FAMOUS_BYTES - 1), None);
        assert_eq!(rest(10_000), Some(Duration::from_millis(100)));
        assert_eq!(rest(50_000_000), Some(REST_MAX));

        let account = |person, bytes| OwnAccount {
            account: 1,
            person,
            network: "bluesky".to_owned(),
            evidence: Some(vec![0; bytes]),
        };
        let own = [account(1, 1_500), account(1, 500), account(2, 1_500)];
        let rests: BTreeMap<_, _> = rests(&[1, 2, 3], &own).into_iter().collect();
        let famous: Vec<_> = rests.iter().filter(|(_, rest)| rest.is_some()).collect();
        assert_eq!(famous, [(&1, &Some(Duration::from_millis(20)))], "of all accounts");
    }

    #[test]
    fn a_round_is_followed_by_a_pause_that_fits_into_a_second() {
        let ms = Duration::from_millis;
        assert!(is_due(ms(1), ms(1), PAUSE_MAX));
        assert!(!is_due(ms(99), ms(100), PAUSE_MAX));
        assert!(is_due(ms(400), ms(60_000), PAUSE_MAX));
    }
}
