//! How long a pass over everybody takes, scores written, beside what it takes Postgres to send one row a cell to
//! nowhere.

mod fill;
mod traffic;

use std::{process::Command, time::Duration};

use futures::TryStreamExt as _;
use klout_proto::{
    convert,
    score::v1::{GetRescoreRequest, Rescore, StartRescoreRequest},
};
use sqlx::PgConnection;
use tokio::time::{Instant, sleep};

use self::traffic::{Traffic, Waits};
use super::{Figures, engine::resident, ground::Ground};
use crate::{
    client::Client,
    exit::{Failure, block_on},
    settings::host,
};

/// How often it is looked whether a pass is over.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// How long readers and ingest are measured, with and without a pass.
const TRAFFIC_TIME: Duration = Duration::from_secs(10);

/// Measures a pass over everybody, from the first cell that is read to the last score that is written.
///
/// The cells are those of a thirtieth as many accounts, of which every third is a member and is scored. Run by
/// run the same Postgres sends a plain table with one row a cell by a binary COPY over the same kind of connection,
/// where it is dropped; and, as server_copy, to /dev/null at the server, past all connections. Then readers
/// and ingest are measured for ten seconds alone, and for ten while one pass follows another. Several sizes are
/// measured one after the other, each in a process of its own, so that peaks of memory are their own.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout bench rescore --cells 1000000,10000000,50000000 --runs 3")]
pub(crate) struct RescoreBench {
    /// How many cells; several sizes by commas
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "10000000", value_parser = clap::value_parser!(u32).range(10_000..=200_000_000))]
    cells: Vec<u32>,
    /// How often it is measured; the median is printed
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=100))]
    runs: u8,
    /// Leaves readers and ingest out
    #[arg(long)]
    no_traffic: bool,
    /// Prints one line of JSON
    #[arg(long)]
    json: bool,
}

// === impl RescoreBench ===

impl RescoreBench {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.cells[..] {
            [cells] => block_on(self.measure(cells)),
            _ => self.cells.iter().try_for_each(|cells| self.measure_apart(*cells)),
        }
    }

    /// In a process of its own.
    fn measure_apart(&self, cells: u32) -> Result<(), Failure> {
        let program = std::env::current_exe().map_err(|error| Failure::failed(&error))?;
        let mut command = Command::new(program);
        command.args(["bench", "rescore", "--cells", &cells.to_string()]);
        command.args(["--runs", &self.runs.to_string()]);
        for (flag, is_set) in [("--no-traffic", self.no_traffic), ("--json", self.json)] {
            if is_set {
                command.arg(flag);
            }
        }
        let status = command.status().map_err(|error| Failure::failed(&error))?;
        let message = || Failure::Failed(format!("the bench of {cells} cells failed"));
        status.success().then_some(()).ok_or_else(message)
    }

    async fn measure(&self, cells: u32) -> Result<(), Failure> {
        let folder = super::folder()?;
        let mut ground = Ground::start(folder.path())?;
        let database = ground.database().await?;
        let _telemetry = super::ground::telemetry()?;
        let running = ground.services(host(), database.clone(), []).await?;
        let client = super::ground::client(&running).await?;
        let mut connection = super::ground::connect(&database).await?;

        eprintln!("klout: {cells} cells are made");
        let filled = fill::fill(&mut connection, cells).await?;
        let memory = |name| resident(name).map_err(|error| Failure::failed(&error));
        let before = memory("VmRSS")?;
        // The first one begins by itself: there are members, and no epoch.
        let first = over(&client, None).await?;
        let (mut copies, mut passes, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        let (mut at_the_server, mut server_ratios) = (Vec::new(), Vec::new());
        for run in 1..=self.runs {
            eprintln!("klout: {cells} cells, run {run} of {}", self.runs);
            let copy = copy(&mut connection).await?;
            let pass = passed(&client).await?;
            let server = copy_at_the_server(&mut connection).await?;
            copies.push(copy);
            passes.push(pass);
            ratios.push(pass / copy);
            at_the_server.push(server);
            server_ratios.push(pass / server);
        }
        let peak = memory("VmHWM")? - before;

        let mut figures = Figures::default();
        let cells = f64::from(cells);
        figures.add("cells", vec![cells]);
        figures.add("people", vec![f64::from(filled.people)]);
        figures.add("packed_bytes_per_cell", vec![filled.bytes / cells]);
        figures.add("first_pass_seconds", vec![first]);
        figures.add("copy_seconds", copies);
        figures.add("cells_per_second", passes.iter().map(|seconds| cells / seconds).collect());
        figures.add("pass_seconds", passes);
        figures.add("copy_time_ratio", ratios);
        figures.add("server_copy_seconds", at_the_server);
        figures.add("server_copy_time_ratio", server_ratios);
        figures.add("peak_memory_mib", vec![peak / f64::from(1 << 20)]);
        figures.add("peak_bytes_per_cell", vec![peak / cells]);
        if !self.no_traffic {
            let traffic = Traffic::new(&client, filled.people);
            let alone = traffic.run(sleep(TRAFFIC_TIME)).await?;
            let during = traffic.run(passes_for(&client, TRAFFIC_TIME)).await?;
            let mut add = |name, waits: Waits| figures.add(name, vec![waits.p99_ms()]);
            add("read_p99_ms", alone.reads);
            add("read_p99_ms_during_passes", during.reads);
            add("ingest_p99_ms", alone.ingests);
            add("ingest_p99_ms_during_passes", during.ingests);
        }
        figures.print("rescore", self.json)?;
        drop(client);
        running.stop().await.map_err(|error| Failure::failed(&error))
    }
}

/// Asks for a pass and waits until it is over. Returns how many seconds it took.
async fn passed(client: &Client) -> Result<f64, Failure> {
    let asked = client.scores().start_rescore(StartRescoreRequest::default()).await?.into_inner();
    over(client, asked.rescore).await
}

/// Waits until a pass, or the newest, is over. Returns how many seconds it took.
async fn over(client: &Client, pass: Option<Rescore>) -> Result<f64, Failure> {
    let request = GetRescoreRequest { rescore: pass.unwrap_or_default().rescore };
    loop {
        let found = match client.scores().get_rescore(request.clone()).await {
            Ok(found) => found.into_inner().rescore.unwrap_or_default(),
            // The first one is still to begin.
            Err(status) if status.code() == tonic::Code::NotFound => Rescore::default(),
            Err(status) => return Err(status.into()),
        };
        if found.state == "FAILED" {
            return Err(Failure::Failed(format!("a pass failed: {}", found.problem)));
        }
        let time = |time: &Option<_>| time.as_ref().and_then(convert::time);
        if let (Some(start), Some(end)) = (time(&found.start_time), time(&found.end_time)) {
            return Ok((end - start).as_seconds_f64());
        }
        sleep(LOOK_INTERVAL).await;
    }
}

/// One pass after the other, for so long.
async fn passes_for(client: &Client, time: Duration) {
    let started = Instant::now();
    while started.elapsed() < time {
        if let Err(failure) = passed(client).await {
            eprintln!("klout: {failure}");
            return;
        }
    }
}

/// Has the plain table sent, as the evidence of a pass is, and drops what comes. Returns how many seconds that
/// took.
async fn copy(connection: &mut PgConnection) -> Result<f64, Failure> {
    let failed = |error: sqlx::Error| Failure::failed(&error);
    let started = Instant::now();
    let statement = "copy bench_cell to stdout (format binary)";
    let mut parts = connection.copy_out_raw(statement).await.map_err(failed)?;
    while parts.try_next().await.map_err(failed)?.is_some() {}
    Ok(started.elapsed().as_secs_f64())
}

/// The same without a client: the server itself throws it away. Returns how many seconds that took.
async fn copy_at_the_server(connection: &mut PgConnection) -> Result<f64, Failure> {
    let started = Instant::now();
    let statement = "copy bench_cell to '/dev/null' (format binary)".to_owned();
    super::ground::execute(connection, statement).await?;
    Ok(started.elapsed().as_secs_f64())
}
