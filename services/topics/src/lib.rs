//! What a person is influential about.
//!
//! Owns the `topics` schema. The connector pushes posts, reactions and what people are called, social-graph who owns
//! which account; what no member owns is dropped. Posts are read with the ontology in use, and what people are
//! influential about is computed from all of that. The maths is in `klout-topic-math`, the topics are in
//! `klout-ontology`.

mod apply;
mod backlog;
mod batch;
mod config;
mod description;
mod editions;
mod error;
mod evidence;
mod expiry;
mod masking;
mod metrics;
mod ontologies;
mod pass;
mod people;
mod ranks;
mod reading;
mod rpc;
mod sayings;
mod sharing;
mod store;
mod sweep;

use std::sync::Arc;

use klout_chassis::{ConfigError, Context, Link, Pace, Service, follow_states, repeat};
use klout_proto::{
    graph::v1::graph_service_client::GraphServiceClient,
    people::Told,
    score::v1::score_service_client::ScoreServiceClient,
    topic::v1::{
        person_data_service_server::{self, PersonDataServiceServer},
        signal_consumer_service_server::{self, SignalConsumerServiceServer},
        topic_operator_service_server::{self, TopicOperatorServiceServer},
        topic_service_server::{self, TopicServiceServer},
    },
};
use klout_telemetry::Metric;
use sqlx::migrate::Migrator;
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::task_tracker::TaskTrackerToken};
use tonic::service::RoutesBuilder;
use tower::BoxError;

use crate::{
    backlog::Backlog,
    evidence::Gatherer,
    expiry::Expirer,
    metrics::{METRICS, Metrics},
    ontologies::Ontologies,
    pass::Passer,
    people::{PeopleComputer, Related},
    ranks::Ranker,
    reading::PostReader,
    rpc::{ConsumerRpc, OperatorRpc, PersonDataRpc, TopicRpc},
    sweep::Sweeper,
};
pub use crate::{config::Config, store::MIGRATOR};

/// The service, built and not yet running.
#[derive(Debug)]
pub struct Topics {
    config: Config,
    topic_rpc: TopicRpc,
    operator_rpc: OperatorRpc,
    consumer_rpc: ConsumerRpc,
    person_data_rpc: PersonDataRpc,
    graph: GraphServiceClient<Link>,
    catching_up: TaskTrackerToken,
    sweeper: Sweeper,
    expirer: Expirer,
    reader: PostReader,
    computer: PeopleComputer,
    passer: Passer,
    ranker: Ranker,
}

impl Service for Topics {
    const NAME: &'static str = "topics";
    const RPC_SERVICES: &'static [&'static str] = &[
        topic_service_server::SERVICE_NAME,
        topic_operator_service_server::SERVICE_NAME,
        signal_consumer_service_server::SERVICE_NAME,
        person_data_service_server::SERVICE_NAME,
    ];
    const DEFAULT_CONFIG: &'static str = include_str!("../config.default.toml");
    const MIGRATOR: &'static Migrator = &MIGRATOR;
    const METRICS: &'static [Metric] = METRICS;
    type Config = Config;

    fn check(config: &Config) -> Result<(), ConfigError> {
        config.validate()
    }

    async fn build(config: Config, context: Context) -> Result<Self, BoxError> {
        let Context { db, links, clock, lookups, catching_up, .. } = context;
        let graph = GraphServiceClient::new(links.to("social_graph"));
        let scores = ScoreServiceClient::new(links.to("scoring"))
            .max_decoding_message_size(klout_proto::BATCH_BYTES_MAX);
        let ontologies = Ontologies::new(db.clone());
        let expirer = Expirer { db: db.clone(), clock: clock.clone() };
        let gatherer = Gatherer { db: db.clone(), scores, clock };
        let related = Related::new(db.clone());
        let metrics = Arc::new(Metrics::new());
        let (posts_changed, people_changed) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let passer = Passer {
            db: db.clone(),
            ontologies: ontologies.clone(),
            gatherer: gatherer.clone(),
            pause_max: config.pass_pause,
            people_changed: Arc::clone(&people_changed),
        };
        let backlog = Backlog {
            db: db.clone(),
            ontologies: ontologies.clone(),
            passer: passer.clone(),
            metrics: Arc::clone(&metrics),
        };
        Ok(Self {
            person_data_rpc: PersonDataRpc { db: db.clone() },
            graph: graph.clone(),
            catching_up: catching_up.token(),
            topic_rpc: TopicRpc {
                db: db.clone(),
                ontologies: ontologies.clone(),
                graph: graph.clone(),
                gatherer: gatherer.clone(),
                related: related.clone(),
                backlog,
                lookups,
                posts_changed: Arc::clone(&posts_changed),
                people_changed: Arc::clone(&people_changed),
            },
            operator_rpc: OperatorRpc {
                db: db.clone(),
                ontologies: ontologies.clone(),
                posts_changed: Arc::clone(&posts_changed),
            },
            consumer_rpc: ConsumerRpc {
                db: db.clone(),
                posts_changed: Arc::clone(&posts_changed),
                people_changed: Arc::clone(&people_changed),
            },
            sweeper: Sweeper { db: db.clone(), graph, unowned_time_max: config.unowned_time_max },
            expirer,
            reader: PostReader {
                db: db.clone(),
                ontologies: ontologies.clone(),
                people_changed: Arc::clone(&people_changed),
                metrics: Arc::clone(&metrics),
            },
            computer: PeopleComputer {
                db: db.clone(),
                ontologies,
                gatherer,
                related,
                posts_changed,
                ranks_changed: Arc::new(Notify::new()),
                metrics: Arc::clone(&metrics),
            },
            passer,
            ranker: Ranker { db, metrics },
            config,
        })
    }

    fn mount(&self, routes: &mut RoutesBuilder) {
        routes
            .add_service(TopicServiceServer::new(self.topic_rpc.clone()))
            .add_service(TopicOperatorServiceServer::new(self.operator_rpc.clone()))
            .add_service(PersonDataServiceServer::new(self.person_data_rpc.clone()))
            .add_service(
                SignalConsumerServiceServer::new(self.consumer_rpc.clone())
                    .max_decoding_message_size(klout_proto::BATCH_BYTES_MAX),
            );
    }

    async fn work(self, stop: CancellationToken) -> Result<(), BoxError> {
        let Self {
            config,
            topic_rpc,
            operator_rpc,
            consumer_rpc: _,
            person_data_rpc: PersonDataRpc { db },
            graph,
            catching_up,
            sweeper,
            expirer,
            reader,
            computer,
            passer,
            ranker,
        } = self;
        let nobody_rings = Notify::new();
        let pace = config.compute_interval;
        let keep = repeat(
            "keep the ontology that ships",
            ontologies::INTERVAL,
            &nobody_rings,
            &stop,
            || operator_rpc.ontologies.keep_shipped(),
        );
        let sweep = repeat("sweep", config.sweep_interval, &nobody_rings, &stop, || sweeper.step());
        let expire = repeat("expire", expiry::INTERVAL, &nobody_rings, &stop, || expirer.step());
        let read = repeat("read posts", pace, &computer.posts_changed, &stop, || reader.step());
        let compute = repeat(
            "compute topics",
            Pace::of_long_steps(pace),
            &reader.people_changed,
            &stop,
            || computer.step(),
        );
        let passing = Pace::of_long_steps(pass::INTERVAL);
        let pass = repeat("pass", passing, &nobody_rings, &stop, || passer.step());
        let ranking = Pace::of_long_steps(ranks::INTERVAL);
        let rank = repeat("rank", ranking, &computer.ranks_changed, &stop, || ranker.step());
        let watch =
            repeat("backlog", backlog::INTERVAL, &nobody_rings, &stop, || topic_rpc.backlog.step());
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
        tokio::join!(states, keep, sweep, expire, read, compute, pass, rank, watch);
        Ok(())
    }
}
