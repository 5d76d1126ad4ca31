//! Every number that social-graph tells.

use klout_telemetry::{Counter, Gauge, Label, Metric};

use crate::{announce::Consumer, tell};

pub(crate) const METRICS: &[Metric] =
    &[MEMBERSHIPS_PENDING, STATES_PENDING, PLUS_K_ASKED, PLUS_K_PENDING, PLUS_K_GIVEN_UP];

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

const PLUS_K_ASKED: Metric = Metric::counter(
    "klout_graph_plus_k_asked_total",
    "Requests to give a +K, by what came of them.",
)
.by(&[Label::these("outcome", &["given", "refused", "failed"])]);

const PLUS_K_PENDING: Metric = Metric::gauge(
    "klout_graph_plus_k_pending",
    "+K, given or taken back, of which the connector has not been told yet.",
);

const PLUS_K_GIVEN_UP: Metric = Metric::counter(
    "klout_graph_plus_k_given_up_total",
    "+K that the connector will never take, such as what waited for 90 days.",
);

/// The handles.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) memberships_pending: [Gauge; Consumer::ALL.len()],
    pub(crate) states_pending: [Gauge; tell::CONSUMERS.len()],
    pub(crate) plus_k_pending: Gauge,
}

/// The handles of +K.
#[derive(Debug)]
pub(crate) struct Vouched {
    pub(crate) given: Counter,
    pub(crate) refused: Counter,
    pub(crate) failed: Counter,
    pub(crate) given_up: Counter,
}

// === impl Metrics ===

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            memberships_pending: Consumer::ALL
                .map(|consumer| MEMBERSHIPS_PENDING.level(&[consumer.name()])),
            states_pending: tell::CONSUMERS
                .map(|consumer| STATES_PENDING.level(&[consumer.name()])),
            plus_k_pending: PLUS_K_PENDING.level(&[]),
        }
    }
}

// === impl Vouched ===

impl Vouched {
    pub(crate) fn new() -> Self {
        let outcome = |outcome| PLUS_K_ASKED.count(&[outcome]);
        Self {
            given: outcome("given"),
            refused: outcome("refused"),
            failed: outcome("failed"),
            given_up: PLUS_K_GIVEN_UP.count(&[]),
        }
    }
}
