//! Scores as REST writes them, remembered by where they lie in memory.
//!
//! Whoever looks a score up asks scoring each time, and is answered what it says then. Scoring in this process answers with
//! the memory where it keeps a score: while that is the same, the way from there to JSON and a tag is not gone again. Of
//! 100,000 people most are in no cache of the processor, so the score itself is not even read.

use std::{
    fmt,
    hash::{Hash, Hasher},
    ptr,
    sync::Arc,
};

use axum::body::Bytes;
use klout_proto::{json, score::v1::Score};
use prost::Message as _;
use quick_cache::sync::Cache;

use crate::conditional::Tagged;

/// Scores that are remembered: of some 900 bytes each, 30 MB.
const SCORES_MAX: usize = 32_768;

/// What was written. Clones share it.
#[derive(Clone)]
pub(crate) struct Written(Arc<Cache<Place, Tagged>>);

/// Where a score lies on the wire: nothing else comes to lie there while this is kept.
#[derive(Clone, Debug)]
struct Place(Bytes);

/// A `Score` on the wire as JSON. `None`: it is none.
pub(crate) fn write(encoded: Bytes) -> Option<Tagged> {
    let score = Score::decode(encoded).ok()?;
    Some(Tagged::of(json::score(&score)))
}

// === impl Written ===

impl Written {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Cache::new(SCORES_MAX)))
    }

    /// As [`write`], of a score that will be asked for again, and does not lie in the middle of something larger.
    pub(crate) fn score(&self, encoded: Bytes) -> Option<Tagged> {
        let place = Place(encoded);
        if let Some(written) = self.0.get(&place) {
            return Some(written);
        }
        let written = write(place.0.clone())?;
        self.0.insert(place, written.clone());
        Some(written)
    }
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Written({} scores)", self.0.len())
    }
}

// === impl Place ===

impl Hash for Place {
    fn hash<H: Hasher>(&self, state: &mut H) {
        ptr::hash::<[u8], _>(&*self.0, state);
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq::<[u8]>(&*self.0, &*other.0)
    }
}

impl Eq for Place {}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(score: f64) -> (Bytes, Bytes) {
        let score = Score { person: "7".to_owned(), score: Some(score), ..Score::default() };
        (Bytes::from(score.encode_to_vec()), Bytes::from(json::score(&score)))
    }

    #[test]
    fn a_score_is_written_once_where_it_lies_and_another_is_another_one() {
        let written = Written::new();
        let (first, second) = (encoded(41.0), encoded(42.0));
        for (encoded, expected) in [&first, &first, &second] {
            assert_eq!(&written.score(encoded.clone()).expect("a score").body, expected);
        }
        assert_eq!(written.0.len(), 2);
        assert!(written.score(Bytes::from_static(b"\xff")).is_none());
        assert_eq!(written.0.len(), 2, "what is no score is not kept");
    }

    #[test]
    fn where_one_was_no_other_comes_to_lie() {
        let written = Written::new();
        for number in 0..1_000 {
            let (encoded, expected) = encoded(f64::from(number));
            assert_eq!(written.score(encoded).expect("a score").body, expected);
        }
    }
}
