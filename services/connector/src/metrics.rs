//! Every number that the connector tells.

use klout_model::RowReason;
use klout_telemetry::{Counter, Gauge, Histogram, Label, Metric};

use crate::{deliver::Consumer, ingest::Ingested};

pub(crate) const METRICS: &[Metric] = &[
    TAKEN,
    REJECTED,
    INGEST_DURATION,
    OUTBOX_BATCHES,
    OUTBOX_AGE,
    PUSH_DURATION,
    DELIVERY_DURATION,
    NETWORK_REQUESTS,
    STREAM_EVENTS,
    STREAM_LAG,
    STREAM_ENDS,
    STREAM_GAPS,
];

const TAKEN: Metric = Metric::counter(
    "klout_signal_taken_total",
    "Signals that were sent to us; the accepted ones are durable.",
)
.by(&[Label::these("outcome", &["accepted", "repeated", "rejected"])]);

const REJECTED: Metric = Metric::counter(
    "klout_signal_rejected_total",
    "The rejected ones of them, by what is wrong with them.",
)
.by(&[Label::all_of("reason", "the reasons of `docs/import.md`")]);

const INGEST_DURATION: Metric = Metric::duration(
    "klout_signal_ingest_duration_seconds",
    "How long it took to make the signals of one message durable.",
);

const OUTBOX_BATCHES: Metric =
    Metric::gauge("klout_signal_outbox_batches", "Batches that a consumer has not taken yet.")
        .by(&[CONSUMER]);

const OUTBOX_AGE: Metric = Metric::gauge(
    "klout_signal_outbox_age_seconds",
    "How long the oldest of them has waited; 0 when there is none.",
)
.by(&[CONSUMER]);

const PUSH_DURATION: Metric = Metric::duration(
    "klout_signal_push_duration_seconds",
    "How long a consumer took to take a batch, or to refuse it.",
)
.by(&[CONSUMER, Label::these("result", &["taken", "refused"])]);

const DELIVERY_DURATION: Metric = Metric::duration(
    "klout_signal_delivery_duration_seconds",
    "How long it took from the beginning of a batch being written until a consumer had taken it.",
)
.by(&[CONSUMER]);

const NETWORK_REQUESTS: Metric = Metric::counter(
    "klout_network_requests_total",
    "Requests to networks about accounts that are connected, by what came of them.",
)
.by(&[
    Label::all_of("network", "the networks of `docs/networks.md`"),
    Label::these(
        "outcome",
        &["answered", "unchanged", "waits", "access", "gone", "unavailable", "unreadable"],
    ),
]);

const STREAM_EVENTS: Metric = Metric::counter(
    "klout_stream_events_total",
    "Events of networks that are read as they happen: kept tell something, unreadable ones are left out.",
)
.by(&[STREAM, Label::these("outcome", &["kept", "nothing", "unreadable"])]);

const STREAM_LAG: Metric = Metric::gauge(
    "klout_stream_lag_seconds",
    "How long ago the last event that was kept happened, when it was kept.",
)
.by(&[STREAM]);

const STREAM_ENDS: Metric = Metric::counter(
    "klout_stream_ends_total",
    "How often a connection to a stream ended, or did not come about, by the reason of `docs/errors`.",
)
.by(&[STREAM, Label::all_of("reason", "the reasons of `docs/errors` that begin with NETWORK")]);

const STREAM_GAPS: Metric = Metric::counter(
    "klout_stream_gaps_total",
    "How often a source did not tell any more what had happened since it was last read.",
)
.by(&[STREAM]);

const STREAM: Label = Label::these("network", &["bluesky"]);

const CONSUMER: Label = Label::these("consumer", &["scoring", "social_graph", "topics"]);

/// What came of a request to a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VisitOutcome {
    Answered,
    /// What it answered the last time is still so.
    Unchanged,
    /// It asks us to wait.
    Waits,
    /// The access expired, or it does not let us in.
    Access,
    /// What was asked for is not there any more.
    Gone,
    Unavailable,
    /// It answered what cannot be used.
    Unreadable,
}

/// The handles of a stream.
#[derive(Debug)]
pub(crate) struct StreamMetrics {
    pub(crate) kept: Counter,
    pub(crate) nothing: Counter,
    pub(crate) unreadable: Counter,
    pub(crate) lag: Gauge,
    pub(crate) gaps: Counter,
}

/// The handles.
#[derive(Debug)]
pub(crate) struct Metrics {
    accepted: Counter,
    repeated: Counter,
    rejected: Counter,
    rejected_by_reason: [Counter; RowReason::ALL.len()],
    pub(crate) ingest_duration: Histogram,
    consumers: [ConsumerMetrics; Consumer::ALL.len()],
    pub(crate) bluesky: StreamMetrics,
}

/// The handles of one consumer.
#[derive(Debug)]
pub(crate) struct ConsumerMetrics {
    pub(crate) batches: Gauge,
    pub(crate) age: Gauge,
    pub(crate) taken: Histogram,
    pub(crate) refused: Histogram,
    pub(crate) delivery_duration: Histogram,
}

// === impl Metrics ===

impl Metrics {
    pub(crate) fn new() -> Self {
        let outcome = |outcome| TAKEN.count(&[outcome]);
        Self {
            accepted: outcome("accepted"),
            repeated: outcome("repeated"),
            rejected: outcome("rejected"),
            rejected_by_reason: RowReason::ALL.map(|reason| REJECTED.count(&[reason.as_str()])),
            ingest_duration: INGEST_DURATION.time(&[]),
            consumers: Consumer::ALL.map(|consumer| ConsumerMetrics::new(consumer.name())),
            bluesky: StreamMetrics::new("bluesky"),
        }
    }

    /// What became of the signals of a message.
    pub(crate) fn ingested(&self, ingested: &Ingested) {
        self.accepted.increment(ingested.accepted.into());
        self.repeated.increment(ingested.repeated.into());
        self.rejected.increment(ingested.rejected.len() as u64);
        for rejection in &ingested.rejected {
            let reasons = RowReason::ALL.iter().zip(&self.rejected_by_reason);
            for (_, count) in reasons.filter(|(reason, _)| reason.as_str() == rejection.reason) {
                count.increment(1);
            }
        }
    }

    /// What came of a request to one of the networks that are built in.
    pub(crate) fn visited(&self, network: &'static str, outcome: VisitOutcome) {
        NETWORK_REQUESTS.count(&[network, outcome.as_str()]).increment(1);
    }

    /// Why a connection to a stream ended.
    pub(crate) fn stream_ended(&self, network: &'static str, reason: &'static str) {
        STREAM_ENDS.count(&[network, reason]).increment(1);
    }

    pub(crate) fn of(&self, consumer: Consumer) -> &ConsumerMetrics {
        match consumer {
            Consumer::Scoring => &self.consumers[0],
            Consumer::SocialGraph => &self.consumers[1],
            Consumer::Topics => &self.consumers[2],
        }
    }
}

// === impl VisitOutcome ===

impl VisitOutcome {
    /// By the reason of `docs/errors`.
    pub(crate) fn of(reason: &str) -> Self {
        match reason {
            "NETWORK_RATE_LIMITED" => Self::Waits,
            "NETWORK_ACCESS_EXPIRED" | "NETWORK_ACCESS_REFUSED" | "NETWORK_ACCESS_SEALED" => {
                Self::Access
            }
            "NETWORK_ACCOUNT_GONE" | "NETWORK_ITEM_GONE" => Self::Gone,
            "NETWORK_UNAVAILABLE" | "NETWORK_TOO_SLOW" => Self::Unavailable,
            _ => Self::Unreadable,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Unchanged => "unchanged",
            Self::Waits => "waits",
            Self::Access => "access",
            Self::Gone => "gone",
            Self::Unavailable => "unavailable",
            Self::Unreadable => "unreadable",
        }
    }
}

// === impl StreamMetrics ===

impl StreamMetrics {
    fn new(network: &'static str) -> Self {
        let outcome = |outcome| STREAM_EVENTS.count(&[network, outcome]);
        Self {
            kept: outcome("kept"),
            nothing: outcome("nothing"),
            unreadable: outcome("unreadable"),
            lag: STREAM_LAG.level(&[network]),
            gaps: STREAM_GAPS.count(&[network]),
        }
    }
}

// === impl ConsumerMetrics ===

impl ConsumerMetrics {
    fn new(consumer: &'static str) -> Self {
        Self {
            batches: OUTBOX_BATCHES.level(&[consumer]),
            age: OUTBOX_AGE.level(&[consumer]),
            taken: PUSH_DURATION.time(&[consumer, "taken"]),
            refused: PUSH_DURATION.time(&[consumer, "refused"]),
            delivery_duration: DELIVERY_DURATION.time(&[consumer]),
        }
    }
}
