//! Words that say little, and words that say several things.

use std::sync::LazyLock;

use klout_ontology::Language;
use rustc_hash::{FxHashMap, FxHashSet};

/// In which languages a word is one that sentences are built with, as bits by their place in [`LANGUAGES`].
static FUNCTION_WORDS: LazyLock<FxHashMap<&str, u8>> =
    LazyLock::new(|| by_language(include_str!("function-words.txt")));

/// Ordinary English words and abbreviations that name companies, films, teams or programming languages as
/// well, or are said in passing. A topic that is called by one in its ordinary meaning (cooking, jazz) is not in doubt.
static HOMOGRAPHS: LazyLock<FxHashSet<&str>> =
    LazyLock::new(|| include_str!("homographs.txt").split_ascii_whitespace().collect());

/// Such words of other languages: court is a dish in German, and a lawyer an avocado in French.
static HOMOGRAPHS_ELSEWHERE: LazyLock<FxHashMap<&str, u8>> =
    LazyLock::new(|| by_language(include_str!("homographs-elsewhere.txt")));

/// The languages whose function words we have.
const LANGUAGES: [&str; 6] = ["en", "de", "es", "fr", "it", "pt"];

/// So many function words tell a language, if they are twice as many as of any other.
const TELLING_MIN: u32 = 3;

/// Of the languages that most is written in.
pub(super) fn is_function_word(word: &str) -> bool {
    FUNCTION_WORDS.contains_key(word)
}

/// Of English.
pub(super) fn is_homograph(word: &str) -> bool {
    HOMOGRAPHS.contains(word) || HOMOGRAPHS.contains(super::inflect::singular(word))
}

pub(super) fn is_homograph_of(language: Language, word: &str) -> bool {
    let bits = HOMOGRAPHS_ELSEWHERE.get(word).copied().unwrap_or_default();
    bits & bit(language.as_str()) != 0
}

/// Words by lines that begin with their language.
fn by_language(lines: &'static str) -> FxHashMap<&'static str, u8> {
    let mut words = FxHashMap::default();
    for line in lines.lines() {
        let mut line = line.split(' ');
        let bit = bit(line.next().unwrap_or_default());
        line.for_each(|word| *words.entry(word).or_default() |= bit);
    }
    words
}

/// 0: of a language that we have no words of.
fn bit(language: &str) -> u8 {
    LANGUAGES.iter().position(|it| *it == language).map_or(0, |it| 1 << it)
}

/// The language that words are in, by those that sentences are built with. `None`: they do not tell.
pub(super) fn language<'a>(words: impl Iterator<Item = &'a str>) -> Option<Language> {
    let mut counts = [0_u32; LANGUAGES.len()];
    for word in words {
        let bits = FUNCTION_WORDS.get(word).copied().unwrap_or_default();
        for (place, count) in counts.iter_mut().enumerate() {
            *count += u32::from(bits >> place & 1);
        }
    }
    let most = (0..LANGUAGES.len()).max_by_key(|place| counts[*place])?;
    let second = counts.iter().enumerate().filter(|it| it.0 != most).map(|it| *it.1).max()?;
    let told = counts[most] >= TELLING_MIN && counts[most] >= 2 * second;
    if told { LANGUAGES[most].parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_small_words_tell_a_language() {
        for (text, told) in [
            ("my kid built a working calculator and i cant even do long division", Some("en")),
            ("wer den klimawandel noch leugnet war diesen sommer nicht draussen", Some("de")),
            ("mi gato duerme 18 horas y luego me mira como si yo fuera el vago", Some("es")),
            ("jazz", None),
            ("la de un", None),
        ] {
            let language = language(text.split(' '));
            assert_eq!(language.as_ref().map(Language::as_str), told, "{text}");
        }
    }
}
