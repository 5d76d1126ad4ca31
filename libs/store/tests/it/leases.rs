//! What is handed out, and that it is never more than there is.

use std::time::Duration;

use klout_store::{Cache, Lease, Leased, Leases};
use klout_testkit::{Stores, until};

/// As it is configured if nothing else is said.
const TIME_MAX: Duration = Duration::from_millis(50);

fn leases(stores: &Stores) -> Leases {
    Cache::connect(&stores.redis_url.clone().into(), "test", TIME_MAX)
        .expect("a URL of Redis")
        .leases()
}

fn lease(key: &str, owed: u64, wanted: u64) -> Lease {
    let time_to_live = Duration::from_secs(60);
    Lease { key: key.to_owned(), all: 10, owed, wanted, time_to_live }
}

async fn take(leases: &Leases, key: &str, owed: u64, wanted: u64) -> Option<(u64, u64)> {
    let leased = leases.take(&[lease(key, owed, wanted)]).await;
    leased[0].map(|Leased { given, left }| (given, left))
}

/// A key that no other test has.
fn key() -> String {
    uuid::Uuid::new_v4().to_string()
}

#[tokio::test]
async fn blocks_are_handed_out_until_nothing_is_left() {
    let stores = Stores::fresh().await;
    let (one, other, key) = (leases(&stores), leases(&stores), key());
    assert_eq!(take(&one, &key, 0, 4).await, Some((4, 6)));
    assert_eq!(take(&other, &key, 0, 4).await, Some((4, 2)));
    assert_eq!(take(&one, &key, 0, 4).await, Some((2, 0)));
    assert_eq!(take(&other, &key, 0, 4).await, Some((0, 0)));
}

#[tokio::test]
async fn what_was_taken_without_asking_is_counted_though_nothing_is_left() {
    let (leases, key) = (leases(&Stores::fresh().await), key());
    assert_eq!(take(&leases, &key, 3, 4).await, Some((4, 3)));
    assert_eq!(take(&leases, &key, 5, 4).await, Some((0, 0)), "two more are gone than there were");
    assert_eq!(take(&leases, &key, 0, 1).await, Some((0, 0)));
}

#[tokio::test]
async fn many_are_answered_in_their_places_and_a_key_that_is_something_else_is_begun_anew() {
    use redis::AsyncCommands as _;

    let stores = Stores::fresh().await;
    let leases = leases(&stores);
    let wrong = key();
    let mut redis = stores.redis().await;
    let put: Result<(), _> = redis.lpush(format!("test:{wrong}"), "a list").await;
    put.expect("put");
    let asked: Vec<_> = (0..600).map(|wanted| lease(&key(), 0, wanted % 5)).collect();
    let leased = leases.take(&asked).await;
    for (wanted, leased) in (0..600).zip(leased) {
        assert_eq!(leased.expect("answered").given, wanted % 5);
    }
    assert_eq!(take(&leases, &wrong, 0, 1).await, Some((1, 9)));
}

#[tokio::test]
async fn a_redis_that_forgets_its_scripts_and_one_that_hangs_are_lived_with() {
    let (stores, proxy) = Stores::fresh().await.with_disturbed_redis().await;
    let (leases, key) = (leases(&stores), key());
    assert_eq!(take(&leases, &key, 0, 1).await, Some((1, 9)));

    proxy.hang();
    assert_eq!(take(&leases, &key, 0, 1).await, None);
    assert_eq!(take(&leases, &key, 0, 1).await, None, "it is left alone");
    proxy.clear_up();
    until("Redis is asked again", async || take(&leases, &key, 0, 0).await.is_some()).await;
}

#[tokio::test]
async fn without_redis_nothing_is_handed_out() {
    let leases = Cache::none().leases();
    assert!(leases.is_none());
    assert_eq!(take(&leases, &key(), 0, 1).await, None);
}
