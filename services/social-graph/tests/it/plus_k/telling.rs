//! What the connector is told of +K, and what social-graph makes of accepted answers.

use klout_chassis::Clock;
use klout_model::{Day, Kind};
use klout_proto::{
    graph::v1::{
        ApplySignalsRequest, ListPlusKSuggestionsRequest, PlusKSuggestion, TakeBackPlusKRequest,
        graph_service_client::GraphServiceClient,
        signal_consumer_service_client::SignalConsumerServiceClient,
    },
    signal::v1::{BatchedInteraction, Signal, SignalBatch, signal::Content},
};
use klout_testkit::{link, until};

use super::world::{World, give, locked, wish};
use crate::{
    batches::account_id,
    world::{account, create, told},
};

/// What is told of a +K: its id, and whether it is taken back.
fn said(signal: &Signal) -> (String, bool) {
    match signal.content.as_ref().expect("something") {
        Content::Retraction(it) => (it.of_signal_id.clone(), true),
        Content::Interaction(_) | Content::Counter(_) | Content::Post(_) => {
            (signal.signal_id.clone(), false)
        }
    }
}

async fn pending(world: &World) -> i64 {
    sqlx::query_scalar("select count(*) from social_graph.plus_k_outbox")
        .fetch_one(&world.db)
        .await
        .expect("a count")
}

#[tokio::test]
async fn the_connector_is_told_who_gave_whom_what() {
    let world = World::start().await;
    let (ann, bob) = (world.member("ann").await, world.member("bob").await);
    let given = give(&mut world.client(), wish(&ann, &bob, "hiking")).await.expect("given");
    let plus_k = given.plus_k.expect("one");
    until("it was told", async || pending(&world).await == 0).await;

    let signals = world.connector.all();
    assert_eq!(signals.len(), 1);
    assert_eq!((signals[0].network.as_str(), &signals[0].signal_id), ("klout", &plus_k.plus_k));
    assert_eq!(signals[0].time, plus_k.give_time);
    let Some(Content::Interaction(it)) = &signals[0].content else { panic!("an interaction") };
    assert_eq!((it.kind.as_str(), it.label.as_deref()), (Kind::PlusK.as_str(), Some("hiking")));
    assert_eq!(it.actor.as_ref().expect("a giver").native_id, ann);
    assert_eq!(it.subject.as_ref().expect("a receiver").native_id, bob);
    // Both own what the signal is about.
    let owners: Vec<(String, i64)> = sqlx::query_as(
        "select native_id, person_id from social_graph.account where network = 'klout' order by person_id",
    )
    .fetch_all(&world.db)
    .await
    .expect("accounts");
    assert_eq!(owners.len(), 2);
    assert!(owners.iter().all(|(native_id, person)| *native_id == person.to_string()));
    // Which is no account that they linked: whoever asks for the person by the others finds them.
    let mut graph = GraphServiceClient::new(link(&world.replicas[0]));
    let found = create(&mut graph, vec![account("ann", "ann")]).await.expect("found");
    let person = found.person.expect("a person");
    assert_eq!((found.created, person.accounts.len(), person.person), (false, 1, ann));
    let mut of_klout = account("7", "");
    of_klout.network = "klout".to_owned();
    let refused = create(&mut graph, vec![of_klout]).await.expect_err("nobody links it");
    assert_eq!(told(&refused).1, "FIELD_INVALID");
}

#[tokio::test]
async fn what_is_taken_back_is_told_whatever_was_told_before() {
    let world = World::start().await;
    let (ann, bob) = (world.member("ann").await, world.member("bob").await);
    let mut client = world.client();
    *locked(&world.connector.is_down) = true;
    let given = give(&mut client, wish(&ann, &bob, "hiking")).await.expect("given");
    let id = given.plus_k.expect("one").plus_k;
    let back = TakeBackPlusKRequest { giver: ann.clone(), plus_k: id.clone() };
    client.take_back_plus_k(back).await.expect("taken back");
    *locked(&world.connector.is_down) = false;
    until("it was told", async || pending(&world).await == 0).await;
    assert_eq!(world.connector.all().iter().map(said).collect::<Vec<_>>(), [(id, true)]);

    let given = give(&mut client, wish(&ann, &bob, "hiking")).await.expect("given");
    let id = given.plus_k.expect("one").plus_k;
    until("it was told", async || pending(&world).await == 0).await;
    let back = TakeBackPlusKRequest { giver: ann.clone(), plus_k: id.clone() };
    client.take_back_plus_k(back).await.expect("taken back");
    until("it was told", async || pending(&world).await == 0).await;
    let told: Vec<_> = world.connector.all().iter().map(said).collect();
    assert_eq!(told[1..], [(id.clone(), false), (id, true)]);
}

#[tokio::test]
async fn what_is_too_early_for_the_connector_waits() {
    let world = World::start().await;
    let (ann, bob) = (world.member("ann").await, world.member("bob").await);
    *locked(&world.connector.rejecting) = Some("TIME_AFTER_AS_OF");
    give(&mut world.client(), wish(&ann, &bob, "hiking")).await.expect("given");
    until("it was tried", async || {
        let attempts: Option<i32> =
            sqlx::query_scalar("select max(attempts) from social_graph.plus_k_outbox")
                .fetch_one(&world.db)
                .await
                .expect("attempts");
        attempts.is_some_and(|it| it > 1)
    })
    .await;
    *locked(&world.connector.rejecting) = None;
    until("it was told", async || pending(&world).await == 0).await;
    assert_eq!(world.connector.all().len(), 1);
}

async fn suggestions(world: &World, person: &str) -> Vec<PlusKSuggestion> {
    let request = ListPlusKSuggestionsRequest { person: person.to_owned(), ..Default::default() };
    let answer = world.client().list_plus_k_suggestions(request).await;
    answer.expect("suggestions").into_inner().suggestions
}

#[tokio::test]
async fn an_accepted_answer_suggests_a_plus_k_to_its_asker() {
    let world = World::start().await;
    let (ann, bob) = (world.member("ann").await, world.member("bob").await);
    locked(&world.topics.earned).insert(ann.clone(), vec!["board-games"]);
    let today = Day::of(Clock::running().now()).number();
    let accept = |day: i32| BatchedInteraction {
        subject_account_id: account_id("bob"),
        actor_account_id: Some(account_id("ann")),
        network: "bluesky".to_owned(),
        kind: Kind::Accept.as_str().to_owned(),
        day,
        count: 1,
        post_hash: None,
        signal: None,
    };
    let apply = async |number: u8, batch: SignalBatch| {
        let batch = Some(SignalBatch { batch_id: vec![number; 16], ..batch });
        let mut client = SignalConsumerServiceClient::new(link(&world.replicas[0]));
        client.apply_signals(ApplySignalsRequest { batch }).await.expect("applied");
    };

    let long_ago = SignalBatch { interactions: vec![accept(today - 31)], ..Default::default() };
    apply(1, long_ago).await;
    assert!(suggestions(&world, &ann).await.is_empty(), "too long ago");
    let lately = SignalBatch { interactions: vec![accept(today - 2)], ..Default::default() };
    apply(2, lately.clone()).await;
    let suggested = suggestions(&world, &ann).await;
    assert_eq!(suggested.len(), 1);
    assert_eq!(
        (suggested[0].receiver.as_str(), &suggested[0].topics[..]),
        (bob.as_str(), &["board-games".to_owned(), "hiking".to_owned()][..])
    );
    assert_eq!(suggested[0].accept_time.expect("a day").seconds, i64::from(today - 2) * 86_400);
    assert!(suggestions(&world, &bob).await.is_empty(), "he did not ask");

    give(&mut world.client(), wish(&ann, &bob, "hiking")).await.expect("given");
    assert!(suggestions(&world, &ann).await.is_empty(), "she gave one");
    world.let_pass("10 days").await;
    assert_eq!(suggestions(&world, &ann).await.len(), 1, "that was before");
    let taken_back =
        SignalBatch { retracted_interactions: lately.interactions, ..Default::default() };
    apply(3, taken_back).await;
    assert!(suggestions(&world, &ann).await.is_empty(), "she accepts it no more");
}
