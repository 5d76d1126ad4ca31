//! How batches reach those who consume them.

use klout_proto::signal::v1::{BatchIngestSignalsRequest, GetBacklogRequest};
use klout_testkit::{Stores, until};

use crate::{
    consumer::Consumers,
    world::{Client, World, like},
};

async fn ingest(client: &mut Client, ids: std::ops::Range<u32>) {
    let signals = ids.map(|id| like(&id.to_string(), "bob")).collect();
    client.batch_ingest_signals(BatchIngestSignalsRequest { signals }).await.expect("ingested");
}

async fn backlog(client: &mut Client) -> u64 {
    client.get_backlog(GetBacklogRequest {}).await.expect("a backlog").into_inner().batches
}

#[tokio::test]
async fn a_batch_reaches_both_consumers_with_the_same_content() {
    let world = World::start().await;
    let mut client = world.client();

    ingest(&mut client, 0..3).await;
    until("the outbox is empty", async || backlog(&mut client).await == 0).await;

    let scoring = world.consumers.scoring.lock().expect("not poisoned").clone();
    let social_graph = world.consumers.social_graph.lock().expect("not poisoned").clone();
    assert_eq!(scoring, social_graph);
    assert_eq!(scoring[0].interactions.len(), 3);
}

#[tokio::test]
async fn a_consumer_that_refuses_gets_the_batch_again_and_nothing_is_lost() {
    let world = World::start().await;
    let mut client = world.client();
    world.consumers.refuse(true);

    ingest(&mut client, 0..3).await;
    ingest(&mut client, 3..5).await;
    assert_eq!(backlog(&mut client).await, 4, "two batches for two consumers");
    world.consumers.refuse(false);
    until("the outbox is empty", async || backlog(&mut client).await == 0).await;

    let scoring = world.consumers.scoring.lock().expect("not poisoned");
    let signals: usize = scoring.iter().map(|batch| batch.interactions.len()).sum();
    assert_eq!(signals, 5);
}

#[tokio::test]
async fn what_one_process_left_in_the_outbox_is_delivered_by_the_next() {
    let (stores, consumers) = (Stores::fresh().await, Consumers::default());
    consumers.refuse(true);
    let world = World::start_on(stores.clone(), consumers.clone()).await;
    ingest(&mut world.client(), 0..3).await;
    world.running.stop().await.expect("stopped in order");

    consumers.refuse(false);
    let world = World::start_on(stores, consumers.clone()).await;
    let mut client = world.client();
    until("the outbox is empty", async || backlog(&mut client).await == 0).await;

    assert_eq!(consumers.scoring.lock().expect("not poisoned").len(), 1);
}

#[tokio::test]
async fn a_repeated_signal_is_not_delivered_again() {
    let world = World::start().await;
    let mut client = world.client();

    ingest(&mut client, 0..3).await;
    ingest(&mut client, 0..4).await;
    until("the outbox is empty", async || backlog(&mut client).await == 0).await;

    let scoring = world.consumers.scoring.lock().expect("not poisoned");
    let signals: usize = scoring.iter().map(|batch| batch.interactions.len()).sum();
    assert_eq!(signals, 4);
}
