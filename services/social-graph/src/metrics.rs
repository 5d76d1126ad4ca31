//! Every number that social-graph tells.

use klout_telemetry::{Gauge, Label, Metric};

use crate::announce::Consumer;

pub(crate) const METRICS: &[Metric] = &[MEMBERSHIPS_PENDING];

const MEMBERSHIPS_PENDING: Metric = Metric::gauge(
    "klout_graph_memberships_pending",
    "Accounts of whose owner a consumer has not been told yet.",
)
.by(&[Label::these("consumer", &["scoring", "topics"])]);

/// The handles.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) memberships_pending: [Gauge; Consumer::ALL.len()],
}

// === impl Metrics ===

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            memberships_pending: Consumer::ALL
                .map(|consumer| MEMBERSHIPS_PENDING.level(&[consumer.name()])),
        }
    }
}
