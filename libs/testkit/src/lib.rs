//! What tests of services stand on: a world of their own each.
//!
//! A test gets a fresh database, its own prefix in Redis and ports that nobody else has, so tests run
//! side by side and leave nothing to one another. The databases are not dropped: `cargo xtask test`
//! throws the whole Postgres away, and a failed test leaves something to look at.

mod books;
mod evidence;
pub mod jetstream;
mod looked;
mod proxy;

use std::{
    collections::BTreeMap,
    fmt,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use klout_chassis::{Configuration, Host, Identity, Link, Links, Running, Sources, Switchboard};
use redis::{
    AsyncCommands as _, ConnectionAddr, IntoConnectionInfo as _, aio::MultiplexedConnection,
};
use secrecy::SecretString;
use sqlx::{Connection as _, PgConnection, PgPool, postgres::PgConnectOptions};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tonic::{
    Status,
    service::Routes,
    transport::{Server, server::TcpIncoming},
};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use uuid::Uuid;

use crate::proxy::Upstream;
pub use crate::{
    books::flaws_of_books,
    evidence::evidence,
    looked::{Looked, Looks},
    proxy::Proxy,
};

/// How long an answer over HTTP may take: as it only ends a failed test.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);

/// How long [`until`] waits: long enough for a loaded machine, as it only ends a failed test.
const PATIENCE: Duration = Duration::from_secs(30);

/// A database and a prefix in Redis that nobody else has.
#[derive(Clone)]
pub struct Stores {
    /// Where the database is.
    pub database_url: String,
    /// Where Redis is; empty: none.
    pub redis_url: String,
    redis_prefix: String,
}

/// Hand-made gRPC services on a port of their own, until it is dropped.
#[derive(Debug)]
pub struct Peer {
    address: String,
    stop: CancellationToken,
    server: JoinHandle<()>,
}

/// A client of HTTP. It trusts nobody's certificates: no test leaves this machine, and a plain client of reqwest
/// panics unless the process has settled whose cryptography it uses.
///
/// # Panics
///
/// When there are no versions of TLS.
#[must_use]
pub fn http_client() -> reqwest::Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has the versions that are safe")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).timeout(ANSWER_TIME_MAX);
    client.build().expect("a client")
}

/// Routes that answer one unary RPC, for a peer of which nothing else is called.
///
/// `path` is as in `/klout.graph.v1.GraphService/GetPerson`.
#[must_use]
pub fn unary<Q, R>(
    path: &'static str,
    answer: impl Fn(Q) -> Result<R, Status> + Clone + Send + Sync + 'static,
) -> Routes
where
    Q: prost::Message + Default + Send + 'static,
    R: prost::Message + Send + 'static,
{
    let handler = move |request: http::Request<axum::body::Body>| {
        let answer = answer.clone();
        async move {
            let service = tower::service_fn(move |request: tonic::Request<Q>| {
                let answered = answer(request.into_inner()).map(tonic::Response::new);
                std::future::ready(answered)
            });
            let codec = tonic_prost::ProstCodec::<R, Q>::default();
            tonic::server::Grpc::new(codec).unary(service, request).await
        }
    };
    Routes::from(axum::Router::new().route(path, axum::routing::post(handler)))
}

// === impl Stores ===

impl Stores {
    /// # Panics
    ///
    /// When DATABASE_URL or REDIS_URL is not set or not there.
    pub async fn fresh() -> Self {
        let server = variable("DATABASE_URL");
        let name = format!("test_{}", Uuid::new_v4().simple());
        let mut connection =
            PgConnection::connect(&server).await.expect("Postgres answers at DATABASE_URL");
        create_database(&mut connection, &name).await;
        connection.close().await.expect("Postgres says goodbye");
        Self {
            database_url: with_database(&server, &name),
            redis_url: variable("REDIS_URL"),
            redis_prefix: name,
        }
    }

    /// Those at these addresses, with a database that nobody else uses.
    #[must_use]
    pub fn at(database_url: String, redis_url: String) -> Self {
        Self { database_url, redis_url, redis_prefix: "test".to_owned() }
    }

    /// The same database, and no Redis.
    #[must_use]
    pub fn without_redis(mut self) -> Self {
        self.redis_url.clear();
        self
    }

    /// The same database behind something that can disturb the way there.
    ///
    /// # Panics
    ///
    /// When the URL of the database cannot be read.
    pub async fn with_disturbed_postgres(mut self) -> (Self, Proxy) {
        let options: PgConnectOptions = self.database_url.parse().expect("a URL of Postgres");
        let port = options.get_port();
        let upstream = if options.get_socket().is_some() || options.get_host().starts_with('/') {
            let folder = options.get_socket().cloned();
            let folder = folder.unwrap_or_else(|| options.get_host().into());
            Upstream::Unix(folder.join(format!(".s.PGSQL.{port}")))
        } else {
            Upstream::Tcp(format!("{}:{port}", options.get_host()))
        };
        let proxy = Proxy::start(upstream).await;
        let user = self.database_url.split_once("://").and_then(|(_, rest)| rest.split_once('@'));
        let user = user.map_or_else(|| options.get_username().to_owned(), |(it, _)| it.to_owned());
        let database = options.get_database().expect("it has a name");
        self.database_url = format!("postgres://{user}@{}/{database}", proxy.address());
        (self, proxy)
    }

    /// The same Redis behind something that can disturb the way there.
    ///
    /// # Panics
    ///
    /// When the URL of Redis cannot be read.
    pub async fn with_disturbed_redis(mut self) -> (Self, Proxy) {
        let info = self.redis_url.as_str().into_connection_info().expect("a URL of Redis");
        let upstream = match info.addr() {
            ConnectionAddr::Tcp(host, port) => Upstream::Tcp(format!("{host}:{port}")),
            ConnectionAddr::Unix(path) => Upstream::Unix(path.clone()),
            ConnectionAddr::TcpTls { .. } | _ => panic!("tests reach Redis without TLS"),
        };
        let proxy = Proxy::start(upstream).await;
        self.redis_url = format!("redis://{}", proxy.address());
        (self, proxy)
    }

    /// A way to look into Redis, and to put things there that do not belong there.
    ///
    /// # Panics
    ///
    /// When Redis does not answer.
    pub async fn redis(&self) -> MultiplexedConnection {
        let client = redis::Client::open(self.redis_url.as_str()).expect("a URL of Redis");
        client.get_multiplexed_async_connection().await.expect("Redis answers")
    }

    /// Every key that is there of ours.
    ///
    /// # Panics
    ///
    /// When Redis does not answer.
    pub async fn redis_keys(&self) -> Vec<String> {
        let pattern = format!("{}:*", self.redis_prefix);
        self.redis().await.keys(pattern).await.expect("Redis answers")
    }

    /// What a key holds that is a number.
    ///
    /// # Panics
    ///
    /// When Redis does not answer.
    pub async fn redis_number(&self, key: &str) -> Option<u64> {
        self.redis().await.get(key).await.expect("Redis answers")
    }

    /// Redis loses everything of ours.
    ///
    /// # Panics
    ///
    /// When Redis does not answer.
    pub async fn flush_redis(&self) {
        let keys = self.redis_keys().await;
        if !keys.is_empty() {
            let gone: Result<usize, _> = self.redis().await.del(keys).await;
            gone.expect("Redis answers");
        }
    }

    /// A way to look inside.
    ///
    /// # Panics
    ///
    /// When Postgres does not answer.
    pub async fn db(&self) -> PgPool {
        let url = SecretString::from(self.database_url.clone());
        klout_store::connect(&url, "test", 4).await.expect("Postgres answers")
    }

    /// The settings that lead a process here.
    #[must_use]
    pub fn flags(&self) -> Vec<(&'static str, String)> {
        vec![
            ("stores.database_url", self.database_url.clone()),
            ("stores.redis_url", self.redis_url.clone()),
            ("stores.redis_prefix", self.redis_prefix.clone()),
            // Many tests share one Postgres.
            ("stores.database_connections_max", "4".to_owned()),
        ]
    }
}

impl fmt::Debug for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stores({})", self.redis_prefix)
    }
}

// === impl Peer ===

impl Peer {
    /// Serves `routes` as they are: without layers, tokens or health.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    pub async fn serve(routes: Routes) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("a bound port"));
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        #[expect(clippy::disallowed_methods, reason = "ended when the peer is dropped")]
        let server = tokio::spawn(async move {
            Server::builder()
                .add_routes(routes)
                .serve_with_incoming_shutdown(TcpIncoming::from(listener), stopped)
                .await
                .expect("the peer serves");
        });
        Self { address, stop, server }
    }

    /// For a `links.SERVICE` setting.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Something that can disturb the way there.
    pub async fn disturbed(&self) -> Proxy {
        let address = self.address.trim_start_matches("http://").to_owned();
        Proxy::start(Upstream::Tcp(address)).await
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.stop.cancel();
        self.server.abort();
    }
}

/// Reads the configuration that [`start`] uses.
///
/// # Panics
///
/// When a flag cannot be.
#[must_use]
pub fn configuration(
    host: &Host,
    stores: &Stores,
    flags: &[(&'static str, &str)],
) -> Configuration {
    let mut all = stores.flags();
    all.push(("server.dev", "true".to_owned()));
    // Most tests have nobody who says who left.
    all.push(("server.catch_up_time_max", "0s".to_owned()));
    all.push(("server.grpc_address", "127.0.0.1:0".to_owned()));
    all.push(("server.http_address", "127.0.0.1:0".to_owned()));
    all.extend(flags.iter().map(|(setting, value)| (*setting, (*value).to_owned())));
    let sources = Sources { flags: all, ..Sources::default() };
    Configuration::load(&host.default_configs(), &sources).expect("the configuration is right")
}

/// Starts `host` with `--dev` on free ports and these stores.
///
/// # Panics
///
/// When it does not start.
pub async fn start(host: Host, stores: &Stores, flags: &[(&'static str, &str)]) -> Running {
    let configuration = configuration(&host, stores, flags);
    match host.start(&configuration).await {
        Ok(running) => running,
        Err(error) => panic!("the process starts: {}", klout_chassis::Chain(&error)),
    }
}

/// What a generated client is put on; it carries a token that the process accepts.
#[must_use]
pub fn link(running: &Running) -> Link {
    link_to(running.grpc_address)
}

/// The same for a process of which only the address is known.
///
/// # Panics
///
/// Never: an address of a socket can be linked to.
#[must_use]
pub fn link_to(address: SocketAddr) -> Link {
    let host = Host::new("test");
    let sources = Sources { flags: vec![("server.dev", "true".to_owned())], ..Sources::default() };
    let key = Configuration::load(&host.default_configs(), &sources)
        .and_then(|configuration| configuration.server()?.token_key())
        .expect("`--dev` has a key");
    let addresses = BTreeMap::from([("peer".to_owned(), format!("http://{address}"))]);
    Links::new(&addresses, Switchboard::default(), Identity::new("test", key))
        .expect("an address of a socket")
        .to("peer")
}

/// Whether the process says that `service` serves: a section name, the full name of a gRPC service, or
/// `""` for all.
///
/// # Panics
///
/// When it does not answer, or does not know the service.
pub async fn health(running: &Running, service: &str) -> bool {
    let request = HealthCheckRequest { service: service.to_owned() };
    let checked = HealthClient::new(link(running)).check(request).await;
    let status = checked.expect("health answers").into_inner().status();
    status == ServingStatus::Serving
}

/// Asks again and again until `condition` holds.
///
/// # Panics
///
/// When it does not hold for half a minute; the message is `what`.
pub async fn until(what: &str, condition: impl AsyncFnMut() -> bool) {
    until_within(PATIENCE, what, condition).await;
}

/// As [`until`], for what may take longer than half a minute where other tests run beside.
///
/// # Panics
///
/// When it does not hold for as long as that; the message is `what`.
pub async fn until_within(
    patience: Duration,
    what: &str,
    mut condition: impl AsyncFnMut() -> bool,
) {
    let end = Instant::now() + patience;
    while !condition().await {
        assert!(Instant::now() < end, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// # Panics
///
/// When the variable is not set.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "`cargo xtask test` says where its stores are")]
pub fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run `cargo xtask test`, or `cargo xtask stores` beside")
    })
}

async fn create_database(connection: &mut PgConnection, name: &str) {
    let statement = sqlx::AssertSqlSafe(format!("create database {name}"));
    sqlx::query(statement).execute(connection).await.expect("a fresh database");
}

/// `url` with another database.
fn with_database(url: &str, name: &str) -> String {
    let (address, options) =
        url.split_once('?').map_or((url, ""), |(address, rest)| (address, rest));
    let (server, _) = address.rsplit_once('/').expect("DATABASE_URL names a database");
    if options.is_empty() {
        format!("{server}/{name}")
    } else {
        format!("{server}/{name}?{options}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_of_a_url_is_replaced_and_its_options_stay() {
        assert_eq!(with_database("postgres://a@b:1/c", "d"), "postgres://a@b:1/d");
        assert_eq!(with_database("postgres://a@b/c?host=/x/y", "d"), "postgres://a@b/d?host=/x/y");
    }
}
