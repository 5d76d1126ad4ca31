//! The service on real stores.

use klout_chassis::Host;
use klout_testkit::{Stores, health, start};
use klout_topics::Topics;

#[tokio::test]
async fn it_serves_and_owns_a_schema() {
    let stores = Stores::fresh().await;

    let running = start(Host::new("test").with::<Topics>(), &stores, &[]).await;

    assert!(health(&running, "topics").await);
    let owned: bool =
        sqlx::query_scalar("select exists (select from pg_namespace where nspname = 'topics')")
            .fetch_one(&stores.db().await)
            .await
            .expect("Postgres answers");
    assert!(owned);
    running.stop().await.expect("stopped in order");
}
