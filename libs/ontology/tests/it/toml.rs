//! Our own files.

use klout_ontology::{Ontology, Phrase, PhraseKind};

use crate::file;

const FILE: &str = r#"
[[topic]]
id = 12
slug = "animals"
wikidata = "Q729"
names = { en = "Animals", de = "Tiere" }
description = "Living beings that move."

[[topic]]
id = "18446744073709551615"
slug = "python-snake"
parents = ["animals"]
names.en = "Pythons"
aliases.en = ["python snake"]
aliases.mul = ["ballpython"]
keywords.en = ["terrarium", "reptile"]
except = ["python 3"]
sensitive = true
"#;

fn flaws(text: &str) -> Vec<String> {
    let flaws = Ontology::read("test", "1", vec![file("a.toml", text)]).expect_err("it has flaws");
    flaws.iter().map(ToString::to_string).collect()
}

#[test]
fn everything_that_a_topic_can_have_is_read() {
    let (ontology, notices) =
        Ontology::read("test", "1", vec![file("a.toml", FILE)]).expect("it is read");
    assert_eq!(notices, []);
    let animals = ontology.find("animals").expect("a topic");
    assert_eq!(animals.description.as_deref(), Some("Living beings that move."));
    assert_eq!(animals.wikidata.as_deref(), Some("Q729"));
    let python = ontology.find("18446744073709551615").expect("a topic");
    assert_eq!(python.parents, [animals.id]);
    assert!(ontology.is_sensitive(python.id) && !ontology.is_sensitive(animals.id));
    let english = Some("en".parse().expect("a language"));
    let phrase = |language, text: &str, kind| Phrase { language, text: text.to_owned(), kind };
    let mut expected = [
        phrase(english, "python snake", PhraseKind::Alias),
        phrase(None, "ballpython", PhraseKind::Alias),
        phrase(english, "terrarium", PhraseKind::Keyword),
        phrase(english, "reptile", PhraseKind::Keyword),
        phrase(None, "python 3", PhraseKind::Except),
    ];
    expected.sort();
    assert_eq!(python.phrases, expected);
}

#[test]
fn topics_may_be_spread_over_files() {
    let (first, second) = FILE.split_at(FILE.rfind("[[topic]]").expect("there are two"));
    let files = vec![file("b.toml", second), file("a.toml", first)];
    let (spread, _) = Ontology::read("test", "1", files).expect("it is read");
    let (whole, _) = Ontology::read("test", "1", vec![file("a.toml", FILE)]).expect("it is read");
    assert_eq!(spread.checksum(), whole.checksum());
}

#[test]
fn a_flaw_names_the_line() {
    for (from, to, flaw) in [
        (
            "\"animals\"]",
            "\"plants\"]",
            "a.toml:12: \"python-snake\" is part of \"plants\", which is no topic",
        ),
        (
            "id = 12",
            "id = -12",
            "a.toml:3: the id \"-12\": a topic is a decimal number from 1 to 18446744073709551615",
        ),
        ("Tiere", "", "a.toml:6: \"\" is empty"),
        (
            "de =",
            "DE =",
            "a.toml:6: \"DE\": a language is two or three lower-case letters, such as en",
        ),
        (
            "names.en = \"Pythons\"",
            "names.de = \"Pythons\"",
            "a.toml:11: the topic \"python-snake\" has no English name",
        ),
        ("parents", "parent", "a.toml:12: unknown field `parent`, expected one of `id`, `slug`"),
        ("slug = \"animals\"", "slug = animals", "a.toml:4: "),
        ("id = 12", "id = 18446744073709551615", "a.toml:3: "),
        ("names.en", "id = 3\nnames.en", "a.toml:13: duplicate key"),
        (
            "\"animals\"",
            "\"python-snake\"",
            "a.toml:11: \"python-snake\" is the slug of two topics: 12, at a.toml:4",
        ),
    ] {
        let said = flaws(&FILE.replacen(from, to, 1));
        assert!(said[0].starts_with(flaw), "{flaw}: {said:?}");
    }
}

/// A parser that recursed without a limit would overflow the stack.
#[test]
fn deep_nesting_is_a_flaw() {
    let said = flaws(&format!("[[topic]]\nid = {}", "[".repeat(1_000_000)));
    assert!(said[0].starts_with("a.toml:2: "), "{said:?}");
}
