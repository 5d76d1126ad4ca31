//! How fast it is decided who gets what a campaign offers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use klout_chassis::Running;
use klout_model::Kind;
use klout_proto::perk::v1::{
    ActivateCampaignRequest, AvailableUpgrade, Benefit, Budgets, CampaignSpec, Category,
    CreateCampaignRequest, CreatePropertyRequest, DecideCheckInRequest, Guest, Money,
    PreviewCampaignRequest, Property, ReserveGrantRequest, Rule,
    perk_service_client::PerkServiceClient, preview_campaign_request,
    reserve_grant_request::Subject,
};
use klout_world::Edge;
use sqlx::{PgPool, postgres::PgPoolOptions};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    transport::Channel,
};

use super::{
    Figures,
    ground::{self, Ground, runtime, settings, stop, token},
    load::{ALONE, Caller, Load, SERVER_THREAD, Stretch, channels},
};
use crate::{client::Client, exit::Failure, output, settings::host, visible};

/// Who ask at once, on few connections.
const CLIENTS: Load = Load { connections: 4, in_flight: 16 };

/// Who commit at once, each on a connection of its own.
const COMMITTERS: Load = Load { connections: 1, in_flight: 64 };

/// Campaigns where there are many.
const CAMPAIGNS: usize = 64;

/// Where guests check in, what they have booked, and what is free there.
const PROPERTY: &str = "bench";
const BOOKED: &str = "KING";
const FREE: &str = "SUITE";

/// How often a brand looks in each turn, and how many people are sampled at most.
const PREVIEWS: usize = 100;
const SAMPLED_MAX: usize = 10_000;

/// As long as a desk may wait: what is measured is how long it does.
const DEADLINE: prost_types::Duration = prost_types::Duration { seconds: 5, nanos: 0 };

/// More than anybody takes.
const PLENTY: i64 = 1_000_000_000;

/// Measures how fast it is decided who gets what a campaign offers.
///
/// 64 clients reserve, each again as soon as it is answered: of one campaign, and of 64; and 64 guests check in at one
/// property, for one category of which there is enough. All of it is counted: facts are asked of the other services, the
/// decision is written down, and stock and budgets are taken. In turns with it 64 connections commit one bare row each.
/// Before that one brand has estimated how many a campaign is for, from 10,000 people: once when they have to be drawn,
/// and then again and again.
#[derive(Debug, clap::Args)]
pub(crate) struct PerksBench {
    /// How many people there are
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(64..=1_000_000))]
    people: u32,
    /// How long each turn is
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// How often each turn is taken; the median is printed
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=100))]
    runs: u8,
    /// Prints one line of JSON
    #[arg(long)]
    json: bool,
}

/// Asks for what campaigns offer, for one stay after the other.
#[derive(Clone)]
struct Asker {
    client: PerkServiceClient<Channel>,
    token: MetadataValue<Ascii>,
    people: Arc<[String]>,
    campaigns: Arc<[String]>,
    stays: Arc<AtomicU64>,
}

/// Checks guests in, each for another stay.
#[derive(Clone)]
struct Desk(Asker);

/// Has estimated for how many a campaign is that was not saved.
#[derive(Clone)]
struct Brand(Asker);

/// What was measured of each in one turn.
struct Turn {
    preview: Stretch,
    commit: Stretch,
    one: Stretch,
    many: Stretch,
    desk: Stretch,
}

/// Commits a row.
#[derive(Clone)]
struct Committer(PgPool);

// === impl PerksBench ===

impl PerksBench {
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
        callers.block_on(self.measure(&mut figures, &all, &database))?;
        stop(&server, all)?;
        server.shutdown_background();
        callers.shutdown_background();
        figures.print("perks", self.json)
    }

    async fn measure(
        &self,
        figures: &mut Figures,
        all: &Running,
        database: &str,
    ) -> Result<(), Failure> {
        eprintln!("klout: making {} people, their scores, and {CAMPAIGNS} campaigns", self.people);
        let client = ground::client_with(all, &token()?).await?;
        let people: Arc<[String]> = ground::register(&client, self.people).await?.into();
        let one = |subject| {
            let actor = (subject + 1) % self.people;
            Edge { subject, actor, kind: Kind::Like, age: 0, count: 1 }
        };
        let edges: Vec<Edge> = (0..self.people).map(one).collect();
        ground::send(&client, ground::calls(&edges)).await?;
        visible::until_visible(&client).await?;
        // Whoever finds topics out has the threads that decide.
        visible::until_topics_are_told(&client).await?;
        let mut campaigns = Vec::new();
        for _ in 0..CAMPAIGNS {
            campaigns.push(offer(&client, credit()).await?);
        }
        let request = CreatePropertyRequest { property: Some(property()) };
        client.desk().create_property(request).await?;
        offer(&client, upgrade()).await?;
        let one_name: Arc<[String]> = vec![campaigns[0].clone()].into();
        let one = Asker::many(all, &people, &one_name).await?;
        let many = Asker::many(all, &people, &campaigns.into()).await?;
        let desk: Vec<Desk> =
            Asker::many(all, &people, &one_name).await?.into_iter().map(Desk).collect();
        let brand: Vec<Brand> =
            Asker::many(all, &people, &one_name).await?.into_iter().map(Brand).collect();
        let committers = [Committer::new(database).await?];
        let time = Duration::from_secs(self.seconds);

        // Nobody has asked before: the sample is drawn.
        let drawn = ALONE.run(&brand, time, 1).await?;
        figures.add("preview_first_ms", vec![drawn.quantile_ms(1.0)]);
        // Plans are made, and connections are there.
        let warm = Duration::from_secs(1);
        CLIENTS.run(&one, warm, usize::MAX).await?;
        CLIENTS.run(&many, warm, usize::MAX).await?;
        CLIENTS.run(&desk, warm, usize::MAX).await?;
        COMMITTERS.run(&committers, warm, usize::MAX).await?;
        let mut turns: Vec<Turn> = Vec::new();
        let progress = output::progress(Some(self.runs.into()), "{bar} {pos}/{len}");
        for turn in 0..self.runs {
            // Each comes early as often as late.
            turns.push(if turn % 2 == 0 {
                let commit = COMMITTERS.run(&committers, time, usize::MAX).await?;
                let one = CLIENTS.run(&one, time, usize::MAX).await?;
                let many = CLIENTS.run(&many, time, usize::MAX).await?;
                let desk = CLIENTS.run(&desk, time, usize::MAX).await?;
                let preview = ALONE.run(&brand, time, PREVIEWS).await?;
                Turn { preview, commit, one, many, desk }
            } else {
                let preview = ALONE.run(&brand, time, PREVIEWS).await?;
                let desk = CLIENTS.run(&desk, time, usize::MAX).await?;
                let many = CLIENTS.run(&many, time, usize::MAX).await?;
                let one = CLIENTS.run(&one, time, usize::MAX).await?;
                let commit = COMMITTERS.run(&committers, time, usize::MAX).await?;
                Turn { preview, commit, one, many, desk }
            });
            progress.inc(1);
        }
        progress.finish_and_clear();
        let each = |figure: &dyn Fn(&Turn) -> f64| turns.iter().map(figure).collect();
        let ratio =
            |ours: &Stretch, turn: &Turn| ours.quantile_ms(0.99) / turn.commit.quantile_ms(0.99);
        figures.add("decisions_per_second", each(&|it| it.one.calls_per_second()));
        figures.add("p50_ms", each(&|it| it.one.quantile_ms(0.5)));
        figures.add("p99_ms", each(&|it| it.one.quantile_ms(0.99)));
        figures.add("commits_per_second", each(&|it| it.commit.calls_per_second()));
        figures.add("commit_p50_ms", each(&|it| it.commit.quantile_ms(0.5)));
        figures.add("commit_p99_ms", each(&|it| it.commit.quantile_ms(0.99)));
        figures.add("commit_p99_ratio", each(&|it| ratio(&it.one, it)));
        figures.add("many_decisions_per_second", each(&|it| it.many.calls_per_second()));
        figures.add("many_p50_ms", each(&|it| it.many.quantile_ms(0.5)));
        figures.add("many_p99_ms", each(&|it| it.many.quantile_ms(0.99)));
        figures.add("many_commit_p99_ratio", each(&|it| ratio(&it.many, it)));
        figures.add("desk_decisions_per_second", each(&|it| it.desk.calls_per_second()));
        figures.add("desk_p50_ms", each(&|it| it.desk.quantile_ms(0.5)));
        figures.add("desk_p99_ms", each(&|it| it.desk.quantile_ms(0.99)));
        figures.add("desk_commit_p99_ratio", each(&|it| ratio(&it.desk, it)));
        figures.add("preview_p50_ms", each(&|it| it.preview.quantile_ms(0.5)));
        figures.add("preview_p99_ms", each(&|it| it.preview.quantile_ms(0.99)));
        Ok(())
    }
}

/// What counts everything and runs out of nothing.
fn credit() -> CampaignSpec {
    let money = |minor_units| Some(Money { currency: "USD".to_owned(), minor_units });
    CampaignSpec {
        brand: "Bench".to_owned(),
        title: "As much as one likes".to_owned(),
        benefit: Some(Benefit { kind: "CREDIT".to_owned(), value: money(1), ..Default::default() }),
        stock: Some(PLENTY),
        budgets: Some(Budgets {
            money: money(PLENTY),
            per_person: Some(PLENTY),
            per_day: Some(PLENTY),
            per_property: None,
        }),
        rules: vec![Rule { rule: "score".to_owned(), expression: "score >= 1.0".to_owned() }],
        disclosure: "Nobody pays for it.".to_owned(),
        unique_per: "STAY".to_owned(),
        ..Default::default()
    }
}

/// What the last of its rules is asked of nearly everybody for.
fn choosy() -> CampaignSpec {
    let rules = [
        ("score", "score >= 1"),
        ("topics", r#"!topics.exists(topic, topic.startsWith("gambling"))"#),
        ("place", r#"!(country in ["AT", "DE"]) && size(languages) < 10 && size(networks) > 0"#),
        ("standing", "percentile >= 95 || plus_k >= 10"),
    ];
    let rule = |(rule, expression): (&str, &str)| Rule {
        rule: rule.to_owned(),
        expression: expression.to_owned(),
    };
    CampaignSpec { rules: rules.map(rule).into(), ..credit() }
}

/// The same at a desk, where the property is counted too.
fn upgrade() -> CampaignSpec {
    let all = credit();
    let benefit = Benefit { kind: "UPGRADE".to_owned(), ..all.benefit.unwrap_or_default() };
    let budgets = Budgets { per_property: Some(PLENTY), ..all.budgets.unwrap_or_default() };
    CampaignSpec { benefit: Some(benefit), budgets: Some(budgets), ..all }
}

fn property() -> Property {
    let category = |category: &str| Category {
        category: category.to_owned(),
        display_name: category.to_lowercase(),
    };
    Property {
        property: PROPERTY.to_owned(),
        display_name: "Bench".to_owned(),
        country: "US".to_owned(),
        city: "Las Vegas".to_owned(),
        time_zone: "America/Los_Angeles".to_owned(),
        currency: "USD".to_owned(),
        categories: [BOOKED, FREE].map(category).into(),
        ..Default::default()
    }
}

/// An active campaign.
async fn offer(client: &Client, spec: CampaignSpec) -> Result<String, Failure> {
    let request = CreateCampaignRequest { spec: Some(spec), request_id: String::new() };
    let made = client.perks().create_campaign(request).await?.into_inner();
    let campaign = made.campaign.unwrap_or_default().campaign;
    let request = ActivateCampaignRequest { campaign: campaign.clone() };
    client.perks().activate_campaign(request).await?;
    Ok(campaign)
}

// === impl Asker ===

impl Asker {
    /// One for each connection.
    async fn many(
        running: &Running,
        people: &Arc<[String]>,
        campaigns: &Arc<[String]>,
    ) -> Result<Vec<Self>, Failure> {
        let token: MetadataValue<Ascii> = token()?
            .parse()
            .map_err(|_| Failure::Failed("a token does not fit into a header".to_owned()))?;
        let stays = Arc::new(AtomicU64::new(0));
        let asker = |channel| Self {
            client: PerkServiceClient::new(channel),
            token: token.clone(),
            people: Arc::clone(people),
            campaigns: Arc::clone(campaigns),
            stays: Arc::clone(&stays),
        };
        Ok(channels(running.grpc_address).await?.into_iter().map(asker).collect())
    }
}

impl Caller for Asker {
    async fn call(&mut self, number: usize) -> Result<(), Status> {
        let stay = self.stays.fetch_add(1, Ordering::Relaxed);
        let prefix = self.campaigns.len();
        let message = ReserveGrantRequest {
            campaign: self.campaigns[number % self.campaigns.len()].clone(),
            subject: Some(Subject::Person(self.people[number % self.people.len()].clone())),
            request_id: format!("{prefix}/{stay}"),
            property: String::new(),
            stay: format!("{prefix}/{stay}"),
        };
        let mut request = Request::new(message);
        request.metadata_mut().insert("x-api-key", self.token.clone());
        let decided = self.client.reserve_grant(request).await?.into_inner();
        match decided.grant {
            Some(_) => Ok(()),
            None => Err(Status::internal("nothing was given")),
        }
    }
}

// === impl Desk ===

impl Caller for Desk {
    async fn call(&mut self, number: usize) -> Result<(), Status> {
        let Self(asker) = self;
        let stay = asker.stays.fetch_add(1, Ordering::Relaxed);
        let person = asker.people[number % asker.people.len()].clone();
        let upgrade = AvailableUpgrade { category: FREE.to_owned(), available: Some(i32::MAX) };
        let mut request = Request::new(DecideCheckInRequest {
            property: PROPERTY.to_owned(),
            stay: stay.to_string(),
            guest: Some(Guest { person, ..Default::default() }),
            booked_category: BOOKED.to_owned(),
            upgrades: vec![upgrade],
            deadline: Some(DEADLINE),
        });
        request.metadata_mut().insert("x-api-key", asker.token.clone());
        let answer = asker.client.decide_check_in(request).await?.into_inner();
        if answer.outcome == "OFFER" && answer.recorded && !answer.is_repeat {
            Ok(())
        } else {
            Err(Status::internal(format!("a guest is offered nothing: {}", answer.reason)))
        }
    }
}

// === impl Brand ===

impl Caller for Brand {
    async fn call(&mut self, _: usize) -> Result<(), Status> {
        let Self(asker) = self;
        let mut request = Request::new(PreviewCampaignRequest {
            subject: Some(preview_campaign_request::Subject::Spec(Box::new(choosy()))),
            exact: false,
        });
        request.metadata_mut().insert("x-api-key", asker.token.clone());
        let answer = asker.client.preview_campaign(request).await?.into_inner();
        let sampled = answer.preview.map_or(0, |preview| preview.sampled);
        let expected = asker.people.len().min(SAMPLED_MAX);
        if usize::try_from(sampled).is_ok_and(|sampled| sampled == expected) {
            Ok(())
        } else {
            Err(Status::internal(format!("{sampled} people were sampled, not {expected}")))
        }
    }
}

// === impl Committer ===

impl Committer {
    async fn new(database: &str) -> Result<Self, Failure> {
        let mut connection = ground::connect(database).await?;
        let table = "create table bench_commit (id bigint generated always as identity primary key, note text)";
        ground::execute(&mut connection, table.to_owned()).await?;
        let clients = u32::try_from(COMMITTERS.in_flight).unwrap_or(u32::MAX);
        // Whether a connection is there is not asked before each commit.
        let pool = PgPoolOptions::new().max_connections(clients).test_before_acquire(false);
        let pool = pool.connect(database).await;
        pool.map(Self).map_err(|error| Failure::failed(&error))
    }
}

impl Caller for Committer {
    async fn call(&mut self, _: usize) -> Result<(), Status> {
        let done = sqlx::query("insert into bench_commit (note) values ('one row')");
        let done = done.execute(&self.0).await;
        done.map(|_| ()).map_err(|error| Status::internal(error.to_string()))
    }
}
