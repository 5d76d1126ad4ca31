//! From one edition to the next.

use klout_ontology::{MovedBy, Ontology, Topic};

use crate::made_up::{id, topic};

fn item(mut topic: Topic, item: &str) -> Topic {
    topic.wikidata = Some(item.to_owned());
    topic
}

fn edition(name: &str, topics: Vec<Topic>) -> Ontology {
    Ontology::new(name, "1", topics).expect("it is one")
}

fn moves(old: &Ontology, new: &Ontology) -> Vec<(u64, Option<u64>, MovedBy)> {
    let moves = Ontology::moves(old, new);
    moves.into_iter().map(|it| (it.from.get(), it.to.map(|to| to.get()), it.by)).collect()
}

#[test]
fn a_topic_leads_to_itself_its_item_its_slug_what_it_was_part_of_or_nowhere() {
    let old = edition(
        "klout",
        vec![
            topic(1, "Music", &[]),
            item(topic(2, "Jazz", &[1]), "Q8341"),
            topic(3, "Blues", &[1]),
            topic(4, "Bebop", &[2]),
            topic(5, "Hard bop", &[4]),
            topic(6, "Golf", &[]),
        ],
    );
    let new = edition(
        "klout",
        vec![
            topic(1, "Sound", &[]),
            item(topic(12, "Jazz music", &[1]), "Q8341"),
            topic(13, "Blues", &[1]),
        ],
    );
    assert_eq!(
        moves(&old, &new),
        [
            (1, Some(1), MovedBy::Id),
            (2, Some(12), MovedBy::Wikidata),
            (3, Some(13), MovedBy::Slug),
            (4, Some(12), MovedBy::Ancestor),
            (5, Some(12), MovedBy::Ancestor),
            (6, None, MovedBy::Gone),
        ]
    );
    assert!(MovedBy::Slug.is_exact() && !MovedBy::Ancestor.is_exact());
}

#[test]
fn ids_of_another_ontology_say_nothing() {
    let old = edition("klout", vec![topic(1, "Music", &[]), topic(2, "Golf", &[])]);
    let new = edition("ours", vec![topic(1, "Cooking", &[]), topic(7, "Music", &[])]);
    assert_eq!(moves(&old, &new), [(1, Some(7), MovedBy::Slug), (2, None, MovedBy::Gone)]);
}

#[test]
fn of_several_topics_of_one_item_the_slug_says_which() {
    let twice =
        vec![item(topic(1, "Film", &[]), "Q11424"), item(topic(2, "Movies", &[]), "Q11424")];
    let old = edition(
        "klout",
        vec![item(topic(8, "Movies", &[]), "Q11424"), item(topic(9, "Cinema", &[]), "Q11424")],
    );
    let new = edition("ours", twice);
    assert_eq!(moves(&old, &new), [(8, Some(2), MovedBy::Wikidata), (9, None, MovedBy::Gone)]);
}

#[test]
fn the_nearest_of_what_a_topic_was_part_of_counts() {
    let old = edition(
        "klout",
        vec![topic(1, "A", &[]), topic(2, "B", &[1]), topic(3, "C", &[2, 1]), topic(4, "D", &[3])],
    );
    let new = edition("klout", vec![topic(1, "A", &[]), topic(2, "B", &[1])]);
    let moves = Ontology::moves(&old, &new);
    assert_eq!(moves[3].to, Some(id(1)), "both are two steps up");
    let new = edition("klout", vec![topic(2, "B", &[])]);
    assert_eq!(Ontology::moves(&old, &new)[3].to, Some(id(2)));
}

#[test]
fn a_slug_that_is_two_things_leads_to_neither_by_itself() {
    let sports = || topic(1, "Sports", &[]);
    let association = item(topic(2, "Football", &[1]), "Q2736");
    let american = item(topic(3, "American football", &[1]), "Q41323");
    let ours = edition("ours", vec![sports(), association.clone(), american.clone()]);
    let football = item(topic(8, "Football", &[1]), "Q41323");
    let theirs = edition("theirs", vec![sports(), football.clone()]);
    assert_eq!(
        moves(&ours, &theirs)[1..],
        [(2, Some(1), MovedBy::Ancestor), (3, Some(8), MovedBy::Wikidata)]
    );
    assert_eq!(moves(&theirs, &ours)[1], (8, Some(3), MovedBy::Wikidata));

    // Their soccer has another item than ours, and is the same.
    let soccer = item(topic(9, "Soccer", &[1]), "Q1081491");
    let theirs = edition("theirs", vec![sports(), football.clone(), soccer]);
    assert_eq!(moves(&ours, &theirs)[1], (2, Some(9), MovedBy::Wikidata));
    assert_eq!(
        moves(&theirs, &ours)[1..],
        [(8, Some(3), MovedBy::Wikidata), (9, Some(2), MovedBy::Wikidata)]
    );

    // What it was is two topics now, and neither has its slug.
    let halves = [4, 5].map(|it| item(topic(it, &format!("Half {it}"), &[1]), "Q41323"));
    let split = [vec![sports(), association.clone()], halves.to_vec()].concat();
    let theirs = edition("theirs", vec![sports(), football]);
    let split = moves(&theirs, &edition("ours", split));
    assert_eq!(split[1], (8, Some(1), MovedBy::Ancestor));

    // Nobody else is either item: one thing, whose item is another by now.
    let (ours, theirs) = (
        edition("ours", vec![sports(), association]),
        edition("theirs", vec![sports(), item(topic(8, "Football", &[1]), "Q5")]),
    );
    assert_eq!(moves(&ours, &theirs)[1], (2, Some(8), MovedBy::Slug));
}
