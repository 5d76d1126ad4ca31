//! All services on a data directory, with the stores that they need.

use std::{
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use klout_chassis::{Chain, Configuration, Host, Running, Signals, StopError};
use klout_embedded::{Needs, Note, Stores, redis_program};
use tokio::task::spawn_blocking;
use tracing::warn;

use crate::{
    client::Client,
    data_directory::{DataDirectory, Held},
    exit::{Failure, block_on},
    screen,
};

/// How often it is looked whether the stores still run.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// Services that run, until they are stopped.
#[derive(Debug)]
pub(crate) struct Installation {
    pub(crate) running: Running,
    pub(crate) directory: DataDirectory,
    // Dropped in this order: the stores are stopped, then the next one may come.
    stores: Option<Arc<Mutex<Stores>>>,
    _held: Held,
}

/// Serves on a directory that is held, until a signal comes. `then` is called when all services
/// answer.
pub(crate) fn serve(
    host: Host,
    held: Held,
    configuration: Configuration,
    then: impl FnOnce(&mut Installation),
) -> Result<(), Failure> {
    // A database of its own comes later; whatever else is wrong is said before anything is started.
    host.check(&configuration.clone().with("stores.database_url", "postgres://later".to_owned()))?;
    let mut telemetry = None;
    block_on(async {
        telemetry = Some(host.telemetry(&configuration)?);
        let mut signals = Signals::listen();
        let mut installation = tokio::select! {
            started = Installation::start(host, held, configuration) => started?,
            () = signals.next() => return Ok(()),
        };
        screen::ready(&installation.running);
        then(&mut installation);
        installation.until_signalled(&mut signals).await
    })
}

// === impl Installation ===

impl Installation {
    /// Starts `host` on a directory that is held. Postgres and Redis are private ones unless
    /// `configuration` says where they are. When this returns, all services answer, and
    /// `endpoints.json` says where.
    pub(crate) async fn start(
        host: Host,
        held: Held,
        mut configuration: Configuration,
    ) -> Result<Self, Failure> {
        let directory = held.directory.clone();
        let mut needs = Needs {
            postgres: !configuration.is_set("stores.database_url")?,
            redis: !configuration.is_set("stores.redis_url")?,
            throwaway: false,
        };
        if needs.redis && redis_program().is_none() {
            needs.redis = false;
            eprintln!(
                "klout: Redis is not installed, so scores are cached in the memory of this process \
                 only; `apt-get install redis-server` brings it"
            );
        }
        let mut stores = None;
        if needs.postgres || needs.redis {
            let folder = directory.path().to_owned();
            let started = spawn_blocking(move || start_stores(&folder, needs)).await;
            let started = started.map_err(|error| Failure::failed(&error))??;
            for (setting, url) in [
                ("stores.database_url", started.postgres_url()),
                ("stores.redis_url", started.redis_url()),
            ] {
                if let Some(url) = url {
                    configuration = configuration.with(setting, url.to_owned());
                }
            }
            stores = Some(Arc::new(Mutex::new(started)));
        }

        directory.write_operator_key()?;
        let mut running = host.start(&configuration).await?;
        if let Some(stores) = &stores {
            let stores = Arc::clone(stores);
            running.work("the stores", |stop| async move {
                tokio::select! {
                    () = stop.cancelled() => Ok(()),
                    error = watch(&stores) => Err(error.into()),
                }
            });
        }
        if let Some(http) = running.http_address {
            directory.announce(http, running.grpc_address)?;
        }
        Ok(Self { running, directory, stores, _held: held })
    }

    /// A client with the operator's key.
    pub(crate) async fn client(&self) -> Result<Client, Failure> {
        let http = self.running.http_address;
        let http = http.ok_or_else(|| Failure::Failed("the gateway is not hosted".to_owned()))?;
        Client::of(&self.directory, http).await
    }

    /// Serves until a signal comes, then stops in order.
    async fn until_signalled(self, signals: &mut Signals) -> Result<(), Failure> {
        let Self { running, directory, stores, _held } = self;
        // Callers are sent elsewhere by the first act of going down, which is inside.
        let stopped = running.until_signalled(signals).await;
        finish(stopped, &directory, stores, signals).await
    }

    /// Stops in order.
    pub(crate) async fn stop(self) -> Result<(), Failure> {
        let Self { running, directory, stores, _held } = self;
        let stopped = running.stop().await;
        finish(stopped, &directory, stores, &mut Signals::listen()).await
    }
}

async fn finish(
    stopped: Result<(), StopError>,
    directory: &DataDirectory,
    stores: Option<Arc<Mutex<Stores>>>,
    signals: &mut Signals,
) -> Result<(), Failure> {
    let retracted = directory.retract();
    if matches!(stopped, Err(StopError::Hurried)) {
        // Nobody waits any more: the keeper stops the stores when this process has ended.
        std::mem::forget(stores);
    } else {
        tokio::select! {
            dropped = spawn_blocking(move || drop(stores)) => {
                dropped.map_err(|error| Failure::failed(&error))?;
            }
            () = signals.next() => return Err(Failure::failed(&StopError::Hurried)),
        }
    }
    stopped.map_err(|error| Failure::failed(&error))?;
    retracted
}

fn start_stores(folder: &Path, needs: Needs) -> Result<Stores, Failure> {
    let failed = |error: klout_embedded::Error| Failure::failed(&error);
    let (_, home) = DataDirectory::open(folder)?;
    let program = std::env::current_exe().map_err(|error| Failure::failed(&error))?;
    let first = !home.postgres_data().exists();
    if needs.postgres && first {
        eprintln!("klout: making a database in {}", home.stores_folder().display());
    }
    let told = |Note(text)| eprintln!("klout: {text}");
    Stores::start(&home, needs, Command::new(program), told).map_err(failed)
}

/// Logs what happens to the stores, and ends when they are gone.
async fn watch(stores: &Mutex<Stores>) -> klout_embedded::Error {
    let mut interval = tokio::time::interval(LOOK_INTERVAL);
    loop {
        interval.tick().await;
        let happened = stores.lock().expect("nobody panics while looking").happened();
        match happened {
            Ok(notes) => notes.iter().for_each(|Note(text)| warn!("{text}")),
            Err(error) => {
                warn!(error = %Chain(&error), "the stores are gone");
                return error;
            }
        }
    }
}
