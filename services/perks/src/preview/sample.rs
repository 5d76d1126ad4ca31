//! Some members, drawn at random, with what is known of them.

use std::{sync::Arc, time::Duration};

use klout_chassis::Clock;
use klout_model::PersonId;
use rand::RngExt as _;
use time::OffsetDateTime;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, timeout},
};
use tracing::{info, instrument};

use crate::{
    error::Error,
    facts::{FactsGatherer, PEOPLE_MAX, Person},
};

/// How many are drawn. Some 10 MB, and an estimate is off by one in a hundred of everybody at most.
const SIZE: usize = 10_000;

/// Members of a page, as many as social-graph answers.
const PAGE: usize = 10_000;

/// How often it is looked whether a sample is wanted, or one is too old to be kept.
pub(crate) const INTERVAL: Duration = Duration::from_secs(60);

/// A sample is good for so many times as long as it takes to draw it, but at most so long: who previews again and again
/// costs no more than a hundredth of the others' time, and in a small installation sees who came a moment ago.
const TIMES_GOOD: u32 = 100;
const GOOD_TIME_MAX: Duration = Duration::from_secs(60 * 60);

/// How long one is in memory at most.
const KEPT_TIME_MAX: Duration = Duration::from_secs(2 * 60 * 60);

/// How long somebody waits for the first one.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// Members, and what is known of them.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) people: Vec<Person>,
    /// Those who consent to perks, of whom they are drawn.
    pub(crate) members: i64,
    pub(crate) draw_time: OffsetDateTime,
    drawn: Instant,
    good: Duration,
}

/// The newest sample, if there is one. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Samples {
    facts: FactsGatherer,
    newest: Arc<watch::Sender<Option<Arc<Sample>>>>,
    /// Whether somebody asked for a newer one since the last began to be drawn.
    wanted: Arc<watch::Sender<bool>>,
    /// Rung then.
    pub(crate) ring: Arc<Notify>,
}

// === impl Sample ===

impl Sample {
    fn is_kept(&self) -> bool {
        self.drawn.elapsed() <= KEPT_TIME_MAX
    }
}

// === impl Samples ===

impl Samples {
    pub(crate) fn new(facts: FactsGatherer) -> Self {
        Self {
            facts,
            newest: Arc::new(watch::Sender::new(None)),
            wanted: Arc::new(watch::Sender::new(false)),
            ring: Arc::new(Notify::new()),
        }
    }

    /// The sample that there is, or the first one when that does not take long. Has a newer one drawn when it is old.
    pub(crate) async fn get(&self) -> Result<Arc<Sample>, Error> {
        let newest = self.newest.borrow().clone().filter(|it| it.is_kept());
        if newest.as_ref().is_none_or(|it| it.drawn.elapsed() > it.good) {
            self.wanted.send_replace(true);
            self.ring.notify_one();
        }
        if let Some(newest) = newest {
            return Ok(newest);
        }
        let mut drawn = self.newest.subscribe();
        let is_kept = |it: &Option<Arc<Sample>>| it.as_ref().is_some_and(|it| it.is_kept());
        let first = timeout(WAIT_MAX, drawn.wait_for(is_kept)).await;
        match first {
            Ok(Ok(first)) => first.clone().ok_or(Error::SamplePending),
            Ok(Err(_)) | Err(_) => Err(Error::SamplePending),
        }
    }

    /// Draws one if somebody asked for it, and forgets one that is too old. Returns whether there was something to do.
    #[instrument(name = "draw_sample", skip_all)]
    pub(crate) async fn step(&self) -> Result<bool, Error> {
        // Also while none can be drawn.
        self.newest.send_if_modified(|newest| {
            let is_old = newest.as_ref().is_some_and(|it| !it.is_kept());
            if is_old {
                *newest = None;
            }
            is_old
        });
        if self.wanted.send_replace(false) {
            let drawn = self.draw().await;
            match drawn {
                Ok(sample) => {
                    self.newest.send_replace(Some(Arc::new(sample)));
                }
                Err(error) => {
                    self.wanted.send_replace(true);
                    return Err(error);
                }
            }
            return Ok(true);
        }
        Ok(false)
    }

    async fn draw(&self) -> Result<Sample, Error> {
        let started = Instant::now();
        let mut reservoir = Reservoir::new(SIZE);
        let mut after = 0;
        loop {
            let page = self.facts.list_members(after, PAGE).await?;
            for member in &page {
                reservoir.offer(*member);
            }
            match page.last() {
                Some(last) if page.len() == PAGE => after = last.get(),
                Some(_) | None => break,
            }
        }
        let mut people = Vec::with_capacity(reservoir.drawn.len());
        for drawn in reservoir.drawn.chunks(PEOPLE_MAX) {
            people.extend(self.facts.gather_many(drawn).await?);
        }
        let took = started.elapsed();
        // Who left in between is no member any more.
        let left = reservoir.drawn.len() - people.len();
        let members = i64::try_from(reservoir.offered - left).unwrap_or(i64::MAX);
        info!(people = people.len(), members, ?took, "drew a sample of members");
        Ok(Sample {
            people,
            members,
            draw_time: Clock::running().now(),
            drawn: Instant::now(),
            good: (took * TIMES_GOOD).min(GOOD_TIME_MAX),
        })
    }
}

/// Some of many who come one after the other, each as likely as another.
#[derive(Debug)]
struct Reservoir {
    drawn: Vec<PersonId>,
    size: usize,
    offered: usize,
}

impl Reservoir {
    const fn new(size: usize) -> Self {
        Self { drawn: Vec::new(), size, offered: 0 }
    }

    fn offer(&mut self, member: PersonId) {
        self.offered += 1;
        if self.drawn.len() < self.size {
            self.drawn.push(member);
            return;
        }
        let place = rand::rng().random_range(0..self.offered);
        if let Some(drawn) = self.drawn.get_mut(place) {
            *drawn = member;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservoir_draws_each_as_likely_as_another() {
        let person = |id: usize| PersonId::new(i64::try_from(id).expect("small")).expect("one");
        let mut low = 0;
        for _ in 0..200 {
            let mut reservoir = Reservoir::new(10);
            (1..=100).for_each(|id| reservoir.offer(person(id)));
            assert_eq!((reservoir.drawn.len(), reservoir.offered), (10, 100));
            low += reservoir.drawn.iter().filter(|it| it.get() <= 50).count();
        }
        // 1,000 of 2,000 are expected, with a standard deviation of 21.
        assert!((850..1_150).contains(&low), "{low}");
    }
}
