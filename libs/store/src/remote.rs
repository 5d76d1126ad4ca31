//! The connection to Redis, and how to do without it.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use redis::{
    Client, Pipeline, RedisError, RedisResult, ServerErrorKind, Value,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::{Instant, timeout};
use tracing::warn;

/// How long Redis is left alone after it failed, so that not every call pays for finding out.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Commands that are sent at once: Redis does so many in a few milliseconds, and others wait meanwhile.
pub(crate) const COMMANDS_MAX: usize = 256;

/// A Redis that may vanish at any time.
pub(crate) struct Remote {
    client: Client,
    redis: Mutex<ConnectionManager>,
    prefix: String,
    /// How long an answer is waited for.
    pub(crate) time_max: Duration,
    started: Instant,
    /// Milliseconds since `started` until which Redis is left alone.
    paused_until: AtomicU64,
}

// === impl Remote ===

impl Remote {
    /// Connects when it is first used, and again whenever the connection is lost. All keys start with `prefix`.
    pub(crate) fn new(
        url: &SecretString,
        prefix: &str,
        time_max: Duration,
    ) -> Result<Self, RedisError> {
        let client = Client::open(url.expose_secret())?;
        let redis = Mutex::new(connection(&client, time_max)?);
        let (prefix, started) = (prefix.to_owned(), Instant::now());
        Ok(Self { client, redis, prefix, time_max, started, paused_until: AtomicU64::new(0) })
    }

    /// Ends in digits and what separates them, so no two prefixes give one key.
    pub(crate) fn key(&self, key: &str) -> String {
        format!("{}:{key}", self.prefix)
    }

    /// The same as [`ask`](Self::ask) of commands that all run one script, of which a Redis that was started anew does
    /// not know the text.
    pub(crate) async fn run(
        &self,
        script: &str,
        pipeline: &mut Pipeline,
    ) -> Option<Vec<RedisResult<Value>>> {
        let answers = self.ask(pipeline).await?;
        let unknown = |answer: &RedisResult<Value>| {
            answer.as_ref().is_err_and(|error| error.kind() == ServerErrorKind::NoScript.into())
        };
        if !answers.iter().any(unknown) {
            return Some(answers);
        }
        self.ask(redis::pipe().cmd("SCRIPT").arg("LOAD").arg(script)).await?;
        self.ask(pipeline).await
    }

    /// What Redis answers to each command; `None` when it does not, or is left alone.
    pub(crate) async fn ask(&self, pipeline: &mut Pipeline) -> Option<Vec<RedisResult<Value>>> {
        if pipeline.is_empty() {
            return Some(Vec::new());
        }
        let paused_until = self.paused_until.load(Ordering::Relaxed);
        if paused_until > 0 {
            // After the pause one finds out for all whether Redis is back.
            let finding_out = self.elapsed_ms() + millis(self.time_max);
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
        let problem = match timeout(self.time_max, answer).await {
            Ok(Ok(answers)) => {
                if paused_until > 0 {
                    self.paused_until.store(0, Ordering::Relaxed);
                }
                return Some(answers);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {:?}", self.time_max),
        };
        // A connection may look alive for a quarter of an hour after its other end has gone.
        if let Ok(new) = connection(&self.client, self.time_max) {
            *self.redis.lock().expect("nobody panics while holding it") = new;
        }
        let pause = self.elapsed_ms() + millis(PAUSE_AFTER_FAILURE);
        self.paused_until.store(pause, Ordering::Relaxed);
        warn!(
            problem,
            "Redis failed and is left alone for a second: reads go to Postgres, limits hold for this process alone"
        );
        None
    }

    fn elapsed_ms(&self) -> u64 {
        millis(self.started.elapsed())
    }
}

/// A connection that is made when it is first used.
fn connection(client: &Client, time_max: Duration) -> RedisResult<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_number_of_retries(0)
        .set_connection_timeout(Some(time_max))
        .set_response_timeout(Some(time_max));
    ConnectionManager::new_lazy_with_config(client.clone(), config)
}

pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
