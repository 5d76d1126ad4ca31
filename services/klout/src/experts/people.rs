//! Everybody's topics, from signals.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use klout_model::{TopicId, WINDOW_DAYS};
use klout_ontology::Ontology;
use klout_score_engine::{AccountName, Epoch, Numbered, Pass, Population, Signal, pass};
use klout_score_math::{Model, PersonScore, Share};
use klout_topic_math::{
    expertise::{Actor, Expertise, Influencer, Label, PersonEvidence, Post, Reaction, expertise},
    related::{RelatedTopics, related},
    words::{Matcher, Words},
};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::signals::{Done, Fact, Posted, Signals};

/// Topics that somebody else could have said of a person: less strength than this relates no topics.
const RELATING_STRENGTH_MIN: f64 = 1.0;

/// A member, and everything that is known of them and topics.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) account: AccountName,
    evidence: PersonEvidence,
    pub(super) expertise: Vec<Expertise>,
    /// Whom they react to, and how much.
    influencers: Vec<(u32, f64)>,
}

/// What posts and labels say.
#[derive(Debug)]
pub(super) struct Reader {
    matcher: Matcher,
    /// Nothing is read but how authors tagged their posts.
    tags_only: bool,
}

/// Everybody by the number that the score gave them.
struct Everybody {
    numbers: FxHashMap<AccountName, u32>,
    epoch: Epoch,
    scores: Vec<Option<PersonScore>>,
}

/// Members with their topics, in the order of their names.
///
/// Twice: which topics are related, and what influencers are known for, is told by a first round without either.
pub(super) fn members(
    model: &Model,
    reader: &Reader,
    signals: &Signals,
    registered: Option<&[AccountName]>,
) -> Vec<Member> {
    let mut population = Population::default();
    for (subject, fact) in signals.facts() {
        if let Some(signal) = counted(fact) {
            population.add(subject, None, signal);
        }
    }
    match registered {
        Some(registered) => registered.iter().for_each(|it| population.register(it)),
        None => population.register_all(),
    }
    let Numbered { evidence, accounts } = population.numbered(model);
    let are_members = evidence.registered.clone();
    let Pass { epoch, scores, bursts: _ } = pass(model, evidence);
    let numbers = accounts.iter().cloned().zip(0..).collect();
    let everybody = Everybody { numbers, epoch, scores };

    let mut by_subject: FxHashMap<&AccountName, Vec<&Fact>> = FxHashMap::default();
    for (subject, fact) in signals.facts() {
        by_subject.entry(subject).or_default().push(fact);
    }
    let mut accounts: Vec<_> =
        accounts.into_iter().zip(are_members).filter(|(_, it)| *it).map(|(it, _)| it).collect();
    accounts.sort();
    let ontology = reader.ontology();
    let mut members: Vec<Member> = accounts
        .into_par_iter()
        .map(|account| {
            let facts = by_subject.get(&account).map_or(&[][..], Vec::as_slice);
            everybody.member(model, reader, account, facts)
        })
        .collect();
    find_influencers(model, &everybody, signals, &mut members);
    let none = RelatedTopics::default();
    members.par_iter_mut().for_each(|it| it.compute(model, ontology, &none));

    let related = related(ontology, members.iter().map(|it| it.relating()));
    let known: Vec<Vec<(TopicId, f64)>> = members.iter().map(Member::known_for).collect();
    members.par_iter_mut().for_each(|it| {
        let influencers = it
            .influencers
            .iter()
            .map(|(member, tie)| Influencer { tie: *tie, topics: known[*member as usize].clone() });
        it.evidence.influencers = influencers.collect();
        it.compute(model, ontology, &related);
    });
    members
}

/// As the score counts it. `None`: it is before the window.
fn counted(fact: &Fact) -> Option<Signal> {
    Some(match fact {
        Fact::Done(Done { actor, kind, age, count, .. }) => {
            Signal::Interaction { actor: actor.clone(), kind: *kind, age: *age, count: *count }
        }
        Fact::Counted { name, time, value, of_post } => {
            Signal::Counter { name: *name, time: *time, value: *value, of_post: *of_post }
        }
        Fact::Posted(Posted { age: WINDOW_DAYS.., .. }) => return None,
        Fact::Posted(Posted { post, age, .. }) => {
            Signal::Post { post: post.as_str().into(), age: *age }
        }
    })
}

/// Members react to members: how much tells whom they listen to.
fn find_influencers(
    model: &Model,
    everybody: &Everybody,
    signals: &Signals,
    members: &mut [Member],
) {
    let places: FxHashMap<&AccountName, u32> =
        members.iter().map(|it| &it.account).zip(0..).collect();
    let mut masses: BTreeMap<(u32, u32), u64> = BTreeMap::new();
    for (subject, fact) in signals.facts() {
        let Fact::Done(Done { actor: Some(actor), kind, age, count, .. }) = fact else { continue };
        if let (Some(from), Some(to)) = (places.get(actor), places.get(subject))
            && from != to
        {
            let mass = masses.entry((*from, *to)).or_default();
            *mass = mass.saturating_add(model.mass(*kind, *age, *count));
        }
    }
    for ((from, to), mass) in masses {
        let discount =
            everybody.discount(&members[from as usize].account, &members[to as usize].account);
        let tie = model.share(mass).less(discount).people();
        members[from as usize].influencers.push((to, tie));
    }
}

// === impl Everybody ===

impl Everybody {
    fn member(
        &self,
        model: &Model,
        reader: &Reader,
        account: AccountName,
        facts: &[&Fact],
    ) -> Member {
        let mut evidence = PersonEvidence::default();
        // A member of a file has one account, so one network.
        if model.vouches(&account.network) {
            evidence.vouching.push(0);
        }
        let score = self.numbers.get(&account).and_then(|it| self.scores[*it as usize]);
        evidence.influence = score.map_or(0.0, |it| it.influence);
        let mut posts: FxHashMap<&str, u32> = FxHashMap::default();
        let posted = facts.iter().filter_map(|fact| match fact {
            Fact::Posted(posted) => Some(posted),
            Fact::Done(_) | Fact::Counted { .. } => None,
        });
        // In order, so that of two texts of one post always the same counts.
        for posted in posted.collect::<BTreeSet<_>>() {
            let topics = reader.topics_of_post(posted);
            let place = u32::try_from(evidence.posts.len()).expect("a file has fewer posts");
            // The same post twice is one post, of its earliest day.
            match posts.get(posted.post.as_str()) {
                Some(place) => {
                    let before = &mut evidence.posts[*place as usize];
                    before.age = before.age.max(posted.age);
                }
                None => {
                    posts.insert(&posted.post, place);
                    evidence.posts.push(Post { network: 0, age: posted.age, topics });
                }
            }
        }
        let mut actors: BTreeMap<AccountName, u32> = BTreeMap::new();
        for fact in facts {
            let Fact::Done(done) = fact else { continue };
            if done.actor.as_ref() == Some(&account) {
                continue;
            }
            let actor = done.actor.as_ref().map(|actor| {
                let next = u32::try_from(actors.len()).expect("a file has fewer actors");
                *actors.entry(actor.clone()).or_insert(next)
            });
            let Done { kind, age, count, .. } = *done;
            if let Some(label) = &done.label {
                let topics = reader.topics_of_label(label);
                let label = Label { network: 0, actor, kind, age, count, topics };
                evidence.labels.push(label);
            } else if let Some(post) = done.post.as_deref().and_then(|post| posts.get(post)) {
                let reaction = Reaction { post: *post, actor, kind, age, count };
                evidence.reactions.push(reaction);
            }
        }
        evidence.actors = vec![Actor::default(); actors.len()];
        for (actor, place) in actors {
            evidence.actors[place as usize] = self.actor(&actor, &account);
        }
        Member { account, evidence, expertise: Vec::new(), influencers: Vec::new() }
    }

    fn actor(&self, actor: &AccountName, subject: &AccountName) -> Actor {
        let factors = self.epoch.actors[self.numbers[actor] as usize];
        Actor { factors, discount: self.discount(actor, subject) }
    }

    /// What is not counted because two are of one closed circle.
    fn discount(&self, one: &AccountName, other: &AccountName) -> Share {
        let (one, other) = (self.numbers[one], self.numbers[other]);
        let pair = (one.min(other), one.max(other));
        let place = self.epoch.closed.binary_search_by_key(&pair, |it| (it.one, it.other));
        place.map_or(Share::NONE, |place| self.epoch.closed[place].discount)
    }
}

// === impl Reader ===

impl Reader {
    pub(super) fn new(ontology: Arc<Ontology>, tags_only: bool) -> Self {
        Self { matcher: Matcher::new(ontology), tags_only }
    }

    pub(super) fn ontology(&self) -> &Ontology {
        self.matcher.ontology()
    }

    fn topics_of_post(&self, posted: &Posted) -> Vec<(TopicId, f32)> {
        let (text, links) =
            if self.tags_only { ("", &[][..]) } else { (&*posted.text, &*posted.links) };
        self.topics(&Words { text, links, tags: &posted.tags, language: None })
    }

    fn topics_of_label(&self, label: &str) -> Vec<(TopicId, f32)> {
        let tags = [label.to_owned()];
        self.topics(&Words { tags: &tags, ..Words::default() })
    }

    /// Nobody in a file declared anything, so nothing sensitive is said of anybody.
    fn topics(&self, words: &Words<'_>) -> Vec<(TopicId, f32)> {
        let topics = self.matcher.topics(words, &[]).into_iter();
        let topics = topics.filter(|it| !self.ontology().is_sensitive(it.topic));
        topics.map(|it| (it.topic, it.weight)).collect()
    }
}

// === impl Member ===

impl Member {
    fn compute(&mut self, model: &Model, ontology: &Ontology, related: &RelatedTopics) {
        self.expertise = expertise(model, ontology, related, &self.evidence);
        // With one account there is one network, which is all of them.
        self.expertise.retain(|it| it.network.is_none());
    }

    fn relating(&self) -> impl Iterator<Item = (TopicId, f64)> {
        let strong = self.expertise.iter().filter(|it| it.from_others() >= RELATING_STRENGTH_MIN);
        strong.map(|it| (it.topic, it.from_others()))
    }

    fn known_for(&self) -> Vec<(TopicId, f64)> {
        let shown = self.expertise.iter().filter(|it| it.is_shown());
        shown.map(|it| (it.topic, it.score)).collect()
    }
}
