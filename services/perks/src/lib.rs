//! Decides who is offered what.
//!
//! Owns the `perks` schema. Asks scoring, topics and social-graph what is known of somebody, and nobody else asks it but
//! the gateway and the command line. The rules, the budgets and the life of a grant are in `klout-perk-rules`.

mod campaigns;
mod decide;
mod description;
mod error;
mod evaluate;
mod facts;
mod grants;
mod masking;
mod metrics;
mod preview;
mod rpc;
mod spec;
mod store;

use klout_chassis::{Clock, ConfigError, Context, Link, Service, follow_states, repeat};
use klout_model::Network;
use klout_proto::{
    graph::v1::graph_service_client::GraphServiceClient,
    people::Told,
    perk::v1::{
        CampaignSpec,
        desk_service_server::{self, DeskServiceServer},
        perk_service_server::{self, PerkServiceServer},
        person_data_service_server::{self, PersonDataServiceServer},
    },
};
use klout_telemetry::Metric;
use serde::Deserialize;
use sqlx::migrate::Migrator;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tonic::{Status, service::RoutesBuilder};
use tower::BoxError;

pub use crate::store::MIGRATOR;
use crate::{
    campaigns::Campaigns,
    decide::HoldOut,
    evaluate::Evaluator,
    facts::FactsGatherer,
    grants::{Granter, expire},
    metrics::METRICS,
    preview::{Previewer, Samples},
    rpc::{DeskRpc, PerkRpc, PersonDataRpc},
    spec::Spec,
};

/// The service, built and not yet running.
#[derive(Debug)]
pub struct Perks {
    perk_rpc: PerkRpc,
    desk_rpc: DeskRpc,
    person_data_rpc: PersonDataRpc,
    graph: GraphServiceClient<Link>,
}

/// Everything an operator can change about perks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Networks whose terms forbid rewards: what they say of people counts for no perk.
    pub networks_without_rewards: Vec<String>,
}

/// Checks what a campaign offers, without a service. Returns it as it would be kept, with its defaults.
///
/// # Errors
///
/// What the service would answer: FIELD_INVALID, or RULE_INVALID and where the rule is wrong.
pub fn check(spec: CampaignSpec) -> Result<CampaignSpec, Status> {
    let (checked, _) = Spec::check(spec)?;
    Ok(checked.proto)
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
        let graph = GraphServiceClient::new(links.to("social_graph"));
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
        let evaluator =
            Evaluator { db: db.clone(), campaigns: campaigns.clone(), hold_out: hold_out.clone() };
        let samples = Samples::new(facts.clone());
        let previewer = Previewer { db: db.clone(), facts: facts.clone(), samples };
        Ok(Self {
            perk_rpc: PerkRpc {
                db: db.clone(),
                campaigns,
                evaluator,
                facts,
                granter,
                hold_out,
                lookups,
                previewer,
            },
            desk_rpc: DeskRpc { db: db.clone() },
            person_data_rpc: PersonDataRpc { db },
            graph,
        })
    }

    fn mount(&self, routes: &mut RoutesBuilder) {
        routes
            .add_service(PerkServiceServer::new(self.perk_rpc.clone()))
            .add_service(DeskServiceServer::new(self.desk_rpc.clone()))
            .add_service(PersonDataServiceServer::new(self.person_data_rpc.clone()));
    }

    async fn work(self, stop: CancellationToken) -> Result<(), BoxError> {
        let Self {
            perk_rpc: PerkRpc { granter, previewer, .. },
            desk_rpc: _,
            person_data_rpc: PersonDataRpc { db },
            graph,
        } = self;
        let nobody_rings = Notify::new();
        let expire = || granter.expire();
        let expire = repeat("expire_reservations", expire::INTERVAL, &nobody_rings, &stop, expire);
        let states = follow_states(
            graph,
            &stop,
            || masking::newest(&db),
            |told: Vec<Told>| {
                let db = &db;
                async move { masking::apply(db, &told).await }
            },
        );
        let samples = &previewer.samples;
        let draw = repeat("draw a sample", preview::SAMPLE_INTERVAL, &samples.ring, &stop, || {
            samples.step()
        });
        let count = repeat("count who qualifies", preview::INTERVAL, &nobody_rings, &stop, || {
            previewer.step()
        });
        tokio::join!(expire, states, draw, count);
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
