//! The service on real stores.

mod answering;
mod earning;
mod editions;
mod forgetting;
mod posts;
mod saying;
mod signals;
mod suggesting;
mod world;

use klout_testkit::health;

use crate::world::World;

#[tokio::test]
async fn it_serves_and_owns_a_schema() {
    let world = World::start(&[]).await;

    assert!(health(&world.running, "topics").await);
    let owned: bool =
        sqlx::query_scalar("select exists (select from pg_namespace where nspname = 'topics')")
            .fetch_one(&world.stores.db().await)
            .await
            .expect("Postgres answers");
    assert!(owned);
    world.running.stop().await.expect("stopped in order");
}
