//! Brings together all that is known of people and topics, out of Postgres and from scoring. No transaction is open
//! while scoring is asked.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use futures::TryStreamExt as _;
use klout_chassis::{Clock, Link};
use klout_model::{Day, Kind, Network, TopicId, WINDOW_DAYS};
use klout_ontology::fold;
use klout_proto::score::v1::{
    ActorStanding, BatchGetActorsRequest, score_service_client::ScoreServiceClient,
};
use klout_score_math::{Factor, Factors, Model};
use klout_topic_math::{
    expertise::{Actor, Influencer, Label, PersonEvidence, Post, Reaction},
    words::Words,
};
use sqlx::{PgConnection, PgPool};
use tracing::instrument;
use uuid::Uuid;

use crate::{
    error::Error,
    ontologies::Current,
    store::{self, account::Account, evidence as rows, said::Declared},
};

/// Posts of one account that count: whoever publishes more is judged by the newest.
const POSTS_MAX: i64 = 20_000;

/// Reactions to one account that count, by actor, post and day.
pub(crate) const REACTIONS_MAX: i64 = 500_000;

/// The same when somebody waits for an answer.
pub(crate) const REACTIONS_MAX_OF_ANSWERS: i64 = 20_000;

/// Words that say what somebody is known for.
const WORDS_MAX: usize = 8;

/// Words that one account was called.
const LABELS_MAX: i64 = 20_000;

/// Days on which one account reacted to members.
const TIES_MAX: i64 = 20_000;

/// Those whom somebody reacts to most.
const INFLUENCERS_MAX: usize = 200;

/// Topics of one of them.
const INFLUENCER_TOPICS_MAX: i64 = 20;

/// Actors asked about at once: as many as scoring answers.
const ACTORS_MAX: usize = 10_000;

/// The tie to whom somebody names as an influencer, without anything done about them.
const NAMED_TIE: f64 = 0.5;

/// Brings evidence together. Clones share what they use.
#[derive(Clone, Debug)]
pub(crate) struct Gatherer {
    pub(crate) db: PgPool,
    pub(crate) scores: ScoreServiceClient<Link>,
    pub(crate) clock: Clock,
}

/// What is known of a person, with what its numbers stand for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) evidence: PersonEvidence,
    /// By the numbers of the evidence.
    pub(crate) networks: Vec<String>,
    pub(crate) posts: Vec<PostOf>,
    /// The members that actors are; `None`: a stranger.
    pub(crate) actors: Vec<Option<i64>>,
    /// `None`: it names also what may not be told or is vetoed, so it counts and is shown to nobody.
    pub(crate) labels: Vec<Option<String>>,
    /// In how many posts a topic is said with which words, of what may be shown.
    pub(crate) words: BTreeMap<TopicId, BTreeMap<String, u32>>,
    /// The days that it is of.
    pub(crate) window: Option<Window>,
    /// What the person declared, sorted.
    pub(crate) declared: Vec<TopicId>,
}

/// Which post it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PostOf {
    pub(crate) account: i64,
    pub(crate) hash: Uuid,
    pub(crate) day: i32,
}

/// Words, and the actors who say them.
type SaidBy<'a> = (&'a str, BTreeSet<Option<u32>>);

/// What people are known for, with the scores of it.
type KnownFor = HashMap<i64, Vec<(TopicId, f64)>>;

/// What was read of a person, before it is known who is who.
#[derive(Debug, Default)]
struct Raw {
    accounts: Vec<Account>,
    posts: Vec<(PostOf, Vec<(TopicId, f32)>)>,
    place_of: HashMap<(i64, Uuid), u32>,
    /// Post, actor, kind, age, count.
    reactions: Vec<(u32, i64, Kind, u8, u64)>,
    labels: Vec<rows::Label>,
    /// Masses by person.
    ties: BTreeMap<i64, u64>,
    said: Vec<Declared>,
    vetoed: Vec<TopicId>,
    known_for: Vec<i64>,
    words: BTreeMap<TopicId, BTreeMap<String, u32>>,
}

/// The days that count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    today: Day,
}

// === impl Window ===

impl Window {
    pub(crate) fn of(clock: &Clock) -> Self {
        Self { today: Day::of(clock.now()) }
    }

    pub(crate) fn first(self) -> i32 {
        self.today.number() - i32::from(WINDOW_DAYS) + 1
    }

    pub(crate) fn last(self) -> i32 {
        self.today.number()
    }

    /// A day up to today, such as 2026-11-26.
    pub(crate) fn date(self, day: i32) -> String {
        let before = u16::try_from(self.last().saturating_sub(day)).unwrap_or_default();
        self.today.minus(before).to_date().to_string()
    }

    pub(crate) fn age(self, day: i32) -> Option<u8> {
        u8::try_from(self.last() - day).ok().filter(|age| *age < WINDOW_DAYS)
    }
}

// === impl Gatherer ===

impl Gatherer {
    /// All that is known of these people, who own accounts or said something, by as many reactions to one account
    /// as `reactions_max`.
    #[instrument(name = "gather_evidence", skip_all, fields(people.len = people.len()))]
    pub(crate) async fn gather(
        &self,
        current: &Current,
        people: &[i64],
        reactions_max: i64,
    ) -> Result<BTreeMap<i64, Gathered>, Error> {
        let (raw, influencers) = {
            let mut connection =
                self.db.acquire().await.map_err(Error::store("get a connection"))?;
            let raw = self.read(&mut connection, current, people, reactions_max).await?;
            let influencers = influencers(&mut connection, &raw).await?;
            (raw, influencers)
        };
        let model = Model::current();
        let mut actors: BTreeSet<i64> = raw
            .values()
            .flat_map(|it| it.reactions.iter().map(|it| it.1))
            .chain(raw.values().flat_map(|it| it.labels.iter().map(|it| it.actor)))
            .collect();
        actors.extend(raw.values().flat_map(|it| it.accounts.iter().map(|it| it.account)));
        actors.remove(&0);
        let standings = self.standings(&actors.into_iter().collect::<Vec<_>>()).await?;
        let current = current.clone();
        let window = Window::of(&self.clock);
        let assembled = tokio::task::spawn_blocking(move || {
            raw.into_iter()
                .map(|(person, raw)| {
                    let known = (&standings, &influencers);
                    (person, raw.assembled(model, &current, window, person, known))
                })
                .collect()
        });
        assembled.await.map_err(Error::Lost)
    }

    /// The epoch that everybody's score rests on. `None`: its scores are still being written.
    pub(crate) async fn epoch(&self) -> Result<Option<u64>, Error> {
        let request = BatchGetActorsRequest { account_ids: Vec::new() };
        let answer = self.scores.clone().batch_get_actors(request).await;
        let answer = answer.map_err(Error::Peer)?.into_inner();
        Ok((!answer.scores_pending).then_some(answer.epoch))
    }

    async fn standings(&self, actors: &[i64]) -> Result<HashMap<i64, ActorStanding>, Error> {
        let mut standings = HashMap::with_capacity(actors.len());
        for some in actors.chunks(ACTORS_MAX) {
            let request = BatchGetActorsRequest { account_ids: some.to_vec() };
            let answer = self.scores.clone().batch_get_actors(request).await;
            let answer = answer.map_err(Error::Peer)?.into_inner();
            standings.extend(some.iter().copied().zip(answer.actors));
        }
        Ok(standings)
    }

    async fn read(
        &self,
        db: &mut PgConnection,
        current: &Current,
        people: &[i64],
        reactions_max: i64,
    ) -> Result<BTreeMap<i64, Raw>, Error> {
        let (store, window) = (Error::store, Window::of(&self.clock));
        let mut raw: BTreeMap<i64, Raw> =
            people.iter().map(|person| (*person, Raw::default())).collect();
        let accounts = store::account::of_people(&mut *db, people).await;
        let accounts = accounts.map_err(store("read accounts of people"))?;
        let owner: HashMap<i64, i64> = accounts.iter().map(|it| (it.account, it.person)).collect();
        let ids: Vec<i64> = accounts.iter().map(|it| it.account).collect();
        for account in accounts {
            raw.entry(account.person).or_default().accounts.push(account);
        }
        let known = store::person::named(&mut *db, people).await;
        for it in known.map_err(store("read what people are known for"))? {
            raw.entry(it.person).or_default().known_for = it.known_for;
        }
        let said = store::said::declared(&mut *db, people).await;
        for it in said.map_err(store("read what people declared"))? {
            raw.entry(it.person).or_default().said.push(it);
        }
        let vetoed = store::said::vetoed(&mut *db, people).await;
        for (person, topic) in vetoed.map_err(store("read what people vetoed"))? {
            raw.entry(person).or_default().vetoed.extend(current.topics([topic]));
        }
        let (first, last) = (window.first(), window.last());
        let of = |account: &i64| owner.get(account).copied().unwrap_or_default();
        let mut posts = rows::posts(&mut *db, &ids, first, last, POSTS_MAX);
        while let Some(it) = posts.try_next().await.map_err(store("read posts"))? {
            let raw = raw.entry(of(&it.account)).or_default();
            raw.add_post(current, &it);
        }
        drop(posts);
        let mut reactions = rows::reactions(&mut *db, &ids, first, last, reactions_max);
        while let Some(it) = reactions.try_next().await.map_err(store("read reactions"))? {
            raw.entry(of(&it.account)).or_default().add_reaction(window, &it);
        }
        drop(reactions);
        let labels = rows::labels(&mut *db, &ids, first, last, LABELS_MAX).await;
        for it in labels.map_err(store("read what people were called"))? {
            raw.entry(of(&it.account)).or_default().labels.push(it);
        }
        let ties = rows::ties(&mut *db, &ids, first, last, TIES_MAX).await;
        for it in ties.map_err(store("read whom people react to"))? {
            let person = of(&it.actor);
            if person != it.person {
                raw.entry(person).or_default().add_tie(window, &it);
            }
        }
        raw.remove(&0);
        Ok(raw)
    }
}

/// What those are known for whom people react to, or named.
async fn influencers(db: &mut PgConnection, raw: &BTreeMap<i64, Raw>) -> Result<KnownFor, Error> {
    let people: BTreeSet<i64> = raw.values().flat_map(Raw::influencers).collect();
    let people: Vec<i64> = people.into_iter().collect();
    let rows = store::person_topic::known_for(db, &people, INFLUENCER_TOPICS_MAX).await;
    let mut known = KnownFor::new();
    for it in rows.map_err(Error::store("read what influencers are known for"))? {
        if let Some(topic) = TopicId::of_bits(it.topic) {
            known.entry(it.person).or_default().push((topic, it.score));
        }
    }
    Ok(known)
}

// === impl Raw ===

impl Raw {
    fn add_post(&mut self, current: &Current, row: &rows::PostTopic) {
        let key = (row.account, row.hash);
        let next = u32::try_from(self.posts.len()).expect("posts are limited");
        let place = *self.place_of.entry(key).or_insert(next);
        if place == next {
            let post = PostOf { account: row.account, hash: row.hash, day: row.day };
            self.posts.push((post, Vec::new()));
        }
        let Some(topic) = current.topics([row.topic]).next() else { return };
        self.posts[place as usize].1.push((topic, row.weight));
        let words = self.words.entry(topic).or_default();
        for it in row.words.split(rows::SEPARATOR).filter(|it| !it.is_empty()) {
            *words.entry(it.to_owned()).or_default() += 1;
        }
    }

    fn add_reaction(&mut self, window: Window, row: &rows::Reaction) {
        // To posts about nothing, or that are not there.
        let Some(post) = self.place_of.get(&(row.account, row.hash)) else { return };
        let (Some(kind), Some(age)) = (kind(row.kind), window.age(row.day)) else { return };
        self.reactions.push((*post, row.actor, kind, age, row.count.unsigned_abs()));
    }

    fn add_tie(&mut self, window: Window, row: &rows::Tie) {
        let (Some(kind), Some(age)) = (kind(row.kind), window.age(row.day)) else { return };
        let mass = Model::current().mass(kind, age, row.count.unsigned_abs());
        let sum = self.ties.entry(row.person).or_default();
        *sum = sum.saturating_add(mass);
    }

    /// Those whom the person reacts to most, and those whom the person named.
    fn influencers(&self) -> BTreeSet<i64> {
        let named = self.said.iter().flat_map(|it| it.influencers.iter().copied());
        self.closest().into_iter().map(|(person, _)| person).chain(named).collect()
    }

    /// Those whom the person reacts to most, with their masses.
    fn closest(&self) -> Vec<(i64, u64)> {
        let mut ties: Vec<(i64, u64)> = self.ties.iter().map(|it| (*it.0, *it.1)).collect();
        ties.retain(|(_, mass)| *mass > 0);
        ties.sort_unstable_by_key(|(person, mass)| (Reverse(*mass), *person));
        ties.truncate(INFLUENCERS_MAX);
        ties
    }

    fn assembled(
        self,
        model: &Model,
        current: &Current,
        window: Window,
        person: i64,
        (standings, known): (&HashMap<i64, ActorStanding>, &KnownFor),
    ) -> Gathered {
        let mut declared: Vec<TopicId> =
            current.topics(self.said.iter().map(|it| it.topic)).collect();
        declared.sort_unstable();
        let mut gathered = Gathered { declared, window: Some(window), ..Gathered::default() };
        let influencers = self.influence(model, current, &gathered.declared, known);
        let mut network_of: HashMap<i64, u32> = HashMap::new();
        for account in &self.accounts {
            network_of.insert(account.account, gathered.network(&account.network));
        }
        let own = |account: &i64| network_of.contains_key(account);
        let mut cast = Cast { person, standings, places: HashMap::new() };
        for (post, mut topics) in self.posts {
            topics.retain(|(topic, _)| current.may_tell(*topic, &gathered.declared));
            let age = window.age(post.day).unwrap_or_default();
            let network = network_of.get(&post.account).copied().unwrap_or_default();
            gathered.evidence.posts.push(Post { network, age, topics });
            gathered.posts.push(post);
        }
        let mut reactions = self.reactions;
        // One order, whatever the database gave.
        reactions.sort_unstable_by_key(|it| (it.0, it.1, it.2.code(), it.3, it.4));
        for (post, actor, kind, age, count) in reactions {
            if own(&actor) {
                continue;
            }
            let Some(actor) = cast.place(&mut gathered, actor) else { continue };
            gathered.evidence.reactions.push(Reaction { post, actor, kind, age, count });
        }
        let known_for: Vec<TopicId> = current
            .topics(self.known_for)
            .filter(|it| !current.is_within(*it, &self.vetoed))
            .chain(gathered.declared.iter().copied())
            .collect();
        let mut read: HashMap<(String, bool), LabelRead> = HashMap::new();
        for row in self.labels {
            let (Some(kind), Some(age)) = (kind(row.kind), window.age(row.day)) else { continue };
            if own(&row.actor) {
                continue;
            }
            let LabelRead { topics, may_show } = read
                .entry((row.label.clone(), kind == Kind::PlusK))
                .or_insert_with(|| {
                    let said = (gathered.declared.as_slice(), self.vetoed.as_slice());
                    // A +K names a topic, where others give words.
                    let named = current.ontology.find(&row.label).filter(|_| kind == Kind::PlusK);
                    named.map_or_else(
                        || LabelRead::of(current, &row.label, &known_for, said),
                        |topic| LabelRead::named(current, topic.id, said),
                    )
                })
                .clone();
            if topics.is_empty() {
                continue;
            }
            let Some(actor) = cast.place(&mut gathered, row.actor) else { continue };
            let network = network_of.get(&row.account).copied().unwrap_or_default();
            let count = row.count.unsigned_abs();
            gathered.evidence.labels.push(Label { network, actor, kind, age, count, topics });
            gathered.labels.push(may_show.then_some(row.label));
        }
        gathered.words = self.words;
        gathered.words.retain(|topic, _| {
            current.may_tell(*topic, &gathered.declared) && !current.is_within(*topic, &self.vetoed)
        });
        // Topics share words.
        let mut may_show: HashMap<String, bool> = HashMap::new();
        for words in gathered.words.values_mut() {
            words.retain(|it, _| match may_show.get(it) {
                Some(known) => *known,
                None => {
                    let new = current.may_show(it, &gathered.declared, &self.vetoed);
                    may_show.insert(it.clone(), new);
                    new
                }
            });
        }
        let of_own = self.accounts.iter().filter_map(|it| standings.get(&it.account));
        gathered.evidence.influence = of_own.map(|it| it.influence).fold(0.0, f64::max);
        gathered.evidence.influencers = influencers;
        gathered.evidence.vetoed = self.vetoed;
        gathered.evidence.vouching = gathered.vouching(model);
        gathered
    }

    fn influence(
        &self,
        model: &Model,
        current: &Current,
        declared: &[TopicId],
        known: &KnownFor,
    ) -> Vec<Influencer> {
        let of = |person: &i64, wanted: &dyn Fn(TopicId) -> bool| -> Vec<(TopicId, f64)> {
            let all = known.get(person).into_iter().flatten().copied();
            let may_tell = all.filter(|(topic, _)| {
                current.ontology.place(*topic).is_some() && current.may_tell(*topic, declared)
            });
            may_tell.filter(|(topic, _)| wanted(*topic)).collect()
        };
        let mut influencers = Vec::new();
        let mut ties: BTreeMap<i64, f64> = BTreeMap::new();
        for (person, mass) in self.closest() {
            let tie = model.share(mass).people();
            ties.insert(person, tie);
            influencers.push(Influencer { tie, topics: of(&person, &|_| true) });
        }
        for said in &self.said {
            let topics: Vec<TopicId> = current.topics([said.topic]).collect();
            for person in &said.influencers {
                // Whoever reacts to them as much has said so already.
                if ties.get(person).is_some_and(|tie| *tie >= NAMED_TIE) {
                    continue;
                }
                let topics = of(person, &|topic| current.is_within(topic, &topics));
                influencers.push(Influencer { tie: NAMED_TIE, topics });
            }
        }
        influencers.retain(|it| !it.topics.is_empty());
        influencers
    }
}

/// What words are about that somebody was called.
#[derive(Clone, Debug)]
struct LabelRead {
    /// What of it may be told.
    topics: Vec<(TopicId, f32)>,
    may_show: bool,
}

// === impl LabelRead ===

impl LabelRead {
    fn of(
        current: &Current,
        label: &String,
        known_for: &[TopicId],
        (declared, vetoed): (&[TopicId], &[TopicId]),
    ) -> Self {
        let words = Words { tags: std::slice::from_ref(label), ..Words::default() };
        let named = current.matcher.topics(&words, known_for);
        let mut topics: Vec<(TopicId, f32)> =
            named.into_iter().map(|it| (it.topic, it.weight)).collect();
        let named = topics.len();
        let is_vetoed = topics.iter().any(|(topic, _)| current.is_within(*topic, vetoed));
        topics.retain(|(topic, _)| current.may_tell(*topic, declared));
        let may_show =
            topics.len() == named && !is_vetoed && current.may_show(label, declared, vetoed);
        Self { topics, may_show }
    }

    /// What was named by its slug.
    fn named(
        current: &Current,
        topic: TopicId,
        (declared, vetoed): (&[TopicId], &[TopicId]),
    ) -> Self {
        let may_tell = current.may_tell(topic, declared);
        let may_show = may_tell && !current.is_within(topic, vetoed);
        Self { topics: if may_tell { vec![(topic, 1.0)] } else { Vec::new() }, may_show }
    }
}

/// Who acts, each member once with whatever account.
struct Cast<'a> {
    person: i64,
    standings: &'a HashMap<i64, ActorStanding>,
    /// By member, or by account of a stranger.
    places: HashMap<(bool, i64), u32>,
}

// === impl Cast ===

impl Cast<'_> {
    /// The place of an actor among all: `Some(None)` for one whom the network does not tell, `None` for the
    /// person.
    fn place(&mut self, gathered: &mut Gathered, account: i64) -> Option<Option<u32>> {
        if account == 0 {
            return Some(None);
        }
        let standing = self.standings.get(&account).copied().unwrap_or_default();
        let member = Some(standing.person_id).filter(|it| *it > 0);
        if member == Some(self.person) {
            return None;
        }
        let key = (member.is_some(), member.unwrap_or(account));
        let next = u32::try_from(gathered.actors.len()).expect("reactions are limited");
        let place = *self.places.entry(key).or_insert(next);
        if place == next {
            gathered.actors.push(member);
            let factors = factors(&standing);
            gathered.evidence.actors.push(Actor { factors, ..Actor::default() });
        }
        Some(Some(place))
    }
}

// === impl Gathered ===

impl Gathered {
    /// The words that say that the person has to do with these topics, with their parts: first what most people
    /// call them, then what stands in most posts.
    pub(crate) fn words_of(
        &self,
        current: &Current,
        topics: &BTreeSet<TopicId>,
    ) -> BTreeMap<TopicId, Vec<String>> {
        let above = |topic: TopicId| current.above(topic).filter(|it| topics.contains(it));
        // By topic and folded words: a way to write it, and who said so.
        let mut labels: BTreeMap<TopicId, BTreeMap<String, SaidBy<'_>>> = BTreeMap::new();
        for (label, of_label) in self.labels.iter().zip(&self.evidence.labels) {
            let Some(label) = label else { continue };
            let over: BTreeSet<TopicId> =
                of_label.topics.iter().flat_map(|(topic, _)| above(*topic)).collect();
            for topic in over {
                let said = labels.entry(topic).or_default();
                let (_, people) = said.entry(fold(label)).or_insert((label, BTreeSet::new()));
                people.insert(of_label.actor);
            }
        }
        let mut posts: BTreeMap<TopicId, BTreeMap<String, (&str, u32)>> = BTreeMap::new();
        for (topic, words) in &self.words {
            for over in above(*topic) {
                let said = posts.entry(over).or_default();
                for (word, count) in words {
                    said.entry(fold(word)).or_insert((word, 0)).1 += count;
                }
            }
        }
        let mut of_topic = |topic: &TopicId| {
            let labels = labels.remove(topic).unwrap_or_default().into_iter();
            let labels = labels.map(|(key, (label, people))| (0, people.len(), key, label));
            let posts = posts.remove(topic).unwrap_or_default().into_iter();
            let posts = posts.map(|(key, (word, count))| (1, count as usize, key, word));
            let mut all: Vec<(u8, usize, String, &str)> = labels.chain(posts).collect();
            all.sort_by(|one, other| {
                (one.0, Reverse(one.1), &one.2).cmp(&(other.0, Reverse(other.1), &other.2))
            });
            let mut keys = BTreeSet::new();
            all.retain(|it| keys.insert(it.2.clone()));
            let words = all.into_iter().take(WORDS_MAX).map(|it| it.3.to_owned());
            (*topic, words.collect())
        };
        topics.iter().map(&mut of_topic).collect()
    }

    fn network(&mut self, name: &str) -> u32 {
        let known = self.networks.iter().position(|it| it == name);
        let place = known.unwrap_or_else(|| {
            self.networks.push(name.to_owned());
            self.networks.len() - 1
        });
        u32::try_from(place).expect("a person has few accounts")
    }

    fn vouching(&self, model: &Model) -> Vec<u32> {
        let networks = (0_u32..).zip(&self.networks);
        let vouch = networks.filter(|(_, name)| {
            name.parse::<Network>().is_ok_and(|network| model.vouches(&network))
        });
        vouch.map(|(place, _)| place).collect()
    }
}

fn factors(standing: &ActorStanding) -> Factors {
    Factors {
        attention: Factor::of_bits(standing.attention),
        people: Factor::of_bits(standing.people),
        prestige: Factor::of_bits(standing.prestige),
        strangers: Factor::of_bits(standing.strangers),
    }
}

fn kind(code: i16) -> Option<Kind> {
    u8::try_from(code).ok().and_then(Kind::from_code)
}

/// The one model that topics are computed with.
pub(crate) fn model() -> &'static Model {
    Model::current()
}
