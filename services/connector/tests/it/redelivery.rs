//! The whole log once more, for a consumer that has forgotten it.

use klout_chassis::reason;
use klout_proto::signal::v1::{GetBacklogRequest, RedeliverSignalsRequest, SignalBatch};
use klout_testkit::until;
use prost::Message as _;
use tonic::{Code, Status};

use crate::world::{World, like};

async fn redeliver(world: &World, consumer: &str) -> Result<u64, Status> {
    let request = RedeliverSignalsRequest { consumer: consumer.to_owned() };
    Ok(world.client().redeliver_signals(request).await?.into_inner().batches)
}

async fn delivered(world: &World) {
    let mut client = world.client();
    until("the outbox is empty", async || {
        client.get_backlog(GetBacklogRequest {}).await.expect("a backlog").into_inner().batches == 0
    })
    .await;
}

/// What scoring was told, in an order that does not matter.
fn told(world: &World) -> Vec<SignalBatch> {
    let mut batches = world.consumers.scoring.lock().expect("not poisoned").clone();
    batches.sort_by(|one, other| one.batch_id.cmp(&other.batch_id));
    batches
}

#[tokio::test]
async fn every_batch_comes_once_more_as_it_was_to_that_consumer_alone() {
    let world = World::start().await;
    for id in 0..5 {
        world.deliver(vec![like(&id.to_string(), "bob")]).await;
    }
    let before = told(&world);
    world.consumers.scoring.lock().expect("not poisoned").clear();
    let others = world.consumers.social_graph.lock().expect("not poisoned").len();

    assert_eq!(redeliver(&world, "scoring").await.expect("added"), 5);
    delivered(&world).await;

    assert_eq!(told(&world), before);
    assert_eq!(world.consumers.social_graph.lock().expect("not poisoned").len(), others);
}

#[tokio::test]
async fn what_waits_is_not_there_twice() {
    let world = World::start().await;
    world.consumers.refuse(true);
    let signals = vec![like("1", "bob")];
    let request = klout_proto::signal::v1::BatchIngestSignalsRequest { signals };
    world.client().batch_ingest_signals(request).await.expect("ingested");

    for _ in 0..2 {
        assert_eq!(redeliver(&world, "scoring").await.expect("added"), 1);
    }
    world.consumers.refuse(false);
    delivered(&world).await;

    assert_eq!(told(&world).len(), 1);
}

#[tokio::test]
async fn a_batch_that_was_confirmed_and_is_not_deleted_yet_comes_once_more() {
    let world = World::start().await;
    world.deliver(vec![like("1", "bob")]).await;
    let db = world.stores.db().await;
    // Confirmed by its consumer, and leased by somebody who is about to delete it.
    let leased: i32 = sqlx::query_scalar(
        "insert into connector.outbox (lane, consumer, batch_id, attempts, leased_until)
         select lane, 'scoring', batch_id, 1, now() + interval '1 hour' from connector.batch
         returning attempts",
    )
    .fetch_one(&db)
    .await
    .expect("leased");
    world.consumers.refuse(true);

    assert_eq!(redeliver(&world, "scoring").await.expect("added"), 1);

    let attempts: i32 = sqlx::query_scalar("select attempts from connector.outbox")
        .fetch_one(&db)
        .await
        .expect("it is there");
    assert!(attempts > leased, "not what the lease was told, so it is not deleted");
    world.consumers.refuse(false);
    delivered(&world).await;
    assert_eq!(told(&world).len(), 2);
}

#[tokio::test]
async fn what_the_version_before_kept_with_each_signal_comes_once_more_too() {
    let world = World::start().await;
    world.deliver(vec![like("1", "bob"), like("2", "cid")]).await;
    let before = told(&world);
    world.consumers.scoring.lock().expect("not poisoned").clear();
    let db = world.stores.db().await;
    // As that version would have written it.
    for interaction in &before[0].interactions {
        let interactions = vec![interaction.clone()];
        let alone = SignalBatch { interactions, ..SignalBatch::default() }.encode_to_vec();
        sqlx::query(
            "update connector.signal set content = $1
             where (subject_account_id, signal_id) = (
                 select subject_account_id, signal_id from connector.signal
                 where content is null limit 1
             )",
        )
        .bind(alone)
        .execute(&db)
        .await
        .expect("written");
    }
    sqlx::query("delete from connector.batch").execute(&db).await.expect("deleted");

    assert_eq!(redeliver(&world, "scoring").await.expect("added"), 1);
    delivered(&world).await;

    let after = told(&world);
    assert_eq!(after[0].batch_id, before[0].batch_id);
    assert_eq!(after[0].interactions.len(), 2);
    assert!(before[0].interactions.iter().all(|it| after[0].interactions.contains(it)));
}

#[tokio::test]
async fn nobody_else_can_forget() {
    let world = World::start().await;
    for consumer in ["", "topics", "social_graph", "everybody"] {
        let refused = redeliver(&world, consumer).await.expect_err("not from the log");
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(reason(&refused).as_deref(), Some("FIELD_INVALID"), "{consumer}");
    }
}
