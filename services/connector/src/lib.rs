//! Takes in what networks tell, keeps it in a log, and hands it on.
//!
//! Owns the `connector` schema. Pushes batches to scoring and social-graph; is asked by the gateway
//! and the command line.

mod access;
mod admission;
mod backlog;
mod batch;
mod config;
mod connect;
mod connections;
mod deliver;
mod description;
mod error;
mod forgetting;
mod ingest;
mod metrics;
mod networks;
mod owners;
mod redeliver;
mod reseal;
mod rpc;
mod seal;
mod store;
mod stream;
mod visit;

use std::sync::Arc;

use klout_chassis::{Clock, ConfigError, Context, Link, Service, follow_states, repeat};
use klout_outbound::Reach;
use klout_proto::{
    graph::v1::graph_service_client::GraphServiceClient,
    people::Told,
    revision::Deployment,
    signal::v1::{
        person_data_service_server::{self, PersonDataServiceServer},
        signal_service_server::{self, SignalServiceServer},
    },
};
use klout_telemetry::Metric;
use sqlx::migrate::Migrator;
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::task_tracker::TaskTrackerToken};
use tonic::service::RoutesBuilder;
use tower::BoxError;

use crate::{
    access::Access,
    admission::Terms,
    backlog::Backlog,
    connect::Connecter,
    deliver::{Bell, Deliverer},
    metrics::{METRICS, Metrics},
    networks::Networks,
    owners::Owners,
    reseal::Resealer,
    rpc::{PersonDataRpc, SignalRpc},
    stream::{Streamer, sweep},
    visit::Visitor,
};
pub use crate::{config::Config, networks::Servers, store::MIGRATOR};

/// The service, built and not yet running.
#[derive(Debug)]
pub struct Connector {
    config: Config,
    rpc: SignalRpc,
    person_data_rpc: PersonDataRpc,
    graph: GraphServiceClient<Link>,
    catching_up: TaskTrackerToken,
    deliverer: Deliverer,
    backlog: Backlog,
    visitor: Visitor,
    resealer: Resealer,
    streamer: Streamer,
    sweeper: sweep::Sweeper,
}

impl Service for Connector {
    const NAME: &'static str = "connector";
    const RPC_SERVICES: &'static [&'static str] =
        &[signal_service_server::SERVICE_NAME, person_data_service_server::SERVICE_NAME];
    const STREAMING_RPCS: &'static [&'static str] = &[
        "/klout.signal.v1.SignalService/IngestSignals",
        // Its answer takes the longer the longer the log is.
        "/klout.signal.v1.SignalService/RedeliverSignals",
    ];
    const DEFAULT_CONFIG: &'static str = include_str!("../config.default.toml");
    const MIGRATOR: &'static Migrator = &MIGRATOR;
    const METRICS: &'static [Metric] = METRICS;
    type Config = Config;

    fn check(config: &Config) -> Result<(), ConfigError> {
        config.validate()
    }

    fn check_secrets(config: &Config) -> Result<(), ConfigError> {
        config.validate_secrets()
    }

    async fn build(config: Config, context: Context) -> Result<Self, BoxError> {
        let check_value = context.account_key.check_value();
        let kept = store::account_key::keep_first(&context.db, &check_value).await?;
        context.account_key.check(&kept)?;
        let metrics = Arc::new(Metrics::new());
        let reach = match config.private_networks_allowed {
            true => Reach::Anywhere,
            false => Reach::Public,
        };
        let keys = config.keys()?;
        let resealer = Resealer { db: context.db.clone(), keys: keys.clone() };
        if let Some(missing) = resealer.check().await? {
            return Err(missing.into());
        }
        let outbound = visit::ask::outbound(reach)?;
        let plain = config.private_networks_allowed;
        let (db, running) = (context.db.clone(), Clock::running());
        let access = Access::new(db, keys, outbound.clone(), running, plain);
        let outbox_grew = Bell::default();
        let visitor = Visitor {
            db: context.db.clone(),
            networks: Networks::new(config.networks.clone()),
            outbound,
            access: access.clone(),
            outbox_grew: outbox_grew.clone(),
            due: Arc::default(),
            clock: context.clock.clone(),
            running: Clock::running(),
            terms: Terms {
                key: context.account_key.clone(),
                now: context.clock.now(),
                grace: context.clock.grace(),
                ours: false,
            },
            metrics: Arc::clone(&metrics),
            pace: config.pace(),
            visit_interval: config.visit_interval,
            whole_interval: config.whole_interval,
            bounds: visit::Bounds::default(),
        };
        let connecter = Connecter {
            db: context.db.clone(),
            networks: visitor.networks.clone(),
            access,
            graph: context.links.to("social_graph"),
            account_key: context.account_key.clone(),
            running: Clock::running(),
            due: Arc::clone(&visitor.due),
        };
        let streamer = Streamer {
            db: context.db.clone(),
            network: "bluesky".parse()?,
            whose: config.streams.bluesky.whose,
            framing: config.streams.bluesky.framing,
            server: config.streams.bluesky.server().ok_or("the stream has no address")?,
            reach,
            outbox_grew: outbox_grew.clone(),
            clock: context.clock.clone(),
            running: Clock::running(),
            terms: visitor.terms.clone(),
            metrics: Arc::clone(&metrics),
            holder: uuid::Uuid::new_v4(),
        };
        let sweeper = sweep::Sweeper::new(context.db.clone(), Clock::running());
        let backlog = Backlog { db: context.db.clone(), metrics: Arc::clone(&metrics) };
        let rpc = SignalRpc {
            db: context.db.clone(),
            outbox_grew,
            clock: context.clock,
            account_key: context.account_key,
            deployment: Deployment::of(&check_value),
            stream_time_max: config.stream_time_max,
            metrics: Arc::clone(&metrics),
            visitor: visitor.clone(),
            connecter,
        };
        let person_data_rpc = PersonDataRpc { db: context.db.clone() };
        let graph = GraphServiceClient::new(context.links.to("social_graph"));
        let catching_up = context.catching_up.token();
        let deliverer = Deliverer::new(context.db, &context.links, metrics);
        Ok(Self {
            rpc,
            person_data_rpc,
            graph,
            catching_up,
            deliverer,
            backlog,
            visitor,
            resealer,
            config,
            streamer,
            sweeper,
        })
    }

    fn mount(&self, routes: &mut RoutesBuilder) {
        routes
            .add_service(SignalServiceServer::new(self.rpc.clone()))
            .add_service(PersonDataServiceServer::new(self.person_data_rpc.clone()));
    }

    async fn work(self, stop: CancellationToken) -> Result<(), BoxError> {
        let Self {
            config,
            rpc,
            person_data_rpc: PersonDataRpc { db },
            graph,
            catching_up,
            deliverer,
            backlog,
            visitor,
            resealer,
            streamer,
            sweeper,
        } = self;
        let nobody_rings = Notify::new();
        let watch = repeat("backlog", backlog::INTERVAL, &nobody_rings, &stop, || backlog.step());
        let deliver = deliverer.run(config.deliver_interval, rpc.outbox_grew, stop.clone());
        let states = follow_states(
            Self::NAME,
            graph.clone(),
            catching_up,
            &stop,
            || forgetting::newest(&db),
            |told: Vec<Told>| {
                let db = &db;
                async move { forgetting::apply(db, &told).await }
            },
        );
        let owners = Owners(graph.clone());
        let begin =
            repeat("begin visits", visit::IDLE, &visitor.due, &stop, || visitor.begin_due(&owners));
        let reseal = repeat("reseal", reseal::INTERVAL, &nobody_rings, &stop, || resealer.step());
        // One looks often whether something is due; the others are rung when there is.
        let idle = |number| if number == 0 { visit::IDLE } else { visit::IDLE_OF_OTHERS };
        let visits = (0..config.requests_at_once.get()).map(|number| {
            repeat("visits", idle(number), &visitor.due, &stop, || visitor.step(&stop))
        });
        let visits = futures::future::join_all(visits);
        let stream = streamer.run(stop.clone());
        let sweep = repeat("sweep", sweep::INTERVAL, &nobody_rings, &stop, || sweeper.step());
        tokio::join!(states, deliver, watch, begin, reseal, visits, stream, sweep);
        Ok(())
    }
}
