//! What files say, on a terminal.

/// Characters of one text that are shown.
const SHOWN_MAX: usize = 200;

/// A text of others as it may go to a terminal: on one line, not long, and without anything that a
/// terminal would obey.
pub(super) fn printable(text: &str) -> String {
    let mut shown = String::new();
    for (place, character) in text.chars().enumerate() {
        if place == SHOWN_MAX {
            shown.push('…');
            break;
        }
        if character.is_control() || is_invisible(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Whether it breaks a line, or turns the direction of the text after it.
const fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped_and_the_rest_is_not() {
        for (text, shown) in [
            ("folder/Fuß 日本.csv", "folder/Fuß 日本.csv"),
            ("a\u{1b}[2Jb\r\nc\u{9b}1m\0", r"a\u{1b}[2Jb\r\nc\u{9b}1m\u{0}"),
            ("a\u{202e}b\u{2028}", r"a\u{202e}b\u{2028}"),
        ] {
            assert_eq!(printable(text), shown);
        }
    }

    #[test]
    fn a_long_text_is_cut() {
        let all = "ß".repeat(SHOWN_MAX);
        assert_eq!(printable(&all), all);
        assert_eq!(printable(&format!("{all}ß")), format!("{all}…"));
    }
}
