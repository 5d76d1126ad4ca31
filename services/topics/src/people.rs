//! Computes what people are influential about, of those of whom anything changed.
//!
//! 1. Some people are claimed for a time: others leave them alone, and take them up when it lapses.
//! 2. Their evidence is read, scoring is asked who the actors are, and their topics are computed. No transaction is
//!    open meanwhile.
//! 3. In one transaction that holds each person and the ontology in use, what changed is written of those whose
//!    claim still holds. What was vetoed since, and who left since, is seen there; so a veto is never overridden.
//!
//! What influencers are known for is taken as it is without their own influencers, so nobody's topics depend on
//! how often everybody's were computed.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use klout_chassis::{failpoint, renewing};
use klout_model::TopicId;
use klout_topic_math::{
    expertise::{Expertise, PersonEvidence, expertise},
    related::{RelatedTopic, RelatedTopics},
};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use tokio::{sync::Notify, task::spawn_blocking, time::Instant};
use tracing::{debug, instrument, warn};
use uuid::Uuid;

use crate::{
    error::Error,
    evidence::{Gathered, Gatherer, REACTIONS_MAX, Window, model},
    metrics::Metrics,
    ontologies::{Current, Ontologies},
    store::{self, person::Person, person_state::Standing, person_topic::PersonTopic},
};

/// People claimed at once.
const PEOPLE_MAX: i64 = 128;

/// Rows of evidence that are in memory at once, but for somebody who has more alone.
const ROWS_MAX: i64 = 200_000;

/// How long a process that computes may be silent before others take its people up.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// So many posts have to be about a topic by their words alone before it helps to tell what others are about.
const KNOWN_FOR_POSTS_MIN: i64 = 3;

/// So many such topics.
const KNOWN_FOR_MAX: i64 = 8;

/// What computing needs.
#[derive(Clone, Debug)]
pub(crate) struct PeopleComputer {
    pub(crate) db: PgPool,
    pub(crate) ontologies: Ontologies,
    pub(crate) gatherer: Gatherer,
    pub(crate) related: Related,
    /// Rung when there is something to read again.
    pub(crate) posts_changed: Arc<Notify>,
    /// Rung when ranks changed.
    pub(crate) ranks_changed: Arc<Notify>,
    pub(crate) metrics: Arc<Metrics>,
}

/// What is related to what, as the last pass found out. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Related {
    db: PgPool,
    known: Arc<Mutex<Option<Versioned>>>,
}

/// Of which pass and generation of the ontology it is.
type Versioned = ((i64, i64), Arc<RelatedTopics>);

/// What was computed of a person.
#[derive(Debug)]
struct Computed {
    topics: Vec<PersonTopic>,
}

// === impl PeopleComputer ===

impl PeopleComputer {
    /// Computes the topics of some people. Returns whether there were any.
    #[instrument(name = "compute_people", skip_all)]
    pub(crate) async fn step(&self) -> Result<bool, Error> {
        let store = Error::store;
        let current = self.ontologies.current().await?;
        let reading = store::post::unfinished(&self.db, current.in_use.generation).await;
        if reading.map_err(store("look for posts to read"))?.of_before {
            // With some posts of another edition, topics would come and go.
            return Ok(false);
        }
        let claim = Uuid::new_v4();
        let mut transaction = self.db.begin().await.map_err(store("begin to claim people"))?;
        store::plan_anew(&mut transaction).await.map_err(store("plan anew"))?;
        let people = store::dirty_person::claim(&mut transaction, claim, SILENCE_MAX, PEOPLE_MAX)
            .await
            .map_err(store("claim people"))?;
        transaction.commit().await.map_err(store("commit a claim"))?;
        if people.is_empty() {
            return Ok(false);
        }
        failpoint!("topics.claim.committed");
        let started = Instant::now();
        let renew = || store::dirty_person::renew(&self.db, claim, SILENCE_MAX);
        let work = self.compute_all(&current, claim, &people);
        let done = renewing(SILENCE_MAX / 5, work, renew).await;
        // Of whoever was not written: nobody, when all went well.
        store::dirty_person::give_up(&self.db, claim).await.map_err(store("give a claim up"))?;
        done?;
        self.metrics.computed(people.len(), started.elapsed());
        self.ranks_changed.notify_one();
        Ok(true)
    }

    async fn compute_all(
        &self,
        current: &Current,
        claim: Uuid,
        people: &[i64],
    ) -> Result<(), Error> {
        let related = self.related.current(current).await?;
        let sizes = store::evidence::sizes(&self.db, people).await;
        let sizes: HashMap<i64, i64> =
            sizes.map_err(Error::store("look how much evidence there is"))?.into_iter().collect();
        let mut done = Ok(());
        let mut rest = people;
        while !rest.is_empty() {
            let mut rows = 0;
            let some = rest.iter().take_while(|person| {
                let before = rows;
                rows += sizes.get(person).copied().unwrap_or_default();
                before == 0 || rows <= ROWS_MAX
            });
            let (some, later) = rest.split_at(some.count());
            // Who cannot be computed keeps nobody else from it, and is on the list again.
            done = done.and(self.compute_each(current, &related, claim, some).await);
            rest = later;
        }
        done
    }

    /// Computes people together, or each alone when that panics. Who alone makes it panic stays as they were, until
    /// something changes: a pass would wait for them for ever.
    async fn compute_each(
        &self,
        current: &Current,
        related: &Arc<RelatedTopics>,
        claim: Uuid,
        people: &[i64],
    ) -> Result<(), Error> {
        let together = self.compute_some(current, related, claim, people).await;
        let Err(Error::Lost(_)) = together else { return together };
        let mut done = Ok(());
        for person in people {
            let alone = match self.compute_some(current, related, claim, &[*person]).await {
                Err(Error::Lost(_)) => {
                    warn!(person, "topics of a person cannot be computed");
                    let ended = store::dirty_person::end(&self.db, claim, *person).await;
                    ended.map(|_| ()).map_err(Error::store("end a claim"))
                }
                alone => alone,
            };
            done = done.and(alone);
        }
        done
    }

    async fn compute_some(
        &self,
        current: &Current,
        related: &Arc<RelatedTopics>,
        claim: Uuid,
        people: &[i64],
    ) -> Result<(), Error> {
        let store = Error::store;
        let gathered = self.gatherer.gather(current, people, REACTIONS_MAX).await?;
        let of = (current.clone(), Arc::clone(related));
        let computed = spawn_blocking(move || {
            let (current, related) = of;
            let computed = gathered
                .into_iter()
                .map(|(person, of_person)| (person, Computed::of(&current, &related, &of_person)));
            computed.collect::<BTreeMap<i64, Computed>>()
        });
        let computed = computed.await.map_err(Error::Lost)?;
        let mut transaction = self.db.begin().await.map_err(store("begin to write topics"))?;
        let connection = &mut *transaction;
        let in_use = store::edition::hold(&mut *connection).await;
        if in_use.map_err(store("hold the ontology in use"))? != Some(current.in_use) {
            debug!("the ontology changed while topics were computed");
            return Ok(());
        }
        store::plan_anew(&mut *connection).await.map_err(store("plan anew"))?;
        let again = self.write(&mut *connection, current, claim, people, &computed).await?;
        failpoint!("topics.people.written");
        transaction.commit().await.map_err(store("commit topics"))?;
        failpoint!("topics.people.committed");
        if again {
            self.posts_changed.notify_one();
        }
        Ok(())
    }

    /// Returns whether posts are to be read again.
    async fn write(
        &self,
        db: &mut PgConnection,
        current: &Current,
        claim: Uuid,
        people: &[i64],
        computed: &BTreeMap<i64, Computed>,
    ) -> Result<bool, Error> {
        let store = Error::store;
        let added = store::person::add(&mut *db, people).await.map_err(store("note members"))?;
        let members = store::person::lock(&mut *db, people).await.map_err(store("hold members"))?;
        let owners = store::account::of_people(&mut *db, people).await;
        // After they are held, as is whoever stops being a member.
        let standings = store::person_state::find(&mut *db, people).await;
        let standings = standings.map_err(store("look who is a member"))?;
        let is_gone = |person: &i64| {
            matches!(standings.get(person), Some(Standing::Gone | Standing::Moved(_)))
        };
        let owners: BTreeSet<i64> = owners
            .map_err(store("read who owns accounts"))?
            .into_iter()
            .map(|it| it.person)
            .filter(|person| !is_gone(person))
            .collect();
        let said = Said::read(&mut *db, current, people).await?;
        let known_for = self.known_for(&mut *db, people).await?;
        let now = self.gatherer.clock.now();
        let mut ranks = BTreeSet::new();
        let mut again = Vec::new();
        for member in &members {
            let person = member.person;
            let ours = store::dirty_person::end(&mut *db, claim, person).await;
            if !ours.map_err(store("end a claim"))? {
                continue;
            }
            let topics = match computed.get(&person) {
                Some(computed) if owners.contains(&person) => {
                    said.allowed(current, person, computed)
                }
                // Who left is known for nothing.
                Some(_) | None => Vec::new(),
            };
            write_person(&mut *db, member, &topics, now, &mut ranks).await?;
            let known_for = said.told(current, person, known_for.of(member));
            store::person::computed(&mut *db, person, now, &known_for)
                .await
                .map_err(store("note that topics were computed"))?;
            if known_for != member.known_for {
                again.push(person);
            }
        }
        // Who was forgotten since they were claimed.
        let gone: Vec<i64> = added.into_iter().filter(is_gone).collect();
        if !gone.is_empty() {
            store::person::remove(&mut *db, &gone).await.map_err(store("take out who left"))?;
        }
        let ranks: Vec<i64> = ranks.into_iter().collect();
        store::standing::mark(&mut *db, &ranks).await.map_err(store("note whose ranks change"))?;
        store::post::read_again(db, &again).await.map_err(store("have posts read again"))?;
        Ok(!again.is_empty())
    }

    async fn known_for(&self, db: &mut PgConnection, people: &[i64]) -> Result<KnownFor, Error> {
        let store = Error::store;
        let stage = store::pass::stage(&mut *db).await.map_err(store("look for a pass"))?;
        let window = Window::of(&self.gatherer.clock);
        let (first, last) = (window.first(), window.last());
        let found =
            store::evidence::known_for(db, people, first, last, KNOWN_FOR_POSTS_MIN, KNOWN_FOR_MAX);
        let mut found_of: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for (person, topic) in found.await.map_err(store("read what posts are about"))? {
            found_of.entry(person).or_default().push(topic);
        }
        Ok(KnownFor { found: found_of, is_first_stage: stage == Some(crate::pass::stage::ALONE) })
    }
}

/// What the posts of people are about by their words alone.
struct KnownFor {
    found: BTreeMap<i64, Vec<i64>>,
    /// Whether a pass finds it out right now; else it stays, but for those of whom nothing is known yet.
    is_first_stage: bool,
}

// === impl KnownFor ===

impl KnownFor {
    fn of(&self, member: &Person) -> Vec<i64> {
        if self.is_first_stage || member.known_for.is_empty() {
            self.found.get(&member.person).cloned().unwrap_or_default()
        } else {
            member.known_for.clone()
        }
    }
}

/// What people said of themselves, as of the transaction.
struct Said {
    declared: BTreeMap<i64, Vec<TopicId>>,
    vetoed: BTreeMap<i64, Vec<TopicId>>,
}

// === impl Said ===

impl Said {
    async fn read(db: &mut PgConnection, current: &Current, people: &[i64]) -> Result<Self, Error> {
        let store = Error::store;
        let mut said = Self { declared: BTreeMap::new(), vetoed: BTreeMap::new() };
        let declared = store::said::declared(&mut *db, people).await;
        for it in declared.map_err(store("read what people declared"))? {
            said.declared.entry(it.person).or_default().extend(current.topics([it.topic]));
        }
        let vetoed = store::said::vetoed(db, people).await;
        for (person, topic) in vetoed.map_err(store("read what people vetoed"))? {
            said.vetoed.entry(person).or_default().extend(current.topics([topic]));
        }
        Ok(said)
    }

    /// Of what a person is known for, what may be told: what is vetoed helps to tell nothing.
    fn told(&self, current: &Current, person: i64, mut known_for: Vec<i64>) -> Vec<i64> {
        let of = |said: &BTreeMap<i64, Vec<TopicId>>| said.get(&person).cloned();
        let declared = of(&self.declared).unwrap_or_default();
        let vetoed = of(&self.vetoed).unwrap_or_default();
        known_for.retain(|bits| {
            // What another edition has is judged by it.
            current.topics([*bits]).all(|topic| {
                current.may_tell(topic, &declared) && !current.is_within(topic, &vetoed)
            })
        });
        known_for
    }

    /// What may be told of a person.
    fn allowed(&self, current: &Current, person: i64, computed: &Computed) -> Vec<PersonTopic> {
        let of =
            |said: &BTreeMap<i64, Vec<TopicId>>| said.get(&person).cloned().unwrap_or_default();
        let (declared, vetoed) = (of(&self.declared), of(&self.vetoed));
        let may_tell = |topic: i64| {
            TopicId::of_bits(topic).is_some_and(|topic| {
                current.may_tell(topic, &declared) && !current.is_within(topic, &vetoed)
            })
        };
        let all = computed.topics.iter().filter(|it| may_tell(it.topic)).cloned();
        all.map(|it| PersonTopic {
            mostly: if may_tell(it.mostly) { it.mostly } else { it.topic },
            ..it
        })
        .collect()
    }
}

/// Writes what a person has to do with topics, in place of what was. `ranks`: where that changes any.
async fn write_person(
    db: &mut PgConnection,
    member: &Person,
    topics: &[PersonTopic],
    now: OffsetDateTime,
    ranks: &mut BTreeSet<i64>,
) -> Result<(), Error> {
    let store = Error::store;
    let before = store::person_topic::before(&mut *db, member.person).await;
    let mut before: BTreeMap<(i64, String), (f64, bool)> = before
        .map_err(store("read topics of a person"))?
        .into_iter()
        .map(|it| ((it.topic, it.network), (it.score, it.shown)))
        .collect();
    for it in topics {
        let old = before.remove(&(it.topic, it.network.clone()));
        let (score, shown) = old.unwrap_or_default();
        let moved = score.to_bits() != it.score.to_bits() || shown != it.shown;
        if it.network.is_empty() && (shown || it.shown) && moved {
            ranks.insert(it.topic);
        }
    }
    let gone: Vec<(i64, String)> = before
        .into_iter()
        .map(|((topic, network), (_, shown))| {
            if shown && network.is_empty() {
                ranks.insert(topic);
            }
            (topic, network)
        })
        .collect();
    if !gone.is_empty() {
        store::person_topic::remove(&mut *db, member.person, &gone)
            .await
            .map_err(store("remove topics of a person"))?;
    }
    if !topics.is_empty() {
        store::person_topic::write(db, member, topics, now)
            .await
            .map_err(store("write topics of a person"))?;
    }
    Ok(())
}

// === impl Computed ===

impl Computed {
    fn of(current: &Current, related: &RelatedTopics, gathered: &Gathered) -> Self {
        let ontology = &current.ontology;
        let all = expertise(model(), ontology, related, &gathered.evidence);
        let without = PersonEvidence { influencers: Vec::new(), ..gathered.evidence.clone() };
        let base: HashMap<(TopicId, Option<u32>), f64> =
            expertise(model(), ontology, related, &without)
                .into_iter()
                .filter(Expertise::is_shown)
                .map(|it| ((it.topic, it.network), it.score))
                .collect();
        // What is declared is listed too, with whatever evidence there is.
        let kept: Vec<&Expertise> = all
            .iter()
            .filter(|it| {
                it.is_shown() || (it.network.is_none() && gathered.declared.contains(&it.topic))
            })
            .collect();
        let mut words = gathered.words_of(current, &kept.iter().map(|it| it.topic).collect());
        let topics = kept.into_iter().map(|it| {
            let network = it.network.map_or("", |place| &gathered.networks[place as usize]);
            let count = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
            PersonTopic {
                topic: it.topic.bits(),
                network: network.to_owned(),
                written: it.written,
                reacted: it.reacted,
                said: it.said,
                influencers: it.influencers,
                strength: it.strength,
                score: it.score,
                base_score: base.get(&(it.topic, it.network)).copied(),
                people: count(it.people),
                posts: count(it.posts),
                direct: it.direct,
                mostly: it.mostly.bits(),
                shown: it.is_shown(),
                words: match it.network {
                    None => words.remove(&it.topic).unwrap_or_default(),
                    Some(_) => Vec::new(),
                },
            }
        });
        Self { topics: topics.collect() }
    }
}

// === impl Related ===

impl Related {
    pub(crate) fn new(db: PgPool) -> Self {
        Self { db, known: Arc::default() }
    }

    /// As the last pass found out.
    pub(crate) async fn current(&self, current: &Current) -> Result<Arc<RelatedTopics>, Error> {
        let store = Error::store;
        let pass = store::pass::last_related(&self.db).await;
        let version = (pass.map_err(store("look for a pass"))?, current.in_use.generation);
        let known = self.known.lock().expect("nobody panics with it").clone();
        if let Some((_, related)) = known.filter(|(of, _)| *of == version) {
            return Ok(related);
        }
        let rows = store::related_topic::all(&self.db).await;
        let mut related: BTreeMap<TopicId, Vec<RelatedTopic>> = BTreeMap::new();
        for (topic, other, closeness) in rows.map_err(store("read related topics"))? {
            let topics: Vec<TopicId> = current.topics([topic, other]).collect();
            if let [topic, other] = topics[..] {
                related.entry(topic).or_default().push(RelatedTopic { topic: other, closeness });
            }
        }
        let related = Arc::new(related.into_iter().collect::<RelatedTopics>());
        *self.known.lock().expect("nobody panics with it") = Some((version, Arc::clone(&related)));
        Ok(related)
    }
}
