//! Whatever somebody posts.

use std::sync::LazyLock;

use klout_topic_math::words::{Matcher, PostTopic, TOPICS_MAX, WORDS_MAX, Words};
use proptest::prelude::*;

use crate::{matcher, slugs, small};

static MATCHER: LazyLock<Matcher> = LazyLock::new(|| matcher(small()));

/// Text with names in it, and much else.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("machine learning"),
        Just("Lambs quarters"),
        Just("golf"),
        Just("#BoardGames"),
        Just("rust"),
        Just("cargo"),
        Just("料理"),
        Just("الطبخ"),
        Just("cocina"),
        Just("https://golf.org/rust/a-b?c"),
        Just("@rust"),
        Just(" "),
        Just("\n"),
        Just(". "),
        Just("#"),
        Just("://"),
        Just("😀"),
        Just("C++"),
        Just("z\u{351}\u{36b}"),
        Just("\u{202e}"),
        Just("'s"),
        Just("\u{e9}"),
        Just("ǅ"),
        Just("ﬁ"),
    ];
    prop::collection::vec(prop_oneof![piece.prop_map(str::to_owned), "\\PC{0,8}"], 0..24)
        .prop_map(|pieces| pieces.concat())
}

fn check(words: &Words<'_>, found: &[PostTopic]) {
    assert!(found.len() <= TOPICS_MAX);
    for it in found {
        assert!(it.weight > 0.0 && it.weight <= 1.0, "{it:?}");
        assert!(!it.words.is_empty() && it.words.len() <= WORDS_MAX, "{it:?}");
        for word in &it.words {
            let stands = words.text.contains(word)
                || words.tags.iter().chain(words.links).any(|it| it.contains(word));
            assert!(stands && !word.is_empty(), "{word:?} is not in {words:?}");
        }
    }
    assert!(found.is_sorted_by(|one, other| one.weight >= other.weight));
}

proptest! {
    #[test]
    fn nothing_makes_it_panic_and_all_words_are_in_the_post(
        text in text(),
        tags in prop::collection::vec(text(), 0..4),
        links in prop::collection::vec(text(), 0..4),
    ) {
        let words = Words { text: &text, tags: &tags, links: &links, language: None };
        check(&words, &MATCHER.topics(&words, &[]));
        let _ = MATCHER.language(&words);
    }

    #[test]
    fn the_order_of_tags_links_and_the_authors_topics_does_not_matter(
        text in text(),
        tags in prop::collection::vec(text(), 0..6),
        links in prop::collection::vec(text(), 0..6),
    ) {
        let author: Vec<_> = MATCHER.ontology().topics().iter().map(|it| it.id).take(4).collect();
        let reversed = |of: &[String]| of.iter().rev().cloned().collect::<Vec<_>>();
        let (other_tags, other_links) = (reversed(&tags), reversed(&links));
        let other_author: Vec<_> = author.iter().rev().copied().collect();
        let words = Words { text: &text, tags: &tags, links: &links, language: None };
        let other = Words { text: &text, tags: &other_tags, links: &other_links, language: None };
        prop_assert_eq!(MATCHER.topics(&words, &author), MATCHER.topics(&other, &other_author));
    }
}

/// Reads something, within bounds.
fn bounded(text: &str, tags: &[String]) -> Vec<&'static str> {
    let words = Words { text, tags, ..Words::default() };
    let found = MATCHER.topics(&words, &[]);
    check(&words, &found);
    slugs(&MATCHER, &found)
}

#[test]
fn posts_of_any_size_and_shape_end() {
    assert_eq!(bounded("", &[]), [""; 0]);
    assert_eq!(bounded("😂😂😂😂", &[]), [""; 0]);
    assert_eq!(bounded(&"x".repeat(1 << 20), &[]), [""; 0]);
    assert_eq!(bounded(&"\u{35b}".repeat(1 << 20), &[]), [""; 0]);
    assert_eq!(bounded(&"ﷺ".repeat(1 << 16), &[]), [""; 0]);
    assert_eq!(bounded(&"a ".repeat(50_000), &[]), [""; 0]);
    assert_eq!(bounded(&"#".repeat(100_000), &[]), [""; 0]);
    assert_eq!(bounded(&"://".repeat(40_000), &[]), [""; 0]);
    assert_eq!(bounded(&"machine ".repeat(14_000), &[]), [""; 0]);
    assert_eq!(bounded(&"golf ".repeat(20_000), &[]), ["golf"]);
    let text = format!("{}golf", "word ".repeat(20_000));
    assert_eq!(bounded(&text, &[]), [""; 0], "a word in 100 kB is not what it is about");
    let tags: Vec<String> = (0..10_000).map(|it| format!("#tag{it}")).collect();
    assert_eq!(bounded("golf", &tags), [""; 0], "one word among thousands of tags");
    assert_eq!(bounded(&tags.join(" "), &[]), [""; 0]);
}

#[test]
fn phrases_that_overlap_in_a_text_that_repeats_end() {
    let topics = (1..200_u64)
        .map(|it| {
            let name = "a ".repeat(1 + usize::try_from(it).expect("small") % 11);
            crate::topic(it, &format!("t{it}"), &format!("{name}b{it}"), &[])
        })
        .collect();
    let matcher = matcher(topics);
    let text = "a ".repeat(60_000);
    let found = matcher.topics(&Words { text: &text, ..Words::default() }, &[]);
    assert_eq!(found, []);
}
