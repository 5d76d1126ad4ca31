//! When a read that is not answered is asked a second time.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Times of calls that are remembered of each RPC.
const TIMES: usize = 256;

/// So many have to be known before they say anything; and the answer is found anew after so many more.
const TIMES_MIN: usize = 64;

/// How long a read may take before it is asked a second time, over another connection; whichever is answered first
/// counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Hedge {
    /// As long as this.
    After(Duration),
    /// As long as this part of the last calls took at most, such as 0.95: then some 5 of 100 calls are asked twice. Until
    /// enough calls are known, and at least, `at_least`.
    AfterMost {
        /// From 0 to 1.
        part: f64,
        /// The least that is waited.
        at_least: Duration,
    },
}

/// How long calls took.
#[derive(Debug)]
pub(crate) struct Delays {
    hedge: Hedge,
    by_rpc: Mutex<HashMap<&'static str, Times>>,
}

/// Of one RPC.
#[derive(Debug, Default)]
struct Times {
    /// In a ring.
    taken: Vec<Duration>,
    next: usize,
    quantile: Option<Duration>,
}

// === impl Delays ===

impl Delays {
    pub(crate) fn new(hedge: Hedge) -> Self {
        Self { hedge, by_rpc: Mutex::default() }
    }

    /// How long a call may take before it is asked a second time.
    pub(crate) fn delay(&self, rpc: &'static str) -> Duration {
        match self.hedge {
            Hedge::After(delay) => delay,
            Hedge::AfterMost { at_least, .. } => {
                let by_rpc = self.by_rpc.lock().unwrap_or_else(PoisonError::into_inner);
                let told = by_rpc.get(rpc).and_then(|times| times.quantile);
                told.map_or(at_least, |told| told.max(at_least))
            }
        }
    }

    /// A call was answered. Of one that was asked twice the time until the first answer: not less than the delay, so that
    /// the calls that were asked twice stay the slow ones.
    pub(crate) fn note(&self, rpc: &'static str, taken: Duration) {
        if let Hedge::AfterMost { part, .. } = self.hedge {
            let mut by_rpc = self.by_rpc.lock().unwrap_or_else(PoisonError::into_inner);
            by_rpc.entry(rpc).or_default().note(taken, part);
        }
    }
}

// === impl Times ===

impl Times {
    fn note(&mut self, taken: Duration, part: f64) {
        if self.taken.len() < TIMES {
            self.taken.push(taken);
        } else {
            self.taken[self.next % TIMES] = taken;
        }
        self.next += 1;
        if self.next.is_multiple_of(TIMES_MIN) {
            let mut taken = self.taken.clone();
            #[expect(clippy::cast_precision_loss, reason = "at most 256")]
            let place = (taken.len() - 1) as f64 * part.clamp(0.0, 1.0);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "likewise")]
            let (_, quantile, _) = taken.select_nth_unstable(place.round() as usize);
            self.quantile = Some(*quantile);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_LEAST: Duration = Duration::from_millis(5);

    fn delays() -> Delays {
        Delays::new(Hedge::AfterMost { part: 0.95, at_least: AT_LEAST })
    }

    #[test]
    fn most_calls_end_before_they_would_be_asked_twice() {
        let delays = delays();
        for millis in 1..=TIMES as u64 {
            delays.note("score", Duration::from_millis(millis));
        }
        let delay = delays.delay("score").as_millis();
        assert!((240..=245).contains(&delay), "{delay}");
        assert_eq!(delays.delay("scores"), AT_LEAST, "each RPC has its own times");
    }

    #[test]
    fn the_delay_follows_and_is_never_less_than_the_least() {
        let delays = delays();
        assert_eq!(delays.delay("score"), AT_LEAST, "nothing is known");
        for millis in [100, 1] {
            for _ in 0..TIMES {
                delays.note("score", Duration::from_millis(millis));
            }
            assert_eq!(delays.delay("score"), AT_LEAST.max(Duration::from_millis(millis)));
        }
    }
}
