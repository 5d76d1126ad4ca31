//! Every number that the gateway tells; its calls over gRPC are told as those of every process.

use std::sync::OnceLock;

use http::StatusCode;
use klout_telemetry::{Histogram, Label, Metric};

use crate::routes::Route;

pub(crate) const METRICS: &[Metric] = &[REQUEST_DURATION, LIMIT_REACHED, LIMIT_WAITS, LIMIT_LEASES];

pub(crate) const LIMIT_REACHED: Metric = Metric::counter(
    "klout_gateway_limit_reached_total",
    "Calls that were refused because their key had used up what it may call.",
)
.by(&[Label::these("limit", &["second", "day"])]);

pub(crate) const LIMIT_WAITS: Metric = Metric::counter(
    "klout_gateway_limit_waits_total",
    "Calls that waited for Redis to hand out more to their key; all others are counted in memory.",
);

pub(crate) const LIMIT_LEASES: Metric = Metric::counter(
    "klout_gateway_limit_leases_total",
    "Blocks of calls that Redis was asked for; after a failed one the limit holds for this gateway alone.",
)
.by(&[Label::these("result", &["given", "spent", "failed"])]);

const REQUEST_DURATION: Metric = Metric::duration(
    "http_server_request_duration_seconds",
    "How long a request over REST took, a look-up of a score for one.",
)
.by(&[
    Label::all_of("http_route", "the paths of the table of routes and those of the old API"),
    Label::these("http_response_status_code", &STATUSES),
]);

/// Every status that is answered.
const STATUSES: [&str; 14] = [
    "200", "202", "400", "401", "403", "404", "405", "409", "413", "429", "500", "501", "503",
    "504",
];

/// What another one would count as.
const OTHER: &str = "500";

/// The handles of one route.
#[derive(Debug)]
pub(crate) struct RouteMetrics {
    path: &'static str,
    /// By the place of the status; made when it is first answered.
    durations: [OnceLock<Histogram>; STATUSES.len()],
}

// === impl RouteMetrics ===

impl RouteMetrics {
    pub(crate) fn new(route: &Route) -> Self {
        Self::of(route.path)
    }

    /// Of a path that is in no table.
    pub(crate) fn of(path: &'static str) -> Self {
        Self { path, durations: std::array::from_fn(|_| OnceLock::new()) }
    }

    /// Of requests that were answered so.
    pub(crate) fn duration(&self, status: StatusCode) -> &Histogram {
        let place = |status: &str| STATUSES.iter().position(|it| *it == status);
        let place = place(status.as_str()).or_else(|| place(OTHER)).unwrap_or_default();
        self.durations[place].get_or_init(|| REQUEST_DURATION.time(&[self.path, STATUSES[place]]))
    }
}
