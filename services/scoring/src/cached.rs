//! Scores in Redis.
//!
//! A key names the standing, so a publication, which changes nearly every percentile, leaves the old
//! entries behind at once. Within a standing an entry has the revision of its score and is never
//! replaced by an older one. Only known scores are kept: nothing else is asked for often.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use klout_proto::score::v1::Score;
use klout_store::Cache;
use prost::Message as _;

use crate::{score::to_wire, store::score::StoredScore};

#[derive(Clone, Debug)]
pub(crate) struct Cached {
    cache: Cache,
    time_max: Duration,
    standing: Arc<AtomicU64>,
}

// === impl Cached ===

impl Cached {
    pub(crate) fn new(cache: Cache, time_max: Duration) -> Self {
        Self { cache, time_max, standing: Arc::default() }
    }

    /// The standing whose entries are read.
    pub(crate) fn standing(&self) -> u64 {
        self.standing.load(Ordering::Relaxed)
    }

    /// Goes over to the entries of a standing.
    pub(crate) fn follow(&self, standing: i64) {
        self.standing.fetch_max(standing.cast_unsigned(), Ordering::Relaxed);
    }

    /// What is kept of these people, in their order.
    pub(crate) async fn get(&self, people: &[i64]) -> Vec<Option<Score>> {
        let standing = self.standing();
        let keys: Vec<_> = people.iter().map(|person| key(standing, *person)).collect();
        let values = self.cache.get(&keys).await;
        // An entry that cannot be read is none: the next fill replaces it.
        values.into_iter().map(|value| Score::decode(value?.as_slice()).ok()).collect()
    }

    /// Keeps the known ones among these, whose percentiles are of `standing` or a later one: that has to be
    /// asked for before they are read, or a publication in between would leave old percentiles behind.
    pub(crate) async fn fill<'a>(
        &self,
        standing: u64,
        scores: impl Iterator<Item = &'a StoredScore>,
    ) {
        let fills = scores.filter(|score| score.known.is_some()).map(|score| async move {
            let value = to_wire(score, false).encode_to_vec();
            let version = score.revision.cast_unsigned();
            self.cache.fill(&key(standing, score.person), version, &value, self.time_max).await;
        });
        join_all(fills).await;
    }
}

fn key(standing: u64, person: i64) -> String {
    format!("score:{standing}:{person}")
}
