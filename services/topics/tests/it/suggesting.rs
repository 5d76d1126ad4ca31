//! What is suggested: topics, and what to share.

use klout_chassis::reason;
use klout_proto::{
    signal::v1::SignalBatch,
    topic::v1::{SuggestContentRequest, SuggestTopicsRequest, SuggestedContent, SuggestedTopic},
};

use crate::{
    signals::{FANS, batch, interaction, known_for, likes, says},
    world::World,
};

impl World {
    async fn ideas(&self, person: i64) -> Vec<SuggestedTopic> {
        let request =
            SuggestTopicsRequest { person: person.to_string(), ..SuggestTopicsRequest::default() };
        self.client().suggest_topics(request).await.expect("suggested").into_inner().topics
    }

    async fn content(&self, person: i64, topic: &str) -> Vec<SuggestedContent> {
        let request = SuggestContentRequest {
            person: person.to_string(),
            topic: topic.to_owned(),
            ..SuggestContentRequest::default()
        };
        self.client().suggest_content(request).await.expect("suggested").into_inner().content
    }
}

fn names(topics: &[SuggestedTopic]) -> Vec<String> {
    topics.iter().map(|it| it.topic.as_ref().expect("always present").slug.clone()).collect()
}

#[tokio::test]
async fn what_is_nearly_earned_is_suggested_until_it_is_earned_declared_or_vetoed() {
    let world = World::in_the_garden().await;
    world.join(1, 71).await;
    for batch in known_for(1, "the lambing season", 4).into_iter().take(4) {
        world.apply(batch).await.expect("applied");
    }
    world.settled().await;
    assert!(world.earned(71).await.is_empty());

    let ideas = world.ideas(71).await;
    assert!(names(&ideas).contains(&"lambs".to_owned()), "{ideas:?}");
    assert_eq!(ideas[0].reason, "nearly_earned");
    assert!(!ideas[0].explanation.is_empty() && ideas[0].strength > 0.0);

    world.veto(71, "lambs").await.expect("vetoed");
    assert!(!names(&world.ideas(71).await).contains(&"lambs".to_owned()));
}

#[tokio::test]
async fn what_does_well_among_people_of_the_same_topics_is_suggested_and_nothing_of_ones_own() {
    let world = World::in_the_garden().await;
    for (account, person) in [(1, 71), (2, 2_000)] {
        world.join(account, person).await;
    }
    // One is known for tomatoes by some, the other by others.
    for batch in known_for(1, "tomatoes of mine", 4) {
        world.apply(batch).await.expect("applied");
    }
    let others = |post: u64| {
        let mut all = SignalBatch::default();
        let from = FANS + 500;
        all.interactions =
            (from..from + 6).map(|actor| interaction("like", actor, 2, Some(post))).collect();
        SignalBatch { batch_id: batch().batch_id, ..all }
    };
    let mut told = says(2, 50, 0, "How tomatoes ripen");
    told.texts[0].links = vec!["https://example.org/ripe".to_owned()];
    world.apply(told).await.expect("applied");
    for (post, days_ago) in [(51, 1), (52, 2)] {
        world.apply(says(2, post, days_ago, "tomatoes again")).await.expect("applied");
    }
    for post in 50..=52 {
        world.apply(others(post)).await.expect("applied");
    }
    world.settled().await;

    let content = world.content(71, "").await;
    assert!(!content.is_empty());
    assert!(content.iter().all(|it| it.person == "2000"), "{content:?}");
    let link = content.iter().find(|it| it.link == "https://example.org/ripe").expect("a link");
    assert_eq!((link.excerpt.as_str(), link.people), ("How tomatoes ripen", 6));
    assert!(!link.explanation.is_empty());
    assert_eq!(link.topics[0].slug, "tomatoes");
    assert_eq!(world.content(71, "tomatoes").await.len(), content.len());
    assert!(world.content(71, "lambs").await.is_empty());
    assert!(world.content(2_000, "").await.iter().all(|it| it.person == "71"));

    // Nobody is led to somebody for what they vetoed.
    world.veto(2_000, "gardening").await.expect("vetoed");
    assert!(world.content(71, "").await.is_empty());
    world.restore(2_000, "gardening").await.expect("restored");
    world.settled().await;

    // Those who react to the person have seen it now.
    world.apply(likes(2, 50, 1)).await.expect("applied");
    let content = world.content(71, "").await;
    assert!(content.iter().all(|it| it.link.is_empty()), "{content:?}");

    // What one reacted to is one's own, among however many others.
    let crowd = (-1_500..0).chain([1]);
    let liked = crowd.map(|actor| interaction("like", actor, 2, Some(51)));
    let liked = SignalBatch { interactions: liked.collect(), ..batch() };
    world.apply(liked).await.expect("applied");
    let content = world.content(71, "").await;
    assert!(content.iter().all(|it| it.people < 1_000), "{content:?}");

    world.veto(71, "tomatoes").await.expect("vetoed");
    assert!(world.content(71, "").await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_suggested_is_refused() {
    let world = World::in_the_garden().await;
    world.join(1, 71).await;
    for (person, page_size, language, expected) in [
        ("x", 0, "", "FIELD_INVALID"),
        ("71", -1, "", "FIELD_INVALID"),
        ("71", 0, "?", "FIELD_INVALID"),
        ("999", 0, "", "PERSON_UNKNOWN"),
    ] {
        let (person, language) = (person.to_owned(), language.to_owned());
        let topics =
            SuggestTopicsRequest { person: person.clone(), page_size, language: language.clone() };
        let refused = world.client().suggest_topics(topics).await.expect_err("refused");
        assert_eq!(reason(&refused).as_deref(), Some(expected));
        let content = SuggestContentRequest { person, page_size, language, topic: String::new() };
        let refused = world.client().suggest_content(content).await.expect_err("refused");
        assert_eq!(reason(&refused).as_deref(), Some(expected));
    }
    let golf = SuggestContentRequest {
        person: "71".to_owned(),
        topic: "golf".to_owned(),
        ..SuggestContentRequest::default()
    };
    let refused = world.client().suggest_content(golf).await.expect_err("refused");
    assert_eq!(reason(&refused).as_deref(), Some("TOPIC_UNKNOWN"));
}
