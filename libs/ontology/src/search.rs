//! Finds topics by what their names begin with.

use std::cmp::Reverse;

use crate::{
    fold::fold,
    graph::small,
    topic::{PhraseKind, Topic},
};

/// Whoever searches begins with one of the first words.
const WORDS_MAX: usize = 8;

/// Everything that a topic can be found by, sorted, so that what begins alike lies together.
#[derive(Debug)]
pub(crate) struct Search {
    /// Folded names and aliases, one after another.
    text: String,
    entries: Vec<Entry>,
    /// For each topic its place among all, the more general first, then by English name.
    ranks: Vec<u32>,
    /// All topics by English name.
    by_name: Vec<u32>,
}

/// A name from one of its words on.
#[derive(Clone, Copy, Debug)]
struct Entry {
    start: u32,
    end: u32,
    topic: u32,
    begins: Begins,
}

/// Where in a name an entry begins, the better first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Begins {
    Name,
    Alias,
    Word,
}

// === impl Search ===

impl Search {
    pub(crate) fn new(topics: &[Topic], level: impl Fn(usize) -> u32) -> Self {
        let (mut text, mut entries) = (String::new(), Vec::new());
        for (topic, place) in topics.iter().zip(0_u32..) {
            let names = topic.names.values().map(|name| (name, Begins::Name));
            let aliases = topic.phrases.iter().filter(|phrase| phrase.kind == PhraseKind::Alias);
            let aliases = aliases.map(|phrase| (&phrase.text, Begins::Alias));
            let mut keys: Vec<(String, Begins)> = names
                .chain([(&topic.slug, Begins::Name)])
                .chain(aliases)
                .map(|(name, begins)| (key(name), begins))
                .collect();
            keys.sort_unstable();
            keys.dedup_by(|second, first| second.0 == first.0);
            for (key, begins) in keys {
                let start = text.len();
                text.push_str(&key);
                let end = small(text.len());
                entries.push(Entry { start: small(start), end, topic: place, begins });
                if begins == Begins::Name {
                    for word in word_starts(&key).take(WORDS_MAX) {
                        let start = small(start + word);
                        entries.push(Entry { start, end, topic: place, begins: Begins::Word });
                    }
                }
            }
        }
        entries.sort_by(|a, b| of(&text, *a).cmp(of(&text, *b)));

        let mut by_name: Vec<u32> = (0..small(topics.len())).collect();
        by_name.sort_by_cached_key(|&place| fold(topics[place as usize].english_name()));
        let mut ranks = vec![0; topics.len()];
        let mut order = by_name.clone();
        order.sort_by_key(|&place| level(place as usize));
        for (rank, place) in (0_u32..).zip(order) {
            ranks[place as usize] = rank;
        }
        Self { text, entries, ranks, by_name }
    }

    /// Places of topics, the best match first.
    pub(crate) fn find(&self, query: &str) -> Vec<u32> {
        let query = key(query);
        if query.is_empty() {
            return self.by_name.clone();
        }
        let start = self.entries.partition_point(|it| of(&self.text, *it) < query.as_str());
        let found = self.entries[start..]
            .iter()
            .take_while(|entry| of(&self.text, **entry).starts_with(&query));
        let mut found: Vec<_> = found
            .map(|entry| {
                let whole =
                    of(&self.text, *entry).len() == query.len() && entry.begins < Begins::Word;
                (entry.topic, Reverse(whole), entry.begins)
            })
            .collect();
        found.sort_unstable();
        found.dedup_by_key(|(topic, ..)| *topic);
        found.sort_by_key(|&(topic, whole, begins)| (whole, begins, self.ranks[topic as usize]));
        found.into_iter().map(|(topic, ..)| topic).collect()
    }
}

/// People who search for a hashtag mean its word.
fn key(text: &str) -> String {
    fold(text).trim_start_matches(['#', ' ']).to_owned()
}

fn of(text: &str, entry: Entry) -> &str {
    &text[entry.start as usize..entry.end as usize]
}

/// Where the words of a name begin, but for its first.
fn word_starts(name: &str) -> impl Iterator<Item = usize> {
    let mut before = None;
    name.char_indices().filter_map(move |(at, character)| {
        let begins =
            character.is_alphanumeric() && before.is_some_and(|it: char| !it.is_alphanumeric());
        before = Some(character);
        begins.then_some(at)
    })
}
