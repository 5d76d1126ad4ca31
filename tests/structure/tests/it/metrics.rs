//! `docs/metrics.md` lists every number that a process tells.

use std::collections::BTreeSet;

use klout_chassis::Service as _;
use klout_telemetry::{Kind, Label, Metric, Values};

use crate::sources;

/// The declarations, by whose they are, in the order of the page.
fn declared() -> [(&'static str, Vec<&'static Metric>); 7] {
    let both = klout_telemetry::METRICS.iter().chain(klout_chassis::METRICS);
    let of = |metrics: &'static [Metric]| metrics.iter().collect();
    [
        ("every process", both.collect()),
        ("connector", of(klout_connector::Connector::METRICS)),
        ("scoring", of(klout_scoring::Scoring::METRICS)),
        ("social-graph", of(klout_social_graph::SocialGraph::METRICS)),
        ("topics", of(klout_topics::Topics::METRICS)),
        ("perks", of(klout_perks::Perks::METRICS)),
        ("gateway", of(klout_gateway::Gateway::METRICS)),
    ]
}

fn row(metric: &Metric) -> String {
    let kind = match metric.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Duration => "duration",
    };
    let labels: Vec<_> = metric.labels.iter().map(values).collect();
    format!("| `{}` | {kind} | {} | {} |", metric.name, metric.meaning, labels.join("<br>"))
}

fn values(label: &Label) -> String {
    let values = match label.values {
        Values::These(values) => format!("`{}`", values.join("` `")),
        Values::AllOf(what) => what.to_owned(),
    };
    format!("`{}`: {values}", label.name)
}

#[test]
fn the_page_of_metrics_lists_what_is_declared_and_nothing_else() {
    let page = sources::read("docs/metrics.md");
    let listed: BTreeSet<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let mut rows = BTreeSet::new();
    let mut current = String::new();
    for (owner, metrics) in declared().iter().filter(|(_, metrics)| !metrics.is_empty()) {
        current += &format!("\n{owner}\n\n");
        for metric in metrics {
            current += &format!("{}\n", row(metric));
            rows.insert(row(metric));
        }
    }
    let listed_all = listed == rows.iter().map(String::as_str).collect();
    assert!(listed_all, "the tables of docs/metrics.md have to have these rows:\n{current}");
}

#[test]
fn a_metric_is_declared_once_and_its_name_ends_with_its_unit() {
    let mut names = BTreeSet::new();
    for metric in declared().into_iter().flat_map(|(_, metrics)| metrics) {
        let name = metric.name;
        assert!(names.insert(name), "{name} is declared twice");
        let end = match metric.kind {
            Kind::Counter => "_total",
            Kind::Duration => "_seconds",
            Kind::Gauge => "",
        };
        assert!(name.ends_with(end), "{name} does not end with {end}");
        assert!(metric.meaning.ends_with('.'), "{name}: its meaning is a sentence");
    }
}
