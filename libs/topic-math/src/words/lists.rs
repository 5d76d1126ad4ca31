//! Words that say little, and words that say several things.

use std::sync::LazyLock;

use rustc_hash::FxHashSet;

static FUNCTION_WORDS: LazyLock<FxHashSet<&str>> =
    LazyLock::new(|| include_str!("function-words.txt").split_ascii_whitespace().collect());

/// Ordinary English words and abbreviations that name companies, films, teams or programming languages as
/// well. A topic that is called by one in its ordinary meaning (cooking, jazz) is not in doubt.
static HOMOGRAPHS: LazyLock<FxHashSet<&str>> =
    LazyLock::new(|| include_str!("homographs.txt").split_ascii_whitespace().collect());

/// Of the languages that most is written in.
pub(super) fn is_function_word(word: &str) -> bool {
    FUNCTION_WORDS.contains(word)
}

pub(super) fn is_homograph(word: &str) -> bool {
    HOMOGRAPHS.contains(word) || HOMOGRAPHS.contains(super::inflect::singular(word))
}
