//! `klout up`: everything from nothing.

use std::{net::SocketAddr, path::PathBuf};

use klout_embedded::Home;

use crate::{
    arguments,
    client::Client,
    data_directory::{DataDirectory, Held},
    exit::Failure,
    installation, sample, screen,
    settings::{Settings, host},
};

/// Runs everything on this machine: all six services, with a Postgres and a Redis of their own.
///
/// Needs nothing but the programs of Postgres and, for speed, of Redis. Everything lies in one folder
/// (if their user cannot enter it, `stores.path` in it says where the rest is). Ctrl-C stops all of it
/// in order; the second one at once.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout up --sample                           a made-up world to look at
  klout up                                    an empty one, at http://127.0.0.1:8080
  klout up --data-dir old --as-of 2018-06-01T00:00:00Z
  DATABASE_URL=postgres://user@host/klout klout up       on a Postgres of yours

Then, in another terminal:
  klout import csv interactions.csv.gz --register-all
  klout export --top 10

Commands find what runs on the default folder, or on theirs (--data-dir), by themselves; other
callers show the key in DIR/operator.key. `klout doctor` looks what is wrong.")]
pub(crate) struct Up {
    /// Where everything lies [default: klout in the user's data folder]
    #[arg(long, value_name = "DIR", env = "KLOUT_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// Loads a made-up world of 1,000 people, and pins the clock to its last day
    #[arg(long, conflicts_with = "as_of")]
    sample: bool,
    #[command(flatten)]
    addresses: Addresses,
    #[command(flatten)]
    settings: Settings,
}

/// Where services answer, and by which clock.
#[derive(Debug, clap::Args)]
pub(crate) struct Addresses {
    /// Pins the clock of the scores to a time such as 2018-06-01T00:00:00Z, and keeps it pinned there
    /// with a data directory; `now` lets it run again
    #[arg(long, value_name = "TIME", value_parser = arguments::time_or_now)]
    pub(crate) as_of: Option<String>,
    /// Where the gateway answers; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    http: Option<SocketAddr>,
    /// Where all hosted services answer gRPC; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    grpc: Option<SocketAddr>,
}

// === impl Addresses ===

impl Addresses {
    /// As settings.
    pub(crate) fn flags(&self) -> Vec<(&'static str, String)> {
        let mut flags = Vec::new();
        let as_of = self.as_of.as_ref().filter(|time| *time != arguments::NOW);
        flags.extend(as_of.map(|time| ("server.as_of", time.clone())));
        flags.extend(self.http.map(|address| ("server.http_address", address.to_string())));
        flags.extend(self.grpc.map(|address| ("server.grpc_address", address.to_string())));
        flags
    }

    /// Holds a data directory and pins its clock, or lets it run, if that was asked for.
    pub(crate) fn hold(&self, path: Option<PathBuf>) -> Result<(Held, Home), Failure> {
        let (directory, home) = DataDirectory::open(&DataDirectory::path_or_default(path)?)?;
        let held = directory.hold()?;
        match self.as_of.as_deref() {
            None => {}
            Some(arguments::NOW) => held.directory.pin(None)?,
            Some(time) => held.directory.pin(Some(time))?,
        }
        Ok((held, home))
    }
}

// === impl Up ===

impl Up {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let host = host();
        if self.sample && self.settings.load(&host, Vec::new())?.is_set("stores.database_url")? {
            let message = "--sample goes only into a database of its own: unset DATABASE_URL";
            return Err(Failure::Usage(message.to_owned()));
        }
        let (held, home) = self.addresses.hold(self.data_dir)?;
        let begin = || sample::Loading::begin(&held.directory, &home);
        let sample = self.sample.then(begin).transpose()?;
        let mut flags = held.directory.settings()?;
        flags.extend(self.addresses.flags());
        let configuration = self.settings.load(&host, flags)?;
        installation::serve(host, held, configuration, |installation| {
            let Some(http) = installation.running.http_address else { return };
            let directory = installation.directory.clone();
            let clock = installation.running.clock.clone();
            let going_down = installation.running.going_down.clone();
            installation.running.work("the welcome", |stop| async move {
                let shown = async {
                    let client = Client::of(&directory, http).await?;
                    if let Some(sample) = sample {
                        sample.load(&client, &directory, &clock).await?;
                    }
                    screen::welcome(&client, &directory).await
                };
                let shown = tokio::select! {
                    shown = shown => shown,
                    () = stop.cancelled() => return Ok(()),
                };
                match shown {
                    // A gateway that goes down does not answer any more.
                    Err(failure) if !going_down.is_cancelled() => {
                        return Err(failure.to_string().into());
                    }
                    Ok(()) | Err(_) => {}
                }
                stop.cancelled().await;
                Ok(())
            });
        })
    }
}
