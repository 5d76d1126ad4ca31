//! What a network tells of 90 days is read whole, whatever is killed meanwhile.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, header::LINK},
    response::{IntoResponse as _, Response},
};
use klout_flows::{
    Installation,
    kill::{
        differences,
        standing::{arm, kill_there},
        visits::POINTS,
    },
};
use klout_testkit::{Stores, until};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// Repositories of ann, and stars of each: some pages.
const REPOSITORIES: u64 = 4;
const STARS: u64 = 230;
const PAGE: u64 = 100;

/// A host that answers as GitHub does, about ann, and how often each address was asked.
struct Network {
    url: String,
    asked: Arc<Mutex<BTreeMap<String, u32>>>,
    server: JoinHandle<()>,
}

// === impl Network ===

impl Network {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let asked = Arc::<Mutex<BTreeMap<String, u32>>>::default();
        let state = (url.clone(), Arc::clone(&asked));
        let answer = |State((url, asked)): State<(String, Arc<Mutex<BTreeMap<String, u32>>>)>,
                      request: Request| async move {
            let at = request.uri().to_string();
            *asked.lock().expect("not poisoned").entry(at.clone()).or_default() += 1;
            told(&url, &at)
        };
        let router = Router::new().fallback(answer).with_state(state);
        #[expect(clippy::disallowed_methods, reason = "it is aborted when it is dropped")]
        let server = tokio::spawn(async move {
            // It ends with the test.
            let _ = axum::serve(listener, router).await;
        });
        Self { url, asked, server }
    }

    /// Where an installation finds it, and may ask it.
    fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("KLOUT_CONNECTOR__NETWORKS__GITHUB__PUBLIC", self.url.clone()),
            ("KLOUT_CONNECTOR__PRIVATE_NETWORKS_ALLOWED", "true".to_owned()),
            ("KLOUT_CONNECTOR__REQUESTS_PER_SECOND", "1000".to_owned()),
        ]
    }

    /// Addresses that were asked more than once since this was asked the last time.
    fn asked_again(&self) -> usize {
        let asked = std::mem::take(&mut *self.asked.lock().expect("not poisoned"));
        asked.values().filter(|times| **times > 1).count()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn told(url: &str, at: &str) -> Response {
    let (path, query) = at.split_once('?').unwrap_or((at, ""));
    let page = query.split('&').find_map(|it| it.strip_prefix("page="));
    let page: u64 = page.map_or(1, |it| it.parse().expect("a page of ours"));
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let ann = json!({"id": 1, "login": "ann", "type": "User", "followers": 3, "following": 1, "public_repos": REPOSITORIES});
    let answer = |body: Value| axum::Json(body).into_response();
    match segments.as_slice() {
        ["users" | "user", _] => answer(ann),
        ["users", _, "followers"] => answer((2..5).map(user).collect()),
        ["users", _, "repos"] => answer((1..=REPOSITORIES).map(repository).collect()),
        ["repos", _, name, "stargazers"] => {
            let of: u64 = name.trim_start_matches("tool").parse().expect("ours");
            let last = STARS.div_ceil(PAGE);
            let numbers = (page - 1) * PAGE..(page * PAGE).min(STARS);
            let stars: Value = numbers.map(|number| star(of, number)).collect();
            let mut links = String::new();
            for (relation, to) in [("next", page + 1), ("last", last), ("prev", page - 1)] {
                if (1..=last).contains(&to) {
                    write!(links, "<{url}{path}?per_page=100&page={to}>; rel=\"{relation}\", ")
                        .expect("memory");
                }
            }
            let mut response = answer(stars);
            let links = HeaderValue::from_str(links.trim_end_matches(", ")).expect("text");
            response.headers_mut().insert(LINK, links);
            response
        }
        _ => answer(json!([])),
    }
}

fn user(id: u64) -> Value {
    json!({"id": id, "login": format!("user{id}"), "type": "User"})
}

fn repository(id: u64) -> Value {
    json!({
        "id": id, "name": format!("tool{id}"), "owner": {"id": 1, "login": "ann", "type": "User"},
        "description": "a tool for rust", "topics": ["rust"], "stargazers_count": STARS, "forks_count": 0,
        "open_issues_count": 0, "has_issues": true, "created_at": "2018-04-01T00:00:00Z",
    })
}

fn star(of: u64, number: u64) -> Value {
    let day = 1 + number % 28;
    json!({"starred_at": format!("2018-05-{day:02}T00:00:00Z"), "user": user(100 + number + 7 * of)})
}

/// Has an installation connect ann's account. Nothing more is asked of it then.
fn connect(installation: &Installation) {
    let made = installation.klout(&["person", "create", "bluesky:id=ann"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    let arguments = [
        "connect",
        "github",
        "ann",
        "--person",
        "bluesky:id=ann",
        "--method",
        "operator",
        "--no-wait",
    ];
    let output = installation.klout(&arguments);
    assert_eq!(output.code, Some(0), "{output:?}");
}

async fn until_read(installation: &Installation) -> Value {
    let mut connection = Value::Null;
    until("all is read", async || {
        let (_, mut listed) = installation.get("/v1/connections").await;
        connection = listed["connections"][0].take();
        connection["mode"] == "IDLE" && !connection["syncTime"].is_null()
    })
    .await;
    connection
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_that_is_killed_anywhere_is_resumed_without_loss_or_repetition() {
    let network = Network::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let none = tempfile::tempdir().expect("a folder");
    let fresh = Stores::fresh().await;
    let calm = Installation::with_failpoints_and(fresh, none.path(), network.variables());
    connect(&calm);
    let undisturbed = until_read(&calm).await;
    assert_eq!(undisturbed["state"], "ACTIVE", "{undisturbed}");
    let signals = REPOSITORIES * STARS;
    let told: u64 =
        undisturbed["progress"]["signals"].as_str().expect("a count").parse().expect("a number");
    assert!(told > signals, "{undisturbed}");
    assert_eq!(network.asked_again(), 0);

    let fresh = Stores::fresh().await;
    let mut shaken = Installation::with_failpoints_and(fresh, folder.path(), network.variables());
    arm(folder.path(), POINTS[0]);
    connect(&shaken);
    for round in 0..4 {
        let point = POINTS[round % POINTS.len()];
        kill_there(folder.path(), &mut shaken, point).await;
        if round < 3 {
            arm(folder.path(), POINTS[(round + 1) % POINTS.len()]);
        }
    }
    let disturbed = until_read(&shaken).await;
    assert_eq!(disturbed["progress"]["signals"], undisturbed["progress"]["signals"]);
    assert!(network.asked_again() > 0, "what was not written is asked for again");
    until("the scores are those of the undisturbed run", async || {
        differences(&calm, &shaken).await.is_empty()
    })
    .await;
}
