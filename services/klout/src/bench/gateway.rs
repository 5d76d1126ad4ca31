//! How fast scores are looked up over REST, beside a bare route of axum, and beside the RPC behind it.

mod http1;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Bytes, routing::get};
use http::header::CONTENT_TYPE;
use klout_chassis::Running;
use tokio::{net::TcpListener, task::JoinHandle};

use self::http1::{AskRest, connections};
use super::{
    Figures,
    ground::{self, Ground, customers_key, rest_address, runtime, settings, stop},
    load::{ALONE, BUSY, Caller, Load, SERVER_THREAD, Stretch},
    serve::{AskOne, asked, askers, known_people},
};
use crate::{exit::Failure, output, settings::host, visible};

/// As many calls open as in [`BUSY`]: a connection of HTTP/1.1 has one.
const BUSY_REST: Load = Load { connections: BUSY.connections * BUSY.in_flight, in_flight: 1 };

/// Measures how fast scores are looked up over REST.
///
/// As `bench serve`: servers have one thread and callers another, on loopback, in one process, and what is compared is
/// asked in turns, in stretches of half a second: a cached score over REST, with all layers on, from connections that are
/// kept; the same request of a bare route of axum, which answers as many bytes; and the RPC `GetScore` itself.
#[derive(Debug, clap::Args)]
pub(crate) struct GatewayBench {
    /// How many people have a score
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1_000..=10_000_000))]
    people: u32,
    /// How often each turn is taken; the median is printed
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = clap::value_parser!(u8).range(1..=100))]
    runs: u8,
    /// Milliseconds of a stretch
    #[arg(long, value_name = "MS", default_value_t = 500, value_parser = clap::value_parser!(u64).range(10..=60_000))]
    stretch: u64,
    /// Prints one line of JSON
    #[arg(long)]
    json: bool,
}

/// One turn of each.
struct Turn {
    bare: Stretch,
    rest: Stretch,
    rpc: Stretch,
}

/// Those who are asked.
struct Asked {
    bare: Vec<AskRest>,
    rest: Vec<AskRest>,
    rpc: Vec<AskOne>,
}

// === impl GatewayBench ===

impl GatewayBench {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let server = runtime(SERVER_THREAD)?;
        let callers = runtime("klout-callers")?;
        let folder = super::folder()?;
        let mut ground = Ground::start(folder.path())?;
        // As in a process that serves: spans are made, logs may be written, numbers are kept.
        let _telemetry = ground::telemetry()?;
        let database = callers.block_on(ground.database())?;
        let mut figures = Figures::default();

        let all = server.block_on(ground.services(host(), database, settings("gateway")))?;
        let known = callers.block_on(known_people(self.people, &all))?;
        callers.block_on(until_nobody_computes(&all))?;
        let people: Arc<[String]> = asked(&known).into();
        let example = callers.block_on(example(&all, &people))?;
        eprintln!("klout: an answer has {} bytes", example.len());
        let (bare, serving) = server.block_on(serve_bare(example))?;
        callers.block_on(self.measure(&mut figures, bare, &all, &people))?;
        serving.abort();
        stop(&server, all)?;

        server.shutdown_background();
        callers.shutdown_background();
        figures.print("gateway", self.json)
    }

    async fn measure(
        &self,
        figures: &mut Figures,
        bare: SocketAddr,
        all: &Running,
        people: &Arc<[String]>,
    ) -> Result<(), Failure> {
        let key = customers_key(all, &[]).await?;
        let count = BUSY_REST.connections;
        let asked = Asked {
            bare: connections(bare, count, &key, people).await?,
            rest: connections(rest_address(all)?, count, &key, people).await?,
            rpc: askers(all.grpc_address, people).await?,
        };
        // Everybody who will be asked for is in memory.
        self.turn(&asked, BUSY_REST, BUSY).await?;
        let (mut busy, mut alone) = (Vec::new(), Vec::new());
        let progress = output::progress(Some(self.runs.into()), "{bar} {pos}/{len} look-ups");
        for _ in 0..self.runs {
            busy.push(self.turn(&asked, BUSY_REST, BUSY).await?);
            alone.push(self.turn(&asked, ALONE, ALONE).await?);
            progress.inc(1);
        }
        progress.finish_and_clear();

        let each =
            |turns: &[Turn], figure: &dyn Fn(&Turn) -> f64| turns.iter().map(figure).collect();
        let mut add = |name, turns: &[Turn], figure: &dyn Fn(&Turn) -> f64| {
            figures.add(name, each(turns, figure));
        };
        let p99_ms = |stretch: &Stretch| stretch.quantile_ms(0.99);
        add("bare_calls_per_second", &busy, &|it| it.bare.calls_per_second());
        add("calls_per_second", &busy, &|it| it.rest.calls_per_second());
        add("rpc_calls_per_second", &busy, &|it| it.rpc.calls_per_second());
        add("throughput_ratio", &busy, &|it| {
            it.rest.calls_per_second() / it.bare.calls_per_second()
        });
        add("bare_cpu_us", &busy, &|it| it.bare.server_us_per_call());
        add("cpu_us", &busy, &|it| it.rest.server_us_per_call());
        add("rpc_cpu_us", &busy, &|it| it.rpc.server_us_per_call());
        add("cpu_ratio", &busy, &|it| it.bare.server_us_per_call() / it.rest.server_us_per_call());
        add("bare_p99_ms", &busy, &|it| p99_ms(&it.bare));
        add("p50_ms", &busy, &|it| it.rest.quantile_ms(0.5));
        add("p99_ms", &busy, &|it| p99_ms(&it.rest));
        add("rpc_p99_ms", &busy, &|it| p99_ms(&it.rpc));
        add("added_p99_ms", &busy, &|it| p99_ms(&it.rest) - p99_ms(&it.rpc));
        add("alone_bare_p50_ms", &alone, &|it| it.bare.quantile_ms(0.5));
        add("alone_p50_ms", &alone, &|it| it.rest.quantile_ms(0.5));
        add("alone_rpc_p50_ms", &alone, &|it| it.rpc.quantile_ms(0.5));
        add("alone_added_p99_ms", &alone, &|it| p99_ms(&it.rest) - p99_ms(&it.rpc));
        Ok(())
    }

    async fn turn(&self, asked: &Asked, rest: Load, rpc: Load) -> Result<Turn, Failure> {
        Ok(Turn {
            bare: self.stretch(rest, &asked.bare).await?,
            rest: self.stretch(rest, &asked.rest).await?,
            rpc: self.stretch(rpc, &asked.rpc).await?,
        })
    }

    async fn stretch<C: Caller>(&self, load: Load, callers: &[C]) -> Result<Stretch, Failure> {
        load.run(callers, Duration::from_millis(self.stretch), usize::MAX).await
    }
}

/// Waits until also topics are found out: who finds them out has the thread that answers.
async fn until_nobody_computes(all: &Running) -> Result<(), Failure> {
    let client = ground::client_with(all, &ground::token()?).await?;
    visible::until_topics_are_told(&client).await
}

/// What is answered to the first question.
async fn example(all: &Running, people: &Arc<[String]>) -> Result<Bytes, Failure> {
    let key = ground::token()?;
    let mut asker = connections(rest_address(all)?, 1, &key, people).await?;
    let answer = asker.remove(0).answer(0).await?;
    let score: serde_json::Value =
        serde_json::from_slice(&answer).map_err(|error| Failure::failed(&error))?;
    if score["state"] != "KNOWN" {
        return Err(Failure::Failed(format!("not a score: {score}")));
    }
    Ok(answer)
}

/// Answers `body` on the same path, with nothing around it, on the runtime that calls this.
async fn serve_bare(body: Bytes) -> Result<(SocketAddr, JoinHandle<()>), Failure> {
    let failed = |error: std::io::Error| Failure::failed(&error);
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let answer = move || std::future::ready(([(CONTENT_TYPE, "application/json")], body.clone()));
    let router = Router::new().route("/v1/people/{person}/score", get(answer));
    #[expect(clippy::disallowed_methods, reason = "it is aborted by who started it")]
    let task = tokio::spawn(async move {
        // It ends with the bench; what it could not serve, the callers have seen.
        let _ = axum::serve(listener, router).await;
    });
    Ok((address, task))
}
