//! Will decide who is offered what.
//!
//! Owns the `perks` schema. It answers nothing yet but that it holds nothing about people: it mounts and is healthy, so
//! that processes, migrations and health have their final shape.

mod person_data;
mod store;

use klout_chassis::{Context, Service};
use klout_proto::perk::v1::person_data_service_server::{self, PersonDataServiceServer};
use serde::Deserialize;
use sqlx::migrate::Migrator;
use tokio_util::sync::CancellationToken;
use tonic::service::RoutesBuilder;
use tower::BoxError;

use crate::person_data::PersonDataRpc;
pub use crate::store::MIGRATOR;

/// The service, built and not yet running.
#[derive(Debug)]
pub struct Perks;

/// Nothing can be set yet.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {}

impl Service for Perks {
    const NAME: &'static str = "perks";
    const RPC_SERVICES: &'static [&'static str] = &[person_data_service_server::SERVICE_NAME];
    const DEFAULT_CONFIG: &'static str = include_str!("../config.default.toml");
    const MIGRATOR: &'static Migrator = &MIGRATOR;
    type Config = Config;

    async fn build(_: Config, _: Context) -> Result<Self, BoxError> {
        Ok(Self)
    }

    fn mount(&self, routes: &mut RoutesBuilder) {
        routes.add_service(PersonDataServiceServer::new(PersonDataRpc));
    }

    async fn work(self, stop: CancellationToken) -> Result<(), BoxError> {
        stop.cancelled().await;
        Ok(())
    }
}
