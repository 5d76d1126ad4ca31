//! What Redis remembers for us, and how to do without.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use redis::{
    Client, Pipeline, RedisError, RedisResult, Script, ServerErrorKind, Value,
    aio::{ConnectionManager, ConnectionManagerConfig},
    from_redis_value,
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::{Instant, timeout};
use tracing::{instrument, warn};

/// How long an answer of Redis is waited for. Postgres answers a miss in about as much.
const COMMAND_TIME_MAX: Duration = Duration::from_millis(50);

/// How long Redis is left alone after it failed, so that not every read pays for finding out.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Commands that are sent at once: Redis does so many in a few milliseconds, and others wait meanwhile.
const COMMANDS_MAX: usize = 256;

/// Writes a value (the last argument), or without one a tombstone, unless something newer is there. A
/// tombstone makes way for values of its own major version. One key a command, so it works on a cluster.
const WRITE: &str = r"
local old = redis.pcall('HMGET', KEYS[1], 'major', 'minor', 'value')
if old.err then
    redis.call('DEL', KEYS[1])
    old = {}
end
local major, minor = tonumber(old[1] or -1) or -1, tonumber(old[2] or -1) or -1
local new_major, new_minor = tonumber(ARGV[1]), tonumber(ARGV[2])
if major > new_major or (major == new_major and old[3] and minor >= new_minor) then
    return 0
end
if ARGV[4] then
    redis.call('HSET', KEYS[1], 'major', ARGV[1], 'minor', ARGV[2], 'value', ARGV[4])
else
    redis.call('DEL', KEYS[1])
    redis.call('HSET', KEYS[1], 'major', ARGV[1], 'minor', ARGV[2])
end
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
/// Redis may vanish at any time, hang, lose everything or say something else than what was written:
/// then a look-up is a miss and a fill does nothing, each within 50 ms, and for a second after a
/// failure at once.
#[derive(Clone)]
pub struct Cache(Option<Arc<Inner>>);

/// Of two values of a key the one of the higher version stays. Both numbers are below 2^53.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u64,
    minor: u64,
}

/// A value to be remembered.
#[derive(Clone, Debug)]
pub struct Fill {
    pub key: String,
    pub version: Version,
    pub value: Vec<u8>,
}

struct Inner {
    client: Client,
    redis: Mutex<ConnectionManager>,
    prefix: String,
    write: Script,
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
    /// used, and again whenever the connection is lost.
    ///
    /// # Errors
    ///
    /// When the URL cannot be read.
    pub fn connect(url: &SecretString, prefix: &str) -> Result<Self, CacheError> {
        let client = Client::open(url.expose_secret()).map_err(CacheError::Url)?;
        let redis = Mutex::new(connection(&client).map_err(CacheError::Url)?);
        Ok(Self(Some(Arc::new(Inner {
            client,
            redis,
            prefix: prefix.to_owned(),
            write: Script::new(WRITE),
            started: Instant::now(),
            paused_until: AtomicU64::new(0),
        }))))
    }

    /// Whether it remembers nothing.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// The values of `keys`, in their order, in one round trip; of each `None` is a miss. `None` for all:
    /// Redis did not answer, or is left alone because it did not answer a moment ago.
    #[instrument(name = "cache.get", skip_all, fields(keys.len = keys.len()))]
    pub async fn get(&self, keys: &[String]) -> Option<Vec<Option<Vec<u8>>>> {
        let Some(inner) = &self.0 else { return Some(vec![None; keys.len()]) };
        let mut pipeline = redis::pipe();
        for key in keys {
            pipeline.cmd("HGET").arg(inner.key(key)).arg("value");
        }
        let answers = inner.ask(&mut pipeline).await?;
        // A key of ours that is something else is a miss, and only that one.
        let value = |answer: RedisResult<Value>| from_redis_value(answer.ok()?).ok()?;
        Some(answers.into_iter().map(value).collect())
    }

    /// Remembers values for `time_to_live`, each unless one of its or a newer version is there.
    #[instrument(name = "cache.fill", skip_all, fields(fills.len = fills.len()))]
    pub async fn fill(&self, fills: &[Fill], time_to_live: Duration) {
        let Some(inner) = &self.0 else { return };
        for fills in fills.chunks(COMMANDS_MAX) {
            let mut pipeline = redis::pipe();
            for fill in fills {
                let command = inner.write(&mut pipeline, &fill.key, fill.version, time_to_live);
                command.arg(&fill.value[..]);
            }
            inner.ask_to_write(&mut pipeline).await;
        }
    }

    /// Forgets what is older than the versions of these keys, and for `time_to_live` does not remember
    /// it again. Returns whether that is so for all of them: if not, Redis may have them when it
    /// is back.
    #[instrument(name = "cache.bury", skip_all, fields(keys.len = keys.len()))]
    pub async fn bury(&self, keys: &[(String, Version)], time_to_live: Duration) -> bool {
        let Some(inner) = &self.0 else { return true };
        for keys in keys.chunks(COMMANDS_MAX) {
            let mut pipeline = redis::pipe();
            for (key, version) in keys {
                inner.write(&mut pipeline, key, *version, time_to_live);
            }
            let answers = inner.ask_to_write(&mut pipeline).await;
            if !answers.is_some_and(|answers| answers.iter().all(Result::is_ok)) {
                return false;
            }
        }
        true
    }
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Cache(redis)" } else { "Cache(none)" })
    }
}

// === impl Version ===

impl Version {
    #[must_use]
    pub const fn new(major: u64, minor: u64) -> Self {
        Self { major, minor }
    }
}

// === impl Inner ===

impl Inner {
    /// Ends in digits and what separates them, so no two prefixes give one key.
    fn key(&self, key: &str) -> String {
        format!("{}:{key}", self.prefix)
    }

    fn write<'a>(
        &self,
        pipeline: &'a mut Pipeline,
        key: &str,
        version: Version,
        time_to_live: Duration,
    ) -> &'a mut Pipeline {
        let time_to_live = u64::try_from(time_to_live.as_millis()).unwrap_or(u64::MAX);
        let command = pipeline.cmd("EVALSHA").arg(self.write.get_hash()).arg(1).arg(self.key(key));
        command.arg(version.major).arg(version.minor).arg(time_to_live)
    }

    /// The same of commands that run the script, which a Redis that was started anew does not know.
    async fn ask_to_write(&self, pipeline: &mut Pipeline) -> Option<Vec<RedisResult<Value>>> {
        let answers = self.ask(pipeline).await?;
        let unknown = |answer: &RedisResult<Value>| {
            answer.as_ref().is_err_and(|error| error.kind() == ServerErrorKind::NoScript.into())
        };
        if !answers.iter().any(unknown) {
            return Some(answers);
        }
        self.ask(redis::pipe().cmd("SCRIPT").arg("LOAD").arg(WRITE)).await?;
        self.ask(pipeline).await
    }

    /// What Redis answers to each command; `None` when it does not, or is left alone.
    async fn ask(&self, pipeline: &mut Pipeline) -> Option<Vec<RedisResult<Value>>> {
        if pipeline.is_empty() {
            return Some(Vec::new());
        }
        let paused_until = self.paused_until.load(Ordering::Relaxed);
        if paused_until > 0 {
            // After the pause one finds out for all whether Redis is back.
            let finding_out = self.elapsed_ms() + millis(COMMAND_TIME_MAX);
            let mine = self.elapsed_ms() >= paused_until
                && self
                    .paused_until
                    .compare_exchange(
                        paused_until,
                        finding_out,
                        Ordering::Relaxed,
                        Ordering::Relaxed,
                    )
                    .is_ok();
            if !mine {
                return None;
            }
        }
        let mut redis = self.redis.lock().expect("nobody panics while holding it").clone();
        let answer = pipeline.ignore_errors().query_async(&mut redis);
        let problem = match timeout(COMMAND_TIME_MAX, answer).await {
            Ok(Ok(answers)) => {
                if paused_until > 0 {
                    self.paused_until.store(0, Ordering::Relaxed);
                }
                return Some(answers);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {COMMAND_TIME_MAX:?}"),
        };
        // A connection may look alive for a quarter of an hour after its other end has gone.
        if let Ok(new) = connection(&self.client) {
            *self.redis.lock().expect("nobody panics while holding it") = new;
        }
        let pause = self.elapsed_ms() + millis(PAUSE_AFTER_FAILURE);
        self.paused_until.store(pause, Ordering::Relaxed);
        warn!(problem, "Redis failed; reads go to Postgres for a second");
        None
    }

    fn elapsed_ms(&self) -> u64 {
        millis(self.started.elapsed())
    }
}

/// A connection that is made when it is first used.
fn connection(client: &Client) -> RedisResult<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_number_of_retries(0)
        .set_connection_timeout(Some(COMMAND_TIME_MAX))
        .set_response_timeout(Some(COMMAND_TIME_MAX));
    ConnectionManager::new_lazy_with_config(client.clone(), config)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
