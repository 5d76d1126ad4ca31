//! Every number that scoring tells.

use std::sync::Arc;

use klout_telemetry::{Counter, Gauge, Histogram, Label, Metric};

use crate::{cached::Answer, store::dirty_person::Waited};

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
    PASS_DURATION,
    PASSES,
    EPOCH_AGE,
    UNREADABLE,
    CACHE_READS,
    WATCHES,
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

const PASS_DURATION: Metric = Metric::duration(
    "klout_score_pass_duration_seconds",
    "How long a pass over everybody took, from the first row that was read to the last score.",
);

const PASSES: Metric =
    Metric::counter("klout_score_passes_total", "Passes over everybody that ended here.")
        .by(&[Label::these("result", &["done", "failed"])]);

const EPOCH_AGE: Metric = Metric::gauge(
    "klout_score_epoch_age_seconds",
    "How long ago the last pass began that was done; 0 before the first.",
);

const UNREADABLE: Metric = Metric::counter(
    "klout_score_unreadable_total",
    "Scores that were not made because evidence cannot be read; the log names the people.",
);

const CACHE_READS: Metric = Metric::counter(
    "klout_score_cache_reads_total",
    "Look-ups of scores by where they were looked for and what was there; Redis and \
     Postgres may be asked at once.",
)
.by(&[
    Label::these("tier", &["memory", "redis", "postgres"]),
    Label::these("result", &["hit", "miss", "negative", "error"]),
]);

const WATCHES: Metric =
    Metric::gauge("klout_score_watches", "Streams of scores that are being sent.");

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
    pub(crate) pass_duration: Histogram,
    pub(crate) passes_done: Counter,
    pub(crate) passes_failed: Counter,
    pub(crate) epoch_age: Gauge,
    pub(crate) unreadable: Counter,
}

/// Where a score was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tier {
    Memory,
    Redis,
    Postgres,
}

/// Counts people by the tier in which they were looked for, and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct TierReads(Arc<[[Counter; 4]; 3]>);

/// How many watches there are.
#[derive(Debug)]
pub(crate) struct WatchesOpen(Gauge);

// === impl TierReads ===

impl TierReads {
    pub(crate) fn new() -> Self {
        let results = ["hit", "miss", "negative", "error"];
        Self(Arc::new(
            ["memory", "redis", "postgres"]
                .map(|tier| results.map(|result| CACHE_READS.count(&[tier, result]))),
        ))
    }

    /// There is a score, or it is known that there is no such person.
    pub(crate) fn found(&self, tier: Tier, answer: &Answer) {
        let [hit, _, negative, _] = &self.0[tier as usize];
        match answer {
            Answer::Score(_) => hit.increment(1),
            Answer::Nobody | Answer::Moved(_) => negative.increment(1),
        }
    }

    pub(crate) fn missed(&self, tier: Tier, people: usize) {
        let [_, miss, _, _] = &self.0[tier as usize];
        miss.increment(people as u64);
    }

    pub(crate) fn failed(&self, tier: Tier, people: usize) {
        let [_, _, _, error] = &self.0[tier as usize];
        error.increment(people as u64);
    }
}

// === impl WatchesOpen ===

impl WatchesOpen {
    pub(crate) fn new() -> Self {
        Self(WATCHES.level(&[]))
    }

    /// There are so many.
    pub(crate) fn are(&self, watches: usize) {
        self.0.set(i32::try_from(watches).unwrap_or(i32::MAX));
    }
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
            pass_duration: PASS_DURATION.time(&[]),
            passes_done: PASSES.count(&["done"]),
            passes_failed: PASSES.count(&["failed"]),
            epoch_age: EPOCH_AGE.level(&[]),
            unreadable: UNREADABLE.count(&[]),
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
