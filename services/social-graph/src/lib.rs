//! Knows people, their accounts, and who reacts to whom.
//!
//! Owns the `social_graph` schema. The connector pushes signals; pushes who owns which account to
//! scoring and topics; is asked by them, the gateway and the command line.

mod account;
mod age;
mod announce;
mod apply;
mod backlog;
mod batch;
mod config;
mod consent;
mod contact;
mod contacts;
mod create;
mod deletion_list;
mod describe;
mod dispute;
mod error;
mod forget;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod handles;
mod identify;
mod influence;
mod likelihood;
mod link_account;
mod links;
mod lookups;
mod merge;
mod metrics;
mod name;
mod page;
mod peer;
mod people;
mod place;
mod plus_k;
mod profile;
mod proof;
mod rel_me;
mod replay;
mod resolve;
mod rpc;
mod shown;
mod state;
mod store;
mod strength;
mod sweep;
mod tell;
mod topics;
mod update;
mod web;

use std::{sync::Arc, time::Duration};

use klout_chassis::{Clock, ConfigError, Context, Service, repeat};
use klout_outbound::Reach;
use klout_proto::graph::v1::{
    graph_service_server::{self, GraphServiceServer},
    person_data_service_server::{self, PersonDataServiceServer},
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
    age::AgeRules,
    announce::{Announcer, Bell, Consumer},
    backlog::Backlog,
    contact::ContactKeys,
    contacts::Wrapper,
    links::Linker,
    lookups::LookupKeeper,
    metrics::{METRICS, Metrics, Vouched},
    page::Pages,
    peer::Peer,
    plus_k::{Vouching, push::Pusher},
    rpc::{ConsumerRpc, GraphRpc, PersonDataRpc, PlusKRpc},
    sweep::Sweeper,
    tell::{CONSUMERS, Teller},
    topics::Topics,
};
pub use crate::{config::Config, store::MIGRATOR};

/// How often it is looked for contacts of earlier keys: there are some once, after a key was added.
const WRAP_INTERVAL: Duration = Duration::from_secs(60);

/// The service, built and not yet running.
#[derive(Debug)]
pub struct SocialGraph {
    config: Config,
    graph_rpc: GraphRpc,
    consumer_rpc: ConsumerRpc,
    person_data_rpc: PersonDataRpc,
    plus_k_rpc: PlusKRpc,
    pusher: Pusher,
    announcers: [Announcer; Consumer::ALL.len()],
    teller: Teller,
    wrapper: Wrapper,
    backlog: Backlog,
    sweeper: Sweeper,
    lookup_keeper: LookupKeeper,
}

impl Service for SocialGraph {
    const NAME: &'static str = "social_graph";
    const RPC_SERVICES: &'static [&'static str] = &[
        graph_service_server::SERVICE_NAME,
        person_data_service_server::SERVICE_NAME,
        plus_k_service_server::SERVICE_NAME,
        signal_consumer_service_server::SERVICE_NAME,
    ];
    const STREAMING_RPCS: &'static [&'static str] =
        &["/klout.graph.v1.GraphService/ImportDeletionList"];
    const DEFAULT_CONFIG: &'static str = include_str!("../config.default.toml");
    const MIGRATOR: &'static Migrator = &MIGRATOR;
    const METRICS: &'static [Metric] = METRICS;
    type Config = Config;

    fn check(config: &Config) -> Result<(), ConfigError> {
        config.validate()
    }

    async fn build(config: Config, context: Context) -> Result<Self, BoxError> {
        let Context { db, links, clock, account_key, lookups, .. } = context;
        let check_value = account_key.check_value();
        let kept = store::account_key::keep_first(&db, &check_value).await?;
        account_key.check(&kept)?;
        let peer = |consumer: tell::Consumer| Peer { consumer, link: links.to(consumer.name()) };
        let teller = Teller { db: db.clone(), peers: CONSUMERS.map(peer) };
        let contact_keys = ContactKeys::new(&account_key, &config.contact_keys.0);
        let reach = match config.private_pages_allowed {
            true => Reach::Anywhere,
            false => Reach::Public,
        };
        let pages = Pages::new(config.profile_pages.clone(), reach)?;
        let linker = Linker {
            db: db.clone(),
            pages,
            account_key: account_key.clone(),
            clock: clock.clone(),
            running: Clock::running(),
        };
        let owners_changed = Bell::default();
        let topics = Topics::new(links.to("topics"));
        let vouched = Arc::new(Vouched::new());
        let vouching = Vouching {
            db: db.clone(),
            clock: clock.clone(),
            account_key: account_key.clone(),
            topics: topics.clone(),
            daily: config.plus_k_daily,
            owners_changed: owners_changed.clone(),
            given: Arc::default(),
            metrics: Arc::clone(&vouched),
        };
        Ok(Self {
            plus_k_rpc: PlusKRpc { vouching, lookups: lookups.clone() },
            pusher: Pusher { db: db.clone(), link: links.to("connector"), metrics: vouched },
            wrapper: Wrapper { db: db.clone(), keys: contact_keys.clone() },
            teller: teller.clone(),
            graph_rpc: GraphRpc {
                db: db.clone(),
                clock: clock.clone(),
                account_key,
                topics,
                lookups,
                owners_changed: owners_changed.clone(),
                teller,
                age_rules: AgeRules { limit: config.age_limit, required: config.age_required },
                contact_keys,
                linker,
            },
            consumer_rpc: ConsumerRpc { db: db.clone() },
            person_data_rpc: PersonDataRpc { db: db.clone(), clock: clock.clone(), owners_changed },
            sweeper: Sweeper::new(db.clone(), clock),
            lookup_keeper: LookupKeeper::new(db.clone(), config.lookup_retention.try_into()?),
            config,
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
            .add_service(PersonDataServiceServer::new(self.person_data_rpc.clone()))
            .add_service(PlusKServiceServer::new(self.plus_k_rpc.clone()))
            .add_service(
                SignalConsumerServiceServer::new(self.consumer_rpc.clone())
                    .max_decoding_message_size(klout_proto::BATCH_BYTES_MAX),
            );
    }

    async fn work(self, stop: CancellationToken) -> Result<(), BoxError> {
        let Self {
            config,
            graph_rpc,
            consumer_rpc: _,
            person_data_rpc: _,
            plus_k_rpc,
            pusher,
            announcers,
            teller,
            wrapper,
            backlog,
            sweeper,
            lookup_keeper,
        } = self;
        let interval = config.announce_interval;
        let nobody_rings = Notify::new();
        let [scoring, topics] = announcers.each_ref().map(|announcer| {
            let bell = graph_rpc.owners_changed.of(announcer.consumer);
            repeat("announce", interval, bell, &stop, || announcer.step())
        });
        let watch = repeat("backlog", backlog::INTERVAL, &nobody_rings, &stop, || backlog.step());
        let wrap = repeat("wrap_contacts", WRAP_INTERVAL, &nobody_rings, &stop, || wrapper.step());
        let sweep = repeat("sweep", sweep::INTERVAL, &nobody_rings, &stop, || sweeper.step());
        let leaving = forget::work(&teller, interval, &stop);
        let given = &plus_k_rpc.vouching.given;
        let vouched = repeat("tell_plus_ks", interval, given, &stop, || pusher.step());
        let keep_lookups = lookup_keeper.run(&stop);
        tokio::join!(scoring, topics, watch, wrap, sweep, keep_lookups, leaving, vouched);
        Ok(())
    }
}
