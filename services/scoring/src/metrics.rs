//! Every number that scoring tells.

use klout_telemetry::{Counter, Gauge, Histogram, Label, Metric};

use crate::store::dirty_person::Waited;

pub(crate) const METRICS: &[Metric] = &[
    SIGNALS_APPLIED,
    BATCHES,
    APPLY_DURATION,
    CHANGES_WAITING,
    CHANGES_AGE,
    RESCORE_DURATION,
    PEOPLE_SCORED,
    FRESHNESS,
    PUBLICATION_DURATION,
    CACHE_READS,
];

const SIGNALS_APPLIED: Metric = Metric::counter(
    "klout_score_signals_applied_total",
    "Signals that became evidence, those that took others back too.",
);

const BATCHES: Metric = Metric::counter(
    "klout_score_batches_total",
    "Batches of signals that the connector pushed; a repeated one changes nothing.",
)
.by(&[Label::these("result", &["applied", "repeated"])]);

const APPLY_DURATION: Metric = Metric::duration(
    "klout_score_apply_duration_seconds",
    "How long it took to make a batch of signals evidence.",
);

const CHANGES_WAITING: Metric = Metric::gauge(
    "klout_score_changes_waiting",
    "Changes of people's evidence that no score has yet.",
);

const CHANGES_AGE: Metric = Metric::gauge(
    "klout_score_changes_age_seconds",
    "How long the oldest of them has waited; 0 when there is none.",
);

const RESCORE_DURATION: Metric = Metric::duration(
    "klout_score_rescore_duration_seconds",
    "How long it took to score everybody who had waited when a round began.",
);

const PEOPLE_SCORED: Metric =
    Metric::counter("klout_score_people_scored_total", "Scores that were computed and written.");

const FRESHNESS: Metric = Metric::duration(
    "klout_score_freshness_seconds",
    "How long it took from a change of a person's evidence until a score with it could be read.",
);

const PUBLICATION_DURATION: Metric = Metric::duration(
    "klout_score_publication_duration_seconds",
    "How long it took to publish where each score stands among all.",
);

/// Counted where scores are read.
const CACHE_READS: Metric = Metric::counter(
    "klout_score_cache_reads_total",
    "Look-ups of scores by where they were looked for and what was there; of a miss the next tier \
     is asked.",
)
.by(&[
    Label::these("tier", &["memory", "redis", "postgres"]),
    Label::these("result", &["hit", "miss", "negative", "error"]),
]);

/// The handles.
#[derive(Debug)]
pub(crate) struct Metrics {
    signals_applied: Counter,
    batches_applied: Counter,
    batches_repeated: Counter,
    pub(crate) apply_duration: Histogram,
    changes_waiting: Gauge,
    changes_age: Gauge,
    pub(crate) rescore_duration: Histogram,
    people_scored: Counter,
    freshness: Histogram,
    pub(crate) publication_duration: Histogram,
}

// === impl Metrics ===

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            signals_applied: SIGNALS_APPLIED.count(&[]),
            batches_applied: BATCHES.count(&["applied"]),
            batches_repeated: BATCHES.count(&["repeated"]),
            apply_duration: APPLY_DURATION.time(&[]),
            changes_waiting: CHANGES_WAITING.level(&[]),
            changes_age: CHANGES_AGE.level(&[]),
            rescore_duration: RESCORE_DURATION.time(&[]),
            people_scored: PEOPLE_SCORED.count(&[]),
            freshness: FRESHNESS.time(&[]),
            publication_duration: PUBLICATION_DURATION.time(&[]),
        }
    }

    /// A batch of so many signals was pushed.
    pub(crate) fn pushed(&self, signals: usize, new: bool) {
        if new {
            self.signals_applied.increment(signals as u64);
            self.batches_applied.increment(1);
        } else {
            self.batches_repeated.increment(1);
        }
    }

    /// The scores of so many people can be read, who had waited.
    pub(crate) fn scored(&self, people: usize, waited: &Waited) {
        self.people_scored.increment(people as u64);
        waited.until_now().for_each(|waited| self.freshness.record(waited));
    }

    pub(crate) fn waiting(&self, changes: i32, age_seconds: f64) {
        self.changes_waiting.set(changes);
        self.changes_age.set(age_seconds);
    }
}
