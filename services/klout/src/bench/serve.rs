//! How fast scores are served, beside a call that does nothing and one that does only a `select`.

mod rivals;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use klout_chassis::{Host, Running};
use klout_model::Kind;
use klout_proto::{
    convert::state,
    score::v1::{
        BatchLookupScoresRequest, GetScoreRequest, LookupSubject, get_score_request, lookup_result,
        lookup_subject, score_service_client::ScoreServiceClient,
    },
    topic::v1::{ApplySignalsRequest, signal_consumer_service_client::SignalConsumerServiceClient},
};
use klout_world::{Edge, Interactions};
use rand::{SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use rand_distr::{Distribution as _, Zipf};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    transport::Channel,
};

use self::rivals::{Bare, Empty};
use super::{
    Figures,
    ground::{self, Ground, runtime, settings, stop, token},
    load::{ALONE, BUSY, Caller, Load, Pairs, SERVER_THREAD, Stretch, channels},
};
use crate::{exit::Failure, output, settings::host, visible};

/// The same world and the same questions every time.
const SEED: u64 = 2_008;

/// Interactions for each person, on average, besides one that everybody has and so a score.
const INTERACTIONS_PER_PERSON: u32 = 2;

/// How much more often somebody is asked for than the next: 1/rank.
const ZIPF_EXPONENT: f64 = 1.0;

/// Questions of one stretch, after which they repeat.
const QUESTIONS: usize = 1 << 18;

/// Misses of one stretch at most: some half a second of one caller alone.
const MISSES_MAX: usize = 2_500;

/// Measures how fast scores are served: from the cache, from Postgres, and many in one call.
///
/// Servers have one thread and callers another, on loopback, all layers on. What is compared is asked in
/// turns, in stretches of half a second, by the same callers: `GetScore` of cached scores with an empty
/// call of tonic with nothing around it; batches with as many single calls; a `GetScore` that misses in
/// all caches with a call that has the same layers and does only the `select`. Each score that is asked
/// for is known; keys follow Zipf's law.
#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    /// How many people have a score
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1_000..=10_000_000))]
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

/// Asks nothing.
#[derive(Clone)]
struct AskNothing(SignalConsumerServiceClient<Channel>);

/// Asks for one score after the other.
#[derive(Clone)]
pub(super) struct AskOne {
    client: ScoreServiceClient<Channel>,
    token: MetadataValue<Ascii>,
    people: Arc<[String]>,
}

/// Asks for many at once.
#[derive(Clone)]
struct AskMany {
    asker: AskOne,
    size: usize,
}

// === impl Serve ===

impl Serve {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let server = runtime(SERVER_THREAD)?;
        let callers = runtime("klout-callers")?;
        let folder = super::folder()?;
        let mut ground = Ground::start(folder.path())?;
        // As in a process that serves: spans are made, logs may be written, numbers are kept.
        let _telemetry = ground::telemetry()?;
        let database = callers.block_on(ground.database())?;
        let mut figures = Figures::default();

        let all = server.block_on(ground.services(host(), database.clone(), settings("all")))?;
        let known = callers.block_on(known_people(self.people, &all))?;
        let (empty, serving) = server.block_on(Empty::serve())?;
        callers.block_on(self.cached(&mut figures, empty, all.grpc_address, &known))?;
        serving.abort();
        stop(&server, all)?;

        // Another prefix in Redis and another process, as far as caches go: nothing is in any of them.
        let cold = ground.services(host(), database.clone(), settings("cold"));
        let cold = server.block_on(cold)?;
        let bare = Host::new("klout").with::<Bare>();
        let bare = server.block_on(ground.services(bare, database, settings("bare")))?;
        let (cold_address, bare_address) = (cold.grpc_address, bare.grpc_address);
        callers.block_on(self.missing(&mut figures, bare_address, cold_address, &known))?;
        stop(&server, bare)?;
        stop(&server, cold)?;

        server.shutdown_background();
        callers.shutdown_background();
        figures.print("serve", self.json)
    }

    /// Cached scores beside an empty call, and many in one call beside many calls.
    async fn cached(
        &self,
        figures: &mut Figures,
        empty: SocketAddr,
        scores: SocketAddr,
        known: &[String],
    ) -> Result<(), Failure> {
        let asked: Arc<[String]> = asked(known).into();
        let nothing: Vec<_> = channels(empty)
            .await?
            .into_iter()
            .map(|channel| AskNothing(SignalConsumerServiceClient::new(channel)))
            .collect();
        let one = askers(scores, &asked).await?;
        let many = |size| -> Vec<_> {
            one.iter().map(|asker| AskMany { asker: asker.clone(), size }).collect()
        };
        let (hundred, thousand) = (many(100), many(1_000));
        // Everybody who will be asked for is in memory.
        self.stretch(BUSY, &thousand).await?;
        self.stretch(BUSY, &one).await?;

        let mut calls = Pairs::default();
        let mut alone = Pairs::default();
        let (mut batches100, mut batches1000) = (Vec::new(), Vec::new());
        let progress = output::progress(Some(self.runs.into()), "{bar} {pos}/{len} cached");
        for _ in 0..self.runs {
            calls.add(self.stretch(BUSY, &nothing).await?, self.stretch(BUSY, &one).await?);
            alone.add(self.stretch(ALONE, &nothing).await?, self.stretch(ALONE, &one).await?);
            let single = calls.last_us_per_call();
            let us = self.stretch(BUSY, &hundred).await?.server_us_per_call() / 100.0;
            batches100.push((us, us / single));
            let us = self.stretch(BUSY, &thousand).await?.server_us_per_call() / 1_000.0;
            batches1000.push((us, us / single));
            progress.inc(1);
        }
        progress.finish_and_clear();

        figures.add("empty_calls_per_second", calls.each(|it| it.0.calls_per_second()));
        figures.add("empty_p50_ms", calls.each(|it| it.0.quantile_ms(0.5)));
        figures.add("empty_p99_ms", calls.each(|it| it.0.quantile_ms(0.99)));
        figures.add("empty_p999_ms", calls.each(|it| it.0.quantile_ms(0.999)));
        figures.add("empty_cpu_us", calls.each(|it| it.0.server_us_per_call()));
        figures.add("calls_per_second", calls.each(|it| it.1.calls_per_second()));
        figures.add("p50_ms", calls.each(|it| it.1.quantile_ms(0.5)));
        figures.add("p99_ms", calls.each(|it| it.1.quantile_ms(0.99)));
        figures.add("p999_ms", calls.each(|it| it.1.quantile_ms(0.999)));
        figures.add("cpu_us", calls.each(|it| it.1.server_us_per_call()));
        figures.add(
            "throughput_ratio",
            calls.each(|it| it.1.calls_per_second() / it.0.calls_per_second()),
        );
        figures.add(
            "cpu_ratio",
            calls.each(|it| it.1.server_us_per_call() / it.0.server_us_per_call()),
        );
        figures.add("p99_ratio", calls.each(|it| it.1.quantile_ms(0.99) / it.0.quantile_ms(0.99)));
        figures.add("empty_alone_p50_ms", alone.each(|it| it.0.quantile_ms(0.5)));
        figures.add("alone_p50_ms", alone.each(|it| it.1.quantile_ms(0.5)));
        figures.add("alone_p99_ms", alone.each(|it| it.1.quantile_ms(0.99)));
        for (name, ratio_name, batches) in [
            ("batch100_cpu_us", "batch100_cpu_ratio", batches100),
            ("batch1000_cpu_us", "batch1000_cpu_ratio", batches1000),
        ] {
            let (us, ratios) = batches.into_iter().unzip();
            figures.add(name, us);
            figures.add(ratio_name, ratios);
        }
        Ok(())
    }

    /// Scores that are in no cache, each asked for once, beside the bare `select` of the same ones.
    async fn missing(
        &self,
        figures: &mut Figures,
        bare: SocketAddr,
        scores: SocketAddr,
        known: &[String],
    ) -> Result<(), Failure> {
        let mut people = known.to_vec();
        people.shuffle(&mut StdRng::seed_from_u64(SEED));
        let calls = (people.len() / usize::from(self.runs) / 2).min(MISSES_MAX);
        let time = Duration::from_secs(60);
        let (mut alone, mut busy) = (Pairs::default(), Pairs::default());
        let mut parts = people.chunks(calls.max(1));
        let progress = output::progress(Some(self.runs.into()), "{bar} {pos}/{len} missing");
        for run in 0..self.runs {
            for (load, pairs) in [(ALONE, &mut alone), (BUSY, &mut busy)] {
                let part: Arc<[String]> = parts.next().unwrap_or_default().into();
                let selects = askers(bare, &part).await?;
                let misses = askers(scores, &part).await?;
                // Whoever comes second finds the rows in Postgres' memory: each in turn.
                let (select, miss);
                if run % 2 == 0 {
                    select = load.run(&selects, time, part.len()).await?;
                    miss = load.run(&misses, time, part.len()).await?;
                } else {
                    miss = load.run(&misses, time, part.len()).await?;
                    select = load.run(&selects, time, part.len()).await?;
                }
                pairs.add(select, miss);
            }
            progress.inc(1);
        }
        progress.finish_and_clear();

        figures.add("select_p50_ms", alone.each(|it| it.0.quantile_ms(0.5)));
        figures.add("miss_p50_ms", alone.each(|it| it.1.quantile_ms(0.5)));
        figures.add("miss_p99_ms", alone.each(|it| it.1.quantile_ms(0.99)));
        figures
            .add("miss_p50_ratio", alone.each(|it| it.1.quantile_ms(0.5) / it.0.quantile_ms(0.5)));
        figures.add("select_calls_per_second", busy.each(|it| it.0.calls_per_second()));
        figures.add("miss_calls_per_second", busy.each(|it| it.1.calls_per_second()));
        Ok(())
    }

    async fn stretch<C: Caller>(&self, load: Load, callers: &[C]) -> Result<Stretch, Failure> {
        load.run(callers, Duration::from_millis(self.stretch), usize::MAX).await
    }
}

// === impl Caller ===

impl Caller for AskNothing {
    async fn call(&mut self, _: usize) -> Result<(), Status> {
        self.0.apply_signals(ApplySignalsRequest::default()).await.map(|_| ())
    }
}

impl Caller for AskOne {
    async fn call(&mut self, number: usize) -> Result<(), Status> {
        let person = self.people[number % self.people.len()].clone();
        let subject = Some(get_score_request::Subject::Person(person));
        let request = self.with_token(GetScoreRequest { subject, ..Default::default() });
        self.client.get_score(request).await.map(|_| ())
    }
}

impl Caller for AskMany {
    async fn call(&mut self, number: usize) -> Result<(), Status> {
        let people = &self.asker.people;
        let start = number * self.size % (people.len() - self.size);
        let request = self.asker.with_token(batch(&people[start..start + self.size]));
        self.asker.client.batch_lookup_scores(request).await.map(|_| ())
    }
}

// === impl AskOne ===

impl AskOne {
    fn with_token<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("x-api-key", self.token.clone());
        request
    }
}

/// Makes everybody somebody with a score. Returns who has one, in an order that says nothing.
pub(super) async fn known_people(count: u32, running: &Running) -> Result<Vec<String>, Failure> {
    eprintln!("klout: making {} people and their scores", count);
    let client = ground::client_with(running, &token()?).await?;
    let people = ground::register(&client, count).await?;
    let interactions = u64::from(count) * u64::from(INTERACTIONS_PER_PERSON);
    let one = |subject| {
        let actor = (subject + 1) % count;
        Edge { subject, actor, kind: Kind::Like, age: 0, count: 1 }
    };
    let edges: Vec<Edge> =
        Interactions::new(SEED, count, interactions).chain((0..count).map(one)).collect();
    ground::send(&client, ground::calls(&edges)).await?;
    visible::until_visible(&client).await?;

    let mut known = Vec::new();
    for people in people.chunks(1_000) {
        let response = client.scores().batch_lookup_scores(batch(people)).await?.into_inner();
        known.extend(response.results.into_iter().filter_map(|row| match row.result {
            Some(lookup_result::Result::Score(score)) if score.state == state::KNOWN => {
                Some(score.person)
            }
            Some(_) | None => None,
        }));
    }
    eprintln!("klout: {} of them have one", known.len());
    Ok(known)
}

fn batch(people: &[String]) -> BatchLookupScoresRequest {
    let subject = |person: &String| LookupSubject {
        subject: Some(lookup_subject::Subject::Person(person.clone())),
    };
    BatchLookupScoresRequest { subjects: people.iter().map(subject).collect() }
}

/// Whom to ask for, again and again, by Zipf's law.
pub(super) fn asked(known: &[String]) -> Vec<String> {
    let mut random = StdRng::seed_from_u64(SEED);
    let mut ranked = known.to_vec();
    ranked.shuffle(&mut random);
    #[expect(clippy::cast_precision_loss, reason = "at most ten million")]
    let zipf = Zipf::new(ranked.len() as f64, ZIPF_EXPONENT).expect("a law of at least one rank");
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank from 1 on")]
    let rank = |random: &mut StdRng| zipf.sample(random) as usize - 1;
    (0..QUESTIONS).map(|_| ranked[rank(&mut random)].clone()).collect()
}

pub(super) async fn askers(
    address: SocketAddr,
    people: &Arc<[String]>,
) -> Result<Vec<AskOne>, Failure> {
    let token: MetadataValue<Ascii> = token()?
        .parse()
        .map_err(|_| Failure::Failed("a token does not fit into a header".to_owned()))?;
    let asker = |channel| AskOne {
        client: ScoreServiceClient::new(channel),
        token: token.clone(),
        people: Arc::clone(people),
    };
    Ok(channels(address).await?.into_iter().map(asker).collect())
}
