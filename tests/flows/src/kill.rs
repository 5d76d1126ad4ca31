//! An import under which everything is killed that can be, and what came of it beside an undisturbed one.
//!
//! Services run as processes of their own, on a Postgres that writes durably and on a Redis, which are a run's
//! own too. The command line imports signals that are fed to it in portions, one a strike: the next portion
//! comes when the strike before is over, so that every strike falls into the work, on any machine. A strike
//! waits until its moment in the portion has come, ends its victim by SIGKILL, and starts it again.

mod ground;
mod input;
pub mod lookups;
pub mod perks;
mod plan;
pub mod standing;
mod totals;
pub mod visits;

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    path::Path,
    process::{Child, ChildStdin, Stdio},
    sync::mpsc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use klout_testkit::Stores;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::{Installation, up};

pub use plan::{POINTS, Plan};

use ground::Ground;
use input::Input;
use plan::{Moment, Strike, Victim};
use totals::Totals;

/// How long a moment is waited for before it is brought about.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long what is left of an import may stay the same.
const STANDSTILL_MAX: Duration = Duration::from_secs(120);

/// How often it is looked what is left.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// A switch of scoring: a batch that was applied counts as new.
const ALWAYS_NEW: &str = "scoring.batches_always_new";

/// Signals in a call of the import, and so in a batch.
const BATCH: u32 = 1_000;

/// What is to be done to which import.
#[derive(Debug)]
pub struct Terms {
    /// How many signals are imported at least: every portion has whole batches.
    pub signals: u32,
    /// Decides on the signals.
    pub seed: u64,
    pub plan: Plan,
    /// Whether scoring looks if a batch was applied before.
    pub checked: bool,
}

/// What came of it.
#[derive(Debug)]
pub struct Report {
    pub signals: u32,
    pub kills: usize,
    /// Of kills, by what was killed.
    pub victims: BTreeMap<String, u32>,
    /// What differs from the undisturbed run; nothing if all is well.
    pub differences: Vec<String>,
    /// How long either import took until its scores could be read.
    pub calm_seconds: f64,
    pub shaken_seconds: f64,
}

/// Everything that an import under kills consists of.
struct Shaken {
    ground: Ground,
    installation: Installation,
    /// Where points are armed.
    points: TempDir,
    import: Import,
}

/// The command line at work.
struct Import {
    child: Child,
    portions: mpsc::Sender<String>,
    feeder: JoinHandle<()>,
    /// `None` when it was looked at, after its end.
    stderr: Option<JoinHandle<String>>,
}

/// Imports the same signals twice, once in peace.
///
/// # Panics
///
/// When an import does not end well, or a strike does not come to its moment.
pub async fn run(terms: &Terms) -> Report {
    let strikes = terms.plan.strikes();
    let portions = u32::try_from(strikes.len()).expect("not so many") + 1;
    let batches = terms.signals.div_ceil(portions * BATCH);
    let signals = batches * portions * BATCH;
    let input = Input::new(terms.seed, signals);
    eprintln!(
        "{signals} signals of the seed {}, {} kills of {:?}",
        terms.seed,
        strikes.len(),
        terms.plan
    );

    let started = Instant::now();
    let calm = Installation::of_one_process().await;
    let mut import = Import::start(&calm);
    (0..portions).for_each(|portion| import.feed(&input, portion, batches));
    import.end(&calm, signals).await;
    let calm_seconds = started.elapsed().as_secs_f64();
    eprintln!("undisturbed: {calm_seconds:.1} s");

    let mut shaken = Shaken::start(terms.checked);
    let started = Instant::now();
    for (portion, strike) in (0..).zip(&strikes) {
        if let Moment::Point(point) = strike.moment {
            shaken.arm(point);
        }
        shaken.import.feed(&input, portion, batches);
        let stopped = shaken.until(strike.moment, portion * batches, batches).await;
        let seconds = started.elapsed().as_secs_f64();
        eprintln!("{seconds:5.1} s, kill {}: {strike}", portion + 1);
        shaken.strike(strike, stopped).await;
    }
    shaken.import.feed(&input, portions - 1, batches);
    let Shaken { ground, installation, import, points: _points } = shaken;
    import.end(&installation, signals).await;
    let shaken_seconds = started.elapsed().as_secs_f64();
    eprintln!("disturbed: {shaken_seconds:.1} s");

    let differences = Totals::of(&calm).await.differences(&Totals::of(&installation).await);
    drop(installation);
    drop(ground);
    let mut victims = BTreeMap::new();
    for Strike { victim, .. } in &strikes {
        *victims.entry(victim.to_string()).or_default() += 1;
    }
    Report { signals, kills: strikes.len(), victims, differences, calm_seconds, shaken_seconds }
}

/// Where two installations differ in what they know, and what either has left to do.
pub async fn differences(calm: &Installation, shaken: &Installation) -> Vec<String> {
    let (calm, shaken) = (Totals::now(calm).await, Totals::now(shaken).await);
    [calm.differences(&shaken), calm.left_to_do(), shaken.left_to_do()].concat()
}

// === impl Shaken ===

impl Shaken {
    fn start(checked: bool) -> Self {
        let ground = Ground::start();
        let points = tempfile::tempdir().expect("a folder");
        if !checked {
            fs::write(points.path().join(ALWAYS_NEW), "").expect("a file");
        }
        let stores = Stores::at(ground.database_url(), ground.redis_url());
        let installation = Installation::with_failpoints(stores, points.path());
        let import = Import::start(&installation);
        Self { ground, installation, points, import }
    }

    /// Whoever meets the point next stands still.
    fn arm(&self, point: &str) {
        fs::write(self.points.path().join(point), "").expect("a file");
    }

    /// Waits for the moment. Returns who stands still because of it.
    async fn until(&mut self, moment: Moment, before: u32, batches: u32) -> Option<&'static str> {
        match moment {
            Moment::Point(point) => {
                let armed = self.points.path().join(point);
                let mut asked = Instant::now();
                let (import, ground) = (&mut self.import, &self.ground);
                let installation = &self.installation;
                klout_testkit::until(point, async || {
                    let waits = import.goes_on() && armed.exists();
                    if waits && asked.elapsed() > PATIENCE {
                        // Nobody may answer just now.
                        if plan::is_of_leaving(point) {
                            let somebody = ground.somebody().await.unwrap_or_default();
                            installation.ask_to_erase(somebody, PATIENCE).await;
                        } else {
                            let _ = ground.make_due(point).await;
                        }
                        asked = Instant::now();
                    }
                    !waits
                })
                .await;
                let service = plan::service(point);
                let pid = self.installation.pid(service);
                up::until("the process stands still", || is_stopped(pid));
                Some(service)
            }
            Moment::Share(percent) => {
                let mark = i64::from(before + batches * percent / 100);
                let ground = &self.ground;
                klout_testkit::until("more signals are durable", async || {
                    ground.batches().await.is_some_and(|batches| batches >= mark)
                })
                .await;
                None
            }
        }
    }

    /// Kills and starts again.
    async fn strike(&mut self, strike: &Strike, stopped: Option<&'static str>) {
        match strike.victim {
            Victim::Service(service) => {
                self.installation.kill(service);
                self.installation.start(service);
            }
            Victim::Postgres => {
                self.ground.kill_postgres();
                self.go_on(stopped);
                self.ground.start_postgres();
            }
            Victim::Connection(number) => {
                self.ground.kill_connection(number);
                self.go_on(stopped);
                let ground = &self.ground;
                klout_testkit::until("Postgres answers", async || ground.batches().await.is_some())
                    .await;
            }
            Victim::Redis => {
                self.ground.kill_redis();
                self.go_on(stopped);
                self.ground.start_redis();
            }
        }
    }

    /// Lets a process go on that found something dead under it.
    fn go_on(&self, stopped: Option<&'static str>) {
        if let Some(service) = stopped {
            up::kill(self.installation.pid(service), Signal::CONT);
        }
    }
}

// === impl Import ===

impl Import {
    fn start(installation: &Installation) -> Self {
        let mut command = installation.command_of(&["import", "signals", "-", "--register-all"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let stdin = child.stdin.take().expect("a pipe");
        let mut pipe = child.stderr.take().expect("a pipe");
        let (portions, more) = mpsc::channel();
        // It takes no more than it can hand on, which stands still while a service does.
        let feeder = thread::spawn(move || write(stdin, &more));
        let stderr = thread::spawn(move || {
            let mut text = String::new();
            pipe.read_to_string(&mut text).expect("klout prints UTF-8");
            text
        });
        Self { child, portions, feeder, stderr: Some(stderr) }
    }

    fn feed(&mut self, input: &Input, portion: u32, batches: u32) {
        let signals = batches * BATCH;
        let lines = input.lines(portion * signals..(portion + 1) * signals);
        self.portions.send(lines).expect("the import reads");
    }

    /// Whether it has not ended, as it should not before its input does.
    fn goes_on(&mut self) -> bool {
        let ended = self.child.try_wait().expect("our child");
        if let (Some(status), Some(stderr)) = (ended, self.stderr.take_if(|_| ended.is_some())) {
            panic!(
                "the import has ended too early: {status}: {}",
                stderr.join().expect("it reads")
            );
        }
        true
    }

    /// Waits until all scores can be read.
    async fn end(self, installation: &Installation, signals: u32) {
        let Self { mut child, portions, feeder, stderr } = self;
        drop(portions);
        feeder.join().expect("it writes");
        // How long it takes is up to the machine; something has to be done meanwhile.
        let (mut left, mut changed) = (Vec::new(), Instant::now());
        while child.try_wait().expect("our child").is_none() {
            let now = Totals::left_behind(installation).await;
            if now != left {
                (left, changed) = (now, Instant::now());
            }
            assert!(
                changed.elapsed() < STANDSTILL_MAX,
                "the import does not end: {left:?} is left"
            );
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        let (status, told) = (child.wait().expect("it has ended"), stderr.map(JoinHandle::join));
        let told = told.expect("nobody has looked").expect("it reads");
        assert!(status.success(), "{status}: {told}");
        let totals = told.lines().find(|line| line.contains("accepted ")).unwrap_or_default();
        let number = |word: &str| -> u32 {
            let rest = totals.split_once(word).map_or("", |(_, rest)| rest);
            rest.split(',').next().and_then(|it| it.trim().parse().ok()).unwrap_or_default()
        };
        // Whether what was sent twice had arrived the first time is chance.
        assert_eq!(number("accepted ") + number("repeated "), signals, "{told}");
    }
}

fn write(mut stdin: ChildStdin, portions: &mpsc::Receiver<String>) {
    for portion in portions {
        // An import that has ended is noticed where it is waited for.
        if stdin.write_all(portion.as_bytes()).is_err() {
            return;
        }
    }
}

/// Whether a process stands still, which Linux says by a `T` behind its name.
fn is_stopped(pid: i32) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    let stat = stat.unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
}
