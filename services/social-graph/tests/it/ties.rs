//! Ties, as they are kept.

use klout_proto::signal::v1::{BatchedInteraction, SignalBatch};
use klout_social_graph::MIGRATOR;
use klout_testkit::{Stores, until};
use sqlx::{Executor as _, PgPool};

use crate::{
    batches::{TODAY, apply, like},
    topics::Known,
    world::World,
};

const TIES: &str = "select tie::text from social_graph.tie order by 1";

async fn ties(db: &PgPool) -> Vec<String> {
    sqlx::query_scalar(TIES).fetch_all(db).await.expect("ties")
}

fn batch(id: usize, told: Vec<BatchedInteraction>, back: Vec<BatchedInteraction>) -> SignalBatch {
    SignalBatch {
        batch_id: (id as u128).to_be_bytes().to_vec(),
        interactions: told,
        retracted_interactions: back,
        ..SignalBatch::default()
    }
}

/// Reactions of all kinds over the window, of which every third is taken back but no newest one, in an order that is scattered by
/// `seed`.
fn batches(seed: u128) -> Vec<SignalBatch> {
    const KINDS: [&str; 4] = ["like", "reply", "follow", "endorse"];
    let mut batches = Vec::new();
    for number in 0..60 {
        let age = i32::try_from(number % 90).expect("small");
        let reaction = BatchedInteraction {
            kind: KINDS[number % KINDS.len()].to_owned(),
            day: TODAY - age,
            ..like("ann", ["bob", "cid"][number % 2], 1)
        };
        batches.push(batch(2 * number, vec![reaction.clone()], vec![]));
        if number % 3 == 2 {
            batches.push(batch(2 * number + 1, vec![], vec![reaction]));
        }
    }
    batches.sort_by_key(|it| {
        let id = u128::from_be_bytes(it.batch_id.clone().try_into().expect("16 bytes"));
        (id + 1).wrapping_mul(seed * 2 + 1).swap_bytes()
    });
    batches
}

#[tokio::test]
async fn ties_are_the_same_bits_in_whatever_order_signals_come() {
    let mut seen = Vec::new();
    for seed in [1_234_567, 98_765_432_109, 5_555] {
        let world = World::long_ago(Known::default()).await;
        for batch in batches(seed) {
            apply(&world, batch).await.expect("applied");
        }
        seen.push(ties(&world.stores.db().await).await);
    }
    assert_eq!(seen[0].len(), 2);
    assert!(seen.iter().all(|ties| *ties == seen[0]), "{seen:#?}");
}

#[tokio::test]
async fn what_is_over_is_swept_and_what_may_yet_come_is_not() {
    let world = World::long_ago(Known::default()).await;
    let db = world.stores.db().await;
    let reactions = [
        (vec![like("ann", "lively", 2)], vec![]),
        (vec![BatchedInteraction { day: TODAY - 90, ..like("ann", "long gone", 1) }], vec![]),
        (vec![BatchedInteraction { day: TODAY - 89, ..like("ann", "about to go", 1) }], vec![]),
        (vec![like("ann", "sorry", 1)], vec![like("ann", "sorry", 1)]),
        (vec![], vec![like("ann", "taken back first", 1)]),
    ];
    for (id, (told, back)) in reactions.into_iter().enumerate() {
        apply(&world, batch(id, told, back)).await.expect("applied");
    }

    let World { stores, running, .. } = world;
    running.stop().await.expect("stopped in order");
    let world = World::long_ago_on(stores, Known::default()).await;
    until("what is over is gone", async || ties(&db).await.len() == 3).await;
    apply(&world, batch(9, vec![like("ann", "taken back first", 1)], vec![])).await.expect("ok");
    let left: i64 = sqlx::query_scalar("select sum(reactions)::bigint from social_graph.tie")
        .fetch_one(&db)
        .await
        .expect("a sum");
    assert_eq!(left, 3);
}

#[tokio::test]
async fn edges_of_the_version_before_are_ties_and_become_ties_while_it_still_runs() {
    let stores = Stores::fresh().await;
    let db = stores.db().await;
    MIGRATOR.run(&db).await.expect("migrated");
    let before = "
        drop trigger edge_becomes_tie on social_graph.edge;
        drop function social_graph.tie_of_edge, social_graph.strength_of_likes;
        drop table social_graph.tie;
        insert into social_graph.edge values (1, 2, 17000, 3), (1, 2, 16993, 2), (1, 3, 17002, -1);";
    db.execute(before).await.expect("as it was before");

    db.execute(include_str!("../../migrations/0008_keep_ties_in_the_place_of_edges.sql"))
        .await
        .expect("migrated");
    // What the version before writes.
    for count in [4, -1] {
        let statement = "
            insert into social_graph.edge as edge values (1, 2, 17001, $1)
            on conflict on constraint edge_pkey do update set count = edge.count + excluded.count";
        sqlx::query(statement).bind(count).execute(&db).await.expect("written");
    }
    let migrated = ties(&db).await;
    db.execute("truncate social_graph.tie").await.expect("emptied");
    let world = World::long_ago_on(stores, Known::default()).await;
    until("edges are gone", async || {
        let statement = "select not exists (select from social_graph.edge)";
        sqlx::query_scalar(statement).fetch_one(&db).await.expect("told")
    })
    .await;

    let of_days = |days: &[(i32, u32)]| {
        let like =
            |(day, count): &(i32, u32)| BatchedInteraction { day: *day, ..like("a", "b", *count) };
        days.iter().map(like).collect::<Vec<_>>()
    };
    let two = of_days(&[(17_000, 3), (16_993, 2), (17_001, 3)]);
    apply(&world, batch(0, two, vec![])).await.expect("applied");
    let of_another = BatchedInteraction { actor_account_id: Some(3), ..like("a", "b", 1) };
    apply(&world, batch(1, vec![], vec![of_another])).await.expect("applied");
    // But for who they are, which is by hashes here.
    db.execute(
        "update social_graph.tie set subject_account_id = 1,
            actor_account_id = case when actor_account_id = 3 then 3 else 2 end",
    )
    .await
    .expect("renamed");
    assert_eq!(ties(&db).await, migrated);
}
