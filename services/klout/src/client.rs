//! The way from the command line to a gateway.

use std::{error::Error as _, net::SocketAddr, path::PathBuf, time::Duration};

use backon::{ExponentialBuilder, Retryable as _};
use http::Uri;
use klout_chassis::{Chain, Signals};
use klout_proto::{
    graph::v1::{
        graph_service_client::GraphServiceClient,
        person_data_service_client::PersonDataServiceClient,
        plus_k_service_client::PlusKServiceClient,
    },
    perk::v1::{desk_service_client::DeskServiceClient, perk_service_client::PerkServiceClient},
    profile::v1::{
        key_operator_service_client::KeyOperatorServiceClient,
        lookup_service_client::LookupServiceClient,
    },
    score::v1::{
        score_operator_service_client::ScoreOperatorServiceClient,
        score_service_client::ScoreServiceClient,
    },
    signal::v1::signal_service_client::SignalServiceClient,
    topic::v1::{
        topic_operator_service_client::TopicOperatorServiceClient,
        topic_service_client::TopicServiceClient,
    },
};
use time::OffsetDateTime;
use tonic::{
    Code, Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::Endpoint,
};

use crate::{
    arguments,
    data_directory::{DataDirectory, Held, Use},
    exit::{Failure, block_on},
    installation::Installation,
    printable::printable,
    settings::{Settings, host},
};

/// How long a gateway may take to be reached.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);

/// How long a process that has just started on the data directory may take to be ready.
const START_TIME_MAX: Duration = Duration::from_secs(120);

/// How often it is looked whether it is.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// How often a call is tried that a struggling server refuses: for about a minute in all. Whatever is
/// sent twice counts once.
const TRIES_MAX: usize = 12;

/// The longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(8);

/// Which gateway, and as whom.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Where to ask")]
pub(crate) struct Target {
    /// The gateway to ask, such as http://127.0.0.1:8080 [default: what runs on --data-dir]
    #[arg(long, value_name = "URL", env = "KLOUT_SERVER", conflicts_with = "data_dir")]
    server: Option<Uri>,
    /// The key to show to --server; rather set KLOUT_KEY, which other users of the machine do not see
    #[arg(long, value_name = "KEY", env = "KLOUT_KEY", hide_env_values = true)]
    key: Option<String>,
    /// The folder of the `klout up` to ask; if none runs there, its stores are started for this
    /// command [default: klout in the user's data folder]
    #[arg(long, value_name = "DIR", env = "KLOUT_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

/// What happens when nobody has ever run on the data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// There is nothing to read.
    Refuse,
    /// It is made.
    Make,
}

/// A gateway that was reached.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    server: String,
    channel: Channel,
}

pub(crate) type Channel = InterceptedService<tonic::transport::Channel, Key>;

/// Puts the key into every call.
#[derive(Clone, Debug)]
pub(crate) struct Key(Option<MetadataValue<Ascii>>);

/// Who answers.
enum Answering {
    Somebody(Client),
    /// This process, for one command.
    Ourselves(Box<Installation>),
}

// === impl Target ===

impl Target {
    /// Reaches a gateway, or is one, and does something with it.
    pub(crate) fn ask<T>(
        self,
        missing: Missing,
        does: impl AsyncFnOnce(&Client) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        block_on(async {
            let installation = match self.answering(missing).await? {
                Answering::Somebody(client) => return does(&client).await,
                Answering::Ourselves(installation) => installation,
            };
            let mut signals = Signals::listen();
            let done = match installation.client().await {
                // A command that waits for a signal itself ends by it as it wants to.
                Ok(client) => tokio::select! {
                    biased;
                    done = does(&client) => done,
                    () = signals.next() => Err(Failure::Failed("interrupted".to_owned())),
                },
                Err(failure) => Err(failure),
            };
            let stopped = installation.stop().await;
            let done = done?;
            stopped.map(|()| done)
        })
    }

    /// Where the clock of the data directory is pinned that is asked; `None` when it runs, or when it is another
    /// machine's matter.
    pub(crate) fn pinned(&self) -> Result<Option<OffsetDateTime>, Failure> {
        if self.server.is_some() {
            return Ok(None);
        }
        let path = DataDirectory::path_or_default(self.data_dir.clone())?;
        let Some(directory) = DataDirectory::existing(&path) else { return Ok(None) };
        Ok(directory.as_of()?.and_then(|time| arguments::time(&time).ok()))
    }

    async fn answering(self, missing: Missing) -> Result<Answering, Failure> {
        if let Some(server) = self.server {
            let key = self.key.unwrap_or_default();
            return Client::connect(server, &key).await.map(Answering::Somebody);
        }
        let path = DataDirectory::path_or_default(self.data_dir)?;
        let directory = match (DataDirectory::existing(&path), missing) {
            (Some(directory), _) => directory,
            (None, Missing::Make) => DataDirectory::open(&path)?.0,
            (None, Missing::Refuse) => {
                return Err(Failure::Failed(format!(
                    "nothing is stored in {} and nothing runs there: start `klout up`, or name a \
                     folder with --data-dir or a gateway with --server",
                    path.display()
                )));
            }
        };
        loop {
            if let Some(client) = running(&directory).await? {
                return Ok(Answering::Somebody(client));
            }
            // Of two commands that find nobody at once, one has to wait for the other.
            match directory.clone().hold() {
                Ok(held) => return Ok(Answering::Ourselves(Box::new(start(held).await?))),
                Err(_) if directory.in_use()? != Use::Free => {}
                Err(failure) => return Err(failure),
            }
        }
    }
}

/// The process that runs on the directory, once it is ready; `None` when nobody does.
async fn running(directory: &DataDirectory) -> Result<Option<Client>, Failure> {
    let end = tokio::time::Instant::now() + START_TIME_MAX;
    let mut told = false;
    loop {
        match directory.in_use()? {
            Use::Free => return Ok(None),
            Use::Runs { endpoints, .. } => {
                let server = endpoints.http.parse().map_err(|_| {
                    Failure::Failed(format!("{} is not an address", endpoints.http))
                })?;
                let key = directory.operator_key()?;
                return Client::connect(server, &key).await.map(Some);
            }
            Use::Busy { pid } if tokio::time::Instant::now() > end => {
                return Err(Failure::Failed(format!("the klout with pid {pid} is not ready")));
            }
            Use::Busy { pid } => {
                if !told {
                    eprintln!("klout: waiting for the klout with pid {pid}");
                }
                told = true;
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
        }
    }
}

/// Everything on free ports, for one command.
async fn start(held: Held) -> Result<Installation, Failure> {
    let folder = held.directory.path().display();
    eprintln!("klout: starting the stores in {folder} for this command");
    let host = host();
    let mut flags = held.directory.settings()?;
    for setting in ["server.http_address", "server.grpc_address"] {
        flags.push((setting, "127.0.0.1:0".to_owned()));
    }
    let configuration = Settings::default().load(&host, flags)?;
    Installation::start(host, held, configuration).await
}

// === impl Client ===

impl Client {
    /// Reaches the gateway at `server`. An empty `key` is none.
    pub(crate) async fn connect(server: Uri, key: &str) -> Result<Self, Failure> {
        let key = if key.is_empty() {
            None
        } else {
            let mut value: MetadataValue<Ascii> = format!("Bearer {key}")
                .parse()
                .map_err(|_| Failure::Usage("the key has characters that no key has".into()))?;
            value.set_sensitive(true);
            Some(value)
        };
        let name = server.to_string();
        let endpoint = Endpoint::from(server).connect_timeout(CONNECT_TIME_MAX);
        let channel = endpoint.connect().await.map_err(|error| {
            let error = Chain(&error);
            Failure::Failed(format!("could not reach {name}: {error}; does `klout up` run there?"))
        })?;
        Ok(Self { server: name, channel: InterceptedService::new(channel, Key(key)) })
    }

    /// Reaches the gateway of the process that runs on `directory`, as its operator.
    pub(crate) async fn of(directory: &DataDirectory, http: SocketAddr) -> Result<Self, Failure> {
        let server = format!("http://{http}").parse::<Uri>();
        let server = server.map_err(|error| Failure::failed(&error))?;
        Self::connect(server, &directory.operator_key()?).await
    }

    /// Where it is.
    pub(crate) fn server(&self) -> &str {
        self.server.trim_end_matches('/')
    }

    pub(crate) fn scores(&self) -> ScoreServiceClient<Channel> {
        ScoreServiceClient::new(self.channel.clone())
    }

    /// For operators alone.
    pub(crate) fn score_operator(&self) -> ScoreOperatorServiceClient<Channel> {
        ScoreOperatorServiceClient::new(self.channel.clone())
    }

    pub(crate) fn graph(&self) -> GraphServiceClient<Channel> {
        GraphServiceClient::new(self.channel.clone())
    }

    pub(crate) fn plus_k(&self) -> PlusKServiceClient<Channel> {
        PlusKServiceClient::new(self.channel.clone())
    }

    /// For operators alone.
    pub(crate) fn person_data(&self) -> PersonDataServiceClient<Channel> {
        PersonDataServiceClient::new(self.channel.clone())
    }

    pub(crate) fn desk(&self) -> DeskServiceClient<Channel> {
        DeskServiceClient::new(self.channel.clone())
    }

    pub(crate) fn perks(&self) -> PerkServiceClient<Channel> {
        PerkServiceClient::new(self.channel.clone())
    }

    pub(crate) fn lookups(&self) -> LookupServiceClient<Channel> {
        LookupServiceClient::new(self.channel.clone())
    }

    pub(crate) fn topics(&self) -> TopicServiceClient<Channel> {
        TopicServiceClient::new(self.channel.clone())
    }

    /// For operators alone.
    pub(crate) fn topic_operator(&self) -> TopicOperatorServiceClient<Channel> {
        TopicOperatorServiceClient::new(self.channel.clone())
    }

    /// For operators alone.
    pub(crate) fn keys(&self) -> KeyOperatorServiceClient<Channel> {
        KeyOperatorServiceClient::new(self.channel.clone())
    }

    pub(crate) fn signals(&self) -> SignalServiceClient<Channel> {
        SignalServiceClient::new(self.channel.clone())
    }
}

// === impl Key ===

impl Interceptor for Key {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(key) = &self.0 {
            request.metadata_mut().insert("authorization", key.clone());
        }
        Ok(request)
    }
}

/// Whether the server says that it may well answer a moment later, or has not said anything: of a connection
/// that breaks off during a call the status is ours, and names what broke off.
pub(crate) fn may_recover(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded) || status.source().is_some()
}

/// Tries again while the server may recover.
pub(crate) async fn retried<T, F>(call: impl FnMut() -> F) -> Result<T, Status>
where
    F: Future<Output = Result<T, Status>>,
{
    let pauses = ExponentialBuilder::default()
        .with_jitter()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(PAUSE_MAX)
        .with_max_times(TRIES_MAX);
    call.retry(pauses)
        .when(may_recover)
        .notify(|status, pause| {
            let message = printable(status.message());
            eprintln!("klout: {message}; trying again in {:.1} s", pause.as_secs_f64());
        })
        .await
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn where_the_clock_is_pinned_is_known_of_a_data_directory_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let held = DataDirectory::open(folder.path()).expect("it opens").0.hold().expect("held");
        let target = |server: Option<&'static str>| Target {
            server: server.map(Uri::from_static),
            key: None,
            data_dir: Some(folder.path().to_owned()),
        };
        let pinned = |server| target(server).pinned().expect("it can be read");
        assert_eq!(pinned(None), None, "it runs");
        held.directory.pin(Some("2026-11-03T23:59:59Z")).expect("pinned");
        assert_eq!(pinned(None), Some(datetime!(2026-11-03 23:59:59 UTC)));
        assert_eq!(pinned(Some("http://127.0.0.1:8080")), None, "another machine's matter");
    }
}
