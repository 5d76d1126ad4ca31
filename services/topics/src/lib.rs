//! Will say what a person is influential about.
//!
//! Owns the `topics` schema. It answers nothing yet: it mounts and is healthy, so that processes,
//! migrations and health have their final shape.

mod store;

use klout_chassis::{Context, Service};
use serde::Deserialize;
use sqlx::migrate::Migrator;
use tokio_util::sync::CancellationToken;
use tonic::service::RoutesBuilder;
use tower::BoxError;

pub use crate::store::MIGRATOR;

/// The service, built and not yet running.
#[derive(Debug)]
pub struct Topics;

/// Nothing can be set yet.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {}

impl Service for Topics {
    const NAME: &'static str = "topics";
    const RPC_SERVICES: &'static [&'static str] = &[];
    const DEFAULT_CONFIG: &'static str = include_str!("../config.default.toml");
    const MIGRATOR: &'static Migrator = &MIGRATOR;
    type Config = Config;

    async fn build(_: Config, _: Context) -> Result<Self, BoxError> {
        Ok(Self)
    }

    fn mount(&self, _: &mut RoutesBuilder) {}

    async fn work(self, stop: CancellationToken) -> Result<(), BoxError> {
        stop.cancelled().await;
        Ok(())
    }
}
