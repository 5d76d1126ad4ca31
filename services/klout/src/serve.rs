//! `klout serve` and `klout migrate`: the services themselves.

use std::net::SocketAddr;

use crate::{
    arguments,
    exit::{Failure, runtime},
    output,
    settings::{Settings, host},
};

/// Serves all six services, or those named, until SIGTERM or Ctrl-C.
///
/// Schemas are brought up to date first. The second signal ends the process at once.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Needs Postgres (DATABASE_URL), and Redis for speed (REDIS_URL). Every setting, with its default:
  klout serve --print-config

Examples:
  DATABASE_URL=postgres://user@localhost/klout klout serve --dev
  klout serve scoring social-graph --config klout.toml

A process that hosts some services finds the others by links.SERVICE, such as
KLOUT_LINKS__SOCIAL_GRAPH=http://graph.internal:50051.")]
pub(crate) struct Serve {
    /// The services to host: connector, scoring, social-graph, topics, perks, gateway; none: all
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,
    #[command(flatten)]
    settings: Settings,
    /// Pins the clock of the scores to a time such as 2018-06-01T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = arguments::time_text)]
    as_of: Option<String>,
    /// Where the gateway answers; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    http: Option<SocketAddr>,
    /// Where all hosted services answer gRPC; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    grpc: Option<SocketAddr>,
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
        let mut host = host();
        if !self.services.is_empty() {
            host = host.only(&self.services)?;
        }
        let mut flags = Vec::new();
        flags.extend(self.as_of.map(|time| ("server.as_of", time)));
        flags.extend(self.http.map(|address| ("server.http_address", address.to_string())));
        flags.extend(self.grpc.map(|address| ("server.grpc_address", address.to_string())));
        let configuration = self.settings.load(&host, flags)?;
        if self.print_config {
            let printed = configuration.print().map_err(|error| Failure::failed(&error))?;
            return output::line(printed.trim_end());
        }
        runtime()?.block_on(host.serve(&configuration, |running| {
            let http = running
                .http_address
                .map_or_else(String::new, |address| format!(", the gateway on http://{address}"));
            eprintln!("klout: ready: gRPC on {}{http}", running.grpc_address);
        }))?;
        Ok(())
    }
}

// === impl Migrate ===

impl Migrate {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut host = host();
        if !self.services.is_empty() {
            host = host.only(&self.services)?;
        }
        let configuration = self.settings.load(&host, Vec::new())?;
        runtime()?.block_on(host.migrate(&configuration))?;
        eprintln!("klout: the schemas are up to date");
        Ok(())
    }
}
