//! The posts and the people behind a topic.

use std::collections::BTreeMap;

use klout_model::{Kind, TopicId};
use klout_ontology::Ontology;
use klout_score_math::{Model, Share};

use super::{
    Expertise, LABEL_WORTH, PLUS_K_MOST, PersonEvidence,
    rolled::Rolling,
    tally::{Way, WeighedMass, capped, is_somebody, noticed},
};

/// What a topic of a person rests on. All of it together adds up to the strength without its influencers, which are
/// neither posts nor people of the topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Behind {
    /// The strongest first.
    pub posts: Vec<PostBehind>,
    /// The strongest first. What somebody did about a post is with the post too.
    pub people: Vec<PersonBehind>,
    /// Labels that name it.
    pub labels: Vec<u32>,
}

/// A post, by its place in the evidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PostBehind {
    pub post: u32,
    /// How much of it is about the topic, above 0 and at most 1.
    pub weight: f64,
    /// Distinct people who reacted to it, as [`Expertise::people`] counts them.
    pub people: u32,
    /// What it adds: itself and its part of what was done about it.
    pub strength: f64,
}

/// Somebody who reacted or said it, by their place among the actors.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonBehind {
    pub actor: u32,
    /// Sorted.
    pub kinds: Vec<Kind>,
    pub strength: f64,
}

/// What an actor did: to which posts, and how.
#[derive(Debug, Default)]
struct Deeds {
    by_post: BTreeMap<u32, WeighedMass>,
    said: WeighedMass,
    plus_k: WeighedMass,
    kinds: Vec<Kind>,
}

/// - `expertise`: of the same evidence, on all networks.
#[must_use]
pub fn behind(
    model: &Model,
    ontology: &Ontology,
    evidence: &PersonEvidence,
    expertise: &Expertise,
) -> Behind {
    let topic = expertise.topic;
    let rolling = Rolling::new(ontology, &evidence.vetoed);
    let weight = |topics: &[(TopicId, f32)]| {
        let about = rolling.up(topics.iter().copied());
        about.iter().find(|it| it.topic == topic).map_or(Share::NONE, |it| it.weight)
    };
    let weights: Vec<Share> = evidence.posts.iter().map(|it| weight(&it.topics)).collect();
    let mut deeds: BTreeMap<u32, Deeds> = BTreeMap::new();
    for reaction in &evidence.reactions {
        let (weight, Some(actor)) = (weights[reaction.post as usize], reaction.actor) else {
            continue;
        };
        if weight > Share::NONE {
            let mass = model.mass(reaction.kind, reaction.age, reaction.count);
            let deeds = deeds.entry(actor).or_default();
            deeds.by_post.entry(reaction.post).or_default().add(WeighedMass::of(mass, weight));
            deeds.kinds.push(reaction.kind);
        }
    }
    let mut labels = Vec::new();
    for (label, number) in evidence.labels.iter().zip(0..) {
        let (weight, Some(actor)) = (weight(&label.topics), label.actor) else { continue };
        if weight > Share::NONE {
            labels.push(number);
            let mass = WeighedMass::of(model.mass(label.kind, label.age, label.count), weight);
            let deeds = deeds.entry(actor).or_default();
            match Way::of_label(label.kind) {
                Way::PlusK => deeds.plus_k.add(mass),
                Way::Reacted | Way::Said => deeds.said.add(mass),
            }
            deeds.kinds.push(label.kind);
        }
    }
    let mut of_posts: BTreeMap<u32, (f64, u32)> = BTreeMap::new();
    let plus_k: f64 =
        deeds.iter().map(|(actor, it)| worth(model, evidence, *actor, it.plus_k)).sum();
    let kept = if plus_k > 0.0 { capped(plus_k, PLUS_K_MOST) / plus_k } else { 0.0 };
    let mut people = Vec::new();
    for (actor, mut it) in deeds {
        let mass = WeighedMass::sum(it.by_post.values().copied());
        let reacted = worth(model, evidence, actor, mass);
        for (post, part) in &it.by_post {
            let (strength, people) = of_posts.entry(*post).or_default();
            *strength +=
                if mass.value() > 0.0 { reacted * (part.value() / mass.value()) } else { 0.0 };
            let counts = worth(model, evidence, actor, *part) > 0.0;
            *people += u32::from(counts && is_somebody(&evidence.actors[actor as usize]));
        }
        let said = LABEL_WORTH * worth(model, evidence, actor, it.said)
            + kept * worth(model, evidence, actor, it.plus_k);
        it.kinds.sort_unstable();
        it.kinds.dedup();
        people.push(PersonBehind { actor, kinds: it.kinds, strength: reacted + said });
    }
    let posts = posts(model, evidence, &weights, expertise, &of_posts);
    people.sort_by(|one, next| next.strength.total_cmp(&one.strength));
    Behind { posts, people, labels }
}

fn posts(
    model: &Model,
    evidence: &PersonEvidence,
    weights: &[Share],
    expertise: &Expertise,
    reacted: &BTreeMap<u32, (f64, u32)>,
) -> Vec<PostBehind> {
    let noticed = noticed(model, evidence);
    let written = |post: usize| {
        let left = model.left(evidence.posts[post].age);
        WeighedMass::of(left, weights[post]).value()
    };
    let unnamed = |post: usize| {
        let parts = u64::try_from(noticed[post].unnamed).unwrap_or(u64::MAX);
        WeighedMass::of(parts, weights[post]).value()
    };
    let about: Vec<usize> = (0..weights.len()).filter(|it| weights[*it] > Share::NONE).collect();
    let all_written: f64 = about.iter().map(|it| written(*it)).sum();
    let all_unnamed: f64 = about.iter().map(|it| unnamed(*it)).sum();
    let whole = f64::from(Share::WHOLE.parts());
    let unnamed_worth = model.unnamed_worth(all_unnamed / (whole * whole));
    let part = |of: f64, all: f64, worth: f64| if all > 0.0 { worth * (of / all) } else { 0.0 };
    let mut posts: Vec<PostBehind> = about
        .into_iter()
        .map(|place| {
            let post = u32::try_from(place).expect("posts are numbered by 32 bits");
            let (reacted, people) = reacted.get(&post).copied().unwrap_or_default();
            let votes = u32::try_from(noticed[place].votes).unwrap_or(u32::MAX);
            let strength = reacted
                + part(written(place), all_written, expertise.written)
                + part(unnamed(place), all_unnamed, unnamed_worth);
            PostBehind {
                post,
                weight: weights[place].people(),
                people: people.max(votes),
                strength,
            }
        })
        .collect();
    posts.sort_by(|one, next| next.strength.total_cmp(&one.strength));
    posts
}

/// What some of what an actor did is worth, in people.
fn worth(model: &Model, evidence: &PersonEvidence, actor: u32, mass: WeighedMass) -> f64 {
    let actor = &evidence.actors[actor as usize];
    mass.share(model).less(actor.discount).people() * actor.factors.attention.value()
}
