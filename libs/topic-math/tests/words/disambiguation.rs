//! Names that mean several things, and what speaks for one of them.

use klout_model::TopicId;
use klout_ontology::PhraseKind;
use klout_topic_math::words::Words;

use crate::{Told as _, about, matcher, read, slugs, small, topic};

#[test]
fn a_name_is_found_in_the_singular_the_plural_and_any_case() {
    let matcher = matcher(small());
    for text in [
        "my Neural Networks are learning",
        "a neural network",
        "NEURAL NETWORKS!",
        "the neural network's weights",
    ] {
        assert_eq!(about(&matcher, text), ["machine-learning"], "{text}");
    }
    assert_eq!(about(&matcher, "neural. Networks are"), [""; 0], "not over the end of a sentence");
    assert_eq!(about(&matcher, "scooking"), [""; 0], "not within a word");
}

#[test]
fn what_has_the_name_in_it_and_is_something_else_is_not_the_topic() {
    let matcher = matcher(small());
    assert_eq!(about(&matcher, "lambs quarters are everywhere, free spinach"), [""; 0]);
    assert_eq!(about(&matcher, "my sister's VW Golf has a dent"), [""; 0]);
    assert_eq!(about(&matcher, "golf again on sunday"), ["golf"]);
    let found = about(&matcher, "Slow roasted lamb shoulder with rosemary");
    assert_eq!(found.first(), Some(&"lamb"), "{found:?}");
}

#[test]
fn an_ordinary_word_needs_something_beside_it() {
    let matcher = matcher(small());
    assert_eq!(about(&matcher, "rust under the wheel arches again"), [""; 0]);
    for text in [
        "the borrow checker of rust finally clicked",
        "is rust better than javascript",
        "a parser in rust, and a compiler",
        "we rewrote it all in Rust",
        "finally learning it #rust",
    ] {
        assert!(about(&matcher, text).contains(&"rust"), "{text}");
    }
}

#[test]
fn an_authors_topics_speak_for_a_meaning_and_add_none() {
    let matcher = matcher(small());
    let of = |text, author: &[u64]| {
        let author: Vec<TopicId> = author.iter().filter_map(|it| TopicId::new(*it)).collect();
        slugs(&matcher, &matcher.topics(&Words { text, ..Words::default() }, &author))
    };
    assert_eq!(of("too much rust this week", &[5]), ["rust"], "kin below the top");
    assert_eq!(of("too much rust this week", &[4]), [""; 0], "only technology in common");
    assert_eq!(of("what a week", &[3]), [""; 0]);
}

#[test]
fn a_name_of_several_topics_is_that_of_the_one_that_something_speaks_for() {
    let mut topics = small();
    topics.push(topic(30, "animals", "Animals", &[]));
    topics.push(
        topic(31, "big-cats", "Big Cats", &[30]).told("en", PhraseKind::Alias, &["jaguar"]).told(
            "en",
            PhraseKind::Keyword,
            &["jungle", "prey"],
        ),
    );
    topics.push(topic(32, "cars", "Cars", &[1]));
    topics.push(
        topic(33, "car-brands", "Car Brands", &[32])
            .told("en", PhraseKind::Alias, &["jaguar"])
            .told("en", PhraseKind::Keyword, &["gearbox", "dealer"]),
    );
    let matcher = matcher(topics);
    assert_eq!(about(&matcher, "look at this jaguar"), [""; 0]);
    assert_eq!(about(&matcher, "a jaguar and its prey"), ["big-cats"]);
    assert_eq!(about(&matcher, "the gearbox of my jaguar"), ["car-brands"]);
    assert!(about(&matcher, "cars: jaguar or not").contains(&"car-brands"));
}

#[test]
fn one_keyword_says_nothing_and_two_do() {
    let matcher = matcher(small());
    assert_eq!(about(&matcher, "the oven is on"), [""; 0]);
    assert_eq!(about(&matcher, "roasted in the oven"), ["cooking"]);
    let told = read(&matcher, "roasted in the oven");
    let named = read(&matcher, "cooking in the oven");
    assert!(told[0].weight < named[0].weight, "{told:?} {named:?}");
}

#[test]
fn an_abbreviation_is_one_in_capitals() {
    let mut topics = small();
    topics.push(topic(40, "medicine", "Medicine", &[]).told("en", PhraseKind::Alias, &["NHS"]));
    let matcher = matcher(topics);
    assert_eq!(about(&matcher, "again the NHS of ours"), ["medicine"]);
    assert_eq!(about(&matcher, "again the nhs of ours"), [""; 0]);
    assert_eq!(about(&matcher, "so #nhs"), ["medicine"], "as a tag it is what it is");
    assert_eq!(about(&matcher, "AI ate my homework"), ["artificial-intelligence"]);
    assert_eq!(about(&matcher, "ai que calor"), [""; 0]);
    assert_eq!(about(&matcher, "hm #ai"), ["artificial-intelligence"]);
}

#[test]
fn tags_are_read_joined_and_apart() {
    let matcher = matcher(small());
    for (text, slug) in [
        ("hm #machinelearning", "machine-learning"),
        ("hm #MachineLearning", "machine-learning"),
        ("hm #machine_learning", "machine-learning"),
        ("hm #BoardGamesNight", "board-games"),
        ("a boardgame for two", "board-games"),
        ("so #JavaScript", "javascript"),
    ] {
        assert_eq!(about(&matcher, text), [slug], "{text}");
    }
    let tags = ["#neural-networks".to_owned()];
    let found = matcher.topics(&Words { tags: &tags, ..Words::default() }, &[]);
    assert_eq!(slugs(&matcher, &found), ["machine-learning"]);
    assert_eq!(found[0].words, ["neural-networks"]);
}

#[test]
fn links_say_a_little() {
    let matcher = matcher(small());
    let links = ["https://example.org/blog/board-games-of-2018?utm=golf".to_owned()];
    let found = matcher.topics(&Words { links: &links, ..Words::default() }, &[]);
    assert_eq!(slugs(&matcher, &found), ["board-games"], "what is asked for is not looked at");
    let said = read(&matcher, "board games");
    assert!(found[0].weight < said[0].weight);
    assert_eq!(about(&matcher, "see https://golf.com/x and thank @golf"), [""; 0], "only who");
    let in_text = about(&matcher, "look: https://example.org/board-games/1");
    assert_eq!(in_text, ["board-games"]);
}

#[test]
fn a_title_counts_more_and_a_descendant_more_than_its_ancestor() {
    let matcher = matcher(small());
    let title = about(&matcher, "Golf\nand some cooking later on");
    assert_eq!(title, ["golf", "cooking"]);
    let found = read(&matcher, "technology and neural networks");
    assert_eq!(slugs(&matcher, &found), ["machine-learning", "technology"]);
    assert!(found[0].weight > 1.2 * found[1].weight, "{found:?}");
    assert_eq!(about(&matcher, "neural networks"), ["machine-learning"], "ancestors are not added");
}

#[test]
fn a_description_speaks_for_a_topic_that_is_not_named() {
    let topics = vec![
        topic(1, "entanglement", "Quantum Entanglement", &[])
            .described("States of two qubits that are described together, such as a Bell pair"),
        topic(2, "gates", "Quantum Gate", &[]).described("Unitary operations of a circuit"),
        topic(3, "cooling", "Dilution Refrigerator", &[]).described("Cools chips to millikelvin"),
    ];
    let matcher = matcher(topics);
    let text = "Are two entangled qubits described by one Bell state, or as a pair of states?";
    assert_eq!(about(&matcher, text), ["entanglement"]);
    assert_eq!(about(&matcher, "two states"), [""; 0]);
}

#[test]
fn what_too_many_topics_are_called_is_none_of_them() {
    let called = |count: u64| {
        let topics = (0..count).map(|it| {
            let (slug, name) = (format!("t{it}"), format!("Number{it}"));
            topic(100 + it, &slug, &name, &[2]).told("en", PhraseKind::Alias, &["tungsten"])
        });
        let above = [topic(1, "top", "Top", &[]), topic(2, "elements", "Elements", &[1])];
        matcher(above.into_iter().chain(topics).collect())
    };
    let some = called(20);
    assert_eq!(some.left_out(), 0);
    assert_eq!(about(&some, "tungsten again").len(), 10);
    let many = called(2000);
    assert!(many.left_out() >= 2000, "{}", many.left_out());
    assert_eq!(about(&many, "tungsten again"), [""; 0]);
    assert_eq!(about(&many, "number7 again"), ["t7"]);
}

#[test]
fn what_a_tagged_post_only_mentions_counts_less() {
    let matcher = matcher(small());
    let golf = |text: &str| {
        let found = read(&matcher, text);
        let golf = found.iter().find(|it| it.words == ["golf"]).unwrap_or_else(|| panic!("{text}"));
        golf.weight
    };
    let (beside, plain) =
        (golf("#boardgames, golf, golf, golf"), golf("boardgames, golf, golf, golf"));
    assert!(beside < plain, "{beside} {plain}");
    assert_eq!(about(&matcher, "boardgames tonight, after golf"), ["golf", "board-games"]);
    assert_eq!(about(&matcher, "#boardgames tonight, after golf"), ["board-games"]);
}
