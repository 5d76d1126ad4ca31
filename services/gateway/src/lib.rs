//! The one public door: REST and gRPC, behind keys, and web pages, which need none.
//!
//! Owns the `gateway` schema and no data. Asks scoring, social-graph and the connector for whoever
//! is outside.

mod browser;
mod call;
mod conditional;
mod config;
mod error;
mod forward;
mod healthz;
mod limits;
mod metrics;
mod pages;
mod problem;
mod rest;
mod routes;
mod rpc;
mod store;
mod transcode;

use axum::Router;
use klout_chassis::{Context, Service};
use klout_proto::profile::v1::{
    key_operator_service_server::{self, KeyOperatorServiceServer},
    lookup_service_server::{self, LookupServiceServer},
    person_data_service_server::{self, PersonDataServiceServer},
};
use klout_telemetry::Metric;
use sqlx::migrate::Migrator;
use tokio_util::sync::CancellationToken;
use tonic::service::RoutesBuilder;
use tower::BoxError;

pub use crate::{config::Config, store::MIGRATOR};
use crate::{
    healthz::Healthz,
    metrics::METRICS,
    pages::Pages,
    rest::Door,
    rpc::{KeyOperatorRpc, LookupRpc, PersonDataRpc},
};

/// The service, built and not yet running.
#[derive(Debug)]
pub struct Gateway {
    router: Router,
    keys: KeyOperatorRpc,
    lookup: LookupRpc,
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

    async fn build(config: Config, context: Context) -> Result<Self, BoxError> {
        let Context { db, links, authentication, going_down, .. } = context;
        let Config { request_time_max, stream_time_max, body_size_max } = config;
        let grpc = forward::router(
            &links,
            authentication.clone(),
            request_time_max,
            stream_time_max,
            &going_down,
        );
        let healthz = Healthz::new(links.to("scoring"), going_down);
        let pages = Pages::new(&links, request_time_max);
        let keys = KeyOperatorRpc { db: db.clone() };
        let lookup = LookupRpc { db, links: links.clone() };
        let rest = rest::router(Door { authentication, links, request_time_max, body_size_max });
        let router = rest
            .merge(pages.router())
            .merge(healthz.router())
            .merge(grpc)
            .fallback(rest::path_unknown);
        Ok(Self { router, keys, lookup })
    }

    fn mount(&self, routes: &mut RoutesBuilder) {
        routes.add_service(KeyOperatorServiceServer::new(self.keys.clone()));
        routes.add_service(LookupServiceServer::new(self.lookup.clone()));
        routes.add_service(PersonDataServiceServer::new(PersonDataRpc));
    }

    fn http(&self) -> Option<Router> {
        Some(self.router.clone())
    }

    async fn work(self, stop: CancellationToken) -> Result<(), BoxError> {
        stop.cancelled().await;
        Ok(())
    }
}
