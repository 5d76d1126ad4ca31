//! A process: which services it hosts, and how they come up.

use std::{fmt, net::SocketAddr, pin::Pin};

use axum::{Router, response::IntoResponse as _};
use http::StatusCode;
use klout_store::{Cache, CacheError, ConnectError};
use klout_telemetry::Metric;
use secrecy::ExposeSecret as _;
use sqlx::{PgPool, migrate::Migrator};
use tokio::{net::TcpListener, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::service::{Routes, RoutesBuilder};
use tower::{BoxError, Layer as _};
use tracing::{info, warn};

use crate::{
    auth::Authentication,
    config::{ConfigError, Configuration, LinksConfig, StoresConfig},
    deadline::CallLimits,
    health::Health,
    layers::Guard,
    link::{Identity, LinkInvalid, Links, Switchboard},
    lookups::Lookups,
    numbers::{self, Pools},
    running::{Running, Signals, StopError},
    service::{Context, Service},
    shortcut::Shortcuts,
};

/// The services that a process can host, and those that it does.
///
/// Everything is built before anything is started, and ports are bound before both, so that a taken
/// port is found at once and a test can ask for port 0.
#[derive(Debug)]
pub struct Host {
    name: &'static str,
    known: Vec<Entry>,
}

/// A service that is known by its type, as a value.
#[derive(Clone, Copy)]
struct Entry {
    name: &'static str,
    rpc_services: &'static [&'static str],
    streaming_rpcs: &'static [&'static str],
    default_config: &'static str,
    migrator: &'static Migrator,
    metrics: &'static [Metric],
    hosted: bool,
    check: fn(&Configuration, dev: bool) -> Result<(), ConfigError>,
    build: fn(&Configuration, Context) -> Result<Building, ConfigError>,
}

type Building = Pin<Box<dyn Future<Output = Result<Box<dyn Built>, BoxError>> + Send>>;

type Working = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;

/// A service that is built and not yet running.
trait Built: Send {
    fn mount(&self, routes: &mut RoutesBuilder);
    fn shorten(&self, shortcuts: &mut Shortcuts);
    fn http(&self) -> Option<Router>;
    fn work(self: Box<Self>, stop: CancellationToken) -> Working;
}

/// What kept a process from starting.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Link(#[from] LinkInvalid),
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error("there is no service `{0}`; there are {1}")]
    ServiceUnknown(String, String),
    #[error("`server.{setting}`: could not listen on {address}")]
    Bind {
        setting: &'static str,
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
    #[error("could not prepare the database of `{service}`")]
    Database {
        service: &'static str,
        #[source]
        source: ConnectError,
    },
    #[error("could not build `{service}`")]
    Build {
        service: &'static str,
        #[source]
        source: BoxError,
    },
    #[error("could not set up reflection")]
    Reflection(#[source] tonic_reflection::server::Error),
    #[error("could not set up telemetry")]
    Telemetry(#[source] klout_telemetry::Error),
}

/// What ended a process that was asked to serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Stop(#[from] StopError),
}

// === impl Host ===

impl Host {
    /// `name` is how the process calls itself in traces and tokens.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, known: Vec::new() }
    }

    /// Hosts `S` too.
    #[must_use]
    pub fn with<S: Service>(mut self) -> Self {
        self.known.push(Entry {
            name: S::NAME,
            rpc_services: S::RPC_SERVICES,
            streaming_rpcs: S::STREAMING_RPCS,
            default_config: S::DEFAULT_CONFIG,
            migrator: S::MIGRATOR,
            metrics: S::METRICS,
            hosted: true,
            check: |configuration, dev| {
                let config = configuration.section(S::NAME)?;
                S::check(&config)?;
                if dev { Ok(()) } else { S::check_secrets(&config) }
            },
            build: |configuration, context| {
                let config = configuration.section(S::NAME)?;
                Ok(Box::pin(async move {
                    let service = S::build(config, context).await?;
                    Ok(Box::new(service) as Box<dyn Built>)
                }))
            },
        });
        self
    }

    /// Hosts only the services named: by their section, or as on the command line with `-` for `_`.
    ///
    /// # Errors
    ///
    /// When there is none of that name.
    pub fn only<N: AsRef<str>>(mut self, names: &[N]) -> Result<Self, StartError> {
        for name in names {
            let section = name.as_ref().replace('-', "_");
            if !self.known.iter().any(|entry| entry.name == section) {
                let all: Vec<_> = self.known.iter().map(|entry| entry.name).collect();
                return Err(StartError::ServiceUnknown(name.as_ref().to_owned(), all.join(", ")));
            }
        }
        for entry in &mut self.known {
            entry.hosted = names.iter().any(|name| name.as_ref().replace('-', "_") == entry.name);
        }
        Ok(self)
    }

    /// The names of all services that are hosted.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.hosted().map(|entry| entry.name).collect()
    }

    /// The default configuration of every service that can be hosted, so that one file does for
    /// processes that host different ones.
    #[must_use]
    pub fn default_configs(&self) -> Vec<&'static str> {
        self.known.iter().map(|entry| entry.default_config).collect()
    }

    /// Brings the schemas of all hosted services up to date.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached or a migration fails.
    pub async fn migrate(&self, configuration: &Configuration) -> Result<(), StartError> {
        let stores = configuration.stores()?;
        for entry in self.hosted() {
            entry.open_database(&stores).await?.close().await;
            info!(service = entry.name, "the schema is up to date");
        }
        Ok(())
    }

    /// Checks everything that can be checked without a port or a connection.
    ///
    /// # Errors
    ///
    /// When a setting is missing, unknown or cannot be.
    pub fn check(&self, configuration: &Configuration) -> Result<(), StartError> {
        let server = configuration.server()?;
        server.clock()?;
        server.account_key()?;
        server.token_key()?;
        configuration.http()?;
        configuration.stores()?;
        configuration.section::<LinksConfig>("links")?;
        configuration.section::<klout_telemetry::Config>("telemetry")?;
        for entry in self.hosted() {
            (entry.check)(configuration, server.dev)?;
        }
        Ok(())
    }

    /// Sets logs, traces and metrics up, as configured; dropping the result flushes them.
    ///
    /// # Errors
    ///
    /// When its settings cannot be, or they were set up before.
    pub fn telemetry(
        &self,
        configuration: &Configuration,
    ) -> Result<klout_telemetry::Telemetry, StartError> {
        let telemetry = configuration.section("telemetry")?;
        // In traces, who hosts one service alone is that service.
        let process = match self.names().as_slice() {
            [service] => format!("{}-{}", self.name, service.replace('_', "-")),
            _ => self.name.to_owned(),
        };
        klout_telemetry::init(&telemetry, process).map_err(StartError::Telemetry)
    }

    /// Serves until a signal ends it, with logs and traces set up.
    ///
    /// `ready` is called with the addresses once everything answers.
    ///
    /// # Errors
    ///
    /// When it could not start, when a service failed, or when it did not go down in time.
    pub async fn serve(
        self,
        configuration: &Configuration,
        ready: impl FnOnce(&Running),
    ) -> Result<(), ServeError> {
        self.check(configuration)?;
        // Dropped last, which flushes it.
        let _telemetry = self.telemetry(configuration)?;
        let mut signals = Signals::listen();
        let running = tokio::select! {
            running = self.start(configuration) => running?,
            () = signals.next() => return Ok(()),
        };
        ready(&running);
        running.until_signalled(&mut signals).await?;
        Ok(())
    }

    /// Starts everything. When this returns, all services answer.
    ///
    /// # Errors
    ///
    /// When the configuration cannot be, a port is taken, a store is not there, or a service cannot
    /// be built. Nothing is left running then.
    pub async fn start(self, configuration: &Configuration) -> Result<Running, StartError> {
        self.check(configuration)?;
        let server = configuration.server()?;
        let stores = configuration.stores()?;
        let http_limits = configuration.http()?;
        let token_key = server.token_key()?;
        let authentication = Authentication::new(
            token_key.clone(),
            server.dev,
            server.calls_max,
            server.calls_per_caller_max,
        );

        let serves_http = self.hosted().any(|entry| entry.name == "gateway");
        let grpc_listener = bind("grpc_address", server.grpc_address).await?;
        let http_listener =
            if serves_http { Some(bind("http_address", server.http_address).await?) } else { None };

        let names: Vec<&'static str> = self
            .hosted()
            .flat_map(|entry| std::iter::once(&entry.name).chain(entry.rpc_services))
            .copied()
            .collect();
        let (health, front) = Health::not_serving(&names, &authentication, server.grpc_address)
            .await
            .map_err(StartError::Reflection)?;
        // Our own services call one another as soon as they are built, others when we know whom not to show.
        let (switchboard, outer) = (Switchboard::default(), Switchboard::default());
        let http_switchboard = Switchboard::answering(|| {
            (StatusCode::SERVICE_UNAVAILABLE, "still starting\n").into_response()
        });
        let mut running = Running::listening(
            health,
            names,
            (grpc_listener, front, outer.clone()),
            http_listener.map(|listener| (listener, http_switchboard.clone(), http_limits)),
            server.clock()?,
            &server,
        );
        let account_key = server.account_key()?;
        let identity = Identity::new(self.name, token_key);
        let links = Links::new(&configuration.section("links")?, switchboard.clone(), identity)?;
        let cache = match stores.redis_url.expose_secret() {
            "" => Cache::none(),
            _ => Cache::connect(&stores.redis_url, &stores.redis_prefix, stores.redis_time_max)?,
        };

        numbers::METRICS.iter().for_each(Metric::describe);
        let lookups = Lookups::new();
        let mut pools = Pools::default();
        let catching_up = TaskTracker::new();
        let mut built = Vec::new();
        for entry in self.hosted() {
            entry.metrics.iter().for_each(Metric::describe);
            let db = entry.open_database(&stores).await?;
            running.pools.push(db.clone());
            pools.add(entry.name, db.clone(), stores.database_connections_max);
            let context = Context {
                db,
                database_url_direct: stores.database_url_direct.clone(),
                cache: cache.clone(),
                links: links.clone(),
                clock: running.clock.clone(),
                account_key: account_key.clone(),
                authentication: authentication.clone(),
                lookups: lookups.clone(),
                going_down: running.going_down.clone(),
                catching_up: catching_up.clone(),
            };
            let service = (entry.build)(configuration, context)?
                .await
                .map_err(|source| StartError::Build { service: entry.name, source })?;
            built.push((entry.name, service));
        }

        let (mut routes, mut shortcuts) = (Routes::builder(), Shortcuts::default());
        for (_, service) in &built {
            service.mount(&mut routes);
            service.shorten(&mut shortcuts);
        }
        let limits = CallLimits {
            request_time_max: server.request_time_max,
            stream_time_max: server.stream_time_max,
            streaming: self
                .hosted()
                .flat_map(|entry| entry.streaming_rpcs)
                .map(|path| (*path).to_owned())
                .collect(),
        };
        let routes = routes.routes().prepare().into_axum_router();
        let routes = Guard::new(authentication, limits, shortcuts).layer(routes);
        switchboard.connect(routes.clone());
        let http = built.iter().find_map(|(_, service)| service.http());

        for (name, service) in built {
            running.work(name, |stop| service.work(stop));
        }
        let graph = links.to("social_graph");
        running.work("look-ups", |stop| lookups.keep(graph, stop));
        running.work("numbers", |stop| numbers::keep(pools, stop));
        // A service that was restored from a backup shows nobody who left since. When nobody can say who did, it serves
        // nevertheless: else nothing could be started without social-graph.
        catching_up.close();
        if timeout(server.catch_up_time_max, catching_up.wait()).await.is_err() {
            warn!("serving without having heard who left: social-graph does not answer");
        }
        outer.connect(routes);
        if let Some(http) = http {
            // With its state, which is none: else each request makes its route and the layers around it anew.
            http_switchboard.connect(http.with_state(()));
        }
        running.serving().await;
        info!(grpc = %running.grpc_address, http = ?running.http_address, "serving");
        for relaxed in server.relaxed() {
            warn!("--dev: {relaxed}");
        }
        Ok(running)
    }

    fn hosted(&self) -> impl Iterator<Item = &Entry> {
        self.known.iter().filter(|entry| entry.hosted)
    }
}

// === impl Entry ===

impl Entry {
    async fn open_database(&self, stores: &StoresConfig) -> Result<PgPool, StartError> {
        let failed = |source| StartError::Database { service: self.name, source };
        let direct = klout_store::connect(&stores.database_url_direct, self.name, 1)
            .await
            .map_err(failed)?;
        klout_store::migrate(&direct, self.migrator).await.map_err(failed)?;
        direct.close().await;
        klout_store::connect(&stores.database_url, self.name, stores.database_connections_max)
            .await
            .map_err(failed)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

// === impl Built ===

impl<S: Service> Built for S {
    fn mount(&self, routes: &mut RoutesBuilder) {
        Service::mount(self, routes);
    }

    fn shorten(&self, shortcuts: &mut Shortcuts) {
        Service::shorten(self, shortcuts);
    }

    fn http(&self) -> Option<Router> {
        Service::http(self)
    }

    fn work(self: Box<Self>, stop: CancellationToken) -> Working {
        Box::pin(Service::work(*self, stop))
    }
}

async fn bind(setting: &'static str, address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| StartError::Bind { setting, address, source })
}
