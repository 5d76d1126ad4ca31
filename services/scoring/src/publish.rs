//! Publishes where each score stands among all others.
//!
//! A score that is written between two publications is placed by a sample of the ranking; the next
//! publication places it exactly. A publication reads the ranking once, as it is at one moment, and then
//! places some people at a time, each in a short transaction, so that no rescore and no reader waits for
//! it. It ends by saying up to which revision no score is missing.
//!
//! - That revision is read before the ranking, while no rescore is under way: a rescore takes its
//!   revisions long before it commits, and all that are given out by then have to be in the ranking.
//! - Whoever is rescored meanwhile has a later revision, so the next publication is due. A row that a
//!   rescore holds is passed over, never waited for.
//! - One process publishes at a time. If it stalls and another one takes over, its next step finds
//!   another number in the standing, and does nothing.

use std::{sync::Arc, time::Duration};

use klout_chassis::{failpoint, renewing};
use klout_score_math::percentile;
use sqlx::PgPool;
use tokio::{
    sync::Mutex,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, instrument};

use crate::{
    cached::Cached,
    change::Change,
    error::{Error, ending},
    metrics::Metrics,
    store::{self, score::Place, standing::Publication},
};

/// While people keep being rescored, percentiles are published this often nevertheless.
const WHILE_BUSY: Duration = Duration::from_secs(5);

/// A publication is followed by a pause of this many times its own work.
const PAUSE_FACTOR: u32 = 10;

/// People placed in one transaction: some ten milliseconds of work.
const PEOPLE_MAX: i64 = 1_024;

/// How long a process that publishes may be silent before another one takes over.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(5);

/// How long rescores are waited for.
pub(crate) const LOCK_TIME_MAX: Duration = Duration::from_millis(500);

/// So many scores stand for the whole ranking.
const SAMPLE_LEN: usize = 1_000;

/// What a publication needs.
#[derive(Debug)]
pub(crate) struct Publisher {
    pub(crate) db: PgPool,
    transaction_time_max: Duration,
    pub(crate) cached: Cached,
    pub(crate) metrics: Arc<Metrics>,
    /// When the last one ended, and how long it worked.
    last: Mutex<Option<(Instant, Duration)>>,
}

/// What a step of a publication did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Everybody up to this person is placed.
    Placed(i64),
    /// Everybody is placed.
    Done,
    /// Somebody else publishes.
    Overtaken,
}

// === impl Publisher ===

impl Publisher {
    pub(crate) fn new(
        db: PgPool,
        transaction_time_max: Duration,
        cached: Cached,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { db, transaction_time_max, cached, metrics, last: Mutex::new(None) }
    }

    /// Publishes if there is anything new and it is time. Stops between two transactions.
    #[instrument(name = "publish", skip_all)]
    pub(crate) async fn step(&self, stop: &CancellationToken) -> Result<bool, Error> {
        let store = Error::store;
        let time_max = self.transaction_time_max;
        let standing = ending(time_max, store::standing::read(&self.db)).await?;
        let standing = standing.map_err(store("read the standing"))?;
        self.cached.follow_standing(standing.revision);
        if standing.current || standing.publishing {
            return Ok(false);
        }
        let busy = ending(time_max, store::dirty_person::any(&self.db)).await?;
        let busy = busy.map_err(store("look for work"))?;
        let mut last = self.last.lock().await;
        if last.is_some_and(|(end, worked)| !is_due(end.elapsed(), worked, busy)) {
            return Ok(false);
        }
        let Some(publication) = ending(time_max, self.begin()).await?? else { return Ok(false) };
        if let Some(worked) = self.publish(&publication, busy, stop).await? {
            failpoint!("scoring.percentiles.committed");
            let change = Change::Standing(publication.revision).message();
            store::replica::tell(&self.db, &[change])
                .await
                .map_err(store("tell of a publication"))?;
            self.cached.follow_standing(publication.revision);
            self.metrics.publication_duration.record(worked);
            *last = Some((Instant::now(), worked));
        }
        Ok(false)
    }

    /// Starts a publication of all scores that there are, unless somebody else publishes.
    async fn begin(&self) -> Result<Option<Publication>, Error> {
        let store = Error::store;
        let mut transaction = self.db.begin().await.map_err(store("begin to publish"))?;
        let connection = &mut *transaction;
        // As long as the rescores that are under way, some ten milliseconds. New ones wait in turn, so one
        // that hangs is not waited for long.
        let locked = store::standing::try_lock(&mut *connection, LOCK_TIME_MAX).await;
        if !locked.map_err(store("wait for rescores"))? {
            return Ok(None);
        }
        let publication = store::standing::begin(&mut *connection, SILENCE_MAX)
            .await
            .map_err(store("begin a publication"))?;
        transaction.commit().await.map_err(store("commit the start of a publication"))?;
        Ok(publication)
    }

    /// Places everybody. Returns how much work that was; `None` when it was not done.
    async fn publish(
        &self,
        publication: &Publication,
        busy: bool,
        stop: &CancellationToken,
    ) -> Result<Option<Duration>, Error> {
        let store = Error::store;
        let mut started = Instant::now();
        let time_max = self.transaction_time_max;
        // Of many people that takes longer than one who publishes may be silent.
        let ranking = renewing(SILENCE_MAX / 5, store::score::ranking(&self.db), || async {
            let mut connection = self.db.acquire().await?;
            store::standing::go_on(&mut connection, publication, SILENCE_MAX).await.map(|_| ())
        });
        let ranking = ending(time_max, ranking).await?.map_err(store("read the ranking"))?;
        let mut worked = started.elapsed();
        let mut after = 0;
        loop {
            if stop.is_cancelled() {
                store::standing::give_up(&self.db, publication)
                    .await
                    .map_err(store("give a publication up"))?;
                return Ok(None);
            }
            started = Instant::now();
            let step = ending(time_max, self.place_some(publication, &ranking, after)).await??;
            worked += started.elapsed();
            match step {
                Step::Placed(person) => after = person,
                Step::Done => break,
                Step::Overtaken => {
                    debug!("somebody else publishes");
                    return Ok(None);
                }
            }
            if busy {
                // Leaves as much to those who rescore.
                sleep(started.elapsed()).await;
            }
        }
        let sample = sample(&ranking);
        let ended = ending(time_max, store::standing::end(&self.db, publication, &sample)).await?;
        let ended = ended.map_err(store("publish the standing"))?;
        Ok(ended.then_some(worked))
    }

    /// Places the people that come next after a person, those whose percentile is another one.
    async fn place_some(
        &self,
        publication: &Publication,
        ranking: &[f64],
        after: i64,
    ) -> Result<Step, Error> {
        let store = Error::store;
        let mut transaction = self.db.begin().await.map_err(store("begin to place people"))?;
        let connection = &mut *transaction;
        let ours = store::standing::go_on(&mut *connection, publication, SILENCE_MAX)
            .await
            .map_err(store("go on with a publication"))?;
        if !ours {
            return Ok(Step::Overtaken);
        }
        let people = store::score::places(&mut *connection, after, PEOPLE_MAX)
            .await
            .map_err(store("read percentiles"))?;
        let Some(last) = people.last().map(|place| place.person) else { return Ok(Step::Done) };
        let moved: Vec<Place> = people
            .into_iter()
            .filter_map(|old| {
                let percentile = percentile(ranking, old.score);
                let moved = percentile.to_bits() != old.percentile.to_bits();
                moved.then_some(Place { percentile, ..old })
            })
            .collect();
        if !moved.is_empty() {
            store::score::place(&mut *connection, &moved).await.map_err(store("place people"))?;
        }
        failpoint!("scoring.percentiles.written");
        transaction.commit().await.map_err(store("commit percentiles"))?;
        Ok(Step::Placed(last))
    }
}

/// Whether it is time again, so long after a publication that was so much work.
fn is_due(since: Duration, worked: Duration, busy: bool) -> bool {
    since >= worked * PAUSE_FACTOR && (!busy || since >= WHILE_BUSY)
}

/// Up to [`SAMPLE_LEN`] scores, evenly spread over the ranking.
pub(crate) fn sample(ranking: &[f64]) -> Vec<f64> {
    let members = ranking.len();
    if members <= SAMPLE_LEN {
        return ranking.to_vec();
    }
    let chosen = |place: &usize| place * SAMPLE_LEN / members != (place - 1) * SAMPLE_LEN / members;
    (1..=members).filter(chosen).map(|place| ranking[place - 1]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publication_waits_for_rest_and_while_there_is_none_for_five_seconds() {
        let seconds = Duration::from_secs;
        assert!(is_due(seconds(1), Duration::from_millis(1), false));
        assert!(!is_due(seconds(1), Duration::from_millis(1), true));
        assert!(is_due(seconds(5), Duration::from_millis(1), true));
        assert!(!is_due(seconds(5), seconds(1), false), "a long one is followed by a long pause");
    }

    #[test]
    fn a_sample_is_spread_evenly_and_ends_with_the_best() {
        let ranking: Vec<f64> = (1..=2_500).map(f64::from).collect();
        let sample = sample(&ranking);
        assert_eq!(sample.len(), SAMPLE_LEN);
        assert!(sample.windows(2).all(|pair| (2.0..=3.0).contains(&(pair[1] - pair[0]))));
        assert_eq!(sample.last(), ranking.last());
        assert_eq!(super::sample(&ranking[..7]), ranking[..7], "few stand for themselves");
    }
}
