//! How fast what a network tells as it happens becomes durable.

mod events;

use std::time::{Duration, Instant};

use futures::{SinkExt as _, StreamExt as _};
use klout_chassis::Host;
use klout_connector::Connector;
use klout_networks::bluesky::jetstream::{Framing, Happened, Message as Told};
use sqlx::PgConnection;
use tokio::{net::TcpListener, sync::oneshot, task::JoinSet};
use tokio_tungstenite::{accept_async, tungstenite::Message};

use self::events::Events;
use super::{
    Figures,
    ground::{self, Ground, connect},
};
use crate::exit::{Failure, block_on};

/// The same events every time.
const SEED: u64 = 2_023;

/// How often it is looked how far the connector has come.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// Measures how many events of Jetstream a second become durable signals.
///
/// Events are made up, in the shapes and about in the mix of Bluesky: likes, follows, posts with texts and facets, reposts,
/// and what is taken back. They are parsed alone, in both framings; and a server on loopback tells them to the connector,
/// which keeps them as it keeps those of the network, in a fresh database of a private, durable Postgres in each run,
/// while its consumers are held. Events are counted from the first one that is sent until the last one is durable.
#[derive(Debug, clap::Args)]
pub(crate) struct ConnectorBench {
    /// How many events
    #[arg(long, value_name = "N", default_value_t = 300_000, value_parser = clap::value_parser!(u32).range(1_000..=10_000_000))]
    events: u32,
    /// How many accounts they are of
    #[arg(long, value_name = "N", default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(2..=10_000_000))]
    accounts: u32,
    /// How often it is measured; the median is printed
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=100))]
    runs: u8,
    /// Prints one line of JSON
    #[arg(long)]
    json: bool,
}

// === impl ConnectorBench ===

impl ConnectorBench {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let of = |framing| Events::new(SEED, self.accounts, framing).take(self.events as usize);
        let old: Vec<String> = of(Framing::Subscribe).collect();
        let new: Vec<String> = of(Framing::SubscribeEvents).collect();
        let last = events::micros(self.events - 1);
        let mut figures = Figures::default();
        let (mut parsed_old, mut parsed_new) = (Vec::new(), Vec::new());
        let (mut events, mut signals) = (Vec::new(), Vec::new());
        let folder = super::folder()?;
        let mut ground = Ground::start(folder.path())?;
        for run in 1..=self.runs {
            parsed_old.push(f64::from(self.events) / parse(Framing::Subscribe, &old)?);
            parsed_new.push(f64::from(self.events) / parse(Framing::SubscribeEvents, &new)?);
            let (seconds, count) = block_on(stream(&mut ground, &old, last))?;
            eprintln!("klout: run {run}: {seconds:.2} s for {count} signals");
            events.push(f64::from(self.events) / seconds);
            #[expect(clippy::cast_precision_loss, reason = "fewer than 2⁵³")]
            signals.push(count as f64 / seconds);
        }
        figures.add("parsed_events_per_second", parsed_old);
        figures.add("parsed_new_events_per_second", parsed_new);
        figures.add("events_per_second", events);
        figures.add("signals_per_second", signals);
        figures.print("connector", self.json)
    }
}

/// Seconds until all are read into signals, which go nowhere.
fn parse(framing: Framing, messages: &[String]) -> Result<f64, Failure> {
    let now = ground::end_of_today();
    let started = Instant::now();
    let mut signals = 0;
    for message in messages {
        let told = framing.read(message.as_bytes(), now);
        let Told::Event(event) = told.map_err(|error| Failure::failed(&error))? else {
            return Err(Failure::Failed("a message is no event".to_owned()));
        };
        if let Happened::Made { signals: made, .. } = &event.happened {
            signals += std::hint::black_box(made).len();
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    if signals == 0 {
        return Err(Failure::Failed("no event told anything".to_owned()));
    }
    Ok(seconds)
}

/// Seconds until all are durable, and how many signals they were.
async fn stream(
    ground: &mut Ground,
    messages: &[String],
    last: i64,
) -> Result<(f64, i64), Failure> {
    let url = ground.database().await?;
    let failed = |error: &(dyn std::error::Error + 'static)| Failure::Failed(error.to_string());
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| failed(&error))?;
    let address = listener.local_addr().map_err(|error| failed(&error))?;
    let messages: Vec<Message> = messages.iter().map(|it| Message::text(it.as_str())).collect();
    let mut serving = JoinSet::new();
    let (begin, begins) = oneshot::channel();
    serving.spawn(serve(listener, messages, begins));
    // Consumers are held: nobody is there.
    let nobody = || "http://127.0.0.1:1".to_owned();
    let links = ["links.scoring", "links.social_graph", "links.topics"];
    let mut flags: Vec<_> = links.into_iter().map(|link| (link, nobody())).collect();
    flags.extend([
        ("connector.private_networks_allowed", "true".to_owned()),
        ("connector.streams.bluesky.whose", "everybody".to_owned()),
        ("connector.streams.bluesky.url", format!("ws://{address}")),
    ]);
    let host = Host::new("klout").with::<Connector>();
    let running = ground.services(host, url.clone(), flags).await?;
    let mut connection = connect(&url).await?;
    // A connector that starts waits for its peers for a while, which is not what is measured.
    begin.send(()).map_err(|()| Failure::Failed("nobody reads the stream".to_owned()))?;
    let started = match serving.join_next().await {
        Some(Ok(Ok((started, server)))) => {
            // It stays open until all is durable.
            let ended = until_durable(&mut connection, last).await;
            drop(server);
            ended.map(|()| started)?
        }
        Some(Ok(Err(error))) => return Err(failed(&error)),
        Some(Err(error)) => return Err(failed(&error)),
        None => return Err(Failure::Failed("nobody tells anything".to_owned())),
    };
    let seconds = started.elapsed().as_secs_f64();
    let count = sqlx::query_scalar("select count(*) from connector.signal")
        .fetch_one(&mut connection)
        .await
        .map_err(|error| Failure::failed(&error))?;
    running.stop().await.map_err(|error| Failure::failed(&error))?;
    Ok((seconds, count))
}

/// Tells everything to whoever connects first, once it is to begin, as fast as it is taken. Returns when that was, and
/// the connection.
async fn serve(
    listener: TcpListener,
    messages: Vec<Message>,
    begins: oneshot::Receiver<()>,
) -> Result<(Instant, JoinSet<()>), tokio_tungstenite::tungstenite::Error> {
    let (stream, _) = listener.accept().await?;
    let mut socket = accept_async(stream).await?;
    // Whoever was to say so is gone: then nobody waits for the events either.
    let _ = begins.await;
    let started = Instant::now();
    for message in messages {
        socket.feed(message).await?;
    }
    socket.flush().await?;
    // Pings are answered as long as somebody listens.
    let mut listening = JoinSet::new();
    listening.spawn(async move { while let Some(Ok(_)) = socket.next().await {} });
    Ok((started, listening))
}

/// Waits until the last event is durable, or the connector says why it is not.
async fn until_durable(connection: &mut PgConnection, last: i64) -> Result<(), Failure> {
    loop {
        let state: Option<(Option<i64>, Option<String>)> =
            sqlx::query_as("select micros, error_message from connector.stream")
                .fetch_optional(&mut *connection)
                .await
                .map_err(|error| Failure::failed(&error))?;
        match state {
            Some((_, Some(problem))) => return Err(Failure::Failed(problem)),
            Some((Some(micros), _)) if micros >= last => return Ok(()),
            Some(_) | None => tokio::time::sleep(LOOK_INTERVAL).await,
        }
    }
}
