//! `klout serve` and `klout migrate`: the services themselves.

use std::path::PathBuf;

use klout_chassis::Host;

use crate::{
    exit::{Failure, block_on},
    installation, output, screen,
    settings::{Settings, host},
    up::Addresses,
};

/// Serves all six services, or those named, until SIGTERM or Ctrl-C.
///
/// Schemas are brought up to date first. The second signal ends the process at once.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Needs Postgres (DATABASE_URL), and Redis for speed (REDIS_URL), or a data directory, which has its own.
Every setting, with its default:
  klout serve --print-config

Examples:
  DATABASE_URL=postgres://user@localhost/klout klout serve --dev
  klout serve scoring social-graph --config klout.toml
  klout serve --data-dir /srv/klout

A process that hosts some services finds the others by links.SERVICE, such as
KLOUT_LINKS__SOCIAL_GRAPH=http://graph.internal:50051.")]
pub(crate) struct Serve {
    /// The services to host: connector, scoring, social-graph, topics, perks, gateway; none: all
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,
    /// Takes keys and clock from this folder, and stores too if none are configured, as `klout up` does
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    addresses: Addresses,
    #[command(flatten)]
    settings: Settings,
    /// Prints the settings in effect, secrets as ***, and ends
    #[arg(long)]
    print_config: bool,
}

/// Brings the schemas of all services, or of those named, up to date.
///
/// Safe to run twice, at the same time, and beside running services of the version before.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  DATABASE_URL=postgres://user@localhost/klout klout migrate")]
pub(crate) struct Migrate {
    /// The services, such as scoring; none: all
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,
    #[command(flatten)]
    settings: Settings,
}

// === impl Serve ===

impl Serve {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let host = hosting(&self.services)?;
        let mut flags = Vec::new();
        let mut held = None;
        if let Some(path) = self.data_dir.filter(|_| !self.print_config) {
            let (taken, _) = self.addresses.hold(Some(path))?;
            flags = taken.directory.settings()?;
            held = Some(taken);
        }
        flags.extend(self.addresses.flags());
        let configuration = self.settings.load(&host, flags)?;
        if self.print_config {
            let printed = configuration.print().map_err(|error| Failure::failed(&error))?;
            return output::line(printed.trim_end());
        }
        match held {
            None => block_on(async { Ok(host.serve(&configuration, screen::ready).await?) }),
            Some(held) => installation::serve(host, held, configuration, |_| {}),
        }
    }
}

// === impl Migrate ===

impl Migrate {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let host = hosting(&self.services)?;
        let configuration = self.settings.load(&host, Vec::new())?;
        block_on(async { Ok(host.migrate(&configuration).await?) })?;
        eprintln!("klout: the schemas are up to date");
        Ok(())
    }
}

fn hosting(services: &[String]) -> Result<Host, Failure> {
    Ok(if services.is_empty() { host() } else { host().only(services)? })
}
