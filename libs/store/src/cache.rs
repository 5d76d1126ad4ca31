//! What is remembered for us, by Redis or by this process, and how to do without.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use redis::{
    RedisError, Script,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::{Instant, timeout};
use tracing::{instrument, warn};

/// How long an answer of Redis is waited for. Postgres answers a miss in about as much.
const COMMAND_TIME_MAX: Duration = Duration::from_millis(50);

/// How long Redis is left alone after it failed, so that not every read pays for finding out.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// The URL of a cache in the memory of this process.
const MEMORY_URL: &str = "memory:";

/// What that may take: about a million scores.
const MEMORY_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Writes a value unless a newer one is there. One key a command, so it works on a cluster.
const FILL: &str = r"
local version = redis.call('HGET', KEYS[1], 'version')
if version and tonumber(version) >= tonumber(ARGV[1]) then
    return 0
end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'value', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
";

#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    #[error("the Redis URL cannot be read; it looks like redis://host:6379")]
    Url(#[source] RedisError),
}

/// Values by key, each with a version that never goes back.
///
/// Redis may vanish at any time: then every look-up is a miss and every fill does nothing, each
/// within 50 ms, and for a second after a failure at once.
#[derive(Clone)]
pub struct Cache(Option<Where>);

#[derive(Clone)]
enum Where {
    Redis(Arc<Inner>),
    Memory(moka::sync::Cache<String, Remembered>),
}

/// A value in the memory of this process.
#[derive(Clone)]
struct Remembered {
    version: u64,
    value: Arc<[u8]>,
    until: Instant,
}

struct Inner {
    redis: ConnectionManager,
    prefix: String,
    fill: Script,
    started: Instant,
    /// Milliseconds since `started` until which Redis is left alone.
    paused_until: AtomicU64,
}

// === impl Cache ===

impl Cache {
    /// A cache that remembers nothing.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// A cache in the Redis at `url`, whose keys all start with `prefix`. Connects when it is first
    /// used, and again whenever the connection is lost. `memory:` is a cache in this process, which is
    /// right only while no other one writes what is cached.
    ///
    /// # Errors
    ///
    /// When the URL cannot be read.
    pub fn connect(url: &SecretString, prefix: &str) -> Result<Self, CacheError> {
        if url.expose_secret() == MEMORY_URL {
            let memory = moka::sync::Cache::builder()
                .max_capacity(MEMORY_BYTES_MAX)
                .weigher(|key: &String, it: &Remembered| {
                    u32::try_from(key.len() + it.value.len()).unwrap_or(u32::MAX)
                })
                .build();
            return Ok(Self(Some(Where::Memory(memory))));
        }
        let client = redis::Client::open(url.expose_secret()).map_err(CacheError::Url)?;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(COMMAND_TIME_MAX))
            .set_response_timeout(Some(COMMAND_TIME_MAX));
        let redis =
            ConnectionManager::new_lazy_with_config(client, config).map_err(CacheError::Url)?;
        Ok(Self(Some(Where::Redis(Arc::new(Inner {
            redis,
            prefix: prefix.to_owned(),
            fill: Script::new(FILL),
            started: Instant::now(),
            paused_until: AtomicU64::new(0),
        })))))
    }

    /// The values of `keys`, in their order, in one round trip. `None` is a miss.
    #[instrument(name = "cache.get", skip_all, fields(keys.len = keys.len()))]
    pub async fn get(&self, keys: &[String]) -> Vec<Option<Vec<u8>>> {
        let inner = match &self.0 {
            Some(Where::Redis(inner)) if !inner.paused() && !keys.is_empty() => inner,
            Some(Where::Memory(memory)) => {
                let now = Instant::now();
                let found = |key| memory.get(key).filter(|it: &Remembered| now < it.until);
                return keys.iter().map(|key| found(key).map(|it| it.value.to_vec())).collect();
            }
            Some(Where::Redis(_)) | None => return vec![None; keys.len()],
        };
        let mut pipeline = redis::pipe();
        for key in keys {
            pipeline.cmd("HGET").arg(inner.key(key)).arg("value");
        }
        let mut redis = inner.redis.clone();
        let answer = pipeline.query_async::<Vec<Option<Vec<u8>>>>(&mut redis);
        inner.bounded(answer).await.unwrap_or_else(|| vec![None; keys.len()])
    }

    /// Remembers `value` for `time_to_live`, unless a value of this or a newer `version` is there.
    #[instrument(name = "cache.fill", skip_all)]
    pub async fn fill(&self, key: &str, version: u64, value: &[u8], time_to_live: Duration) {
        let inner = match &self.0 {
            Some(Where::Redis(inner)) if !inner.paused() => inner,
            Some(Where::Memory(memory)) => {
                let until = Instant::now() + time_to_live;
                let new = Remembered { version, value: value.into(), until };
                memory.entry_by_ref(key).and_upsert_with(|old| match old {
                    Some(old)
                        if old.value().version >= version && Instant::now() < old.value().until =>
                    {
                        old.into_value()
                    }
                    Some(_) | None => new,
                });
                return;
            }
            Some(Where::Redis(_)) | None => return,
        };
        let mut script = inner.fill.key(inner.key(key));
        script.arg(version).arg(value);
        script.arg(u64::try_from(time_to_live.as_millis()).unwrap_or(u64::MAX));
        let mut redis = inner.redis.clone();
        inner.bounded(script.invoke_async::<u8>(&mut redis)).await;
    }
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match &self.0 {
            Some(Where::Redis(_)) => "Cache(redis)",
            Some(Where::Memory(_)) => "Cache(memory)",
            None => "Cache(none)",
        })
    }
}

// === impl Inner ===

impl Inner {
    fn key(&self, key: &str) -> String {
        format!("{}:{key}", self.prefix)
    }

    fn paused(&self) -> bool {
        self.elapsed_ms() < self.paused_until.load(Ordering::Relaxed)
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Waits for an answer at most [`COMMAND_TIME_MAX`]; `None` when there is none.
    async fn bounded<T>(&self, answer: impl Future<Output = Result<T, RedisError>>) -> Option<T> {
        let problem = match timeout(COMMAND_TIME_MAX, answer).await {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {COMMAND_TIME_MAX:?}"),
        };
        let pause = u64::try_from(PAUSE_AFTER_FAILURE.as_millis()).unwrap_or(u64::MAX);
        self.paused_until.store(self.elapsed_ms() + pause, Ordering::Relaxed);
        warn!(problem, "Redis failed; reads go to Postgres for a second");
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn memory_keeps_the_newest_version_for_its_time() {
        let cache = Cache::connect(&MEMORY_URL.to_owned().into(), "klout").expect("a cache");
        let key = ["a".to_owned()];
        let minute = Duration::from_secs(60);
        assert_eq!(cache.get(&key).await, [None]);
        cache.fill("a", 2, b"two", minute).await;
        cache.fill("a", 1, b"one", minute).await;
        assert_eq!(cache.get(&key).await, [Some(b"two".to_vec())]);

        tokio::time::advance(minute).await;
        assert_eq!(cache.get(&key).await, [None]);
        cache.fill("a", 1, b"one", minute).await;
        assert_eq!(cache.get(&key).await, [Some(b"one".to_vec())], "it lives again");
    }
}
