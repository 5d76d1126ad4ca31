//! Which language a text is in.

use klout_ontology::Language;
use whatlang::{Detector, Lang};

use super::{
    fold::{Folded, Place},
    lists,
};

/// Of so many letters on, the language of a text can be told.
const LETTERS_MIN: usize = 24;
/// The words that sentences are built with are looked for among so many: that is quick, and surer in a short
/// text than what letters stand beside each other.
const WORDS_MAX: usize = 40;
/// So much of a text is looked at, in bytes, and so much when that was not enough to be sure.
const LOOKED_AT: [usize; 2] = [120, 480];

/// Tells languages apart.
#[derive(Debug)]
pub(super) struct Languages {
    detector: Detector,
}

// === impl Languages ===

impl Languages {
    /// Of an ontology, and English: what a text is taken for otherwise does not matter to it.
    pub(super) fn new(languages: impl IntoIterator<Item = Language>) -> Self {
        let mut known: Vec<Lang> = languages.into_iter().filter_map(whatlang_of).collect();
        known.extend(COMMON.iter().filter_map(|it| Lang::from_code(*it)));
        known.sort_unstable_by_key(|it| *it as u8);
        known.dedup();
        Self { detector: Detector::with_allowlist(known) }
    }

    /// The language of some words. `None`: there are too few to tell.
    pub(super) fn tell(&self, text: &str, folded: &Folded) -> Option<Language> {
        let said = folded.words().iter().filter(|it| it.source == 0 && is_said(it.place));
        let said = said.take(WORDS_MAX).filter_map(|it| str::from_utf8(folded.letters(it)).ok());
        if let Some(language) = lists::language(said) {
            return Some(language);
        }
        let mut before = 0;
        for length in LOOKED_AT {
            let sample = sample(text, folded, length);
            let letters = sample.chars().filter(|it| it.is_alphabetic()).count();
            // A character of the scripts without spaces says more than a letter.
            let is_enough = letters >= LETTERS_MIN || sample.chars().any(|it| it >= '\u{3000}');
            if !is_enough || sample.len() == before {
                return None;
            }
            before = sample.len();
            let told = self.detector.detect(&sample)?;
            if told.is_reliable() {
                return language_of(told.lang());
            }
        }
        None
    }
}

/// Whether it is part of a sentence.
const fn is_said(place: Place) -> bool {
    matches!(place, Place::Title | Place::Body)
}

/// Languages that many write in: a text in one of them is not taken for another because an ontology does not
/// know it.
const COMMON: [&str; 12] =
    ["eng", "deu", "fra", "spa", "ita", "por", "nld", "ara", "jpn", "cmn", "rus", "kor"];

/// The beginning of what is said in sentences, rather than by tags and links.
fn sample(text: &str, folded: &Folded, length: usize) -> String {
    let mut sample = String::with_capacity(length + 32);
    for word in folded.words() {
        if word.source != 0 || !is_said(word.place) {
            continue;
        }
        if sample.len() >= length {
            break;
        }
        let word = &text[word.start as usize..word.end as usize];
        if word.len() > length {
            continue;
        }
        sample.push_str(word);
        sample.push(' ');
    }
    sample
}

/// The two letters of a language that whatlang knows by three.
fn language_of(lang: Lang) -> Option<Language> {
    let code = lang.code();
    let short = CODES.iter().find(|(long, _)| *long == code).map_or(code, |(_, short)| short);
    short.parse().ok()
}

fn whatlang_of(language: Language) -> Option<Lang> {
    let short = language.as_str();
    let long = CODES.iter().find(|(_, it)| *it == short).map_or(short, |(long, _)| long);
    Lang::from_code(long)
}

/// ISO 639-3 as whatlang has it, and ISO 639-1.
const CODES: [(&str, &str); 47] = [
    ("eng", "en"),
    ("deu", "de"),
    ("fra", "fr"),
    ("spa", "es"),
    ("ita", "it"),
    ("por", "pt"),
    ("nld", "nl"),
    ("ara", "ar"),
    ("jpn", "ja"),
    ("cmn", "zh"),
    ("kor", "ko"),
    ("rus", "ru"),
    ("ukr", "uk"),
    ("pol", "pl"),
    ("ces", "cs"),
    ("slk", "sk"),
    ("slv", "sl"),
    ("hrv", "hr"),
    ("srp", "sr"),
    ("bul", "bg"),
    ("mkd", "mk"),
    ("bel", "be"),
    ("ron", "ro"),
    ("hun", "hu"),
    ("fin", "fi"),
    ("est", "et"),
    ("lav", "lv"),
    ("lit", "lt"),
    ("swe", "sv"),
    ("dan", "da"),
    ("nob", "nb"),
    ("ell", "el"),
    ("tur", "tr"),
    ("aze", "az"),
    ("heb", "he"),
    ("yid", "yi"),
    ("pes", "fa"),
    ("urd", "ur"),
    ("hin", "hi"),
    ("ben", "bn"),
    ("tam", "ta"),
    ("tel", "te"),
    ("tha", "th"),
    ("vie", "vi"),
    ("ind", "id"),
    ("cat", "ca"),
    ("lat", "la"),
];
