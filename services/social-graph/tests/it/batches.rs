//! What the connector pushes.

use klout_chassis::Link;
use klout_model::{AccountKey, NativeId};
use klout_proto::{
    graph::v1::{
        ApplySignalsRequest, GetPersonRequest, ResolvePersonRequest,
        signal_consumer_service_client::SignalConsumerServiceClient,
    },
    signal::v1::{BatchedHandle, BatchedInteraction, SignalBatch},
};
use klout_testkit::link;
use tonic::{Code, Status};

use crate::{
    topics::Known,
    world::{World, account, by_handle, join, names, told},
};

/// The day of the clock.
pub(crate) const TODAY: i32 = 17_002;

/// The key of `--dev`, by which these tests know account ids.
const DEV_KEY: [u8; 32] = *b"the well-known key of --dev only";

pub(crate) fn account_id(native_id: &str) -> i64 {
    account_id_on("bluesky", native_id)
}

pub(crate) fn account_id_on(network: &str, native_id: &str) -> i64 {
    let native_id: NativeId = native_id.parse().expect("a native id");
    AccountKey::new(DEV_KEY).account(&network.parse().expect("a network"), &native_id).0.0
}

pub(crate) fn like(subject: &str, actor: &str, count: u32) -> BatchedInteraction {
    BatchedInteraction {
        subject_account_id: account_id(subject),
        actor_account_id: Some(account_id(actor)),
        network: "bluesky".to_owned(),
        kind: "like".to_owned(),
        day: TODAY,
        count,
        post_hash: None,
        signal: None,
    }
}

pub(crate) fn called(native_id: &str, handle: &str, seconds: i64) -> BatchedHandle {
    BatchedHandle {
        account_id: account_id(native_id),
        handle: handle.to_owned(),
        seen_time: Some(prost_types::Timestamp { seconds, nanos: 0 }),
        network: "bluesky".to_owned(),
    }
}

fn consumer(world: &World) -> SignalConsumerServiceClient<Link> {
    SignalConsumerServiceClient::new(link(&world.running))
}

pub(crate) async fn apply(world: &World, batch: SignalBatch) -> Result<bool, Status> {
    let request = ApplySignalsRequest { batch: Some(batch) };
    Ok(consumer(world).apply_signals(request).await?.into_inner().repeated)
}

async fn ties(world: &World) -> Vec<(i64, i64, i64)> {
    sqlx::query_as(
        "select subject_account_id, actor_account_id, reactions from social_graph.tie order by 1, 2",
    )
    .fetch_all(&world.stores.db().await)
    .await
    .expect("ties")
}

#[tokio::test]
async fn a_batch_that_comes_twice_counts_once() {
    let world = World::long_ago(Known::default()).await;
    let batch = |id: u8| SignalBatch {
        batch_id: vec![id; 16],
        interactions: vec![like("ann", "bob", 2)],
        ..SignalBatch::default()
    };

    assert!(!apply(&world, batch(1)).await.expect("applied"));
    assert!(apply(&world, batch(1)).await.expect("applied"));
    assert!(!apply(&world, batch(2)).await.expect("applied"));

    assert_eq!(ties(&world).await, [(account_id("ann"), account_id("bob"), 4)]);
}

#[tokio::test]
async fn batches_that_come_at_once_lose_nothing() {
    let world = World::long_ago(Known::default()).await;
    let batches = (0..16).map(|id| {
        let interactions = vec![like("ann", "bob", 1), like("bob", "ann", 1)];
        // In both orders, which must not end in a circle of waiting.
        let interactions =
            if id % 2 == 0 { interactions } else { interactions.into_iter().rev().collect() };
        apply(
            &world,
            SignalBatch { batch_id: vec![id; 16], interactions, ..SignalBatch::default() },
        )
    });

    for applied in futures::future::join_all(batches).await {
        assert!(!applied.expect("applied"));
    }

    assert!(ties(&world).await.iter().all(|(_, _, count)| *count == 16));
}

#[tokio::test]
async fn the_handle_of_a_member_is_renewed_by_a_later_signal_only() {
    let world = World::long_ago(Known::default()).await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann")]).await;
    let joined = ann.create_time.expect("a time").seconds;
    let batch =
        |id: u8, handles| SignalBatch { batch_id: vec![id; 16], handles, ..SignalBatch::default() };

    let later = vec![called("did:1", "anna", joined + 10), called("stranger", "eve", joined + 10)];
    apply(&world, batch(1, later)).await.expect("applied");
    apply(&world, batch(2, vec![called("did:1", "old", joined + 5)])).await.expect("applied");

    let request = GetPersonRequest { person: ann.person };
    let ann = client.get_person(request).await.expect("found").into_inner().person;
    assert_eq!(names(&ann.expect("ann").accounts), [account("did:1", "anna")]);
}

#[tokio::test]
async fn where_handles_are_unique_the_one_who_was_called_so_last_has_it() {
    let world = World::long_ago(Known::default()).await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann")]).await;
    let heir = join(&mut client, vec![account("did:2", "other")]).await.person;
    let joined = ann.create_time.expect("a time").seconds;
    let batch = |id: u8, handle| SignalBatch {
        batch_id: vec![id; 16],
        handles: vec![handle],
        ..SignalBatch::default()
    };

    apply(&world, batch(1, called("did:2", "ann", joined + 20))).await.expect("applied");
    // What is told late of an earlier time changes nothing.
    apply(&world, batch(2, called("did:1", "ann", joined + 10))).await.expect("applied");

    let request = ResolvePersonRequest { account: Some(by_handle("ann")), ..Default::default() };
    let owner = client.resolve_person(request).await.expect("found").into_inner().person;
    assert_eq!(owner, heir);
}

#[tokio::test]
async fn who_joined_without_a_name_gets_it_from_any_signal() {
    let world = World::long_ago(Known::default()).await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "")]).await;
    let handles = vec![called("did:1", "ann", 1_000_000_000)];

    let batch = SignalBatch { batch_id: vec![1; 16], handles, ..SignalBatch::default() };
    apply(&world, batch).await.expect("applied");

    let request = GetPersonRequest { person: ann.person };
    let ann = client.get_person(request).await.expect("found").into_inner().person;
    assert_eq!(names(&ann.expect("ann").accounts), [account("did:1", "ann")]);
}

#[tokio::test]
async fn a_reaction_that_is_taken_back_is_no_edge_in_any_order() {
    let world = World::long_ago(Known::default()).await;
    let wrong = vec![like("ann", "bob", 2)];
    let retracted = SignalBatch {
        batch_id: vec![1; 16],
        retracted_interactions: wrong.clone(),
        ..SignalBatch::default()
    };
    let told = SignalBatch { batch_id: vec![2; 16], interactions: wrong, ..SignalBatch::default() };

    apply(&world, retracted).await.expect("applied");
    apply(&world, told).await.expect("applied");

    assert_eq!(ties(&world).await, [(account_id("ann"), account_id("bob"), 0)]);
}

#[tokio::test]
async fn what_the_connector_cannot_have_sent_is_refused() {
    let world = World::long_ago(Known::default()).await;
    let batch = SignalBatch { batch_id: vec![1; 3], ..SignalBatch::default() };

    let refused = apply(&world, batch).await.expect_err("refused");

    assert_eq!(told(&refused), (Code::InvalidArgument, "BATCH_MALFORMED".to_owned()));
}
