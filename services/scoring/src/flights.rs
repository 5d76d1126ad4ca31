//! One read of a person at a time, whoever asks.
//!
//! A read is a task of its own: it belongs to none of those who wait for it, so that one who hangs up
//! takes nothing from the others. It has an end, whatever the stores do; after that the next caller
//! starts another one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::{
    cached::{Answer, Cached, Moment},
    error::Error,
};

/// What came of a read: an answer for each person, or why there is none for any of them.
type Outcome = Result<Arc<HashMap<i64, Landed>>, Arc<Error>>;

/// The answer for a person, and whether it may be remembered.
#[derive(Clone, Debug)]
pub(crate) struct Landed {
    pub(crate) answer: Answer,
    pub(crate) lasting: bool,
}

/// The reads that are under way. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Flights {
    cached: Cached,
    under_way: Arc<Mutex<UnderWay>>,
    tasks: TaskTracker,
}

#[derive(Debug, Default)]
struct UnderWay {
    by_person: HashMap<i64, Flight>,
    last_number: u64,
}

#[derive(Clone, Debug)]
struct Flight {
    number: u64,
    outcome: watch::Receiver<Option<Outcome>>,
}

// === impl Flights ===

impl Flights {
    pub(crate) fn new(cached: Cached) -> Self {
        Self { cached, under_way: Arc::default(), tasks: TaskTracker::new() }
    }

    /// The answers for these people, each of a read that is under way or of one that `read` starts for
    /// those that are not being read. What it reads is as of the moment that it is given, and remembered
    /// when it arrives, unless it was outdated meanwhile; then `after` is done, for which nobody waits.
    ///
    /// # Errors
    ///
    /// What the reads failed with.
    pub(crate) async fn join<R, A>(
        &self,
        people: &[i64],
        read: impl FnOnce(Vec<i64>, Option<Moment>) -> R,
    ) -> Result<HashMap<i64, Answer>, Error>
    where
        R: Future<Output = Result<(HashMap<i64, Landed>, A), Error>> + Send + 'static,
        A: Future<Output = ()> + Send + 'static,
    {
        let mut flights: Vec<Flight> = Vec::new();
        {
            let mut under_way = self.under_way.lock().expect("nobody panics while holding it");
            let mut mine = Vec::new();
            for person in people {
                match under_way.by_person.get(person) {
                    Some(flight) if flight.goes_on() => {
                        if flights.iter().all(|it| it.number != flight.number) {
                            flights.push(flight.clone());
                        }
                    }
                    Some(_) | None => mine.push(*person),
                }
            }
            if !mine.is_empty() {
                flights.push(self.start(&mut under_way, mine, read));
            }
        }

        let mut answers = HashMap::with_capacity(people.len());
        for mut flight in flights {
            let outcome = flight.outcome.wait_for(Option::is_some).await;
            let outcome = outcome.map_err(|_| Error::ReadLost)?.clone();
            let landed = outcome.ok_or(Error::ReadLost)?.map_err(Error::Shared)?;
            let asked = people.iter().filter_map(|it| Some((*it, landed.get(it)?.answer.clone())));
            answers.extend(asked);
        }
        Ok(answers)
    }

    /// From now on these people are read anew: what is under way may have been read before they changed,
    /// and is not remembered.
    pub(crate) fn outdate(&self, people: &[i64]) {
        let mut under_way = self.under_way.lock().expect("nobody panics while holding it");
        for person in people {
            under_way.by_person.remove(person);
        }
        // Under the lock: else a flight could land between the two.
        self.cached.forget(people);
    }

    /// Waits for the last ones.
    pub(crate) async fn end(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn start<R, A>(
        &self,
        under_way: &mut UnderWay,
        people: Vec<i64>,
        read: impl FnOnce(Vec<i64>, Option<Moment>) -> R,
    ) -> Flight
    where
        R: Future<Output = Result<(HashMap<i64, Landed>, A), Error>> + Send + 'static,
        A: Future<Output = ()> + Send + 'static,
    {
        under_way.last_number += 1;
        let (told, outcome) = watch::channel(None);
        let flight = Flight { number: under_way.last_number, outcome };
        for person in &people {
            under_way.by_person.insert(*person, flight.clone());
        }
        let moment = self.cached.moment();
        let reading = read(people.clone(), moment);
        let (flights, number) = (self.clone(), flight.number);
        let task = async move {
            let result = reading.await;
            let current =
                flights.land(number, &people, result.as_ref().ok().map(|(it, _)| it), moment);
            match result {
                Ok((landed, after)) => {
                    told.send_replace(Some(Ok(Arc::new(landed))));
                    if current {
                        after.await;
                    }
                }
                Err(error) => {
                    told.send_replace(Some(Err(Arc::new(error))));
                }
            }
        };
        self.tasks.spawn(task.in_current_span());
        flight
    }

    /// Takes a flight off the list and remembers what it brought. Returns whether none of it was outdated.
    fn land(
        &self,
        number: u64,
        people: &[i64],
        landed: Option<&HashMap<i64, Landed>>,
        moment: Option<Moment>,
    ) -> bool {
        let mut under_way = self.under_way.lock().expect("nobody panics while holding it");
        let mut current = true;
        for person in people {
            if under_way.by_person.get(person).is_none_or(|it| it.number != number) {
                current = false;
                continue;
            }
            under_way.by_person.remove(person);
            if let (Some(moment), Some(landed)) = (moment, landed.and_then(|it| it.get(person)))
                && landed.lasting
            {
                self.cached.remember(moment, *person, &landed.answer);
            }
        }
        current
    }
}

// === impl Flight ===

impl Flight {
    /// `false` when its task is gone without having said anything: it panicked.
    fn goes_on(&self) -> bool {
        self.outcome.has_changed().is_ok() || self.outcome.borrow().is_some()
    }
}
