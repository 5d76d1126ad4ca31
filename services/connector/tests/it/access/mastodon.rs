//! A server of the fediverse, played: it gives access to whoever registered with it.

use std::{
    collections::HashMap,
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
use klout_proto::signal::v1::{CompleteConnectionRequest, StartConnectionRequest};
use klout_testkit::Stores;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::{net::TcpListener, task::JoinSet};
use url::Url;

use super::{
    ONE,
    graph::{ANN, Graph},
};
use crate::{consumer::Consumers, world::World};

const SECRET: &str = "hidden-secret-of-the-application";

#[derive(Debug, Default)]
struct Server {
    registered: Vec<HashMap<String, String>>,
    challenge: String,
    /// What came with requests for the account.
    shown: Vec<Option<String>>,
}

type Shared = State<Arc<Mutex<Server>>>;

async fn register(State(server): Shared, body: Bytes) -> Response {
    let mut server = server.lock().expect("not poisoned");
    server.registered.push(url::form_urlencoded::parse(&body).into_owned().collect());
    let client_id = format!("client-{}", server.registered.len());
    Json(json!({ "client_id": client_id, "client_secret": SECRET })).into_response()
}

async fn token(State(server): Shared, body: Bytes) -> Response {
    let form: HashMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    let verifier = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
    let known = form["client_secret"] == SECRET && form["client_id"] == "client-1";
    if !known || verifier != server.lock().expect("not poisoned").challenge {
        return (StatusCode::UNAUTHORIZED, Json(json!({ "error": "invalid_client" })))
            .into_response();
    }
    Json(json!({ "access_token": "hidden-access", "token_type": "Bearer" })).into_response()
}

async fn whoami(headers: HeaderMap) -> Response {
    match headers.get("authorization").map(|it| it.as_bytes()) {
        Some(b"Bearer hidden-access") => account().into_response(),
        Some(_) | None => StatusCode::UNAUTHORIZED.into_response(),
    }
}

async fn lookup(State(server): Shared, headers: HeaderMap) -> Response {
    let shown = headers.get("authorization").map(|it| it.to_str().expect("text").to_owned());
    server.lock().expect("not poisoned").shown.push(shown);
    account().into_response()
}

fn account() -> Json<serde_json::Value> {
    Json(json!({
        "id": "1", "username": "ann", "acct": "ann", "followers_count": 0, "following_count": 0,
        "statuses_count": 0,
    }))
}

#[tokio::test]
async fn a_server_is_registered_with_once_and_gives_access_to_its_own_accounts() {
    let server: Arc<Mutex<Server>> = Arc::default();
    let routes = Router::new()
        .route("/api/v1/apps", post(register))
        .route("/oauth/token", post(token))
        .route("/api/v1/accounts/verify_credentials", get(whoami))
        .route("/api/v1/accounts/lookup", get(lookup))
        .with_state(Arc::clone(&server));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let mut serving = JoinSet::new();
    serving.spawn(async move { axum::serve(listener, routes).await.expect("served") });
    let graph = Graph::default();
    let peer = graph.serve().await;
    let flags = [
        ("connector.private_networks_allowed", "true"),
        ("connector.networks.mastodon.public", url.as_str()),
        ("connector.token_keys", ONE),
        ("links.social_graph", peer.address()),
    ];
    let world = World::start_with(Stores::fresh().await, Consumers::default(), &flags).await;
    let mut client = world.client();

    let mut last = None;
    for port in [4711, 4712] {
        let request = StartConnectionRequest {
            person: ANN.to_owned(),
            network: "mastodon".to_owned(),
            handle: "ann@one.example".to_owned(),
            method: "OAUTH".to_owned(),
            redirect_uri: format!("http://127.0.0.1:{port}/back"),
        };
        last = Some(client.start_connection(request).await.expect("started").into_inner());
    }
    let started = last.expect("started");
    let authorize = Url::parse(&started.authorization_url).expect("an address");
    assert_eq!(authorize.path(), "/oauth/authorize");
    let query: HashMap<String, String> = authorize.query_pairs().into_owned().collect();
    assert_eq!(query["scope"], "read:accounts read:statuses read:notifications");
    {
        let mut server = server.lock().expect("not poisoned");
        // Whatever port is free on somebody's own machine, it is the same application.
        assert_eq!(server.registered.len(), 1);
        assert_eq!(server.registered[0]["scopes"], query["scope"]);
        server.challenge = query["code_challenge"].clone();
    }
    let request = CompleteConnectionRequest {
        attempt: started.attempt,
        code: "hidden-code".to_owned(),
        state: query["state"].clone(),
        ..Default::default()
    };
    let connected = client.complete_connection(request).await.expect("connected").into_inner();
    let connection = connected.connection.expect("a connection");
    assert_eq!(connection.account.expect("an account").native_id, "ann@one.example");
    assert_eq!(graph.linked(), ["mastodon ann@one.example OAUTH"]);
}
