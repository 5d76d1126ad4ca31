//! The other forms that a phrase has in a text: plurals, singulars and what is written together with a word.
//!
//! Made when a matcher is, rather than by taking endings off every word of every text: that is quicker, and
//! a stemmer makes `university` and `universe` one word. Works on folded words.

use klout_ontology::Language;

/// Shorter words have no forms that are safely theirs.
const LETTERS_MIN: usize = 3;

/// The Arabic article, as it begins a word.
const ARTICLE: &str = "ال";

/// Other forms of a phrase, each as words, without the phrase itself.
pub(super) fn forms(language: Option<Language>, words: &[&str]) -> Vec<Vec<String>> {
    let Some((last, before)) = words.split_last() else { return Vec::new() };
    let with = |before: &[&str], last: String| {
        before.iter().map(|it| (*it).to_owned()).chain([last]).collect::<Vec<_>>()
    };
    let is_word =
        |word: &str| word.chars().count() >= LETTERS_MIN && word.chars().all(char::is_alphabetic);
    // A name without a language is taken for English: most are.
    let language = language.unwrap_or(Language::ENGLISH);
    let mut forms: Vec<Vec<String>> = Vec::new();
    if is_word(last) {
        forms.extend(endings(language.as_str(), last).into_iter().map(|it| with(before, it)));
    }
    match language.as_str() {
        // Romance languages bend each word of a name.
        "es" | "pt" | "fr" | "it" if !before.is_empty() => {
            let all: Vec<Vec<String>> = words
                .iter()
                .map(|it| if is_word(it) { endings(language.as_str(), it) } else { Vec::new() })
                .collect();
            // The first form of each word is its plural, or its singular.
            let bent = words.iter().zip(&all);
            forms.push(
                bent.map(|(word, forms)| forms.first().map_or((*word).to_owned(), String::clone))
                    .collect(),
            );
        }
        // Künstliche Intelligenz, künstlicher Intelligenz.
        "de" => {
            if let Some((first, rest)) = words.split_first()
                && !rest.is_empty()
                && let Some(stem) = first.strip_suffix('e')
                && is_word(stem)
            {
                for ending in ["er", "en", "es", "em"] {
                    let rest = rest.iter().map(|it| (*it).to_owned());
                    forms.push([format!("{stem}{ending}")].into_iter().chain(rest).collect());
                }
            }
        }
        "ar" => {
            if let Some((first, rest)) = words.split_first() {
                // Either every word of a name has the article, or those after the first that have it in the
                // ontology.
                let definite = rest.iter().map(|it| match it.strip_prefix(ARTICLE) {
                    Some(_) => (*it).to_owned(),
                    None => format!("{ARTICLE}{it}"),
                });
                let definite: Vec<String> = definite.collect();
                for first in prefixed(first) {
                    let plain = rest.iter().map(|it| (*it).to_owned());
                    forms.push([first.clone()].into_iter().chain(plain).collect());
                    forms.push([first].into_iter().chain(definite.iter().cloned()).collect());
                }
            }
        }
        _ => {}
    }
    forms.retain(|form| form.iter().map(String::as_str).ne(words.iter().copied()));
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// The forms of a word by its ending, the plural or the singular first.
fn endings(language: &str, word: &str) -> Vec<String> {
    let with = |stem: &str, endings: &[&str]| {
        endings.iter().map(|it| format!("{stem}{it}")).collect::<Vec<_>>()
    };
    match language {
        "en" => english(word).into_iter().collect(),
        "de" => match word {
            it if it.ends_with('e') => with(it, &["n", "s"]),
            it if it.ends_with("en") || it.ends_with('s') => Vec::new(),
            it if it.ends_with("er") || it.ends_with("el") => with(it, &["n", "s"]),
            it => with(it, &["e", "en", "er", "s", "es"]),
        },
        "nl" => match word {
            it if it.ends_with("en") => Vec::new(),
            it => with(it, &["en", "s"]),
        },
        "es" | "pt" => match word {
            it if it.ends_with("ones") => with(&it[..it.len() - 2], &[""]),
            it if language == "pt" && it.ends_with("oes") => with(&it[..it.len() - 3], &["ao"]),
            it if language == "pt" && it.ends_with("ao") => with(&it[..it.len() - 2], &["oes"]),
            it if language == "pt" && it.ends_with('m') => with(&it[..it.len() - 1], &["ns"]),
            it if language == "pt" && it.ends_with("al") => with(&it[..it.len() - 1], &["is"]),
            it if it.ends_with('z') => with(&it[..it.len() - 1], &["ces"]),
            it if it.ends_with("es") => with(&it[..it.len() - 2], &["e", ""]),
            it if it.ends_with('s') => with(&it[..it.len() - 1], &[""]),
            it if it.ends_with(['a', 'e', 'i', 'o', 'u']) => with(it, &["s"]),
            it => with(it, &["es"]),
        },
        "fr" => match word {
            it if it.ends_with("aux") => with(&it[..it.len() - 3], &["al", "au"]),
            it if it.ends_with("al") => with(&it[..it.len() - 2], &["aux"]),
            it if it.ends_with("eau") => with(it, &["x"]),
            it if it.ends_with('s') => with(&it[..it.len() - 1], &[""]),
            it if it.ends_with(['x', 'z']) => Vec::new(),
            it => with(it, &["s"]),
        },
        "it" => match word {
            it if it.ends_with('o') => with(&it[..it.len() - 1], &["i"]),
            it if it.ends_with('a') => with(&it[..it.len() - 1], &["e"]),
            it if it.ends_with('e') => with(&it[..it.len() - 1], &["i", "a"]),
            it if it.ends_with('i') => with(&it[..it.len() - 1], &["o", "e"]),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The plural of an English word, or its singular when it is one.
fn english(word: &str) -> Option<String> {
    let singular = singular(word);
    if singular.len() < word.len() {
        return Some(singular.to_owned());
    }
    let before = word.as_bytes().iter().rev().nth(1);
    Some(match word {
        it if it.ends_with("ies") => format!("{}y", &it[..it.len() - 3]),
        it if it.ends_with('y') && before.is_none_or(|it| !b"aeiou".contains(it)) => {
            format!("{}ies", &it[..it.len() - 1])
        }
        it if it.ends_with("ics") || it.ends_with("ing") => return None,
        it if it.ends_with("ss") || it.ends_with(['x', 'z']) => format!("{it}es"),
        it if it.ends_with("ch") || it.ends_with("sh") => format!("{it}es"),
        it if it.ends_with('s') => return None,
        it => format!("{it}s"),
    })
}

/// An English word without the ending of its plural, where taking it off is enough.
pub(super) fn singular(word: &str) -> &str {
    let cut = |count: usize| &word[..word.len() - count];
    let is_cut = word.len() > 3 && word.is_ascii() && word.ends_with('s');
    if !is_cut || word.ends_with("ss") || word.ends_with("us") || word.ends_with("is") {
        return word;
    }
    if word.ends_with("ies") || word.ends_with("ics") {
        return word;
    }
    if ["sses", "xes", "ches", "shes"].iter().any(|it| word.ends_with(it)) {
        return cut(2);
    }
    cut(1)
}

/// Arabic writes the article, and short words before it, together with the word.
fn prefixed(word: &str) -> Vec<String> {
    let bare = word.strip_prefix(ARTICLE).filter(|it| it.chars().count() >= LETTERS_MIN);
    let bare = bare.unwrap_or(word);
    if bare.chars().count() < LETTERS_MIN {
        return Vec::new();
    }
    let mut forms: Vec<String> = ["", "ال", "وال", "بال", "فال", "كال", "لل", "و", "ب", "ل"]
        .map(|it| format!("{it}{bare}"))
        .into();
    forms.retain(|it| it != word);
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(language: &str, phrase: &str) -> Vec<String> {
        let words: Vec<_> = phrase.split(' ').collect();
        let language = language.parse().expect("a language");
        forms(Some(language), &words).iter().map(|it| it.join(" ")).collect()
    }

    #[test]
    fn a_phrase_is_found_in_the_plural_and_in_the_singular() {
        for (language, phrase, form) in [
            ("en", "neural network", "neural networks"),
            ("en", "board games", "board game"),
            ("en", "city", "cities"),
            ("en", "sandwich", "sandwiches"),
            ("de", "kunstliche intelligenz", "kunstlicher intelligenz"),
            ("de", "garten", ""),
            ("es", "red neuronal", "redes neuronales"),
            ("pt", "eleicao", "eleicoes"),
            ("fr", "journal", "journaux"),
            ("it", "ricetta", "ricette"),
            ("ar", "طبخ", "والطبخ"),
            ("ar", "ذكاء اصطناعي", "الذكاء الاصطناعي"),
        ] {
            let forms = of(language, phrase);
            assert!(form.is_empty() || forms.iter().any(|it| it == form), "{phrase}: {forms:?}");
        }
        for none in ["physics", "jazz music is", "swimming", "c++", "ai"] {
            assert_eq!(of("en", none), [""; 0], "{none}");
        }
    }

    #[test]
    fn a_singular_is_a_word() {
        for (word, singular_of) in [
            ("gates", "gate"),
            ("boxes", "box"),
            ("bus", "bus"),
            ("glass", "glass"),
            ("analysis", "analysis"),
            ("physics", "physics"),
        ] {
            assert_eq!(singular(word), singular_of);
        }
    }
}
