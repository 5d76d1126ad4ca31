//! How scoring and topics hear of who owns what.

use std::sync::atomic::Ordering;

use klout_proto::graph::v1::{GetBacklogRequest, LinkAccountRequest};
use klout_testkit::{Stores, until};

use crate::world::{Told, World, account, join};

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
    let (stores, scoring, topics) = (Stores::fresh().await, Told::default(), Told::default());
    scoring.refusing.store(true, Ordering::SeqCst);
    let world = World::start_on(stores.clone(), scoring.clone(), topics.clone()).await;
    join(&mut world.client(), vec![account("did:1", "ann")]).await;
    world.running.stop().await.expect("stopped in order");

    scoring.refusing.store(false, Ordering::SeqCst);
    let world = World::start_on(stores, scoring, topics).await;

    assert_eq!(world.told().await.len(), 1);
}

#[tokio::test]
async fn topics_is_told_what_scoring_is_told() {
    let world = World::start().await;
    join(&mut world.client(), vec![account("did:1", "ann"), account("did:2", "")]).await;
    let (mut scoring, mut topics) = (world.told().await, world.topics.all());
    scoring.sort_unstable_by_key(|it| it.account_id);
    topics.sort_unstable_by_key(|it| it.account_id);
    assert_eq!((scoring.len(), &scoring), (2, &topics));
}

#[tokio::test]
async fn a_consumer_that_is_down_does_not_hold_the_other_up() {
    let world = World::start().await;
    let mut client = world.client();
    world.topics.refusing.store(true, Ordering::SeqCst);
    join(&mut client, vec![account("did:1", "ann")]).await;
    assert_eq!(world.scoring_told().await.len(), 1, "and topics of nothing");
    assert!(world.topics.all().is_empty());
    let backlog = client.get_backlog(GetBacklogRequest {}).await.expect("a backlog").into_inner();
    assert_eq!((backlog.accounts, backlog.accounts_for_topics), (1, 1));

    world.topics.refusing.store(false, Ordering::SeqCst);
    world.scoring.refusing.store(true, Ordering::SeqCst);
    join(&mut client, vec![account("did:2", "bob")]).await;
    until("topics was told", async || world.topics.all().len() == 2).await;
    assert_eq!(world.scoring.all().len(), 1);
}

#[tokio::test]
async fn who_was_there_before_topics_listened_is_told_to_topics() {
    let (stores, scoring, topics) = (Stores::fresh().await, Told::default(), Told::default());
    let world = World::start_on(stores.clone(), scoring.clone(), topics.clone()).await;
    let ann = join(&mut world.client(), vec![account("did:1", "ann")]).await.person;
    world.told().await;
    world.running.stop().await.expect("stopped in order");
    let db = stores.db().await;
    // As the version before had it.
    let before = [
        "alter table social_graph.person drop column country, drop column city",
        "alter table social_graph.membership_outbox drop column consumer, \
         add constraint membership_outbox_pkey primary key (account_id)",
        "create index membership_outbox_leased_until on social_graph.membership_outbox (leased_until)",
        "delete from social_graph._sqlx_migrations where version = 3",
    ];
    for statement in before {
        sqlx::query(statement).execute(&db).await.expect("as before");
    }
    let world = World::start_on(stores, scoring, Told::default()).await;

    assert_eq!(world.told().await.len(), 1, "scoring knew");
    let told = world.topics.all();
    assert_eq!((told.len(), told[0].person_id.to_string()), (1, ann));
}

#[tokio::test]
async fn a_process_of_the_version_before_may_run_beside() {
    let world = World::start().await;
    join(&mut world.client(), vec![account("did:1", "ann")]).await;
    world.told().await;
    world.running.stop().await.expect("stopped in order");
    let db = world.stores.db().await;
    // Its statements.
    for _ in 0..2 {
        sqlx::query(
            "insert into social_graph.membership_outbox (account_id, revision) \
             select account_id, revision from social_graph.account \
             on conflict on constraint membership_outbox_pkey do update \
             set revision = excluded.revision, leased_until = default, attempts = default",
        )
        .execute(&db)
        .await
        .expect("the constraint has its name, and rows are for scoring");
    }
    sqlx::query("insert into social_graph.person (person_id, create_time) values (1, now())")
        .execute(&db)
        .await
        .expect("it knows of no place");
}
