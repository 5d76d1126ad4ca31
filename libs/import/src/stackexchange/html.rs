//! What the HTML of a post says, without how it looks.

use std::borrow::Cow;

use quick_xml::escape::{resolve_html5_entity, unescape_with};

/// Elements within a sentence. All others begin a line, or end one.
const INLINE: [&str; 14] = [
    "a", "b", "code", "del", "em", "i", "ins", "kbd", "s", "span", "strike", "strong", "sub", "sup",
];

/// The text of some HTML, and what it links to, in order and each once.
///
/// Stack Exchange lets few elements through, and always closes what it opens; whatever else comes is text or
/// is left out, and never refused.
pub(super) fn read(html: &str) -> (String, Vec<String>) {
    let mut text = String::with_capacity(html.len());
    let mut links = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        say(&mut text, &rest[..start]);
        let Some(length) = rest[start..].find('>') else {
            rest = "";
            break;
        };
        let element = &rest[start + 1..start + length];
        rest = &rest[start + length + 1..];
        let name = element.trim_start_matches('/');
        let end = name.find(|it: char| !it.is_ascii_alphanumeric()).unwrap_or(name.len());
        if !INLINE.contains(&&name[..end]) {
            text.push('\n');
        }
        if let Some(link) = link(element).filter(|it| !links.contains(it)) {
            links.push(link);
        }
    }
    say(&mut text, rest);
    (tidy(&text), links)
}

fn say(text: &mut String, html: &str) {
    // An ampersand that stands for itself is one.
    let said = unescape_with(html, resolve_html5_entity).unwrap_or(Cow::Borrowed(html));
    text.push_str(&said);
}

/// Where an element such as `a href="…"` leads to.
fn link(element: &str) -> Option<String> {
    let (_, value) = element.strip_prefix("a ")?.split_once("href=\"")?;
    let (value, _) = value.split_once('"')?;
    let link = unescape_with(value, resolve_html5_entity).ok()?;
    (link.starts_with("http://") || link.starts_with("https://")).then(|| link.into_owned())
}

/// Without the white space around lines, and with one empty line at most between two.
fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.lines().map(str::trim) {
        if line.is_empty() {
            empty += 1;
            continue;
        }
        if !tidy.is_empty() {
            tidy.push_str(if empty > 0 { "\n\n" } else { "\n" });
        }
        empty = 0;
        tidy.push_str(line);
    }
    tidy
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_stays_and_markup_goes() {
        let html = "<p>A <em>Turing</em> machine<sup>1</sup> &amp; co:<br>a &lt; b</p>\n\n<hr>\n<ul>\
                    <li>x</li></ul><pre><code>let a = 1;\n  b &amp;&amp; c\n</code></pre>";
        let text = "A Turing machine1 & co:\na < b\n\nx\n\nlet a = 1;\nb && c";
        assert_eq!(read(html).0, text);
        for (html, text) in
            [("", ""), ("no markup", "no markup"), ("a & b", "a & b"), ("1 < 2", "1")]
        {
            assert_eq!(read(html).0, text);
        }
    }

    #[test]
    fn links_are_told_once() {
        let html = "<a href=\"https://a.org/x?y=1&amp;z\" rel=\"nofollow\">it</a> \
                    <a href=\"https://a.org/x?y=1&amp;z\">again</a> <a href=\"/q/1\">here</a>";
        assert_eq!(
            read(html),
            ("it again here".to_owned(), vec!["https://a.org/x?y=1&z".to_owned()])
        );
    }

    proptest! {
        #[test]
        fn no_html_makes_it_panic(html in "[<>a-z\"=&;/# \n]{0,80}|\\PC{0,80}") {
            read(&html);
        }
    }
}
