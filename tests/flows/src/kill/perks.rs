//! A history of what campaigns give while everything is killed that gives it, and whether it adds up.
//!
//! Two processes of perks on a Postgres that writes durably are asked by many clients at once, who reserve, confirm,
//! release, take back, ask again and let time pass, at random. Each strike waits until more was answered since the one
//! before, so that it falls into the work. Whoever gets no answer asks the same again until there is one. All the while
//! somebody else looks whether what is committed adds up and is within the limits.

mod client;
mod peers;

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use klout_proto::perk::v1::{
    ActivateCampaignRequest, Benefit, Budgets, CampaignSpec, CreateCampaignRequest, Money, Rule,
    UploadCodesRequest,
};
use klout_testkit::{Peer, Stores, flaws_of_books};
use rand::{RngExt as _, SeedableRng as _, seq::SliceRandom as _};
use rand_pcg::Pcg64Mcg;
use rustix::process::Signal;
use sqlx::{PgPool, postgres::PgPoolOptions};
use tempfile::TempDir;
use tokio::task::JoinSet;

use self::client::{Client, Clients, Door, Seen};
use super::{ground::Ground, is_stopped};
use crate::{ANOTHER_PERKS, Installation, up};

/// Points at which a process of perks can be stopped.
pub const POINTS: [&str; 2] = ["perks.group.committed", "perks.group.written"];

/// Both processes, by their names.
const REPLICAS: [&str; 2] = ["perks", ANOTHER_PERKS.0];

/// Answers between two strikes.
const ANSWERS: u64 = 150;

/// How often it is looked whether everything adds up.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// What is to be done.
#[derive(Debug)]
pub struct Terms {
    /// Who ask at once.
    pub clients: usize,
    pub kills: usize,
    /// Decides on who asks for what, and on what is killed.
    pub seed: u64,
    /// Whether whoever gives holds the campaign meanwhile.
    pub held: bool,
}

/// What came of it.
#[derive(Debug)]
pub struct Report {
    /// Requests on which something was decided.
    pub decided: usize,
    /// Of kills, by what was killed.
    pub victims: BTreeMap<String, u32>,
    /// How often it was looked whether everything adds up.
    pub looks: u64,
    /// What does not add up; nothing if all is well.
    pub flaws: Vec<String>,
}

/// Who is killed, and when.
#[derive(Clone, Copy, Debug)]
struct Strike {
    victim: Victim,
    /// `None`: at any moment.
    point: Option<&'static str>,
}

#[derive(Clone, Copy, Debug)]
enum Victim {
    Replica(usize),
    Postgres,
    Connection(usize),
}

/// A campaign, and what it gives at most.
#[derive(Clone, Debug)]
struct Offer {
    campaign: String,
    grants_max: i64,
    minor_units_max: i64,
}

/// Has everything asked and killed, and looks what came of it.
///
/// # Panics
///
/// When something does not start, or a strike does not come to its moment.
pub async fn run(terms: &Terms) -> Report {
    let mut ground = Ground::start();
    let points = tempfile::tempdir().expect("a folder");
    if !terms.held {
        fs::write(points.path().join("perks.holds_nothing"), "").expect("a file");
    }
    let peers = Peer::serve(peers::routes()).await;
    let links = ["KLOUT_LINKS__SOCIAL_GRAPH", "KLOUT_LINKS__SCORING", "KLOUT_LINKS__TOPICS"];
    let variables = links.map(|link| (link, peers.address().to_owned())).to_vec();
    let stores = Stores::at(ground.database_url(), ground.redis_url());
    let mut installation = Installation::of_two_perks(stores, points.path(), variables);
    let door = Door::new(REPLICAS.map(|it| installation.grpc(it)), installation.key());
    let offers = make_offers(&door).await;
    let db = PgPoolOptions::new().max_connections(2).connect_lazy(&ground.database_url());
    let db = db.expect("a URL of Postgres");

    let asked = Arc::new(Clients {
        door,
        campaigns: offers.iter().map(|it| it.campaign.clone()).collect(),
        answers: AtomicU64::new(0),
        ends: AtomicBool::new(false),
    });
    let mut clients = JoinSet::new();
    for number in 0..terms.clients {
        let client = Client::new(Arc::clone(&asked), number, terms.seed);
        clients.spawn(client.run());
    }
    let mut looking = JoinSet::new();
    looking.spawn(look(db.clone(), offers.clone(), Arc::clone(&asked)));

    let mut victims: BTreeMap<String, u32> = BTreeMap::new();
    let started = Instant::now();
    for (number, strike) in strikes(terms).iter().enumerate() {
        let mark = asked.answers.load(Ordering::Relaxed) + ANSWERS;
        klout_testkit::until("more was answered", async || {
            asked.answers.load(Ordering::Relaxed) >= mark
        })
        .await;
        let stopped = match strike.point {
            Some(point) => Some(stand_still(&points, &installation, point).await),
            None => None,
        };
        eprintln!("{:5.1} s, kill {}: {strike}", started.elapsed().as_secs_f64(), number + 1);
        *victims.entry(strike.victim.to_string()).or_default() += 1;
        hit(&mut ground, &mut installation, *strike, stopped);
    }
    asked.ends.store(true, Ordering::Relaxed);
    let seen = clients.join_all().await;
    let (looks, mut flaws) = looking.join_next().await.expect("somebody looks").expect("it looks");

    klout_testkit::until("every reservation has ended", async || {
        let open = "select count(*) from perks.grant where state = 'RESERVED'";
        let open: Result<i64, _> = sqlx::query_scalar(open).fetch_one(&db).await;
        open.is_ok_and(|open| open == 0)
    })
    .await;
    flaws.extend(flaws_now(&db, &offers).await.expect("Postgres answers"));
    let decided = seen.iter().map(Seen::decided).sum();
    flaws.extend(client::compare(&db, &seen).await);
    drop(installation);
    drop(ground);
    Report { decided, victims, looks, flaws }
}

/// Everything once, in an order that the seed decides, and again until there are enough.
fn strikes(terms: &Terms) -> Vec<Strike> {
    let [committed, written] = POINTS;
    let at = |victim, point| Strike { victim, point: Some(point) };
    let anytime = |victim| Strike { victim, point: None };
    let mut random = Pcg64Mcg::seed_from_u64(terms.seed);
    let mut strikes = Vec::new();
    while strikes.len() < terms.kills {
        let connection = random.random_range(0..16);
        let mut all = [
            at(Victim::Replica(0), written),
            at(Victim::Replica(0), committed),
            anytime(Victim::Replica(0)),
            anytime(Victim::Replica(1)),
            at(Victim::Postgres, written),
            at(Victim::Postgres, committed),
            anytime(Victim::Postgres),
            at(Victim::Connection(connection), written),
            anytime(Victim::Connection(connection)),
        ];
        all.shuffle(&mut random);
        strikes.extend(all);
    }
    strikes.truncate(terms.kills);
    strikes
}

/// Arms a point and waits until a process stands still there. Returns which.
async fn stand_still(points: &TempDir, installation: &Installation, point: &str) -> usize {
    let armed = points.path().join(point);
    fs::write(&armed, "").expect("a file");
    klout_testkit::until(point, async || !Path::new(&armed).exists()).await;
    let mut found = None;
    up::until("a process stands still", || {
        found = REPLICAS.iter().position(|replica| is_stopped(installation.pid(replica)));
        found.is_some()
    });
    found.expect("one was found")
}

/// Kills and starts again.
fn hit(
    ground: &mut Ground,
    installation: &mut Installation,
    strike: Strike,
    stopped: Option<usize>,
) {
    match strike.victim {
        Victim::Replica(number) => {
            // Whichever met the point.
            let number = stopped.unwrap_or(number);
            installation.kill(REPLICAS[number]);
            if number == 0 {
                installation.start(REPLICAS[0]);
            } else {
                installation.start_another_perks();
            }
            return;
        }
        Victim::Postgres => ground.kill_postgres(),
        Victim::Connection(number) => ground.kill_connection(number),
    }
    if let Some(number) = stopped {
        up::kill(installation.pid(REPLICAS[number]), Signal::CONT);
    }
    if matches!(strike.victim, Victim::Postgres) {
        ground.start_postgres();
    }
}

/// One of which there are few, one with budgets for each stay, one with codes, and one that nothing limits.
async fn make_offers(door: &Door) -> Vec<Offer> {
    let whole = CampaignSpec {
        brand: "Cathay Pacific".to_owned(),
        title: "The lounge at San Francisco".to_owned(),
        benefit: Some(Benefit {
            kind: "ACCESS".to_owned(),
            value: Some(money(150)),
            ..Default::default()
        }),
        rules: vec![Rule { rule: "score".to_owned(), expression: "score >= 40.0".to_owned() }],
        disclosure: "Cathay Pacific pays for it.".to_owned(),
        reservation_duration: Some(prost_types::Duration { seconds: 1, nanos: 0 }),
        ..Default::default()
    };
    let budgets =
        Budgets { money: Some(money(150 * 60)), per_person: Some(3), ..Default::default() };
    let specs = [
        (CampaignSpec { stock: Some(40), ..whole.clone() }, 40, i64::MAX),
        (
            CampaignSpec { unique_per: "STAY".to_owned(), budgets: Some(budgets), ..whole.clone() },
            60,
            150 * 60,
        ),
        (CampaignSpec { codes: "UPLOADED".to_owned(), ..whole.clone() }, 50, i64::MAX),
        (whole, i64::MAX, i64::MAX),
    ];
    let mut offers = Vec::new();
    for (spec, grants_max, minor_units_max) in specs {
        let has_codes = spec.codes == "UPLOADED";
        let request = CreateCampaignRequest { spec: Some(spec), request_id: String::new() };
        let mut client = door.client(0);
        let made = client.create_campaign(request).await.expect("it is made").into_inner();
        let campaign = made.campaign.expect("always there").campaign;
        if has_codes {
            let codes = (0..50).map(|code| format!("code-{code}")).collect();
            let request = UploadCodesRequest { campaign: campaign.clone(), codes };
            client.upload_codes(request).await.expect("they are there");
        }
        let request = ActivateCampaignRequest { campaign: campaign.clone() };
        client.activate_campaign(request).await.expect("it is active");
        offers.push(Offer { campaign, grants_max, minor_units_max });
    }
    offers
}

fn money(minor_units: i64) -> Money {
    Money { currency: "USD".to_owned(), minor_units }
}

/// Looks again and again until the clients end. Returns how often, and what did not add up.
async fn look(db: PgPool, offers: Vec<Offer>, asked: Arc<Clients>) -> (u64, Vec<String>) {
    let (mut looks, mut flaws) = (0, Vec::new());
    while !asked.ends.load(Ordering::Relaxed) {
        // Postgres may be dead just now.
        if let Ok(found) = flaws_now(&db, &offers).await {
            looks += 1;
            flaws.extend(found);
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
    (looks, flaws)
}

/// What does not add up of what is committed, or is beyond a limit.
async fn flaws_now(db: &PgPool, offers: &[Offer]) -> Result<Vec<String>, sqlx::Error> {
    let mut flaws = flaws_of_books(db).await?;
    for Offer { campaign, grants_max, minor_units_max } in offers {
        let given = "select count(*), coalesce(sum(minor_units), 0)::bigint from perks.grant
                     where campaign_id = $1 and state in ('RESERVED', 'CONFIRMED')";
        let id: i64 = campaign.parse().expect("a number");
        let (grants, minor_units): (i64, i64) =
            sqlx::query_as(given).bind(id).fetch_one(db).await?;
        if grants > *grants_max || minor_units > *minor_units_max {
            flaws.push(format!("{campaign} gave {grants} worth {minor_units}, which is too much"));
        }
    }
    Ok(flaws)
}

impl fmt::Display for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.point {
            Some(point) => write!(f, "{} at {point}", self.victim),
            None => write!(f, "{} at any moment", self.victim),
        }
    }
}

impl fmt::Display for Victim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Replica(_) => "perks",
            Self::Postgres => "Postgres",
            Self::Connection(_) => "a connection",
        })
    }
}
