//! The service on real stores.

mod arrivals;
mod broken;
mod callers;
mod campaigns;
mod codes;
mod desk;
mod ending;
mod evaluating;
mod giving;
mod histories;
mod hotel;
mod leaving;
mod offers;
mod passes;
mod previewing;
mod properties;
mod reserving;
mod town;
mod trouble;

use klout_testkit::health;

use crate::offers::Offers;

#[tokio::test]
async fn it_serves_and_owns_a_schema() {
    let Offers { stores, running, .. } = Offers::start().await;

    assert!(health(&running, "perks").await);
    let owned: bool =
        sqlx::query_scalar("select exists (select from pg_namespace where nspname = 'perks')")
            .fetch_one(&stores.db().await)
            .await
            .expect("Postgres answers");
    assert!(owned);
    running.stop().await.expect("stopped in order");
}
