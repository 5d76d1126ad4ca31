//! What of a post is said in sentences, by hashtags, by links and by names of accounts.

use std::ops::Range;

use super::{
    fold::{BREAK, Folded, Place},
    index,
};

/// What is read of one text, in bytes: more than any network takes.
pub(super) const TEXT_BYTES_MAX: usize = 128 * 1024;
/// A longer first line is no title.
const TITLE_BYTES_MAX: usize = 300;
/// A longer tag is not looked into for words that it was joined of.
const JOINED_BYTES_MAX: usize = 80;

/// A tag in the order of words: as it is, and taken apart by case.
#[derive(Clone, Copy, Debug)]
pub(super) struct TagWords {
    /// From this word on it is taken apart.
    pub(super) apart: u32,
    /// The word after it.
    pub(super) end: u32,
}

/// Everything that a post says, as words.
#[derive(Debug)]
pub(super) struct Sources<'a> {
    /// The text first.
    pub(super) texts: Vec<&'a str>,
    pub(super) folded: Folded,
    pub(super) tags: Vec<TagWords>,
}

// === impl Sources ===

impl<'a> Sources<'a> {
    /// The order of tags and of links says nothing, and saying one twice says nothing more.
    pub(super) fn new(text: &'a str, tags: &'a [String], links: &'a [String]) -> Self {
        let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
        let mut sources = Self { texts: vec![text], folded: Folded::default(), tags: Vec::new() };
        sources.text(text);
        for tag in sorted(tags) {
            let number = sources.add(tag);
            let start = tag.len() - tag.trim_start_matches(['#', '＃']).len();
            sources.tag((number, tag), start..tag.len());
        }
        for link in sorted(links) {
            let number = sources.add(link);
            let start = link.find("://").map_or(0, |scheme| scheme + 3);
            sources.link((number, link), start..link.len());
        }
        sources
    }

    fn add(&mut self, text: &'a str) -> u32 {
        self.texts.push(text);
        index(self.texts.len() - 1)
    }

    fn text(&mut self, text: &'a str) {
        let title = text
            .find('\n')
            .filter(|end| *end <= TITLE_BYTES_MAX && !text[*end..].trim_start().is_empty());
        let title = title.unwrap_or(0);
        self.part(text, 0..title, Place::Title);
        self.folded.end_phrase();
        self.part(text, title..text.len(), Place::Body);
        self.folded.end_phrase();
    }

    /// A part of the text: hashtags, accounts and links stand in it.
    fn part(&mut self, text: &'a str, part: Range<usize>, place: Place) {
        let bytes = text.as_bytes();
        let is_word =
            |at: usize| bytes.get(at).is_some_and(|it| it.is_ascii_alphanumeric() || *it >= 0x80);
        let (mut plain, mut at) = (part.start, part.start);
        while let Some(found) =
            bytes[at..part.end].iter().position(|it| matches!(it, b'#' | b'@' | b':'))
        {
            let sign = at + found;
            at = sign + 1;
            let begins = sign == part.start || !bytes[sign - 1].is_ascii_alphanumeric();
            let (start, end) = match bytes[sign] {
                b'#' if begins && is_word(at) && bytes.get(sign.wrapping_sub(1)) != Some(&b'&') => {
                    (sign, end_of_tag(text, at, part.end))
                }
                b'@' if bytes.get(at).is_some_and(u8::is_ascii_alphanumeric) => {
                    (sign, end_of_name(bytes, at, part.end))
                }
                b':' if bytes[at..part.end].starts_with(b"//") => {
                    let scheme = bytes[part.start..sign].iter().rev();
                    let letters = scheme.take(5).take_while(|it| it.is_ascii_alphabetic()).count();
                    let end = bytes[at..part.end]
                        .iter()
                        .position(|it| {
                            !it.is_ascii_graphic() || matches!(it, b'<' | b'>' | b'"' | b'`')
                        })
                        .map_or(part.end, |length| at + length);
                    ((sign - letters).max(plain), end)
                }
                _ => continue,
            };
            self.folded.push((0, text), plain..start, place, true);
            match bytes[sign] {
                b'#' => self.tag((0, text), at..end),
                b'@' => {
                    self.folded.end_phrase();
                    self.folded.push((0, text), at..end, Place::Name, false);
                    self.folded.end_phrase();
                }
                _ => self.link((0, text), at + 2..end),
            }
            (plain, at) = (end, end);
        }
        self.folded.push((0, text), plain..part.end, place, true);
    }

    /// A tag: as it is, which finds names that are written together, and as what it was joined of.
    fn tag(&mut self, (number, text): (u32, &str), tag: Range<usize>) {
        let folded = &mut self.folded;
        folded.end_phrase();
        folded.push((number, text), tag.clone(), Place::Tag, false);
        let apart = folded.words().len();
        if tag.len() <= JOINED_BYTES_MAX {
            folded.end_phrase();
            let mut start = tag.start;
            let mut before = None;
            for (at, char) in text[tag.clone()].char_indices() {
                let at = tag.start + at;
                let is_new = before.is_some_and(|before: char| {
                    before.is_lowercase() && char.is_uppercase()
                        || before.is_alphabetic() && char.is_ascii_digit()
                        || before.is_ascii_digit() && char.is_alphabetic()
                });
                if is_new {
                    folded.push((number, text), start..at, Place::Tag, false);
                    start = at;
                }
                before = Some(char);
            }
            if start > tag.start {
                folded.push((number, text), start..tag.end, Place::Tag, false);
            }
        }
        folded.end_phrase();
        self.tags.push(TagWords { apart: index(apart), end: index(folded.words().len()) });
    }

    /// An address, after its scheme.
    fn link(&mut self, (number, text): (u32, &str), link: Range<usize>) {
        let all = &text[link.clone()];
        let host = all.find(['/', '?', '#']).unwrap_or(all.len());
        let path = all.find(['?', '#']).unwrap_or(all.len()).max(host);
        let www = if all[..host].starts_with("www.") { 4 } else { 0 };
        let folded = &mut self.folded;
        folded.end_phrase();
        folded.push((number, text), link.start + www..link.start + host, Place::Name, false);
        folded.end_phrase();
        let mut start = link.start + host;
        for part in all[host..path].split('/') {
            folded.push((number, text), start..start + part.len(), Place::Path, false);
            folded.end_phrase();
            start += part.len() + 1;
        }
    }
}

/// A tag goes on for letters, digits and low lines.
fn end_of_tag(text: &str, from: usize, end: usize) -> usize {
    let rest = &text[from..end];
    let length = rest
        .char_indices()
        .find(|(_, it)| !(it.is_alphanumeric() || *it == '_' || !it.is_ascii() && is_mark(*it)));
    length.map_or(end, |(length, _)| from + length)
}

fn is_mark(char: char) -> bool {
    unicode_normalization::char::is_combining_mark(char) || char == '\u{200c}'
}

fn end_of_name(bytes: &[u8], from: usize, end: usize) -> usize {
    let length = bytes[from..end]
        .iter()
        .position(|it| !(it.is_ascii_alphanumeric() || matches!(it, b'_' | b'-' | b'.')));
    length.map_or(end, |length| from + length)
}

fn sorted(texts: &[String]) -> Vec<&str> {
    let mut sorted: Vec<&str> =
        texts.iter().map(|it| &it[..it.floor_char_boundary(TEXT_BYTES_MAX)]).collect();
    sorted.sort_unstable();
    sorted.dedup();
    sorted
}

// A break between words keeps phrases apart whatever the words are.
const _: () = assert!(BREAK != b' ');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_tags_and_links_and_saying_one_twice_change_nothing() {
        let all = |of: &[&str]| of.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let (tags, links) = (all(&["#b", "#a", "#c"]), all(&["https://b.org/x", "https://a.org"]));
        let (other_tags, other_links) =
            (all(&["#c", "#a", "#b", "#a"]), all(&["https://a.org", "https://b.org/x"]));
        let one = Sources::new("text", &tags, &links);
        let other = Sources::new("text", &other_tags, &other_links);
        assert_eq!(one.texts, ["text", "#a", "#b", "#c", "https://a.org", "https://b.org/x"]);
        assert_eq!(one.texts, other.texts);
        assert_eq!(one.folded.bytes(), other.folded.bytes());
    }
}
