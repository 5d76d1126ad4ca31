//! Decides who is offered what.
//!
//! Owns the `perks` schema. Asks scoring, topics and social-graph what is known of somebody, and nobody else asks it but
//! the gateway and the command line. The rules, the budgets and the life of a grant are in `klout-perk-rules`.

mod campaigns;
mod error;
mod rpc;
mod spec;
mod store;

use klout_chassis::{Context, Service};
use klout_proto::perk::v1::{
    desk_service_server::{self, DeskServiceServer},
    perk_service_server::{self, PerkServiceServer},
    person_data_service_server::{self, PersonDataServiceServer},
};
use serde::Deserialize;
use sqlx::migrate::Migrator;
use tokio_util::sync::CancellationToken;
use tonic::service::RoutesBuilder;
use tower::BoxError;

pub use crate::store::MIGRATOR;
use crate::{
    campaigns::Campaigns,
    rpc::{DeskRpc, PerkRpc, PersonDataRpc},
};

/// The service, built and not yet running.
#[derive(Debug)]
pub struct Perks {
    perk_rpc: PerkRpc,
    desk_rpc: DeskRpc,
}

/// Nothing can be set yet.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {}

impl Service for Perks {
    const NAME: &'static str = "perks";
    const RPC_SERVICES: &'static [&'static str] = &[
        desk_service_server::SERVICE_NAME,
        perk_service_server::SERVICE_NAME,
        person_data_service_server::SERVICE_NAME,
    ];
    const DEFAULT_CONFIG: &'static str = include_str!("../config.default.toml");
    const MIGRATOR: &'static Migrator = &MIGRATOR;
    type Config = Config;

    async fn build(_: Config, context: Context) -> Result<Self, BoxError> {
        let Context { db, .. } = context;
        let campaigns = Campaigns::new(db.clone());
        Ok(Self { perk_rpc: PerkRpc { db: db.clone(), campaigns }, desk_rpc: DeskRpc { db } })
    }

    fn mount(&self, routes: &mut RoutesBuilder) {
        routes
            .add_service(PerkServiceServer::new(self.perk_rpc.clone()))
            .add_service(DeskServiceServer::new(self.desk_rpc.clone()))
            .add_service(PersonDataServiceServer::new(PersonDataRpc));
    }

    async fn work(self, stop: CancellationToken) -> Result<(), BoxError> {
        stop.cancelled().await;
        Ok(())
    }
}
