//! Links by which a page says that another one is its owner's too. Pure.

use html5gum::{DefaultEmitter, Token, Tokenizer};
use url::Url;

/// Links of one page: more are not looked at.
const LINKS_MAX: usize = 1_000;

/// Where `a` and `link` elements of a page lead that say `rel="me"`.
pub(crate) fn links(page: &[u8], address: &Url) -> Vec<Url> {
    let mut links = Vec::new();
    let mut emitter: DefaultEmitter = DefaultEmitter::default();
    // What stands in scripts and the like is text.
    emitter.naively_switch_states(true);
    for token in Tokenizer::new_with_emitter(page, emitter) {
        let Ok(token) = token;
        let Token::StartTag(tag) = token else { continue };
        if !matches!(tag.name.as_slice(), b"a" | b"link") {
            continue;
        }
        let attribute = |name: &[u8]| {
            let value = tag.attributes.get(name)?;
            std::str::from_utf8(value.as_slice()).ok()
        };
        let is_me = attribute(b"rel").is_some_and(|rel| {
            rel.split_ascii_whitespace().any(|it| it.eq_ignore_ascii_case("me"))
        });
        if !is_me {
            continue;
        }
        links.extend(attribute(b"href").and_then(|href| address.join(href.trim()).ok()));
        if links.len() == LINKS_MAX {
            break;
        }
    }
    links
}

/// Whether two addresses mean one page: whether `https` or `http`, with or without a slash at their end.
pub(crate) fn same_page(one: &Url, other: &Url) -> bool {
    let path = |url: &Url| url.path().trim_end_matches('/').to_owned();
    let web = |url: &Url| matches!(url.scheme(), "https" | "http");
    web(one)
        && web(other)
        && one.host() == other.host()
        && one.port() == other.port()
        && path(one) == path(other)
        && one.query() == other.query()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("an address")
    }

    #[test]
    fn links_say_me_in_elements_and_nowhere_else() {
        let page = br#"
            <!-- <a rel=me href="https://comment.example/">no</a> -->
            <script>var x = '<a rel="me" href="https://script.example/">';</script>
            <link REL="Me" href="https://one.example/">
            <a class="x" rel="nofollow me noopener" href=' /@ann '>ann</a>
            <a rel="friend" href="https://friend.example/">no</a>
            <p rel="me" href="https://p.example/">no</p>
            <a rel="me">nowhere</a> <a rel="me" href="http://[bad">no</a> <a rel="me" href="https://cut.example/"#;
        let found = links(page, &url("https://two.example/about"));
        assert_eq!(found, [url("https://one.example/"), url("https://two.example/@ann")]);
    }

    #[test]
    fn what_is_no_page_has_no_links() {
        let address = url("https://one.example/");
        assert!(links(b"\xff\xfe\0<a rel=\"me\" href=\xff>", &address).len() <= 1);
        assert!(links(&b"<".repeat(100_000), &address).is_empty());
        assert_eq!(links(&b"<a rel=me href=/>".repeat(2_000), &address).len(), LINKS_MAX);
    }

    #[test]
    fn a_page_is_the_same_with_and_without_a_slash() {
        assert!(same_page(&url("https://ann.example"), &url("http://ann.example/")));
        assert!(same_page(&url("https://one.example/@ann/"), &url("https://one.example/@ann#top")));
        assert!(!same_page(&url("https://one.example/@ann"), &url("https://one.example/@bob")));
        assert!(!same_page(&url("https://one.example/?p=1"), &url("https://one.example/?p=2")));
        assert!(!same_page(&url("https://one.example/"), &url("https://two.example/")));
    }
}
