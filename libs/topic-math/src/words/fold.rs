//! Text as words that can be compared: without case, marks and other ways to write the same.
//!
//! Each word stands between two spaces of its own, ` neural  networks `, so that phrases can be looked for as
//! bytes and only whole words are found. Where a phrase cannot go on, at the end of a sentence, something else
//! stands between. Every word knows where it stands in what was folded.
//!
//! [`klout_ontology::fold`] is for search, where whoever types leaves marks out: it drops all of them, and knows
//! nothing of words.

use unicode_normalization::char::{
    canonical_combining_class, compose, decompose_compatible, is_combining_mark,
};

use super::index;

/// Stands between words that are no part of one phrase. No word holds it.
pub(super) const BREAK: u8 = b'\n';

/// Where a word comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// The first line, when others follow.
    Title,
    Body,
    /// A hashtag in the text, or a tag.
    Tag,
    /// The path of a link.
    Path,
    /// The host of a link, or an account that is mentioned: who, rather than what.
    Name,
}

/// A word, or a character of a script that does without spaces.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    /// Where its leading space stands in [`Folded::bytes`]; the next word's, or a break, ends it.
    pub(super) at: u32,
    /// Where it stands in its source.
    pub(super) start: u32,
    pub(super) end: u32,
    /// Which source it stands in.
    pub(super) source: u32,
    pub(super) place: Place,
}

/// What was folded so far.
#[derive(Debug, Default)]
pub(super) struct Folded {
    bytes: Vec<u8>,
    words: Vec<Word>,
}

/// What a character is to words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Of a word.
    Letter,
    /// A word by itself.
    Alone,
    /// Changes nothing: a mark, a joiner, a selector.
    Nothing,
    Between,
}

// === impl Folded ===

impl Folded {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn words(&self) -> &[Word] {
        &self.words
    }

    /// The folded letters of a word.
    pub(super) fn letters(&self, word: &Word) -> &[u8] {
        let from = &self.bytes[word.at as usize + 1..];
        let end = from.iter().position(|byte| *byte == b' ').unwrap_or(from.len());
        &from[..end]
    }

    /// No phrase goes on after what was folded so far.
    pub(super) fn end_phrase(&mut self) {
        if self.bytes.last().is_some_and(|last| *last != BREAK) {
            self.bytes.push(BREAK);
        }
    }

    /// Adds the words of a part of a source.
    ///
    /// `sentences`: whether phrases end where sentences do.
    pub(super) fn push(
        &mut self,
        source: (u32, &str),
        part: std::ops::Range<usize>,
        place: Place,
        sentences: bool,
    ) {
        let (number, text) = source;
        let bytes = text.as_bytes();
        let mut at = part.start;
        while at < part.end {
            let byte = bytes[at];
            if byte.is_ascii_alphanumeric() {
                at = self.word(number, text, at, part.end, place);
            } else if byte.is_ascii() {
                at = self.between(bytes, at, part.end, sentences);
            } else {
                let Some(char) = text[at..].chars().next() else { break };
                match class(char) {
                    Class::Letter => at = self.word(number, text, at, part.end, place),
                    Class::Alone => {
                        let mut end = at + char.len_utf8();
                        self.begin();
                        self.fold(char);
                        let next = text[end..part.end].chars().next();
                        if let Some(mark) = next.filter(|it| is_voice(*it)) {
                            self.fold(mark);
                            end += mark.len_utf8();
                        }
                        self.end(number, at..end, place);
                        at = end;
                    }
                    Class::Between if sentences && is_end_of_sentence(char) => {
                        self.end_phrase();
                        at += char.len_utf8();
                    }
                    Class::Between if is_apostrophe(char) => {
                        at += char.len_utf8();
                        at += possessive(&bytes[at..part.end]);
                    }
                    Class::Nothing | Class::Between => at += char.len_utf8(),
                }
            }
        }
    }

    /// What is no letter, from an ASCII character on; returns where it ends.
    fn between(&mut self, bytes: &[u8], at: usize, end: usize, sentences: bool) -> usize {
        let next = bytes[at + 1..end].first();
        match bytes[at] {
            b'\'' => return at + 1 + possessive(&bytes[at + 1..end]),
            b'.' | b'!' | b'?' | b';' | b':' | b'(' | b')' | b'|'
                if sentences && next.is_none_or(|next| !next.is_ascii_alphanumeric()) =>
            {
                self.end_phrase();
            }
            b'\n' if sentences && next == Some(&b'\n') => self.end_phrase(),
            _ => {}
        }
        at + 1
    }

    /// The word that begins with the letter at `at`; returns where it ends.
    fn word(&mut self, number: u32, text: &str, start: usize, stop: usize, place: Place) -> usize {
        let bytes = text.as_bytes();
        self.begin();
        let from = self.bytes.len();
        let mut at = start;
        let mut end = start;
        while at < stop {
            let byte = bytes[at];
            if byte.is_ascii_alphanumeric() {
                self.bytes.push(byte.to_ascii_lowercase());
                at += 1;
                end = at;
            } else if byte.is_ascii() {
                break;
            } else {
                let Some(char) = text[at..].chars().next() else { break };
                match class(char) {
                    Class::Letter => {
                        self.fold(char);
                        at += char.len_utf8();
                        end = at;
                    }
                    Class::Nothing => at += char.len_utf8(),
                    Class::Alone | Class::Between => break,
                }
            }
        }
        // Languages that are called by a letter and signs: C++, C#.
        if end == at && self.bytes.len() - from <= 2 {
            let signs = signs(&bytes[at..stop]);
            self.bytes.extend_from_slice(&bytes[at..at + signs]);
            at += signs;
            end = at;
        }
        self.end(number, start..end, place);
        at.max(start + 1)
    }

    fn begin(&mut self) {
        let at = index(self.bytes.len());
        self.words.push(Word { at, start: 0, end: 0, source: 0, place: Place::Body });
        self.bytes.push(b' ');
    }

    fn end(&mut self, source: u32, stands: std::ops::Range<usize>, place: Place) {
        let Some(word) = self.words.last_mut() else { return };
        if self.bytes.len() == word.at as usize + 1 {
            // Nothing but marks.
            self.bytes.truncate(word.at as usize);
            self.words.pop();
            return;
        }
        (word.start, word.end) = (index(stands.start), index(stands.end));
        (word.source, word.place) = (source, place);
        self.bytes.push(b' ');
    }

    /// Adds a character of a word as it is compared.
    fn fold(&mut self, char: char) {
        let mut buffer = [0; 4];
        // Most letters decompose into themselves; syllables of Hangul would only get longer.
        if matches!(char, '\u{ac00}'..='\u{d7a3}') {
            self.bytes.extend_from_slice(char.encode_utf8(&mut buffer).as_bytes());
            return;
        }
        let bytes = &mut self.bytes;
        decompose_compatible(char, |part| {
            if is_dropped(part) {
                return;
            }
            // A voiced kana is another sound, and not one with an accent.
            if matches!(part, '\u{3099}' | '\u{309a}') {
                if let Some((length, whole)) =
                    last_char(bytes).and_then(|last| Some((last.len_utf8(), compose(last, part)?)))
                {
                    bytes.truncate(bytes.len() - length);
                    bytes.extend_from_slice(whole.encode_utf8(&mut buffer).as_bytes());
                }
                return;
            }
            for lower in part.to_lowercase().filter(|it| !is_dropped(*it)) {
                match lower {
                    // A compatible form of letters with spaces or signs between them keeps the letters.
                    it if it.is_ascii() && !it.is_ascii_alphanumeric() => {}
                    it => match plain(it) {
                        Some(plain) => bytes.extend_from_slice(plain.as_bytes()),
                        None => bytes.extend_from_slice(it.encode_utf8(&mut buffer).as_bytes()),
                    },
                }
            }
        });
    }
}

/// The last character of a word that is being folded.
fn last_char(bytes: &[u8]) -> Option<char> {
    let start = bytes.iter().rposition(|byte| byte & 0xc0 != 0x80)?;
    str::from_utf8(&bytes[start..]).ok()?.chars().next()
}

/// Folds words that stand for themselves, such as a name of a topic.
pub(super) fn fold(text: &str) -> Folded {
    let mut folded = Folded::default();
    folded.push((0, text), 0..text.len(), Place::Body, false);
    folded
}

fn class(char: char) -> Class {
    if char.is_ascii() {
        return if char.is_ascii_alphanumeric() { Class::Letter } else { Class::Between };
    }
    if is_alone(char) {
        return Class::Alone;
    }
    if is_combining_mark(char) {
        return if is_dropped(char) { Class::Nothing } else { Class::Letter };
    }
    if is_joiner(char) {
        return Class::Nothing;
    }
    if char.is_alphanumeric() { Class::Letter } else { Class::Between }
}

/// Scripts that write words without spaces between them.
fn is_alone(char: char) -> bool {
    matches!(char,
        '\u{3041}'..='\u{3096}' | '\u{309d}'..='\u{309f}' // Hiragana
        | '\u{30a1}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' // Katakana
        | '\u{3005}'..='\u{3007}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' // Han
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}'
        | '\u{ff66}'..='\u{ff9d}' // Half-width Katakana
        | '\u{0e01}'..='\u{0e30}' | '\u{0e32}'..='\u{0e33}' | '\u{0e40}'..='\u{0e46}' // Thai
        | '\u{0e81}'..='\u{0eb0}' | '\u{0ec0}'..='\u{0ec6}' // Lao
        | '\u{1000}'..='\u{102a}' | '\u{103f}'..='\u{1049}' // Burmese
        | '\u{1780}'..='\u{17b3}') // Khmer
}

/// What makes another kana of the one before it, and stands by itself in decomposed and in half-width text.
fn is_voice(char: char) -> bool {
    matches!(char, '\u{3099}' | '\u{309a}' | '\u{ff9e}' | '\u{ff9f}')
}

/// Accents, points of vowels in Arabic and Hebrew, and marks that somebody heaped up. Marks that make
/// another letter, as in Indian scripts, stay.
fn is_dropped(char: char) -> bool {
    if !is_combining_mark(char) {
        return is_joiner(char);
    }
    matches!(canonical_combining_class(char), 1 | 10..=36 | 200..=240)
        || matches!(char, '\u{488}'..='\u{489}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' | '\u{20dd}'..='\u{20e4}')
}

/// Stands within words and is not seen, or only lengthens them.
fn is_joiner(char: char) -> bool {
    matches!(char, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{640}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_apostrophe(char: char) -> bool {
    matches!(char, '\u{2019}' | '\u{2bc}' | '\u{ff07}')
}

fn is_end_of_sentence(char: char) -> bool {
    matches!(
        char,
        '。' | '！'
            | '？'
            | '；'
            | '：'
            | '…'
            | '؟'
            | '؛'
            | '،'
            | '、'
            | '，'
            | '«'
            | '»'
            | '“'
            | '”'
            | '「'
            | '」'
            | '《'
            | '》'
            | '।'
            | '—'
    )
}

/// How many bytes after an apostrophe are the s of `women's`.
fn possessive(after: &[u8]) -> usize {
    match after {
        [b's' | b'S'] => 1,
        [b's' | b'S', next, ..] if next.is_ascii() && !next.is_ascii_alphanumeric() => 1,
        _ => 0,
    }
}

/// How many bytes after a word of a letter or two are signs of its.
fn signs(after: &[u8]) -> usize {
    let count = match after {
        [b'+', b'+', ..] => 2,
        [b'#', ..] => 1,
        _ => return 0,
    };
    let ends = after.get(count).is_none_or(|next| {
        next.is_ascii() && !next.is_ascii_alphanumeric() && !matches!(next, b'#' | b'+')
    });
    if ends { count } else { 0 }
}

/// Letters that are written without their strokes by whoever has none on their keyboard.
fn plain(char: char) -> Option<&'static str> {
    Some(match char {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'ł' => "l",
        'ħ' => "h",
        'ı' => "i",
        'þ' => "th",
        'ς' => "σ",
        // As Arabic is typed.
        'ى' => "ي",
        'ة' => "ه",
        'ٱ' => "ا",
        'ک' => "ك",
        'ی' => "ي",
        // What a mark on its own leaves.
        '\u{374}' => "",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> String {
        let mut folded = Folded::default();
        folded.push((0, text), 0..text.len(), Place::Body, true);
        let text = String::from_utf8(folded.bytes).expect("text");
        text.replace("  ", " ").trim().to_owned()
    }

    #[test]
    fn case_marks_and_ways_of_writing_do_not_matter() {
        for (text, words) in [
            ("Neural  Networks", "neural networks"),
            ("Künstliche ＩＮＴＥＬＬＩＧＥＮＺ", "kunstliche intelligenz"),
            ("Fußball", "fussball"),
            ("women's rights, Women’s rights", "women rights women rights"),
            ("l'intelligence", "l intelligence"),
            ("ﬁlm ﬁlm\u{ad}s", "film films"),
            ("z\u{351}\u{36b}a\u{334}\u{321}l\u{489}go", "zalgo"),
            ("الذَّكَاءُ الاِصْطِنَاعِيّ", "الذكاء الاصطناعي"),
            ("كرة القدم أكاديمية", "كره القدم اكاديميه"),
            ("C++, C# and R", "c++ c# and r"),
            ("don't", "don t"),
            ("ｱﾆﾒ", "ア ニ メ"),
            ("料理とジャズ", "料 理 と シ\u{3099} ャ ス\u{3099}"),
            ("シ\u{3099}ャス\u{3099}", "シ\u{3099} ャ ス\u{3099}"),
            ("ｼﾞｬｽﾞ", "シ\u{3099} ャ ス\u{3099}"),
            ("ﾋﾟｱﾉ ヒ\u{309a}アノ", "ピ ア ノ ピ ア ノ"),
            ("\u{3099}\u{ff9e}", ""),
            ("한국 음악", "한국 음악"),
            ("ΣΊΣΥΦΟΣ", "σισυφοσ"),
            ("हिन्दी", "हिन्दी"),
            ("", ""),
            ("😂🌱", ""),
        ] {
            assert_eq!(
                folded(text),
                words.replace("シ\u{3099}", "ジ").replace("ス\u{3099}", "ズ"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_phrase_ends_where_a_sentence_does() {
        assert_eq!(folded("I like rock. Roll on"), "i like rock \n roll on");
        assert_eq!(folded("node.js and St.Gallen"), "node js and st gallen");
    }

    #[test]
    fn a_word_knows_where_it_stands() {
        let text = "Über C++: l’été's 料";
        let mut folded = Folded::default();
        folded.push((0, text), 0..text.len(), Place::Body, true);
        let words: Vec<_> =
            folded.words().iter().map(|it| &text[it.start as usize..it.end as usize]).collect();
        assert_eq!(words, ["Über", "C++", "l", "été", "料"]);
        let letters: Vec<_> = folded.words().iter().map(|it| folded.letters(it)).collect();
        assert_eq!(letters[3], b"ete");
    }
}
