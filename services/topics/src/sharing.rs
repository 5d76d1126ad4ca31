//! What somebody could share next: what does well among people of the same topics, and is new to their audience.
//!
//! Posts that share one link are one candidate.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use klout_model::TopicId;
use klout_topic_math::content::{self, SuggestedContent, suggest_content};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    error::Error,
    evidence::Window,
    ontologies::Current,
    store::{
        self,
        content::{Bounds, Candidate},
    },
};

/// How old a post may be, in days.
const DAYS: i32 = 30;

/// Topics that candidates are looked for in, the strongest.
const WANTED_MAX: usize = 10;

/// What is declared weighs as much as that many people's worth.
const DECLARED_WORTH: f64 = 1.0;

const BOUNDS: Bounds =
    Bounds { experts_max: 200, looked_through_max: 100, posts_max: 20, candidates_max: 500 };

/// People of all topics together, as far as each topic has its share.
const EXPERTS_MAX: i64 = 500;

/// People who reacted to one post.
const REACTORS_MAX: i64 = 1_000;

/// Newest reactions to one account of the person, and of others, of whom there may be 500.
const AUDIENCE_MAX: i64 = 20_000;
const AUDIENCE_OF_OTHERS_MAX: i64 = 2_000;

/// Links that the person shared.
const LINKS_MAX: i64 = 10_000;

/// Something to share.
#[derive(Clone, Debug)]
pub(crate) struct Shareable {
    pub(crate) suggested: SuggestedContent,
    /// Empty: the post itself.
    pub(crate) link: String,
    /// Whose post did best.
    pub(crate) best: (i64, Uuid),
    pub(crate) person: i64,
    pub(crate) network: String,
    pub(crate) topics: Vec<TopicId>,
    pub(crate) people: u32,
    pub(crate) first_day: i32,
}

/// Posts that are one candidate.
#[derive(Debug, Default)]
struct Group {
    link: String,
    posts: Vec<Candidate>,
    topics: BTreeMap<TopicId, f32>,
    /// Each with the day of the first reaction.
    reactors: BTreeMap<i64, i32>,
    /// Whether the person reacted to any of them, among however many others.
    reacted: bool,
    /// How many reacted to each post.
    of_post: BTreeMap<(i64, Uuid), u32>,
}

/// What is wanted: topics with weights above 0.
pub(crate) async fn wanted(
    db: &PgPool,
    current: &Current,
    person: i64,
    topic: Option<TopicId>,
) -> Result<Vec<(TopicId, f64)>, Error> {
    if let Some(topic) = topic {
        return Ok(vec![(topic, 1.0)]);
    }
    let store = Error::store;
    let limit = i64::try_from(WANTED_MAX).unwrap_or(i64::MAX);
    let kept = store::person_topic::of_person(db, person, limit).await;
    let kept = kept.map_err(store("read topics of a person"))?;
    let declared = store::said::declared(db, &[person]).await;
    let declared = declared.map_err(store("read what a person declared"))?;
    let mut wanted: BTreeMap<TopicId, f64> = BTreeMap::new();
    for it in kept.iter().filter(|it| it.shown && it.strength > 0.0) {
        wanted.extend(current.topics([it.topic]).map(|topic| (topic, it.strength)));
    }
    for topic in current.topics(declared.into_iter().map(|it| it.topic)) {
        *wanted.entry(topic).or_default() += DECLARED_WORTH;
    }
    let mut wanted: Vec<(TopicId, f64)> = wanted.into_iter().collect();
    wanted.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
    wanted.truncate(WANTED_MAX);
    Ok(wanted)
}

/// The most promising first.
pub(crate) async fn suggest(
    db: &PgPool,
    current: &Current,
    window: Window,
    person: i64,
    wanted: &[(TopicId, f64)],
) -> Result<Vec<Shareable>, Error> {
    let store = Error::store;
    let vetoed = store::said::vetoed(db, &[person]).await;
    let vetoed = vetoed.map_err(store("read what a person vetoed"))?.into_iter().map(|it| it.1);
    let vetoed: Vec<TopicId> = current.topics(vetoed).collect();
    let topics: Vec<i64> = wanted.iter().map(|it| it.0.bits()).collect();
    let about: BTreeSet<i64> = wanted.iter().flat_map(|it| current.below(it.0)).collect();
    let about: Vec<i64> = about.into_iter().collect();
    let days = (window.last() - DAYS + 1, window.last());
    let share = EXPERTS_MAX / i64::try_from(topics.len().max(1)).unwrap_or(EXPERTS_MAX);
    let bounds = Bounds { experts_max: BOUNDS.experts_max.min(share), ..BOUNDS };
    let candidates = store::content::candidates(db, person, &topics, &about, days, bounds).await;
    let candidates = candidates.map_err(store("look for what to share"))?;
    let own = store::account::of_people(db, &[person]).await;
    let own: Vec<i64> = own.map_err(store("read accounts"))?.iter().map(|it| it.account).collect();
    let shared = store::content::links(db, &own, window.first(), LINKS_MAX).await;
    let shared: HashSet<String> =
        shared.map_err(store("read what was shared"))?.into_iter().collect();
    let audience =
        store::content::audience(db, &own, (window.first(), window.last()), AUDIENCE_MAX).await;
    let audience: HashSet<i64> = audience.map_err(store("read an audience"))?.into_iter().collect();
    let authors: BTreeSet<i64> = candidates.iter().map(|it| it.person).collect();
    let authors: Vec<i64> = authors.into_iter().collect();
    let mut vetoed_by: BTreeMap<i64, Vec<TopicId>> = BTreeMap::new();
    let of_authors = store::said::vetoed(db, &authors).await;
    for (author, topic) in of_authors.map_err(store("read what authors vetoed"))? {
        vetoed_by.entry(author).or_default().extend(current.topics([topic]));
    }
    let mut groups = groups(current, candidates, &vetoed_by);
    read_reactors(db, &mut groups, &own).await?;
    let sharers: BTreeSet<i64> =
        groups.iter().flat_map(|it| it.posts.iter().map(|post| post.account)).collect();
    let sharers: Vec<i64> = sharers.into_iter().collect();
    let days = (window.first(), window.last());
    let sizes = store::content::audience_sizes(db, &sharers, days, AUDIENCE_OF_OTHERS_MAX);
    let sizes: HashMap<i64, i64> =
        sizes.await.map_err(store("count audiences"))?.into_iter().collect();
    let all: Vec<content::Candidate> = groups
        .iter()
        .map(|it| it.candidate(window, &sizes, &audience, &own, shared.contains(&it.link)))
        .collect();
    let suggested = suggest_content(&current.ontology, wanted, &vetoed, &all);
    Ok(suggested
        .into_iter()
        .filter_map(|it| groups[it.candidate].shareable(current, &all[it.candidate], it.clone()))
        .collect())
}

fn groups(
    current: &Current,
    candidates: Vec<Candidate>,
    vetoed_by: &BTreeMap<i64, Vec<TopicId>>,
) -> Vec<Group> {
    let mut groups: BTreeMap<(String, Option<(i64, Uuid)>), Group> = BTreeMap::new();
    for it in candidates {
        let link = it.links.first().cloned().unwrap_or_default();
        let post = link.is_empty().then_some((it.account, it.hash));
        let vetoed = vetoed_by.get(&it.person).map_or(&[][..], Vec::as_slice);
        let mut topics: Vec<(TopicId, f32)> = Vec::new();
        for (topic, weight) in it.topics.iter().zip(&it.weights) {
            // Nobody is led to what is sensitive, or to somebody for what they vetoed.
            let told = current.topics([*topic]).filter(|topic| {
                !current.ontology.is_sensitive(*topic) && !current.is_within(*topic, vetoed)
            });
            topics.extend(told.map(|topic| (topic, *weight)));
        }
        if topics.is_empty() {
            continue;
        }
        let group = groups.entry((link.clone(), post)).or_default();
        group.link = link;
        for (topic, weight) in topics {
            let most = group.topics.entry(topic).or_default();
            *most = weight.max(*most);
        }
        group.posts.push(it);
    }
    groups.into_values().collect()
}

async fn read_reactors(db: &PgPool, groups: &mut [Group], own: &[i64]) -> Result<(), Error> {
    let mut group_of: HashMap<(i64, Uuid), usize> = HashMap::new();
    for (place, group) in groups.iter().enumerate() {
        group_of.extend(group.posts.iter().map(|post| ((post.account, post.hash), place)));
    }
    let (accounts, hashes): (Vec<i64>, Vec<Uuid>) = group_of.keys().copied().unzip();
    let reacted = store::content::reacted_to(db, own, &accounts, &hashes).await;
    for post in reacted.map_err(Error::store("read what somebody reacted to"))? {
        if let Some(place) = group_of.get(&post) {
            groups[*place].reacted = true;
        }
    }
    let reactors = store::content::reactors(db, &accounts, &hashes, REACTORS_MAX).await;
    for it in reactors.map_err(Error::store("read who reacted"))? {
        let Some(place) = group_of.get(&(it.account, it.hash)) else { continue };
        let group = &mut groups[*place];
        let first = group.reactors.entry(it.actor).or_insert(it.day);
        *first = it.day.min(*first);
        *group.of_post.entry((it.account, it.hash)).or_default() += 1;
    }
    Ok(())
}

// === impl Group ===

impl Group {
    fn candidate(
        &self,
        window: Window,
        sizes: &HashMap<i64, i64>,
        audience: &HashSet<i64>,
        own: &[i64],
        shared: bool,
    ) -> content::Candidate {
        let mut days: BTreeMap<u8, u32> = BTreeMap::new();
        for age in self.reactors.values().filter_map(|day| window.age(*day)) {
            *days.entry(age).or_default() += 1;
        }
        let sharers: BTreeSet<i64> = self.posts.iter().map(|it| it.account).collect();
        let exposed: i64 = sharers.iter().filter_map(|it| sizes.get(it)).sum();
        let ages = self.posts.iter().filter_map(|it| window.age(it.day));
        content::Candidate {
            topics: self.topics.iter().map(|(topic, weight)| (*topic, *weight)).collect(),
            days: days.into_iter().collect(),
            people: u32::try_from(self.reactors.len()).unwrap_or(u32::MAX),
            exposed: u32::try_from(exposed).unwrap_or(u32::MAX),
            first_age: ages.max().unwrap_or_default(),
            known_to_audience: self.reactors.keys().any(|it| audience.contains(it)),
            own: shared || sharers.iter().any(|it| own.contains(it)) || self.reacted,
        }
    }

    fn shareable(
        &self,
        current: &Current,
        candidate: &content::Candidate,
        suggested: SuggestedContent,
    ) -> Option<Shareable> {
        let reacted = |post: &Candidate| self.of_post.get(&(post.account, post.hash)).copied();
        let best = self.posts.iter().max_by(|one, other| {
            let other_key = (other.account, other.hash);
            reacted(one).cmp(&reacted(other)).then(other_key.cmp(&(one.account, one.hash)))
        })?;
        let mut topics: Vec<(&TopicId, &f32)> = self.topics.iter().collect();
        topics.sort_by(|one, other| other.1.total_cmp(one.1).then(one.0.cmp(other.0)));
        let topics = topics.into_iter().map(|it| *it.0);
        Some(Shareable {
            suggested,
            link: self.link.clone(),
            best: (best.account, best.hash),
            person: best.person,
            network: best.network.clone(),
            topics: topics.filter(|it| current.ontology.place(*it).is_some()).collect(),
            people: candidate.people,
            first_day: self.posts.iter().map(|it| it.day).min()?,
        })
    }
}
