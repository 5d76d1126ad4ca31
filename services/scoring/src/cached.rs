//! Scores in the memory of this process, and in Redis.
//!
//! Each carries for which purposes it is not to be told. In Redis a score has the revision and, below that, the standing as its version: a publication replaces
//! entries where they are, and a reader passes over those of an earlier standing.
//!
//! Both are used only under a lease (see [`crate::replica`]), which is held while this process hears of
//! every change. What is read from below is remembered as of the moment at which reading began: if
//! percentiles were published since, or the lease was lost, that moment has passed and nobody finds it. Within
//! a moment an answer never makes way for an older one.
//!
//! Before a new score is committed, its tombstone is in Redis: from then on Redis has either the new
//! score or nothing.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use foldhash::fast::RandomState;
use klout_model::Purposes;
use klout_proto::{convert::state, revision::Deployment, score::v1::Score};
use klout_store::{Cache, Fill, Version};
use prost::Message as _;
use quick_cache::{UnitWeighter, sync::DefaultLifecycle};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use crate::{
    encoded::EncodedScore,
    score::to_wire,
    store::{replica::Current, score::StoredScore},
};

/// How long it is remembered that there is no such person.
const NOBODY_TIME_MAX: Duration = Duration::from_secs(1);

/// People for whom there is room from the start; there is more when it is needed.
const PEOPLE_AT_FIRST: usize = 1_024;

/// Scores that wait to be put into Redis, at most.
const FILLS_MAX: usize = 4_096;

/// How long they wait, so that some go together.
const FILL_DELAY: Duration = Duration::from_millis(5);

/// What is known of a person.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Score(EncodedScore),
    Nobody,
    /// Somebody else now.
    Moved(i64),
}

/// Cached scores. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Cached(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    memory: quick_cache::sync::Cache<i64, Remembered, UnitWeighter, RandomState>,
    redis: Cache,
    time_max: Duration,
    grave_time: Duration,
    deployment: Deployment,
    started: Instant,
    /// Milliseconds since `started`. 0 before the first lease.
    leased_until: AtomicU64,
    /// Counts the times that changes may have been missed.
    session: AtomicU64,
    standing: AtomicI64,
    generation: AtomicI64,
    /// What Redis should have and was read a moment ago.
    fills: mpsc::Sender<(Moment, StoredScore)>,
}

/// Puts into Redis what was read, some at once: for a score alone it would be more work than reading it.
#[derive(Debug)]
pub(crate) struct Filler {
    cached: Cached,
    fills: mpsc::Receiver<(Moment, StoredScore)>,
}

/// As of when something was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    session: u64,
    standing: i64,
    generation: i64,
}

#[derive(Clone, Debug)]
struct Remembered {
    moment: Moment,
    /// The revision of the score; 0 when there is none.
    version: u64,
    answer: Answer,
    until: Instant,
}

// === impl Answer ===

impl Answer {
    pub(crate) fn into_score(self) -> Option<EncodedScore> {
        match self {
            Self::Score(score) => Some(score),
            Self::Nobody | Self::Moved(_) => None,
        }
    }
}

// === impl Cached ===

impl Cached {
    /// Remembers the answers for `people_max` people for `time_max` at most, once there is a lease. A
    /// tombstone stays for `grave_time`: longer than it takes to commit what it stands for.
    pub(crate) fn new(
        redis: Cache,
        people_max: usize,
        time_max: Duration,
        grave_time: Duration,
        deployment: Deployment,
    ) -> (Self, Filler) {
        let (sender, fills) = mpsc::channel(FILLS_MAX);
        let cached = Self(Arc::new(Inner {
            memory: quick_cache::sync::Cache::with(
                PEOPLE_AT_FIRST.min(people_max),
                people_max as u64,
                UnitWeighter,
                RandomState::default(),
                DefaultLifecycle::default(),
            ),
            redis,
            time_max,
            grave_time,
            deployment,
            started: Instant::now(),
            leased_until: AtomicU64::new(0),
            session: AtomicU64::new(0),
            standing: AtomicI64::new(0),
            generation: AtomicI64::new(0),
            fills: sender,
        }));
        (cached.clone(), Filler { cached, fills })
    }

    /// As of when is read now; `None` without a lease: then nothing may be answered but what Postgres
    /// says.
    pub(crate) fn moment(&self) -> Option<Moment> {
        self.moment_at(Instant::now())
    }

    fn moment_at(&self, now: Instant) -> Option<Moment> {
        let elapsed = millis(now.saturating_duration_since(self.0.started));
        (elapsed < self.0.leased_until.load(Ordering::Acquire)).then(|| Moment {
            session: self.0.session.load(Ordering::Acquire),
            standing: self.0.standing.load(Ordering::Acquire),
            generation: self.0.generation.load(Ordering::Acquire),
        })
    }

    /// What this process remembers of a person.
    pub(crate) fn remembered(&self, person: i64) -> Option<Answer> {
        let now = Instant::now();
        self.remembered_at(self.moment_at(now)?, now, person)
    }

    /// What it remembers of people, in their order.
    pub(crate) fn remembered_all(&self, people: impl Iterator<Item = i64>) -> Vec<Option<Answer>> {
        let now = Instant::now();
        let moment = self.moment_at(now);
        people.map(|person| self.remembered_at(moment?, now, person)).collect()
    }

    fn remembered_at(&self, moment: Moment, now: Instant, person: i64) -> Option<Answer> {
        let found = self.0.memory.get(&person)?;
        (found.moment.is_as_good_as(moment) && now < found.until).then_some(found.answer)
    }

    /// Remembers an answer that was read as of `moment`, unless a newer one is remembered. Of two that come at
    /// once any may win, so they come one after the other: see [`crate::flights::Flights`].
    pub(crate) fn remember(&self, moment: Moment, person: i64, answer: &Answer) {
        let now = Instant::now();
        let (version, time) = match answer {
            Answer::Score(score) => (score.revision, self.0.time_max),
            Answer::Nobody | Answer::Moved(_) => (0, NOBODY_TIME_MAX),
        };
        let new = Remembered { moment, version, answer: answer.clone(), until: now + time };
        if self.0.memory.get(&person).is_none_or(|old| old.makes_way_for(&new, now)) {
            self.0.memory.insert(person, new);
        }
    }

    /// Forgets these people.
    pub(crate) fn forget(&self, people: &[i64]) {
        for person in people {
            self.0.memory.remove(person);
        }
    }

    /// What Redis has of these people, by person; `None` when it does not answer.
    pub(crate) async fn get(&self, moment: Moment, people: &[i64]) -> Option<HashMap<i64, Answer>> {
        let keys: Vec<_> = people.iter().map(|it| key(moment.generation, *it)).collect();
        let values = self.0.redis.get(&keys).await?;
        let read = |(person, value): (&i64, Option<Vec<u8>>)| {
            // What cannot be read, or is somebody else's, is a miss: the next fill replaces it.
            let value = value?;
            let (standing, value) = value.split_first_chunk()?;
            if i64::from_le_bytes(*standing) != moment.standing {
                return None;
            }
            let (withheld, score) = value.split_first()?;
            let withheld = Purposes::of_bits(*withheld);
            let score = Score::decode(score).ok()?;
            let sound = score.person.parse() == Ok(*person) && score.state == state::KNOWN;
            let score = || EncodedScore::from(&score).withheld(withheld);
            sound.then(|| (*person, Answer::Score(score())))
        };
        Some(people.iter().zip(values).filter_map(read).collect())
    }

    /// Puts the known ones among these, read as of `moment`, into Redis.
    pub(crate) async fn fill<'a>(
        &self,
        moment: Moment,
        scores: impl Iterator<Item = &'a StoredScore>,
    ) {
        let fills: Vec<Fill> = scores
            .filter(|score| score.known.is_some())
            .map(|score| {
                let mut value = moment.standing.to_le_bytes().to_vec();
                value.push(score.withheld.bits());
                value.extend(to_wire(score, false, self.0.deployment).encode_to_vec());
                let revision = score.revision.cast_unsigned();
                Fill {
                    key: key(moment.generation, score.person),
                    version: Version::new(revision, moment.standing.cast_unsigned()),
                    value,
                }
            })
            .collect();
        self.0.redis.fill(&fills, self.0.time_max).await;
    }

    /// Puts these, read as of `moment`, into Redis a moment later, if it is not behind with that.
    pub(crate) fn fill_soon(&self, moment: Moment, scores: Vec<StoredScore>) {
        if self.0.redis.is_none() {
            return;
        }
        for score in scores {
            // No room: whoever reads the score next tries again.
            let _ = self.0.fills.try_send((moment, score));
        }
    }

    /// Puts tombstones into Redis for scores that are about to be committed. `false`: Redis did not say that
    /// it has them.
    pub(crate) async fn bury<'a>(
        &self,
        generation: i64,
        scores: impl Iterator<Item = &'a StoredScore>,
    ) -> bool {
        let people: Vec<_> = scores.map(|score| (score.person, score.revision)).collect();
        self.bury_people(generation, &people).await
    }

    /// The same for people of whom everything of an earlier revision is old.
    pub(crate) async fn bury_people(&self, generation: i64, people: &[(i64, i64)]) -> bool {
        let grave = |(person, revision): &(i64, i64)| {
            (key(generation, *person), Version::new(revision.cast_unsigned(), 0))
        };
        let graves: Vec<_> = people.iter().map(grave).collect();
        self.0.redis.bury(&graves, self.0.grave_time).await
    }

    /// Whether what was read as of a moment may still be put where others read it: tombstones do not stand for
    /// ever, and this process may have stood still for longer.
    pub(crate) fn may_fill(&self, moment: Moment) -> bool {
        self.moment().is_some_and(|now| moment.session == now.session)
    }

    /// The last publication that is known of.
    pub(crate) fn standing(&self) -> u64 {
        self.0.standing.load(Ordering::Acquire).cast_unsigned()
    }

    /// Goes over to what is current now.
    pub(crate) fn follow(&self, current: Current) {
        self.follow_standing(current.standing);
        self.follow_generation(current.generation);
    }

    /// The last publication that was heard of.
    pub(crate) fn newest_standing(&self) -> u64 {
        self.0.standing.load(Ordering::Acquire).cast_unsigned()
    }

    /// Goes over to a publication.
    pub(crate) fn follow_standing(&self, standing: i64) {
        self.0.standing.fetch_max(standing, Ordering::AcqRel);
    }

    /// Goes over to a generation of Redis' keys.
    pub(crate) fn follow_generation(&self, generation: i64) {
        self.0.generation.fetch_max(generation, Ordering::AcqRel);
    }

    /// From now on changes are heard of; what was remembered before may have missed some.
    pub(crate) fn begin_session(&self) {
        self.0.session.fetch_add(1, Ordering::AcqRel);
    }

    /// May serve what is cached until then.
    pub(crate) fn lease(&self, until: Instant) {
        let until = millis(until.saturating_duration_since(self.0.started));
        self.0.leased_until.store(until, Ordering::Release);
    }

    /// May not any more.
    pub(crate) fn end_lease(&self) {
        self.0.leased_until.store(0, Ordering::Release);
    }
}

// === impl Filler ===

impl Filler {
    /// Fills until `stop` is cancelled.
    pub(crate) async fn run(mut self, stop: &CancellationToken) {
        let mut read = Vec::with_capacity(FILLS_MAX);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = self.fills.recv_many(&mut read, FILLS_MAX) => {}
            }
            sleep(FILL_DELAY).await;
            while read.len() < FILLS_MAX
                && let Ok(more) = self.fills.try_recv()
            {
                read.push(more);
            }
            read.sort_unstable_by_key(|(moment, score)| (*moment, score.person));
            for of_moment in read.chunk_by(|(one, _), (other, _)| one == other) {
                let moment = of_moment[0].0;
                if !self.cached.may_fill(moment) {
                    continue;
                }
                self.cached.fill(moment, of_moment.iter().map(|(_, score)| score)).await;
            }
            read.clear();
        }
    }
}

// === impl Moment ===

impl Moment {
    /// What a transaction knows that has read what is current.
    pub(crate) const fn of(current: Current) -> Self {
        Self { session: 0, standing: current.standing, generation: current.generation }
    }

    /// Whether what was read then can be answered now. What generation of keys Redis has does not matter
    /// to memory.
    pub(crate) const fn is_as_good_as(self, now: Self) -> bool {
        self.session == now.session && self.standing == now.standing
    }
}

// === impl Remembered ===

impl Remembered {
    fn makes_way_for(&self, new: &Self, now: Instant) -> bool {
        let rank = |it: &Self| (it.moment.session, it.version, it.moment.standing);
        rank(self) <= rank(new) || self.until <= now
    }
}

fn key(generation: i64, person: i64) -> String {
    // The version before kept scores without purposes under `score/`.
    format!("score2/{generation}/{person}")
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use klout_proto::revision::Revision;
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn here() -> Deployment {
        Deployment::of(&[7; 16])
    }

    fn leased() -> Cached {
        let (cached, _filler) = Cached::new(Cache::none(), 100, MINUTE, MINUTE, here());
        cached.follow(Current { standing: 1, generation: 1 });
        cached.begin_session();
        cached.lease(Instant::now() + MINUTE * 2);
        cached
    }

    fn score(revision: u64) -> Answer {
        let revision_token = Revision::Score(revision).to_token(here());
        Answer::Score((&Score { revision_token, ..Score::default() }).into())
    }

    fn now(cached: &Cached) -> Moment {
        cached.moment().expect("there is a lease")
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_served_without_a_lease() {
        let cached = leased();
        cached.remember(now(&cached), 1, &score(1));
        assert_eq!(cached.remembered(1), Some(score(1)));
        cached.end_lease();
        assert_eq!((cached.remembered(1), cached.moment()), (None, None));
        cached.lease(Instant::now() + Duration::from_secs(2));
        assert_eq!(cached.remembered(1), Some(score(1)), "no change was missed");
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(cached.remembered(1), None, "it was not renewed");
    }

    #[tokio::test(start_paused = true)]
    async fn when_changes_may_have_been_missed_nothing_of_before_is_served() {
        let cached = leased();
        let before = now(&cached);
        cached.remember(before, 1, &score(1));
        cached.begin_session();
        assert_eq!(cached.remembered(1), None);
        cached.remember(before, 2, &score(1));
        assert_eq!(cached.remembered(2), None, "it was read before");
    }

    #[tokio::test(start_paused = true)]
    async fn a_publication_makes_all_percentiles_of_before_old() {
        let cached = leased();
        let before = now(&cached);
        cached.remember(before, 1, &score(1));
        cached.follow_standing(2);
        assert_eq!(cached.remembered(1), None);
        cached.remember(before, 2, &score(1));
        assert_eq!(cached.remembered(2), None, "it was read before");
        cached.follow_standing(1);
        assert_eq!(cached.remembered(1), None, "standings never go back");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_never_makes_way_for_an_older_one() {
        let cached = leased();
        let early = now(&cached);
        cached.remember(early, 1, &score(2));
        cached.remember(early, 1, &score(1));
        cached.remember(early, 1, &Answer::Nobody);
        assert_eq!(cached.remembered(1), Some(score(2)));
        cached.follow_standing(2);
        cached.remember(now(&cached), 1, &score(2));
        cached.remember(early, 1, &score(2));
        assert_eq!(cached.remembered(1), Some(score(2)), "with the newer percentile");
    }

    #[tokio::test(start_paused = true)]
    async fn that_there_is_nobody_is_known_for_a_second() {
        let cached = leased();
        cached.remember(now(&cached), 1, &Answer::Nobody);
        assert_eq!(cached.remembered(1), Some(Answer::Nobody));
        tokio::time::advance(NOBODY_TIME_MAX).await;
        assert_eq!(cached.remembered(1), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_score_is_served_for_so_long_at_most() {
        let cached = leased();
        cached.remember(now(&cached), 1, &score(1));
        tokio::time::advance(MINUTE).await;
        assert_eq!(cached.remembered(1), None);
    }

    proptest! {
        #[test]
        fn no_two_scores_have_one_key(
            one in (0..i64::MAX, 1..i64::MAX),
            other in (0..i64::MAX, 1..i64::MAX),
        ) {
            prop_assume!(one != other);
            prop_assert_ne!(key(one.0, one.1), key(other.0, other.1));
        }
    }
}
