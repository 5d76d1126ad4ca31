//! Nothing stays of who was erased, however often and however far they are forgotten.

use std::{collections::BTreeMap, time::Duration};

use klout_proto::{
    graph::v1::{ApplyPersonStatesRequest, ErasedAccount, ForgetPersonRequest, PersonState},
    topic::v1::person_data_service_client::PersonDataServiceClient,
};
use klout_testkit::{link, until};
use sqlx::PgPool;
use tonic::{Request, Status};

use crate::world::World;

/// Everything that is kept of people: tables, and which of their rows are of person 71, who has accounts 1 and 2.
const THEIRS: [(&str, &str); 12] = [
    ("post", "account_id in (1, 2)"),
    ("post_topic", "account_id in (1, 2)"),
    ("reaction", "account_id in (1, 2)"),
    ("reaction", "actor_id in (1, 2)"),
    ("label", "account_id in (1, 2)"),
    ("label", "actor_id in (1, 2)"),
    ("account", "account_id in (1, 2) and (country <> '' or city <> '')"),
    ("person", "person_id = 71"),
    ("person_topic", "person_id = 71"),
    ("declared", "person_id = 71 or influencers @> array[71::bigint]"),
    ("veto", "person_id = 71"),
    ("dirty_person", "person_id = 71"),
];

/// The same of person 72, who has account 3: so many rows that all stay.
const OTHERS: [(&str, &str); 6] = [
    ("post", "account_id = 3"),
    ("post_topic", "account_id = 3"),
    ("reaction", "account_id = 3 and actor_id = 9"),
    ("label", "account_id = 3 and actor_id = 9"),
    ("declared", "person_id = 72"),
    ("veto", "person_id = 72"),
];

/// Rows of every kind, of both of them.
const ROWS: [&str; 10] = [
    "insert into topics.post (account_id, post_hash, signal, day, told, text, links, tags)
        select account, gen_random_uuid(), account, 17000, 1, 'x', '{}', '{}'
        from unnest(array[1, 2, 3]) as account",
    "insert into topics.post_topic (account_id, post_hash, signal, topic_id, weight, alone, words)
        select account_id, post_hash, signal, 5, 1, 1, '{}' from topics.post",
    "insert into topics.reaction (account_id, post_hash, actor_id, kind, day, count)
        select account, gen_random_uuid(), actor, 1, 17000, 1
        from (values (1, 9), (2, 3), (3, 1), (3, 2), (3, 9)) as new (account, actor)",
    "insert into topics.label (account_id, signal, actor_id, kind, day, count, told, label)
        select account, actor, actor, 1, 17000, 1, 1, 'x'
        from (values (1, 9), (3, 2), (3, 9)) as new (account, actor)",
    "update topics.account set country = 'DE', city = 'Bonn'",
    "insert into topics.person (person_id) values (71), (72) on conflict do nothing",
    "insert into topics.declared (person_id, topic_id, position, influencers)
        values (71, 5, 0, '{72}'), (72, 5, 0, '{71, 73}')",
    "insert into topics.veto (person_id, topic_id) values (71, 6), (72, 6)",
    "insert into topics.dirty_person (person_id) values (71)",
    "update topics.account set waiting_since = now()",
];

async fn count(db: &PgPool, (table, theirs): (&str, &str)) -> i64 {
    let statement = format!("select count(*) from topics.{table} where {theirs}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).fetch_one(db).await.expect("a count")
}

/// Person 71, who was erased, and person 72, who was not.
async fn world() -> (World, PgPool) {
    // Nobody computes anything of rows that mean nothing.
    let world = World::start(&[("topics.compute_interval", "1h")]).await;
    for (account, person) in [(1, 71), (2, 71), (3, 72)] {
        world.join(account, person).await;
    }
    let db = world.stores.db().await;
    for statement in ROWS {
        sqlx::query(statement).execute(&db).await.expect(statement);
    }
    let account = |account_id| ErasedAccount { account_id, through_day: None };
    let told = PersonState {
        person_id: 71,
        number: 5,
        state: "ERASED".to_owned(),
        erased_accounts: vec![account(1), account(2)],
        ..PersonState::default()
    };
    let request = ApplyPersonStatesRequest { states: vec![told] };
    let mut data = PersonDataServiceClient::new(link(&world.running));
    let answer = data.apply_person_states(request).await.expect("applied").into_inner();
    assert!(answer.newer.is_empty(), "{answer:?}");
    (world, db)
}

/// Asks once; returns what was deleted, and whether that was all.
async fn ask(world: &World, time_max: Duration) -> Result<(BTreeMap<String, u64>, bool), Status> {
    let mut request = Request::new(ForgetPersonRequest {
        person_id: 71,
        state: "ERASED".to_owned(),
        account_ids: vec![1, 2],
    });
    request.set_timeout(time_max);
    let mut data = PersonDataServiceClient::new(link(&world.running));
    let answer = data.forget_person(request).await?.into_inner();
    let counts = answer.forgotten.into_iter().map(|it| (it.name, it.count));
    Ok((counts.collect(), answer.done))
}

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn everything_of_who_was_erased_goes_and_a_second_time_nothing_is_found() {
    let (world, db) = world().await;
    let mut others = Vec::new();
    for rows in OTHERS {
        let there = count(&db, rows).await;
        assert!(there > 0, "{rows:?}");
        others.push(there);
    }

    let (counts, done) = ask(&world, PATIENCE).await.expect("forgotten");

    assert!(done, "{counts:?}");
    assert_eq!((counts["reaction"], counts["declared"], counts["veto"]), (2, 1, 1), "{counts:?}");
    for rows in THEIRS {
        assert_eq!(count(&db, rows).await, 0, "{rows:?}");
    }
    for (rows, there) in OTHERS.into_iter().zip(others) {
        assert_eq!(count(&db, rows).await, there, "{rows:?}");
    }
    let again = ask(&world, PATIENCE).await.expect("forgotten");
    assert_eq!(again, (BTreeMap::new(), true));
}

#[tokio::test]
async fn what_a_call_does_not_come_to_the_next_one_deletes() {
    let (world, db) = world().await;
    sqlx::query(
        "insert into topics.reaction (account_id, post_hash, actor_id, kind, day, count)
        select 1, gen_random_uuid(), 9, 1, 17000, 1 from generate_series(1, 20000)",
    )
    .execute(&db)
    .await
    .expect("more than one call deletes");

    // Somebody else holds a table that comes late.
    let mut lock = db.begin().await.expect("begun");
    sqlx::query("lock table topics.veto in access exclusive mode")
        .execute(&mut *lock)
        .await
        .expect("locked");
    ask(&world, Duration::from_secs(3)).await.expect_err("it does not come to the end");
    lock.rollback().await.expect("unlocked");

    until("all is deleted", async || ask(&world, PATIENCE).await.is_ok_and(|(_, done)| done)).await;
    for rows in THEIRS {
        assert_eq!(count(&db, rows).await, 0, "{rows:?}");
    }
}

#[tokio::test]
async fn a_pass_over_everybody_leaves_out_who_was_erased() {
    let (world, db) = world().await;
    let (counts, done) = ask(&world, PATIENCE).await.expect("forgotten");
    assert!(done, "{counts:?}");
    world.passed().await;

    // Whoever is put on the list stays on it.
    let mut lock = db.begin().await.expect("begun");
    sqlx::query("lock table topics.claim in share row exclusive mode")
        .execute(&mut *lock)
        .await
        .expect("locked");
    world.epoch.publish();

    until("the other one is on the list", async || {
        count(&db, ("dirty_person", "person_id = 72")).await > 0
    })
    .await;
    assert_eq!(count(&db, ("dirty_person", "person_id = 71")).await, 0);
}
