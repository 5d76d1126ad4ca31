//! Parts of something that there is so much of, over all processes: handed out in blocks by Redis.

use std::{sync::Arc, time::Duration};

use redis::{RedisResult, Script, Value, from_redis_value};
use tracing::instrument;

use crate::remote::{COMMANDS_MAX, Remote, millis};

/// Counts what was taken without asking, then hands out at most what is wanted and still there. What was taken
/// without asking is counted though more is gone than there was. One key a command, so it works on a cluster.
const LEASE: &str = r"
local taken = redis.pcall('GET', KEYS[1])
if type(taken) == 'table' then
    redis.call('DEL', KEYS[1])
    taken = false
end
local all, owed, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local left = all - (tonumber(taken or 0) or 0) - owed
local given = math.max(0, math.min(wanted, left))
redis.call('SET', KEYS[1], string.format('%.0f', all - left + given), 'PX', ARGV[4])
return {given, math.max(0, left - given)}
";

/// What processes take their parts from.
///
/// Redis may vanish at any time, hang or lose everything: each question is answered within its time, and for a second
/// after a failure at once, with nothing.
#[derive(Clone)]
pub struct Leases(Option<Inner>);

/// What is asked for. All numbers are below 2^53.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub key: String,
    /// How much there is, over all processes.
    pub all: u64,
    /// What was taken without asking, since it was last told.
    pub owed: u64,
    /// How much to hand out.
    pub wanted: u64,
    /// How long the key is kept from now on.
    pub time_to_live: Duration,
}

/// What was handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leased {
    /// At most what was wanted.
    pub given: u64,
    /// What is there for others, and for later.
    pub left: u64,
}

#[derive(Clone)]
struct Inner {
    remote: Arc<Remote>,
    lease: Arc<Script>,
}

// === impl Leases ===

impl Leases {
    pub(crate) fn new(remote: Option<Arc<Remote>>) -> Self {
        Self(remote.map(|remote| Inner { remote, lease: Arc::new(Script::new(LEASE)) }))
    }

    /// How long an answer takes at most that comes to a question which is not sent at once: what is sent before has its
    /// time too.
    #[must_use]
    pub fn wait_max(&self) -> Duration {
        self.0.as_ref().map_or(Duration::ZERO, |inner| 3 * inner.remote.time_max)
    }

    /// Whether there is nobody to ask.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Asks for all of `leases` in one round trip, and answers each in its place; `None`: Redis did not answer, and may
    /// have handed it out all the same.
    #[instrument(name = "leases.take", skip_all, fields(leases.len = leases.len()))]
    pub async fn take(&self, leases: &[Lease]) -> Vec<Option<Leased>> {
        let Some(inner) = &self.0 else { return vec![None; leases.len()] };
        let mut leased = Vec::with_capacity(leases.len());
        for leases in leases.chunks(COMMANDS_MAX) {
            let mut pipeline = redis::pipe();
            for lease in leases {
                let command = pipeline.cmd("EVALSHA").arg(inner.lease.get_hash()).arg(1);
                let command = command.arg(inner.remote.key(&lease.key));
                let command = command.arg(lease.all).arg(lease.owed).arg(lease.wanted);
                command.arg(millis(lease.time_to_live));
            }
            match inner.remote.run(LEASE, &mut pipeline).await {
                Some(answers) => leased.extend(answers.into_iter().map(read)),
                None => leased.extend(leases.iter().map(|_| None)),
            }
        }
        leased
    }
}

impl std::fmt::Debug for Leases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Leases(redis)" } else { "Leases(none)" })
    }
}

fn read(answer: RedisResult<Value>) -> Option<Leased> {
    let (given, left) = from_redis_value(answer.ok()?).ok()?;
    Some(Leased { given, left })
}
