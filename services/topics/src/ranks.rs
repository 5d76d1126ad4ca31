//! Tells who stands where within topics, of those in which anything changed.
//!
//! The order is read once, as it is at one moment, and written some people at a time, each in a short transaction
//! that passes over whom somebody else writes: a veto never waits for ranks. Whoever changes meanwhile puts the
//! topic on the list again.

use std::{sync::Arc, time::Duration};

use futures::TryStreamExt as _;
use klout_chassis::failpoint;
use sqlx::PgPool;
use tokio::time::Instant;
use tracing::instrument;

use crate::{error::Error, metrics::Metrics, store};

/// People placed by one statement: some ten milliseconds of work.
const PEOPLE_MAX: usize = 1_024;

/// A topic rests so many times as long as it took to rank it.
const PAUSE_FACTOR: f64 = 10.0;

/// How often topics are looked for that rested.
pub(crate) const INTERVAL: Duration = Duration::from_millis(500);

/// What ranking needs.
#[derive(Clone, Debug)]
pub(crate) struct Ranker {
    pub(crate) db: PgPool,
    pub(crate) metrics: Arc<Metrics>,
}

// === impl Ranker ===

impl Ranker {
    /// Ranks the people of one topic. Returns whether there was any.
    #[instrument(name = "rank", skip_all)]
    pub(crate) async fn step(&self) -> Result<bool, Error> {
        let store = Error::store;
        let started = Instant::now();
        let mut transaction = self.db.begin().await.map_err(store("begin to rank people"))?;
        store::plan_anew(&mut transaction).await.map_err(store("plan anew"))?;
        let due = store::standing::take(&mut transaction, PAUSE_FACTOR).await;
        let Some(due) = due.map_err(store("look for topics to rank"))? else { return Ok(false) };
        let people = store::standing::count(&mut *transaction, due.topic).await;
        let people = people.map_err(store("count the people of a topic"))?;
        let mut left = 0;
        let mut moved = store::standing::moved(&mut transaction, due.topic).try_chunks(PEOPLE_MAX);
        while let Some(places) =
            moved.try_next().await.map_err(|it| it.1).map_err(store("read who stands where"))?
        {
            let placed = store::standing::place(&self.db, due.topic, &places).await;
            left += places.len() as u64 - placed.map_err(store("write who stands where"))?;
        }
        drop(moved);
        if left > 0 {
            // Somebody else wrote them: they are placed when that is done.
            store::standing::mark(&mut *transaction, &[due.topic])
                .await
                .map_err(store("note whom to rank later"))?;
        }
        let took = started.elapsed();
        store::standing::write(&mut *transaction, due.topic, people, took.as_secs_f64())
            .await
            .map_err(store("note that a topic is ranked"))?;
        store::standing::done(&mut *transaction, &due)
            .await
            .map_err(store("take a topic off the list"))?;
        failpoint!("topics.ranks.written");
        transaction.commit().await.map_err(store("commit that a topic is ranked"))?;
        self.metrics.ranked(took);
        Ok(true)
    }
}
