//! What is asked about topics, texts and people.

use klout_chassis::reason;
use klout_proto::{
    graph::v1::Membership,
    topic::v1::{
        ExplainPersonTopicRequest, GetTopicRequest, ListExpertsRequest, ListExpertsResponse,
        ListPersonTopicsRequest, ListTopicsRequest, ListTopicsResponse, MatchTextRequest,
        MatchTextResponse,
    },
};
use tonic::{Code, Status};

use crate::{
    signals::{known_for, lists},
    world::{NETWORK, World, slug},
};

impl World {
    async fn search(&self, request: ListTopicsRequest) -> Result<ListTopicsResponse, Status> {
        Ok(self.client().list_topics(request).await?.into_inner())
    }

    async fn read(&self, request: MatchTextRequest) -> Result<MatchTextResponse, Status> {
        Ok(self.client().match_text(request).await?.into_inner())
    }

    async fn list(&self, request: ListExpertsRequest) -> Result<ListExpertsResponse, Status> {
        Ok(self.client().list_experts(request).await?.into_inner())
    }
}

fn is_field(status: Status) {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    assert_eq!(reason(&status).as_deref(), Some("FIELD_INVALID"));
}

#[tokio::test]
async fn topics_are_found_by_the_beginning_of_a_name_in_any_language() {
    let world = World::in_the_garden().await;
    let query = |query: &str| ListTopicsRequest {
        query: query.to_owned(),
        language: "de".to_owned(),
        ..ListTopicsRequest::default()
    };
    for (asked, expected) in [("TOMA", "Tomaten"), ("tomato", "Tomaten"), ("gartn", "Gärtnern")] {
        let found = world.search(query(asked)).await.expect("found");
        assert_eq!(found.topics[0].display_name, expected, "{asked}");
        assert_eq!((found.edition.as_str(), found.topics[0].language.as_str()), ("garden/1", "de"));
    }
    let food = world.search(query("food")).await.expect("found");
    assert_eq!(
        (food.topics[0].display_name.as_str(), food.topics[0].language.as_str()),
        ("Food", "en")
    );
    let parts = ListTopicsRequest { parent: "nature".to_owned(), ..ListTopicsRequest::default() };
    let parts = world.search(parts).await.expect("found");
    let slugs: Vec<_> = parts.topics.iter().map(|it| it.slug.as_str()).collect();
    assert_eq!(slugs, ["animals", "gardening", "hurricanes", "lambs", "tomatoes"]);
    let top = ListTopicsRequest { level_max: 1, ..ListTopicsRequest::default() };
    let top = world.search(top).await.expect("found");
    let slugs: Vec<_> = top.topics.iter().map(|it| it.slug.as_str()).collect();
    assert_eq!(slugs, ["food", "health", "nature"]);
}

#[tokio::test]
async fn pages_of_topics_have_each_once() {
    let world = World::in_the_garden().await;
    let mut request = ListTopicsRequest { page_size: 4, ..ListTopicsRequest::default() };
    let mut slugs = Vec::new();
    loop {
        let page = world.search(request.clone()).await.expect("a page");
        slugs.extend(page.topics.into_iter().map(|it| it.slug));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    let mut once = slugs.clone();
    once.sort();
    once.dedup();
    assert_eq!((once.len(), slugs.len()), (9, 9));
}

#[tokio::test]
async fn what_cannot_be_asked_of_topics_is_refused() {
    let world = World::in_the_garden().await;
    for request in [
        ListTopicsRequest { query: "x".repeat(201), ..ListTopicsRequest::default() },
        ListTopicsRequest { language: "english".to_owned(), ..ListTopicsRequest::default() },
        ListTopicsRequest { page_size: -1, ..ListTopicsRequest::default() },
        ListTopicsRequest { level_max: -1, ..ListTopicsRequest::default() },
        ListTopicsRequest { page_token: "x".to_owned(), ..ListTopicsRequest::default() },
        ListTopicsRequest { page_token: "777".to_owned(), ..ListTopicsRequest::default() },
    ] {
        is_field(world.search(request).await.expect_err("refused"));
    }
    let golf = ListTopicsRequest { parent: "golf".to_owned(), ..ListTopicsRequest::default() };
    let refused = world.search(golf).await.expect_err("refused");
    assert_eq!(reason(&refused).as_deref(), Some("TOPIC_UNKNOWN"));
    let long = "9".repeat(500);
    for (topic, language, expected) in [
        ("", "", "FIELD_INVALID"),
        ("food", "E", "FIELD_INVALID"),
        ("golf", "", "TOPIC_UNKNOWN"),
        ("18446744073709551616", "", "TOPIC_UNKNOWN"),
        (long.as_str(), "", "TOPIC_UNKNOWN"),
    ] {
        let request = GetTopicRequest { topic: topic.to_owned(), language: language.to_owned() };
        let refused = world.client().get_topic(request).await.expect_err("refused");
        assert_eq!(reason(&refused).as_deref(), Some(expected), "{topic}");
    }
}

#[tokio::test]
async fn an_id_may_need_all_64_bits() {
    let world = World::in_the_garden().await;
    let topic = "10000000000000020305".to_owned();
    let request = GetTopicRequest { topic: topic.clone(), language: String::new() };
    let found = world.client().get_topic(request).await;
    let found = found.expect("found").into_inner().topic.expect("always present");
    assert_eq!((found.topic, found.slug.as_str(), found.level), (topic, "diabetes", 2));
    assert!(found.sensitive, "as what it is part of");
}

#[tokio::test]
async fn a_text_is_read_and_nothing_is_kept() {
    let world = World::in_the_garden().await;
    let text =
        |text: &str| MatchTextRequest { text: text.to_owned(), ..MatchTextRequest::default() };
    let read = world.read(text("The tomato is ripe")).await.expect("read");
    let topic = &read.topics[0];
    assert_eq!(topic.topic.as_ref().expect("always present").slug, "tomatoes");
    assert!(topic.weight > 0.0 && topic.weight <= 1.0);
    assert_eq!(topic.words, ["tomato"]);
    for nothing in ["", "🍅🍅🍅", "Z̴̛a̷l̸g̵o̶"] {
        assert!(world.read(text(nothing)).await.expect("read").topics.is_empty(), "{nothing}");
    }
    let tags = (0..10_000).map(|it| format!("#tag{it}")).collect();
    let many = MatchTextRequest { tags, text: "x ".repeat(50_000), ..MatchTextRequest::default() };
    assert!(world.read(many).await.expect("read").topics.is_empty());
    for too_much in [
        text(&"x".repeat(256 * 1024 + 1)),
        MatchTextRequest { links: vec![String::new(); 1_001], ..MatchTextRequest::default() },
        MatchTextRequest { tags: vec![String::new(); 20_001], ..MatchTextRequest::default() },
        MatchTextRequest { language: "?".to_owned(), ..MatchTextRequest::default() },
    ] {
        is_field(world.read(too_much).await.expect_err("refused"));
    }
    assert_eq!([world.rows("post").await, world.rows("account").await], [0, 0]);
}

#[tokio::test]
async fn experts_are_listed_by_strength_place_and_network_in_pages() {
    let world = World::in_the_garden().await;
    for account in 1..=6 {
        let (country, city) = if account % 2 == 0 { ("DE", "Köln") } else { ("FR", "Lyon") };
        let membership = Membership {
            account_id: account,
            network: if account == 6 { "mastodon" } else { NETWORK }.to_owned(),
            person_id: 100 + account,
            revision: 1,
            country: country.to_owned(),
            city: city.to_owned(),
        };
        world.tell(membership).await;
        // The last two are as strong as one another.
        for batch in known_for(account, "tomatoes", 3 + account.min(5)) {
            world.apply(batch).await.expect("applied");
        }
    }
    world.settled().await;
    let all = |page_size| ListExpertsRequest {
        topic: "gardening".to_owned(),
        page_size,
        ..ListExpertsRequest::default()
    };
    let ranks = |listed: &ListExpertsResponse| -> Vec<(String, i64)> {
        listed.experts.iter().map(|it| (it.person.clone(), it.rank)).collect()
    };
    let whole = ranks(&world.list(all(0)).await.expect("listed"));
    let expected = [("105", 1), ("106", 1), ("104", 3), ("103", 4), ("102", 5), ("101", 6)];
    assert_eq!(whole, expected.map(|it| (it.0.to_owned(), it.1)));

    let mut paged = Vec::new();
    let mut request = all(1);
    loop {
        let page = world.list(request.clone()).await.expect("listed");
        paged.extend(ranks(&page));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(paged, whole, "ties and ranks go on over pages");

    let place = |country: &str, city: &str| ListExpertsRequest {
        country: country.to_owned(),
        city: city.to_owned(),
        ..all(0)
    };
    let in_germany = ranks(&world.list(place("DE", "")).await.expect("listed"));
    assert_eq!(in_germany, [("106", 1), ("104", 2), ("102", 3)].map(|it| (it.0.to_owned(), it.1)));
    let in_cologne = world.list(place("DE", "KÖLN")).await.expect("listed");
    assert_eq!(ranks(&in_cologne), in_germany);
    assert_eq!(in_cologne.experts[0].city, "Köln");
    assert!(world.list(place("DE", "Lyon")).await.expect("listed").experts.is_empty());
    let elsewhere = ListExpertsRequest { network: "mastodon".to_owned(), ..all(0) };
    assert_eq!(ranks(&world.list(elsewhere).await.expect("listed")), [("106".to_owned(), 1)]);

    let moved = Membership {
        account_id: 5,
        network: NETWORK.to_owned(),
        person_id: 105,
        revision: 2,
        country: "DE".to_owned(),
        city: String::new(),
    };
    world.tell(moved).await;
    let in_germany = world.list(place("DE", "")).await.expect("listed");
    assert_eq!(in_germany.experts.len(), 4, "who moves is listed there at once");
}

#[tokio::test]
async fn what_cannot_be_asked_of_experts_is_refused() {
    let world = World::in_the_garden().await;
    let good = ListExpertsRequest { topic: "food".to_owned(), ..ListExpertsRequest::default() };
    for request in [
        ListExpertsRequest { topic: String::new(), ..good.clone() },
        ListExpertsRequest { network: "Not a network".to_owned(), ..good.clone() },
        ListExpertsRequest { country: "Germany".to_owned(), ..good.clone() },
        ListExpertsRequest { city: "Köln".to_owned(), ..good.clone() },
        ListExpertsRequest { page_size: -1, ..good.clone() },
        ListExpertsRequest { page_token: "1.2".to_owned(), ..good.clone() },
        ListExpertsRequest { page_token: format!("0.0.0.{}", i64::MAX), ..good.clone() },
        ListExpertsRequest { page_token: "0.0.0.-1".to_owned(), ..good.clone() },
        ListExpertsRequest { page_token: "0.0.2.1".to_owned(), ..good.clone() },
        ListExpertsRequest { page_token: "-1.0.0.0".to_owned(), ..good.clone() },
        ListExpertsRequest { language: "Deutsch".to_owned(), ..good.clone() },
    ] {
        is_field(world.list(request).await.expect_err("refused"));
    }
    let golf = ListExpertsRequest { topic: "golf".to_owned(), ..good };
    let refused = world.list(golf).await.expect_err("refused");
    assert_eq!(reason(&refused).as_deref(), Some("TOPIC_UNKNOWN"));
}

#[tokio::test]
async fn a_topic_is_explained_by_posts_people_and_labels() {
    let world = World::in_the_garden().await;
    world.join(1, 71).await;
    // One of those who react is a member.
    world.join(1_000, 2_000).await;
    for batch in known_for(1, "Tomatoes on my balcony", 4) {
        world.apply(batch).await.expect("applied");
    }
    world.apply(lists(1, "Tomato people", 3)).await.expect("applied");
    world.settled().await;

    let explained = world.explain(71, "gardening").await;
    let topic = explained.topic.expect("always present");
    assert_eq!(
        (slug(&topic).as_str(), topic.states.as_slice()),
        ("gardening", &["earned".to_owned()][..])
    );
    assert_eq!(explained.posts.len(), 3);
    let post = &explained.posts[0];
    assert_eq!((post.excerpt.as_str(), post.people), ("Tomatoes on my balcony", 4));
    assert!(post.day.starts_with("2018-") && post.weight > 0.0 && post.strength > 0.0);
    assert_eq!(post.words, ["Tomatoes"]);
    let people: Vec<_> = explained.people.iter().map(|it| it.person.as_str()).collect();
    assert_eq!(people, ["2000"], "only members are named");
    assert_eq!(explained.people[0].kinds, ["like", "list"]);
    assert_eq!(
        (explained.labels[0].label.as_str(), explained.labels[0].people),
        ("Tomato people", 3)
    );
    assert!(explained.missing.is_empty());
    let lambs = world.explain(71, "lambs").await;
    assert!(lambs.posts.is_empty() && lambs.missing.len() == 3);
}

#[tokio::test]
async fn topics_of_a_person_come_in_pages_earned_ones_first() {
    let world = World::in_the_garden().await;
    world.join(1, 71).await;
    for batch in known_for(1, "tomatoes", 4) {
        world.apply(batch).await.expect("applied");
    }
    world.declare(71, &["lambs", "tomatoes"]).await.expect("declared");
    world.settled().await;
    let mut request = ListPersonTopicsRequest {
        person: "71".to_owned(),
        page_size: 2,
        ..ListPersonTopicsRequest::default()
    };
    let mut slugs = Vec::new();
    loop {
        let page = world.client().list_person_topics(request.clone()).await.expect("a page");
        let page = page.into_inner();
        slugs.extend(page.topics.iter().map(slug));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(slugs.len(), 5);
    assert_eq!(slugs[4], "lambs");
}

#[tokio::test]
async fn what_cannot_be_asked_of_a_person_is_refused() {
    let world = World::in_the_garden().await;
    world.join(1, 71).await;
    let good =
        ListPersonTopicsRequest { person: "71".to_owned(), ..ListPersonTopicsRequest::default() };
    for request in [
        ListPersonTopicsRequest { person: "0".to_owned(), ..good.clone() },
        ListPersonTopicsRequest { page_size: -1, ..good.clone() },
        ListPersonTopicsRequest { page_token: "x.y.z".to_owned(), ..good.clone() },
        ListPersonTopicsRequest { language: "x".to_owned(), ..good.clone() },
    ] {
        is_field(world.client().list_person_topics(request).await.expect_err("refused"));
    }
    let nobody = ListPersonTopicsRequest { person: "999".to_owned(), ..good };
    let refused = world.client().list_person_topics(nobody).await.expect_err("refused");
    assert_eq!(reason(&refused).as_deref(), Some("PERSON_UNKNOWN"));
    for (person, topic, expected) in [
        ("", "food", "FIELD_INVALID"),
        ("71", "", "FIELD_INVALID"),
        ("999", "food", "PERSON_UNKNOWN"),
        ("71", "golf", "TOPIC_UNKNOWN"),
    ] {
        let request = ExplainPersonTopicRequest {
            person: person.to_owned(),
            topic: topic.to_owned(),
            language: String::new(),
        };
        let refused = world.client().explain_person_topic(request).await.expect_err("refused");
        assert_eq!(reason(&refused).as_deref(), Some(expected));
    }
}
