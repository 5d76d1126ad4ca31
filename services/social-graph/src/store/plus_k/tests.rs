use klout_testkit::Stores;
use sqlx::PgPool;

use super::*;
use crate::store::MIGRATOR;

async fn store() -> PgPool {
    let db = Stores::fresh().await.db().await;
    MIGRATOR.run(&db).await.expect("the schema is made");
    for person in 1..=4_i64 {
        let text = "insert into social_graph.person (person_id, create_time) values ($1, now())";
        sqlx::query(text).bind(person).execute(&db).await.expect("a person");
    }
    db
}

fn plus_k(id: i64, giver: i64, receiver: i64) -> PlusK {
    PlusK {
        id,
        giver,
        receiver,
        topic_id: 7,
        topic: "hiking".to_owned(),
        give_time: OffsetDateTime::UNIX_EPOCH,
        take_back_time: None,
        thank_time: None,
        thanks: String::new(),
        thanks_public: false,
        giver_native: giver,
        receiver_native: receiver,
    }
}

async fn give(db: &PgPool, id: i64, giver: i64, receiver: i64, request_id: Option<&str>) {
    insert(db, &plus_k(id, giver, receiver), "", request_id).await.expect("written");
}

/// Pairs of columns of a table, sorted.
async fn pairs(db: &PgPool, columns_and_table: &str) -> Vec<(i64, i64)> {
    let mut query = sqlx::QueryBuilder::new("select ");
    query.push(columns_and_table).push(" order by 1, 2");
    query.build_query_as().fetch_all(db).await.expect("rows")
}

async fn execute(db: &PgPool, text: &str) {
    let mut query = sqlx::QueryBuilder::new(text);
    query.build().execute(db).await.expect("written");
}

#[tokio::test]
async fn who_is_merged_gave_and_received_what_the_other_did() {
    let db = store().await;
    give(&db, 1, 1, 3, Some("same")).await;
    give(&db, 2, 2, 3, Some("same")).await;
    give(&db, 3, 3, 1, None).await;
    give(&db, 4, 1, 2, None).await;
    give(&db, 5, 2, 1, None).await;
    execute(&db, "insert into social_graph.block values (1, 4, now()), (2, 4, now()), (3, 1, now()), (1, 2, now())").await;
    execute(
        &db,
        "insert into social_graph.topic_proposal values (3, 1, 1, 7, 'hiking', now()), \
         (3, 2, 2, 7, 'hiking', now()), (1, 3, 4, 7, 'hiking', now()), (1, 4, 2, 7, 'hiking', now())",
    )
    .await;
    execute(
        &db,
        "insert into social_graph.plus_k_suggestion values (1, 3, 10), (2, 3, 9), (3, 1, 8), (1, 2, 7)",
    )
    .await;

    let mut connection = db.acquire().await.expect("a connection");
    move_to(&mut connection, 1, 2).await.expect("merged");
    move_to(&mut connection, 1, 2).await.expect("merged again, which is nothing");

    let given = pairs(&db, "giver_id, receiver_id from social_graph.plus_k").await;
    assert_eq!(given, [(2, 3), (2, 3), (3, 2)], "nothing of oneself");
    let taken_back = pairs(
        &db,
        "giver_native, receiver_native from social_graph.plus_k_outbox where taken_back",
    );
    assert_eq!(taken_back.await, [(1, 2), (2, 1)], "as it was told");
    let named = by_request(&db, 2, "same").await.expect("read").expect("of the one who stays");
    assert_eq!(named.id, 2);
    let blocks = pairs(&db, "person_id, blocked_id from social_graph.block").await;
    assert_eq!(blocks, [(2, 4), (3, 2)]);
    let proposals = pairs(&db, "person_id, proposer_id from social_graph.topic_proposal").await;
    assert_eq!(proposals, [(2, 4), (3, 2)]);
    let suggested =
        pairs(&db, "person_id * 10 + receiver_id, day::bigint from social_graph.plus_k_suggestion");
    assert_eq!(suggested.await, [(23, 10), (32, 8)]);
}

#[tokio::test]
async fn nothing_is_left_of_who_is_forgotten() {
    let db = store().await;
    for (id, giver, receiver) in [(1, 1, 2), (2, 2, 1), (3, 2, 3)] {
        give(&db, id, giver, receiver, None).await;
        let told = plus_k(id, giver, receiver);
        crate::store::plus_k_outbox::append(&db, &told, false).await.expect("to be told");
    }
    execute(
        &db,
        "insert into social_graph.block values (1, 4, now()), (2, 1, now()), (2, 3, now())",
    )
    .await;
    execute(
        &db,
        "insert into social_graph.topic_proposal values (3, 1, 1, 7, 'hiking', now()), \
         (1, 2, 3, 7, 'hiking', now()), (2, 3, 3, 7, 'hiking', now())",
    )
    .await;
    execute(
        &db,
        "insert into social_graph.plus_k_suggestion values (1, 3, 10), (2, 1, 9), (2, 3, 8)",
    )
    .await;

    for held in crate::store::held::ALL {
        let accounts = std::collections::BTreeMap::new();
        crate::store::held::delete(&db, held, &[1], &accounts).await.expect("deleted");
    }

    let left = [
        pairs(&db, "giver_id, receiver_id from social_graph.plus_k").await,
        pairs(&db, "giver_native, receiver_native from social_graph.plus_k_outbox").await,
        pairs(&db, "person_id, blocked_id from social_graph.block").await,
        pairs(&db, "person_id, proposer_id from social_graph.topic_proposal").await,
        pairs(&db, "person_id, receiver_id from social_graph.plus_k_suggestion").await,
    ];
    assert!(left.iter().all(|it| *it == [(2, 3)]), "{left:?}");
}
