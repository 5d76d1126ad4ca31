//! How scoring hears of who owns what.

use std::sync::atomic::Ordering;

use klout_proto::graph::v1::LinkAccountRequest;
use klout_testkit::Stores;

use crate::world::{Scoring, World, account, join};

#[tokio::test]
async fn every_account_that_is_linked_is_told_with_a_growing_revision() {
    let world = World::start().await;
    let mut client = world.client();

    let ann = join(&mut client, vec![account("did:1", "ann"), account("did:2", "")]).await.person;
    world.told().await;
    let request = LinkAccountRequest { person: ann.clone(), account: Some(account("did:3", "")) };
    client.link_account(request).await.expect("linked");
    let told = world.told().await;

    assert_eq!(told.len(), 3);
    assert!(told.iter().all(|membership| membership.person_id.to_string() == ann));
    assert!(told.iter().all(|membership| membership.network == "bluesky"));
    assert!(told[2].revision > told[0].revision.max(told[1].revision));
}

#[tokio::test]
async fn finding_a_person_again_tells_nothing() {
    let world = World::start().await;
    let mut client = world.client();
    join(&mut client, vec![account("did:1", "ann")]).await;
    world.told().await;

    crate::world::create(&mut client, vec![account("did:1", "ann")]).await.expect("found");

    assert_eq!(world.told().await.len(), 1);
}

#[tokio::test]
async fn what_scoring_refuses_is_told_again_and_nothing_is_lost() {
    let world = World::start().await;
    let mut client = world.client();
    world.scoring.refusing.store(true, Ordering::SeqCst);
    for id in 0..3 {
        join(&mut client, vec![account(&format!("did:{id}"), "")]).await;
    }

    world.scoring.refusing.store(false, Ordering::SeqCst);

    let mut accounts: Vec<_> = world.told().await.iter().map(|it| it.account_id).collect();
    accounts.sort_unstable();
    accounts.dedup();
    assert_eq!(accounts.len(), 3);
}

#[tokio::test]
async fn what_one_process_did_not_tell_is_told_by_the_next() {
    let (stores, scoring) = (Stores::fresh().await, Scoring::default());
    scoring.refusing.store(true, Ordering::SeqCst);
    let world = World::start_on(stores.clone(), scoring.clone()).await;
    join(&mut world.client(), vec![account("did:1", "ann")]).await;
    world.running.stop().await.expect("stopped in order");

    scoring.refusing.store(false, Ordering::SeqCst);
    let world = World::start_on(stores, scoring).await;

    assert_eq!(world.told().await.len(), 1);
}
