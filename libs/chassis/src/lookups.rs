//! Who looked at whom, on the way to the log of it.
//!
//! A look-up is counted in memory, by person, caller and what was seen, and sent to social-graph each second: a crash
//! loses at most one. While social-graph is away counts grow, and wait; what there is no room for any more is counted
//! as lost.

use std::{
    collections::HashMap,
    hash::BuildHasher as _,
    mem,
    sync::{Arc, Mutex},
    time::Duration,
};

use foldhash::fast::RandomState;
use klout_model::{PersonId, Purpose};
use klout_proto::{
    convert,
    graph::v1::{CallerLookups, RecordLookupsRequest, graph_service_client::GraphServiceClient},
};
use klout_telemetry::{Counter, Metric};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tower::BoxError;
use tracing::warn;

use crate::{Caller, Chain, Clock, deadline::within, link::Link, work::repeat};

/// How often they are sent.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long social-graph may take for one call.
const CALL_TIME_MAX: Duration = Duration::from_secs(30);

/// How long all that is left may take when the process ends.
const LAST_TIME_MAX: Duration = Duration::from_secs(2);

/// People of one call.
const PEOPLE_MAX: usize = 10_000;

/// Parts that are locked apart, so that hardly anybody waits for somebody else.
const SHARDS: usize = 16;

/// Rows that a part holds; all of them together some 25 MB.
const SHARD_ROWS_MAX: usize = 16_384;

/// What is told of them.
pub(crate) const LOST: Metric = Metric::counter(
    "klout_lookups_lost_total",
    "Look-ups of people that will not stand in the log of who looked: there was no room left, or the process ended \
     while social-graph was away.",
);

/// What of a person was seen. The words stand in the log and are never renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    Score,
    History,
    Explanation,
    Simulation,
    Moments,
    /// The score and each change of it from then on.
    Watch,
    /// A list of many people, among others.
    Ranking,
    Topics,
    TopicExplanation,
    /// Topics and posts that may be of interest to them.
    Suggestions,
    Profile,
    /// That an account, an address or a number is this person's.
    Identity,
    /// Whom they influence, and who them.
    Influence,
    PlusK,
    /// What they can have, and what they got.
    Perks,
}

/// Counts look-ups. Clones count together.
#[derive(Clone, Debug)]
pub struct Lookups(Arc<Counted>);

#[derive(Debug)]
struct Counted {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    lost: Counter,
    /// What is on its way to social-graph, or was when that failed.
    leaving: Mutex<Vec<CallerLookups>>,
}

type Shard = HashMap<Key, Count, RandomState>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    person: PersonId,
    caller: u64,
    seen: Seen,
}

#[derive(Debug)]
struct Count {
    caller: Caller,
    count: u64,
}

// === impl Seen ===

impl Seen {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::History => "history",
            Self::Explanation => "explanation",
            Self::Simulation => "simulation",
            Self::Moments => "moments",
            Self::Watch => "watch",
            Self::Ranking => "ranking",
            Self::Topics => "topics",
            Self::TopicExplanation => "topic_explanation",
            Self::Suggestions => "suggestions",
            Self::Profile => "profile",
            Self::Identity => "identity",
            Self::Influence => "influence",
            Self::PlusK => "plus_k",
            Self::Perks => "perks",
        }
    }
}

// === impl Lookups ===

impl Lookups {
    /// Has to be made after telemetry was set up.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Counted {
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::default(),
            lost: LOST.count(&[]),
            leaving: Mutex::default(),
        }))
    }

    /// Counts that `caller` saw something of a person. Not of our own services, who look for somebody else.
    pub fn note(&self, caller: &Caller, seen: Seen, person: PersonId) {
        if caller.purpose() == Purpose::Internal {
            return;
        }
        let key = Key { person, caller: caller.number(), seen };
        let shard = &self.0.shards[self.shard(person)];
        let mut shard = shard.lock().expect("nobody panics while counting");
        if let Some(count) = shard.get_mut(&key) {
            count.count += 1;
        } else if shard.len() < SHARD_ROWS_MAX {
            shard.insert(key, Count { caller: caller.clone(), count: 1 });
        } else {
            drop(shard);
            self.0.lost.increment(1);
        }
    }

    fn shard(&self, person: PersonId) -> usize {
        // Not the bits by which the map of a part places its keys.
        (self.0.hasher.hash_one(person) >> 32) as usize % SHARDS
    }

    /// Sends what was counted until `stop`, and the rest then.
    pub(crate) async fn keep(self, link: Link, stop: CancellationToken) -> Result<(), BoxError> {
        let client = GraphServiceClient::new(link);
        let nobody_rings = Notify::new();
        repeat("record look-ups", INTERVAL, &nobody_rings, &stop, || self.send(&client)).await;
        let sent = within(LAST_TIME_MAX, self.send(&client)).await;
        if let Err(status) = sent.and_then(|sent| sent) {
            self.collect();
            let left = mem::take(&mut *self.leaving());
            let left = left.iter().flat_map(|it| &it.counts).sum();
            self.0.lost.increment(left);
            warn!(lookups = left, error = %Chain(&status), "look-ups are lost");
        }
        Ok(())
    }

    /// What a call that failed may have brought nevertheless counts twice; better than not at all.
    async fn send(&self, client: &GraphServiceClient<Link>) -> Result<bool, Status> {
        // While some wait, the parts go on counting: what is looked at again and again takes no more room.
        if self.leaving().is_empty() {
            self.collect();
        }
        loop {
            let lookups = next(&self.leaving());
            if lookups.is_empty() {
                return Ok(false);
            }
            let count = lookups.len();
            let mut client = client.clone();
            let recorded = client.record_lookups(RecordLookupsRequest { lookups });
            within(CALL_TIME_MAX, recorded).await??;
            let mut leaving = self.leaving();
            let left = leaving.len() - count;
            leaving.truncate(left);
        }
    }

    /// Takes what was counted out of the parts, by caller and what was seen.
    fn collect(&self) {
        let now = Some(convert::timestamp(Clock::running().now()));
        let mut groups: HashMap<(u64, Seen), CallerLookups, RandomState> = HashMap::default();
        let mut full = Vec::new();
        let mut spare = Shard::default();
        for shard in &self.0.shards {
            // Whoever counts waits for an exchange of two maps, not for what is done with one.
            mem::swap(&mut *shard.lock().expect("nobody panics while counting"), &mut spare);
            for (key, Count { caller, count }) in spare.drain() {
                let group = groups.entry((key.caller, key.seen)).or_insert_with(|| CallerLookups {
                    caller: caller.name().to_owned(),
                    purpose: caller.words().to_owned(),
                    what: key.seen.as_str().to_owned(),
                    first_time: now,
                    last_time: now,
                    ..CallerLookups::default()
                });
                if group.counts.len() == PEOPLE_MAX {
                    let (person_ids, counts) =
                        (mem::take(&mut group.person_ids), mem::take(&mut group.counts));
                    full.push(CallerLookups { person_ids, counts, ..group.clone() });
                }
                group.person_ids.push(key.person.get());
                group.counts.push(count);
            }
        }
        full.extend(groups.into_values());
        self.leaving().append(&mut full);
    }

    fn leaving(&self) -> std::sync::MutexGuard<'_, Vec<CallerLookups>> {
        self.0.leaving.lock().expect("nobody panics while moving rows")
    }
}

/// The last of those that leave, as many as one call may bring.
fn next(leaving: &[CallerLookups]) -> Vec<CallerLookups> {
    let mut people = 0;
    let fits = |it: &&CallerLookups| {
        people += it.counts.len();
        people <= PEOPLE_MAX
    };
    leaving.iter().rev().take_while(fits).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(lookups: &Lookups) -> Vec<(i64, String, String, String, u64)> {
        lookups.collect();
        let mut rows = Vec::new();
        for it in mem::take(&mut *lookups.leaving()) {
            assert!(it.counts.len() <= PEOPLE_MAX, "it fits into a call");
            for (person, count) in it.person_ids.iter().zip(&it.counts) {
                let words = (it.caller.clone(), it.purpose.clone(), it.what.clone());
                rows.push((*person, words.0, words.1, words.2, *count));
            }
        }
        rows.sort();
        rows
    }

    fn person(number: i64) -> PersonId {
        PersonId::new(number).expect("a person")
    }

    #[test]
    fn looking_again_makes_no_further_row() {
        let lookups = Lookups::new();
        let crm = Caller::new("acme", "crm").expect("a caller");
        let lab = Caller::new("lab", "research").expect("a caller");
        for _ in 0..3 {
            lookups.note(&crm, Seen::Score, person(1));
        }
        lookups.note(&lab, Seen::Score, person(1));
        lookups.note(&crm, Seen::Topics, person(1));
        lookups.note(&crm, Seen::Score, person(2));
        let row = |person, caller: &str, purpose: &str, what: &str, count| {
            (person, caller.to_owned(), purpose.to_owned(), what.to_owned(), count)
        };
        assert_eq!(
            rows(&lookups),
            [
                row(1, "acme", "crm", "score", 3),
                row(1, "acme", "crm", "topics", 1),
                row(1, "lab", "research", "score", 1),
                row(2, "acme", "crm", "score", 1),
            ]
        );
        assert!(rows(&lookups).is_empty(), "each is told once");
    }

    #[test]
    fn what_services_do_for_one_another_is_nobodys_look_up() {
        let lookups = Lookups::new();
        let internal = Caller::new("klout", "internal").expect("a caller");
        lookups.note(&internal, Seen::Score, person(1));
        assert!(rows(&lookups).is_empty());
        let operator = Caller::new("operator", "operator").expect("a caller");
        lookups.note(&operator, Seen::Score, person(1));
        assert_eq!(rows(&lookups).len(), 1, "an operator is somebody");
    }

    #[test]
    fn counting_takes_no_more_room_than_there_is() {
        let lookups = Lookups::new();
        let crm = Caller::new("acme", "crm").expect("a caller");
        let people = i64::try_from(2 * SHARDS * SHARD_ROWS_MAX).expect("few");
        for number in 1..=people {
            lookups.note(&crm, Seen::Score, person(number));
        }
        assert_eq!(rows(&lookups).len(), SHARDS * SHARD_ROWS_MAX);
    }

    #[test]
    fn a_call_brings_as_many_as_it_may_and_all_leave_in_the_end() {
        let group = |people: usize| CallerLookups {
            person_ids: vec![1; people],
            counts: vec![1; people],
            ..CallerLookups::default()
        };
        let mut leaving = vec![group(PEOPLE_MAX), group(6_000), group(3_000), group(2_000)];
        let mut calls = Vec::new();
        while !leaving.is_empty() {
            let call = next(&leaving);
            calls.push(call.len());
            leaving.truncate(leaving.len() - call.len());
        }
        assert_eq!(calls, [2, 1, 1]);
    }
}
