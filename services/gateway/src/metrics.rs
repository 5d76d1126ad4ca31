//! Every number that the gateway tells; its calls over gRPC are told as those of every process.

use std::{sync::OnceLock, time::Duration};

use http::StatusCode;
use klout_telemetry::{Counter, Histogram, Label, Metric};

use crate::store::job::Counts;

pub(crate) const METRICS: &[Metric] = &[REQUEST_DURATION, JOB_ROWS, JOB_CHUNK_DURATION];

const JOB_ROWS: Metric = Metric::counter(
    "klout_lookup_job_rows_total",
    "Rows of files that were looked up, by what they are.",
)
.by(&[Label::these("outcome", &["matched", "unmatched", "failed"])]);

const JOB_CHUNK_DURATION: Metric = Metric::duration(
    "klout_lookup_job_chunk_duration_seconds",
    "How long it took to look up to a thousand rows of a file up, with the wait for social-graph.",
);

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

/// The handles of jobs.
#[derive(Debug)]
pub(crate) struct JobMetrics {
    matched: Counter,
    unmatched: Counter,
    failed: Counter,
    chunk_duration: Histogram,
}

// === impl JobMetrics ===

impl JobMetrics {
    pub(crate) fn new() -> Self {
        Self {
            matched: JOB_ROWS.count(&["matched"]),
            unmatched: JOB_ROWS.count(&["unmatched"]),
            failed: JOB_ROWS.count(&["failed"]),
            chunk_duration: JOB_CHUNK_DURATION.time(&[]),
        }
    }

    pub(crate) fn looked_up(&self, counts: Counts, took: Duration) {
        let Counts { matched, unmatched, failed } = counts;
        self.matched.increment(matched.unsigned_abs());
        self.unmatched.increment(unmatched.unsigned_abs());
        self.failed.increment(failed.unsigned_abs());
        self.chunk_duration.record(took);
    }
}

// === impl RouteMetrics ===

impl RouteMetrics {
    /// Of a path, as the table of routes has it.
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
