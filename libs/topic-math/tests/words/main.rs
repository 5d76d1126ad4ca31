//! Posts become topics, by ontologies of a few topics and by the one that ships.

mod disambiguation;
mod languages;
mod properties;
mod shipped;

use std::{collections::BTreeMap, sync::Arc};

use klout_model::TopicId;
use klout_ontology::{Language, Ontology, Phrase, PhraseKind, Topic};
use klout_topic_math::words::{Matcher, PostTopic, Words};

/// A topic by its slug, with what it is called in English and what it is part of.
fn topic(id: u64, slug: &str, name: &str, parents: &[u64]) -> Topic {
    Topic {
        id: TopicId::new(id).expect("not 0"),
        slug: slug.to_owned(),
        names: BTreeMap::from([(Language::ENGLISH, name.to_owned())]),
        parents: parents.iter().filter_map(|it| TopicId::new(*it)).collect(),
        wikidata: None,
        phrases: Vec::new(),
        sensitive: false,
        description: None,
    }
}

/// A topic told by more phrases.
trait Told {
    fn told(self, language: &str, kind: PhraseKind, phrases: &[&str]) -> Self;

    fn described(self, description: &str) -> Self;
}

impl Told for Topic {
    fn told(mut self, language: &str, kind: PhraseKind, phrases: &[&str]) -> Self {
        let language = language.parse().ok();
        let phrases = phrases.iter().map(|it| Phrase { language, text: (*it).to_owned(), kind });
        self.phrases.extend(phrases);
        self
    }

    fn described(mut self, description: &str) -> Self {
        self.description = Some(description.to_owned());
        self
    }
}

fn matcher(topics: Vec<Topic>) -> Matcher {
    Matcher::new(Arc::new(Ontology::new("test", "1", topics).expect("an ontology")))
}

fn read(matcher: &Matcher, text: &str) -> Vec<PostTopic> {
    matcher.topics(&Words { text, ..Words::default() }, &[])
}

/// The slugs of what a text is about, the most first.
fn slugs<'a>(matcher: &'a Matcher, found: &[PostTopic]) -> Vec<&'a str> {
    found.iter().filter_map(|it| Some(&*matcher.ontology().get(it.topic)?.slug)).collect()
}

fn about<'a>(matcher: &'a Matcher, text: &str) -> Vec<&'a str> {
    slugs(matcher, &read(matcher, text))
}

/// A world of a dozen topics.
fn small() -> Vec<Topic> {
    use PhraseKind::{Alias, Except, Keyword};
    vec![
        topic(1, "technology", "Technology", &[]),
        topic(2, "programming", "Programming", &[1]).told(
            "en",
            Keyword,
            &["compiler", "parser", "function", "code review"],
        ),
        topic(3, "rust", "Rust (programming language)", &[2])
            .told("en", Alias, &["Rust", "rustlang"])
            .told("en", Keyword, &["borrow checker", "cargo"]),
        topic(4, "machine-learning", "Machine Learning", &[1])
            .told("en", Alias, &["neural network"])
            .told("de", Alias, &["Maschinelles Lernen"]),
        topic(5, "javascript", "JavaScript", &[2]),
        topic(6, "java", "Java", &[2]),
        topic(10, "food", "Food", &[]),
        topic(11, "cooking", "Cooking", &[10])
            .told("es", Alias, &["cocina"])
            .told("de", Alias, &["Kochen", "Rezept"])
            .told("ar", Alias, &["الطبخ"])
            .told("ja", Alias, &["料理"])
            .told("en", Keyword, &["oven", "roasted"]),
        topic(12, "lamb", "Lamb", &[11])
            .told("en", Except, &["lamb's quarters", "lambs quarters"])
            .told("en", Keyword, &["rosemary", "shoulder"]),
        topic(20, "sports", "Sports", &[]),
        topic(21, "golf", "Golf", &[20]).told("en", Except, &["VW Golf"]),
        topic(22, "board-games", "Board Games", &[]),
        topic(23, "artificial-intelligence", "Artificial Intelligence", &[1])
            .told("en", Alias, &["AI"])
            .told("de", Alias, &["Künstliche Intelligenz"])
            .told("es", Alias, &["inteligencia artificial"]),
    ]
}
