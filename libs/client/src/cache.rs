//! Answers that are shown again for a moment.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use futures::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use moka::sync;
use tokio::time::{Instant, timeout_at};
use tonic::Code;

use crate::Error;

/// The longest that an answer is shown again: whoever leaves is not shown for longer than that.
pub const STALENESS_MAX: Duration = Duration::from_secs(60);

/// Answers of one kind, by the request that they answer. Whoever asks what is being asked already waits for that answer,
/// for as long as they have themselves.
pub(crate) struct Cache<V> {
    flights: sync::Cache<Vec<u8>, Flight<V>>,
    staleness_max: Duration,
}

/// A question that is asked once for all who want to know. When the one who asked hangs up, the next one who comes goes
/// on with it.
#[derive(Clone)]
struct Flight<V> {
    answer: Shared<BoxFuture<'static, Result<Kept<V>, Error>>>,
    /// The deadline of the one who asked: it fails then, if it was not answered.
    end: Instant,
}

/// An answer, which is shown until then.
#[derive(Clone)]
struct Kept<V> {
    value: V,
    until: Instant,
}

// === impl Cache ===

impl<V: Clone + Send + Sync + 'static> Cache<V> {
    /// Of the last `answers_max` answers.
    pub(crate) fn new(staleness_max: Duration, answers_max: u64) -> Self {
        let flights = sync::Cache::new(answers_max);
        Self { flights, staleness_max: staleness_max.min(STALENESS_MAX) }
    }

    /// The answer to `question` within `time_max`. `ask` finds it out within the time that it is given, and `expires` says
    /// until when it may be shown.
    pub(crate) async fn get<F>(
        &self,
        question: &[u8],
        time_max: Duration,
        expires: impl Fn(&V) -> Option<SystemTime> + Copy + Send + 'static,
        ask: impl Fn(Duration) -> F,
    ) -> Result<V, Error>
    where
        F: Future<Output = Result<V, Error>> + Send + 'static,
    {
        let staleness_max = self.staleness_max;
        let end = Instant::now() + time_max;
        let asked = || {
            let answer = ask(end.saturating_duration_since(Instant::now()));
            let kept = async move {
                // How old an answer is counts from when it was asked for: it was true at some time after that.
                let asked = Instant::now();
                let value = answer.await?;
                let until = asked + staleness_max;
                let until = expires(&value).map_or(until, |time| until.min(instant(time)));
                Ok(Kept { value, until })
            };
            Flight { answer: kept.boxed().shared(), end }
        };
        loop {
            let flight = self.flights.entry_by_ref(question);
            let flight = flight.or_insert_with_if(asked, |it| !it.holds()).into_value();
            match timeout_at(end, flight.answer).await {
                // It was somebody else's time that was over. Whoever has more goes on with what is left of their own.
                Ok(Err(error)) if error.code() == Code::DeadlineExceeded && flight.end < end => {}
                Ok(answered) => return answered.map(|kept| kept.value),
                Err(_) => return Err(Error::deadline()),
            }
        }
    }
}

impl<V> fmt::Debug for Cache<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("staleness_max", &self.staleness_max).finish_non_exhaustive()
    }
}

// === impl Flight ===

impl<V> Flight<V> {
    /// Whether it answers, or may yet.
    fn holds(&self) -> bool {
        let now = Instant::now();
        match self.answer.peek() {
            Some(Ok(kept)) => now < kept.until,
            // Told to those who waited for it, and to nobody who comes later.
            Some(Err(_)) => false,
            None => now < self.end,
        }
    }
}

/// When a clock of the wall will say `time`: now, if it has.
fn instant(time: SystemTime) -> Instant {
    #[expect(clippy::disallowed_methods, reason = "in a caller's process no clock of ours runs")]
    let now = SystemTime::now();
    Instant::now() + time.duration_since(now).unwrap_or_default()
}
