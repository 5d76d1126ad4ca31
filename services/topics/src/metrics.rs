//! Every number that topics tells.

use std::time::Duration;

use klout_telemetry::{Counter, Gauge, Histogram, Metric};

pub(crate) const METRICS: &[Metric] = &[
    POSTS_READ,
    POSTS_WAITING,
    PEOPLE_COMPUTED,
    PEOPLE_WAITING,
    PEOPLE_AGE,
    COMPUTE_DURATION,
    TOPICS_RANKED,
    RANK_DURATION,
];

const POSTS_READ: Metric = Metric::counter(
    "klout_topic_posts_read_total",
    "Posts that were read with the ontology in use, those of before too.",
);

const POSTS_WAITING: Metric = Metric::gauge(
    "klout_topic_posts_waiting",
    "Posts of members that are to be read with the ontology in use.",
);

const PEOPLE_COMPUTED: Metric = Metric::counter(
    "klout_topic_people_computed_total",
    "People whose topics were computed and written.",
);

const PEOPLE_WAITING: Metric =
    Metric::gauge("klout_topic_people_waiting", "People whose topics are to be computed again.");

const PEOPLE_AGE: Metric = Metric::gauge(
    "klout_topic_people_age_seconds",
    "How long the first of them has waited; 0 when there is none.",
);

const COMPUTE_DURATION: Metric = Metric::duration(
    "klout_topic_compute_duration_seconds",
    "How long it took to compute the topics of up to 128 people.",
);

const TOPICS_RANKED: Metric = Metric::counter(
    "klout_topic_topics_ranked_total",
    "Topics in which it was told anew who stands where.",
);

const RANK_DURATION: Metric = Metric::duration(
    "klout_topic_rank_duration_seconds",
    "How long it took to tell who stands where in one topic.",
);

/// The handles.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) posts_read: Counter,
    posts_waiting: Gauge,
    people_computed: Counter,
    people_waiting: Gauge,
    people_age: Gauge,
    compute_duration: Histogram,
    topics_ranked: Counter,
    rank_duration: Histogram,
}

// === impl Metrics ===

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            posts_read: POSTS_READ.count(&[]),
            posts_waiting: POSTS_WAITING.level(&[]),
            people_computed: PEOPLE_COMPUTED.count(&[]),
            people_waiting: PEOPLE_WAITING.level(&[]),
            people_age: PEOPLE_AGE.level(&[]),
            compute_duration: COMPUTE_DURATION.time(&[]),
            topics_ranked: TOPICS_RANKED.count(&[]),
            rank_duration: RANK_DURATION.time(&[]),
        }
    }

    /// The topics of so many people can be read.
    pub(crate) fn computed(&self, people: usize, took: Duration) {
        self.people_computed.increment(people as u64);
        self.compute_duration.record(took);
    }

    /// It can be read who stands where in a topic.
    pub(crate) fn ranked(&self, took: Duration) {
        self.topics_ranked.increment(1);
        self.rank_duration.record(took);
    }

    pub(crate) fn waiting(&self, posts: i64, people: i64, age_seconds: f64) {
        self.posts_waiting.set(i32::try_from(posts).unwrap_or(i32::MAX));
        self.people_waiting.set(i32::try_from(people).unwrap_or(i32::MAX));
        self.people_age.set(age_seconds);
    }
}
