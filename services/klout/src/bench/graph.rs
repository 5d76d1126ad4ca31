//! How fast people are told, and lists of who influences whom.

mod rivals;

use std::{sync::Arc, time::Duration};

use klout_chassis::{Host, Running};
use klout_proto::graph::v1::{
    AccountName, GetPersonRequest, ListInfluenceesRequest, ListInfluencersRequest,
    ResolvePersonRequest, account_name::Name, graph_service_client::GraphServiceClient,
};
use rand::{SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    transport::Channel,
};

use self::rivals::Bare;
use super::{
    Figures,
    ground::{self, Ground, runtime, settings, stop, today, token},
    load::{ALONE, BUSY, Caller, Load, Pairs, SERVER_THREAD, channels},
};
use crate::{exit::Failure, output, settings::host};

/// The same order of people every time.
const SEED: u64 = 2_008;

/// Calls of one stretch at most: some half a second of one caller alone.
const CALLS_MAX: usize = 2_500;

/// Pages of one stretch, with a page token each, on which lists are turned.
const PAGES: usize = 50;

/// Measures how fast people are told, and lists of who influences whom.
///
/// `GetPerson` and `ResolvePerson`, by handle, are asked in turns with a call that has the same layers and does only the
/// `select`, one call at a time. Lists are of a person whose account has ties with everybody and with strangers, both
/// ways: the first page of 20, and fifty pages one after the other.
#[derive(Debug, clap::Args)]
pub(crate) struct Graph {
    /// How many people there are
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1_000..=10_000_000))]
    people: u32,
    /// How many ties the account has each way
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1_000..=100_000_000))]
    ties: u32,
    /// How often each turn is taken; the median is printed
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = clap::value_parser!(u8).range(1..=100))]
    runs: u8,
    /// Prints one line of JSON
    #[arg(long)]
    json: bool,
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
enum What {
    GetPerson,
    ResolvePerson,
    Influencers,
    Influencees,
}

/// Asks it of one after the other, or of one again and again, page by page.
#[derive(Clone)]
struct Asker {
    client: GraphServiceClient<Channel>,
    token: MetadataValue<Ascii>,
    what: What,
    /// Ids, or handles where somebody is resolved.
    whom: Arc<[String]>,
    /// Of the page to ask for next; `None`: the first, always.
    page_token: Option<String>,
}

// === impl Graph ===

impl Graph {
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
        let bare = Host::new("klout").with::<Bare>();
        let bare = server.block_on(ground.services(bare, database.clone(), settings("bare")))?;
        callers.block_on(self.measure(&mut figures, &all, &bare, &database))?;
        stop(&server, bare)?;
        stop(&server, all)?;
        server.shutdown_background();
        callers.shutdown_background();
        figures.print("graph", self.json)
    }

    async fn measure(
        &self,
        figures: &mut Figures,
        all: &Running,
        bare: &Running,
        database: &str,
    ) -> Result<(), Failure> {
        eprintln!("klout: making {} people, and {} ties each way", self.people, self.ties);
        let client = ground::client_with(all, &token()?).await?;
        let people = ground::register(&client, self.people).await?;
        self.make_ties(database, &people[0]).await?;

        let mut order: Vec<usize> = (0..people.len()).collect();
        order.shuffle(&mut StdRng::seed_from_u64(SEED));
        let ids: Vec<String> = order.iter().map(|it| people[*it].clone()).collect();
        let handles: Vec<String> = order.iter().map(ToString::to_string).collect();
        let [select, told, ratio] =
            ["person_select_p50_ms", "get_person_p50_ms", "get_person_p50_ratio"];
        let pairs = self.beside(What::GetPerson, &ids, all, bare).await?;
        figures.add(select, pairs.each(|it| it.0.quantile_ms(0.5)));
        figures.add(told, pairs.each(|it| it.1.quantile_ms(0.5)));
        figures.add(ratio, pairs.each(|it| it.1.quantile_ms(0.5) / it.0.quantile_ms(0.5)));
        let [select, told, ratio] =
            ["account_select_p50_ms", "resolve_p50_ms", "resolve_p50_ratio"];
        let pairs = self.beside(What::ResolvePerson, &handles, all, bare).await?;
        figures.add(select, pairs.each(|it| it.0.quantile_ms(0.5)));
        figures.add(told, pairs.each(|it| it.1.quantile_ms(0.5)));
        figures.add(ratio, pairs.each(|it| it.1.quantile_ms(0.5) / it.0.quantile_ms(0.5)));

        let famous: Arc<[String]> = vec![people[0].clone()].into();
        for (what, names) in [
            (
                What::Influencers,
                ["influencers_p50_ms", "influencers_p99_ms", "influencers_next_pages_p50_ms"],
            ),
            (
                What::Influencees,
                ["influencees_p50_ms", "influencees_p99_ms", "influencees_next_pages_p50_ms"],
            ),
        ] {
            let (mut first, mut next) = (Vec::new(), Vec::new());
            for _ in 0..self.runs {
                let asker = Asker::new(all, what, &famous).await?;
                let turning = Asker { page_token: Some(String::new()), ..asker.clone() };
                first.push(run(ALONE, &[asker], PAGES).await?);
                next.push(run(ALONE, &[turning], PAGES).await?);
            }
            figures.add(names[0], first.iter().map(|it| it.quantile_ms(0.5)).collect());
            figures.add(names[1], first.iter().map(|it| it.quantile_ms(0.99)).collect());
            figures.add(names[2], next.iter().map(|it| it.quantile_ms(0.5)).collect());
        }
        Ok(())
    }

    /// Calls beside those of the rival, one at a time, each with the turn of who comes first.
    async fn beside(
        &self,
        what: What,
        whom: &[String],
        all: &Running,
        bare: &Running,
    ) -> Result<Pairs, Failure> {
        let calls = (whom.len() / usize::from(self.runs)).clamp(1, CALLS_MAX);
        let mut pairs = Pairs::default();
        let mut parts = whom.chunks(calls);
        // Plans are made, and rows are in memory on both sides.
        let warm: Arc<[String]> = whom.into();
        run(BUSY, &Asker::many(bare, what, &warm).await?, whom.len()).await?;
        run(BUSY, &Asker::many(all, what, &warm).await?, whom.len()).await?;
        let progress = output::progress(Some(self.runs.into()), "{bar} {pos}/{len}");
        for turn in 0..self.runs {
            let part: Arc<[String]> = parts.next().unwrap_or_default().into();
            let selects = [Asker::new(bare, what, &part).await?];
            let ours = [Asker::new(all, what, &part).await?];
            let (select, our);
            if turn % 2 == 0 {
                select = run(ALONE, &selects, part.len()).await?;
                our = run(ALONE, &ours, part.len()).await?;
            } else {
                our = run(ALONE, &ours, part.len()).await?;
                select = run(ALONE, &selects, part.len()).await?;
            }
            pairs.add(select, our);
            progress.inc(1);
        }
        progress.finish_and_clear();
        Ok(pairs)
    }

    /// Gives the account of a person ties both ways, with everybody and then with strangers, as signals of 90 days
    /// would have left them.
    async fn make_ties(&self, database: &str, person: &str) -> Result<(), Failure> {
        let mut connection = ground::connect(database).await?;
        let (ties, today) = (self.ties, today().number());
        for (own, other) in
            [("subject_account_id", "actor_account_id"), ("actor_account_id", "subject_account_id")]
        {
            // Of numbers that are nowhere near one another, as hashes are.
            let statement = format!(
                "insert into social_graph.tie ({own}, {other}, strength, reactions, last_day)
                select own.account_id, coalesce(other.account_id, hashint8extended(number, 1)),
                    (1 + (hashint8extended(number, 2) & 65535)) * 2^{}, 1 + number % 20,
                    {today} - number % 60
                from generate_series(1, {ties}) as number
                cross join (select account_id from social_graph.account where person_id = {person}) as own
                left join (
                    select account_id, row_number() over (order by account_id) * 7 as number
                    from social_graph.account where person_id <> {person}
                ) as other using (number)",
                today / 15 - 1_363,
            );
            ground::execute(&mut connection, statement).await?;
        }
        ground::execute(&mut connection, "vacuum analyze social_graph.tie".to_owned()).await
    }
}

async fn run(load: Load, askers: &[Asker], calls: usize) -> Result<super::load::Stretch, Failure> {
    load.run(askers, Duration::from_secs(60), calls).await
}

// === impl Asker ===

impl Asker {
    async fn new(running: &Running, what: What, whom: &Arc<[String]>) -> Result<Self, Failure> {
        let mut askers = Self::many(running, what, whom).await?;
        Ok(askers.swap_remove(0))
    }

    async fn many(
        running: &Running,
        what: What,
        whom: &Arc<[String]>,
    ) -> Result<Vec<Self>, Failure> {
        let token: MetadataValue<Ascii> = token()?
            .parse()
            .map_err(|_| Failure::Failed("a token does not fit into a header".to_owned()))?;
        let asker = |channel| Self {
            client: GraphServiceClient::new(channel),
            token: token.clone(),
            what,
            whom: Arc::clone(whom),
            page_token: None,
        };
        Ok(channels(running.grpc_address).await?.into_iter().map(asker).collect())
    }

    fn with_token<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("x-api-key", self.token.clone());
        request
    }
}

impl Caller for Asker {
    async fn call(&mut self, number: usize) -> Result<(), Status> {
        let whom = self.whom[number % self.whom.len()].clone();
        let page_token = self.page_token.clone().unwrap_or_default();
        let next = match self.what {
            What::GetPerson => {
                let request = self.with_token(GetPersonRequest { person: whom });
                self.client.get_person(request).await?;
                return Ok(());
            }
            What::ResolvePerson => {
                let name = Some(Name::Handle(whom));
                let account = Some(AccountName { network: ground::NETWORK.to_owned(), name });
                let request = ResolvePersonRequest { account, ..Default::default() };
                self.client.resolve_person(self.with_token(request)).await?;
                return Ok(());
            }
            What::Influencers => {
                let request =
                    ListInfluencersRequest { person: whom, page_token, ..Default::default() };
                let listed = self.client.list_influencers(self.with_token(request)).await?;
                listed.into_inner().next_page_token
            }
            What::Influencees => {
                let request =
                    ListInfluenceesRequest { person: whom, page_token, ..Default::default() };
                let listed = self.client.list_influencees(self.with_token(request)).await?;
                listed.into_inner().next_page_token
            }
        };
        if let Some(page_token) = &mut self.page_token {
            *page_token = next;
        }
        Ok(())
    }
}
