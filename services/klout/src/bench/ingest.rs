//! How fast signals get in, beside what Postgres alone would do with the same rows.

use std::time::Instant;

use klout_chassis::Host;
use klout_connector::Connector;
use klout_world::{Edge, Interactions};

use super::{
    Figures,
    ground::{self, Ground, calls, connect, execute, register, send, today},
};
use crate::{
    exit::{Failure, block_on},
    settings::host,
    visible,
};

/// The same rows every time.
const SEED: u64 = 2_008;

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

// === impl Ingest ===

impl Ingest {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let edges: Vec<Edge> =
            Interactions::new(SEED, self.accounts, u64::from(self.rows)).collect();
        let mut figures = Figures::default();
        let (mut copied, mut durable, mut drained) = (Vec::new(), Vec::new(), Vec::new());
        let folder = super::folder()?;
        let mut ground = Ground::start(folder.path())?;
        for run in 1..=self.runs {
            let (copy, log, all) = block_on(async {
                let copy = copy(&mut ground, &edges).await?;
                let log = ingest(&mut ground, &edges, None).await?;
                let all = ingest(&mut ground, &edges, Some(self.accounts)).await?;
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

/// Seconds for COPY into a bare table.
async fn copy(ground: &mut Ground, edges: &[Edge]) -> Result<f64, Failure> {
    let mut connection = connect(&ground.database().await?).await?;
    let table = "create table bare (subject bigint not null, signal_id uuid not null, \
                 actor bigint not null, kind smallint not null, day integer not null, \
                 count bigint not null, unique (subject, signal_id))";
    execute(&mut connection, table.to_owned()).await?;
    let mut rows = String::new();
    for (number, edge) in edges.iter().enumerate() {
        let Edge { subject, actor, kind, age, count } = edge;
        let day = today().minus(u16::from(*age)).number();
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

/// Seconds through the connector alone, or with so many accounts as people through everything until
/// scores can be read.
async fn ingest(ground: &mut Ground, edges: &[Edge], people: Option<u32>) -> Result<f64, Failure> {
    let url = ground.database().await?;
    let running = match people {
        Some(_) => ground.services(host(), url, []).await?,
        None => {
            // Consumers are held: nobody is there.
            let nobody = || "http://127.0.0.1:1".to_owned();
            let links = ["links.scoring", "links.social_graph", "links.topics"];
            let host = Host::new("klout").with::<Connector>();
            ground.services(host, url, links.map(|link| (link, nobody()))).await?
        }
    };
    let client = ground::client(&running).await?;
    if let Some(accounts) = people {
        register(&client, accounts).await?;
        visible::until_scored(&client).await?;
    }
    let calls = calls(edges);

    let started = Instant::now();
    send(&client, calls).await?;
    if people.is_some() {
        visible::until_visible(&client).await?;
    }
    let seconds = started.elapsed().as_secs_f64();
    drop(client);
    running.stop().await.map_err(|error| Failure::failed(&error))?;
    Ok(seconds)
}

/// A number of 128 bits that is nowhere near the one before, as hashes are.
fn scattered(number: usize) -> u128 {
    const ODD: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
    (number as u128 + 1).wrapping_mul(ODD)
}
