//! What Redis remembers for us, and how to do without.

use std::{sync::Arc, time::Duration};

use redis::{Pipeline, RedisError, RedisResult, Script, Value, from_redis_value};
use secrecy::SecretString;
use tracing::instrument;

use crate::{
    leases::Leases,
    remote::{COMMANDS_MAX, Remote, millis},
};

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
/// then a look-up is a miss and a fill does nothing, each within the time that it has, and for a second after a
/// failure at once.
#[derive(Clone)]
pub struct Cache(Option<Inner>);

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

#[derive(Clone)]
struct Inner {
    remote: Arc<Remote>,
    write: Arc<Script>,
}

// === impl Cache ===

impl Cache {
    /// A cache that remembers nothing.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// A cache in the Redis at `url`, whose keys all start with `prefix`. Connects when it is first
    /// used, and again whenever the connection is lost. An answer is waited for as long as `time_max`.
    ///
    /// # Errors
    ///
    /// When the URL cannot be read.
    pub fn connect(
        url: &SecretString,
        prefix: &str,
        time_max: Duration,
    ) -> Result<Self, CacheError> {
        let remote = Remote::new(url, prefix, time_max).map_err(CacheError::Url)?;
        Ok(Self(Some(Inner { remote: Arc::new(remote), write: Arc::new(Script::new(WRITE)) })))
    }

    /// What is leased through the same connection.
    #[must_use]
    pub fn leases(&self) -> Leases {
        Leases::new(self.0.as_ref().map(|inner| Arc::clone(&inner.remote)))
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
            pipeline.cmd("HGET").arg(inner.remote.key(key)).arg("value");
        }
        let answers = inner.remote.ask(&mut pipeline).await?;
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
            inner.remote.run(WRITE, &mut pipeline).await;
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
            let answers = inner.remote.run(WRITE, &mut pipeline).await;
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
    fn write<'a>(
        &self,
        pipeline: &'a mut Pipeline,
        key: &str,
        version: Version,
        time_to_live: Duration,
    ) -> &'a mut Pipeline {
        let command = pipeline.cmd("EVALSHA").arg(self.write.get_hash()).arg(1);
        let command = command.arg(self.remote.key(key));
        command.arg(version.major).arg(version.minor).arg(millis(time_to_live))
    }
}
