//! A closed loop of callers, and what it measured.

use std::{fs, net::SocketAddr, time::Duration};

use hdrhistogram::Histogram;
use tokio::{task::JoinSet, time::Instant};
use tonic::{
    Status,
    transport::{Channel, Endpoint},
};

use crate::exit::Failure;

/// Some callers at once, and one alone.
pub(super) const BUSY: Load = Load { connections: 4, in_flight: 8 };
pub(super) const ALONE: Load = Load { connections: 1, in_flight: 1 };

/// Connections, and calls that each has open at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) connections: usize,
    pub(super) in_flight: usize,
}

/// How one stretch of calls went.
#[derive(Debug)]
pub(super) struct Stretch {
    /// Nanoseconds from asking to the answer.
    times: Histogram<u64>,
    elapsed: Duration,
    /// What the threads of the server computed meanwhile.
    server_time: Duration,
}

/// Stretches of a rival and of ours, one after the other.
#[derive(Default)]
pub(super) struct Pairs(Vec<(Stretch, Stretch)>);

/// One caller: asks its next question, again and again.
pub(super) trait Caller: Clone + Send + 'static {
    /// Asks question `number` of this stretch and throws the answer away.
    fn call(&mut self, number: usize) -> impl Future<Output = Result<(), Status>> + Send;
}

impl Load {
    /// Lets `callers`, one a connection, ask for `time` or until `calls_max` questions were asked.
    pub(super) async fn run<C: Caller>(
        self,
        callers: &[C],
        time: Duration,
        calls_max: usize,
    ) -> Result<Stretch, Failure> {
        let server_before = server_time()?;
        let started = Instant::now();
        let end = started + time;
        let width = self.connections * self.in_flight;
        let mut tasks = JoinSet::new();
        for place in 0..width {
            let mut caller = callers[place % self.connections].clone();
            tasks.spawn(async move {
                let mut times = histogram();
                let mut number = place;
                let mut before = Instant::now();
                while before < end && number < calls_max {
                    caller.call(number).await?;
                    let after = Instant::now();
                    let time = u64::try_from((after - before).as_nanos()).unwrap_or(u64::MAX);
                    times.saturating_record(time);
                    before = after;
                    number += width;
                }
                Ok::<_, Status>(times)
            });
        }
        let mut times = histogram();
        while let Some(done) = tasks.join_next().await {
            let done = done.map_err(|error| Failure::failed(&error))?;
            times.add(done?).map_err(|error| Failure::failed(&error))?;
        }
        let elapsed = started.elapsed();
        Ok(Stretch { times, elapsed, server_time: server_time()?.saturating_sub(server_before) })
    }
}

// === impl Stretch ===

impl Stretch {
    pub(super) fn calls_per_second(&self) -> f64 {
        count(self.times.len()) / self.elapsed.as_secs_f64()
    }

    /// Milliseconds that so much of the calls took at most.
    pub(super) fn quantile_ms(&self, quantile: f64) -> f64 {
        count(self.times.value_at_quantile(quantile)) / 1e6
    }

    /// Microseconds that the server computed for each call.
    pub(super) fn server_us_per_call(&self) -> f64 {
        self.server_time.as_secs_f64() * 1e6 / count(self.times.len())
    }
}

// === impl Pairs ===

impl Pairs {
    pub(super) fn add(&mut self, rival: Stretch, ours: Stretch) {
        self.0.push((rival, ours));
    }

    pub(super) fn each(&self, figure: impl Fn(&(Stretch, Stretch)) -> f64) -> Vec<f64> {
        self.0.iter().map(figure).collect()
    }

    /// What the server computed for each of our calls in the newest stretch.
    pub(super) fn last_us_per_call(&self) -> f64 {
        self.0.last().map_or(f64::NAN, |(_, ours)| ours.server_us_per_call())
    }
}

/// One connection for each of the busiest callers.
pub(super) async fn channels(address: SocketAddr) -> Result<Vec<Channel>, Failure> {
    let mut channels = Vec::new();
    for _ in 0..BUSY.connections {
        let endpoint = Endpoint::from_shared(format!("http://{address}"));
        let endpoint = endpoint.map_err(|error| Failure::failed(&error))?.tcp_nodelay(true);
        channels.push(endpoint.connect().await.map_err(|error| Failure::failed(&error))?);
    }
    Ok(channels)
}

/// From a microsecond to a minute, to three digits.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1_000, 60_000_000_000, 3).expect("bounds that a histogram can have")
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn count(number: u64) -> f64 {
    number as f64
}

/// The name of the threads of the servers.
pub(super) const SERVER_THREAD: &str = "klout-server";

/// What the threads of the servers have computed so far.
fn server_time() -> Result<Duration, Failure> {
    let failed = |error: std::io::Error| {
        Failure::Failed(format!("could not read how long threads computed: {error}"))
    };
    let mut total = Duration::ZERO;
    for task in fs::read_dir("/proc/self/task").map_err(failed)? {
        let task = task.map_err(failed)?.path();
        // A thread may end meanwhile.
        let Ok(name) = fs::read_to_string(task.join("comm")) else { continue };
        if name.trim_end() == SERVER_THREAD {
            let Ok(told) = fs::read_to_string(task.join("schedstat")) else { continue };
            let nanos = told.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0);
            total += Duration::from_nanos(nanos);
        }
    }
    Ok(total)
}
