//! Delivers the whole log once more, to a consumer that has forgotten it.
//!
//! Batches keep their ids, so whoever has applied one meanwhile applies it once. When it breaks off, it may be
//! done over from its beginning.

use sqlx::PgPool;
use tracing::{debug, instrument};

use crate::{
    deliver::{Bell, Consumer},
    error::Error,
    store::{self, LANES},
};

/// Batches that are added in one transaction: some ten milliseconds of work.
const BATCHES_MAX: i64 = 1_000;

/// Puts every batch of the log into the outbox for `consumer`, lane by lane, each step in a transaction of its
/// own. Returns how many there are.
#[instrument(skip_all, fields(consumer = consumer.name()))]
pub(crate) async fn all(db: &PgPool, outbox_grew: &Bell, consumer: Consumer) -> Result<u64, Error> {
    let added = store::outbox::append_unpacked(db, consumer).await;
    let mut batches = added.map_err(Error::store("deliver old batches once more"))?;
    for lane in 0..i16::from(LANES) {
        let mut after = None;
        loop {
            let step = store::outbox::append_again(db, consumer, lane, after, BATCHES_MAX);
            let progress = step.await.map_err(Error::store("deliver batches once more"))?;
            batches += progress.added.cast_unsigned();
            after = progress.last;
            if after.is_none() {
                break;
            }
        }
        // What is due is delivered while the rest is added.
        outbox_grew.ring();
        debug!(lane, batches, "added once more");
    }
    Ok(batches)
}
