//! Bluesky, played: an account's identity, its own server, which gives access to it, and the view that everybody asks.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use klout_proto::signal::v1::{
    CompleteConnectionRequest, Connection, GetConnectionRequest, StartConnectionRequest,
    SyncConnectionRequest,
};
use klout_testkit::{Peer, Stores, until};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::{net::TcpListener, task::JoinSet};
use tonic::{Code, Status};
use url::Url;

use super::{BACK, ONE, assert_refused, graph::ANN, graph::Graph};
use crate::{consumer::Consumers, world::World};

const DID: &str = "did:plc:ann";

const HANDLE: &str = "ann.example";

/// What proofs have to name. It is another one than anybody knows at first.
const NONCE: &str = "nonce-of-today";

const PASSWORD: &str = "hidden-app-password";

/// The account's own server, who also gives access.
#[derive(Debug, Default)]
struct Home {
    url: String,
    /// Whom it says to be, where it lies.
    issuer: Option<String>,
    /// Whose tokens it gives.
    sub: String,
    pushed: HashMap<String, HashMap<String, String>>,
    codes: HashMap<String, String>,
    /// Proofs that were shown: each serves once.
    proofs: HashSet<String>,
    nonces_asked_for: u32,
    given: u32,
    /// Tokens that let in.
    tokens: HashSet<String>,
    refreshed: u32,
    refresh_refused: bool,
    mentions_read: u32,
}

/// Whom everybody asks.
#[derive(Debug, Default)]
struct View {
    home: String,
    handle: String,
    /// What came with requests that should have nothing.
    shown: Vec<String>,
}

struct Place {
    world: World,
    graph: Graph,
    home: Arc<Mutex<Home>>,
    view: Arc<Mutex<View>>,
    _servers: JoinSet<()>,
    _peer: Peer,
}

// === impl Place ===

impl Place {
    async fn start() -> Self {
        let home: Arc<Mutex<Home>> = Arc::default();
        let routes = Router::new()
            .route("/.well-known/oauth-protected-resource", get(resource))
            .route("/.well-known/oauth-authorization-server", get(metadata))
            .route("/oauth/par", post(pushed))
            .route("/oauth/token", post(token))
            .route("/xrpc/com.atproto.server.createSession", post(create_session))
            .route("/xrpc/com.atproto.server.refreshSession", post(refresh_session))
            .route("/xrpc/app.bsky.notification.listNotifications", get(mentions))
            .with_state(Arc::clone(&home));
        let mut servers = JoinSet::new();
        let home_url = serve(&mut servers, routes).await;
        let view: Arc<Mutex<View>> = Arc::default();
        let routes = Router::new()
            .route("/did:plc:ann", get(document))
            .route("/xrpc/{method}", get(look))
            .with_state(Arc::clone(&view));
        let view_url = serve(&mut servers, routes).await;
        {
            let mut home = home.lock().expect("not poisoned");
            (home.url, home.sub) = (home_url.clone(), DID.to_owned());
            let mut view = view.lock().expect("not poisoned");
            (view.home, view.handle) = (home_url, HANDLE.to_owned());
        }
        let graph = Graph::default();
        let peer = graph.serve().await;
        let flags = [
            ("connector.private_networks_allowed", "true"),
            ("connector.requests_per_second", "1000"),
            ("connector.networks.bluesky.public", view_url.as_str()),
            ("connector.networks.bluesky.directory", view_url.as_str()),
            ("connector.token_keys", ONE),
            ("links.social_graph", peer.address()),
        ];
        let stores = Stores::fresh().await;
        let world = World::start_with(stores, Consumers::default(), &flags).await;
        Self { world, graph, home, view, _servers: servers, _peer: peer }
    }

    fn home(&self) -> std::sync::MutexGuard<'_, Home> {
        self.home.lock().expect("not poisoned")
    }

    fn request(method: &str) -> StartConnectionRequest {
        StartConnectionRequest {
            person: ANN.to_owned(),
            network: "bluesky".to_owned(),
            handle: HANDLE.to_owned(),
            method: method.to_owned(),
            redirect_uri: if method == "OAUTH" { BACK } else { "" }.to_owned(),
        }
    }

    /// Starts, and gives access. Returns what there is to be completed.
    async fn consented(&self) -> CompleteConnectionRequest {
        let request = Self::request("OAUTH");
        let started = self.world.client().start_connection(request).await.expect("started");
        let started = started.into_inner();
        let url = Url::parse(&started.authorization_url).expect("an address");
        let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!(query.len(), 2, "all else was left with the server: {url}");
        let mut home = self.home();
        let left = home.pushed.remove(&query["request_uri"]).expect("it was left");
        assert_eq!(left["client_id"], query["client_id"]);
        assert!(left["client_id"].starts_with("http://localhost?"), "{left:?}");
        assert_eq!((&*left["redirect_uri"], &*left["login_hint"]), (BACK, HANDLE));
        assert_eq!(
            (&*left["scope"], &*left["code_challenge_method"]),
            ("atproto transition:generic", "S256")
        );
        home.codes.insert("hidden-code".to_owned(), left["code_challenge"].clone());
        CompleteConnectionRequest {
            attempt: started.attempt,
            code: "hidden-code".to_owned(),
            state: left["state"].clone(),
            issuer: home.url.clone(),
            ..Default::default()
        }
    }

    async fn complete(&self, request: CompleteConnectionRequest) -> Result<Connection, Status> {
        let completed = self.world.client().complete_connection(request).await?.into_inner();
        Ok(completed.connection.expect("a connection"))
    }

    async fn connection(&self, connection: &str) -> Connection {
        let request = GetConnectionRequest { connection: connection.to_owned() };
        let found = self.world.client().get_connection(request).await.expect("there");
        found.into_inner().connection.expect("a connection")
    }

    /// Looks at all of it once more.
    async fn sync(&self, connection: &str) {
        let request = SyncConnectionRequest {
            connection: connection.to_owned(),
            mode: "BACKFILL".to_owned(),
        };
        self.world.client().sync_connection(request).await.expect("looked at");
    }

    fn assert_view_saw_nothing(&self) {
        let view = self.view.lock().expect("not poisoned");
        assert!(view.shown.is_empty(), "{:?}", view.shown);
    }
}

async fn serve(servers: &mut JoinSet<()>, routes: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    servers.spawn(async move { axum::serve(listener, routes).await.expect("served") });
    url
}

// === impl Home ===

impl Home {
    /// Looks at a proof as RFC 9449 says. The answer asks for another nonce, or tells what is wrong.
    #[expect(clippy::result_large_err, reason = "it is what a played server answers")]
    fn check_proof(
        &mut self,
        headers: &HeaderMap,
        method: &str,
        path: &str,
        access: Option<&str>,
    ) -> Result<(), Response> {
        let wrong = |problem: &str| {
            let body = json!({ "error": "invalid_dpop_proof", "error_description": problem });
            (StatusCode::BAD_REQUEST, Json(body)).into_response()
        };
        let proof = headers.get("dpop").ok_or_else(|| wrong("none"))?.to_str().expect("text");
        let header = jsonwebtoken::decode_header(proof).map_err(|_| wrong("no token"))?;
        let jwk = header.jwk.ok_or_else(|| wrong("no key"))?;
        let mut validation = Validation::new(Algorithm::ES256);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        let key = DecodingKey::from_jwk(&jwk).map_err(|_| wrong("no key"))?;
        let claims = jsonwebtoken::decode::<Value>(proof, &key, &validation);
        let claims = claims.map_err(|_| wrong("not signed"))?.claims;
        let hash = access.map(|it| URL_SAFE_NO_PAD.encode(Sha256::digest(it)));
        let right = header.typ.as_deref() == Some("dpop+jwt")
            && claims["htm"] == method
            && claims["htu"] == format!("{}{path}", self.url)
            && claims["ath"].as_str() == hash.as_deref();
        if !right {
            return Err(wrong("of another request"));
        }
        if !self.proofs.insert(claims["jti"].as_str().expect("an id").to_owned()) {
            return Err(wrong("used before"));
        }
        if claims["nonce"] == NONCE {
            return Ok(());
        }
        self.nonces_asked_for += 1;
        let body = Json(json!({ "error": "use_dpop_nonce" }));
        let nonce = ("dpop-nonce", NONCE);
        Err(match access {
            Some(_) => {
                let asks = ("www-authenticate", r#"DPoP error="use_dpop_nonce""#);
                (StatusCode::UNAUTHORIZED, [nonce, asks], body).into_response()
            }
            None => (StatusCode::BAD_REQUEST, [nonce], body).into_response(),
        })
    }

    fn give(&mut self, kind: &str) -> (String, String) {
        self.given += 1;
        let (access, refresh) =
            (format!("hidden-{kind}-{}", self.given), format!("hidden-refresh-{}", self.given));
        self.tokens.insert(access.clone());
        self.tokens.insert(refresh.clone());
        (access, refresh)
    }

    fn session(&mut self) -> Response {
        let (access, refresh) = self.give("session");
        let body = json!({
            "did": self.sub, "handle": HANDLE, "accessJwt": access, "refreshJwt": refresh,
        });
        Json(body).into_response()
    }
}

type Shared = State<Arc<Mutex<Home>>>;

fn refused(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error, "message": "no" }))).into_response()
}

async fn resource(State(home): Shared) -> Json<Value> {
    let home = home.lock().expect("not poisoned");
    Json(json!({ "resource": home.url, "authorization_servers": [home.url] }))
}

async fn metadata(State(home): Shared) -> Json<Value> {
    let home = home.lock().expect("not poisoned");
    let at = |path: &str| format!("{}{path}", home.url);
    Json(json!({
        "issuer": home.issuer.as_ref().unwrap_or(&home.url),
        "authorization_endpoint": at("/oauth/authorize"),
        "token_endpoint": at("/oauth/token"),
        "pushed_authorization_request_endpoint": at("/oauth/par"),
        "require_pushed_authorization_requests": true,
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": ["ES256"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

async fn pushed(State(home): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let mut home = home.lock().expect("not poisoned");
    if let Err(refused) = home.check_proof(&headers, "POST", "/oauth/par", None) {
        return refused;
    }
    let name = format!("urn:request:{}", home.pushed.len());
    let form = url::form_urlencoded::parse(&body).into_owned().collect();
    home.pushed.insert(name.clone(), form);
    (StatusCode::CREATED, Json(json!({ "request_uri": name, "expires_in": 299 }))).into_response()
}

async fn token(State(home): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let mut home = home.lock().expect("not poisoned");
    if let Err(refused) = home.check_proof(&headers, "POST", "/oauth/token", None) {
        return refused;
    }
    let form: HashMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    let serves = match form["grant_type"].as_str() {
        "refresh_token" => {
            home.refreshed += 1;
            !home.refresh_refused && home.tokens.remove(&form["refresh_token"])
        }
        _ => {
            let verifier = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
            home.codes.remove(&form["code"]) == Some(verifier)
        }
    };
    if !serves {
        return refused(StatusCode::BAD_REQUEST, "invalid_grant");
    }
    let (access, refresh) = home.give("access");
    Json(json!({
        "access_token": access, "token_type": "DPoP", "refresh_token": refresh, "sub": home.sub,
        "scope": "atproto transition:generic", "expires_in": 3600,
    }))
    .into_response()
}

async fn create_session(State(home): Shared, Json(body): Json<Value>) -> Response {
    let mut home = home.lock().expect("not poisoned");
    if body["identifier"] == DID && body["password"] == PASSWORD {
        return home.session();
    }
    refused(StatusCode::UNAUTHORIZED, "AuthenticationRequired")
}

async fn refresh_session(State(home): Shared, headers: HeaderMap) -> Response {
    let mut home = home.lock().expect("not poisoned");
    home.refreshed += 1;
    let shown = headers["authorization"].to_str().expect("text").to_owned();
    let shown = shown.strip_prefix("Bearer ").unwrap_or_default();
    if home.refresh_refused || !home.tokens.remove(shown) {
        return refused(StatusCode::BAD_REQUEST, "ExpiredToken");
    }
    home.session()
}

async fn mentions(State(home): Shared, headers: HeaderMap) -> Response {
    let mut home = home.lock().expect("not poisoned");
    let shown = headers.get("authorization").map(|it| it.to_str().expect("text").to_owned());
    let shown = shown.unwrap_or_default();
    let path = "/xrpc/app.bsky.notification.listNotifications";
    let token = match shown.split_once(' ') {
        Some(("DPoP", token)) => {
            if let Err(refused) = home.check_proof(&headers, "GET", path, Some(token)) {
                return refused;
            }
            token
        }
        Some(("Bearer", token)) if token.starts_with("hidden-session") => token,
        _ => return refused(StatusCode::UNAUTHORIZED, "AuthMissing"),
    };
    if !home.tokens.contains(token) {
        return refused(StatusCode::BAD_REQUEST, "ExpiredToken");
    }
    home.mentions_read += 1;
    Json(json!({ "notifications": [] })).into_response()
}

async fn document(State(view): State<Arc<Mutex<View>>>) -> Json<Value> {
    let view = view.lock().expect("not poisoned");
    Json(json!({
        "id": DID,
        "alsoKnownAs": [format!("at://{}", view.handle)],
        "service": [{
            "id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": view.home,
        }],
    }))
}

async fn look(
    State(view): State<Arc<Mutex<View>>>,
    axum::extract::Path(method): axum::extract::Path<String>,
    headers: HeaderMap,
) -> Json<Value> {
    for name in ["authorization", "dpop"] {
        if let Some(value) = headers.get(name) {
            let shown = format!("{method}: {value:?}");
            view.lock().expect("not poisoned").shown.push(shown);
        }
    }
    Json(match method.as_str() {
        "app.bsky.actor.getProfile" => json!({
            "did": DID, "handle": HANDLE, "followersCount": 0, "followsCount": 0, "postsCount": 0,
        }),
        "app.bsky.feed.getAuthorFeed" => json!({ "feed": [] }),
        "app.bsky.graph.getFollowers" => json!({
            "subject": { "did": DID, "handle": HANDLE }, "followers": [],
        }),
        _ => json!({}),
    })
}

#[tokio::test]
async fn access_that_is_bound_to_a_key_is_given_and_lent_with_proofs_to_the_accounts_own_server() {
    let place = Place::start().await;
    let request = place.consented().await;

    let connection = place.complete(request).await.expect("connected");

    assert_eq!((&*connection.method, &*connection.person), ("OAUTH", ANN));
    assert_eq!(place.graph.linked(), [format!("bluesky {DID} OAUTH")]);
    until("mentions are read", async || place.home().mentions_read > 0).await;
    // Asked for once; what was heard then is used by everything after it.
    assert_eq!(place.home().nonces_asked_for, 1);

    let (before, id) = (place.home().mentions_read, connection.connection);
    until("all is read", async || place.connection(&id).await.sync_time.is_some()).await;
    place.home().tokens.retain(|it| it.contains("refresh"));
    place.sync(&id).await;
    until("it is read with new access", async || place.home().mentions_read > before).await;
    assert_eq!(place.home().refreshed, 1);
    place.assert_view_saw_nothing();
}

#[tokio::test]
async fn whoever_comes_back_from_somebody_else_or_with_access_to_another_account_is_refused() {
    let place = Place::start().await;
    let right = place.consented().await;
    let no = "NETWORK_ACCESS_REFUSED";
    for issuer in ["", "https://evil.example"] {
        let request = CompleteConnectionRequest { issuer: issuer.to_owned(), ..right.clone() };
        assert_refused(place.complete(request).await, Code::PermissionDenied, no);
    }
    assert_eq!(place.home().given, 0, "no code was told");

    place.home().sub = "did:plc:ben".to_owned();
    assert_refused(place.complete(right).await, Code::PermissionDenied, no);
    assert!(place.graph.linked().is_empty());
}

#[tokio::test]
async fn a_server_that_says_to_be_another_one_is_asked_for_nothing() {
    let place = Place::start().await;
    place.home().issuer = Some("https://bsky.example".to_owned());
    let refused = place.world.client().start_connection(Place::request("OAUTH")).await;
    assert_refused(refused, Code::Unavailable, "NETWORK_UNAVAILABLE");
    assert!(place.home().pushed.is_empty());

    place.view.lock().expect("not poisoned").handle = "ben.example".to_owned();
    for method in ["OAUTH", "APP_PASSWORD"] {
        let refused = place.world.client().start_connection(Place::request(method)).await;
        assert_refused(refused, Code::Unavailable, "NETWORK_UNAVAILABLE");
    }
}

#[tokio::test]
async fn an_app_password_connects_and_its_session_is_renewed_until_that_is_refused() {
    let place = Place::start().await;
    let request = Place::request("APP_PASSWORD");
    let started = place.world.client().start_connection(request).await.expect("started");
    let attempt = started.into_inner().attempt;
    let with = |secret: &str| CompleteConnectionRequest {
        attempt: attempt.clone(),
        secret: secret.to_owned(),
        ..Default::default()
    };
    let wrong = place.complete(with("hunter2")).await;
    assert_refused(wrong, Code::PermissionDenied, "NETWORK_ACCESS_REFUSED");
    let connection = place.complete(with(PASSWORD)).await.expect("connected").connection;
    until("all is read", async || place.connection(&connection).await.sync_time.is_some()).await;

    let before = place.home().mentions_read;
    place.home().tokens.retain(|it| it.contains("refresh"));
    place.sync(&connection).await;
    until("it is read with a new session", async || place.home().mentions_read > before).await;
    assert_eq!(place.home().refreshed, 1);
    until("it is over", async || place.connection(&connection).await.mode == "IDLE").await;

    place.home().tokens.retain(|it| it.contains("refresh"));
    place.home().refresh_refused = true;
    place.sync(&connection).await;
    until("it needs access", async || place.connection(&connection).await.state == "NEEDS_ACCESS")
        .await;
    let found = place.connection(&connection).await;
    assert_eq!(found.last_error.expect("an error").reason, "NETWORK_ACCESS_REFUSED");
    place.assert_view_saw_nothing();
}
