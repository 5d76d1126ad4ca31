//! Where the commands that run services take their configuration from.

use std::path::PathBuf;

use klout_chassis::{Configuration, Host, Sources};
use klout_connector::Connector;
use klout_gateway::Gateway;
use klout_perks::Perks;
use klout_scoring::Scoring;
use klout_social_graph::SocialGraph;
use klout_topics::Topics;

use crate::exit::Failure;

/// What each of these commands takes.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Settings {
    /// A TOML file with settings; the environment (KLOUT_SECTION__FIELD) and flags go before it
    #[arg(long, value_name = "FILE", env = "KLOUT_CONFIG")]
    config: Option<PathBuf>,
    /// For trying things on one machine: no token is needed on loopback, and keys that are not set are
    /// well-known ones
    #[arg(long)]
    dev: bool,
}

/// Every service there is.
pub(crate) fn host() -> Host {
    Host::new("klout")
        .with::<Connector>()
        .with::<Scoring>()
        .with::<SocialGraph>()
        .with::<Topics>()
        .with::<Perks>()
        .with::<Gateway>()
}

// === impl Settings ===

impl Settings {
    /// Reads every source. `flags` go before all others.
    pub(crate) fn load(
        &self,
        host: &Host,
        mut flags: Vec<(&'static str, String)>,
    ) -> Result<Configuration, Failure> {
        if self.dev {
            flags.push(("server.dev", "true".to_owned()));
        }
        let sources = Sources { file: self.config.clone(), flags, environment: true };
        Ok(Configuration::load(&host.default_configs(), &sources)?)
    }
}
