//! Nobody sees anything of who has left, whatever they ask and whom, from the moment that leaving returned.
//!
//! Readers ask every surface that there is, as fast as it answers, while people are erased or opt out and all their
//! signals are told once more. A reader notes when it began to ask: what it is answered after somebody had left, and
//! shows them, is a leak. With each protection switched off the same readers find one.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use klout_flows::{ANOTHER_SCORING, Installation, Output};
use klout_proto::{
    graph::v1::{ErasePersonRequest, SetConsentRequest, graph_service_client::GraphServiceClient},
    score::v1::score_service_client::ScoreServiceClient,
};
use klout_testkit::{Proxy, Stores, http_client, until, until_within};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tonic::{
    Code, Status,
    metadata::{Ascii, MetadataValue},
    service::interceptor::InterceptedService,
    transport::Endpoint,
};

use self::eyes::{Eyes, Key, Watchers};
use crate::{
    network::{Network, Shape},
    world::{Files, rows},
};

mod doors;
mod eyes;
mod routes;

/// Who may leave, each once.
const AUTHORS: usize = 28;

/// Who reacts to each of them.
const FANS: usize = 6;

/// How long a reader may take to come round: eight of them never rest, and share the processors with whatever else runs.
const READERS_PATIENCE: Duration = Duration::from_secs(180);

struct Town {
    installation: Arc<Installation>,
    folder: TempDir,
    signals: PathBuf,
    eyes: Eyes,
    /// Of the gateway, about one person.
    routes: Arc<[&'static str]>,
    /// What the gateway keeps of a file that names everybody.
    job: String,
    watchers: Watchers,
    readers: JoinSet<()>,
    /// Between the second process of scoring and Postgres.
    proxy: Proxy,
    /// Where everybody has an account that is asked for again and again.
    _network: Network,
    /// Who has not left.
    left_to_leave: Vec<String>,
}

// === impl Town ===

impl Town {
    async fn start(stores: Stores) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        // A publication makes everything in Redis old: what tombstones are for is the time until then.
        let slowly = ("KLOUT_SCORING__PUBLISH_INTERVAL", "10s".to_owned());
        // Longer than anybody takes to leave: who is on a page that was made before is on it afterwards, if nobody asks.
        let kept = ("KLOUT_GATEWAY__OVERVIEW_KEEP_TIME", "5s".to_owned());
        // Little: what is looked at is that there is something.
        let network = Network::start(Shape { repositories: 1, stars: 2 }).await;
        let old = ("KLOUT_GATEWAY__OLD_NETWORKS__TWITTER", r#"["bluesky"]"#.to_owned());
        let variables = [network.variables(), vec![slowly, kept, old]].concat();
        let mut installation =
            Installation::with_failpoints_and(stores.clone(), folder.path(), variables);
        let (slow, proxy) = stores.with_disturbed_postgres().await;
        installation.start_another_scoring(&slow);
        let signals = folder.path().join("signals.jsonl");
        let lines: Vec<_> = self::signals().iter().map(ToString::to_string).collect();
        fs::write(&signals, lines.join("\n")).expect("a file");
        let path = signals.to_str().expect("a path of UTF-8");
        done(&installation.klout(&["import", "signals", path, "--register-all"]));

        let mut everybody = Vec::new();
        for author in 0..AUTHORS {
            let path = format!("/v1/accounts/bluesky/author{author}/score");
            let (status, score) = installation.get(&path).await;
            assert_eq!(status, 200, "{score}");
            everybody.push(score["person"].as_str().expect("a person").to_owned());
        }
        let key: MetadataValue<Ascii> =
            format!("Bearer {}", installation.key()).parse().expect("a header");
        let channel = async |service| {
            let endpoint = Endpoint::from_shared(installation.grpc(service)).expect("an address");
            let channel = endpoint.connect().await.expect("the service answers");
            InterceptedService::new(channel, Key(key.clone()))
        };
        let scores = [
            ScoreServiceClient::new(channel("scoring").await),
            ScoreServiceClient::new(channel(ANOTHER_SCORING.0).await),
        ];
        let eyes = Eyes {
            url: installation.url(),
            key: installation.key().to_owned(),
            http: http_client(),
            scores,
            people: GraphServiceClient::new(channel("social-graph").await),
            everybody: Arc::new(everybody.clone()),
        };
        eyes.connect_everybody().await;
        let (routes, job) = (eyes.routes().await.into(), eyes.file_of_everybody().await);
        let mut town = Self {
            installation: Arc::new(installation),
            folder,
            signals,
            eyes,
            routes,
            job,
            watchers: Watchers::default(),
            readers: JoinSet::new(),
            proxy,
            _network: network,
            left_to_leave: everybody,
        };
        town.begin_to_read();
        town
    }

    fn begin_to_read(&mut self) {
        for _ in 0..2 {
            let (eyes, watchers) = (self.eyes.clone(), self.watchers.clone());
            self.readers.spawn(async move {
                let mut tags = BTreeMap::new();
                while !watchers.is_over() {
                    eyes.look(&watchers, &mut tags, false).await;
                    eyes.look(&watchers, &mut tags, true).await;
                }
            });
        }
        let (eyes, watchers) = (self.eyes.clone(), self.watchers.clone());
        let job = self.job.clone();
        self.readers.spawn(async move {
            while !watchers.is_over() {
                eyes.look_at_lists(&watchers).await;
                eyes.look_at_file(&job, &watchers).await;
            }
        });
        let (eyes, watchers) = (self.eyes.clone(), self.watchers.clone());
        let routes = Arc::clone(&self.routes);
        self.readers.spawn(async move {
            while !watchers.is_over() {
                eyes.look_at_routes(&routes, &watchers).await;
            }
        });
        let (eyes, watchers) = (self.eyes.clone(), self.watchers.clone());
        self.readers.spawn(async move {
            while !watchers.is_over() {
                eyes.look_through_doors(&watchers).await;
            }
        });
        let (eyes, watchers) = (self.eyes.clone(), self.watchers.clone());
        self.readers.spawn(async move {
            while !watchers.is_over() {
                eyes.look_at_scoring(0, &watchers).await;
                eyes.look_at_scoring(1, &watchers).await;
            }
        });
        let (eyes, watchers) = (self.eyes.clone(), self.watchers.clone());
        self.readers.spawn(async move {
            while !watchers.is_over() {
                eyes.look_into_memory(0, &watchers).await;
                eyes.look_into_memory(1, &watchers).await;
            }
        });
        for place in 0..2 {
            let (eyes, watchers) = (self.eyes.clone(), self.watchers.clone());
            self.readers.spawn(async move {
                let ended = Arc::clone(&watchers.ended);
                while !watchers.is_over() {
                    tokio::select! {
                        () = eyes.watch(place, &watchers) => {}
                        () = ended.notified() => {}
                    }
                }
            });
        }
        let (installation, watchers) = (Arc::clone(&self.installation), self.watchers.clone());
        let everybody = Arc::clone(&self.eyes.everybody);
        self.readers.spawn_blocking(move || {
            while !watchers.is_over() {
                let asked = Instant::now();
                let exported = installation.klout(&["export"]).stdout;
                let people: Vec<String> = everybody
                    .iter()
                    .filter(|person| {
                        exported.lines().any(|it| it.split(',').next() == Some(person))
                    })
                    .cloned()
                    .collect();
                watchers.saw("export", asked, people);
            }
        });
    }

    /// Tells all signals once more.
    fn tell_again(&self) {
        let path = self.signals.to_str().expect("a path of UTF-8");
        done(&self.installation.klout(&["import", "signals", path, "--no-wait"]));
    }

    fn switch(&self, name: &str, on: bool) {
        let file = self.folder.path().join(name);
        if on {
            fs::write(file, "").expect("a file");
        } else {
            fs::remove_file(file).expect("it was there");
        }
    }

    /// Asks once that somebody leaves.
    async fn ask_to_leave(&self, person: &str, erased: bool) -> Result<(), Status> {
        let mut people = self.eyes.people.clone();
        if erased {
            let request = ErasePersonRequest { person: person.to_owned(), ..Default::default() };
            people.erase_person(request).await.map(|_| ())
        } else {
            let request = SetConsentRequest {
                person: person.to_owned(),
                state: "OPTED_OUT".to_owned(),
                ..Default::default()
            };
            people.set_consent(request).await.map(|_| ())
        }
    }

    fn next_to_leave(&mut self) -> String {
        self.watchers.left.fetch_add(1, Ordering::SeqCst);
        self.left_to_leave.pop().expect("somebody is there")
    }

    /// Lets somebody leave, and returns who it was.
    async fn leave(&mut self, erased: bool) -> String {
        let person = self.next_to_leave();
        until("it is masked", async || match self.ask_to_leave(&person, erased).await {
            Ok(()) => true,
            Err(status) => {
                assert_eq!(status.code(), Code::Unavailable, "{status:?}");
                false
            }
        })
        .await;
        let mut gone = self.watchers.gone.lock().expect("nobody panics while holding it");
        gone.insert(person.clone(), Instant::now());
        person
    }

    /// Waits until each of these surfaces was asked so many times more.
    async fn read_on(&self, surfaces: &[&str], times: u64) {
        let before = surfaces.iter().map(|surface| (surface, self.watchers.shown(surface)));
        for (surface, before) in before.collect::<Vec<_>>() {
            let shown = async || self.watchers.shown(surface) >= before + times;
            until_within(READERS_PATIENCE, surface, shown).await;
        }
    }

    async fn end(mut self) {
        self.watchers.end();
        self.proxy.clear_up();
        while let Some(ended) = self.readers.join_next().await {
            ended.expect("no reader panics");
        }
    }

    /// Lets people leave until something shows one of them, with a protection switched off.
    async fn finds_a_leak_without(
        &mut self,
        switch: &str,
    ) -> BTreeMap<&'static str, BTreeSet<String>> {
        self.watchers.take();
        self.switch(switch, true);
        for _ in 0..4 {
            self.read_on(&["batch", "overview"], 4).await;
            self.leave(true).await;
            let found = async { until("a leak", async || self.watchers.found()).await };
            if tokio::time::timeout(Duration::from_secs(3), found).await.is_ok() {
                break;
            }
        }
        self.switch(switch, false);
        self.watchers.take()
    }

    /// Lets one more leave, whom nothing may show.
    async fn finds_no_leak(&mut self) {
        self.watchers.take();
        self.leave(true).await;
        self.read_on(&["REST score", "overview", "batch"], 3).await;
        let leaks = self.watchers.take();
        assert!(leaks.is_empty(), "{leaks:#?}");
    }

    /// Nobody is told that somebody is masked as long as processes hold their leases and have not heard of it; nothing
    /// shows them once they have.
    async fn waits_for_who_has_not_heard(&mut self) {
        let mut waited = false;
        for _ in 0..4 {
            self.read_on(&["batch"], 4).await;
            let person = self.left_to_leave.last().expect("somebody is there").clone();
            let answered = self.ask_to_leave(&person, true).await;
            waited = answered.is_err_and(|status| status.code() == Code::Unavailable);
            if waited {
                break;
            }
            // On a machine that stood still, leases have lapsed.
            self.next_to_leave();
        }
        assert!(waited, "nobody has confirmed it");
        self.switch("scoring.hears_nothing", false);
        self.finds_no_leak().await;
    }
}

impl Drop for Town {
    /// Else a test that fails would wait for its readers for ever.
    fn drop(&mut self) {
        self.watchers.end();
    }
}

/// Posts of authors about photography, of which others make something.
fn signals() -> Vec<Value> {
    let account = |name: &str| json!({"nativeId": name, "handle": name});
    let mut signals = Vec::new();
    let mut signal = |id: String, day: usize, content: (&str, Value)| {
        let time = format!("2018-05-{day:02}T08:00:00Z");
        signals.push(
            json!({"network": "bluesky", "signalId": id, "time": time, content.0: content.1}),
        );
    };
    for author in 0..AUTHORS {
        let name = format!("author{author}");
        for number in 0..4 {
            let post = format!("{name}-{number}");
            let text = "Spent the morning on film photography. #photography";
            let content = json!({"account": account(&name), "post": post, "text": text});
            signal(format!("post-{post}"), number + 1, ("post", content));
            for fan in 0..FANS {
                let like = json!({
                    "actor": account(&format!("fan{fan}")), "subject": account(&name),
                    "kind": "like", "post": post,
                });
                signal(format!("like-{fan}-{post}"), number + 2, ("interaction", like));
            }
        }
        // Authors do something to others too.
        let like = json!({
            "actor": account(&name), "subject": account("fan0"), "kind": "mention",
        });
        signal(format!("mention-{name}"), 9, ("interaction", like));
    }
    signals
}

fn done(output: &Output) {
    assert_eq!(output.code, Some(0), "{output:?}");
}

/// Every way to see somebody, and how it is called above.
const SURFACES: [&str; 38] = [
    "list of connections",
    "REST score",
    "REST history",
    "REST explanation",
    "REST moments",
    "REST topics",
    "REST person",
    "page of a person",
    "not modified",
    "overview",
    "experts",
    "list of people",
    "list as CSV",
    "look-up",
    "rows of a file",
    "old API user",
    "old API score",
    "old API identity",
    "old API identity by number",
    "old API network id",
    "old API Twitter user",
    "version 1 klout",
    "version 1 show",
    "version 1 topics",
    "version 1 influenced by",
    "version 1 influencer of",
    "CRM score",
    "CRM list",
    "CRM look-up",
    "CRM batch",
    "gRPC-Web",
    "REST batch",
    "batch",
    "ranking",
    "single",
    "history",
    "explanation",
    "export",
];

async fn nobody_sees_who_left(stores: Stores) -> Town {
    let mut town = Town::start(stores).await;
    // Everybody is seen everywhere while they are there.
    let routes = Arc::clone(&town.routes);
    assert!(routes.len() >= 15, "{routes:?}");
    town.read_on(&[&SURFACES, &*routes].concat(), 2).await;
    for erased in [true, false, true] {
        town.leave(erased).await;
        town.tell_again();
        // Long enough for every reader to come round.
        town.read_on(&[routes::ROUND], 2).await;
        town.read_on(&["REST score", "gRPC-Web", "overview", "batch", "ranking", "export"], 3)
            .await;
    }
    let leaks = town.watchers.take();
    assert!(leaks.is_empty(), "{leaks:#?}");
    town
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_who_left_without_redis() {
    nobody_sees_who_left(Stores::fresh().await.without_redis()).await.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_who_left_and_each_protection_that_is_missed_is_a_leak() {
    let mut town = nobody_sees_who_left(Stores::fresh().await).await;

    let leaks = town.finds_a_leak_without("scoring.no_tombstones").await;
    assert!(!leaks.is_empty(), "Redis has what was before");
    town.finds_no_leak().await;

    let leaks = town.finds_a_leak_without("gateway.pages_unasked").await;
    assert!(leaks.contains_key("overview"), "a page is kept: {leaks:?}");
    town.finds_no_leak().await;

    let leaks = town.finds_a_leak_without("gateway.not_modified_unasked").await;
    assert!(leaks.contains_key("not modified"), "it was not looked: {leaks:?}");
    town.finds_no_leak().await;

    town.switch("scoring.hears_nothing", true);
    let leaks = town.finds_a_leak_without("scoring.no_confirmation").await;
    assert!(leaks.contains_key("batch"), "a process has it in its memory: {leaks:?}");
    town.waits_for_who_has_not_heard().await;

    // A process that hears late is waited for.
    town.proxy.slow_down(Duration::from_millis(200));
    town.finds_no_leak().await;
    town.proxy.clear_up();
    town.end().await;
}

#[tokio::test]
async fn who_withholds_a_purpose_is_there_for_all_others() {
    let installation = Installation::of_one_process().await;
    let files = Files::new();
    installation.import(&files.write("all.csv", &rows()[..200]));
    let (status, score) = installation.get("/v1/accounts/bluesky/a0/score").await;
    assert_eq!(status, 200, "{score}");
    let person = score["person"].as_str().expect("a person").to_owned();
    let key: MetadataValue<Ascii> =
        format!("Bearer {}", installation.key()).parse().expect("a header");
    let endpoint = Endpoint::from_shared(installation.url()).expect("an address");
    let channel = endpoint.connect().await.expect("the gateway answers");
    let people = GraphServiceClient::new(InterceptedService::new(channel, Key(key)));
    let set = async |withhold: &[&str], grant: &[&str]| {
        let texts = |texts: &[&str]| texts.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        until("it is in force", async || {
            let request = SetConsentRequest {
                person: person.clone(),
                withhold_purposes: texts(withhold),
                grant_purposes: texts(grant),
                ..Default::default()
            };
            people.clone().set_consent(request).await.is_ok()
        })
        .await;
    };
    let (crm, perks) = (installation.key_for("crm"), installation.key_for("perks"));
    let seen_by = async |key: &str| {
        let path = format!("{}/v1/people/{person}/score", installation.url());
        let response = http_client().get(path).bearer_auth(key).send().await.expect("answered");
        response.status().as_u16()
    };
    assert_eq!((seen_by(&crm).await, seen_by(&perks).await), (200, 200));
    set(&["crm"], &[]).await;
    let operator = installation.key().to_owned();
    assert_eq!((seen_by(&crm).await, seen_by(&perks).await), (404, 200));
    assert_eq!(seen_by(&operator).await, 200);
    set(&["perks"], &["crm"]).await;
    assert_eq!((seen_by(&crm).await, seen_by(&perks).await), (200, 404));
}

/// Whether there is evidence of accounts.
async fn is_known(town: &Town, accounts: &[i64]) -> bool {
    let db = town.installation.stores.db().await;
    sqlx::query_scalar(
        "select exists (select from scoring.evidence where account_id = any($1))
            or exists (select from scoring.evidence_delta where account_id = any($1))",
    )
    .bind(accounts)
    .fetch_one(&db)
    .await
    .expect("Postgres answers")
}

async fn accounts_of(town: &Town, person: &str) -> Vec<i64> {
    let db = town.installation.stores.db().await;
    let person: i64 = person.parse().expect("a number");
    sqlx::query_scalar("select account_id from scoring.account where person_id = $1")
        .bind(person)
        .fetch_all(&db)
        .await
        .expect("Postgres answers")
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_of_erased_people_that_are_told_again_come_back_only_if_nobody_checks() {
    let mut town = Town::start(Stores::fresh().await).await;
    let next = town.left_to_leave.last().expect("somebody is there").clone();
    let accounts = accounts_of(&town, &next).await;
    assert!(is_known(&town, &accounts).await, "there is evidence");
    town.leave(true).await;
    until("it is forgotten", async || !is_known(&town, &accounts).await).await;
    town.tell_again();
    let delivered = async || {
        let db = town.installation.stores.db().await;
        let waiting: i64 = sqlx::query_scalar("select count(*) from connector.outbox")
            .fetch_one(&db)
            .await
            .expect("Postgres answers");
        waiting == 0
    };
    until("everything is delivered", delivered).await;
    assert!(!is_known(&town, &accounts).await, "nothing comes back");

    town.switch("connector.signals_of_anybody", true);
    town.tell_again();
    until("everything is delivered", delivered).await;
    assert!(!is_known(&town, &accounts).await, "scoring checks by itself");

    town.switch("scoring.batches_of_anybody", true);
    let again = town.folder.path().join("again.jsonl");
    let text = fs::read_to_string(&town.signals).expect("a file");
    fs::write(&again, text.replace("\"signalId\":\"", "\"signalId\":\"again-")).expect("a file");
    let import = town.installation.klout(&["import", "signals", text_of(&again), "--no-wait"]);
    done(&import);
    until("it came back", async || is_known(&town, &accounts).await).await;
    town.end().await;
}

fn text_of(path: &Path) -> &str {
    path.to_str().expect("a path of UTF-8")
}
