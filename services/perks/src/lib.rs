//! Decides who is offered what.
//!
//! Owns the `perks` schema. Asks scoring, topics and social-graph what is known of somebody, and nobody else asks it but
//! the gateway and the command line. The rules, the budgets and the life of a grant are in `klout-perk-rules`.

mod campaigns;
mod decide;
mod error;
mod facts;
mod grants;
mod metrics;
mod rpc;
mod spec;
mod store;

use klout_chassis::{Clock, ConfigError, Context, Service, repeat};
use klout_model::Network;
use klout_proto::perk::v1::{
    desk_service_server::{self, DeskServiceServer},
    perk_service_server::{self, PerkServiceServer},
    person_data_service_server::{self, PersonDataServiceServer},
};
use klout_telemetry::Metric;
use serde::Deserialize;
use sqlx::migrate::Migrator;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tonic::service::RoutesBuilder;
use tower::BoxError;

pub use crate::store::MIGRATOR;
use crate::{
    campaigns::Campaigns,
    decide::HoldOut,
    facts::FactsGatherer,
    grants::{Granter, expire},
    metrics::METRICS,
    rpc::{DeskRpc, PerkRpc, PersonDataRpc},
};

/// The service, built and not yet running.
#[derive(Debug)]
pub struct Perks {
    perk_rpc: PerkRpc,
    desk_rpc: DeskRpc,
}

/// Everything an operator can change about perks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Networks whose terms forbid rewards: what they say of people counts for no perk.
    pub networks_without_rewards: Vec<String>,
}

impl Service for Perks {
    const NAME: &'static str = "perks";
    const RPC_SERVICES: &'static [&'static str] = &[
        desk_service_server::SERVICE_NAME,
        perk_service_server::SERVICE_NAME,
        person_data_service_server::SERVICE_NAME,
    ];
    const METRICS: &'static [Metric] = METRICS;
    const DEFAULT_CONFIG: &'static str = include_str!("../config.default.toml");
    const MIGRATOR: &'static Migrator = &MIGRATOR;
    type Config = Config;

    fn check(config: &Config) -> Result<(), ConfigError> {
        config.without_rewards().map(|_| ())
    }

    async fn build(config: Config, context: Context) -> Result<Self, BoxError> {
        let Context { db, links, account_key, lookups, .. } = context;
        let campaigns = Campaigns::new(db.clone());
        let facts = FactsGatherer::new(
            links.to("social_graph"),
            links.to("scoring"),
            links.to("topics"),
            config.without_rewards()?,
        );
        let hold_out = HoldOut::new(&account_key);
        let granter =
            Granter::new(db.clone(), campaigns.clone(), hold_out.clone(), Clock::running());
        Ok(Self {
            perk_rpc: PerkRpc { db: db.clone(), campaigns, facts, granter, hold_out, lookups },
            desk_rpc: DeskRpc { db },
        })
    }

    fn mount(&self, routes: &mut RoutesBuilder) {
        routes
            .add_service(PerkServiceServer::new(self.perk_rpc.clone()))
            .add_service(DeskServiceServer::new(self.desk_rpc.clone()))
            .add_service(PersonDataServiceServer::new(PersonDataRpc));
    }

    async fn work(self, stop: CancellationToken) -> Result<(), BoxError> {
        let Self { perk_rpc: PerkRpc { granter, .. }, desk_rpc: _ } = self;
        let nobody_rings = Notify::new();
        let expire = || granter.expire();
        repeat("expire_reservations", expire::INTERVAL, &nobody_rings, &stop, expire).await;
        granter.end().await;
        Ok(())
    }
}

// === impl Config ===

impl Config {
    fn without_rewards(&self) -> Result<Vec<Network>, ConfigError> {
        let networks = self.networks_without_rewards.iter();
        let problem = |name: &String| ConfigError::Setting {
            setting: "perks.networks_without_rewards",
            problem: format!("`{name}` is no network"),
        };
        networks.map(|name| name.parse().map_err(|_| problem(name))).collect()
    }
}
