//! Watches: whoever watches people is sent their scores whenever they change.
//!
//! A watch keeps whom it watches and the revision of each that it sent last, and no queue of changes. Whoever
//! hears of a change (see [`crate::replica`]) notes in each watch concerned whom to look at again, and rings.
//! The watch then reads these people as any caller would, and sends what is newer than what it sent. So
//! changes that follow one another quickly are one, a client that reads slowly makes nothing grow, and what
//! was missed while Postgres was away is found by looking at everybody once more.
//!
//! A resume token is the revision of a standing: no score up to it was still to be committed when that
//! standing was announced. It is told once everybody was looked at since, so nothing up to it is unsent. What
//! was sent beyond it is sent again to somebody who resumes.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    mem,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use klout_chassis::Chain;
use klout_model::{PersonId, Purpose};
use tokio::{
    sync::{Notify, Semaphore, mpsc},
    time::{Instant, sleep_until},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, instrument};

use crate::{
    cached::Answer, encoded::EncodedScore, error::Error, metrics::WatchesOpen, read::Reader,
};

/// After a look a watch waits so long: what changes meanwhile is one change.
const PAUSE: Duration = Duration::from_millis(100);

/// The same before everybody is looked at again: so many times as long as the look took, waiting for a turn too,
/// so that the watches of a process never keep it busy for more than a part of its time.
const EVERYBODY_PAUSE_FACTOR: u32 = 10;

/// The shortest and the longest such pause.
const EVERYBODY_PAUSE_MIN: Duration = Duration::from_secs(1);
const EVERYBODY_PAUSE_MAX: Duration = Duration::from_secs(60);

/// People that are read at once: well within the time that a read may take.
const PEOPLE_AT_ONCE: usize = 250;

/// How long a watch waits that could not read.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// Watches that look at everybody at once, of all of this process: after a pass all of them want to.
const LOOKS_AT_EVERYBODY_MAX: usize = 4;

/// What waits in a watch for a client that reads slowly, besides what the connection holds.
const UNREAD_MAX: usize = 16;

/// The watches of this process. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Watches(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    max: usize,
    heartbeat_interval: Duration,
    /// Cancelled when this process is about to stop.
    ending: CancellationToken,
    open: Mutex<Open>,
    looks_at_everybody: Semaphore,
    tasks: TaskTracker,
    metric: WatchesOpen,
}

#[derive(Debug, Default)]
struct Open {
    by_number: HashMap<u64, Arc<Ear>>,
    /// People and the numbers of the watches that watch them.
    watchers: BTreeSet<(i64, u64)>,
    last_number: u64,
}

/// Where a watch hears of changes.
#[derive(Debug, Default)]
struct Ear {
    heard: Mutex<News>,
    bell: Notify,
}

/// Whom to look at again.
#[derive(Debug, Default)]
struct News {
    /// Only those whom the watch watches.
    people: BTreeSet<i64>,
    everybody: bool,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) what: What,
    /// Nothing up to this revision is unsent.
    pub(crate) watermark: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    Score(i64, EncodedScore),
    /// There is no such person any more.
    Gone(i64),
    /// Only the watermark is new, or nothing.
    Nothing,
}

/// A watch until it is dropped.
#[derive(Debug)]
struct Watch {
    watches: Watches,
    number: u64,
    ear: Arc<Ear>,
    reader: Reader,
    purpose: Purpose,
    people: BTreeMap<i64, Sent>,
    to_look_at: News,
    /// Nobody is looked at before.
    not_before: Instant,
    /// Not everybody is looked at before.
    everybody_not_before: Instant,
    looked_at_everybody: bool,
    watermark: u64,
    unread: mpsc::Sender<Told>,
    last_told: Instant,
}

/// What was sent of a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sent {
    /// 0: nothing, or that there is no such person.
    revision: u64,
    gone: bool,
}

/// The client has gone.
#[derive(Clone, Copy, Debug)]
struct HungUp;

// === impl Watches ===

impl Watches {
    pub(crate) fn new(
        max: usize,
        heartbeat_interval: Duration,
        going_down: &CancellationToken,
    ) -> Self {
        Self(Arc::new(Inner {
            max,
            heartbeat_interval,
            ending: going_down.child_token(),
            open: Mutex::default(),
            looks_at_everybody: Semaphore::new(LOOKS_AT_EVERYBODY_MAX),
            tasks: TaskTracker::new(),
            metric: WatchesOpen::new(),
        }))
    }

    /// Watches people. What comes first is what is newer than `since`; the end of it is that of this process,
    /// or comes when nobody listens any more.
    ///
    /// # Errors
    ///
    /// When there are as many watches as there may be, or this process is about to stop.
    pub(crate) fn begin(
        &self,
        reader: Reader,
        purpose: Purpose,
        people: &BTreeSet<PersonId>,
        since: u64,
    ) -> Result<mpsc::Receiver<Told>, Error> {
        if self.0.ending.is_cancelled() {
            return Err(Error::Stopping);
        }
        let (unread, told) = mpsc::channel(UNREAD_MAX);
        let (number, ear) = self.open(people.iter().map(|person| person.get()))?;
        let now = Instant::now();
        let sent = Sent { revision: since, gone: false };
        let watch = Watch {
            watches: self.clone(),
            number,
            ear,
            reader,
            purpose,
            people: people.iter().map(|person| (person.get(), sent)).collect(),
            to_look_at: News { people: BTreeSet::new(), everybody: true },
            not_before: now,
            everybody_not_before: now,
            looked_at_everybody: false,
            watermark: since,
            unread,
            last_told: now,
        };
        // A task of its own, which waits for the client only while it holds nothing that others wait for.
        self.0.tasks.spawn(watch.run());
        Ok(told)
    }

    /// These people have changed.
    pub(crate) fn tell_people(&self, people: &[i64]) {
        let open = self.lock();
        if open.by_number.is_empty() {
            return;
        }
        for person in people {
            for (_, number) in open.watchers.range((*person, 0)..=(*person, u64::MAX)) {
                if let Some(ear) = open.by_number.get(number) {
                    ear.hear(|news| {
                        news.people.insert(*person);
                    });
                }
            }
        }
    }

    /// Anybody may have changed.
    pub(crate) fn tell_everybody(&self) {
        for ear in self.lock().by_number.values() {
            ear.hear(|news| news.everybody = true);
        }
    }

    /// Ends them, and waits for the last ones.
    pub(crate) async fn end(&self) {
        self.0.ending.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    fn open(&self, people: impl Iterator<Item = i64>) -> Result<(u64, Arc<Ear>), Error> {
        let mut open = self.lock();
        if open.by_number.len() >= self.0.max {
            return Err(Error::WatchesTooMany { max: self.0.max });
        }
        open.last_number += 1;
        let (number, ear) = (open.last_number, Arc::<Ear>::default());
        open.by_number.insert(number, Arc::clone(&ear));
        open.watchers.extend(people.map(|person| (person, number)));
        self.0.metric.are(open.by_number.len());
        Ok((number, ear))
    }

    fn close(&self, number: u64, people: impl Iterator<Item = i64>) {
        let mut open = self.lock();
        open.by_number.remove(&number);
        for person in people {
            open.watchers.remove(&(person, number));
        }
        self.0.metric.are(open.by_number.len());
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().expect("nobody panics while holding it")
    }
}

// === impl Ear ===

impl Ear {
    fn hear(&self, note: impl FnOnce(&mut News)) {
        note(&mut self.heard.lock().expect("nobody panics while holding it"));
        self.bell.notify_one();
    }

    fn take(&self) -> News {
        mem::take(&mut self.heard.lock().expect("nobody panics while holding it"))
    }
}

// === impl Watch ===

impl Watch {
    #[instrument(name = "watch", parent = None, skip_all, fields(people.len = self.people.len()))]
    async fn run(mut self) {
        let ending = self.watches.0.ending.clone();
        let unread = self.unread.clone();
        tokio::select! {
            () = ending.cancelled() => {}
            () = unread.closed() => {}
            HungUp = self.go_on() => {}
        }
    }

    async fn go_on(&mut self) -> HungUp {
        loop {
            let heartbeat = self.last_told + self.watches.0.heartbeat_interval;
            let due = self.due();
            let done = tokio::select! {
                () = self.ear.bell.notified() => {
                    let News { people, everybody } = self.ear.take();
                    self.to_look_at.people.extend(people);
                    self.to_look_at.everybody |= everybody;
                    Ok(())
                }
                () = sleep_until(due.unwrap_or(heartbeat)), if due.is_some() => self.look().await,
                () = sleep_until(heartbeat) => self.tell(What::Nothing).await,
            };
            if let Err(hung_up) = done {
                return hung_up;
            }
        }
    }

    /// When somebody is looked at next.
    fn due(&self) -> Option<Instant> {
        let News { people, everybody } = &self.to_look_at;
        let some = (!people.is_empty()).then_some(self.not_before);
        let all = everybody.then(|| self.everybody_not_before.max(self.not_before));
        some.into_iter().chain(all).min()
    }

    /// Looks at those who may have changed, and sends what is new.
    async fn look(&mut self) -> Result<(), HungUp> {
        let started = Instant::now();
        let everybody = self.to_look_at.everybody && started >= self.everybody_not_before;
        let people: Vec<PersonId> = if everybody {
            self.people.keys().filter_map(|person| PersonId::new(*person)).collect()
        } else {
            self.to_look_at.people.iter().filter_map(|person| PersonId::new(*person)).collect()
        };
        // Read before anybody is looked at.
        let standing = self.reader.cached.standing();
        let mut took = Duration::ZERO;
        for some in people.chunks(PEOPLE_AT_ONCE) {
            let started = Instant::now();
            let answers = match self.read(some, everybody).await {
                Ok(answers) => answers,
                Err(error) => {
                    debug!(error = %Chain(&error), "watched people could not be read; tried again");
                    self.not_before = Instant::now() + RETRY_PAUSE;
                    return Ok(());
                }
            };
            took += started.elapsed();
            for (person, answer) in some.iter().zip(answers) {
                let Some(sent) = self.people.get_mut(&person.get()) else { continue };
                let what = sent.news(person.get(), answer);
                if what != What::Nothing {
                    self.tell(what).await?;
                }
            }
        }
        self.not_before = started + PAUSE;
        self.to_look_at.people.clear();
        if everybody {
            self.to_look_at.everybody = false;
            self.everybody_not_before = Instant::now() + everybody_pause(took);
            self.watermark = self.watermark.max(standing);
            // That there is no more is worth being told once.
            if !mem::replace(&mut self.looked_at_everybody, true) {
                self.tell(What::Nothing).await?;
            }
        }
        Ok(())
    }

    async fn read(&self, people: &[PersonId], everybody: bool) -> Result<Vec<Answer>, Error> {
        let _turn = if everybody {
            let turn = self.watches.0.looks_at_everybody.acquire().await;
            Some(turn.expect("it is never closed"))
        } else {
            None
        };
        let mut answers = self.reader.scores(people).await?;
        for answer in &mut answers {
            if matches!(answer, Answer::Score(score) if !self.purpose.sees(score.withheld)) {
                *answer = Answer::Nobody;
            }
        }
        Ok(answers)
    }

    async fn tell(&mut self, what: What) -> Result<(), HungUp> {
        let told = Told { what, watermark: self.watermark };
        self.unread.send(told).await.map_err(|_| HungUp)?;
        self.last_told = Instant::now();
        Ok(())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.watches.close(self.number, self.people.keys().copied());
    }
}

// === impl Sent ===

impl Sent {
    /// What an answer says that was not sent yet. Somebody without a score is told of when there is one.
    fn news(&mut self, person: i64, answer: Answer) -> What {
        match answer {
            Answer::Score(score) if score.revision > self.revision => {
                *self = Self { revision: score.revision, gone: false };
                What::Score(person, score)
            }
            Answer::Nobody | Answer::Moved(_) if !self.gone => {
                *self = Self { revision: 0, gone: true };
                What::Gone(person)
            }
            Answer::Score(_) | Answer::Nobody | Answer::Moved(_) => What::Nothing,
        }
    }
}

/// How long not everybody is looked at again after a look that took so long.
fn everybody_pause(took: Duration) -> Duration {
    (took * EVERYBODY_PAUSE_FACTOR).clamp(EVERYBODY_PAUSE_MIN, EVERYBODY_PAUSE_MAX)
}

#[cfg(test)]
mod tests {
    use klout_proto::{
        revision::{Deployment, Revision},
        score::v1::Score,
    };

    use super::*;

    fn watches(max: usize) -> Watches {
        Watches::new(max, Duration::from_secs(15), &CancellationToken::new())
    }

    fn score(revision: u64) -> Answer {
        let revision_token = Revision::Score(revision).to_token(Deployment::of(&[7; 16]));
        Answer::Score(EncodedScore::from(&Score { revision_token, ..Score::default() }))
    }

    #[test]
    fn a_change_is_heard_by_those_who_watch_that_person() {
        let watches = watches(10);
        let (_, one) = watches.open([1, 2].into_iter()).expect("room");
        let (_, other) = watches.open([2, 3].into_iter()).expect("room");

        watches.tell_people(&[1, 7]);
        watches.tell_people(&[2]);
        watches.tell_people(&[2]);

        assert_eq!(one.take().people, BTreeSet::from([1, 2]));
        assert_eq!(other.take().people, BTreeSet::from([2]));
        watches.tell_everybody();
        assert!(one.take().everybody && other.take().everybody);
    }

    #[test]
    fn there_are_no_more_watches_than_there_may_be() {
        let watches = watches(1);
        let (number, ear) = watches.open([1, 2].into_iter()).expect("room");
        let refused = watches.open([1].into_iter());
        assert!(matches!(refused, Err(Error::WatchesTooMany { max: 1 })));

        watches.close(number, [1, 2].into_iter());
        watches.tell_people(&[1]);
        assert!(ear.take().people.is_empty(), "it is closed");
        assert!(watches.lock().watchers.is_empty(), "nothing is left of it");
        assert!(watches.open([1].into_iter()).is_ok());
    }

    #[test]
    fn looks_at_everybody_are_the_rarer_the_longer_they_take() {
        let ms = Duration::from_millis;
        assert_eq!(everybody_pause(ms(3)), EVERYBODY_PAUSE_MIN);
        assert_eq!(everybody_pause(ms(500)), ms(5_000));
        assert_eq!(everybody_pause(ms(50_000)), EVERYBODY_PAUSE_MAX);
    }

    #[test]
    fn what_is_not_newer_is_not_sent() {
        let mut sent = Sent { revision: 5, gone: false };
        assert_eq!(sent.news(1, score(5)), What::Nothing);
        assert_eq!(sent.news(1, score(0)), What::Nothing, "no score yet");
        assert!(matches!(sent.news(1, score(7)), What::Score(1, _)));
        assert_eq!(sent.news(1, score(6)), What::Nothing);
        assert_eq!(sent.news(1, Answer::Nobody), What::Gone(1));
        assert_eq!(sent.news(1, Answer::Nobody), What::Nothing);
        assert!(matches!(sent.news(1, score(7)), What::Score(1, _)), "there again");
    }
}
