//! Text as it is compared.

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// `text` without what does not tell words apart when somebody searches: compatibility forms (NFKD), marks
/// such as accents, and case are gone; white space is single spaces, and none around.
#[must_use]
pub fn fold(text: &str) -> String {
    let bare: String = text.nfkd().filter(|it| !is_combining_mark(*it)).collect();
    let lower = caseless::default_case_fold_str(&bare);
    // Folding can yield marks anew, as İ does.
    let lower = lower.nfkd().filter(|it| !is_combining_mark(*it));
    let mut folded = String::with_capacity(bare.len());
    for character in lower {
        if !character.is_whitespace() {
            folded.push(character);
        } else if !folded.is_empty() && !folded.ends_with(' ') {
            folded.push(' ');
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_accents_and_forms_do_not_matter() {
        for (text, folded) in [
            ("  Café\u{301} ", "cafe"),
            ("Straße", "strasse"),
            ("ＡＢＣ\u{3000} x", "abc x"),
            ("İstanbul", "istanbul"),
            ("ΣΊΣΥΦΟΣ", "σισυφοσ"),
            ("كُرَة", "كرة"),
        ] {
            assert_eq!(fold(text), folded);
        }
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in any::<String>()) {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }
    }
}
