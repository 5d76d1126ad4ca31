//! Names that look like what they are.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

/// What a refusal says of one that does not.
pub(crate) const DECEPTIVE: &str =
    "has a control character, or one that is invisible or turns the direction of writing";

/// Emoji of several people, Persian and Indic scripts are written with these two, which join or part letters.
const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];

/// Whether a name has characters that nobody sees, so that it can look like another one's: controls, and what turns
/// the direction in which it is read. Letters that look like others make another name, which never means the same.
pub(crate) fn is_deceptive(name: &str) -> bool {
    name.chars().any(|it| {
        it.is_control()
            || (it.general_category() == GeneralCategory::Format && !JOINERS.contains(&it))
            || matches!(it, '\u{2028}' | '\u{2029}')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_deceptive_and_what_is_written_anywhere_is_not() {
        for bad in
            ["a\u{202e}b", "a\u{2066}b", "a\u{200f}", "\u{feff}a", "a\u{200b}b", "a\nb", "a\u{ad}b"]
        {
            assert!(is_deceptive(bad), "{bad:?}");
        }
        for good in ["ann", "Ünï", "اسم", "שם", "می\u{200c}خواهم", "👩\u{200d}💻", "аnn"]
        {
            assert!(!is_deceptive(good), "{good:?}");
        }
    }
}
