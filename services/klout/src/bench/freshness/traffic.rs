//! Signals at a fixed rate, whatever becomes of them, and people who are watched meanwhile.
//!
//! The people who are watched show without doubt whether a signal is in their score: each reaction that
//! probes comes from a member who has not reacted to them, and raises the true reach by exactly one person,
//! and nothing else that happens to them raises it. A half of the probes is for people who get nothing else,
//! a quarter for people who get other signals all the time, from an actor who reacts again and again, and
//! a quarter for such people who are famous too.

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use klout_chassis::{Host, Running};
use klout_model::Kind;
use klout_proto::{
    score::v1::{GetScoreRequest, get_score_request::Subject},
    signal::v1::{BatchIngestSignalsRequest, Signal},
};
use klout_world::{Edge, Interactions};
use tokio::time::{Instant, sleep, sleep_until};

use crate::{
    bench::ground::{self, Ground, calls, register, send, signal},
    client::{Client, retried},
    exit::Failure,
    visible,
};

/// The same signals every time.
const SEED: u64 = 2_012;

/// Interactions of each person in the mean, before anything is measured.
const ROWS_BEFORE: u32 = 5;

/// What is due is sent this often, in one call: as a connector that follows a stream would.
const TICK: Duration = Duration::from_millis(10);

/// Calls at once; when as many are not answered, what is due waits here, and its time runs.
const CALLS_MAX: usize = 64;

/// A probe goes out with each so manieth tick: 20 a second.
const TICKS_A_PROBE: u32 = 5;

/// People who are watched, in this order; those of a kind take turns.
const QUIET: u32 = 128;
const BUSY: u32 = 64;
const FAMOUS: u32 = 16;
const WATCHED: u32 = QUIET + BUSY + FAMOUS;

/// So many people react to each who is famous.
const FANS: u32 = 5_000;

/// Of so many signals one is for somebody who is watched, beside the probes.
const SIGNALS_A_WATCHED: u64 = 10;

/// So many reactions of a member make one person of true reach.
const MASS: u32 = 1_000;

/// Actors that nobody else reacts as: the fans, of whom the first is who reacts again and again.
const FAN: u32 = 3_000_000_000;

/// How often somebody who is watched is looked at: at least, and while it takes long, this part of the
/// time that has passed.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);
const LOOK_PART: u32 = 20;

/// What was not visible after so long never will be.
const PATIENCE: Duration = Duration::from_secs(120);

/// When more than so many seconds' worth of signals wait, the backlog is not flat.
const WAITING_MAX_S: f64 = 10.0;

/// All services with people who have scores.
pub(super) struct Crowd {
    running: Running,
    client: Client,
    /// On a connection of its own, so that its calls do not stand behind what is sent.
    reader: Client,
    /// Beside those who are watched. Their accounts are numbered from 0, those of the watched go on.
    people: u32,
    watched: Vec<String>,
    edges: RefCell<Interactions>,
    /// Calls that were made; with the place in its call, that names a signal.
    calls: Cell<u32>,
    /// Probes that were sent for each who is watched, which names the actor of the next.
    probes: RefCell<Vec<u32>>,
}

/// What was seen while signals passed.
#[derive(Debug)]
pub(super) struct Passage {
    /// Of each probe from when it was due until a plain read showed it, ascending; empty if it was given up.
    pub(super) ms: Vec<f64>,
    /// Whether what waits grew by less than a second's worth of signals, over all of the time.
    pub(super) flat: bool,
}

/// A signal at the rate of everything else, for whom it will be looked.
#[derive(Clone, Copy, Debug)]
struct Probe {
    tick: u32,
    watched: u32,
    /// What the true reach is when it is visible.
    reach: f64,
}

/// One run of signals.
struct Run<'a> {
    crowd: &'a Crowd,
    rate: u32,
    ticks: u32,
    start: Instant,
    /// How many probes were seen.
    seen: Cell<u32>,
    given_up: Cell<bool>,
}

// === impl Crowd ===

impl Crowd {
    /// Starts everything on a database of its own, makes people and lets all of them have a score.
    pub(super) async fn gather(
        ground: &mut Ground,
        host: Host,
        people: u32,
    ) -> Result<Self, Failure> {
        let url = ground.database().await?;
        let running = ground.services(host, url, []).await?;
        let client = ground::client(&running).await?;
        let reader = ground::client(&running).await?;
        let watched = register(&client, people + WATCHED).await?.split_off(people as usize);

        let like = |subject, actor, count| Edge { subject, actor, kind: Kind::Like, age: 0, count };
        let mut before: Vec<Edge> =
            (0..people).map(|person| like(person, (person + 1) % people, 1)).collect();
        let rows = u64::from(people * ROWS_BEFORE);
        before.extend(Interactions::new(SEED, people, rows));
        before.extend((0..WATCHED).flat_map(|it| {
            let fans = if it < QUIET + BUSY { 1 } else { FANS };
            (0..fans).map(move |fan| like(people + it, FAN + fan, MASS))
        }));
        let calls = calls(&before);
        let made = u32::try_from(calls.len()).unwrap_or(u32::MAX);
        send(&client, calls).await?;
        visible::until_visible(&client).await?;
        Ok(Self {
            running,
            client,
            reader,
            people,
            watched,
            edges: RefCell::new(Interactions::new(SEED + 1, people, rows * 4)),
            calls: Cell::new(made),
            probes: RefCell::new(vec![0; WATCHED as usize]),
        })
    }

    /// Sends signals at a rate, and watches. It ends when everything is scored.
    pub(super) async fn passage(&self, rate: u32, time: Duration) -> Result<Passage, Failure> {
        let ticks = u32::try_from(time.as_millis() / TICK.as_millis()).unwrap_or(u32::MAX);
        let mut reaches = Vec::new();
        for person in &self.watched {
            reaches.push(self.reach(person).await?);
        }
        let probes = (1..=ticks / TICKS_A_PROBE).map(|number| {
            let watched = probed(number);
            let reach = &mut reaches[watched as usize];
            *reach += 1.0;
            Probe { tick: number * TICKS_A_PROBE, watched, reach: *reach }
        });
        let probes: Vec<_> = probes.collect();
        let run = Run {
            crowd: self,
            rate,
            ticks,
            start: Instant::now() + TICK,
            seen: Cell::new(0),
            given_up: Cell::new(false),
        };
        let (samples, ms, sent) =
            tokio::join!(run.look_what_waits(), run.watch(&probes), run.send());
        sent?;
        let mut ms = ms?;
        visible::until_scored(&self.client).await?;
        if run.given_up.get() {
            return Ok(Passage { ms: Vec::new(), flat: false });
        }
        ms.sort_by(f64::total_cmp);
        Ok(Passage { ms, flat: growth(&samples) * time.as_secs_f64() < f64::from(rate) })
    }

    pub(super) async fn leave(self) -> Result<(), Failure> {
        drop((self.client, self.reader));
        self.running.stop().await.map_err(|error| Failure::failed(&error))
    }

    /// The true reach of somebody, as a plain reader sees it.
    async fn reach(&self, person: &str) -> Result<f64, Failure> {
        let response = retried(|| {
            let subject = Some(Subject::Person(person.to_owned()));
            let mut scores = self.reader.scores();
            async move { scores.get_score(GetScoreRequest { subject, ..Default::default() }).await }
        });
        let score = response.await?.into_inner().score.unwrap_or_default();
        Ok(score.true_reach.unwrap_or_default())
    }

    /// The next of the signals that stand for everybody.
    fn edge(&self) -> Edge {
        let mut edges = self.edges.borrow_mut();
        let edge = edges.next().unwrap_or_else(|| {
            *edges = Interactions::new(SEED + 1, self.people, u64::from(self.people) * 20);
            edges.next().expect("there are rows")
        });
        Edge { age: 0, ..edge }
    }

    /// A reaction to somebody who is watched.
    fn watched_edge(&self, watched: u32, actor: u32) -> Edge {
        let subject = self.people + watched;
        Edge { subject, actor, kind: Kind::Like, age: 0, count: MASS }
    }

    /// A member who has not reacted to that person: strangers reach nobody.
    fn prober(&self, watched: u32) -> u32 {
        let count = &mut self.probes.borrow_mut()[watched as usize];
        *count += 1;
        (watched * (self.people / WATCHED) + *count) % self.people
    }
}

// === impl Run ===

impl Run<'_> {
    /// Sends each tick what is due by then.
    async fn send(&self) -> Result<(), Failure> {
        let calls = (1..=self.ticks).map(|tick| async move {
            sleep_until(self.due(tick)).await;
            let signals = if self.given_up.get() { Vec::new() } else { self.signals(tick) };
            if signals.is_empty() {
                return Ok(());
            }
            let call = retried(|| {
                let (mut client, signals) = (self.crowd.client.signals(), signals.clone());
                let request = BatchIngestSignalsRequest { signals };
                async move { client.batch_ingest_signals(request).await }
            });
            call.await?;
            Ok(())
        });
        let answered = stream::iter(calls).buffer_unordered(CALLS_MAX);
        answered.try_for_each(|()| std::future::ready(Ok(()))).await
    }

    /// Looks for each probe until it is seen, and returns how many milliseconds that took.
    async fn watch(&self, probes: &[Probe]) -> Result<Vec<f64>, Failure> {
        let seen = probes.iter().map(|probe| async move {
            let due = self.due(probe.tick);
            sleep_until(due).await;
            let person = &self.crowd.watched[probe.watched as usize];
            loop {
                // A whole person is added, and strangers are a tenth of one together at most.
                if self.crowd.reach(person).await? > probe.reach - 0.5 {
                    self.seen.set(self.seen.get() + 1);
                    return Ok(due.elapsed().as_secs_f64() * 1_000.0);
                }
                if self.given_up.get() {
                    return Ok(f64::INFINITY);
                }
                if due.elapsed() > PATIENCE {
                    return Err(Failure::Failed("a signal did not become visible".to_owned()));
                }
                sleep(LOOK_INTERVAL.max(due.elapsed() / LOOK_PART)).await;
            }
        });
        stream::iter(seen).buffer_unordered(probes.len().max(1)).try_collect().await
    }

    /// Looks regularly how many signals wait somewhere. Returns that by the time in seconds.
    async fn look_what_waits(&self) -> Vec<(f64, f64)> {
        let time = TICK * self.ticks;
        let interval = Duration::from_secs(1).min(time / 100);
        let mut samples = Vec::new();
        // What is on its way at any moment has to come together first.
        let mut next = self.start + time / 5;
        while next <= self.start + time {
            sleep_until(next).await;
            let waiting = self.waiting();
            samples.push((self.start.elapsed().as_secs_f64(), waiting));
            if waiting > WAITING_MAX_S * f64::from(self.rate) {
                self.given_up.set(true);
                break;
            }
            next += interval;
        }
        samples
    }

    /// How many signals are due and not visible yet: each probe stands for all that were due around it.
    fn waiting(&self) -> f64 {
        let ticks = self.start.elapsed().as_millis() / TICK.as_millis();
        let ticks = u32::try_from(ticks).unwrap_or(u32::MAX).min(self.ticks);
        let unseen = (ticks / TICKS_A_PROBE).saturating_sub(self.seen.get());
        f64::from(unseen) * TICK.as_secs_f64() * f64::from(TICKS_A_PROBE) * f64::from(self.rate)
    }

    /// What is due with a tick and was not before.
    fn signals(&self, tick: u32) -> Vec<Signal> {
        let crowd = self.crowd;
        let number = crowd.calls.replace(crowd.calls.get() + 1);
        let mut due = self.due_by(tick - 1)..self.due_by(tick);
        let mut edges = Vec::new();
        if tick.is_multiple_of(TICKS_A_PROBE) {
            let watched = probed(tick / TICKS_A_PROBE);
            edges.push(crowd.watched_edge(watched, crowd.prober(watched)));
            due.next();
        }
        for due in due {
            edges.push(match u32::try_from(due / SIGNALS_A_WATCHED) {
                Ok(turn) if due.is_multiple_of(SIGNALS_A_WATCHED) => {
                    crowd.watched_edge(busy(turn), FAN)
                }
                Ok(_) | Err(_) => crowd.edge(),
            });
        }
        edges.iter().zip(0..).map(|(edge, row)| signal(edge, number, row)).collect()
    }

    /// How many signals are due by a tick, probes among them.
    fn due_by(&self, tick: u32) -> u64 {
        let a_second = u64::try_from(Duration::from_secs(1).as_millis() / TICK.as_millis());
        u64::from(self.rate) * u64::from(tick) / a_second.unwrap_or(1)
    }

    fn due(&self, tick: u32) -> Instant {
        self.start + TICK * tick
    }
}

/// For whom a probe is.
const fn probed(number: u32) -> u32 {
    match number % 4 {
        1 => QUIET + number / 4 % BUSY,
        3 => QUIET + BUSY + number / 4 % FAMOUS,
        _ => number / 2 % QUIET,
    }
}

/// Who gets the other signals.
const fn busy(turn: u32) -> u32 {
    if turn.is_multiple_of(2) { QUIET + turn / 2 % BUSY } else { QUIET + BUSY + turn / 2 % FAMOUS }
}

/// The slope of a line through points, by least squares.
fn growth(points: &[(f64, f64)]) -> f64 {
    let count = points.iter().map(|_| 1.0).sum::<f64>();
    let mean = |part: fn(&(f64, f64)) -> f64| points.iter().map(part).sum::<f64>() / count;
    let (x_mean, y_mean) = (mean(|point| point.0), mean(|point| point.1));
    let covariance = points.iter().map(|(x, y)| (x - x_mean) * (y - y_mean)).sum::<f64>();
    let variance = points.iter().map(|(x, _)| (x - x_mean) * (x - x_mean)).sum::<f64>();
    if variance > 0.0 { covariance / variance } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_the_slope() {
        let points = [(1.0, 10.0), (2.0, 12.0), (3.0, 14.0)];
        assert!((growth(&points) - 2.0).abs() < 1e-9);
        assert!(growth(&points[..1]).abs() < 1e-9, "one point does not tell");
    }
}
