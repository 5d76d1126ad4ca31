//! `klout bench`: the figures of docs/performance.md, measured anew.

mod connector;
mod engine;
mod freshness;
mod gateway;
mod graph;
mod ground;
mod hidden;
mod ingest;
mod load;
mod lookups;
mod perks;
mod readers;
mod rescore;
mod serve;
mod start;
mod topics;

use std::{fs::Permissions, os::unix::fs::PermissionsExt as _};

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::{exit::Failure, output};

/// Measures this build on this machine.
///
/// What is measured runs on loopback and in temporary folders, and is stopped and removed afterwards.
#[derive(Debug, clap::Args)]
pub(crate) struct Bench {
    #[command(subcommand)]
    bench: Name,
}

#[derive(Debug, clap::Subcommand)]
enum Name {
    Start(start::Start),
    Connector(connector::ConnectorBench),
    Engine(engine::Engine),
    Ingest(ingest::Ingest),
    Freshness(freshness::Freshness),
    Gateway(gateway::GatewayBench),
    Graph(graph::Graph),
    Hidden(hidden::Hidden),
    Lookups(lookups::LookupsBench),
    Perks(perks::PerksBench),
    Readers(readers::Readers),
    Rescore(rescore::RescoreBench),
    Serve(serve::Serve),
    Topics(topics::TopicsBench),
}

/// The figures of a bench by name, each a median; the name ends with the unit.
#[derive(Debug, Default)]
struct Figures(Vec<(&'static str, f64)>);

/// A temporary folder that the user of the stores may pass, so that all of them lies in it and goes with it.
fn folder() -> Result<TempDir, Failure> {
    let passable = Permissions::from_mode(0o711);
    let made = tempfile::Builder::new().prefix("klout-bench-").permissions(passable).tempdir();
    made.map_err(|error| Failure::failed(&error))
}

// === impl Bench ===

impl Bench {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.bench {
            Name::Start(start) => start.run(),
            Name::Connector(connector) => connector.run(),
            Name::Engine(engine) => engine.run(),
            Name::Ingest(ingest) => ingest.run(),
            Name::Freshness(freshness) => freshness.run(),
            Name::Gateway(gateway) => gateway.run(),
            Name::Graph(graph) => graph.run(),
            Name::Hidden(hidden) => hidden.run(),
            Name::Lookups(lookups) => lookups.run(),
            Name::Perks(perks) => perks.run(),
            Name::Readers(readers) => readers.run(),
            Name::Rescore(rescore) => rescore.run(),
            Name::Serve(serve) => serve.run(),
            Name::Topics(topics) => topics.run(),
        }
    }
}

// === impl Figures ===

impl Figures {
    /// Adds the median of what was measured.
    fn add(&mut self, name: &'static str, mut measured: Vec<f64>) {
        measured.sort_by(f64::total_cmp);
        if let Some(median) = measured.get(measured.len() / 2) {
            self.0.push((name, *median));
        }
    }

    fn print(&self, bench: &str, as_json: bool) -> Result<(), Failure> {
        if as_json {
            let figures: Map<String, Value> =
                self.0.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
            return output::line(&json!({ "bench": bench, "figures": figures }).to_string());
        }
        self.0.iter().try_for_each(|(name, value)| output::line(&format!("{name:<28} {value:.3}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_the_median() {
        let mut figures = Figures::default();
        figures.add("a_ms", vec![9.0, 1.0, 2.0]);
        figures.add("nothing_ms", vec![]);
        assert_eq!(figures.0, [("a_ms", 2.0)]);
    }
}
