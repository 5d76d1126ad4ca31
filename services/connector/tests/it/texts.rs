//! Names, texts and labels, which go where they are needed and nowhere else.

use klout_proto::signal::v1::{Account, Post, Retraction, Signal, signal::Content};

use crate::world::{World, like};

fn post(id: &str, text: &str) -> Signal {
    let account = Account { native_id: "ann".to_owned(), handle: Some("ann.example".to_owned()) };
    let content = Post {
        account: Some(account),
        post: id.to_owned(),
        text: Some(text.to_owned()),
        links: vec!["https://bread.example".to_owned()],
        tags: vec!["bread".to_owned()],
    };
    Signal { content: Some(Content::Post(content)), ..like(id, "nobody") }
}

#[tokio::test]
async fn topics_gets_what_a_post_says_and_social_graph_what_people_are_called() {
    let world = World::start().await;
    world.deliver(vec![post("1", "hello"), like("2", "bob")]).await;

    let sent = |batches: &std::sync::Mutex<Vec<_>>| batches.lock().expect("not poisoned").clone();
    let (scoring, graph) = (sent(&world.consumers.scoring), sent(&world.consumers.social_graph));
    let topics = sent(&world.consumers.topics);
    assert!(scoring[0].texts.is_empty() && scoring[0].handles.is_empty());
    assert_eq!(graph[0].handles[0].handle, "ann.example");
    assert!(graph[0].texts.is_empty());
    assert_eq!(topics[0].texts[0].text.as_deref(), Some("hello"));
    assert_eq!(topics[0].texts[0].tags, ["bread"]);
    assert_eq!(topics[0].posts, scoring[0].posts);
}

/// Bob lists ann under a name.
fn listing(id: &str, label: &str) -> Signal {
    let mut signal = like(id, "bob");
    let Some(Content::Interaction(interaction)) = &mut signal.content else {
        unreachable!("it is one")
    };
    interaction.kind = "list".to_owned();
    interaction.label = Some(label.to_owned());
    signal
}

#[tokio::test]
async fn topics_gets_what_people_are_called_and_hears_when_that_is_taken_back() {
    let world = World::start().await;
    world.deliver(vec![listing("1", " photography people "), like("2", "bob")]).await;
    let retraction = Retraction {
        subject: Some(Account { native_id: "ann".to_owned(), handle: None }),
        of_signal_id: "1".to_owned(),
    };
    let retraction =
        Signal { content: Some(Content::Retraction(retraction)), ..like("3", "nobody") };
    world.deliver(vec![retraction]).await;

    let sent = |batches: &std::sync::Mutex<Vec<_>>| batches.lock().expect("not poisoned").clone();
    let (scoring, graph) = (sent(&world.consumers.scoring), sent(&world.consumers.social_graph));
    let topics = sent(&world.consumers.topics);
    assert!(scoring[0].labels.is_empty() && graph[0].labels.is_empty());
    let [label] = &topics[0].labels[..] else { panic!("one label") };
    assert_eq!(label.label, "photography people");
    let listed = topics[0].interactions.iter().find(|it| it.kind == "list").expect("sent");
    assert_eq!((label.account_id, Some(label.signal)), (listed.subject_account_id, listed.signal));
    let likes: Vec<_> = topics[0].interactions.iter().filter(|it| it.kind == "like").collect();
    assert!(likes.iter().all(|it| it.signal.is_none()), "what has no label names no signal");
    assert_eq!(
        topics[1].retracted_interactions,
        std::slice::from_ref(listed),
        "as it was, to be found again"
    );
    assert!(topics[1].labels.is_empty());
}

#[tokio::test]
async fn nothing_that_was_delivered_holds_a_name_or_a_text() {
    let world = World::start().await;
    let listing = listing("3", "photographers");
    world.deliver(vec![post("1", "hello"), like("2", "bob"), listing]).await;

    let log: Vec<Vec<u8>> = sqlx::query_scalar("select payload from connector.batch")
        .fetch_all(&world.stores.db().await)
        .await
        .expect("the log");
    let holds = |word: &str| {
        log.iter().any(|batch| batch.windows(word.len()).any(|bytes| bytes == word.as_bytes()))
    };
    assert_eq!(log.len(), 1);
    for word in ["hello", "ann.example", "bread", "bob", "photographers"] {
        assert!(!holds(word), "the log holds {word}");
    }
    let waiting: i64 = sqlx::query_scalar("select count(*) from connector.outbox")
        .fetch_one(&world.stores.db().await)
        .await
        .expect("a count");
    assert_eq!(waiting, 0);
}

#[tokio::test]
async fn likes_of_nothing_in_particular_are_not_topics_business() {
    let world = World::start().await;
    world.deliver(vec![like("1", "bob")]).await;
    assert!(world.consumers.topics.lock().expect("not poisoned").is_empty());
}

#[tokio::test]
async fn a_text_that_no_database_can_hold_is_refused() {
    let world = World::start().await;
    let answer = world.deliver(vec![post("1", "a\0b"), post("2", "fine")]).await;
    assert_eq!((answer.accepted, answer.rejected.len()), (1, 1));
    assert_eq!(answer.rejected[0].reason, "ROW_MALFORMED");
}
