//! GitHub, played: who gives access, and what there is to be read with it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::{net::TcpListener, sync::Barrier, task::JoinSet};
use url::Url;

/// The secret of our application there.
pub(super) const CLIENT_SECRET: &str = "hidden-client-secret";

/// A server on loopback.
#[derive(Debug)]
pub(super) struct GitHub {
    pub(super) url: String,
    pub(super) town: Arc<Mutex<Town>>,
    _server: JoinSet<()>,
}

/// What is there, and what happened.
#[derive(Debug, Default)]
pub(super) struct Town {
    /// Codes that were given, whose they are, and the challenge that each was asked for with.
    codes: HashMap<String, (String, String)>,
    /// Tokens that let in, and whose they are.
    pub(super) tokens: HashMap<String, String>,
    /// Tokens that renew, and whose they are. Each serves once.
    renewing: HashMap<String, String>,
    given: u32,
    pub(super) renewed: u32,
    pub(super) renewal_refused: bool,
    /// Seconds that the access is good for that is given next.
    pub(super) expires_in: Option<i64>,
    /// Whether all access runs out when the profile has been told, which two further requests then find together.
    pub(super) expires_at_once: bool,
    together: Option<Arc<Barrier>>,
    /// Where `/users/ann/repos` sends whoever asks.
    pub(super) sends_to: Option<String>,
    /// Where it says that the next part of the list is.
    pub(super) next_at: Option<String>,
    /// Whatever came with requests for things, by their paths.
    pub(super) seen: Vec<(String, Option<String>)>,
}

type Shared = State<Arc<Mutex<Town>>>;

// === impl GitHub ===

impl GitHub {
    pub(super) async fn start() -> Self {
        let town: Arc<Mutex<Town>> = Arc::default();
        let routes = Router::new()
            .route("/login/oauth/access_token", post(token))
            .route("/user", get(whoami))
            .route("/user/{id}", get(profile))
            .route("/users/{login}", get(named))
            .route("/users/{login}/followers", get(followers))
            .route("/users/{login}/repos", get(repositories))
            .with_state(Arc::clone(&town));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, routes).await.expect("served") });
        Self { url, town, _server: server }
    }

    pub(super) fn town(&self) -> std::sync::MutexGuard<'_, Town> {
        self.town.lock().expect("not poisoned")
    }

    /// Somebody opens the address and gives access. Returns the code and the state that they are sent back with.
    pub(super) fn consent(&self, authorization_url: &str, login: &str) -> (String, String) {
        let url = Url::parse(authorization_url).expect("an address");
        assert_eq!(url.path(), "/login/oauth/authorize");
        let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!(query["response_type"], "code");
        assert_eq!(query["client_id"], "klout");
        assert_eq!(query["code_challenge_method"], "S256");
        let mut town = self.town();
        let code = format!("hidden-code-{}", town.codes.len());
        let challenge = query["code_challenge"].clone();
        town.codes.insert(code.clone(), (login.to_owned(), challenge));
        (code, query["state"].clone())
    }

    /// Lets nobody in with what was given so far.
    pub(super) fn expire(&self) {
        self.town().tokens.clear();
    }
}

// === impl Town ===

impl Town {
    fn give(&mut self, login: String) -> Value {
        self.given += 1;
        let (access, refresh) =
            (format!("hidden-access-{}", self.given), format!("hidden-refresh-{}", self.given));
        self.tokens.insert(access.clone(), login.clone());
        self.renewing.insert(refresh.clone(), login);
        let mut given =
            json!({ "access_token": access, "token_type": "bearer", "refresh_token": refresh });
        if let Some(seconds) = self.expires_in.take() {
            given["expires_in"] = seconds.into();
        }
        given
    }

    /// Whose access came with a request; nobody's is let in where there is none.
    #[expect(clippy::result_large_err, reason = "it is what a played server answers")]
    fn let_in(&mut self, path: &str, headers: &HeaderMap) -> Result<Option<String>, Response> {
        let shown = headers.get("authorization").map(|it| it.to_str().expect("text").to_owned());
        self.seen.push((path.to_owned(), shown.clone()));
        let Some(shown) = shown else { return Ok(None) };
        match self.tokens.get(shown.strip_prefix("Bearer ").unwrap_or_default()) {
            Some(login) => Ok(Some(login.clone())),
            None => {
                let body = json!({ "message": "Bad credentials" });
                Err((StatusCode::UNAUTHORIZED, Json(body)).into_response())
            }
        }
    }
}

fn id(login: &str) -> u64 {
    if login == "ann" { 1 } else { 2 }
}

fn user(login: &str) -> Value {
    json!({
        "id": id(login), "login": login, "type": "User", "followers": 1, "following": 0, "public_repos": 0,
    })
}

async fn token(State(town): Shared, body: Bytes) -> Response {
    let form: HashMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    assert_eq!((&*form["client_id"], &*form["client_secret"]), ("klout", CLIENT_SECRET));
    let mut town = town.lock().expect("not poisoned");
    // What GitHub says is wrong it says in a 200.
    let wrong = || Json(json!({ "error": "bad_verification_code" })).into_response();
    if form["grant_type"] == "refresh_token" {
        town.renewed += 1;
        let login = town.renewing.remove(&form["refresh_token"]);
        return match login {
            Some(login) if !town.renewal_refused => Json(town.give(login)).into_response(),
            Some(_) | None => wrong(),
        };
    }
    let Some((login, challenge)) = town.codes.remove(&form["code"]) else { return wrong() };
    let verifier = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
    if verifier != challenge {
        return wrong();
    }
    Json(town.give(login)).into_response()
}

async fn whoami(State(town): Shared, headers: HeaderMap) -> Response {
    match town.lock().expect("not poisoned").let_in("/user", &headers) {
        Ok(Some(login)) => Json(user(&login)).into_response(),
        Ok(None) => StatusCode::UNAUTHORIZED.into_response(),
        Err(refused) => refused,
    }
}

async fn profile(State(town): Shared, headers: HeaderMap) -> Response {
    let mut town = town.lock().expect("not poisoned");
    match town.let_in("/user/1", &headers) {
        Ok(_) => {
            if std::mem::take(&mut town.expires_at_once) {
                town.tokens.clear();
                town.together = Some(Arc::new(Barrier::new(2)));
            }
            Json(user("ann")).into_response()
        }
        Err(refused) => refused,
    }
}

async fn named(State(town): Shared, Path(login): Path<String>, headers: HeaderMap) -> Response {
    let known = town.lock().expect("not poisoned").let_in("/users", &headers);
    match known {
        Ok(_) if ["ann", "ben"].contains(&login.as_str()) => Json(user(&login)).into_response(),
        Ok(_) => (StatusCode::NOT_FOUND, Json(json!({ "message": "Not Found" }))).into_response(),
        Err(refused) => refused,
    }
}

async fn followers(State(town): Shared, headers: HeaderMap) -> Response {
    let known = town.lock().expect("not poisoned").let_in("/followers", &headers);
    match known {
        Ok(_) => Json(json!([user("ben")])).into_response(),
        Err(refused) => together(&town, refused).await,
    }
}

async fn repositories(State(town): Shared, headers: HeaderMap) -> Response {
    let known = town.lock().expect("not poisoned").let_in("/repos", &headers);
    let (sends_to, next_at) = {
        let town = town.lock().expect("not poisoned");
        (town.sends_to.clone(), town.next_at.clone())
    };
    match (known, sends_to, next_at) {
        (Ok(_), Some(to), _) => (StatusCode::FOUND, [("location", to)]).into_response(),
        (Ok(_), None, Some(at)) => {
            ([("link", format!("<{at}>; rel=\"next\""))], Json(json!([]))).into_response()
        }
        (Ok(_), None, None) => Json(json!([])).into_response(),
        (Err(refused), ..) => together(&town, refused).await,
    }
}

/// Refuses two at once.
async fn together(town: &Mutex<Town>, refused: Response) -> Response {
    let both = town.lock().expect("not poisoned").together.clone();
    if let Some(both) = both {
        both.wait().await;
    }
    refused
}
