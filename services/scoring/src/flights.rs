//! One read of a person at a time, whoever asks.
//!
//! A read is a task of its own: it belongs to none of those who wait for it, so that one who hangs up
//! takes nothing from the others. It has an end, whatever the stores do; after that the next caller
//! starts another one.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
};

use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::{
    cached::{Answer, Cached, Moment},
    error::Error,
    store::score::StoredScore,
};

/// What came of a read: an answer for each person, or why there is none for any of them.
type Outcome = Result<Arc<HashMap<i64, Landed>>, Arc<Error>>;

/// What a read brings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Landing {
    pub(crate) answers: HashMap<i64, Landed>,
    /// The scores among them that Redis does not have.
    pub(crate) scores: Vec<StoredScore>,
}

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
    /// When reading began.
    moment: Option<Moment>,
    outcome: watch::Receiver<Option<Outcome>>,
}

// === impl Flights ===

impl Flights {
    pub(crate) fn new(cached: Cached) -> Self {
        Self { cached, under_way: Arc::default(), tasks: TaskTracker::new() }
    }

    /// The answers for these people, each of a read that is under way or of one that `read` starts for
    /// those that are not being read. What it reads is as of the moment that it is given, and remembered
    /// when it arrives, unless it was outdated meanwhile.
    ///
    /// # Errors
    ///
    /// What the reads failed with.
    pub(crate) async fn join<R>(
        &self,
        people: &[i64],
        read: impl FnOnce(Vec<i64>, Option<Moment>) -> R,
    ) -> Result<HashMap<i64, Answer>, Error>
    where
        R: Future<Output = Result<Landing, Error>> + Send + 'static,
    {
        let mut flights: Vec<Flight> = Vec::new();
        {
            let now = self.cached.moment();
            let mut under_way = self.under_way.lock().expect("nobody panics while holding it");
            let mut mine = Vec::new();
            for person in people {
                match under_way.by_person.get(person) {
                    // What was read before percentiles or an epoch were published is not for who asks since.
                    Some(flight) if flight.goes_on() && flight.is_of(now) => {
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

    /// Lets something go on to its end for which nobody waits any more.
    pub(crate) fn let_end(&self, rest: impl Future<Output: Send + 'static> + Send + 'static) {
        self.tasks.spawn(rest.in_current_span());
    }

    /// Waits for the last ones.
    pub(crate) async fn end(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn start<R>(
        &self,
        under_way: &mut UnderWay,
        people: Vec<i64>,
        read: impl FnOnce(Vec<i64>, Option<Moment>) -> R,
    ) -> Flight
    where
        R: Future<Output = Result<Landing, Error>> + Send + 'static,
    {
        under_way.last_number += 1;
        let (told, outcome) = watch::channel(None);
        let moment = self.cached.moment();
        let flight = Flight { number: under_way.last_number, moment, outcome };
        for person in &people {
            under_way.by_person.insert(*person, flight.clone());
        }
        let reading = read(people.clone(), moment);
        let (flights, number) = (self.clone(), flight.number);
        let task = async move {
            let outcome = match reading.await {
                Ok(landing) => Ok(flights.land(number, &people, landing, moment)),
                Err(error) => {
                    flights.give_up(number, &people);
                    Err(Arc::new(error))
                }
            };
            told.send_replace(Some(outcome));
        };
        self.tasks.spawn(task.in_current_span());
        flight
    }

    /// Takes a flight off the list, and remembers what it brought and was not outdated meanwhile.
    fn land(
        &self,
        number: u64,
        people: &[i64],
        mut landing: Landing,
        moment: Option<Moment>,
    ) -> Arc<HashMap<i64, Landed>> {
        let mut under_way = self.under_way.lock().expect("nobody panics while holding it");
        let mut outdated = HashSet::new();
        for person in people {
            if !under_way.remove(number, *person) {
                outdated.insert(*person);
            } else if let (Some(moment), Some(landed)) = (moment, landing.answers.get(person))
                && landed.lasting
            {
                self.cached.remember(moment, *person, &landed.answer);
            }
        }
        drop(under_way);
        if let Some(moment) = moment {
            landing.scores.retain(|score| !outdated.contains(&score.person));
            self.cached.fill_soon(moment, landing.scores);
        }
        Arc::new(landing.answers)
    }

    /// Takes a flight off the list that brought nothing.
    fn give_up(&self, number: u64, people: &[i64]) {
        let mut under_way = self.under_way.lock().expect("nobody panics while holding it");
        for person in people {
            under_way.remove(number, *person);
        }
    }
}

// === impl UnderWay ===

impl UnderWay {
    /// Whether a flight of that number was on the list for a person, on which it is no more.
    fn remove(&mut self, number: u64, person: i64) -> bool {
        let found = self.by_person.get(&person).is_some_and(|it| it.number == number);
        if found {
            self.by_person.remove(&person);
        }
        found
    }
}

// === impl Flight ===

impl Flight {
    /// `false` when its task is gone without having said anything: it panicked.
    /// Whether it is as good as one that begins now.
    fn is_of(&self, now: Option<Moment>) -> bool {
        match (self.moment, now) {
            (Some(began), Some(now)) => began.is_as_good_as(now),
            // Who holds no lease is waited for by nobody who masks somebody: what it began to read may be of before.
            (None, None) | (Some(_), None) | (None, Some(_)) => false,
        }
    }

    fn goes_on(&self) -> bool {
        self.outcome.has_changed().is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use klout_proto::{
        revision::{Deployment, Revision},
        score::v1::Score,
    };
    use klout_store::Cache;
    use tokio::{sync::oneshot, time::Instant};

    use super::*;
    use crate::store::replica::Current;

    fn here() -> Deployment {
        Deployment::of(&[7; 16])
    }

    fn leased() -> (Cached, Flights) {
        let minute = Duration::from_secs(60);
        let (cached, _filler) = Cached::new(Cache::none(), 100, minute, minute, here());
        cached.follow(Current { standing: 1, generation: 1 });
        cached.begin_session();
        cached.lease(Instant::now() + minute);
        let flights = Flights::new(cached.clone());
        (cached, flights)
    }

    fn score(revision: u64) -> Answer {
        let revision_token = Revision::Score(revision).to_token(here());
        Answer::Score((&Score { revision_token, ..Score::default() }).into())
    }

    fn landing(person: i64, answer: Answer) -> Result<Landing, Error> {
        let answers = HashMap::from([(person, Landed { answer, lasting: true })]);
        Ok(Landing { answers, scores: Vec::new() })
    }

    async fn never(_: Vec<i64>, _: Option<Moment>) -> Result<Landing, Error> {
        panic!("it is being read already")
    }

    /// Starts to read person 1, and returns what ends that.
    fn take_off(
        flights: &Flights,
    ) -> (oneshot::Sender<Answer>, impl Future<Output = Result<HashMap<i64, Answer>, Error>> + use<>)
    {
        let (land, landed) = oneshot::channel();
        let flights = flights.clone();
        let waiting = async move {
            let read = |_, _| async move { landing(1, landed.await.expect("it lands")) };
            flights.join(&[1], read).await
        };
        (land, waiting)
    }

    #[tokio::test]
    async fn who_asks_meanwhile_waits_for_the_same_read() {
        let (cached, flights) = leased();
        let (land, first) = take_off(&flights);
        let (first, second, ()) = tokio::join!(first, flights.join(&[1], never), async {
            land.send(score(1)).expect("it is waited for");
        });
        for answers in [first, second] {
            assert_eq!(answers.expect("read")[&1], score(1));
        }
        assert_eq!(cached.remembered(1), Some(score(1)));
    }

    #[tokio::test]
    async fn one_who_hangs_up_takes_nothing_from_the_others() {
        let (cached, flights) = leased();
        let (land, first) = take_off(&flights);
        {
            let mut first = std::pin::pin!(first);
            assert!(futures::poll!(&mut first).is_pending());
            // Dropped here: its caller has gone.
        }
        let (second, ()) = tokio::join!(flights.join(&[1], never), async {
            land.send(score(1)).expect("it is waited for");
        });
        assert_eq!(second.expect("read")[&1], score(1));
        assert_eq!(cached.remembered(1), Some(score(1)), "and not that there is nobody");
    }

    #[tokio::test]
    async fn what_was_read_before_a_change_is_not_remembered_after_it() {
        let (cached, flights) = leased();
        let (land, first) = take_off(&flights);
        let (first, second) = tokio::join!(first, async {
            flights.outdate(&[1]);
            let second = flights.join(&[1], |_, _| async { landing(1, score(2)) }).await;
            land.send(score(1)).expect("it is waited for");
            second
        });
        first.expect("read");
        assert_eq!(second.expect("read")[&1], score(2), "it is read anew");
        assert_eq!(cached.remembered(1), Some(score(2)));
    }

    #[tokio::test]
    async fn what_landed_before_a_change_is_forgotten_with_it() {
        let (cached, flights) = leased();
        flights.join(&[1], |_, _| async { landing(1, score(1)) }).await.expect("read");
        assert_eq!(cached.remembered(1), Some(score(1)));
        flights.outdate(&[1]);
        assert_eq!(cached.remembered(1), None);
    }

    #[tokio::test]
    async fn a_read_that_fails_fails_for_all_who_wait_and_not_for_those_who_come_after() {
        let (cached, flights) = leased();
        let failing = |_, _| async {
            tokio::task::yield_now().await;
            Err::<Landing, _>(Error::SubjectsEmpty)
        };
        let (first, second) = tokio::join!(flights.join(&[1], failing), flights.join(&[1], never));
        for answers in [first, second] {
            assert!(matches!(answers, Err(Error::Shared(_))), "{answers:?}");
        }
        assert_eq!(cached.remembered(1), None);
        let third = flights.join(&[1], |_, _| async { landing(1, score(1)) }).await;
        assert_eq!(third.expect("read")[&1], score(1));
    }

    #[tokio::test]
    async fn a_read_that_panics_does_not_block_the_next_one() {
        let (_cached, flights) = leased();
        let panicking = |_, _| async {
            tokio::task::yield_now().await;
            panic!("a bug");
            #[expect(unreachable_code, reason = "the type of what it would have read")]
            landing(1, score(1))
        };
        let lost = flights.join(&[1], panicking).await;
        assert!(matches!(lost, Err(Error::ReadLost)), "{lost:?}");
        let next = flights.join(&[1], |_, _| async { landing(1, score(1)) }).await;
        assert_eq!(next.expect("read")[&1], score(1));
    }

    #[tokio::test]
    async fn of_many_those_are_read_whom_nobody_reads() {
        let (_cached, flights) = leased();
        let (land, first) = take_off(&flights);
        let (first, second) = tokio::join!(first, async {
            let read = |people: Vec<i64>, _| async move {
                assert_eq!(people, [2]);
                land.send(score(1)).expect("it is waited for");
                landing(2, score(2))
            };
            flights.join(&[1, 2], read).await
        });
        assert_eq!(first.expect("read").len(), 1);
        let second = second.expect("read");
        assert_eq!((&second[&1], &second[&2]), (&score(1), &score(2)));
    }
}
