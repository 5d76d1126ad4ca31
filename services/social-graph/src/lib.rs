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
mod consent;
mod create;
mod error;
mod forget;
mod link_account;
mod metrics;
mod peer;
mod people;
mod place;
mod resolve;
mod rpc;
mod state;
mod store;
mod tell;
mod update;

use futures::future::join_all;
use klout_chassis::{ConfigError, Context, Service, repeat};
use klout_proto::graph::v1::{
    graph_service_server::{self, GraphServiceServer},
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
    forget::{Forgetter, OwnForgetter},
    metrics::{METRICS, Metrics},
    peer::Peer,
    rpc::{ConsumerRpc, GraphRpc},
    tell::{CONSUMERS, Teller},
};
pub use crate::{config::Config, store::MIGRATOR};

/// How often it is looked for what is to be deleted: each so many intervals of announcing.
const FORGET_INTERVALS: u32 = 10;

/// The service, built and not yet running.
#[derive(Debug)]
pub struct SocialGraph {
    config: Config,
    graph_rpc: GraphRpc,
    consumer_rpc: ConsumerRpc,
    announcers: [Announcer; Consumer::ALL.len()],
    teller: Teller,
    backlog: Backlog,
}

impl Service for SocialGraph {
    const NAME: &'static str = "social_graph";
    const RPC_SERVICES: &'static [&'static str] =
        &[graph_service_server::SERVICE_NAME, signal_consumer_service_server::SERVICE_NAME];
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
        let peer = |consumer: tell::Consumer| Peer { consumer, link: links.to(consumer.name()) };
        let teller = Teller { db: db.clone(), peers: CONSUMERS.map(peer) };
        Ok(Self {
            config,
            teller: teller.clone(),
            graph_rpc: GraphRpc {
                db: db.clone(),
                clock,
                account_key,
                owners_changed: Bell::default(),
                teller,
            },
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
        routes.add_service(GraphServiceServer::new(self.graph_rpc.clone())).add_service(
            SignalConsumerServiceServer::new(self.consumer_rpc.clone())
                .max_decoding_message_size(klout_proto::BATCH_BYTES_MAX),
        );
    }

    async fn work(self, stop: CancellationToken) -> Result<(), BoxError> {
        let Self { config, graph_rpc, consumer_rpc: _, announcers, teller, backlog } = self;
        let interval = config.announce_interval;
        let nobody_rings = Notify::new();
        let [scoring, topics] = announcers.each_ref().map(|announcer| {
            let bell = graph_rpc.owners_changed.of(announcer.consumer);
            repeat("announce", interval, bell, &stop, || announcer.step())
        });
        let watch = repeat("backlog", backlog::INTERVAL, &nobody_rings, &stop, || backlog.step());
        let telling = teller
            .peers
            .iter()
            .map(|peer| repeat("tell", interval, &nobody_rings, &stop, || teller.step(peer)));
        // There is a day for it, and scores are already gone.
        let later = interval * FORGET_INTERVALS;
        let forgetters = teller.peers.clone().map(|peer| Forgetter { db: teller.db.clone(), peer });
        let forgetting = forgetters
            .iter()
            .map(|forgetter| repeat("forget", later, &nobody_rings, &stop, || forgetter.step()));
        let own = OwnForgetter { db: teller.db.clone() };
        let forgetting_own = repeat("forget_own", later, &nobody_rings, &stop, || own.step());
        tokio::join!(
            scoring,
            topics,
            watch,
            join_all(telling),
            join_all(forgetting),
            forgetting_own
        );
        Ok(())
    }
}
