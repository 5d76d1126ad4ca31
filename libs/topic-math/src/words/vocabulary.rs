//! Everything that an ontology's topics are told by, made ready to be found in one pass.

use std::collections::hash_map::Entry;

use daachorse::{DoubleArrayAhoCorasick, DoubleArrayAhoCorasickBuilder, MatchKind};
use klout_ontology::{Language, Ontology, PhraseKind, Topic};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{fold, index, inflect::forms, lists};

/// A longer phrase is not what anybody writes.
const PHRASE_WORDS_MAX: usize = 12;
/// A name that was written together is looked for in texts too when it is this long: shorter ones are other
/// words by chance.
const JOINED_IN_TEXT_MIN: usize = 8;

/// How many patterns are looked for, of how many bytes together: several times those of Klout's last edition.
/// An automaton takes some fifty bytes for each of theirs while it is made.
const LIMITS: Limits = Limits { patterns: 1_000_000, bytes: 24 << 20, meanings: 2_000_000 };
/// Words that so many topics are called by say nothing about any of them.
const TOPICS_MAX: usize = 64;
/// A topic may be called so in several languages.
const MEANINGS_MAX: usize = 8 * TOPICS_MAX;

/// What words say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The name that is shown.
    Name,
    Alias,
    Keyword,
    Except,
}

/// What some words may mean.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meaning {
    /// The place of a topic.
    pub(super) topic: u32,
    /// The phrase that they are a form of.
    pub(super) phrase: u32,
    /// `None`: of any language.
    pub(super) language: Option<Language>,
    pub(super) kind: Kind,
    pub(super) form: Form,
    /// Whether they have other meanings, so that something else has to speak for this one.
    pub(super) doubtful: bool,
    /// Whether the phrase begins with a capital.
    pub(super) proper: bool,
    /// Whether the phrase is an abbreviation in capitals.
    pub(super) capitals: bool,
    /// Whether letters of the phrase have marks, or are not Latin.
    pub(super) marked: bool,
    /// Whether the phrase is one word.
    pub(super) one_word: bool,
}

/// How far words are from the phrase as the ontology has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    Exact,
    /// In the plural, or the like.
    Bent,
    /// Written together.
    Joined,
}

/// What a topic's words are, found by their place in the list of all.
pub(super) struct Vocabulary {
    automaton: Option<DoubleArrayAhoCorasick<u32>>,
    /// Where the meanings of each pattern begin; one more than there are patterns.
    starts: Vec<u32>,
    meanings: Vec<Meaning>,
    left_out: usize,
}

/// What all patterns together may take.
#[derive(Clone, Copy, Debug)]
struct Limits {
    patterns: usize,
    bytes: usize,
    meanings: usize,
}

/// Phrases on their way into a vocabulary.
struct Gathered {
    limits: Limits,
    phrases: Vec<Phrase>,
    patterns: FxHashMap<Vec<u8>, Vec<Meaning>>,
    bytes: usize,
    meanings: usize,
    left_out: usize,
}

/// A name, an alias, a keyword or an exception.
struct Phrase {
    /// Its folded words, with a space between.
    words: String,
    meaning: Meaning,
    /// It has no other forms then.
    is_title: bool,
}

// === impl Vocabulary ===

impl std::fmt::Debug for Vocabulary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vocabulary").field("patterns", &self.starts.len()).finish_non_exhaustive()
    }
}

impl Vocabulary {
    pub(super) fn new(ontology: &Ontology, kinship: &super::kinship::Kinship) -> Self {
        Self::within(LIMITS, ontology, kinship)
    }

    fn within(limits: Limits, ontology: &Ontology, kinship: &super::kinship::Kinship) -> Self {
        let gathered = Gathered::new(limits, ontology);
        let mut left_out = gathered.left_out;
        let mut patterns: Vec<_> = gathered.patterns.into_iter().collect();
        patterns.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        let (mut starts, mut meanings) = (vec![0], Vec::new());
        let mut written = Vec::new();
        for (pattern, mut found) in patterns {
            if names_too_many(&found) {
                left_out += found.len();
                continue;
            }
            settle(&mut found, kinship);
            if found.is_empty() {
                continue;
            }
            written.push(pattern);
            meanings.extend(found);
            starts.push(index(meanings.len()));
        }
        meanings.shrink_to_fit();
        let automaton = (!written.is_empty()).then(|| {
            DoubleArrayAhoCorasickBuilder::new()
                .match_kind(MatchKind::LeftmostLongest)
                .build(&written)
                .expect("patterns are distinct, not empty, and by our limits fewer than 2^24")
        });
        Self { automaton, starts, meanings, left_out }
    }

    /// How many phrases, and forms of phrases, are not looked for, because there are too many of them or too
    /// many topics are called so.
    pub(super) const fn left_out(&self) -> usize {
        self.left_out
    }

    /// Calls `found` with where a phrase begins and ends and what it may mean, from the left, the longest
    /// where several begin.
    pub(super) fn find(&self, bytes: &[u8], mut found: impl FnMut(usize, usize, &[Meaning])) {
        let Some(automaton) = &self.automaton else { return };
        for it in automaton.leftmost_find_iter(bytes) {
            let pattern = it.value() as usize;
            let range = self.starts[pattern] as usize..self.starts[pattern + 1] as usize;
            found(it.start(), it.end(), &self.meanings[range]);
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.automaton.as_ref().map_or(0, DoubleArrayAhoCorasick::heap_bytes)
            + size_of_val(&*self.starts)
            + size_of_val(&*self.meanings)
    }
}

// === impl Gathered ===

impl Gathered {
    /// What is beyond the limits is left out: forms before phrases, keywords before aliases, those before names.
    fn new(limits: Limits, ontology: &Ontology) -> Self {
        let mut gathered = Self {
            limits,
            phrases: Vec::new(),
            patterns: FxHashMap::default(),
            bytes: 0,
            meanings: 0,
            left_out: 0,
        };
        for (place, topic) in (0_u32..).zip(ontology.topics()) {
            gathered.topic(place, topic);
        }
        let mut phrases = std::mem::take(&mut gathered.phrases);
        // An alias without its exceptions would say more than it should.
        phrases.sort_by_key(|it| match it.meaning.kind {
            Kind::Name => 0,
            Kind::Except => 1,
            Kind::Alias => 2,
            Kind::Keyword => 3,
        });
        for phrase in &phrases {
            gathered.add(phrase.words.split(' '), phrase.meaning);
        }
        for phrase in &phrases {
            gathered.add_forms(phrase);
        }
        gathered
    }

    fn topic(&mut self, place: u32, topic: &Topic) {
        let names =
            topic.names.iter().map(|(language, name)| (Some(*language), &**name, Kind::Name));
        let phrases = topic.phrases.iter().map(|phrase| {
            let kind = match phrase.kind {
                PhraseKind::Alias => Kind::Alias,
                PhraseKind::Keyword => Kind::Keyword,
                PhraseKind::Except => Kind::Except,
            };
            (phrase.language, &*phrase.text, kind)
        });
        for (language, text, kind) in names.chain(phrases) {
            self.phrase(place, language, text, kind, false);
            // Mint (software): what is in brackets is there because the name has other meanings.
            if let Some((short, _)) = text.split_once('(').filter(|it| it.1.ends_with(')')) {
                self.phrase(place, language, short.trim(), kind, true);
            }
            if kind == Kind::Name {
                for part in parts(text) {
                    self.phrase(place, language, part, Kind::Alias, true);
                }
            }
        }
    }

    fn phrase(
        &mut self,
        topic: u32,
        language: Option<Language>,
        text: &str,
        kind: Kind,
        doubtful: bool,
    ) {
        let folded = fold::fold(text);
        let words: Vec<&str> = folded
            .words()
            .iter()
            .filter_map(|word| str::from_utf8(folded.letters(word)).ok())
            .collect();
        if words.is_empty() || words.len() > PHRASE_WORDS_MAX {
            return;
        }
        let letters = text.chars().filter(|it| it.is_alphabetic());
        let is_title = kind == Kind::Alias && is_english(language) && is_title(text, &words);
        let meaning = Meaning {
            topic,
            phrase: index(self.phrases.len()),
            language,
            kind,
            form: Form::Exact,
            doubtful: doubtful
                || matches!(kind, Kind::Name | Kind::Alias) && is_doubtful(&words, language)
                || is_title,
            proper: text.chars().next().is_some_and(char::is_uppercase),
            capitals: words.len() == 1
                && (2..=4).contains(&text.chars().count())
                && letters.clone().count() > 1
                && letters.clone().all(char::is_uppercase),
            marked: is_marked(text),
            one_word: words.len() == 1,
        };
        self.phrases.push(Phrase { words: words.join(" "), meaning, is_title });
    }

    fn add_forms(&mut self, Phrase { words, meaning, is_title }: &Phrase) {
        if meaning.kind == Kind::Except || *is_title {
            return;
        }
        let words: Vec<&str> = words.split(' ').collect();
        let is_strong = meaning.kind != Kind::Keyword;
        let forms = forms(meaning.language, &words);
        for form in &forms {
            let form: Vec<&str> = form.iter().map(String::as_str).collect();
            let is_ordinary = form.len() == 1 && lists::is_function_word(form[0]);
            if !is_ordinary {
                // Blues are no blue, and sales no sale.
                let doubtful =
                    meaning.doubtful || is_strong && is_doubtful(&form, meaning.language);
                let bent = Meaning { form: Form::Bent, doubtful, ..*meaning };
                self.add(form.into_iter(), bent);
            }
        }
        let can_join = words.len() > 1 && is_strong;
        if can_join && words.iter().all(|it| it.chars().all(char::is_alphanumeric)) {
            let forms = forms.iter().map(|it| it.concat()).chain([words.concat()]);
            for form in forms.filter(|it| it.len() >= 4) {
                let joined = Meaning { form: Form::Joined, doubtful: false, ..*meaning };
                self.add([&*form].into_iter(), joined);
            }
        }
    }

    fn add<'a>(&mut self, words: impl Iterator<Item = &'a str>, meaning: Meaning) {
        let mut pattern = Vec::new();
        for word in words {
            pattern.push(b' ');
            pattern.extend_from_slice(word.as_bytes());
            pattern.push(b' ');
        }
        let (patterns, bytes) = (self.patterns.len(), self.bytes + pattern.len());
        let is_free = self.meanings < self.limits.meanings;
        match self.patterns.entry(pattern) {
            Entry::Occupied(mut known) if is_free && known.get().len() <= MEANINGS_MAX => {
                known.get_mut().push(meaning);
            }
            Entry::Vacant(new)
                if is_free && patterns < self.limits.patterns && bytes <= self.limits.bytes =>
            {
                new.insert(vec![meaning]);
                self.bytes = bytes;
            }
            Entry::Occupied(_) | Entry::Vacant(_) => {
                self.left_out += 1;
                return;
            }
        }
        self.meanings += 1;
    }
}

/// Whether too many topics are called so. Of meanings beyond the most nobody knows whose they are.
fn names_too_many(meanings: &[Meaning]) -> bool {
    let topics = || meanings.iter().map(|it| it.topic).collect::<FxHashSet<_>>().len();
    meanings.len() > MEANINGS_MAX || meanings.len() > TOPICS_MAX && topics() > TOPICS_MAX
}

/// The words of a name that is two: anime and manga. Each of them may be more than the topic.
fn parts(name: &str) -> impl Iterator<Item = &str> {
    const BETWEEN: [&str; 8] = ["and", "&", "und", "y", "et", "e", "/", "和"];
    let words: Vec<&str> = name.split(' ').collect();
    let two = match &words[..] {
        [one, between, other] if BETWEEN.contains(between) => vec![*one, *other],
        // In Arabic, and is written together with what follows.
        [one, other] => match other.strip_prefix('و') {
            Some(other) if other.chars().count() > 2 => vec![*one, other],
            _ => Vec::new(),
        },
        [one] => one.split('・').filter(|it| it.len() < one.len()).collect(),
        _ => Vec::new(),
    };
    two.into_iter()
}

/// Keeps what words mean, and notes what is doubtful because they mean several things.
fn settle(meanings: &mut Vec<Meaning>, kinship: &super::kinship::Kinship) {
    let strong = |it: &Meaning| matches!(it.kind, Kind::Name | Kind::Alias);
    // Exactly a name of one topic, and the plural of another's: nobody means the other one.
    if let Some(form) = meanings.iter().filter(|it| strong(it)).map(|it| it.form).min() {
        let kept: FxHashSet<u32> =
            meanings.iter().filter(|it| strong(it) && it.form == form).map(|it| it.topic).collect();
        meanings.retain(|it| it.form == form || !strong(it) || kept.contains(&it.topic));
    }
    // A name that one phrase doubts and another does not is not in doubt.
    let order = |it: &Meaning| {
        (it.topic, it.language, !strong(it), it.doubtful, it.kind, it.form, it.phrase)
    };
    meanings.sort_unstable_by_key(order);
    meanings.dedup_by_key(|it| (it.topic, it.language));
    let named: Vec<(u32, Option<Language>)> =
        meanings.iter().filter(|it| strong(it)).map(|it| (it.topic, it.language)).collect();
    for meaning in meanings.iter_mut().filter(|it| strong(it)) {
        let other = named.iter().any(|(topic, language)| {
            *topic != meaning.topic
                && (language.is_none()
                    || meaning.language.is_none()
                    || *language == meaning.language)
                && !kinship.are_kin(*topic, meaning.topic)
        });
        meaning.doubtful |= other;
    }
}

/// Whether a name is something else too, as ordinary words are, or too short to be sure of.
fn is_doubtful(words: &[&str], language: Option<Language>) -> bool {
    let [word] = words else { return false };
    let mut chars = word.chars();
    let short = match (chars.next(), chars.next(), chars.next()) {
        (Some(_), None, _) => true,
        (Some(first), Some(_), None) => first.is_ascii(),
        _ => false,
    };
    short
        || is_english(language) && (lists::is_homograph(word) || lists::is_function_word(word))
        || language.is_some_and(|it| lists::is_homograph_of(it, word))
}

/// The Office, Among Us: a title of ordinary words, which are something else without its capitals.
fn is_title(text: &str, words: &[&str]) -> bool {
    words.len() > 1
        && text.split(' ').all(|it| it.starts_with(char::is_uppercase))
        && (words[0] == "the"
            || words.iter().all(|it| lists::is_function_word(it) || lists::is_homograph(it)))
}

fn is_english(language: Option<Language>) -> bool {
    language.is_none_or(|it| it == Language::ENGLISH)
}

/// Whether letters have marks, or are not Latin.
pub(super) fn is_marked(text: &str) -> bool {
    // Full-width letters are another way to write the same.
    !text.is_ascii()
        && text.chars().any(|it| it > '\u{bf}' && it < '\u{ff00}' && it.is_alphabetic())
}

/// Whether a name that is written together is found in a sentence, and not only as a tag.
pub(super) fn is_joined_in_text(letters: usize) -> bool {
    letters >= JOINED_IN_TEXT_MIN
}

#[cfg(test)]
mod tests {
    use super::{super::kinship::Kinship, *};
    use crate::testing::ontology;

    fn found(limits: Limits) -> (Vec<&'static str>, usize) {
        let ontology = ontology();
        let vocabulary = Vocabulary::within(limits, &ontology, &Kinship::new(&ontology));
        let words = ["nature", "gardening", "tomatoes", "animals", "lambs", "food", "lamb"];
        let is_found = |word: &str| {
            let mut is_found = false;
            vocabulary.find(format!(" {word} ").as_bytes(), |_, _, _| is_found = true);
            is_found
        };
        (words.into_iter().filter(|it| is_found(it)).collect(), vocabulary.left_out())
    }

    #[test]
    fn what_is_beyond_the_limits_is_left_out_forms_first() {
        let all = found(LIMITS);
        assert_eq!(all.0.len(), 7);
        assert_eq!(all.1, 0);
        let few = found(Limits { patterns: 6, ..LIMITS });
        assert_eq!(few.0, ["nature", "gardening", "tomatoes", "animals", "lambs", "food"]);
        let forms = few.1;
        assert!(forms > 0);
        let fewer = found(Limits { patterns: 2, ..LIMITS });
        assert_eq!(fewer.0, ["nature", "gardening"]);
        assert_eq!(fewer.1, 4 + forms);
        let short = found(Limits { bytes: 9, ..LIMITS });
        assert_eq!(short.0, ["nature"], "a name of six letters takes eight bytes");
        let known = found(Limits { meanings: 3, ..LIMITS });
        assert_eq!(known.0, ["nature", "gardening", "tomatoes"]);
        assert_eq!(found(Limits { patterns: 0, ..LIMITS }).0, [""; 0]);
    }
}
