//! A network that answers what a test says.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
};
use http::{
    StatusCode,
    header::{ETAG, IF_NONE_MATCH},
};
use klout_chassis::Clock;
use klout_model::{AccountKey, PersonId};
use klout_networks::{
    Account, Answer, Ask, Capabilities, Description, Listing, Method, Network, Server,
    State as Live, Step, Task, Terms as NetworkTerms, Then, Trouble, Visit, Whose, wait,
};
use klout_outbound::{Outbound, Reach};
use klout_proto::{
    convert::timestamp,
    signal::v1::{self as wire, Interaction, Post, Signal, signal::Content},
};
use klout_testkit::Stores;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use time::{OffsetDateTime, macros::datetime};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{
    access::Access,
    admission::Terms,
    connections::{self, Proven},
    deliver::Bell,
    metrics::Metrics,
    networks::Networks,
    seal::Keys,
    store::{self, MIGRATOR, connection::Connection},
    visit::{BACKFILL, Bounds, INCREMENTAL, Visitor},
};

/// Both clocks of these tests at their beginning.
pub(super) const START: OffsetDateTime = datetime!(2026-11-26 12:00 UTC);

/// Whose account is connected.
pub(super) const ANN: i64 = 7;

/// How long a host of these tests may take.
const ANSWER_TIME_MAX: Duration = Duration::from_millis(500);

/// What is asked: a part of a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Part {
    kind: String,
    list: String,
    cursor: String,
}

/// What is answered: a part of a list. What is in `posts` is published, what is in `likes` reacts. It happens when it is
/// told, but for posts that are called `DAYS-old`, so many days before [`START`].
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Answered {
    posts: Vec<String>,
    likes: Vec<String>,
    next: Option<String>,
    /// Lists that follow, and what each is like.
    then: BTreeMap<String, String>,
}

/// Lists of posts and likes. The list `posts` is what the account published, `likes/POST` who likes a post.
#[derive(Debug)]
pub(super) struct Lists;

static LISTS: Lists = Lists;

static DESCRIPTION: Description = Description {
    network: "played",
    display_name: "Played",
    state: Live::Live,
    capabilities: Capabilities {
        resolve: Whose::None,
        audience: Whose::None,
        posts: Whose::Any,
        reaction_counts: Whose::None,
        reactors: Whose::Any,
        mentions: Whose::None,
        stream: Whose::None,
        archive: Whose::None,
    },
    methods: &[Method::Operator],
    terms: NetworkTerms {
        retention: None,
        feeds_perks: true,
        blends: true,
        forgets: false,
        summary: "",
        url: "",
    },
    gives: "",
    source: "",
};

impl Network for Lists {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn resolve(&self, visit: &Visit) -> Result<Ask, Trouble> {
        Ok(Ask::get(Server::Public, visit.public.clone()))
    }

    fn resolved(&self, visit: &Visit, _answer: &Answer<'_>) -> Result<Account, Trouble> {
        Ok(visit.account.clone())
    }

    fn begin(&self, _visit: &Visit) -> Vec<Then> {
        vec![Then::always(part("posts", ""))]
    }

    fn ask(&self, visit: &Visit, task: &Task) -> Result<Ask, Trouble> {
        let part: Part = task.read()?;
        let mut url = visit.public.clone();
        url.set_path(&part.list);
        url.set_query(Some(&part.cursor));
        let conditional = part.list.starts_with("likes/");
        Ok(Ask { conditional, ..Ask::get(Server::Either, url) })
    }

    fn read(&self, visit: &Visit, task: &Task, answer: &Answer<'_>) -> Result<Step, Trouble> {
        let asked: Part = task.read()?;
        match answer.status {
            200 => {}
            410 => return Err(Trouble::AccountGone),
            429 => return Err(Trouble::RateLimited { until: wait(answer, visit.now) }),
            401 => return Err(Trouble::AccessRefused { message: "no".to_owned() }),
            status => return Err(Trouble::Unavailable { status }),
        }
        let answered: Answered = answer.json("a list")?;
        let signal = |id: String, content| Signal {
            network: "played".to_owned(),
            signal_id: id,
            time: Some(timestamp(visit.now)),
            content: Some(content),
        };
        let own = || {
            let native_id = visit.account.native_id.clone();
            Some(wire::Account { native_id, handle: None })
        };
        let under = asked.list.strip_prefix("likes/").map(str::to_owned);
        let posts = answered.posts.into_iter().map(|post| {
            let days = post.split_once("-old").and_then(|(days, _)| days.parse().ok());
            let time = days.map_or(visit.now, |days| START - time::Duration::days(days));
            let content = Post { account: own(), post: post.clone(), ..Post::default() };
            Signal {
                time: Some(timestamp(time)),
                ..signal(format!("post/{post}"), Content::Post(content))
            }
        });
        let likes = answered.likes.into_iter().map(|actor| {
            let content = Interaction {
                actor: Some(wire::Account { native_id: actor.clone(), handle: None }),
                subject: own(),
                kind: "like".to_owned(),
                count: None,
                post: under.clone(),
                label: None,
            };
            signal(format!("{}/{actor}", asked.list), Content::Interaction(content))
        });
        let next = answered.next.map(|cursor| part(&asked.list, &cursor));
        Ok(Step {
            signals: posts.chain(likes).collect(),
            listing: Some(Listing { name: asked.list.clone(), under, last: next.is_none() }),
            then: answered
                .then
                .into_iter()
                .map(|(list, like)| Then::unless(part(&list, ""), list, like))
                .collect(),
            next,
            account: None,
        })
    }
}

fn part(list: &str, cursor: &str) -> Task {
    Task::of(&Part { kind: "list".to_owned(), list: list.to_owned(), cursor: cursor.to_owned() })
}

/// What a test has the network answer, by path and query.
type Script = Arc<dyn Fn(&str) -> Response + Send + Sync>;

type SharedScript = Arc<Mutex<Script>>;

type AskedPaths = Arc<Mutex<Vec<String>>>;

/// A network that runs, and what was asked.
pub(super) struct World {
    pub(super) visitor: Visitor,
    pub(super) db: PgPool,
    pub(super) account: i64,
    key: AccountKey,
    script: SharedScript,
    asked: AskedPaths,
    server: JoinHandle<()>,
}

/// What the account has of a kind: by who did it, how often.
pub(super) type Totals = BTreeMap<String, i64>;

impl World {
    /// A network of which an account is connected, and nothing was asked yet.
    pub(super) async fn start() -> Self {
        Self::start_within(Reach::Anywhere).await
    }

    pub(super) async fn start_within(reach: Reach) -> Self {
        let db = Stores::fresh().await.db().await;
        MIGRATOR.run(&db).await.expect("the schema is made");
        let key = AccountKey::new([7; 32]);
        let nothing: Script = Arc::new(|_| json("{}"));
        let (script, asked) = (Arc::new(Mutex::new(nothing)), Arc::default());
        let (url, server) = serve(Arc::clone(&script), Arc::clone(&asked)).await;
        let clock = Clock::pinned(START);
        let outbound = Outbound::new(reach, ANSWER_TIME_MAX).expect("a client");
        let (keys, plain) = (Keys::well_known(), true);
        let visitor = Visitor {
            db: db.clone(),
            networks: Networks::played(&[&LISTS]),
            outbound: outbound.clone(),
            access: Access::new(db.clone(), keys, outbound, clock.clone(), plain),
            outbox_grew: Bell::default(),
            due: Arc::default(),
            clock: clock.clone(),
            running: clock,
            terms: Terms { key: key.clone(), now: START, grace: time::Duration::ZERO, ours: false },
            metrics: Arc::new(Metrics::new()),
            pace: Duration::ZERO,
            visit_interval: Duration::from_secs(3600),
            whole_interval: Duration::from_secs(86_400),
            bounds: Bounds { parts_max: 20, waiting_max: 30, requests_max: 100 },
        };
        let proven = Proven {
            person: PersonId::new(ANN).expect("a person"),
            network: "played".parse().expect("a network"),
            native_id: "ann".parse().expect("a native id"),
            handle: Some("ann".to_owned()),
            public: url.clone(),
            own: None,
            method: Method::Operator,
        };
        let mut connection = db.acquire().await.expect("a connection");
        let account = connections::open(&mut connection, &key, &proven, START).await;
        let account = account.expect("it is connected");
        drop(connection);
        Self { visitor, db, account, key, script, asked, server }
    }

    /// Has the network answer, by path and query, from now on.
    pub(super) fn answers(&self, script: impl Fn(&str) -> Response + Send + Sync + 'static) {
        *self.script.lock().expect("not poisoned") = Arc::new(script);
    }

    /// Has the network answer these, and nothing is found elsewhere.
    pub(super) fn holds(&self, lists: &[(&str, &str)]) {
        let lists: HashMap<String, String> =
            lists.iter().map(|(at, json)| ((*at).to_owned(), (*json).to_owned())).collect();
        self.answers(move |at| lists.get(at).map_or_else(|| status(404), |it| json(it)));
    }

    /// The same, and tells what each answer is known by.
    pub(super) fn holds_tagged(&self, lists: &[(&str, &str)]) {
        let lists: HashMap<String, String> =
            lists.iter().map(|(at, json)| ((*at).to_owned(), (*json).to_owned())).collect();
        self.answers(move |at| {
            let Some(text) = lists.get(at) else { return status(404) };
            let mut response = json(text);
            let tag = format!("\"{}\"", text.replace('"', "'"));
            response.headers_mut().insert(ETAG, tag.parse().expect("a header"));
            response
        });
    }

    /// What was asked since this was asked the last time. `=` goes before what was asked for only if it has changed.
    pub(super) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().expect("not poisoned"))
    }

    /// Begins a visit of the account, of what is new or of everything.
    pub(super) async fn begin(&self, whole: bool) {
        store::connection::hasten(&self.db, self.account, whole, self.now()).await.expect("due");
        let due = store::connection::due(&self.db, self.now(), 10).await.expect("read");
        for it in &due {
            self.visitor.begin(it).await.expect("begun");
        }
        assert_eq!(due.len(), 1, "a visit begins");
    }

    /// Makes requests as long as there are any that are due.
    pub(super) async fn run(&self) {
        let never = CancellationToken::new();
        while self.visitor.step(&never).await.expect("a step") {}
    }

    /// Visits the account and reads what is new.
    pub(super) async fn visit(&self) {
        self.begin(false).await;
        self.run().await;
    }

    pub(super) fn now(&self) -> OffsetDateTime {
        self.visitor.running.now()
    }

    pub(super) fn wait(&self, time: Duration) {
        self.visitor.running.set(self.now() + time);
    }

    pub(super) async fn connection(&self) -> Connection {
        let found = store::connection::read(&self.db, self.account).await.expect("read");
        found.expect("it is connected")
    }

    /// Why the last attempt failed.
    pub(super) async fn reason(&self) -> Option<String> {
        self.connection().await.error_reason
    }

    /// Who likes something of the account, and how often, by all that consumers are told.
    pub(super) async fn likes(&self) -> Totals {
        let names = ["bob", "cid", "dee", "eve"].map(str::to_owned);
        let names = names.into_iter().chain((0..100).map(|number| format!("fan{number}")));
        let network = "played".parse().expect("a network");
        let by_id: HashMap<i64, String> = names
            .map(|name| {
                let (id, _) = self.key.account(&network, &name.parse().expect("a native id"));
                (id.0, name)
            })
            .collect();
        let mut totals = Totals::new();
        for batch in store::told::batches(&self.db).await {
            let added = batch.interactions.iter().map(|it| (it, 1));
            for (it, sign) in added.chain(batch.retracted_interactions.iter().map(|it| (it, -1))) {
                assert_eq!(it.subject_account_id, self.account);
                let actor = it.actor_account_id.expect("somebody");
                *totals.entry(by_id[&actor].clone()).or_default() += sign * i64::from(it.count);
            }
        }
        totals.retain(|_, count| *count != 0);
        totals
    }

    /// How many posts of the account there are, by all that consumers are told.
    pub(super) async fn posts(&self) -> usize {
        let batches = store::told::batches(&self.db).await;
        let told: usize = batches.iter().map(|it| it.posts.len()).sum();
        told - batches.iter().map(|it| it.retracted_posts.len()).sum::<usize>()
    }

    /// That the visit ended and saw everything.
    pub(super) async fn assert_done(&self) {
        let connection = self.connection().await;
        assert_eq!((connection.mode.as_str(), connection.waiting), ("IDLE", 0));
        assert_eq!((connection.state.as_str(), connection.error_reason), ("ACTIVE", None));
    }

    pub(super) async fn mode_is_whole(&self) -> bool {
        let mode = self.connection().await.mode;
        assert!(mode == BACKFILL || mode == INCREMENTAL, "{mode}");
        mode == BACKFILL
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Each of them liked once.
pub(super) fn once(names: &[&str]) -> Totals {
    names.iter().map(|name| ((*name).to_owned(), 1)).collect()
}

pub(super) fn json(text: &str) -> Response {
    Response::new(Body::from(text.to_owned()))
}

pub(super) fn status(status: u16) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response
}

async fn serve(script: SharedScript, asked: AskedPaths) -> (Url, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let answer = |State((script, asked)): State<(SharedScript, AskedPaths)>, request: Request| async move {
        let at = request.uri().to_string();
        let at = at.trim_start_matches('/').trim_end_matches('?').to_owned();
        let held = request.headers().get(IF_NONE_MATCH);
        let told = if held.is_some() { format!("={at}") } else { at.clone() };
        asked.lock().expect("not poisoned").push(told);
        let script = Arc::clone(&script.lock().expect("not poisoned"));
        let response = script(&at);
        match held {
            Some(held) if response.headers().get(ETAG) == Some(held) => status(304),
            Some(_) | None => response,
        }
    };
    let router = Router::new().fallback(answer).with_state((script, asked));
    #[expect(clippy::disallowed_methods, reason = "it is aborted with the world")]
    let server = tokio::spawn(async move {
        // It ends with the test.
        let _ = axum::serve(listener, router).await;
    });
    (format!("http://{address}/").parse().expect("an address"), server)
}
