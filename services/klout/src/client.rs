//! The way from the command line to a gateway.

use std::time::Duration;

use http::Uri;
use klout_proto::{
    graph::v1::graph_service_client::GraphServiceClient,
    score::v1::score_service_client::ScoreServiceClient,
    signal::v1::signal_service_client::SignalServiceClient,
};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::Endpoint,
};

use crate::exit::Failure;

/// How long a gateway may take to be reached.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);

/// Which gateway, and as whom.
#[derive(Debug, clap::Args)]
pub(crate) struct Target {
    /// The gateway to ask
    #[arg(long, value_name = "URL", env = "KLOUT_SERVER", default_value = "http://127.0.0.1:8080")]
    server: Uri,
    /// The key to show it; rather set KLOUT_KEY, which other users of the machine do not see
    #[arg(long, value_name = "KEY", env = "KLOUT_KEY", hide_env_values = true)]
    key: Option<String>,
}

/// A gateway that was reached.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    channel: Channel,
}

pub(crate) type Channel = InterceptedService<tonic::transport::Channel, Key>;

/// Puts the key into every call.
#[derive(Clone, Debug)]
pub(crate) struct Key(Option<MetadataValue<Ascii>>);

// === impl Target ===

impl Target {
    pub(crate) async fn connect(self) -> Result<Client, Failure> {
        let key = match self.key.filter(|key| !key.is_empty()) {
            None => None,
            Some(key) => {
                let mut value: MetadataValue<Ascii> = format!("Bearer {key}")
                    .parse()
                    .map_err(|_| Failure::Usage("the key has characters that no key has".into()))?;
                value.set_sensitive(true);
                Some(value)
            }
        };
        let server = self.server.to_string();
        let endpoint = Endpoint::from(self.server).connect_timeout(CONNECT_TIME_MAX);
        let channel = endpoint.connect().await.map_err(|error| {
            let error = klout_chassis::Chain(&error);
            Failure::Failed(format!(
                "could not reach {server}: {error}; does `klout serve` run there?"
            ))
        })?;
        Ok(Client { channel: InterceptedService::new(channel, Key(key)) })
    }
}

// === impl Client ===

impl Client {
    pub(crate) fn scores(&self) -> ScoreServiceClient<Channel> {
        ScoreServiceClient::new(self.channel.clone())
    }

    pub(crate) fn graph(&self) -> GraphServiceClient<Channel> {
        GraphServiceClient::new(self.channel.clone())
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
