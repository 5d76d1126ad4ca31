//! Scores as REST writes them, remembered by what they are written from.
//!
//! Whoever looks a score up asks scoring each time, and is answered what it says then. Only the way from its answer to JSON
//! and a tag, which is the same for the same answer, is not gone again.

use std::{fmt, sync::Arc};

use axum::body::Bytes;
use klout_proto::{json, score::v1::Score};
use prost::Message as _;
use quick_cache::sync::Cache;

use crate::conditional::Tagged;

/// Scores that are remembered: of some 900 bytes each, 30 MB.
const SCORES_MAX: usize = 32_768;

/// What was written. Clones share it.
#[derive(Clone)]
pub(crate) struct Written(Arc<Cache<Bytes, Tagged>>);

// === impl Written ===

impl Written {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Cache::new(SCORES_MAX)))
    }

    /// A `Score` on the wire as JSON. `None`: it is none.
    pub(crate) fn score(&self, encoded: Bytes) -> Option<Tagged> {
        if let Some(written) = self.0.get(&encoded) {
            return Some(written);
        }
        let score = Score::decode(encoded.clone()).ok()?;
        let written = Tagged::of(Bytes::from(json::score(&score)));
        // Of its own: what came from another process is a part of all that came with it.
        self.0.insert(Bytes::copy_from_slice(&encoded), written.clone());
        Some(written)
    }
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Written({} scores)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_again_is_what_was_written_and_another_score_is_another() {
        let written = Written::new();
        let encoded = |score: f64| {
            let score = Score { person: "7".to_owned(), score: Some(score), ..Score::default() };
            (Bytes::from(score.encode_to_vec()), json::score(&score))
        };
        for score in [41.0, 41.0, 42.0] {
            let (encoded, expected) = encoded(score);
            let told = written.score(encoded).expect("a score");
            assert_eq!(told.body, Bytes::from(expected));
        }
        assert_eq!(written.0.len(), 2);
        assert!(written.score(Bytes::from_static(b"\xff")).is_none());
    }
}
