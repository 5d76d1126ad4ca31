//! A history of what campaigns give while everything is killed that gives it, and whether it adds up.
//!
//! Two processes of perks on a Postgres that writes durably are asked by many clients at once, who reserve, confirm,
//! release, take back, check in, ask again and let time pass, at random. What one has reserved another one may confirm
//! while a third releases it, by the other process. Each strike waits until more was answered since the one before, so
//! that it falls into the work. Whoever gets no answer asks the same again until there is one. All the while somebody
//! else looks whether what is committed adds up and is within the limits.
//!
//! In the end, once every reservation has ended, all is asked for anew until it is refused, which has to give exactly
//! what nobody has. Then each decision is judged, refusals too, by what was given at its moment ([`judge`]), and all
//! that was told is held against what is written down ([`told`]).

mod books;
mod client;
mod door;
mod end;
mod judge;
mod offers;
mod peers;
mod told;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use klout_testkit::{Peer, Stores};
use rand::{RngExt as _, SeedableRng as _, seq::SliceRandom as _};
use rand_pcg::Pcg64Mcg;
use rustix::process::Signal;
use sqlx::{PgPool, postgres::PgPoolOptions};
use tempfile::TempDir;
use tokio::task::JoinSet;

use self::{
    books::{Books, flaws_now},
    client::{Client, Clients},
    door::Door,
    offers::Offer,
    told::Told,
};
use super::{ground::Ground, is_stopped};
use crate::{ANOTHER_PERKS, Installation, up};

/// Points at which a process of perks can be stopped.
pub const POINTS: [&str; 2] = ["perks.group.committed", "perks.group.written"];

/// Both processes, by their names.
const REPLICAS: [&str; 2] = ["perks", ANOTHER_PERKS.0];

/// Answers between two strikes, as a rule.
pub const ANSWERS: u64 = 150;

/// How often it is looked whether everything adds up.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// What is to be done.
#[derive(Debug)]
pub struct Terms {
    /// Who ask at once.
    pub clients: usize,
    pub kills: usize,
    /// Answers between two strikes.
    pub answers: u64,
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
    let offers = offers::make(&door).await;
    let db = PgPoolOptions::new().max_connections(2).connect_lazy(&ground.database_url());
    let db = db.expect("a URL of Postgres");

    let asked = Arc::new(Clients::new(door.clone(), offers.clone()));
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
        let mark = asked.answers.load(Ordering::Relaxed) + terms.answers;
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
    let mut told = clients.join_all().await;
    let (looks, mut flaws) = looking.join_next().await.expect("somebody looks").expect("it looks");
    let decided = told.iter().map(Told::decided).sum();
    // What does not add up gives whatever it gives: nothing more is to be learned from it.
    if flaws.is_empty() {
        settle(&db).await;
        eprintln!("{:5.1} s, every reservation has ended", started.elapsed().as_secs_f64());
        let stays = told.iter().flat_map(Told::stays).collect::<BTreeSet<_>>();
        told.extend(end::ask_anew(&db, &door, &offers, stays).await);
        eprintln!("{:5.1} s, all was asked for anew", started.elapsed().as_secs_f64());
        settle(&db).await;
    }
    flaws.extend(flaws_now(&db, &offers).await.expect("Postgres answers"));
    let books = Books::read(&db).await;
    flaws.extend(judge::flaws(&offers, &books));
    flaws.extend(told::compare(&books, &told));
    drop(installation);
    drop(ground);
    Report { decided, victims, looks, flaws }
}

/// Waits until every reservation has ended.
async fn settle(db: &PgPool) {
    klout_testkit::until("every reservation has ended", async || {
        let open = "select count(*) from perks.grant where state = 'RESERVED'";
        let open: Result<i64, _> = sqlx::query_scalar(open).fetch_one(db).await;
        open.is_ok_and(|open| open == 0)
    })
    .await;
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
