//! Knows people, their accounts, and who reacts to whom.
//!
//! Owns the `social_graph` schema. The connector pushes signals; pushes who owns which account to
//! scoring and topics; is asked by them, the gateway and the command line.

mod account;
mod announce;
mod apply;
mod backlog;
mod batch;
mod config;
mod create;
mod error;
mod link_account;
mod metrics;
mod people;
mod place;
mod plus_k;
mod resolve;
mod rpc;
mod store;
mod update;

use std::sync::Arc;

use klout_chassis::{ConfigError, Context, Service, repeat};
use klout_proto::graph::v1::{
    graph_service_server::{self, GraphServiceServer},
    plus_k_service_server::{self, PlusKServiceServer},
    signal_consumer_service_server::{self, SignalConsumerServiceServer},
};
use klout_telemetry::Metric;
use sqlx::migrate::Migrator;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tonic::service::RoutesBuilder;
use tower::BoxError;

use crate::{
    announce::{Announcer, Bell, Consumer},
    backlog::Backlog,
    metrics::{METRICS, Metrics, Vouched},
    plus_k::{Vouching, push::Pusher, topics::Topics},
    rpc::{ConsumerRpc, GraphRpc, PlusKRpc},
};
pub use crate::{config::Config, store::MIGRATOR};

/// The service, built and not yet running.
#[derive(Debug)]
pub struct SocialGraph {
    config: Config,
    graph_rpc: GraphRpc,
    consumer_rpc: ConsumerRpc,
    plus_k_rpc: PlusKRpc,
    pusher: Pusher,
    announcers: [Announcer; Consumer::ALL.len()],
    backlog: Backlog,
}

impl Service for SocialGraph {
    const NAME: &'static str = "social_graph";
    const RPC_SERVICES: &'static [&'static str] = &[
        graph_service_server::SERVICE_NAME,
        plus_k_service_server::SERVICE_NAME,
        signal_consumer_service_server::SERVICE_NAME,
    ];
    const DEFAULT_CONFIG: &'static str = include_str!("../config.default.toml");
    const MIGRATOR: &'static Migrator = &MIGRATOR;
    const METRICS: &'static [Metric] = METRICS;
    type Config = Config;

    fn check(config: &Config) -> Result<(), ConfigError> {
        config.validate()
    }

    async fn build(config: Config, context: Context) -> Result<Self, BoxError> {
        let Context { db, links, clock, account_key, .. } = context;
        let check_value = account_key.check_value();
        let kept = store::account_key::keep_first(&db, &check_value).await?;
        account_key.check(&kept)?;
        let owners_changed = Bell::default();
        let vouched = Arc::new(Vouched::new());
        let vouching = Vouching {
            db: db.clone(),
            clock: clock.clone(),
            account_key: account_key.clone(),
            topics: Topics(links.to("topics")),
            daily: config.plus_k_daily,
            owners_changed: owners_changed.clone(),
            given: Arc::default(),
            metrics: Arc::clone(&vouched),
        };
        Ok(Self {
            config,
            plus_k_rpc: PlusKRpc { vouching },
            pusher: Pusher { db: db.clone(), link: links.to("connector"), metrics: vouched },
            graph_rpc: GraphRpc { db: db.clone(), clock, account_key, owners_changed },
            consumer_rpc: ConsumerRpc { db: db.clone() },
            backlog: Backlog { db: db.clone(), metrics: Metrics::new() },
            announcers: Consumer::ALL.map(|consumer| Announcer {
                db: db.clone(),
                consumer,
                link: links.to(consumer.name()),
            }),
        })
    }

    fn mount(&self, routes: &mut RoutesBuilder) {
        routes
            .add_service(GraphServiceServer::new(self.graph_rpc.clone()))
            .add_service(PlusKServiceServer::new(self.plus_k_rpc.clone()))
            .add_service(
                SignalConsumerServiceServer::new(self.consumer_rpc.clone())
                    .max_decoding_message_size(klout_proto::BATCH_BYTES_MAX),
            );
    }

    async fn work(self, stop: CancellationToken) -> Result<(), BoxError> {
        let Self { config, graph_rpc, consumer_rpc: _, plus_k_rpc, pusher, announcers, backlog } =
            self;
        let interval = config.announce_interval;
        let nobody_rings = Notify::new();
        let [scoring, topics] = announcers.each_ref().map(|announcer| {
            let bell = graph_rpc.owners_changed.of(announcer.consumer);
            repeat("announce", interval, bell, &stop, || announcer.step())
        });
        let watch = repeat("backlog", backlog::INTERVAL, &nobody_rings, &stop, || backlog.step());
        let given = &plus_k_rpc.vouching.given;
        let vouched = repeat("tell_plus_ks", interval, given, &stop, || pusher.step());
        tokio::join!(scoring, topics, vouched, watch);
        Ok(())
    }
}
