//! Text and links of a fragment of HTML.

use html5gum::{DefaultEmitter, Token, Tokenizer};
use url::Url;

use crate::text::clip;

/// In bytes, of what is read.
const LENGTH_MAX: usize = 64 * 1024;

/// Links of one text: more are not looked at.
const LINKS_MAX: usize = 32;

/// What a fragment says, without its elements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) text: String,
    /// Where it leads, but for those who are mentioned and for tags.
    pub(crate) links: Vec<String>,
}

/// Reads a fragment.
pub(crate) fn read(html: String) -> Said {
    let html = clip(html, LENGTH_MAX);
    let mut said = Said::default();
    // Elements whose content nobody sees, at most one deep, as the tokenizer takes what is in them for text.
    let mut hidden = false;
    let mut emitter: DefaultEmitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    for token in Tokenizer::new_with_emitter(html.as_str(), emitter) {
        let Ok(token) = token;
        match token {
            Token::String(text) if !hidden => {
                said.text.push_str(&String::from_utf8_lossy(text.value.as_slice()));
            }
            Token::StartTag(tag) => match tag.name.as_slice() {
                b"script" | b"style" | b"title" | b"textarea" => hidden = true,
                b"br" => said.text.push('\n'),
                b"a" if said.links.len() < LINKS_MAX => {
                    let attribute = |name: &[u8]| {
                        let value = tag.attributes.get(name)?;
                        std::str::from_utf8(value.as_slice()).ok()
                    };
                    let of = attribute(b"class").unwrap_or_default();
                    let inward =
                        of.split_ascii_whitespace().any(|it| matches!(it, "mention" | "hashtag"));
                    let link = attribute(b"href").filter(|_| !inward);
                    said.links.extend(link.and_then(web_address));
                }
                _ => {}
            },
            Token::EndTag(tag) => match tag.name.as_slice() {
                b"script" | b"style" | b"title" | b"textarea" => hidden = false,
                b"p" | b"li" | b"blockquote" => said.text.push('\n'),
                _ => {}
            },
            Token::String(_) | Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    said.text = clip(said.text.trim().to_owned(), LENGTH_MAX);
    said
}

fn web_address(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_is_read_without_its_elements_and_with_its_links() {
        let said = read(
            r#"<p>Rust &amp; <a href="https://social.example/tags/x" class="mention hashtag">#<span>scores</span></a></p>
            <p>by <span class="h-card"><a href="https://social.example/@ann" class="u-url mention">@<span>ann</span></a></span><br/>see
            <a href="https://one.example/a?b=1&amp;c=2">one</a> <a href="javascript:alert(1)">no</a><script>evil()</script></p>"#
                .to_owned(),
        );
        assert!(said.text.starts_with("Rust & #scores\n"), "{}", said.text);
        assert!(said.text.contains("by @ann\nsee"), "{}", said.text);
        assert!(!said.text.contains("evil") && !said.text.contains('<'));
        assert_eq!(said.links, ["https://one.example/a?b=1&c=2"]);
    }

    proptest! {
        #[test]
        fn whatever_it_is_what_it_says_is_bounded(html in "[<>a-z/=\"' &;!-]{0,64}\\PC{0,32}") {
            let said = read(html);
            prop_assert!(said.text.len() <= LENGTH_MAX && said.links.len() <= LINKS_MAX);
        }
    }

    #[test]
    fn a_long_text_is_cut_between_letters() {
        let said = read("ä".repeat(LENGTH_MAX));
        assert_eq!(said.text.len(), LENGTH_MAX);
        assert!(read("<a href=https://x.example>".repeat(1_000)).links.len() <= LINKS_MAX);
    }
}
