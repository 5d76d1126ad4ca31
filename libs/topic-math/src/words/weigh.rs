//! From what was found to what the post is about.

use std::cmp::Ordering;

use klout_model::TopicId;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    Matcher, PostTopic, TOPICS_MAX, WORDS_MAX, Words,
    evidence::{Evidence, Findings, gather, weight_of},
    portraits::{Likeness, Seen},
    sources::Sources,
};

/// Of a post of so many words, one that names a topic once is half as sure as can be.
const SHORT_WORDS: f32 = 50.0;
/// How much of a portrait without the words of its names speaks for a doubtful name, or for a keyword.
const DESCRIBED_MIN: f32 = 0.12;
/// How much of a portrait is enough if nothing names the topic, and how many different words.
const LIKE_MIN: f32 = 0.2;
const LIKE_WORDS_MIN: u16 = 3;
/// What a portrait counts, beside names.
const LIKE: f32 = 2.0;
/// So often a topic without a portrait has to be named to count as half of one.
const NAMES_HALF: f32 = 4.0;
/// What keywords count, each.
const KEYWORD: f32 = 0.2;
const KEYWORDS_MAX: usize = 3;
/// A doubtful name for which nothing else speaks, but which is written like a name or is a tag.
const UNSUPPORTED: f32 = 0.5;
/// A topic beside a descendant of it.
const ANCESTOR: f32 = 0.5;
/// What makes a weight of one half.
const HALF: f32 = 0.5;
/// A topic that is mentioned in a post whose tags say what it is about, and that is kin to none of those.
const MENTIONED: f32 = 0.5;
/// Such a post is not about a topic that is so much weaker than another.
const BESIDE_MIN: f32 = 0.4;
/// So many topics a post is about before each counts less, and by how much with each.
const TOPICS_FREE: f32 = 4.0;
const CROWDED: f32 = 0.1;
/// A post is not about what weighs less.
const WEIGHT_MIN: f32 = 0.15;

/// What speaks for the topics of a post besides their own names.
struct Company {
    /// Where the first and the last of those were found that a topic is kin to; by topic.
    found: FxHashMap<u32, (u32, u32)>,
    /// The author's topics, and what they are kin to.
    author_of: FxHashSet<u32>,
    author: FxHashSet<u32>,
}

/// What something else speaks for.
struct Speaks {
    for_name: bool,
    /// Not what is only near the topic: that speaks for its name, which is there, and not for a topic that is
    /// not.
    for_keyword: bool,
}

pub(super) fn topics(
    matcher: &Matcher,
    words: &Words<'_>,
    sources: &Sources<'_>,
    author: &[TopicId],
) -> Vec<PostTopic> {
    let folded = &sources.folded;
    if folded.words().is_empty() {
        return Vec::new();
    }
    let findings = gather(matcher, words, sources);
    let seen = if matcher.portraits.is_empty() {
        Vec::new()
    } else {
        matcher.portraits.see(folded, weight_of)
    };
    #[expect(clippy::cast_precision_loss, reason = "words of a post")]
    let length = (folded.words().len() as f32 / SHORT_WORDS).max(1.0).sqrt();
    let is_enough = |it: &Likeness| it.all >= LIKE_MIN && it.words >= LIKE_WORDS_MIN;
    let likeness = matcher.portraits.compare(&seen, length, findings.keys().copied(), is_enough);
    let like = |topic: u32| likeness.get(&topic).copied().unwrap_or_default();

    let company = Company::new(matcher, &findings, author);
    let mut strengths: Vec<(u32, f32)> = findings
        .iter()
        .map(|(topic, evidence)| {
            let speaks = company.speaks_for(matcher, *topic, evidence, like(*topic));
            (*topic, strength(evidence, &speaks, like(*topic), length))
        })
        .filter(|it| it.1 > 0.0)
        .collect();
    for (topic, like) in likeness.iter().filter(|it| is_enough(it.1)) {
        if !is_named(&findings, *topic) {
            strengths.retain(|it| it.0 != *topic);
            strengths.push((*topic, LIKE * like.all));
        }
    }
    yield_to_tags(matcher, &findings, &mut strengths);
    weigh(matcher, &mut strengths);
    strengths.sort_by(|one, other| best_first(*one, *other));
    strengths.truncate(TOPICS_MAX);
    let told = strengths.into_iter().map(|(topic, weight)| PostTopic {
        topic: matcher.ontology.topics()[topic as usize].id,
        weight,
        words: told(matcher, sources, findings.get(&topic), (&seen, length), topic),
    });
    told.collect()
}

fn is_named(findings: &Findings, topic: u32) -> bool {
    findings.get(&topic).is_some_and(|it| !it.names.is_empty())
}

/// The heaviest first; between equals the order of the ontology.
fn best_first(one: (u32, f32), other: (u32, f32)) -> Ordering {
    other.1.total_cmp(&one.1).then(one.0.cmp(&other.0))
}

/// How surely a post is about a topic. 0: not at all.
fn strength(evidence: &Evidence, speaks: &Speaks, like: Likeness, length: f32) -> f32 {
    let doubtful = if speaks.for_name { evidence.doubtful } else { UNSUPPORTED * evidence.proper };
    let named = evidence.sure + doubtful;
    let keywords = evidence.keywords.len().min(KEYWORDS_MAX);
    #[expect(clippy::cast_precision_loss, reason = "at most three")]
    let keywords = KEYWORD
        * keywords as f32
        * (evidence.keyword_count / (evidence.keyword_count + length)).max(0.0);
    // A topic without a portrait shows as much as its name does.
    let like = if like.words == 0 { named / (named + NAMES_HALF * length) } else { like.all };
    let rest = 2.0 * keywords + LIKE * like;
    if named > 0.0 {
        return named / (named + length) + rest;
    }
    // Two keywords speak for each other.
    let told = evidence.own_keywords > 1
        || evidence.tagged
        || evidence.own_keywords > 0 && speaks.for_keyword;
    if told { KEYWORD + rest } else { 0.0 }
}

/// Whoever tags a post says what it is about, and what it only mentions.
fn yield_to_tags(matcher: &Matcher, findings: &Findings, strengths: &mut Vec<(u32, f32)>) {
    let is_tagged = |topic: u32| findings.get(&topic).is_some_and(|it| it.tagged);
    let tagged = strengths.iter().map(|it| it.0).filter(|it| is_tagged(*it));
    let near: FxHashSet<u32> = tagged.flat_map(|it| matcher.kinship.near(it)).copied().collect();
    if near.is_empty() {
        return;
    }
    let most = strengths.iter().map(|it| it.1).fold(0.0, f32::max);
    strengths.retain_mut(|(topic, strength)| {
        if !matcher.kinship.near(*topic).iter().any(|it| near.contains(it)) {
            *strength *= MENTIONED;
        }
        *strength >= BESIDE_MIN * most
    });
}

/// Makes weights of strengths.
fn weigh(matcher: &Matcher, strengths: &mut Vec<(u32, f32)>) {
    let named: FxHashSet<u32> = strengths.iter().map(|it| it.0).collect();
    let mut above: FxHashSet<u32> = FxHashSet::default();
    for topic in &named {
        let lineage = matcher.kinship.lineage(*topic).iter();
        above.extend(lineage.filter(|it| *it != topic && named.contains(it)));
    }
    #[expect(clippy::cast_precision_loss, reason = "topics of a post")]
    let crowd = (strengths.len() as f32 - above.len() as f32 - TOPICS_FREE).max(0.0);
    for (topic, strength) in strengths.iter_mut() {
        if above.contains(topic) {
            *strength *= ANCESTOR;
        }
        *strength = *strength / (*strength + HALF) / (1.0 + CROWDED * crowd);
    }
    strengths.retain(|it| it.1 >= WEIGHT_MIN);
}

// === impl Company ===

impl Company {
    fn new(matcher: &Matcher, findings: &Findings, author: &[TopicId]) -> Self {
        let mut found: FxHashMap<u32, (u32, u32)> = FxHashMap::default();
        for (topic, evidence) in findings {
            let speaks = !evidence.names.is_empty() || evidence.own_keywords > 1;
            for kin in matcher.kinship.near(*topic).iter().filter(|_| speaks) {
                let ends = found.entry(*kin).or_insert((evidence.first, evidence.first));
                *ends = (ends.0.min(evidence.first), ends.1.max(evidence.first));
            }
        }
        let author_of: FxHashSet<u32> =
            author.iter().filter_map(|id| matcher.ontology.place(*id)).collect();
        let author = author_of.iter().flat_map(|it| matcher.kinship.near(*it)).copied().collect();
        Self { found, author_of, author }
    }

    /// Whether something else in the post, or what its author writes about, speaks for a topic.
    fn speaks_for(
        &self,
        matcher: &Matcher,
        topic: u32,
        evidence: &Evidence,
        like: Likeness,
    ) -> Speaks {
        let near = matcher.kinship.near(topic);
        // The same words may be found for several topics, which then say nothing for each other.
        let others = |it: &u32| {
            self.found
                .get(it)
                .is_some_and(|(first, last)| *first != evidence.first || *last != evidence.first)
        };
        let described = like.described >= DESCRIBED_MIN;
        let for_name = described
            || evidence.names.len() + evidence.keywords.len() > 1
            || near.iter().any(others)
            || near.iter().any(|it| self.author.contains(it));
        Speaks { for_name, for_keyword: described || self.author_of.contains(&topic) }
    }
}

/// The words that a topic was found by, as they stand in the post, the strongest first.
fn told(
    matcher: &Matcher,
    sources: &Sources<'_>,
    evidence: Option<&Evidence>,
    (seen, length): (&[Seen], f32),
    topic: u32,
) -> Vec<String> {
    let stands = sources.folded.words();
    let text = |first: u32, last: u32| {
        let (first, last) = (&stands[first as usize], &stands[last as usize]);
        &sources.texts[first.source as usize][first.start as usize..last.end as usize]
    };
    let found = evidence.map_or(&[][..], |it| &it.found);
    let mut told: Vec<(f32, &str)> =
        found.iter().map(|it| (it.strength, text(it.words.0, it.words.1))).collect();
    // A phrase that stands there several times is told once, where it is strongest.
    told.sort_by(|one, other| one.1.cmp(other.1).then(other.0.total_cmp(&one.0)));
    told.dedup_by(|next, kept| next.1 == kept.1);
    told.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(other.1)));
    if told.len() < WORDS_MAX {
        for (strength, at) in matcher.portraits.telling(seen, length, topic) {
            let word = text(at, at);
            if !told.iter().any(|it| it.1.contains(word)) {
                told.push((strength, word));
            }
        }
    }
    told.truncate(WORDS_MAX);
    told.into_iter().map(|it| it.1.to_owned()).collect()
}
