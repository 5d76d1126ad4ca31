//! Every number that social-graph tells.

use klout_telemetry::{Gauge, Label, Metric};

use crate::{announce::Consumer, tell};

pub(crate) const METRICS: &[Metric] = &[MEMBERSHIPS_PENDING, STATES_PENDING];

const MEMBERSHIPS_PENDING: Metric = Metric::gauge(
    "klout_graph_memberships_pending",
    "Accounts of whose owner a consumer has not been told yet.",
)
.by(&[Label::these("consumer", &["scoring", "topics"])]);

const STATES_PENDING: Metric = Metric::gauge(
    "klout_graph_states_pending",
    "People of whose state a service has not confirmed that it is in force.",
)
.by(&[Label::these("consumer", &["scoring", "topics", "connector", "perks", "gateway"])]);

/// The handles.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) memberships_pending: [Gauge; Consumer::ALL.len()],
    pub(crate) states_pending: [Gauge; tell::CONSUMERS.len()],
}

// === impl Metrics ===

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            memberships_pending: Consumer::ALL
                .map(|consumer| MEMBERSHIPS_PENDING.level(&[consumer.name()])),
            states_pending: tell::CONSUMERS
                .map(|consumer| STATES_PENDING.level(&[consumer.name()])),
        }
    }
}
