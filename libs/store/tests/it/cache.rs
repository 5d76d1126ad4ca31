//! What a cache remembers, and that it never remembers what is older.

use std::time::Duration;

use klout_store::{Cache, Fill, Version};
use klout_testkit::{Stores, until};

const MINUTE: Duration = Duration::from_secs(60);

/// As it is configured if nothing else is said.
const TIME_MAX: Duration = Duration::from_millis(50);

fn cache(stores: &Stores) -> Cache {
    Cache::connect(&stores.redis_url.clone().into(), "test", TIME_MAX).expect("a URL of Redis")
}

async fn fill(cache: &Cache, key: &str, major: u64, minor: u64, value: &str) {
    let version = Version::new(major, minor);
    let fill = Fill { key: key.to_owned(), version, value: value.into() };
    cache.fill(&[fill], MINUTE).await;
}

async fn get(cache: &Cache, key: &str) -> Option<String> {
    let [value] = <[_; 1]>::try_from(cache.get(&[key.to_owned()]).await?).expect("one");
    value.map(|value| String::from_utf8(value).expect("what was filled"))
}

/// A key that no other test has.
fn key() -> String {
    uuid::Uuid::new_v4().to_string()
}

#[tokio::test]
async fn of_two_values_the_newer_one_stays_whichever_came_first() {
    let (cache, key) = (cache(&Stores::fresh().await), key());
    assert_eq!(get(&cache, &key).await, None);
    for (major, minor, value, stays) in [
        (2, 5, "first", "first"),
        (1, 9, "older", "first"),
        (2, 4, "of an earlier publication", "first"),
        (2, 5, "of the same version", "first"),
        (2, 6, "of a later publication", "of a later publication"),
        (3, 0, "newer", "newer"),
    ] {
        fill(&cache, &key, major, minor, value).await;
        assert_eq!(get(&cache, &key).await.as_deref(), Some(stays), "after {value}");
    }
}

#[tokio::test]
async fn what_was_buried_does_not_come_back_and_its_successor_takes_the_place() {
    let (cache, key) = (cache(&Stores::fresh().await), key());
    fill(&cache, &key, 1, 0, "old").await;
    assert!(cache.bury(&[(key.clone(), Version::new(2, 0))], MINUTE).await);
    assert_eq!(get(&cache, &key).await, None);
    fill(&cache, &key, 1, 9, "read before it was buried").await;
    assert_eq!(get(&cache, &key).await, None);
    fill(&cache, &key, 2, 0, "the successor").await;
    assert_eq!(get(&cache, &key).await.as_deref(), Some("the successor"));
    assert!(cache.bury(&[(key.clone(), Version::new(1, 0))], MINUTE).await);
    assert_eq!(get(&cache, &key).await.as_deref(), Some("the successor"), "it is newer");
}

#[tokio::test]
async fn a_burial_of_which_redis_does_not_hear_is_told() {
    let (stores, redis) = Stores::fresh().await.with_disturbed_redis().await;
    let cache = cache(&stores);
    let grave = [(key(), Version::new(1, 0))];
    assert!(cache.bury(&grave, MINUTE).await);
    redis.hang();
    assert!(!cache.bury(&grave, MINUTE).await);
    assert!(!cache.bury(&grave, MINUTE).await, "nor while Redis is left alone");
    assert!(Cache::none().bury(&grave, MINUTE).await, "where there is no Redis, there is nothing");
}

#[tokio::test]
async fn a_connection_that_redis_has_forgotten_is_replaced() {
    let (stores, redis) = Stores::fresh().await.with_disturbed_redis().await;
    let (cache, key) = (cache(&stores), key());
    fill(&cache, &key, 1, 0, "there").await;
    redis.forget_connections();
    until("Redis is asked on a new connection", async || get(&cache, &key).await.is_some()).await;
}

#[tokio::test]
async fn a_key_that_is_something_else_is_a_miss_alone() {
    use redis::AsyncCommands as _;

    let stores = Stores::fresh().await;
    let (cache, odd, sound) = (cache(&stores), key(), key());
    fill(&cache, &sound, 1, 0, "sound").await;
    let mut redis = stores.redis().await;
    let put: Result<(), _> = redis.set(format!("test:{odd}"), "a string").await;
    put.expect("put");

    let values = cache.get(&[odd.clone(), sound]).await;
    assert_eq!(values, Some(vec![None, Some(b"sound".to_vec())]));
    fill(&cache, &odd, 1, 0, "replaced").await;
    assert_eq!(get(&cache, &odd).await.as_deref(), Some("replaced"));
}

#[tokio::test]
async fn however_much_is_filled_at_once_redis_goes_on_answering() {
    let (cache, run) = (cache(&Stores::fresh().await), key());
    let keys: Vec<String> = (0..5_000).map(|number| format!("{run}/{number}")).collect();
    let fill =
        |key: &String| Fill { key: key.clone(), version: Version::new(1, 0), value: vec![7; 300] };
    cache.fill(&keys.iter().map(fill).collect::<Vec<_>>(), MINUTE).await;

    for keys in keys.chunks(1_000) {
        let values = cache.get(keys).await.expect("Redis is not left alone");
        assert!(values.iter().all(Option::is_some));
    }
}
