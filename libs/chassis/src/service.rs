//! What a microservice is, to the process that hosts it.

use klout_model::AccountKey;
use klout_store::Cache;
use klout_telemetry::Metric;
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use sqlx::{PgPool, migrate::Migrator};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::service::RoutesBuilder;
use tower::BoxError;

use crate::{Authentication, Clock, Links, Lookups, Shortcuts, config::ConfigError};

/// What the host hands to a service that is being built.
#[derive(Clone, Debug)]
pub struct Context {
    /// The service's own pool. Its schema is migrated.
    pub db: PgPool,
    /// The same database past all poolers, for [`klout_store::listen`].
    pub database_url_direct: SecretString,
    pub cache: Cache,
    pub links: Links,
    pub clock: Clock,
    pub account_key: AccountKey,
    pub authentication: Authentication,
    /// Where a service that shows people says to whom.
    pub lookups: Lookups,
    /// Cancelled when the process is about to stop and callers should go elsewhere.
    pub going_down: CancellationToken,
    /// Whoever has to hear who left before it shows anybody holds a token of it until then.
    pub catching_up: TaskTracker,
}

/// A microservice, as the process that hosts it sees it.
pub trait Service: Sized + Send + 'static {
    /// Its section of the configuration, its schema, and its name in logs and links.
    const NAME: &'static str;

    /// The gRPC services that it answers, for health.
    const RPC_SERVICES: &'static [&'static str];

    /// Paths of its RPCs that stream their request and may take longer.
    const STREAMING_RPCS: &'static [&'static str] = &[];

    /// Its section of the configuration, with every setting and its comment.
    const DEFAULT_CONFIG: &'static str;

    /// Every number that it tells, besides those of every process.
    const METRICS: &'static [Metric] = &[];

    /// Creates and upgrades its schema.
    const MIGRATOR: &'static Migrator;

    type Config: DeserializeOwned + Send + 'static;

    /// Checks what the types of the configuration cannot.
    ///
    /// # Errors
    ///
    /// When a setting cannot be.
    fn check(_config: &Self::Config) -> Result<(), ConfigError> {
        Ok(())
    }

    /// Checks that every secret is there that only a process does without that was started with `dev`.
    ///
    /// # Errors
    ///
    /// When one is missing.
    fn check_secrets(_config: &Self::Config) -> Result<(), ConfigError> {
        Ok(())
    }

    /// Prepares everything the service needs. Reads no environment, binds no port and starts no
    /// task: that is the host's part.
    fn build(
        config: Self::Config,
        context: Context,
    ) -> impl Future<Output = Result<Self, BoxError>> + Send;

    /// Adds the gRPC services that it answers.
    fn mount(&self, routes: &mut RoutesBuilder);

    /// Adds those of its RPCs that it answers to others of its process without gRPC in between.
    fn shorten(&self, _shortcuts: &mut Shortcuts) {}

    /// What it answers over HTTP, if anything.
    fn http(&self) -> Option<axum::Router> {
        None
    }

    /// Does what it does unasked, until `stop` is cancelled: after the last call was answered, before
    /// telemetry is flushed.
    fn work(self, stop: CancellationToken) -> impl Future<Output = Result<(), BoxError>> + Send;
}
