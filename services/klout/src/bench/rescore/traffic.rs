//! Readers and ingest beside a pass.

use std::{future::Future, time::Duration};

use klout_proto::{
    score::v1::{GetScoreRequest, get_score_request::Subject},
    signal::v1::BatchIngestSignalsRequest,
};
use klout_world::Interactions;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::fill;
use crate::{bench::ground::signal, client::Client, exit::Failure};

/// One read each so often.
const READ_INTERVAL: Duration = Duration::from_micros(500);
/// One call each so often.
const INGEST_INTERVAL: Duration = Duration::from_millis(20);
/// Signals in one call.
const SIGNALS: usize = 100;

/// Calls at a steady rate, of which each is waited for.
pub(super) struct Traffic {
    client: Client,
    people: Vec<i64>,
}

/// How long calls took, in seconds.
#[derive(Debug, Default)]
pub(super) struct Waits(Vec<f64>);

/// What was measured.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) reads: Waits,
    pub(super) ingests: Waits,
}

// === impl Traffic ===

impl Traffic {
    pub(super) fn new(client: &Client, people: u32) -> Self {
        let people = (0..people * 3).filter_map(fill::person).collect();
        Self { client: client.clone(), people }
    }

    /// Measures until `end`.
    pub(super) async fn run(&self, end: impl Future<Output = ()>) -> Result<Measured, Failure> {
        let (mut reads, mut ingests) = (Waits::default(), Waits::default());
        tokio::select! {
            () = end => {}
            failed = self.read(&mut reads) => return Err(failed),
            failed = self.ingest(&mut ingests) => return Err(failed),
        }
        Ok(Measured { reads, ingests })
    }

    /// Somebody else each time: of as many people most are in no memory.
    async fn read(&self, waits: &mut Waits) -> Failure {
        let mut times = steady(READ_INTERVAL);
        let mut scores = self.client.scores();
        for person in self.people.iter().cycle() {
            times.tick().await;
            let subject = Some(Subject::Person(person.to_string()));
            let request = GetScoreRequest { subject, ..Default::default() };
            let started = Instant::now();
            if let Err(status) = scores.get_score(request).await {
                return status.into();
            }
            waits.0.push(started.elapsed().as_secs_f64());
        }
        Failure::Failed("there is nobody to read".to_owned())
    }

    async fn ingest(&self, waits: &mut Waits) -> Failure {
        let mut times = steady(INGEST_INTERVAL);
        let mut signals = self.client.signals();
        let seed = u64::try_from(waits.0.len()).unwrap_or_default();
        let rows: Vec<_> = Interactions::new(seed, 100_000, 1_000_000).collect();
        for (call, rows) in (0..).zip(rows.chunks(SIGNALS).cycle()) {
            times.tick().await;
            let signals_of = rows.iter().zip(0..).map(|(edge, row)| signal(edge, call, row));
            let request = BatchIngestSignalsRequest { signals: signals_of.collect() };
            let started = Instant::now();
            if let Err(status) = signals.batch_ingest_signals(request).await {
                return status.into();
            }
            waits.0.push(started.elapsed().as_secs_f64());
        }
        Failure::Failed("there is nothing to send".to_owned())
    }
}

fn steady(every: Duration) -> tokio::time::Interval {
    let mut times = interval(every);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    times
}

// === impl Waits ===

impl Waits {
    pub(super) fn p99_ms(mut self) -> f64 {
        self.0.sort_by(f64::total_cmp);
        let place = self.0.len() * 99 / 100;
        self.0.get(place).map_or(f64::NAN, |seconds| seconds * 1e3)
    }
}
