//! What was found of each topic in a post.

use std::cell::OnceCell;

use klout_ontology::Language;
use rustc_hash::FxHashMap;

use super::{
    Matcher, Words,
    fold::{BREAK, Place},
    index, lists,
    sources::Sources,
    vocabulary::{Form, Kind, Meaning, is_joined_in_text, is_marked},
};

/// How many different phrases of one topic are told apart. More make it no surer.
const PHRASES_MAX: usize = 8;
/// How many places where a topic was found are kept: more than are told, since some say the same.
const FOUND_MAX: usize = 32;

/// An English name in a text of another language is often another word.
const ENGLISH_ELSEWHERE: f32 = 0.6;
/// Tags are in any language, and short.
const FOREIGN_TAG: f32 = 0.7;

/// What was found of one topic.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// How often it is named, by words that mean nothing else.
    pub(super) sure: f32,
    /// How often by words that may mean something else.
    pub(super) doubtful: f32,
    /// How much of that is written like a name, or is a tag.
    pub(super) proper: f32,
    /// Different names, by the numbers of their phrases.
    pub(super) names: Vec<u32>,
    /// Different keywords.
    pub(super) keywords: Vec<u32>,
    /// How often keywords stand there.
    pub(super) keyword_count: f32,
    /// How many of them name no other topic, which would be reason enough to stand there.
    pub(super) own_keywords: usize,
    /// Whether its author tagged the post with one of these, or with a name.
    pub(super) tagged: bool,
    /// Where the first that was found stands.
    pub(super) first: u32,
    pub(super) found: Vec<Found>,
}

/// Where something was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) strength: f32,
    /// The first word and the last.
    pub(super) words: (u32, u32),
}

/// What was found of all topics, by their place in the ontology.
pub(super) type Findings = FxHashMap<u32, Evidence>;

/// A phrase that was found, and how it stands there.
struct Hit<'a> {
    words: (u32, u32),
    letters: usize,
    place: Place,
    text: &'a str,
    /// One ordinary word.
    is_ordinary: bool,
    /// With a capital where none is needed.
    is_proper: bool,
    /// Of some topic.
    is_name: bool,
    /// A character of Chinese or Japanese without such a one before it, and after it.
    is_alone: (bool, bool),
}

/// How much a word counts by where it stands.
pub(super) const fn weight_of(place: Place) -> f32 {
    match place {
        Place::Title | Place::Tag => 2.0,
        Place::Body => 1.0,
        Place::Path | Place::Name => 0.5,
    }
}

/// Looks for everything at once.
pub(super) fn gather(matcher: &Matcher, words: &Words<'_>, sources: &Sources<'_>) -> Findings {
    let folded = &sources.folded;
    let told = OnceCell::new();
    let language = || {
        let tell = || matcher.languages.tell(sources.texts[0], folded);
        *told.get_or_init(|| words.language.or_else(tell))
    };
    let mut findings = Findings::default();
    let (mut first, mut tag, mut covered) = (0_usize, 0_usize, None);
    matcher.vocabulary.find(folded.bytes(), |start, end, meanings| {
        let stands = folded.words();
        while (stands[first].at as usize) < start {
            first += 1;
        }
        let mut last = first;
        while stands.get(last + 1).is_some_and(|next| (next.at as usize) < end) {
            last += 1;
        }
        if stands[first].place == Place::Tag {
            while sources.tags.get(tag).is_some_and(|it| it.end as usize <= first) {
                tag += 1;
            }
            let is_apart = sources.tags.get(tag).is_some_and(|it| first >= it.apart as usize);
            // What is found in a tag as it is, is not found in its parts: JavaScript is not Java.
            if is_apart && covered == Some(tag) {
                return;
            }
            if !is_apart {
                covered = Some(tag);
            }
        }
        let mut hit = Hit::new(sources, (first, last), start..end);
        hit.is_name = meanings.iter().any(|it| {
            matches!(it.kind, Kind::Name | Kind::Alias) && !it.doubtful && hit.can_be(it)
        });
        for meanings in meanings.chunk_by(|one, other| one.topic == other.topic) {
            if meanings.iter().any(|it| it.kind == Kind::Except) {
                continue;
            }
            let best = meanings
                .iter()
                .filter(|it| hit.can_be(it))
                .map(|it| (it, hit.factor(it.language, language)))
                .max_by(|one, other| one.1.total_cmp(&other.1));
            if let Some((meaning, factor)) = best.filter(|it| it.1 > 0.0) {
                let evidence = findings.entry(meaning.topic);
                let evidence = evidence
                    .or_insert_with(|| Evidence { first: hit.words.0, ..Evidence::default() });
                evidence.add(&hit, meaning, factor, language);
            }
        }
    });
    findings
}

const fn is_han(char: char) -> bool {
    matches!(char, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
}

// === impl Hit ===

impl<'a> Hit<'a> {
    fn new(
        sources: &Sources<'a>,
        (first, last): (usize, usize),
        at: std::ops::Range<usize>,
    ) -> Self {
        let (folded, stands) = (&sources.folded, sources.folded.words());
        let word = &stands[first];
        let text = sources.texts[word.source as usize];
        let (before, after) = (&text[..word.start as usize], &text[stands[last].end as usize..]);
        let text = &text[word.start as usize..stands[last].end as usize];
        let is_one = first == last && text.chars().next().is_some_and(is_han);
        let is_alone = (
            is_one && !before.chars().next_back().is_some_and(is_han),
            is_one && !after.chars().next().is_some_and(is_han),
        );
        let letters = &folded.bytes()[at.start + 1..at.end - 1];
        let is_ordinary = first == last
            && str::from_utf8(letters)
                .is_ok_and(|it| lists::is_function_word(it) || lists::is_homograph(it));
        let goes_on = word.at > 0
            && folded.bytes()[word.at as usize - 1] != BREAK
            && first > 0
            && stands[first - 1].place == word.place;
        // The Office is a title, and the office and The office are none.
        let end = &sources.texts[word.source as usize][stands[last].start as usize..];
        let is_proper =
            goes_on && text.starts_with(char::is_uppercase) && end.starts_with(char::is_uppercase);
        Self {
            words: (index(first), index(last)),
            letters: str::from_utf8(letters).map_or(0, |it| it.chars().count()),
            place: word.place,
            text,
            is_ordinary,
            is_proper,
            is_name: false,
            is_alone,
        }
    }

    fn can_be(&self, meaning: &Meaning) -> bool {
        meaning.form != Form::Joined
            || !matches!(self.place, Place::Title | Place::Body)
            || is_joined_in_text(self.letters)
    }

    /// How much a phrase of a language counts here.
    fn factor(&self, of: Option<Language>, language: impl Fn() -> Option<Language>) -> f32 {
        let Some(of) = of else { return 1.0 };
        let is_english = of == Language::ENGLISH;
        let is_tag = self.place == Place::Tag;
        match language() {
            Some(language) if language == of => 1.0,
            _ if is_tag && is_english => 1.0,
            Some(_) if is_english => ENGLISH_ELSEWHERE,
            _ if !is_english && self.is_ordinary => 0.0,
            Some(_) if is_tag => FOREIGN_TAG,
            Some(_) => 0.0,
            None => 1.0,
        }
    }

    fn is_in_capitals(&self) -> bool {
        self.text.chars().all(|it| !it.is_lowercase())
    }
}

// === impl Evidence ===

impl Evidence {
    fn add(
        &mut self,
        hit: &Hit<'_>,
        meaning: &Meaning,
        factor: f32,
        language: impl Fn() -> Option<Language>,
    ) {
        let count = factor * weight_of(hit.place);
        let note = |phrases: &mut Vec<u32>| {
            let is_new = phrases.len() < PHRASES_MAX && !phrases.contains(&meaning.phrase);
            if is_new {
                phrases.push(meaning.phrase);
            }
            is_new
        };
        let strength = if meaning.kind == Kind::Keyword {
            let is_new = note(&mut self.keywords);
            self.own_keywords += usize::from(is_new && !hit.is_name);
            self.keyword_count += count;
            self.tagged |= hit.place == Place::Tag && !hit.is_name;
            count
        } else if hit.place == Place::Name {
            // Who is spoken to or linked is seldom what the post is about.
            note(&mut self.keywords);
            self.keyword_count += count;
            count
        } else {
            note(&mut self.names);
            self.tagged |= hit.place == Place::Tag;
            // Who writes marks means them: Barça is no barca.
            let is_other = !meaning.marked && is_marked(hit.text);
            // One English word in another language is often one of that language, and a name less often.
            let is_foreign = factor < 1.0
                && meaning.one_word
                && meaning.kind == Kind::Alias
                && !hit.text.starts_with(char::is_uppercase);
            let doubtful = is_other
                || is_foreign
                || meaning.doubtful
                    && hit.is_alone != (true, true)
                    && !(meaning.capitals && hit.is_in_capitals())
                || meaning.capitals && !hit.is_in_capitals() && hit.place != Place::Tag;
            if doubtful {
                self.doubtful += count;
                // German writes every noun with a capital.
                let is_german = |it: Language| it.as_str() == "de";
                let is_name = hit.is_proper
                    && meaning.proper
                    && !meaning.language.is_some_and(is_german)
                    && !language().is_some_and(is_german);
                // What a compound is, its last character says: white tea is tea, and tea-brown is not.
                if is_name || hit.is_alone.1 || hit.place == Place::Tag {
                    self.proper += count;
                }
            } else {
                self.sure += count;
            }
            4.0 * count
        };
        if self.found.len() < FOUND_MAX {
            self.found.push(Found { strength, words: hit.words });
        }
    }
}
