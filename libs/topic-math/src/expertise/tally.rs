//! Evidence, added up by topic and network.

use std::collections::BTreeMap;

use klout_model::{Kind, TopicId, WINDOW_DAYS};
use klout_ontology::Ontology;
use klout_score_math::{Factor, Model, People, Share};

use super::{
    Actor, Expertise, INFLUENCERS_MOST, LABEL_WORTH, Missing, OCCASIONS_MIN, PEOPLE_MIN,
    PLUS_K_MOST, PersonEvidence, STRENGTH_MIN, WRITTEN_MOST, WRITTEN_POSTS,
    rolled::{About, Rolling},
};

/// A topic and a network; `None` is all of them.
type Place = (TopicId, Option<u32>);

/// How an actor says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    Reacted,
    Said,
    PlusK,
}

/// What an actor did about a topic, weighed: a part of it.
#[derive(Clone, Copy, Debug)]
struct Deed {
    place: Place,
    actor: u32,
    way: Way,
    mass: WeighedMass,
}

/// Mass times the weight of a topic, in 32,768ths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct WeighedMass(u128);

/// What is not of actors.
#[derive(Clone, Debug, Default)]
struct Told {
    direct: bool,
    posts: u32,
    /// Posts, decayed and weighed, in 32,768ths of ten-thousandths.
    written: u128,
    /// The days on which there is a post that somebody reacted to, a bit each.
    days: u128,
    /// The most votes that one post has: nobody votes twice on a post.
    votes: u64,
    /// What reactions without an actor amount to, in 2⁻³⁰.
    unnamed: u128,
    /// What influencers are known for, in 2⁻⁴⁰.
    influencers: u128,
}

/// What actors did, added up.
#[derive(Clone, Copy, Debug, Default)]
struct Done {
    reacted: f64,
    said: f64,
    people: u32,
    saying: u32,
}

/// What became of a post.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Noticed {
    pub(super) by_people: bool,
    pub(super) votes: u64,
    /// What reactions without an actor amount to, in 32,768ths.
    pub(super) unnamed: u128,
}

/// Whoever is likelier than not to be somebody counts as a person; fakes and those who were fooled do not.
pub(super) fn is_somebody(actor: &Actor) -> bool {
    actor.factors.people >= Factor::HALF
}

/// Posts that are older are of one day.
const DAYS_TOLD_APART: u8 = 128;

/// A [`Factor`] of 1, in its multiples.
const ONE_FACTOR: f64 = 1_099_511_627_776.0;

/// In the order of topic and network.
pub(super) fn tally(
    model: &Model,
    ontology: &Ontology,
    evidence: &PersonEvidence,
) -> Vec<Expertise> {
    let rolling = Rolling::new(ontology, &evidence.vetoed);
    let mut told: BTreeMap<Place, Told> = BTreeMap::new();
    let mut deeds = Vec::new();

    let about: Vec<Vec<About>> =
        evidence.posts.iter().map(|post| rolling.up(post.topics.iter().copied())).collect();
    for ((post, about), noticed) in evidence.posts.iter().zip(&about).zip(noticed(model, evidence))
    {
        for (about, place) in places(about, post.network) {
            told.entry(place).or_default().post(model, post.age, about, noticed);
        }
    }
    for reaction in &evidence.reactions {
        let (post, Some(actor)) = (reaction.post as usize, reaction.actor) else { continue };
        let mass = model.mass(reaction.kind, reaction.age, reaction.count);
        for (about, place) in places(&about[post], evidence.posts[post].network) {
            let mass = WeighedMass::of(mass, about.weight);
            deeds.push(Deed { place, actor, way: Way::Reacted, mass });
        }
    }
    for label in &evidence.labels {
        let Some(actor) = label.actor else { continue };
        let mass = model.mass(label.kind, label.age, label.count);
        let way = Way::of_label(label.kind);
        for (about, place) in places(&rolling.up(label.topics.iter().copied()), label.network) {
            told.entry(place).or_default().direct |= about.direct;
            deeds.push(Deed { place, actor, way, mass: WeighedMass::of(mass, about.weight) });
        }
    }
    for influencer in &evidence.influencers {
        #[expect(clippy::cast_possible_truncation, reason = "a score is 1 to 100")]
        let topics =
            influencer.topics.iter().map(|(it, score)| (*it, part_of_scale(*score) as f32));
        for about in rolling.up(topics) {
            let told = told.entry((about.topic, None)).or_default();
            let known = influencer.tie.clamp(0.0, 1.0) * about.weight.people();
            told.influencers += u128::from(Factor::of(known).bits());
            told.direct |= about.direct;
        }
    }
    let done = done(model, evidence, deeds);
    told.into_iter()
        .map(|(place, told)| {
            let done = done.get(&place).copied().unwrap_or_default();
            told.with(model, place, &done)
        })
        .collect()
}

/// Everything that is about a topic counts on its network and on all.
fn places(about: &[About], network: u32) -> impl Iterator<Item = (&About, Place)> {
    about.iter().flat_map(move |it| [None, Some(network)].map(|network| (it, (it.topic, network))))
}

pub(super) fn noticed(model: &Model, evidence: &PersonEvidence) -> Vec<Noticed> {
    let mut noticed = vec![Noticed::default(); evidence.posts.len()];
    for reaction in &evidence.reactions {
        let post = reaction.post as usize;
        let first = model.share(model.mass(reaction.kind, reaction.age, 1));
        if first == Share::NONE || reaction.count == 0 {
            continue;
        }
        match reaction.actor {
            Some(actor) => {
                noticed[post].by_people |= is_somebody(&evidence.actors[actor as usize]);
            }
            None if evidence.vouching.contains(&evidence.posts[post].network) => {
                let votes = &mut noticed[post];
                votes.votes = votes.votes.saturating_add(reaction.count);
                votes.unnamed += u128::from(first.parts()) * u128::from(reaction.count);
            }
            None => {}
        }
    }
    noticed
}

/// By topic and network.
fn done(model: &Model, evidence: &PersonEvidence, mut deeds: Vec<Deed>) -> BTreeMap<Place, Done> {
    deeds.sort_unstable_by_key(|it| (it.place, it.actor, it.way));
    let mut done = BTreeMap::new();
    for of_place in deeds.chunk_by(|one, next| one.place == next.place) {
        let (mut reacted, mut said, mut plus_k) =
            (People::default(), People::default(), People::default());
        let (mut people, mut saying) = (0, 0);
        for of_actor in of_place.chunk_by(|one, next| one.actor == next.actor) {
            let actor = &evidence.actors[of_actor[0].actor as usize];
            let (mut is_there, mut says) = (false, false);
            for of_way in of_actor.chunk_by(|one, next| one.way == next.way) {
                let way = of_way[0].way;
                let mass = WeighedMass::sum(of_way.iter().map(|it| it.mass));
                let share = mass.share(model).less(actor.discount);
                let sum = match way {
                    Way::Reacted => &mut reacted,
                    Way::Said => &mut said,
                    Way::PlusK => &mut plus_k,
                };
                *sum = sum.plus(actor.factors.attention, share);
                is_there |= share > Share::NONE;
                says |= way != Way::Reacted && share > Share::NONE;
            }
            people += u32::from(is_there && is_somebody(actor));
            saying += u32::from(says && is_somebody(actor));
        }
        let said = LABEL_WORTH * said.count() + capped(plus_k.count(), PLUS_K_MOST);
        let reacted = reacted.count();
        done.insert(of_place[0].place, Done { reacted, said, people, saying });
    }
    done
}

/// Below `most`, and as good as `amount` while that is small.
pub(super) fn capped(amount: f64, most: f64) -> f64 {
    -most * libm::expm1(-amount / most)
}

/// A score of 1 is nothing, and one of 100 is everything.
fn part_of_scale(score: f64) -> f64 {
    ((score - 1.0) / 99.0).clamp(0.0, 1.0)
}

#[expect(clippy::cast_precision_loss, reason = "to the nearest")]
fn float(whole: u128) -> f64 {
    whole as f64
}

// === impl Way ===

impl Way {
    pub(super) fn of_label(kind: Kind) -> Self {
        if kind == Kind::PlusK { Self::PlusK } else { Self::Said }
    }
}

// === impl WeighedMass ===

impl WeighedMass {
    pub(super) fn of(mass: u64, weight: Share) -> Self {
        Self(u128::from(mass) * u128::from(weight.parts()))
    }

    pub(super) const fn add(&mut self, other: Self) {
        self.0 = self.0.saturating_add(other.0);
    }

    pub(super) fn sum(parts: impl Iterator<Item = Self>) -> Self {
        Self(parts.fold(0, |sum, it| sum.saturating_add(it.0)))
    }

    /// The part of a person that it amounts to.
    pub(super) fn share(self, model: &Model) -> Share {
        let mass = self.0 / u128::from(Share::WHOLE.parts());
        model.share(u64::try_from(mass).unwrap_or(u64::MAX))
    }

    /// As a number, for parts of it.
    pub(super) fn value(self) -> f64 {
        float(self.0)
    }
}

// === impl Told ===

impl Told {
    fn post(&mut self, model: &Model, age: u8, about: &About, noticed: Noticed) {
        let weight = u128::from(about.weight.parts());
        self.direct |= about.direct;
        self.posts = self.posts.saturating_add(u32::from(age < WINDOW_DAYS));
        self.written += u128::from(model.left(age)) * weight;
        self.votes = self.votes.max(noticed.votes);
        self.unnamed = self.unnamed.saturating_add(noticed.unnamed.saturating_mul(weight));
        if noticed.by_people || noticed.votes > 0 {
            self.days |= 1_u128 << age.min(DAYS_TOLD_APART - 1);
        }
    }

    fn with(self, model: &Model, (topic, network): Place, done: &Done) -> Expertise {
        let weight = f64::from(Share::WHOLE.parts());
        let posts = float(self.written) / (10_000.0 * weight);
        let unnamed = float(self.unnamed) / (weight * weight);
        let known = float(self.influencers) / ONE_FACTOR;
        let written = capped(WRITTEN_MOST * posts / WRITTEN_POSTS, WRITTEN_MOST);
        let reacted = done.reacted + model.unnamed_worth(unnamed);
        let influencers = capped(INFLUENCERS_MOST * known, INFLUENCERS_MOST);
        let people = done.people.max(u32::try_from(self.votes).unwrap_or(u32::MAX));
        let occasions = self.days.count_ones().saturating_add(done.saying);
        Expertise {
            topic,
            network,
            written,
            reacted,
            said: done.said,
            influencers,
            strength: reacted + done.said + written + influencers,
            people,
            posts: self.posts,
            direct: self.direct,
            mostly: topic,
            score: 1.0,
            missing: missing(people, occasions, reacted + done.said),
        }
    }
}

fn missing(people: u32, occasions: u32, from_others: f64) -> Vec<Missing> {
    let people = PEOPLE_MIN.saturating_sub(people);
    let occasions = OCCASIONS_MIN.saturating_sub(occasions);
    let strength = STRENGTH_MIN - from_others;
    [
        (people > 0).then_some(Missing::People(people)),
        (occasions > 0).then_some(Missing::Occasions(occasions)),
        (strength > 0.0).then_some(Missing::Strength(strength)),
    ]
    .into_iter()
    .flatten()
    .collect()
}
