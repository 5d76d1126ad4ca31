//! Waits until a person's score is as fresh as a reader asks.

use std::time::Duration;

use klout_chassis::time_left;
use klout_model::PersonId;
use klout_proto::revision::Revision;
use sqlx::PgPool;
use tokio::time::{Instant, sleep};
use tracing::instrument;

use crate::{
    error::Error,
    store::{self, dirty_person::Seen},
};

/// How often it is looked.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// What a reader asks of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Freshness {
    /// It has what a revision stands for.
    Revision(Revision),
    /// It has everything that was applied so long ago or longer.
    Staleness(Duration),
}

/// Returns when the score of a person is so fresh: which revision, or a later one, a read has to see; 0 when
/// there is no score.
#[instrument(name = "wait_for_freshness", skip_all)]
pub(crate) async fn wait(
    db: &PgPool,
    person: PersonId,
    freshness: &Freshness,
    time_max: Duration,
) -> Result<u64, Error> {
    let started = Instant::now();
    let time_max = time_left().map_or(time_max, |left| left.min(time_max));
    loop {
        let reached = match freshness {
            Freshness::Revision(revision) => reached_revision(db, person, revision).await?,
            Freshness::Staleness(time) => reached_staleness(db, person, *time).await?,
        };
        if let Some(newest) = reached {
            return Ok(newest);
        }
        if started.elapsed() + LOOK_INTERVAL >= time_max {
            return Err(Error::RevisionNotReached { waited: started.elapsed() });
        }
        sleep(LOOK_INTERVAL).await;
    }
}

/// The newest revision of the score of a person, once it is as fresh as `revision`.
async fn reached_revision(
    db: &PgPool,
    person: PersonId,
    revision: &Revision,
) -> Result<Option<u64>, Error> {
    if let Revision::Batches(batches) = revision {
        let applied = store::applied_batch::count(db, batches)
            .await
            .map_err(Error::store("look which batches were applied"))?;
        if applied.cast_unsigned() < batches.len() as u64 {
            return Ok(None);
        }
    }
    let seen = see(db, person).await?;
    let reached = match revision {
        Revision::Batches(_) => seen.dirty_seconds.is_none(),
        Revision::Score(number) => seen.revision.cast_unsigned() >= *number,
    };
    Ok(reached.then_some(seen.revision.cast_unsigned()))
}

/// The same, once nothing is missing in it that was applied so long ago or longer.
async fn reached_staleness(
    db: &PgPool,
    person: PersonId,
    time: Duration,
) -> Result<Option<u64>, Error> {
    let seen = see(db, person).await?;
    let reached = seen.dirty_seconds.is_none_or(|seconds| seconds < time.as_secs_f64());
    Ok(reached.then_some(seen.revision.cast_unsigned()))
}

async fn see(db: &PgPool, person: PersonId) -> Result<Seen, Error> {
    store::dirty_person::see(db, person.get())
        .await
        .map_err(Error::store("look how fresh a score is"))
}
