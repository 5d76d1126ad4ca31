//! Topics and graphs that nobody needs, right and wrong.

use std::collections::BTreeSet;

use klout_model::TopicId;
use klout_ontology::{File, Language, Ontology, Phrase, PhraseKind, Topic};
use proptest::prelude::*;

pub(crate) fn id(number: u64) -> TopicId {
    TopicId::new(number).expect("not 0")
}

/// A topic of this id, called `name` and made of it, below others.
pub(crate) fn topic(number: u64, name: &str, parents: &[u64]) -> Topic {
    Topic {
        id: id(number),
        slug: name.to_lowercase().replace(' ', "-"),
        names: [(Language::ENGLISH, name.to_owned())].into(),
        parents: parents.iter().copied().map(id).collect(),
        wikidata: None,
        phrases: Vec::new(),
        sensitive: false,
        description: None,
    }
}

pub(crate) fn ontology(topics: Vec<Topic>) -> Ontology {
    Ontology::new("test", "1", topics).expect("it is one")
}

prop_compose! {
    /// Ids, slugs and parents are from few, so that some are there twice, some are nowhere, and some
    /// topics are above themselves.
    fn any_topic()(
        number in 1_u64..40,
        slug in 0_u64..60,
        parents in prop::collection::vec(1_u64..45, 0..3),
        name in "\\PC{0,12}",
        phrases in prop::collection::vec("\\PC{1,12}", 0..3),
        sensitive in prop::bool::weighted(0.1),
    ) -> Topic {
        let mut topic = topic(number, &format!("t{slug}"), &parents);
        if !name.trim().is_empty() {
            topic.names.insert(Language::ENGLISH, name);
        }
        let kind = PhraseKind::Alias;
        let phrases = phrases.into_iter().filter(|text| !text.trim().is_empty());
        topic.phrases = phrases.map(|text| Phrase { language: None, text, kind }).collect();
        topic.sensitive = sensitive;
        topic
    }
}

/// Topics that fit together: each is below some before it.
fn good_topics() -> impl Strategy<Value = Vec<Topic>> {
    prop::collection::vec(
        (any_topic(), prop::collection::vec(any::<prop::sample::Index>(), 0..4)),
        1..40,
    )
    .prop_map(|drawn| {
        let mut topics = Vec::new();
        for (number, (mut topic, parents)) in (1_u64..).zip(drawn) {
            topic.id = id(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
            topic.slug = format!("t{number}");
            let above = |it: prop::sample::Index| {
                topics.get(it.index(topics.len())).map(|it: &Topic| it.id)
            };
            topic.parents = if topics.is_empty() {
                Vec::new()
            } else {
                parents.into_iter().filter_map(above).collect()
            };
            topics.push(topic);
        }
        topics
    })
}

/// Whether the topics fit together, the slow way.
fn fits(topics: &[Topic]) -> bool {
    let ids: BTreeSet<_> = topics.iter().map(|it| it.id).collect();
    let slugs: BTreeSet<_> = topics.iter().map(|it| &it.slug).collect();
    let distinct = ids.len() == topics.len() && slugs.len() == topics.len();
    let mut left: Vec<&Topic> = topics.iter().collect();
    let mut placed = BTreeSet::new();
    loop {
        let before = left.len();
        let ready = |it: &&Topic| it.parents.iter().all(|parent| placed.contains(parent));
        let (now, later): (Vec<_>, Vec<_>) = left.into_iter().partition(ready);
        placed.extend(now.iter().map(|it| it.id));
        left = later;
        if left.is_empty() || left.len() == before {
            return distinct && left.is_empty();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn what_does_not_fit_together_is_refused_and_the_rest_is_not(
        topics in prop::collection::vec(any_topic(), 1..12),
    ) {
        let made = Ontology::new("test", "1", topics.clone());
        prop_assert_eq!(made.is_ok(), fits(&topics), "{:?}", made.err());
        if let Err(flaws) = Ontology::new("test", "1", topics) {
            prop_assert!(matches!(flaws.len(), 1..=20));
        }
    }

    #[test]
    fn the_order_of_topics_does_not_matter(
        (topics, shuffled) in good_topics().prop_flat_map(|it| (Just(it.clone()), Just(it).prop_shuffle())),
    ) {
        let (first, second) = (ontology(topics), ontology(shuffled));
        prop_assert_eq!(first.checksum(), second.checksum());
        prop_assert_eq!(first.write(), second.write());
    }

    #[test]
    fn what_is_written_is_read_as_it_was(topics in good_topics()) {
        let ontology = ontology(topics);
        let parsed = Ontology::parse(&ontology.write()).expect("we wrote it");
        prop_assert_eq!(parsed.topics(), ontology.topics());
        prop_assert_eq!(parsed.checksum(), ontology.checksum());
        prop_assert_eq!((parsed.name(), parsed.edition()), ("test", "1"));
    }

    #[test]
    fn what_is_above_and_below_agrees_with_parents(topics in good_topics()) {
        let ontology = ontology(topics);
        for topic in ontology.topics() {
            let (mut above, mut next) = (BTreeSet::new(), topic.parents.clone());
            while let Some(parent) = next.pop() {
                if above.insert(parent) {
                    next.extend(&ontology.get(parent).expect("parents exist").parents);
                }
            }
            let ancestors: Vec<_> = above.iter().copied().collect();
            prop_assert_eq!(ontology.ancestors(topic.id), &ancestors);
            for other in ontology.topics() {
                let below = ontology.descendants(other.id).contains(&topic.id);
                prop_assert_eq!(below, above.contains(&other.id));
                let child = ontology.children(other.id).contains(&topic.id);
                prop_assert_eq!(child, topic.parents.contains(&other.id));
            }
            let sensitive = above.iter().chain([&topic.id]);
            let sensitive = sensitive.filter_map(|it| ontology.get(*it)).any(|it| it.sensitive);
            prop_assert_eq!(ontology.is_sensitive(topic.id), sensitive);
            let level = topic.parents.iter().map(|it| ontology.level(*it)).min().map_or(1, |it| it + 1);
            prop_assert_eq!(ontology.level(topic.id), level);
        }
    }

    #[test]
    fn every_topic_is_found_by_its_names_and_aliases(topics in good_topics()) {
        let ontology = ontology(topics);
        for topic in ontology.topics() {
            for text in topic.names.values().chain(topic.phrases.iter().map(|it| &it.text)) {
                prop_assert!(ontology.search(text, None).contains(&topic.id), "{text:?}");
            }
        }
        prop_assert_eq!(ontology.search("", None).len(), ontology.topics().len());
    }

    #[test]
    fn bytes_that_no_file_should_have_are_refused(
        start in prop::sample::select(vec![
            "", "[[topic]]\n", "topicId,topicSlug,topicDisplayName\n",
            "parentTopicId,parrentTopicSlug,childTopicId,childTopicSlug\n",
            "topicId,language,topicDisplayName\n", "\u{1f}\u{8b}", "[[topic]]\nid = 1\nslug = \"a\"\nnames.en = ",
        ]),
        rest in prop::collection::vec(any::<u8>(), 0..200),
        text in "[0-9a-c,\"\n =\\[\\]]{0,80}",
    ) {
        let rest = [rest, text.into_bytes()];
        for rest in rest {
            let content = [start.as_bytes(), &rest].concat();
            let files = vec![File { name: "some.toml".to_owned(), content: content.clone() }];
            if let Err(flaws) = Ontology::read("test", "1", files) {
                prop_assert!(matches!(flaws.len(), 1..=20));
            }
            prop_assert!(Ontology::parse(&content).is_err());
            prop_assert!(Ontology::parse(&crate::gzip(&content)).is_err());
        }
    }
}
