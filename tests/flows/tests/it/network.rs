//! A host that answers as GitHub does.

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
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// What everybody has published, and who reacted to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) repositories: u64,
    /// Of each repository.
    pub(crate) stars: u64,
}

/// Stars of a part of a list.
const PAGE: u64 = 100;

/// How often each address was asked.
type AskedTimes = Arc<Mutex<BTreeMap<String, u32>>>;

/// The host, and how often each address was asked.
#[derive(Debug)]
pub(crate) struct Network {
    url: String,
    asked: AskedTimes,
    server: JoinHandle<()>,
}

// === impl Network ===

impl Network {
    pub(crate) async fn start(shape: Shape) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let asked = AskedTimes::default();
        let state = (url.clone(), Arc::clone(&asked));
        let answer = move |State((url, asked)): State<(String, AskedTimes)>, request: Request| async move {
            let at = request.uri().to_string();
            *asked.lock().expect("not poisoned").entry(at.clone()).or_default() += 1;
            told(&url, &at, shape)
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
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("KLOUT_CONNECTOR__NETWORKS__GITHUB__PUBLIC", self.url.clone()),
            ("KLOUT_CONNECTOR__PRIVATE_NETWORKS_ALLOWED", "true".to_owned()),
            ("KLOUT_CONNECTOR__REQUESTS_PER_SECOND", "1000".to_owned()),
        ]
    }

    /// Addresses that were asked more than once since this was asked the last time.
    pub(crate) fn asked_again(&self) -> usize {
        let asked = std::mem::take(&mut *self.asked.lock().expect("not poisoned"));
        asked.values().filter(|times| **times > 1).count()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn told(url: &str, at: &str, shape: Shape) -> Response {
    let Shape { repositories, stars } = shape;
    let (path, query) = at.split_once('?').unwrap_or((at, ""));
    let page = query.split('&').find_map(|it| it.strip_prefix("page="));
    let page: u64 = page.map_or(1, |it| it.parse().expect("a page of ours"));
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let answer = |body: Value| axum::Json(body).into_response();
    match segments.as_slice() {
        ["users", login] => answer(account(number_of(login), shape)),
        ["user", number] => answer(account(number.parse().expect("a number of ours"), shape)),
        ["users", _, "followers"] => answer((20_002..20_005).map(user).collect()),
        ["users", login, "repos"] => {
            let owner = number_of(login);
            answer((1..=repositories).map(|number| repository(owner, number, shape)).collect())
        }
        ["repos", _, name, "stargazers"] => {
            let of: u64 = name.trim_start_matches("tool").parse().expect("ours");
            let last = stars.div_ceil(PAGE);
            let numbers = (page - 1) * PAGE..(page * PAGE).min(stars);
            let page_of_stars: Value = numbers.map(|number| star(of, number)).collect();
            let mut links = String::new();
            for (relation, to) in [("next", page + 1), ("last", last), ("prev", page - 1)] {
                if (1..=last).contains(&to) {
                    write!(links, "<{url}{path}?per_page=100&page={to}>; rel=\"{relation}\", ")
                        .expect("memory");
                }
            }
            let mut response = answer(page_of_stars);
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

/// The number in a name, as of `author17`; of whom has none in theirs it is 1.
fn number_of(login: &str) -> u64 {
    login.trim_start_matches(|it: char| it.is_alphabetic()).parse().unwrap_or(1)
}

fn account(number: u64, shape: Shape) -> Value {
    json!({
        "id": number, "login": format!("author{number}"), "type": "User", "followers": 3, "following": 1,
        "public_repos": shape.repositories,
    })
}

fn repository(owner: u64, number: u64, shape: Shape) -> Value {
    json!({
        "id": 1_000 * owner + number, "name": format!("tool{number}"),
        "owner": {"id": owner, "login": format!("author{owner}"), "type": "User"},
        "description": "a tool for rust", "topics": ["rust"], "stargazers_count": shape.stars, "forks_count": 0,
        "open_issues_count": 0, "has_issues": true, "created_at": "2018-04-01T00:00:00Z",
    })
}

fn star(of: u64, number: u64) -> Value {
    let day = 1 + number % 28;
    json!({"starred_at": format!("2018-05-{day:02}T00:00:00Z"), "user": user(10_000 + number + 7 * of)})
}
