//! The one public door: REST and gRPC, behind keys, and web pages, which need none.
//!
//! Owns the `gateway` schema: the keys of customers, and who rows of their files are. Asks scoring, social-graph and the
//! connector for whoever
//! is outside.

mod access;
mod call;
mod conditional;
mod config;
mod door;
mod error;
mod forward;
mod healthz;
mod issuers;
mod jobs;
mod keys;
mod legacy;
mod metrics;
mod pages;
mod problem;
mod rest;
mod routes;
mod rpc;
mod store;
mod transcode;

use axum::Router;
use klout_chassis::{ConfigError, Context, Service, repeat};
use klout_proto::profile::v1::{
    key_operator_service_server::{self, KeyOperatorServiceServer},
    lookup_service_server::{self, LookupServiceServer},
    person_data_service_server::{self, PersonDataServiceServer},
};
use klout_telemetry::Metric;
use sqlx::migrate::Migrator;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tonic::service::RoutesBuilder;
use tower::BoxError;

pub use crate::{config::Config, legacy::OldNetworks, store::MIGRATOR};
use crate::{
    door::Door,
    healthz::Healthz,
    issuers::Issuers,
    jobs::{Jobs, http::Files},
    keys::{FLUSH_INTERVAL, Keys, REFRESH_INTERVAL},
    legacy::Legacy,
    metrics::METRICS,
    pages::Pages,
    rest::Answering,
    rpc::{KeyOperatorRpc, LookupRpc, PersonDataRpc},
};

/// The service, built and not yet running.
#[derive(Debug)]
pub struct Gateway {
    router: Router,
    keys: Keys,
    issuers: Issuers,
    lookup: LookupRpc,
    jobs: Jobs,
}

impl Service for Gateway {
    const NAME: &'static str = "gateway";
    const RPC_SERVICES: &'static [&'static str] = &[
        key_operator_service_server::SERVICE_NAME,
        lookup_service_server::SERVICE_NAME,
        person_data_service_server::SERVICE_NAME,
    ];
    const STREAMING_RPCS: &'static [&'static str] =
        &["/klout.profile.v1.LookupService/UploadLookupRows"];
    const DEFAULT_CONFIG: &'static str = include_str!("../config.default.toml");
    const MIGRATOR: &'static Migrator = &MIGRATOR;
    const METRICS: &'static [Metric] = METRICS;
    type Config = Config;

    fn check(config: &Config) -> Result<(), ConfigError> {
        config.check()
    }

    async fn build(config: Config, context: Context) -> Result<Self, BoxError> {
        let Context { db, links, authentication, going_down, .. } = context;
        let Config {
            request_time_max,
            stream_time_max,
            body_size_max,
            keys,
            issuers,
            old_networks,
        } = config;
        let defaults = keys;
        let keys = Keys::open(db.clone(), authentication.clone(), defaults.clone()).await?;
        let issuers = Issuers::new(issuers, &defaults, authentication.clone())?;
        let door = Door::new(authentication, keys.clone(), issuers.clone());
        let grpc = forward::router(&links, &door, request_time_max, stream_time_max, &going_down);
        let healthz = Healthz::new(links.to("scoring"), going_down.clone());
        let pages = Pages::new(&links, request_time_max);
        let legacy = Legacy::new(door.clone(), &links, old_networks, request_time_max);
        let jobs = Jobs::new(db.clone(), &links, going_down);
        let lookup = LookupRpc { db, links: links.clone(), jobs: jobs.clone() };
        let files =
            Files { door: door.clone(), jobs: jobs.clone(), request_time_max, stream_time_max };
        let rest = rest::router(Answering { door, links, request_time_max, body_size_max });
        let router = rest
            .merge(files.router())
            .merge(pages.router())
            .merge(healthz.router())
            .merge(legacy.router())
            .merge(grpc)
            .fallback(rest::path_unknown);
        Ok(Self { router, keys, issuers, lookup, jobs })
    }

    fn mount(&self, routes: &mut RoutesBuilder) {
        routes
            .add_service(KeyOperatorServiceServer::new(KeyOperatorRpc { keys: self.keys.clone() }));
        routes.add_service(LookupServiceServer::new(self.lookup.clone()));
        routes.add_service(PersonDataServiceServer::new(PersonDataRpc { jobs: self.jobs.clone() }));
    }

    fn http(&self) -> Option<Router> {
        Some(self.router.clone())
    }

    async fn work(self, stop: CancellationToken) -> Result<(), BoxError> {
        let Self { keys, issuers, jobs, .. } = self;
        let never = Notify::new();
        tokio::join!(
            repeat("keys", REFRESH_INTERVAL, &never, &stop, || keys.refresh()),
            repeat("usage", FLUSH_INTERVAL, &never, &stop, || keys.flush()),
            issuers.keep(&stop),
            jobs.keep(&stop),
        );
        // The last call was answered: what was counted since is written down too.
        keys.flush().await?;
        Ok(())
    }
}
