//! The one public door: REST and gRPC, behind keys, and web pages, which need none.
//!
//! Owns the `gateway` schema: the keys of customers, and who rows of their files are. Asks scoring, social-graph and the
//! connector for whoever
//! is outside.

mod access;
mod browser;
mod call;
mod conditional;
mod config;
mod door;
mod error;
mod fields;
mod forward;
mod front;
mod healthz;
mod issuers;
mod jobs;
mod keys;
mod legacy;
mod limits;
mod lookup;
mod metrics;
mod openapi;
mod pages;
mod people;
mod problem;
mod request_id;
mod rest;
mod routes;
mod rpc;
mod store;
mod transcode;
mod typed;
mod unnamed;
mod written;

use std::sync::Arc;

use axum::{Router, middleware};
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
    front::FrontLayer,
    healthz::Healthz,
    issuers::Issuers,
    jobs::{Jobs, http::Files},
    keys::{FLUSH_INTERVAL, Keys, REFRESH_INTERVAL},
    legacy::Legacy,
    limits::Limits,
    lookup::Lookup,
    metrics::METRICS,
    pages::Pages,
    people::People,
    rest::Answering,
    rpc::{KeyOperatorRpc, LookupRpc, PersonDataRpc},
    written::Written,
};

/// The service, built and not yet running.
#[derive(Debug)]
pub struct Gateway {
    router: Router,
    keys: Keys,
    issuers: Issuers,
    limits: Limits,
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
        config.check()?;
        browser::cors(&config.cors_origins).map(|_| ())
    }

    async fn build(config: Config, context: Context) -> Result<Self, BoxError> {
        let Context { db, cache, links, account_key, authentication, going_down, .. } = context;
        let Config { request_time_max, stream_time_max, body_size_max, .. } = config;
        let Config { lookup_keep_time, csv_rows_max, .. } = config;
        let defaults = config.keys;
        let keys = Keys::open(db.clone(), authentication.clone(), defaults.clone()).await?;
        let issuers = Issuers::new(config.issuers, &defaults, authentication.clone())?;
        let limits = Limits::new(cache.leases());
        let door = Door::new(authentication, keys.clone(), issuers.clone(), limits.clone());
        let grpc = forward::router(&links, &door, request_time_max, stream_time_max, &going_down)
            .layer(middleware::from_fn(browser::grpc_web));
        let healthz = Healthz::new(links.to("scoring"), going_down.clone());
        let pages = Pages::new(&links, request_time_max, config.overview_keep_time);
        let legacy = Legacy::new(door.clone(), &links, config.old_networks, request_time_max);
        let jobs = Jobs::new(db.clone(), &links, going_down.clone());
        let lookup = LookupRpc {
            jobs: jobs.clone(),
            lookup: Lookup::new(&links, lookup_keep_time),
            people: People::new(&links, &account_key),
        };
        let files =
            Files { door: door.clone(), jobs: jobs.clone(), request_time_max, stream_time_max };
        let documents = openapi::router(door.clone());
        let answering = Answering {
            door,
            links,
            request_time_max,
            body_size_max,
            csv_rows_max,
            going_down,
            written: Written::new(),
        };
        let answering = Arc::new(answering);
        let rest = rest::router(Arc::clone(&answering), routes::all());
        let crm = openapi::crm::router(answering, lookup_keep_time);
        let router = rest
            .merge(files.router())
            .merge(pages.router())
            .merge(healthz.router())
            .merge(legacy.router())
            .merge(grpc)
            .merge(documents)
            .merge(crm)
            .fallback(rest::path_unknown)
            .layer(FrontLayer);
        // Before everything else: a browser asks whether it may ask without showing a key.
        let router = match browser::cors(&config.cors_origins)? {
            Some(cors) => router.layer(cors),
            None => router,
        };
        Ok(Self { router, keys, issuers, limits, lookup, jobs })
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
        let Self { keys, issuers, limits, jobs, .. } = self;
        let never = Notify::new();
        tokio::join!(
            repeat("keys", REFRESH_INTERVAL, &never, &stop, || keys.refresh()),
            repeat("usage", FLUSH_INTERVAL, &never, &stop, || keys.flush()),
            issuers.keep(&stop),
            limits.keep(&stop),
            jobs.keep(&stop),
        );
        // The last call was answered: what was counted since is written down too.
        keys.flush().await?;
        Ok(())
    }
}
