//! The text of a rule: its size, its brackets, and where its conditions stand in it.

use std::ops::Range;

use crate::RuleError;

/// What matters of a rule's text, outside strings and comments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Open,
    Close,
    And,
    /// What binds less than `&&`.
    Looser,
    Other,
}

/// A mark, and where it stands, in bytes.
#[derive(Clone, Debug)]
struct Piece {
    mark: Mark,
    at: Range<usize>,
}

/// Says what is wrong at a byte of a rule.
pub(crate) fn error_at(source: &str, byte: usize, problem: impl Into<String>) -> RuleError {
    let before = source.get(..byte).unwrap_or(source);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    RuleError {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        problem: problem.into(),
    }
}

/// Where brackets are nested deeper than that: the byte of the first that is.
pub(crate) fn nested_deeper_than(source: &str, depth_max: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for piece in pieces(source) {
        match piece.mark {
            Mark::Open => depth += 1,
            Mark::Close => depth = depth.saturating_sub(1),
            Mark::And | Mark::Looser | Mark::Other => {}
        }
        if depth > depth_max {
            return Some(piece.at.start);
        }
    }
    None
}

/// What `&&` joins on the outside of a rule that can be read, as it stands there.
pub(crate) fn conditions(source: &str) -> Vec<&str> {
    let mut ranges = Vec::new();
    split(source, &pieces(source), &mut ranges);
    ranges.into_iter().filter_map(|range| source.get(range)).collect()
}

fn split(source: &str, pieces: &[Piece], ranges: &mut Vec<Range<usize>>) {
    let [first, inner @ .., last] = pieces else {
        ranges.extend(pieces.first().map(|only| only.at.clone()));
        return;
    };
    let depths: Vec<usize> = depths(pieces);
    let encloses = source[first.at.clone()] == *"("
        && last.mark == Mark::Close
        && depths[..depths.len() - 1].iter().all(|depth| *depth > 0);
    if encloses {
        return split(source, inner, ranges);
    }
    let outside =
        |mark| (0..pieces.len()).filter(move |at| depths[*at] == 0 && pieces[*at].mark == mark);
    if outside.clone()(Mark::Looser).next().is_some() {
        ranges.push(first.at.start..last.at.end);
        return;
    }
    let ands: Vec<usize> = outside(Mark::And).collect();
    if ands.is_empty() {
        ranges.push(first.at.start..last.at.end);
        return;
    }
    let mut start = 0;
    for end in ands.into_iter().chain([pieces.len()]) {
        split(source, &pieces[start..end], ranges);
        start = (end + 1).min(pieces.len());
    }
}

/// How many brackets are open after each piece.
fn depths(pieces: &[Piece]) -> Vec<usize> {
    pieces
        .iter()
        .scan(0_usize, |depth, piece| {
            match piece.mark {
                Mark::Open => *depth += 1,
                Mark::Close => *depth = depth.saturating_sub(1),
                Mark::And | Mark::Looser | Mark::Other => {}
            }
            Some(*depth)
        })
        .collect()
}

fn pieces(source: &str) -> Vec<Piece> {
    let bytes = source.as_bytes();
    let mut pieces: Vec<Piece> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &source[at..];
        let (mark, length) = match bytes[at] {
            b'/' if rest.starts_with("//") => {
                at += rest.find('\n').unwrap_or(rest.len());
                continue;
            }
            b'"' | b'\'' => {
                let is_raw = pieces.last().is_some_and(|before| {
                    before.at.end == at
                        && source[before.at.clone()].contains(['r', 'R'])
                        && is_prefix(source, before)
                });
                (Mark::Other, string_length(rest, is_raw))
            }
            b'(' | b'[' | b'{' => (Mark::Open, 1),
            b')' | b']' | b'}' => (Mark::Close, 1),
            b'&' if rest.starts_with("&&") => (Mark::And, 2),
            b'|' if rest.starts_with("||") => (Mark::Looser, 2),
            b'?' => (Mark::Looser, 1),
            byte if byte.is_ascii_alphanumeric() || byte == b'_' => {
                let word = rest.find(|other: char| !other.is_ascii_alphanumeric() && other != '_');
                (Mark::Other, word.unwrap_or(rest.len()))
            }
            _ => {
                let length = rest.chars().next().map_or(1, char::len_utf8);
                if rest.starts_with(char::is_whitespace) {
                    at += length;
                    continue;
                }
                (Mark::Other, length)
            }
        };
        pieces.push(Piece { mark, at: at..at + length });
        at += length;
    }
    pieces
}

/// Whether a word directly before a quote says how the string is to be read.
fn is_prefix(source: &str, word: &Piece) -> bool {
    matches!(source[word.at.clone()].to_ascii_lowercase().as_str(), "r" | "b" | "rb" | "br")
}

/// How long the string is that a text begins with; to the end when it has none.
fn string_length(text: &str, is_raw: bool) -> usize {
    let quote = &text[..1];
    let triple = quote.repeat(3);
    let end = if text.starts_with(&triple) { triple.as_str() } else { quote };
    let mut at = end.len();
    while let Some(next) = text[at..].chars().next() {
        if next == '\\' && !is_raw {
            at += 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8);
        } else if text[at..].starts_with(end) {
            return at + end.len();
        } else {
            at += next.len_utf8();
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_what_and_joins_on_the_outside() {
        let cases: [(&str, &[&str]); 9] = [
            ("score >= 40", &["score >= 40"]),
            (" score >= 40 && \"a && b\" in topics ", &["score >= 40", "\"a && b\" in topics"]),
            ("(a && (b && c)) && d", &["a", "b", "c", "d"]),
            ("a && (b || c) && !(d && e)", &["a", "b || c", "!(d && e)"]),
            ("a || b && c", &["a || b && c"]),
            ("a ? b && c : d", &["a ? b && c : d"]),
            ("a // first && foremost\n && b", &["a", "b"]),
            ("(a) in [b] && (c) == (d)", &["(a) in [b]", "(c) == (d)"]),
            (
                r#"r"\" in t && '''it's &&''' == 'é\'&&' "#,
                &[r#"r"\" in t"#, r"'''it's &&''' == 'é\'&&'"],
            ),
        ];
        for (source, expected) in cases {
            assert_eq!(conditions(source), expected, "{source}");
        }
    }

    #[test]
    fn a_place_is_counted_in_characters() {
        let source = "\"é\" in topics &&\n  \"è\" in x";
        let error = error_at(source, source.find('x').expect("it is there"), "no");
        assert_eq!((error.line, error.column), (2, 10));
    }

    #[test]
    fn brackets_in_strings_do_not_nest() {
        assert_eq!(nested_deeper_than("'((((' == \"[[[[\" // ((((", 1), None);
        assert_eq!(nested_deeper_than("a(b[{c}])", 2), Some(4));
    }
}
