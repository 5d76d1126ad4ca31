//! What others wrote, on a terminal.
//!
//! Whoever contests a score, names a file or picks a handle may put into it what a terminal would obey, or what
//! looks like a line of ours. Everything of theirs that is printed goes through here.

use std::fmt::Write as _;

/// Characters of one text that are shown on one line.
const SHOWN_MAX: usize = 200;

/// Before each line of a text of others, so that none looks like one of ours.
const INDENT: &str = "   ";

/// A text without anything that a terminal would obey, but for the ends of its lines and tabs.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\n' | '\t' => shown.push(character),
            '\r' if characters.peek() == Some(&'\n') => {}
            _ if character.is_control() || is_invisible(character) => {
                shown.extend(character.escape_default());
            }
            _ => shown.push(character),
        }
    }
    shown
}

/// The same on one line.
pub(crate) fn on_one_line(text: &str) -> String {
    printable(text).replace('\n', r"\n").replace('\t', r"\t")
}

/// The same on one line, and not long.
pub(crate) fn shortened(text: &str) -> String {
    let mut shown = String::new();
    for (place, character) in text.chars().enumerate() {
        if place == SHOWN_MAX {
            shown.push('…');
            break;
        }
        shown.push(character);
    }
    on_one_line(&shown)
}

/// The same, each line indented, the first one after `head`.
pub(crate) fn indented(head: &str, text: &str) -> String {
    let mut shown = format!("{INDENT}{head}");
    for (place, line) in printable(text).split('\n').enumerate() {
        if place > 0 {
            shown.truncate(shown.trim_end_matches(' ').len());
            let _ = write!(shown, "\n{INDENT}");
        }
        shown.push_str(line);
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
            ("a\u{1b}[2Jb\rc\u{9b}1m\0\u{7f}\u{8}", r"a\u{1b}[2Jb\rc\u{9b}1m\u{0}\u{7f}\u{8}"),
            ("a\u{202e}b\u{2028}", r"a\u{202e}b\u{2028}"),
            ("a\tb\r\nc\n", "a\tb\nc\n"),
        ] {
            assert_eq!(printable(text), shown);
        }
    }

    #[test]
    fn what_has_to_be_on_one_line_is() {
        assert_eq!(on_one_line("a\tb\r\nc\u{1b}"), r"a\tb\nc\u{1b}");
    }

    #[test]
    fn a_long_text_is_cut_where_there_is_one_line_for_it() {
        let all = "ß".repeat(SHOWN_MAX);
        assert_eq!(shortened(&all), all);
        assert_eq!(shortened(&format!("{all}ß")), format!("{all}…"));
    }

    #[test]
    fn no_line_of_a_text_looks_like_one_of_ours() {
        let text = "wrong\n8  2026-11-03T00:00:00Z  person 42  OPEN\r\n\nso";
        let shown = "   wrong\n   8  2026-11-03T00:00:00Z  person 42  OPEN\n\n   so";
        assert_eq!(indented("", text), shown);
        assert_eq!(indented("answered: ", "a\nb"), "   answered: a\n   b");
    }
}
