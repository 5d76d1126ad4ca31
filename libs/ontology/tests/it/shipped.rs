//! The taxonomy that ships.

use std::collections::{BTreeMap, BTreeSet};

use klout_model::TopicId;
use klout_ontology::{Language, Ontology, PhraseKind, Topic, fold};

/// Ids of ours are in here, where Klout has none.
const IDS: std::ops::RangeInclusive<u64> = 1_001_000..=1_099_999;

/// Words that tell nothing, by language.
const STOP_WORDS: [(&str, &str); 5] = [
    (
        "en",
        "a about after all also an and any are as at be because been but by can could did do does for from get \
         had has have he her here him his how i if in into is it its just like make me more most my new no not \
         now of off on one only or other our out over so some such than that the their them then there these \
         they thing things this those to today too up us very was we well were what when where which who why \
         will with would you your",
    ),
    (
        "de",
        "als am auf aus bei bin bist das dass dem den der des die ein eine einem einen einer es für hat ich im \
         ist ja kein mit nach nicht noch nur oder sich sie sind so um und uns von vor war was wenn wie wir zu zum \
         zur",
    ),
    (
        "es",
        "al como con de del donde el ella en eres es esta este la las lo los más mi muy no para pero por que se sin \
         sobre son su sus te tu un una uno y ya",
    ),
    (
        "fr",
        "au aux avec ce ces cette dans des du elle en est et il ils je le les leur mais mes mon ne nous on ou où \
         par pas plus pour qu que qui sa sans ses son sont sur ta toi ton tu une vos votre vous",
    ),
    (
        "it",
        "agli alla alle anche che chi ci come con cosa da dal dei della delle di e ed era gli ha hai ho il io lei li \
         lui ma mia mio nei nel nella noi non o per perché più può quale quando questa questo se sei sono sua suo \
         tra un una va voi",
    ),
];

fn topics() -> &'static [Topic] {
    Ontology::shipped().topics()
}

fn of(topic: &Topic, kind: PhraseKind) -> impl Iterator<Item = &str> {
    topic
        .phrases
        .iter()
        .filter(move |phrase| phrase.kind == kind)
        .map(|phrase| phrase.text.as_str())
}

#[test]
fn there_are_more_than_four_hundred_topics_on_three_levels() {
    let ontology = Ontology::shipped();
    assert!(topics().len() >= 450, "{}", topics().len());
    for level in 1..=3 {
        let count = topics().iter().filter(|topic| ontology.level(topic.id) == level).count();
        assert!(count >= 20, "{count} topics of level {level}");
    }
    let several = topics().iter().filter(|topic| topic.parents.len() > 1).count();
    assert!(several >= 80, "{several} have several parents");
}

#[test]
fn ids_are_ours_and_slugs_are_plain() {
    for topic in topics() {
        assert!(IDS.contains(&topic.id.get()), "{}", topic.id);
        let plain = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-';
        assert!(topic.slug.chars().all(plain), "{}", topic.slug);
    }
}

#[test]
fn every_topic_is_told_in_six_languages_by_several_words() {
    for topic in topics() {
        for language in ["en", "de", "es", "fr", "it", "ar"] {
            let language = language.parse().expect("a language");
            assert!(topic.names.contains_key(&language), "{} in {language}", topic.slug);
        }
        assert!(of(topic, PhraseKind::Alias).count() >= 3, "{} has few aliases", topic.slug);
        assert!(of(topic, PhraseKind::Keyword).count() >= 3, "{} has few keywords", topic.slug);
    }
}

#[test]
fn no_name_or_alias_is_that_of_two_topics() {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for topic in topics() {
        let names = topic.names.values().map(String::as_str);
        for text in names.chain(of(topic, PhraseKind::Alias)) {
            let other = *seen.entry(text.to_lowercase()).or_insert(&topic.slug);
            assert_eq!(other, topic.slug, "{text} is a name of two topics");
        }
    }
}

#[test]
fn no_phrase_is_a_stop_word() {
    let stop_words: BTreeSet<(Option<Language>, String)> = STOP_WORDS
        .iter()
        .flat_map(|(language, words)| words.split_whitespace().map(move |word| (*language, word)))
        .map(|(language, word)| (language.parse().ok(), word.to_owned()))
        .collect();
    assert!(stop_words.len() > 200);
    for topic in topics() {
        for phrase in &topic.phrases {
            let word = (phrase.language, phrase.text.clone());
            assert!(!stop_words.contains(&word), "{} of {}", phrase.text, topic.slug);
        }
    }
}

/// In its own language a word of another one would say nothing.
#[test]
fn what_is_english_has_letters_of_english_but_for_words_that_it_borrowed() {
    const BORROWED: &[&str] = &[
        "appliqué",
        "après-ski",
        "béarnaise",
        "börek",
        "café",
        "château",
        "comté",
        "crème brûlée",
        "crêpes",
        "cuvée",
        "döner",
        "el niño",
        "flâneur",
        "gruyère",
        "la niña",
        "macramé yarn",
        "nålebinding",
        "papier-mâché",
        "pétanque",
        "ragù",
        "repair café",
        "rosé wine",
        "sauté",
        "soufflé",
        "épée",
        "étude",
    ];
    for topic in topics() {
        let english = topic.phrases.iter().filter(|it| it.language == Some(Language::ENGLISH));
        for text in english.map(|it| it.text.as_str()).filter(|it| !it.is_ascii()) {
            assert!(BORROWED.contains(&text), "{text} of {}", topic.slug);
        }
    }
}

/// Without, it would say nothing: an exception is a longer phrase with a name in it.
#[test]
fn an_exception_is_no_name_of_its_topic() {
    for topic in topics() {
        let names: BTreeSet<String> = topic
            .names
            .values()
            .map(String::as_str)
            .chain(of(topic, PhraseKind::Alias))
            .map(fold)
            .collect();
        for text in of(topic, PhraseKind::Except) {
            assert!(!names.contains(&fold(text)), "{text} of {}", topic.slug);
        }
    }
}

#[test]
fn what_tells_of_health_faith_sex_or_views_is_sensitive_and_nothing_else_is() {
    let ontology = Ontology::shipped();
    let sensitive = |slug: &str| {
        ontology.is_sensitive(ontology.by_slug(slug).unwrap_or_else(|| panic!("{slug}")).id)
    };
    for slug in [
        "cancer",
        "diabetes",
        "mental-health",
        "pregnancy",
        "health-conditions",
        "religion",
        "islam",
        "atheism",
        "lgbtq",
        "sexuality",
        "politics",
        "feminism",
        "labor-unions",
        "migration",
        "activism",
        "disability",
        "caregiving",
    ] {
        assert!(sensitive(slug), "{slug}");
    }
    for slug in [
        "fitness",
        "yoga",
        "medicine",
        "nutrition",
        "science",
        "law",
        "public-policy",
        "climate",
        "history",
        "accessibility",
        "vegetarian-vegan",
        "wine",
        "privacy",
        "urban-planning",
        "military",
        "philosophy",
    ] {
        assert!(!sensitive(slug), "{slug}");
    }
    let count = topics().iter().filter(|topic| ontology.is_sensitive(topic.id)).count();
    assert!(count * 10 < topics().len(), "{count} are sensitive");
}

/// The made-up world's topics are among the slugs: its people tag what they post with them. What they say is
/// told only by what people say anywhere.
#[test]
fn what_the_made_up_world_talks_of_is_there() {
    for slug in [
        "photography",
        "cooking",
        "open-source",
        "gardening",
        "cycling",
        "science-fiction",
        "distributed-systems",
        "birdwatching",
        "sourdough",
        "hiking",
        "board-games",
        "typography",
        "astronomy",
        "rust",
        "knitting",
        "urban-planning",
        "jazz",
        "databases",
        "ceramics",
        "linguistics",
        "climate",
        "beekeeping",
        "cartography",
        "accessibility",
    ] {
        assert!(Ontology::shipped().by_slug(slug).is_some(), "{slug}");
    }
    let told = |text: &str| {
        let is_said = |it: &&Topic| {
            it.phrases.iter().any(|it| it.kind != PhraseKind::Except && it.text == text)
        };
        topics().iter().filter(is_said).map(|it| it.slug.as_str()).collect::<Vec<_>>()
    };
    for (thing, slug) in [
        ("pinhole camera", "photography"),
        ("tomato seedlings", "gardening"),
        ("worker placement", "board-games"),
        ("borrow checker", "rust"),
        ("vowel harmony", "linguistics"),
        ("alt text", "accessibility"),
    ] {
        assert!(told(thing).contains(&slug), "{thing} tells {slug}");
    }
    for thing in ["lost case", "late set", "wet boots", "slow join", "missing index", "long climb"]
    {
        assert_eq!(told(thing), [""; 0], "{thing}");
    }
}

#[test]
fn it_is_found_by_names_of_any_language_and_kept_as_it_is() {
    let ontology = Ontology::shipped();
    let first = |query: &str| {
        ontology
            .search(query, None)
            .first()
            .and_then(|it| ontology.get(*it))
            .map(|it| it.slug.as_str())
    };
    for (query, slug) in [
        ("photo", "photography"),
        ("FOTOGRAFÍA", "photography"),
        ("jardinage", "gardening"),
        ("k8s", "containers"),
        ("بستنة", "gardening"),
        ("board-games", "board-games"),
        ("rust", "rust"),
    ] {
        assert_eq!(first(query).or(Some("nothing")), Some(slug), "{query}");
    }
    let kept = Ontology::parse(&ontology.write()).expect("we wrote it");
    assert_eq!(kept.checksum(), ontology.checksum());
    let moves = Ontology::moves(ontology, &kept);
    assert!(moves.iter().all(|it| it.to == Some(it.from)));
    assert_eq!(TopicId::new(1_001_000), ontology.by_slug("technology").map(|it| it.id));
}
