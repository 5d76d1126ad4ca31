//! Turns signals into scores, and answers what they are. Start here: this is the smallest service
//! that has everything.
//!
//! Owns the `scoring` schema. The connector pushes signals, social-graph pushes who owns which
//! account; is asked by the gateway, perks and everybody inside. The maths is in `klout-score-math`.

mod apply;
mod backlog;
mod batch;
mod cached;
mod change;
mod config;
mod contest;
mod description;
mod encoded;
mod epochs;
mod error;
mod explanation;
mod finding;
mod flights;
mod fold;
mod forgetting;
mod freshness;
mod masking;
mod memberships;
mod metrics;
mod models;
mod pass;
mod portraits;
mod publish;
mod read;
mod rebuild;
mod replica;
mod rescore;
mod rpc;
mod score;
mod some;
mod store;
mod watch;
mod write;

use std::{sync::Arc, time::Duration};

use klout_chassis::{ConfigError, Context, Link, Pace, Service, Shortcuts, follow_states, repeat};
use klout_proto::{
    graph::v1::graph_service_client::GraphServiceClient,
    people::Told,
    revision::Deployment,
    score::v1::{
        person_data_service_server::{self, PersonDataServiceServer},
        score_operator_service_server::{self, ScoreOperatorServiceServer},
        score_service_server,
        signal_consumer_service_server::{self, SignalConsumerServiceServer},
    },
};
use klout_store::Reads;
use klout_telemetry::Metric;
use sqlx::migrate::Migrator;
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::task_tracker::TaskTrackerToken};
use tonic::service::RoutesBuilder;
use tower::BoxError;

use crate::{
    backlog::Backlog,
    cached::{Cached, Filler},
    epochs::Epochs,
    flights::Flights,
    fold::Folder,
    masking::Masker,
    memberships::Memberships,
    metrics::{METRICS, Metrics, TierReads},
    models::Models,
    pass::Passer,
    portraits::Portraits,
    publish::Publisher,
    read::Reader,
    replica::Replica,
    rescore::{Lane, Rescorer},
    rpc::{ConsumerRpc, OperatorRpc, PersonDataRpc, ScoreRpc, ScoreServer},
    watch::Watches,
};
pub use crate::{config::Config, store::MIGRATOR};

/// How often it is looked whether a pass is due or left by somebody.
const PASS_INTERVAL: Duration = Duration::from_millis(250);

/// The service, built and not yet running.
#[derive(Debug)]
pub struct Scoring {
    config: Config,
    score_rpc: ScoreRpc,
    operator_rpc: OperatorRpc,
    consumer_rpc: ConsumerRpc,
    person_data_rpc: PersonDataRpc,
    graph: GraphServiceClient<Link>,
    catching_up: TaskTrackerToken,
    rescorer: Rescorer,
    publisher: Publisher,
    passer: Passer,
    folder: Folder,
    replica: Replica,
    filler: Filler,
    backlog: Backlog,
}

impl Service for Scoring {
    const NAME: &'static str = "scoring";
    const RPC_SERVICES: &'static [&'static str] = &[
        score_service_server::SERVICE_NAME,
        score_operator_service_server::SERVICE_NAME,
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
        let Context {
            db,
            database_url_direct,
            cache,
            links,
            clock,
            account_key,
            lookups,
            going_down,
            catching_up,
            ..
        } = context;
        let deployment = Deployment::of(&account_key.check_value());
        let epochs = Epochs::new();
        let memberships = Memberships::default();
        let pass_wanted = Arc::new(Notify::new());
        let pass_done = Arc::new(Notify::new());
        let (cached, filler) = Cached::new(
            cache,
            config.memory_people_max,
            config.cache_time_max,
            config.transaction_time_max + config.cache_time_max,
            deployment,
        );
        let flights = Flights::new(cached.clone());
        let reader = Reader {
            db: db.clone(),
            reads: Reads::new(db.clone(), config.read_time_max),
            cached: cached.clone(),
            flights: flights.clone(),
            clock: clock.clone(),
            epochs: epochs.clone(),
            graph: GraphServiceClient::new(links.to("social_graph")),
            time_max: config.read_time_max,
            counts: TierReads::new(),
            deployment,
        };
        let watches =
            Watches::new(config.watches_max, config.watch_heartbeat_interval, &going_down);
        let replica = Replica::new(
            db.clone(),
            database_url_direct,
            cached.clone(),
            flights.clone(),
            watches.clone(),
        );
        let metrics = Arc::new(Metrics::new());
        let models = Models::new(db.clone());
        let evidence_grew = Arc::default();
        let masker = Masker { db: db.clone(), cached: cached.clone(), flights: flights.clone() };
        Ok(Self {
            person_data_rpc: PersonDataRpc { db: db.clone(), masker },
            graph: reader.graph.clone(),
            catching_up: catching_up.token(),
            score_rpc: ScoreRpc {
                reader,
                models: models.clone(),
                portraits: Portraits {
                    db: db.clone(),
                    clock: clock.clone(),
                    epochs: epochs.clone(),
                    memberships: memberships.clone(),
                },
                freshness_time_max: config.freshness_time_max,
                watches,
                lookups: lookups.clone(),
                pass_wanted: Arc::clone(&pass_wanted),
            },
            operator_rpc: OperatorRpc {
                db: db.clone(),
                models: models.clone(),
                clock: clock.clone(),
                account_key,
                lookups,
                evidence_grew: Arc::clone(&evidence_grew),
                transaction_time_max: config.transaction_time_max,
            },
            consumer_rpc: ConsumerRpc {
                db: db.clone(),
                evidence_grew,
                metrics: Arc::clone(&metrics),
            },
            rescorer: Rescorer {
                db: db.clone(),
                transaction_time_max: config.transaction_time_max,
                cached: cached.clone(),
                flights: flights.clone(),
                clock: clock.clone(),
                epochs: epochs.clone(),
                memberships: memberships.clone(),
                famous: Arc::default(),
                metrics: Arc::clone(&metrics),
            },
            publisher: Publisher::new(
                db.clone(),
                config.transaction_time_max,
                cached.clone(),
                Arc::clone(&metrics),
            ),
            passer: Passer {
                db: db.clone(),
                cached,
                clock: clock.clone(),
                epochs: epochs.clone(),
                models,
                interval: config.pass_interval,
                wanted: pass_wanted,
                done: pass_done,
                threads: Arc::new(pass::threads()?),
                metrics: Arc::clone(&metrics),
            },
            folder: Folder::new(db.clone(), clock, epochs, config.transaction_time_max),
            backlog: Backlog { db, metrics },
            replica,
            filler,
            config,
        })
    }

    fn mount(&self, routes: &mut RoutesBuilder) {
        routes
            .add_service(ScoreServer::new(self.score_rpc.clone()))
            .add_service(ScoreOperatorServiceServer::new(self.operator_rpc.clone()))
            .add_service(PersonDataServiceServer::new(self.person_data_rpc.clone()))
            .add_service(
                SignalConsumerServiceServer::new(self.consumer_rpc.clone())
                    .max_decoding_message_size(klout_proto::BATCH_BYTES_MAX),
            );
    }

    fn shorten(&self, shortcuts: &mut Shortcuts) {
        self.score_rpc.shorten(shortcuts);
    }

    async fn work(self, stop: CancellationToken) -> Result<(), BoxError> {
        let Self {
            config,
            score_rpc,
            operator_rpc: _,
            consumer_rpc,
            person_data_rpc,
            graph,
            catching_up,
            rescorer,
            publisher,
            passer,
            folder,
            replica,
            filler,
            backlog,
        } = self;
        let nobody_rings = Notify::new();
        // Each of their transactions has an end.
        let rescoring = Pace::of_long_steps(config.rescore_interval);
        let publishing = Pace::of_long_steps(config.publish_interval);
        let (everybody_else, famous) = (Lane::everybody_else(), Lane::famous());
        let rescore = repeat("rescore", rescoring, &consumer_rpc.evidence_grew, &stop, || {
            rescorer.step(&everybody_else, &stop)
        });
        // Looks by itself: whoever is famous has just rested.
        let rescore_famous = repeat("rescore the famous", rescoring, &nobody_rings, &stop, || {
            rescorer.step(&famous, &stop)
        });
        let publish = repeat("publish", publishing, &nobody_rings, &stop, || publisher.step(&stop));
        let sweep = repeat(
            "sweep shadow scores",
            Pace::of_long_steps(models::SWEEP_INTERVAL),
            &nobody_rings,
            &stop,
            || score_rpc.models.sweep(&stop),
        );
        let passing = Pace::of_long_steps(PASS_INTERVAL);
        let pass = repeat("pass", passing, &passer.wanted, &stop, || passer.step(&stop));
        let folding = Pace::of_long_steps(fold::INTERVAL);
        let fold = repeat("fold", folding, &passer.done, &stop, || folder.step(&stop));
        let watch = repeat("backlog", backlog::INTERVAL, &nobody_rings, &stop, || backlog.step());
        let masker = &person_data_rpc.masker;
        let states = follow_states(
            Self::NAME,
            graph,
            catching_up,
            &stop,
            || masker.newest(),
            |told: Vec<Told>| async move { masker.apply(&told).await },
        );
        tokio::join!(
            states,
            rescore,
            rescore_famous,
            publish,
            pass,
            fold,
            sweep,
            watch,
            replica.run(&stop),
            filler.run(&stop)
        );
        score_rpc.watches.end().await;
        score_rpc.reader.flights.end().await;
        score_rpc.reader.reads.end();
        Ok(())
    }
}
