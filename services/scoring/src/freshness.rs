//! Waits until a person's score is as fresh as a reader asks.

use std::time::Duration;

use klout_chassis::time_left;
use klout_model::PersonId;
use klout_proto::revision::Revision;
use sqlx::PgPool;
use tokio::time::{Instant, sleep};
use tracing::instrument;

use crate::{error::Error, store};

/// How often it is looked.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// Returns when a read from Postgres sees what `revision` asks for.
#[instrument(name = "wait_for_revision", skip_all)]
pub(crate) async fn wait(
    db: &PgPool,
    person: PersonId,
    revision: &Revision,
    time_max: Duration,
) -> Result<(), Error> {
    let started = Instant::now();
    let time_max = time_left().map_or(time_max, |left| left.min(time_max));
    while !is_reached(db, person, revision).await? {
        if started.elapsed() + LOOK_INTERVAL >= time_max {
            return Err(Error::RevisionNotReached { waited: started.elapsed() });
        }
        sleep(LOOK_INTERVAL).await;
    }
    Ok(())
}

async fn is_reached(db: &PgPool, person: PersonId, revision: &Revision) -> Result<bool, Error> {
    if let Revision::Batches(batches) = revision {
        let applied = store::applied_batch::count(db, batches)
            .await
            .map_err(Error::store("look which batches were applied"))?;
        if applied.cast_unsigned() < batches.len() as u64 {
            return Ok(false);
        }
    }
    let found = store::score::find(db, &[person.get()])
        .await
        .map_err(Error::store("look how fresh a score is"))?;
    let found = found.get(&person.get());
    Ok(match revision {
        Revision::Batches(_) => !found.is_some_and(|found| found.dirty),
        Revision::Score(number) => {
            let newest = found.and_then(|found| found.score.as_ref()).map_or(0, |it| it.revision);
            newest.cast_unsigned() >= *number
        }
    })
}
