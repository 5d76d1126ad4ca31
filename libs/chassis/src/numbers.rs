//! The numbers that every process tells, whatever it hosts.

use std::time::Duration;

use klout_telemetry::{Gauge, Label, Metric};
use sqlx::PgPool;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tower::BoxError;

use crate::{
    lookups::LOST,
    measure::{CALL_DURATION, CALLS_IN_FLIGHT},
};

/// What a process tells of its calls, its connections, and what it did not write down.
pub const METRICS: &[Metric] = &[
    CALL_DURATION,
    CALLS_IN_FLIGHT,
    HTTP_CONNECTIONS,
    HTTP_CONNECTIONS_ENDED,
    CONNECTIONS,
    CONNECTIONS_MAX,
    LOST,
];

pub(crate) const HTTP_CONNECTIONS: Metric =
    Metric::gauge("klout_http_connection_count", "Connections that are open to the gateway.");

pub(crate) const HTTP_CONNECTIONS_ENDED: Metric = Metric::counter(
    "klout_http_connections_ended_total",
    "Connections to the gateway that were ended from here, by what their peers overdid.",
)
.by(&[Label::these("limit", &["head", "idle", "reader", "age"])]);

const CONNECTIONS: Metric = Metric::gauge(
    "db_client_connection_count",
    "Connections to Postgres. Who waits for one shows in how long statements take.",
)
.by(&[POOL, Label::these("db_client_connection_state", &["idle", "used"])]);

const CONNECTIONS_MAX: Metric =
    Metric::gauge("db_client_connection_max", "As many connections to Postgres may be opened.")
        .by(&[POOL]);

const POOL: Label = Label::all_of("db_client_connection_pool_name", "the services, as sections");

/// How often numbers are looked at that nobody pushes, and samples are summed up, which are kept until
/// then.
const INTERVAL: Duration = Duration::from_secs(1);

/// The pools of a process.
#[derive(Debug, Default)]
pub(crate) struct Pools(Vec<Pool>);

#[derive(Debug)]
struct Pool {
    db: PgPool,
    idle: Gauge,
    used: Gauge,
}

/// Keeps the numbers current.
pub(crate) async fn keep(pools: Pools, stop: CancellationToken) -> Result<(), BoxError> {
    let mut times = interval(INTERVAL);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = times.tick() => {}
        }
        pools.look();
        klout_telemetry::sum_up_metrics();
    }
}

// === impl Pools ===

impl Pools {
    pub(crate) fn add(&mut self, name: &'static str, db: PgPool, max: u32) {
        CONNECTIONS_MAX.level(&[name]).set(max);
        let state = |state| CONNECTIONS.level(&[name, state]);
        self.0.push(Pool { db, idle: state("idle"), used: state("used") });
    }

    fn look(&self) {
        for Pool { db, idle, used } in &self.0 {
            let free = u32::try_from(db.num_idle()).unwrap_or(u32::MAX);
            idle.set(free);
            used.set(db.size().saturating_sub(free));
        }
    }
}
