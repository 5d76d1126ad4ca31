//! What is counted and timed.
//!
//! A [`Metric`] is declared as a constant, in one file a crate, with its meaning and with every value
//! that its labels can have. Whoever counts makes a handle of it once and keeps it: to use one is an
//! atomic operation. Where nobody asked for metrics, as in tests, it is nothing at all.

use std::sync::OnceLock;

pub use ::metrics::{Counter, Gauge, Histogram};
use ::metrics::{Key, KeyName, Label as KeyLabel, Level, Metadata, with_recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::Error;

/// The upper bounds in seconds of the buckets of every duration: fine where our budgets are, below a
/// millisecond, and the same for all, so that a call can be compared with its statements.
const SECONDS: [f64; 25] = [
    0.000_05, 0.000_1, 0.000_15, 0.000_2, 0.000_3, 0.000_5, 0.000_75, 0.001, 0.001_5, 0.002, 0.003,
    0.005, 0.007_5, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 300.0,
];

/// What tells the numbers of this process. Set once, as the recorder is.
static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// A number that is told to whoever watches.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// As Prometheus names it, unit last.
    pub name: &'static str,
    pub kind: Kind,
    /// One sentence.
    pub meaning: &'static str,
    pub labels: &'static [Label],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How long things took, in seconds, in buckets.
    Duration,
}

/// What tells the numbers of one metric apart.
#[derive(Clone, Copy, Debug)]
pub struct Label {
    pub name: &'static str,
    pub values: Values,
}

/// The values of a label, of which there is never one a person or an account.
#[derive(Clone, Copy, Debug)]
pub enum Values {
    These(&'static [&'static str]),
    /// What they are, where the list is elsewhere.
    AllOf(&'static str),
}

// === impl Metric ===

impl Metric {
    #[must_use]
    pub const fn counter(name: &'static str, meaning: &'static str) -> Self {
        Self { name, kind: Kind::Counter, meaning, labels: &[] }
    }

    #[must_use]
    pub const fn gauge(name: &'static str, meaning: &'static str) -> Self {
        Self { name, kind: Kind::Gauge, meaning, labels: &[] }
    }

    #[must_use]
    pub const fn duration(name: &'static str, meaning: &'static str) -> Self {
        Self { name, kind: Kind::Duration, meaning, labels: &[] }
    }

    #[must_use]
    pub const fn by(mut self, labels: &'static [Label]) -> Self {
        self.labels = labels;
        self
    }

    /// The handle of a counter, with the values of its labels in their order.
    pub fn count(&self, values: &[&'static str]) -> Counter {
        debug_assert_eq!(self.kind, Kind::Counter, "{}", self.name);
        with_recorder(|recorder| recorder.register_counter(&self.key(values), &METADATA))
    }

    /// The handle of a gauge.
    pub fn level(&self, values: &[&'static str]) -> Gauge {
        debug_assert_eq!(self.kind, Kind::Gauge, "{}", self.name);
        with_recorder(|recorder| recorder.register_gauge(&self.key(values), &METADATA))
    }

    /// The handle of a duration, which takes seconds.
    pub fn time(&self, values: &[&'static str]) -> Histogram {
        debug_assert_eq!(self.kind, Kind::Duration, "{}", self.name);
        with_recorder(|recorder| recorder.register_histogram(&self.key(values), &METADATA))
    }

    /// Tells what it means to whoever reads the numbers.
    pub fn describe(&self) {
        let (name, meaning) = (KeyName::from_const_str(self.name), self.meaning.into());
        with_recorder(|recorder| match self.kind {
            Kind::Counter => recorder.describe_counter(name, None, meaning),
            Kind::Gauge => recorder.describe_gauge(name, None, meaning),
            Kind::Duration => recorder.describe_histogram(name, None, meaning),
        });
    }

    fn key(&self, values: &[&'static str]) -> Key {
        debug_assert_eq!(self.labels.len(), values.len(), "{}", self.name);
        let labels = self.labels.iter().zip(values).map(|(label, value)| {
            debug_assert!(label.allows(value), "{}: {}={value}", self.name, label.name);
            KeyLabel::from_static_parts(label.name, value)
        });
        Key::from_parts(self.name, labels.collect::<Vec<_>>())
    }
}

// === impl Label ===

impl Label {
    #[must_use]
    pub const fn these(name: &'static str, values: &'static [&'static str]) -> Self {
        Self { name, values: Values::These(values) }
    }

    #[must_use]
    pub const fn all_of(name: &'static str, what: &'static str) -> Self {
        Self { name, values: Values::AllOf(what) }
    }

    fn allows(&self, value: &str) -> bool {
        match self.values {
            Values::These(values) => values.contains(&value),
            Values::AllOf(_) => true,
        }
    }
}

static METADATA: Metadata<'static> = Metadata::new("klout", Level::INFO, None);

/// Every number of this process in the text format of Prometheus; empty where none are kept.
#[must_use]
pub fn metrics_text() -> String {
    HANDLE.get().map(PrometheusHandle::render).unwrap_or_default()
}

/// Sums up what was timed since the last time, which is kept until then. To be called every second or
/// so, whether or not anybody reads the numbers.
pub fn sum_up_metrics() {
    if let Some(handle) = HANDLE.get() {
        handle.run_upkeep();
    }
}

/// Keeps numbers from here on. A handle that was made before stays without effect.
pub(crate) fn keep() -> Result<(), Error> {
    let recorder =
        PrometheusBuilder::new().set_buckets(&SECONDS).expect("there are buckets").build_recorder();
    let handle = recorder.handle();
    ::metrics::set_global_recorder(recorder).map_err(|_| Error::MetricsTwice)?;
    HANDLE.set(handle).map_err(|_| Error::MetricsTwice)
}
