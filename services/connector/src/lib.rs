//! Takes in what networks tell, keeps it in a log, and hands it on.
//!
//! Owns the `connector` schema. Pushes batches to scoring and social-graph; is asked by the gateway
//! and the command line.

mod admission;
mod batch;
mod config;
mod deliver;
mod error;
mod ingest;
mod rpc;
mod store;

use klout_chassis::{ConfigError, Context, Service};
use klout_proto::signal::v1::signal_service_server::{self, SignalServiceServer};
use sqlx::migrate::Migrator;
use tokio_util::sync::CancellationToken;
use tonic::service::RoutesBuilder;
use tower::BoxError;

pub use crate::{config::Config, store::MIGRATOR};
use crate::{
    deliver::{Bell, Deliverer},
    rpc::SignalRpc,
};

/// The service, built and not yet running.
#[derive(Debug)]
pub struct Connector {
    config: Config,
    rpc: SignalRpc,
    deliverer: Deliverer,
}

impl Service for Connector {
    const NAME: &'static str = "connector";
    const RPC_SERVICES: &'static [&'static str] = &[signal_service_server::SERVICE_NAME];
    const STREAMING_RPCS: &'static [&'static str] =
        &["/klout.signal.v1.SignalService/IngestSignals"];
    const DEFAULT_CONFIG: &'static str = include_str!("../config.default.toml");
    const MIGRATOR: &'static Migrator = &MIGRATOR;
    type Config = Config;

    fn check(config: &Config) -> Result<(), ConfigError> {
        config.validate()
    }

    async fn build(config: Config, context: Context) -> Result<Self, BoxError> {
        let check_value = context.account_key.check_value();
        let kept = store::account_key::keep_first(&context.db, &check_value).await?;
        context.account_key.check(&kept)?;
        let rpc = SignalRpc {
            db: context.db.clone(),
            outbox_grew: Bell::default(),
            clock: context.clock,
            account_key: context.account_key,
            stream_time_max: config.stream_time_max,
        };
        Ok(Self { rpc, deliverer: Deliverer::new(context.db, &context.links), config })
    }

    fn mount(&self, routes: &mut RoutesBuilder) {
        routes.add_service(SignalServiceServer::new(self.rpc.clone()));
    }

    async fn work(self, stop: CancellationToken) -> Result<(), BoxError> {
        let Self { config, rpc, deliverer } = self;
        deliverer.run(config.deliver_interval, rpc.outbox_grew, stop).await;
        Ok(())
    }
}
