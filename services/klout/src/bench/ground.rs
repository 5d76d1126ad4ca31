//! What benches stand on: stores of their own, and the services on them.

use std::{net::SocketAddr, path::Path, process::Command};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use klout_chassis::{Clock, Configuration, Host, Running, Sources, TokenKey};
use klout_embedded::{Home, Needs, Stores};
use klout_model::{Day, Kind, Purpose};
use klout_proto::{
    convert::timestamp,
    graph::v1::{
        BatchCreatePeopleRequest, CreatePersonRequest, LinkedAccount, create_person_result,
    },
    profile::v1::CreateKeyRequest,
    signal::v1::{Account, BatchIngestSignalsRequest, Interaction, Signal, signal::Content},
};
use klout_world::Edge;
use sqlx::{Connection as _, PgConnection};
use time::{Date, OffsetDateTime, Time, macros::date};
use tokio::runtime::{Builder, Runtime};

use crate::{
    client::{Client, retried},
    exit::Failure,
    settings::host,
};

/// The day that everything is scored as of.
pub(super) const TODAY: Date = date!(2026 - 10 - 31);

/// The network that all accounts are on.
pub(super) const NETWORK: &str = "bluesky";

/// A secret of the bench alone.
const TOKEN_SECRET: &str = "a secret that a bench has for as long as it runs";

/// Rows in one call: as `klout import` does.
const ROWS_MAX: usize = 1_000;

/// Calls at once, likewise.
const IN_FLIGHT_MAX: usize = 4;

/// A Postgres that writes durably and a Redis, for all runs, with a database for each measurement.
pub(super) struct Ground {
    stores: Stores,
    databases: u32,
}

// === impl Ground ===

impl Ground {
    pub(super) fn start(folder: &Path) -> Result<Self, Failure> {
        let failed = |error: klout_embedded::Error| Failure::failed(&error);
        let home = Home::open(folder).map_err(failed)?;
        let program = std::env::current_exe().map_err(|error| Failure::failed(&error))?;
        let needs = Needs { postgres: true, redis: true, throwaway: false };
        let stores = Stores::start(&home, needs, Command::new(program), |_| {}).map_err(failed)?;
        Ok(Self { stores, databases: 0 })
    }

    /// The URL of a database that nothing was written to.
    pub(super) async fn database(&mut self) -> Result<String, Failure> {
        self.databases += 1;
        let name = format!("bench_{}", self.databases);
        let url = self.stores.postgres_url().unwrap_or_default().to_owned();
        let mut connection = connect(&url).await?;
        execute(&mut connection, format!("create database {name}")).await?;
        // What the runs before left to write is not for this one to wait for.
        execute(&mut connection, "checkpoint".to_owned()).await?;
        Ok(url.replacen("/klout?", &format!("/{name}?"), 1))
    }

    /// Starts the services of a host on a database, in this process, on free ports and open to callers
    /// without a token. `flags` are further settings.
    pub(super) async fn services(
        &self,
        host: Host,
        database_url: String,
        flags: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Result<Running, Failure> {
        let redis_url = self.stores.redis_url().unwrap_or_default().to_owned();
        let mut all = vec![
            ("server.dev", "true".to_owned()),
            ("server.as_of", crate::arguments::print_time(end_of_today())),
            ("server.http_address", "127.0.0.1:0".to_owned()),
            ("server.grpc_address", "127.0.0.1:0".to_owned()),
            ("stores.database_url", database_url),
            ("stores.redis_url", redis_url),
        ];
        all.extend(flags);
        let sources = Sources { flags: all, ..Sources::default() };
        let configuration = Configuration::load(&host.default_configs(), &sources)?;
        Ok(host.start(&configuration).await?)
    }
}

/// Logs, spans and numbers of this process, as a process that serves has them; but for what it says about
/// coming and going.
pub(super) fn telemetry() -> Result<impl Drop, Failure> {
    let host = host();
    let log = "info,klout_chassis::host=error,sqlx::postgres::notice=warn".to_owned();
    let sources = Sources { flags: vec![("telemetry.log", log)], ..Sources::default() };
    let configuration = Configuration::load(&host.default_configs(), &sources)?;
    Ok(host.telemetry(&configuration)?)
}

/// A client of what runs, without a token.
pub(super) async fn client(running: &Running) -> Result<Client, Failure> {
    client_with(running, "").await
}

/// A client of what runs.
pub(super) async fn client_with(running: &Running, token: &str) -> Result<Client, Failure> {
    let server = format!("http://{}", running.grpc_address);
    let server = server.parse::<http::Uri>().map_err(|error| Failure::failed(&error))?;
    Client::connect(server, token).await
}

/// A key as a customer has it, without limits; without scopes of its own, with those that keys have if nothing else is
/// said. Whoever shows none is the operator here.
pub(super) async fn customers_key(running: &Running, scopes: &[&str]) -> Result<String, Failure> {
    let request = CreateKeyRequest {
        name: "bench".to_owned(),
        purpose: Purpose::Crm.as_str().to_owned(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        calls_per_second: Some(0),
        calls_per_day: Some(0),
        ..Default::default()
    };
    let made = client(running).await?.keys().create_key(request).await?;
    Ok(made.into_inner().secret)
}

/// Where it answers over REST.
pub(super) fn rest_address(running: &Running) -> Result<SocketAddr, Failure> {
    running.http_address.ok_or_else(|| Failure::Failed("nothing answers over REST".to_owned()))
}

/// What the clock says.
pub(super) fn end_of_today() -> OffsetDateTime {
    TODAY.with_time(Time::MIDNIGHT).assume_utc() + time::Duration::hours(23)
}

/// The same as days of the model.
pub(super) fn today() -> Day {
    Day::from_date(TODAY)
}

/// Makes each of the accounts 0..`accounts` a person. Returns the people, in that order.
pub(super) async fn register(client: &Client, accounts: u32) -> Result<Vec<String>, Failure> {
    let all: Vec<u32> = (0..accounts).collect();
    let mut people = Vec::with_capacity(all.len());
    for accounts in all.chunks(ROWS_MAX) {
        let requests: Vec<_> = accounts
            .iter()
            .map(|account| CreatePersonRequest {
                accounts: vec![LinkedAccount {
                    network: NETWORK.to_owned(),
                    native_id: account.to_string(),
                    handle: String::new(),
                    ..Default::default()
                }],
                ..CreatePersonRequest::default()
            })
            .collect();
        let request = BatchCreatePeopleRequest { requests };
        let response = client.graph().batch_create_people(request).await?;
        for result in response.into_inner().results {
            let Some(create_person_result::Result::Created(made)) = result.result else {
                return Err(Failure::Failed("an account was not made a person".to_owned()));
            };
            people.push(made.person.unwrap_or_default().person);
        }
    }
    Ok(people)
}

/// A made-up interaction as a signal, which `chunk` and `row` name.
pub(super) fn signal(edge: &Edge, chunk: u32, row: u32) -> Signal {
    let named = |account: u32| Some(Account { native_id: account.to_string(), handle: None });
    let Edge { subject, actor, kind, age, count } = edge;
    Signal {
        network: NETWORK.to_owned(),
        signal_id: format!("{chunk}-{row}"),
        time: Some(timestamp(end_of_today() - time::Duration::days(i64::from(*age)))),
        content: Some(Content::Interaction(Interaction {
            actor: named(*actor),
            subject: named(*subject),
            kind: Kind::as_str(*kind).to_owned(),
            count: Some(*count),
            post: None,
            label: None,
        })),
    }
}

/// The interactions as signals, cut into calls.
pub(super) fn calls(edges: &[Edge]) -> Vec<Vec<Signal>> {
    let call = |(edges, chunk): (&[Edge], u32)| {
        edges.iter().zip(0..).map(|(edge, row)| signal(edge, chunk, row)).collect()
    };
    edges.chunks(ROWS_MAX).zip(0..).map(call).collect()
}

/// Sends calls full of signals, as `klout import` does: some at once, each until it is acknowledged.
pub(super) async fn send(client: &Client, calls: Vec<Vec<Signal>>) -> Result<(), Failure> {
    let calls = calls.into_iter().map(|signals| {
        let client = client.clone();
        retried(move || {
            let (mut client, signals) = (client.signals(), signals.clone());
            async move { client.batch_ingest_signals(BatchIngestSignalsRequest { signals }).await }
        })
    });
    let acknowledged = stream::iter(calls).buffer_unordered(IN_FLIGHT_MAX);
    Ok(acknowledged.try_for_each(|_| std::future::ready(Ok(()))).await?)
}

pub(super) async fn connect(url: &str) -> Result<PgConnection, Failure> {
    PgConnection::connect(url).await.map_err(|error| Failure::failed(&error))
}

pub(super) async fn execute(
    connection: &mut PgConnection,
    statement: String,
) -> Result<(), Failure> {
    let statement = sqlx::AssertSqlSafe(statement);
    let done = sqlx::raw_sql(statement).execute(connection).await;
    done.map(|_| ()).map_err(|error| Failure::failed(&error))
}

/// A token that processes with [`settings`] accept.
pub(super) fn token() -> Result<String, Failure> {
    let key = TokenKey::new(TOKEN_SECRET.as_bytes());
    let now = Clock::running().now();
    key.mint("bench", "bench", now, time::Duration::hours(12))
        .map_err(|error| Failure::failed(&error))
}

/// What sets the processes of a bench apart that share their stores.
pub(super) fn settings(name: &str) -> [(&'static str, String); 2] {
    [
        ("server.token_secret", TOKEN_SECRET.to_owned()),
        ("stores.redis_prefix", format!("bench-{name}")),
    ]
}

/// A runtime of one thread of that name.
pub(super) fn runtime(name: &str) -> Result<Runtime, Failure> {
    Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name(name)
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("could not start threads: {error}")))
}

pub(super) fn stop(server: &Runtime, running: Running) -> Result<(), Failure> {
    server.block_on(running.stop()).map_err(|error| Failure::failed(&error))
}
