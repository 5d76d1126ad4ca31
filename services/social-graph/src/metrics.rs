//! Every number that social-graph tells.

use klout_telemetry::{Gauge, Metric};

pub(crate) const METRICS: &[Metric] = &[MEMBERSHIPS_PENDING];

const MEMBERSHIPS_PENDING: Metric = Metric::gauge(
    "klout_graph_memberships_pending",
    "Accounts of whose owner scoring has not been told yet.",
);

/// The handles.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) memberships_pending: Gauge,
}

// === impl Metrics ===

impl Metrics {
    pub(crate) fn new() -> Self {
        Self { memberships_pending: MEMBERSHIPS_PENDING.level(&[]) }
    }
}
