//! What is written about topics: the words of their names, keywords and descriptions, the rarer among topics
//! the more telling. A post in which many of them stand is about the topic even if nothing names it, and they
//! tell which of several topics a name means.

use std::cell::RefCell;

use klout_ontology::{Ontology, PhraseKind};
use rustc_hash::FxHashMap;

use super::{
    fold::{self, Folded, Place},
    index,
    inflect::singular,
    lists,
};

/// Words with the same first letters are forms of one: simulate, simulation, simulating.
const LETTERS: usize = 6;
/// A word of more topics than this says nothing about any. At least [`TOPICS_MIN`] topics may share one.
const SHARE_MAX: f64 = 0.3;
const TOPICS_MIN: usize = 3;
/// A bound on what one word of a post costs.
const TOPICS_MAX: usize = 64;

/// A word of a name counts like several of a description.
const NAME: f32 = 5.0;
const KEYWORD: f32 = 2.0;
const DESCRIPTION: f32 = 1.0;
/// So many times a word has to stand in a short post for half of its weight.
const HALF: f32 = 2.0;

/// The portraits of all topics that are described.
#[derive(Debug, Default)]
pub(super) struct Portraits {
    words: FxHashMap<u64, (u32, u32)>,
    shares: Vec<Share>,
    topics: usize,
}

/// How much of a topic's portrait a word is.
#[derive(Clone, Copy, Debug)]
struct Share {
    topic: u32,
    weight: f32,
    /// Whether the word is of a name or a keyword, and so is found as one.
    phrased: bool,
}

/// How much of a topic's portrait a post shows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Likeness {
    pub(super) all: f32,
    /// Without the words of its names and keywords.
    pub(super) described: f32,
    pub(super) words: u16,
}

/// A word of a post that is in portraits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    word: (u32, u32),
    count: f32,
    /// Where it stands first.
    pub(super) first: u32,
}

thread_local! {
    /// One for each topic, and all of them nothing between two posts: clearing as many as there are topics for
    /// each post takes longer than reading it.
    static LIKENESS: RefCell<Vec<Likeness>> = const { RefCell::new(Vec::new()) };
}

// === impl Portraits ===

impl Portraits {
    pub(super) fn new(ontology: &Ontology) -> Self {
        let topics = ontology.topics();
        let mut drawn: Vec<(u64, Share)> = Vec::new();
        for (topic, place) in topics.iter().zip(0_u32..) {
            let mut words: FxHashMap<u64, (f32, bool)> = FxHashMap::default();
            let mut add = |text: &str, weight: f32| {
                let folded = fold::fold(text);
                for word in folded.words() {
                    if let Some(key) = key_of_telling(folded.letters(word)) {
                        let known = words.entry(key).or_default();
                        *known = (known.0.max(weight), known.1 || weight > DESCRIPTION);
                    }
                }
            };
            let keywords: Vec<&str> = topic
                .phrases
                .iter()
                .filter(|it| it.kind == PhraseKind::Keyword)
                .map(|it| &*it.text)
                .collect();
            // A name alone paints nothing: its words, apart from each other, are anybody's.
            if topic.description.is_none() && keywords.is_empty() {
                continue;
            }
            topic.names.values().for_each(|name| add(name, NAME));
            keywords.iter().for_each(|keyword| add(keyword, KEYWORD));
            if let Some(description) = &topic.description {
                add(description, DESCRIPTION);
            }
            drawn.extend(
                words
                    .into_iter()
                    .map(|(key, (weight, phrased))| (key, Share { topic: place, weight, phrased })),
            );
        }
        drawn.sort_unstable_by_key(|(key, share)| (*key, share.topic));
        Self::of(drawn, topics.len())
    }

    fn of(drawn: Vec<(u64, Share)>, topics: usize) -> Self {
        let mut portraits = Self { topics, ..Self::default() };
        let count = float(topics);
        let limit = (TOPICS_MIN..=topics.max(TOPICS_MIN))
            .rev()
            .find(|limit| float(*limit) <= SHARE_MAX * count)
            .unwrap_or(TOPICS_MIN)
            .min(TOPICS_MAX);
        let mut squares = vec![0.0_f32; topics];
        for shares in drawn.chunk_by(|one, other| one.0 == other.0) {
            if shares.len() > limit {
                continue;
            }
            let rarity =
                ((count + 1.0) / (float(shares.len()) + 0.5)).ln() / ((count + 1.0) / 1.5).ln();
            let start = portraits.shares.len();
            for (_, share) in shares {
                #[expect(clippy::cast_possible_truncation, reason = "between 0 and 1")]
                let weight = share.weight * rarity as f32;
                squares[share.topic as usize] += weight * weight;
                portraits.shares.push(Share { weight, ..*share });
            }
            let range = (index(start), index(portraits.shares.len()));
            portraits.words.insert(shares[0].0, range);
        }
        for share in &mut portraits.shares {
            share.weight /= squares[share.topic as usize].sqrt();
        }
        portraits.words.shrink_to_fit();
        portraits.shares.shrink_to_fit();
        portraits
    }

    pub(super) fn is_empty(&self) -> bool {
        self.shares.is_empty()
    }

    /// Each word of a post that is in a portrait, once.
    pub(super) fn see(&self, folded: &Folded, weight: impl Fn(Place) -> f32) -> Vec<Seen> {
        let mut seen = Vec::with_capacity(folded.words().len());
        for (at, word) in folded.words().iter().enumerate() {
            if word.place == Place::Name {
                continue;
            }
            let found = key(folded.letters(word)).and_then(|key| self.words.get(&key));
            if let Some(range) = found {
                seen.push(Seen { word: *range, count: weight(word.place), first: index(at) });
            }
        }
        seen.sort_unstable_by_key(|it| (it.word, it.first));
        seen.dedup_by(|next, kept| {
            let same = next.word == kept.word;
            if same {
                kept.count += next.count;
            }
            same
        });
        seen
    }

    /// How much these topics are like what was seen, and all others for which `is_enough`; in no order.
    ///
    /// `length`: 1 for a short post, and more for one in which a word stands by chance sooner.
    pub(super) fn compare(
        &self,
        seen: &[Seen],
        length: f32,
        topics: impl Iterator<Item = u32>,
        is_enough: impl Fn(&Likeness) -> bool,
    ) -> FxHashMap<u32, Likeness> {
        LIKENESS.with_borrow_mut(|likeness| {
            likeness.resize(self.topics.max(likeness.len()), Likeness::default());
            let mut touched = Vec::with_capacity(8 * seen.len());
            for it in seen {
                let count = it.count / (it.count + HALF * length);
                for share in &self.shares[it.word.0 as usize..it.word.1 as usize] {
                    let topic = &mut likeness[share.topic as usize];
                    if topic.words == 0 {
                        touched.push(share.topic);
                    }
                    topic.all += share.weight * count;
                    topic.described += if share.phrased { 0.0 } else { share.weight * count };
                    topic.words = topic.words.saturating_add(1);
                }
            }
            let mut found: FxHashMap<u32, Likeness> =
                topics.map(|topic| (topic, likeness[topic as usize])).collect();
            for topic in touched {
                let like = std::mem::take(&mut likeness[topic as usize]);
                if is_enough(&like) {
                    found.insert(topic, like);
                }
            }
            found
        })
    }

    /// What of the words seen is in a topic's portrait, the most telling first.
    pub(super) fn telling(&self, seen: &[Seen], length: f32, topic: u32) -> Vec<(f32, u32)> {
        let mut telling: Vec<(f32, u32)> = seen
            .iter()
            .filter_map(|it| {
                let shares = &self.shares[it.word.0 as usize..it.word.1 as usize];
                let share = shares.binary_search_by_key(&topic, |share| share.topic).ok()?;
                Some((shares[share].weight * it.count / (it.count + HALF * length), it.first))
            })
            .collect();
        telling.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
        telling
    }

    pub(super) fn bytes(&self) -> usize {
        // A table of hashes has a byte of its own for each place.
        self.words.capacity() * (size_of::<(u64, (u32, u32))>() + 1) + size_of_val(&*self.shares)
    }
}

/// The same for words that begin alike. `None`: too short, or of a script in which a character is a word.
fn key(letters: &[u8]) -> Option<u64> {
    if letters.len() < 2 {
        return None;
    }
    if letters.is_ascii() {
        // Checked: ASCII is UTF-8.
        let word = str::from_utf8(letters).ok()?;
        let word = singular(word).as_bytes();
        let mut key = [0; 8];
        let length = word.len().min(LETTERS);
        key[..length].copy_from_slice(&word[..length]);
        return Some(u64::from_le_bytes(key));
    }
    let word = str::from_utf8(letters.get(..letters.len().min(4 * LETTERS))?);
    let word = word.unwrap_or_else(|error| {
        str::from_utf8(&letters[..error.valid_up_to()]).unwrap_or_default()
    });
    let mut key: u64 = 0xcbf2_9ce4_8422_2325;
    let mut count = 0;
    for char in word.chars().take(LETTERS) {
        key = (key ^ u64::from(u32::from(char))).wrapping_mul(0x0100_0000_01b3);
        count += 1;
    }
    // The highest bit keeps them apart from ASCII.
    (count > 1).then_some(key | 1 << 63)
}

fn key_of_telling(letters: &[u8]) -> Option<u64> {
    let word = str::from_utf8(letters).ok()?;
    if lists::is_function_word(word) { None } else { key(letters) }
}

#[expect(clippy::cast_precision_loss, reason = "counts of topics")]
fn float(count: usize) -> f64 {
    count as f64
}
