//! What an ontology may not have.

use std::collections::BTreeMap;

use klout_ontology::{File, Language, Ontology, Phrase, PhraseKind, Topic};

use crate::{
    gzip,
    made_up::{id, topic},
};

fn flaws(topics: Vec<Topic>) -> Vec<String> {
    let refused = Ontology::new("test", "1", topics).expect_err("it has flaws");
    refused.iter().map(ToString::to_string).collect()
}

#[test]
fn nothing_is_no_ontology() {
    assert_eq!(flaws(Vec::new()), ["there is no topic"]);
}

#[test]
fn ids_and_slugs_are_unique_in_any_case() {
    let said = flaws(vec![topic(1, "Jazz", &[]), topic(1, "Blues", &[])]);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("1 is the id of two topics"));
    let mut loud = topic(2, "Jazz", &[]);
    loud.slug = "JAZZ".to_owned();
    let said = flaws(vec![topic(1, "Jazz", &[]), loud]);
    assert_eq!(said, ["\"jazz\" is the slug of two topics: 1, at another topic, and 2"]);
}

#[test]
fn parents_exist_and_nobody_is_above_themselves() {
    let said = flaws(vec![topic(1, "Jazz", &[7])]);
    assert_eq!(said, ["\"jazz\" is part of 7, which is no topic"]);
    let said = flaws(vec![topic(1, "Jazz", &[1])]);
    assert_eq!(said, ["the topic \"jazz\" is part of itself"]);
    let said = flaws(vec![
        topic(3, "C", &[1]),
        topic(1, "A", &[2]),
        topic(2, "B", &[3]),
        topic(4, "D", &[1]),
    ]);
    assert_eq!(said, ["the topic \"a\" is part of itself: \"a ⊂ b ⊂ c\""]);
}

#[test]
fn names_slugs_and_phrases_have_something_to_say() {
    type Change = fn(&mut Topic);
    let cases: [(Change, &str); 9] = [
        (|it| it.names = BTreeMap::new(), "has no English name"),
        (|it| drop(it.names.insert(Language::ENGLISH, " ".to_owned())), "is empty"),
        (|it| drop(it.names.insert(Language::ENGLISH, "a\u{7}".to_owned())), "control characters"),
        (|it| drop(it.names.insert(Language::ENGLISH, "é".repeat(101))), "more than 200 bytes"),
        (|it| it.slug = "two words".to_owned(), "more than letters"),
        (|it| it.slug = "2026".to_owned(), "has digits only"),
        (|it| it.slug = String::new(), "is empty"),
        (|it| it.wikidata = Some("Q0".to_owned()), "no item of Wikidata"),
        (
            |it| {
                let (text, kind) = (String::new(), PhraseKind::Keyword);
                it.phrases.push(Phrase { language: None, text, kind });
            },
            "is empty",
        ),
    ];
    for (change, problem) in cases {
        let mut jazz = topic(1, "Jazz", &[]);
        change(&mut jazz);
        let said = flaws(vec![jazz]);
        assert!(said.iter().any(|it| it.contains(problem)), "{problem}: {said:?}");
    }
    for (name, edition) in
        [("", "1"), ("Klout", "1"), ("klout", ""), ("klout", "a b"), ("klout.2", "1")]
    {
        Ontology::new(name, edition, vec![topic(1, "Jazz", &[])])
            .expect_err("it cannot be named so");
    }
}

#[test]
fn many_flaws_are_told_as_twenty() {
    let topics = (1..=500).map(|number| topic(number, &format!("t{number}"), &[number + 1000]));
    assert_eq!(flaws(topics.collect()).len(), 20);
}

/// Deep enough for a stack to overflow if anything recursed.
#[test]
fn a_deep_graph_is_refused_and_a_deep_cycle_named() {
    let chain = |first: &[u64]| {
        let above = |number: u64| if number == 1 { first.to_vec() } else { vec![number - 1] };
        let topics = 1..=100_000;
        topics.map(|it| topic(it, &format!("t{it}"), &above(it))).collect::<Vec<_>>()
    };
    let said = flaws(chain(&[]));
    assert!(said[0].ends_with("is part of more than 256 topics"), "{said:?}");
    let said = flaws(chain(&[100_000]));
    assert!(
        said[0].starts_with("the topic \"t1\" is part of itself: \"t1 ⊂ t100000 ⊂ "),
        "{said:?}"
    );
}

#[test]
fn there_is_a_limit_to_everything() {
    let many = (1..=100_001).map(|number| topic(number, &format!("t{number}"), &[]));
    assert_eq!(flaws(many.collect()), ["there are 100001 topics, and may be 100000"]);
    let parents: Vec<u64> = (1..=65).collect();
    let mut topics: Vec<Topic> =
        parents.iter().map(|it| topic(*it, &format!("t{it}"), &[])).collect();
    topics.push(topic(100, "below", &parents));
    assert_eq!(flaws(topics), ["\"below\" is part of more than 64 topics"]);
    let mut wordy = topic(1, "wordy", &[]);
    let phrase = |number: u32| Phrase {
        language: None,
        text: number.to_string(),
        kind: PhraseKind::Keyword,
    };
    wordy.phrases = (0..2_000_000).map(phrase).collect();
    assert_eq!(flaws(vec![wordy]), ["there are 2000001 names and phrases, and may be 2000000"]);
}

#[test]
fn a_gzip_bomb_ends_with_a_flaw() {
    let bomb = gzip(&vec![b'#'; 100 * 1024 * 1024]);
    assert!(bomb.len() < 1024 * 1024);
    let files = vec![File { name: "bomb.toml.gz".to_owned(), content: bomb.clone() }];
    let flaws = Ontology::read("test", "1", files).expect_err("it is too large");
    assert_eq!(flaws[0].file, "bomb.toml.gz");
    assert!(flaws[0].problem.contains("more than 67108864 bytes"), "{flaws:?}");
    let cut = vec![File { name: "cut.gz".to_owned(), content: bomb[..1000].to_vec() }];
    let flaws = Ontology::read("test", "1", cut).expect_err("it is cut off");
    assert_eq!(flaws[0].problem, "is no whole gzip file; is it cut off?");
}

#[test]
fn kept_bytes_that_are_damaged_are_refused() {
    let bytes =
        crate::made_up::ontology(vec![topic(1, "Jazz", &[]), topic(2, "Bebop", &[1])]).write();
    Ontology::parse(&bytes).expect("they are whole");
    Ontology::parse(&bytes[..bytes.len() - 9]).expect_err("they are cut off");
    let header = br#"{"format":2,"ontology":"test","edition":"1"}"#;
    let flaws = Ontology::parse(&gzip(header)).expect_err("nobody knows that format");
    assert_eq!(flaws[0].problem, "has format 2, and 1 is known");
    assert_eq!(id(1).get(), 1);
}
