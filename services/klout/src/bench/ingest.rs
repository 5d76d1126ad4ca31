//! How fast signals get in, beside what Postgres alone would do with the same rows.

use std::{process::Command, time::Instant};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use klout_chassis::{Configuration, Host, Running, Sources};
use klout_connector::Connector;
use klout_embedded::{Home, Needs, Stores};
use klout_model::{Day, Kind};
use klout_proto::{
    convert::timestamp,
    graph::v1::{BatchCreatePeopleRequest, CreatePersonRequest, LinkedAccount},
    signal::v1::{Account, BatchIngestSignalsRequest, Interaction, Signal, signal::Content},
};
use klout_world::{Edge, Interactions};
use sqlx::{Connection as _, PgConnection};
use time::{OffsetDateTime, Time, macros::date};

use super::Figures;
use crate::{
    client::{Client, retried},
    exit::{Failure, block_on},
    settings::host,
    visible,
};

/// The day that everything is scored as of.
const TODAY: time::Date = date!(2026 - 10 - 31);

/// The same rows every time.
const SEED: u64 = 2_008;

/// Signals in one call, and calls at once: as `klout import` does.
const ROWS_MAX: usize = 1_000;
const IN_FLIGHT_MAX: usize = 4;

/// Measures how many signals a second become durable, and how many a second become scores.
///
/// In each run the same made-up interactions are written three times, each into a fresh database of a
/// private, durable Postgres: by COPY into a bare table with the same unique key; through the connector
/// while its consumers are held; and through all six services, with every account a person, until all
/// scores can be read. Ratios are of rates, run by run.
#[derive(Debug, clap::Args)]
pub(crate) struct Ingest {
    /// How many interactions
    #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(1_000..=100_000_000))]
    rows: u32,
    /// How many accounts they are between
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(2..=100_000_000))]
    accounts: u32,
    /// How often it is measured; the median is printed
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=100))]
    runs: u8,
    /// Prints one line of JSON
    #[arg(long)]
    json: bool,
}

/// One Postgres for all runs, with a database for each measurement.
struct Floor {
    stores: Stores,
    databases: u32,
}

// === impl Ingest ===

impl Ingest {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let edges: Vec<Edge> =
            Interactions::new(SEED, self.accounts, u64::from(self.rows)).collect();
        let mut figures = Figures::default();
        let (mut copied, mut durable, mut drained) = (Vec::new(), Vec::new(), Vec::new());
        let folder = super::folder()?;
        let mut floor = Floor::start(folder.path())?;
        for run in 1..=self.runs {
            let (copy, log, all) = block_on(async {
                let copy = floor.copy(&edges).await?;
                let log = floor.ingest(&edges, false, self.accounts).await?;
                let all = floor.ingest(&edges, true, self.accounts).await?;
                Ok((copy, log, all))
            })?;
            eprintln!("klout: run {run}: COPY {copy:.2} s, durable {log:.2} s, drained {all:.2} s");
            copied.push(copy);
            durable.push(log);
            drained.push(all);
        }
        let rate = |seconds: &f64| f64::from(self.rows) / seconds;
        let ratio = |seconds: &[f64]| {
            copied.iter().zip(seconds).map(|(copy, it)| copy / it).collect::<Vec<_>>()
        };
        figures.add("copy_rows_per_second", copied.iter().map(rate).collect());
        figures.add("durable_rows_per_second", durable.iter().map(rate).collect());
        figures.add("drained_rows_per_second", drained.iter().map(rate).collect());
        figures.add("durable_ratio", ratio(&durable));
        figures.add("drained_ratio", ratio(&drained));
        figures.print("ingest", self.json)
    }
}

// === impl Floor ===

impl Floor {
    fn start(folder: &std::path::Path) -> Result<Self, Failure> {
        let failed = |error: klout_embedded::Error| Failure::failed(&error);
        let home = Home::open(folder).map_err(failed)?;
        let program = std::env::current_exe().map_err(|error| Failure::failed(&error))?;
        let needs = Needs { postgres: true, redis: true, throwaway: false };
        let stores = Stores::start(&home, needs, Command::new(program), |_| {}).map_err(failed)?;
        Ok(Self { stores, databases: 0 })
    }

    /// A database that nothing was written to.
    async fn database(&mut self) -> Result<String, Failure> {
        self.databases += 1;
        let name = format!("bench_{}", self.databases);
        let url = self.stores.postgres_url().unwrap_or_default().to_owned();
        let mut connection = connect(&url).await?;
        execute(&mut connection, format!("create database {name}")).await?;
        // What the runs before left to write is not for this one to wait for.
        execute(&mut connection, "checkpoint".to_owned()).await?;
        Ok(url.replacen("/klout?", &format!("/{name}?"), 1))
    }

    /// Seconds for COPY into a bare table.
    async fn copy(&mut self, edges: &[Edge]) -> Result<f64, Failure> {
        let url = self.database().await?;
        let mut connection = connect(&url).await?;
        let table = "create table bare (subject bigint not null, signal_id uuid not null, \
                     actor bigint not null, kind smallint not null, day integer not null, \
                     count bigint not null, unique (subject, signal_id))";
        execute(&mut connection, table.to_owned()).await?;
        let today = Day::from_date(TODAY);
        let mut rows = String::new();
        for (number, edge) in edges.iter().enumerate() {
            let Edge { subject, actor, kind, age, count } = edge;
            let day = today.minus(u16::from(*age)).number();
            let id = uuid::Uuid::from_u128(scattered(number));
            let kind = kind.code();
            rows.push_str(&format!("{subject}\t{id}\t{actor}\t{kind}\t{day}\t{count}\n"));
        }
        let started = Instant::now();
        let mut copy = connection
            .copy_in_raw("copy bare from stdin")
            .await
            .map_err(|error| Failure::failed(&error))?;
        copy.send(rows.into_bytes()).await.map_err(|error| Failure::failed(&error))?;
        copy.finish().await.map_err(|error| Failure::failed(&error))?;
        Ok(started.elapsed().as_secs_f64())
    }

    /// Seconds through the connector alone, or through everything until scores can be read.
    async fn ingest(&mut self, edges: &[Edge], all: bool, accounts: u32) -> Result<f64, Failure> {
        let url = self.database().await?;
        let host = if all { host() } else { Host::new("klout").with::<Connector>() };
        let running = self.start_services(host, url, all).await?;
        let grpc = format!("http://{}", running.grpc_address);
        let server = grpc.parse::<http::Uri>().map_err(|error| Failure::failed(&error))?;
        let client = Client::connect(server, "").await?;
        if all {
            register(&client, accounts).await?;
            visible::until_scored(&client).await?;
        }
        let calls: Vec<Vec<Signal>> = edges
            .chunks(ROWS_MAX)
            .zip(0..)
            .map(|(edges, chunk)| {
                edges.iter().zip(0..).map(|(edge, row)| signal(edge, chunk, row)).collect()
            })
            .collect();

        let started = Instant::now();
        let calls =
            calls.into_iter().map(|signals| {
                let client = client.clone();
                retried(move || {
                    let (mut client, signals) = (client.signals(), signals.clone());
                    async move {
                        client.batch_ingest_signals(BatchIngestSignalsRequest { signals }).await
                    }
                })
            });
        stream::iter(calls)
            .buffer_unordered(IN_FLIGHT_MAX)
            .try_for_each(|_| std::future::ready(Ok(())))
            .await?;
        if all {
            visible::until_visible(&client).await?;
        }
        let seconds = started.elapsed().as_secs_f64();
        drop(client);
        running.stop().await.map_err(|error| Failure::failed(&error))?;
        Ok(seconds)
    }

    async fn start_services(&self, host: Host, url: String, all: bool) -> Result<Running, Failure> {
        let mut flags = vec![
            ("server.dev", "true".to_owned()),
            ("server.as_of", crate::arguments::print_time(end_of_today())),
            ("server.http_address", "127.0.0.1:0".to_owned()),
            ("server.grpc_address", "127.0.0.1:0".to_owned()),
            ("stores.database_url", url),
            ("stores.redis_url", self.stores.redis_url().unwrap_or_default().to_owned()),
        ];
        if !all {
            // Consumers are held: nobody is there.
            for link in ["links.scoring", "links.social_graph", "links.topics"] {
                flags.push((link, "http://127.0.0.1:1".to_owned()));
            }
        }
        let sources = Sources { flags, ..Sources::default() };
        let configuration = Configuration::load(&host.default_configs(), &sources)?;
        Ok(host.start(&configuration).await?)
    }
}

fn end_of_today() -> OffsetDateTime {
    TODAY.with_time(Time::MIDNIGHT).assume_utc() + time::Duration::hours(23)
}

fn signal(edge: &Edge, chunk: u32, row: u32) -> Signal {
    let named = |account: u32| Some(Account { native_id: account.to_string(), handle: None });
    let Edge { subject, actor, kind, age, count } = edge;
    Signal {
        network: "bluesky".to_owned(),
        signal_id: format!("{chunk}-{row}"),
        time: Some(timestamp(end_of_today() - time::Duration::days(i64::from(*age)))),
        content: Some(Content::Interaction(Interaction {
            actor: named(*actor),
            subject: named(*subject),
            kind: Kind::as_str(*kind).to_owned(),
            count: Some(*count),
            post: None,
        })),
    }
}

/// Makes every account a person.
async fn register(client: &Client, accounts: u32) -> Result<(), Failure> {
    let accounts: Vec<u32> = (0..accounts).collect();
    for accounts in accounts.chunks(ROWS_MAX) {
        let requests: Vec<_> = accounts
            .iter()
            .map(|account| CreatePersonRequest {
                accounts: vec![LinkedAccount {
                    network: "bluesky".to_owned(),
                    native_id: account.to_string(),
                    handle: String::new(),
                }],
            })
            .collect();
        client.graph().batch_create_people(BatchCreatePeopleRequest { requests }).await?;
    }
    Ok(())
}

/// A number of 128 bits that is nowhere near the one before, as hashes are.
fn scattered(number: usize) -> u128 {
    const ODD: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
    (number as u128 + 1).wrapping_mul(ODD)
}

async fn connect(url: &str) -> Result<PgConnection, Failure> {
    PgConnection::connect(url).await.map_err(|error| Failure::failed(&error))
}

async fn execute(connection: &mut PgConnection, statement: String) -> Result<(), Failure> {
    let statement = sqlx::AssertSqlSafe(statement);
    let done = sqlx::raw_sql(statement).execute(connection).await;
    done.map(|_| ()).map_err(|error| Failure::failed(&error))
}
