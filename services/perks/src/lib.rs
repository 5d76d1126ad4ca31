//! Decides who is offered what.
//!
//! Owns the `perks` schema. Asks scoring, topics and social-graph what is known of somebody, and nobody else asks it but
//! the gateway and the command line. The rules, the budgets and the life of a grant are in `klout-perk-rules`.

mod campaigns;
mod check_in;
mod decide;
mod description;
mod desk;
mod error;
mod evaluate;
mod facts;
mod grants;
mod masking;
mod metrics;
mod passes;
mod preview;
mod properties;
mod rpc;
mod spec;
mod store;
mod together;

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
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sqlx::migrate::Migrator;
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::task_tracker::TaskTrackerToken};
use tonic::{Status, service::RoutesBuilder};
use tower::BoxError;

pub use crate::store::MIGRATOR;
use crate::{
    campaigns::Campaigns,
    decide::HoldOut,
    desk::{Desk, Parts, arrivals, arrivals::Sweeper},
    evaluate::Evaluator,
    facts::FactsGatherer,
    grants::{Granter, expire},
    metrics::METRICS,
    passes::Passes,
    preview::{Previewer, Samples},
    properties::Properties,
    rpc::{DeskRpc, PerkRpc, PersonDataRpc},
    spec::Spec,
};

/// Characters of a secret from which a key follows: fewer could be guessed.
const PASS_SECRET_MIN: usize = 32;

/// The service, built and not yet running.
#[derive(Debug)]
pub struct Perks {
    perk_rpc: PerkRpc,
    desk_rpc: DeskRpc,
    sweeper: Sweeper,
    person_data_rpc: PersonDataRpc,
    graph: GraphServiceClient<Link>,
    catching_up: TaskTrackerToken,
}

/// Everything an operator can change about perks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Networks whose terms forbid rewards: what they say of people counts for no perk.
    pub networks_without_rewards: Vec<String>,
    /// What the key follows from that signs passes. Empty: the key of accounts.
    pub pass_secret: SecretString,
    /// The one before: passes that it signed are good until they expire. Empty: there was none.
    pub pass_secret_before: SecretString,
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
        config.check_secrets()?;
        config.without_rewards().map(|_| ())
    }

    async fn build(config: Config, context: Context) -> Result<Self, BoxError> {
        let Context { db, links, account_key, lookups, going_down, catching_up, .. } = context;
        let graph = GraphServiceClient::new(links.to("social_graph"));
        let campaigns = Campaigns::new(db.clone());
        let facts = FactsGatherer::new(
            links.to("social_graph"),
            links.to("scoring"),
            links.to("topics"),
            config.without_rewards()?,
        );
        let hold_out = HoldOut::new(&account_key);
        // Grants and guests are of the time that people live by, not of the time that scores are of.
        let clock = Clock::running();
        let granter = Granter::new(db.clone(), campaigns.clone(), hold_out.clone(), clock.clone());
        let properties = Properties::new(db.clone(), clock.clone());
        let passes = Passes::new(&[&config.pass_secret, &config.pass_secret_before], &account_key)?;
        let parts = Parts {
            db: db.clone(),
            clock: clock.clone(),
            properties: properties.clone(),
            campaigns: campaigns.clone(),
            facts: facts.clone(),
            granter: granter.clone(),
            passes: passes.clone(),
            hold_out: hold_out.clone(),
            lookups: lookups.clone(),
            going_down,
        };
        let desk = Desk::new(parts, &account_key);
        let evaluator =
            Evaluator { db: db.clone(), campaigns: campaigns.clone(), hold_out: hold_out.clone() };
        let samples = Samples::new(facts.clone());
        let previewer = Previewer { db: db.clone(), facts: facts.clone(), samples };
        Ok(Self {
            desk_rpc: DeskRpc {
                clock: clock.clone(),
                desk: desk.clone(),
                facts: facts.clone(),
                lookups: lookups.clone(),
                passes,
                properties: properties.clone(),
            },
            sweeper: Sweeper { db: db.clone(), clock },
            perk_rpc: PerkRpc {
                db: db.clone(),
                campaigns,
                desk,
                evaluator,
                facts,
                granter,
                hold_out,
                lookups,
                previewer,
                properties,
            },
            person_data_rpc: PersonDataRpc { db },
            graph,
            catching_up: catching_up.token(),
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
            perk_rpc: PerkRpc { granter, desk, facts, previewer, .. },
            desk_rpc: _,
            person_data_rpc: PersonDataRpc { db },
            graph,
            catching_up,
            sweeper,
        } = self;
        let nobody_rings = Notify::new();
        let expire = || granter.expire();
        let expire = repeat("expire_reservations", expire::INTERVAL, &nobody_rings, &stop, expire);
        let sweep = || sweeper.step();
        let sweep =
            repeat("delete_old_arrivals", arrivals::SWEEP_INTERVAL, &nobody_rings, &stop, sweep);
        let states = follow_states(
            Self::NAME,
            graph,
            catching_up,
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
        tokio::join!(expire, sweep, states, draw, count);
        desk.end().await;
        granter.end().await;
        facts.end().await;
        Ok(())
    }
}

// === impl Config ===

impl Config {
    fn check_secrets(&self) -> Result<(), ConfigError> {
        let secrets = [
            ("perks.pass_secret", &self.pass_secret),
            ("perks.pass_secret_before", &self.pass_secret_before),
        ];
        let is_short = |secret: &SecretString| {
            (1..PASS_SECRET_MIN).contains(&secret.expose_secret().chars().count())
        };
        match secrets.into_iter().find(|(_, secret)| is_short(secret)) {
            Some((setting, _)) => Err(ConfigError::Setting {
                setting,
                problem: format!("has fewer than {PASS_SECRET_MIN} characters"),
            }),
            None => Ok(()),
        }
    }

    fn without_rewards(&self) -> Result<Vec<Network>, ConfigError> {
        let networks = self.networks_without_rewards.iter();
        let problem = |name: &String| ConfigError::Setting {
            setting: "perks.networks_without_rewards",
            problem: format!("`{name}` is no network"),
        };
        networks.map(|name| name.parse().map_err(|_| problem(name))).collect()
    }
}
