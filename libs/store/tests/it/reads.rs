//! Short reads on connections that are kept.

use std::time::Duration;

use klout_store::Reads;
use klout_testkit::Stores;
use sqlx::{PgPool, query_scalar};

const HALF_A_SECOND: Duration = Duration::from_millis(500);

async fn backend(reads: &Reads) -> Result<i32, sqlx::Error> {
    reads.read(|db| Box::pin(query_scalar("select pg_backend_pid()").fetch_one(db))).await
}

async fn end(db: &PgPool, backend: i32) {
    let ended: bool = query_scalar("select pg_terminate_backend($1, 10000)")
        .bind(backend)
        .fetch_one(db)
        .await
        .expect("asked");
    assert!(ended);
}

#[tokio::test]
async fn a_connection_is_kept_and_replaced_when_it_ended() {
    let stores = Stores::fresh().await;
    let (db, beside) = (stores.db().await, stores.db().await);
    let reads = Reads::new(db, HALF_A_SECOND);
    let first = backend(&reads).await.expect("read");
    assert_eq!(backend(&reads).await.expect("read"), first);

    end(&beside, first).await;

    assert_ne!(backend(&reads).await.expect("read at the first try"), first);
}

#[tokio::test]
async fn a_mistake_in_a_statement_is_no_reason_to_leave_the_connection() {
    let reads = Reads::new(Stores::fresh().await.db().await, HALF_A_SECOND);
    let first = backend(&reads).await.expect("read");
    let wrong: Result<i32, _> =
        reads.read(|db| Box::pin(query_scalar("select 1 / 0").fetch_one(db))).await;
    wrong.expect_err("nobody can divide by zero");
    assert_eq!(backend(&reads).await.expect("read"), first);
}

#[tokio::test]
async fn a_read_that_does_not_end_is_ended_and_its_connection_is_not_used_again() {
    let reads = Reads::new(Stores::fresh().await.db().await, HALF_A_SECOND);
    let first = backend(&reads).await.expect("read");
    let endless: Result<i32, _> =
        reads.read(|db| Box::pin(query_scalar("select 1 from pg_sleep(3600)").fetch_one(db))).await;
    assert!(klout_store::is_transient(&endless.expect_err("it does not end")));
    assert_ne!(backend(&reads).await.expect("read"), first);
}

#[tokio::test]
async fn a_pool_can_be_closed_when_reading_is_over() {
    let db = Stores::fresh().await.db().await;
    let reads = Reads::new(db.clone(), HALF_A_SECOND);
    backend(&reads).await.expect("read");
    reads.end();
    db.close().await;
    assert!(backend(&reads).await.is_err());
}
