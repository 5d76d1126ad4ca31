//! Search.

use klout_ontology::{Language, Ontology, Phrase, PhraseKind, Topic};

use crate::made_up::{id, ontology, topic};

fn named(mut topic: Topic, language: &str, name: &str) -> Topic {
    topic.names.insert(language.parse().expect("a language"), name.to_owned());
    topic
}

fn also(mut topic: Topic, alias: &str) -> Topic {
    let (text, kind) = (alias.to_owned(), PhraseKind::Alias);
    topic.phrases.push(Phrase { language: Some(Language::ENGLISH), text, kind });
    topic
}

fn music() -> Ontology {
    ontology(vec![
        named(topic(1, "Music", &[]), "fr", "Musique"),
        topic(2, "Musicals", &[1]),
        also(topic(3, "Theatre", &[]), "musical theatre"),
        topic(4, "Folk music", &[1]),
        named(topic(5, "Board games", &[]), "de", "Brettspiele"),
        named(topic(6, "Café culture", &[]), "ar", "مقاهي"),
    ])
}

fn found(query: &str, parent: Option<u64>) -> Vec<u64> {
    music().search(query, parent.map(id)).into_iter().map(|it| it.get()).collect()
}

#[test]
fn whole_names_come_before_names_aliases_and_words_of_names() {
    assert_eq!(found("music", None), [1, 2, 3, 4]);
    assert_eq!(found("musical theatre", None), [3]);
    assert_eq!(found("MUSIQ", None), [1]);
}

#[test]
fn case_accents_and_the_language_do_not_matter() {
    assert_eq!(found("CAFE", None), [6]);
    assert_eq!(found("culture", None), [6]);
    assert_eq!(found("مقا", None), [6]);
    assert_eq!(found("brett", None), [5]);
    assert_eq!(found("board-games", None), [5]);
    assert_eq!(found("#board", None), [5]);
    assert_eq!(found("nothing at all", None), [] as [u64; 0]);
}

#[test]
fn an_empty_query_lists_all_by_name_and_a_parent_only_what_is_below() {
    assert_eq!(found("  ", None), [5, 6, 4, 1, 2, 3]);
    assert_eq!(found("", Some(1)), [4, 2]);
    assert_eq!(found("music", Some(1)), [2, 4]);
    assert_eq!(found("", Some(77)), [] as [u64; 0]);
}
