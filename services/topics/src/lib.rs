//! What a person is influential about.
//!
//! Owns the `topics` schema. The connector pushes posts with what they say; what no member owns is
//! dropped. What the posts are about is not told yet.

mod apply;
mod batch;
mod config;
mod error;
mod rpc;
mod store;
mod sweep;

use klout_chassis::{ConfigError, Context, Service, repeat};
use klout_proto::{
    graph::v1::graph_service_client::GraphServiceClient,
    topic::v1::signal_consumer_service_server::{self, SignalConsumerServiceServer},
};
use sqlx::migrate::Migrator;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tonic::service::RoutesBuilder;
use tower::BoxError;

pub use crate::{config::Config, store::MIGRATOR};
use crate::{rpc::ConsumerRpc, sweep::Sweeper};

/// The service, built and not yet running.
#[derive(Debug)]
pub struct Topics {
    config: Config,
    consumer_rpc: ConsumerRpc,
    sweeper: Sweeper,
}

impl Service for Topics {
    const NAME: &'static str = "topics";
    const RPC_SERVICES: &'static [&'static str] = &[signal_consumer_service_server::SERVICE_NAME];
    const DEFAULT_CONFIG: &'static str = include_str!("../config.default.toml");
    const MIGRATOR: &'static Migrator = &MIGRATOR;
    type Config = Config;

    fn check(config: &Config) -> Result<(), ConfigError> {
        config.validate()
    }

    async fn build(config: Config, context: Context) -> Result<Self, BoxError> {
        let Context { db, links, .. } = context;
        Ok(Self {
            consumer_rpc: ConsumerRpc { db: db.clone() },
            sweeper: Sweeper {
                db,
                graph: GraphServiceClient::new(links.to("social_graph")),
                unowned_time_max: config.unowned_time_max,
            },
            config,
        })
    }

    fn mount(&self, routes: &mut RoutesBuilder) {
        routes.add_service(
            SignalConsumerServiceServer::new(self.consumer_rpc.clone())
                .max_decoding_message_size(klout_proto::BATCH_BYTES_MAX),
        );
    }

    async fn work(self, stop: CancellationToken) -> Result<(), BoxError> {
        let Self { config, consumer_rpc: _, sweeper } = self;
        let nobody_rings = Notify::new();
        repeat("sweep", config.sweep_interval, &nobody_rings, &stop, || sweeper.step()).await;
        Ok(())
    }
}
