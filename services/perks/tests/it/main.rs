//! The service on real stores.

mod ending;
mod giving;
mod histories;
mod reserving;

use klout_chassis::Host;
use klout_perks::Perks;
use klout_testkit::{Stores, health, start};

#[tokio::test]
async fn it_serves_and_owns_a_schema() {
    let stores = Stores::fresh().await;

    let running = start(Host::new("test").with::<Perks>(), &stores, &[]).await;

    assert!(health(&running, "perks").await);
    let owned: bool =
        sqlx::query_scalar("select exists (select from pg_namespace where nspname = 'perks')")
            .fetch_one(&stores.db().await)
            .await
            .expect("Postgres answers");
    assert!(owned);
    running.stop().await.expect("stopped in order");
}
