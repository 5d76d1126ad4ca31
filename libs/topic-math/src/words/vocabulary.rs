//! Everything that an ontology's topics are told by, made ready to be found in one pass.

use daachorse::{DoubleArrayAhoCorasick, DoubleArrayAhoCorasickBuilder, MatchKind};
use klout_ontology::{Language, Ontology, PhraseKind, Topic};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{fold, inflect::forms, lists};

/// A longer phrase is not what anybody writes.
const PHRASE_WORDS_MAX: usize = 12;
/// A name that was written together is looked for in texts too when it is this long: shorter ones are other
/// words by chance.
const JOINED_IN_TEXT_MIN: usize = 8;

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
}

/// Phrases on their way into a vocabulary.
#[derive(Default)]
struct Gathered {
    patterns: FxHashMap<Vec<u8>, Vec<Meaning>>,
    phrases: u32,
}

// === impl Vocabulary ===

impl std::fmt::Debug for Vocabulary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vocabulary").field("patterns", &self.starts.len()).finish_non_exhaustive()
    }
}

impl Vocabulary {
    pub(super) fn new(ontology: &Ontology, kinship: &super::kinship::Kinship) -> Self {
        let mut gathered = Gathered::default();
        for (place, topic) in (0_u32..).zip(ontology.topics()) {
            gathered.topic(place, topic);
        }
        let mut patterns: Vec<_> = gathered.patterns.into_iter().collect();
        patterns.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        let (mut starts, mut meanings) = (vec![0], Vec::new());
        let mut written = Vec::new();
        for (pattern, mut found) in patterns {
            settle(&mut found, kinship);
            if found.is_empty() {
                continue;
            }
            written.push(pattern);
            meanings.extend(found);
            starts.push(u32::try_from(meanings.len()).unwrap_or(u32::MAX));
        }
        meanings.shrink_to_fit();
        let automaton = (!written.is_empty()).then(|| {
            DoubleArrayAhoCorasickBuilder::new()
                .match_kind(MatchKind::LeftmostLongest)
                .build(&written)
                .expect("patterns are distinct, not empty, and far below what an automaton holds")
        });
        Self { automaton, starts, meanings }
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
        self.phrases += 1;
        let letters = text.chars().filter(|it| it.is_alphabetic());
        let english = language.is_none_or(|it| it == Language::ENGLISH);
        let meaning = Meaning {
            topic,
            phrase: self.phrases,
            language,
            kind,
            form: Form::Exact,
            doubtful: doubtful
                || matches!(kind, Kind::Name | Kind::Alias) && is_doubtful(&words, english),
            proper: text.chars().next().is_some_and(char::is_uppercase),
            capitals: words.len() == 1
                && (2..=4).contains(&text.chars().count())
                && letters.clone().count() > 1
                && letters.clone().all(char::is_uppercase),
        };
        self.add(&words, meaning);
        let forms = if kind == Kind::Except { Vec::new() } else { forms(language, &words) };
        for form in &forms {
            let form: Vec<&str> = form.iter().map(String::as_str).collect();
            let is_ordinary = form.len() == 1 && lists::is_function_word(form[0]);
            if !is_ordinary {
                // Blues are no blue, and sales no sale.
                let doubtful = meaning.doubtful
                    || matches!(kind, Kind::Name | Kind::Alias) && is_doubtful(&form, english);
                self.add(&form, Meaning { form: Form::Bent, doubtful, ..meaning });
            }
        }
        let can_join = words.len() > 1 && matches!(kind, Kind::Name | Kind::Alias);
        if can_join && words.iter().all(|it| it.chars().all(char::is_alphanumeric)) {
            let forms = forms.iter().map(|it| it.concat()).chain([words.concat()]);
            for form in forms.filter(|it| it.len() >= 4) {
                self.add(&[&form], Meaning { form: Form::Joined, doubtful: false, ..meaning });
            }
        }
    }

    fn add(&mut self, words: &[&str], meaning: Meaning) {
        let mut pattern = Vec::new();
        for word in words {
            pattern.push(b' ');
            pattern.extend_from_slice(word.as_bytes());
            pattern.push(b' ');
        }
        self.patterns.entry(pattern).or_default().push(meaning);
    }
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
fn is_doubtful(words: &[&str], english: bool) -> bool {
    let [word] = words else { return false };
    let mut chars = word.chars();
    let short = match (chars.next(), chars.next(), chars.next()) {
        (Some(_), None, _) => true,
        (Some(first), Some(_), None) => first.is_ascii(),
        _ => false,
    };
    short || english && (lists::is_homograph(word) || lists::is_function_word(word))
}

/// Whether a name that is written together is found in a sentence, and not only as a tag.
pub(super) fn is_joined_in_text(letters: usize) -> bool {
    letters >= JOINED_IN_TEXT_MIN
}
