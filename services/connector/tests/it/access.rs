//! Accounts are connected and access is given, kept, lent and renewed; who gives it is played.

mod bluesky;
mod github;
mod graph;
mod log;
mod mastodon;

use klout_chassis::{Chain, Host, reason};
use klout_connector::Connector;
use klout_proto::{
    graph::v1::{ApplyPersonStatesRequest, PersonState},
    signal::v1::{
        CompleteConnectionRequest, Connection, DisconnectRequest, GetConnectionRequest,
        ListNetworksRequest, StartConnectionRequest, StartConnectionResponse,
        SyncConnectionRequest, person_data_service_client::PersonDataServiceClient,
    },
};
use klout_testkit::{Peer, Stores, configuration, link, until};
use tonic::{Code, Status};

use self::{
    github::{CLIENT_SECRET, GitHub},
    graph::{ANN, Graph},
    log::Log,
};
use crate::{consumer::Consumers, world::World};

const ONE: &str = "one:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const TWO: &str = "two:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// Where people come back to.
const BACK: &str = "http://127.0.0.1:4711/back";

/// A connector, and all whom it asks.
struct Place {
    world: World,
    github: GitHub,
    graph: Graph,
    peer: Peer,
}

// === impl Place ===

impl Place {
    async fn start() -> Self {
        Self::with(Stores::fresh().await, GitHub::start().await, ONE).await
    }

    async fn with(stores: Stores, github: GitHub, keys: &str) -> Self {
        let graph = Graph::default();
        let peer = graph.serve().await;
        let world = replica(stores, &github, &peer, keys).await;
        Self { world, github, graph, peer }
    }

    async fn start_connection(&self, handle: &str, method: &str) -> StartConnectionResponse {
        let request = asks(handle, method);
        self.world.client().start_connection(request).await.expect("started").into_inner()
    }

    async fn complete(&self, request: CompleteConnectionRequest) -> Result<Connection, Status> {
        let completed = self.world.client().complete_connection(request).await?.into_inner();
        Ok(completed.connection.expect("a connection"))
    }

    /// Ann gives access to her account.
    async fn connect(&self) -> Connection {
        let started = self.start_connection("ann", "OAUTH").await;
        let (code, state) = self.github.consent(&started.authorization_url, "ann");
        let attempt = started.attempt;
        let request = CompleteConnectionRequest { attempt, code, state, ..Default::default() };
        self.complete(request).await.expect("connected")
    }

    async fn connection(&self, connection: &str) -> Connection {
        let request = GetConnectionRequest { connection: connection.to_owned() };
        let found = self.world.client().get_connection(request).await.expect("there");
        found.into_inner().connection.expect("a connection")
    }

    async fn sync(&self, connection: &str) -> Result<(), Status> {
        let request = SyncConnectionRequest {
            connection: connection.to_owned(),
            mode: "BACKFILL".to_owned(),
        };
        self.world.client().sync_connection(request).await.map(|_| ())
    }

    /// Waits until all has been read once.
    async fn read(&self, connection: &str) {
        until("all is read", async || self.connection(connection).await.sync_time.is_some()).await;
    }

    /// What is kept of access, and by which key.
    async fn kept(&self) -> Vec<(String, Vec<u8>)> {
        let rows = sqlx::query_as("select key_id, sealed from connector.credential");
        rows.fetch_all(&self.world.stores.db().await).await.expect("rows")
    }
}

async fn replica(stores: Stores, github: &GitHub, peer: &Peer, keys: &str) -> World {
    let settings = settings(github, keys);
    let mut flags: Vec<(&'static str, &str)> =
        settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    flags.push(("links.social_graph", peer.address()));
    World::start_with(stores, Consumers::default(), &flags).await
}

fn settings(github: &GitHub, keys: &str) -> Vec<(&'static str, String)> {
    vec![
        ("connector.private_networks_allowed", "true".to_owned()),
        ("connector.requests_per_second", "1000".to_owned()),
        ("connector.networks.github.public", github.url.clone()),
        ("connector.networks.github.sign_in", github.url.clone()),
        ("connector.networks.github.client_id", "klout".to_owned()),
        ("connector.networks.github.client_secret", CLIENT_SECRET.to_owned()),
        ("connector.token_keys", keys.to_owned()),
    ]
}

fn asks(handle: &str, method: &str) -> StartConnectionRequest {
    StartConnectionRequest {
        person: ANN.to_owned(),
        network: "github".to_owned(),
        handle: handle.to_owned(),
        method: method.to_owned(),
        redirect_uri: if method == "OAUTH" { BACK } else { "" }.to_owned(),
    }
}

fn assert_refused<T: std::fmt::Debug>(result: Result<T, Status>, code: Code, why: &str) {
    let status = result.expect_err(why);
    assert_eq!((status.code(), reason(&status).as_deref()), (code, Some(why)), "{status:?}");
}

#[tokio::test]
async fn an_account_is_connected_with_a_code_and_asked_after_with_its_access() {
    let place = Place::start().await;

    let connection = place.connect().await;

    assert_eq!((&*connection.person, &*connection.method), (ANN, "OAUTH"));
    assert_eq!(connection.account.as_ref().expect("an account").native_id, "1");
    assert_eq!(place.graph.linked(), ["github 1 OAUTH"]);
    place.read(&connection.connection).await;
    let seen = place.github.town().seen.clone();
    let shown = |path: &str| {
        let found = seen.iter().rev().find(|(at, _)| at == path).expect(path);
        found.1.clone()
    };
    assert_eq!(shown("/followers").as_deref(), Some("Bearer hidden-access-1"));
    assert_eq!(shown("/users"), None, "whose a name is is asked without access");
}

#[tokio::test]
async fn whoever_comes_back_otherwise_than_they_were_sent_is_refused_and_no_code_is_told() {
    let place = Place::start().await;
    let started = place.start_connection("ann", "OAUTH").await;
    let (code, state) = place.github.consent(&started.authorization_url, "ann");
    let right = CompleteConnectionRequest {
        attempt: started.attempt.clone(),
        code,
        state,
        ..Default::default()
    };
    let other = place.start_connection("ann", "OAUTH").await;
    let refused = "NETWORK_ACCESS_REFUSED";

    let wrong = CompleteConnectionRequest { state: "other".to_owned(), ..right.clone() };
    assert_refused(place.complete(wrong).await, Code::PermissionDenied, refused);
    let wrong =
        CompleteConnectionRequest { issuer: "https://evil.example".to_owned(), ..right.clone() };
    assert_refused(place.complete(wrong).await, Code::PermissionDenied, refused);
    let wrong = CompleteConnectionRequest { attempt: other.attempt, ..right.clone() };
    assert_refused(place.complete(wrong).await, Code::PermissionDenied, refused);
    let mut changed = started.attempt.clone();
    changed.pop();
    for attempt in [changed, String::new(), "one.AAAA".to_owned()] {
        let wrong = CompleteConnectionRequest { attempt, ..right.clone() };
        assert_refused(place.complete(wrong).await, Code::NotFound, "ATTEMPT_UNKNOWN");
    }
    assert!(place.github.town().tokens.is_empty() && place.kept().await.is_empty());

    place.complete(right.clone()).await.expect("the code still serves");
    assert_refused(place.complete(right).await, Code::PermissionDenied, refused);
}

#[tokio::test]
async fn the_verifier_of_another_attempt_does_not_serve() {
    let place = Place::start().await;
    let ours = place.start_connection("ann", "OAUTH").await;
    let other = place.start_connection("ann", "OAUTH").await;
    let (code, _) = place.github.consent(&other.authorization_url, "ann");
    let (_, state) = place.github.consent(&ours.authorization_url, "ann");

    // The state is of this attempt, and the code was asked for by the other one.
    let request =
        CompleteConnectionRequest { attempt: ours.attempt, code, state, ..Default::default() };
    let refused = place.complete(request).await;
    assert_refused(refused, Code::PermissionDenied, "NETWORK_ACCESS_REFUSED");
    assert!(place.graph.linked().is_empty());
}

#[tokio::test]
async fn access_to_another_account_than_was_named_is_refused_and_links_nothing() {
    let place = Place::start().await;
    let started = place.start_connection("ann", "OAUTH").await;
    let (code, state) = place.github.consent(&started.authorization_url, "ben");
    let request =
        CompleteConnectionRequest { attempt: started.attempt, code, state, ..Default::default() };
    let refused = place.complete(request).await;
    assert_refused(refused, Code::PermissionDenied, "NETWORK_ACCESS_REFUSED");

    let started = place.start_connection("ann", "TOKEN").await;
    place.github.town().tokens.insert("token-of-ben".to_owned(), "ben".to_owned());
    for secret in ["token-of-ben", "of nobody", "two\nlines"] {
        let attempt = started.attempt.clone();
        let secret = secret.to_owned();
        let request = CompleteConnectionRequest { attempt, secret, ..Default::default() };
        place.complete(request).await.expect_err("it is no token of ann's");
    }
    assert!(place.graph.linked().is_empty() && place.kept().await.is_empty());
}

#[tokio::test]
async fn a_token_connects_whose_account_it_says_and_needs_access_when_it_is_taken_back() {
    let place = Place::start().await;
    place.github.town().tokens.insert("hidden-token".to_owned(), "ann".to_owned());
    let started = place.start_connection("", "TOKEN").await;
    let request = CompleteConnectionRequest {
        attempt: started.attempt,
        secret: "hidden-token".to_owned(),
        ..Default::default()
    };
    let connection = place.complete(request.clone()).await.expect("connected").connection;
    assert_eq!(place.graph.linked(), ["github 1 OAUTH"]);
    place.read(&connection).await;

    place.github.expire();
    place.sync(&connection).await.expect("looked at");
    until("it needs access", async || place.connection(&connection).await.state == "NEEDS_ACCESS")
        .await;
    let found = place.connection(&connection).await;
    assert_eq!(found.last_error.expect("an error").reason, "NETWORK_ACCESS_REFUSED");
    assert_refused(place.sync(&connection).await, Code::FailedPrecondition, "CONNECTION_CLOSED");

    place.github.town().tokens.insert("hidden-token".to_owned(), "ann".to_owned());
    let again = place.complete(request).await.expect("connected again");
    assert_eq!((again.connection, &*again.state), (connection, "ACTIVE"));
}

#[tokio::test]
async fn access_that_has_run_out_is_renewed_once_however_many_find_it_so() {
    let github = GitHub::start().await;
    let place = Place::with(Stores::fresh().await, github, ONE).await;
    let connection = place.connect().await.connection;
    place.read(&connection).await;
    let stores = place.world.stores.clone();
    let _other = replica(stores, &place.github, &place.peer, ONE).await;

    for round in 1..=5 {
        // Two requests are told at the same moment that their access has run out.
        place.github.town().expires_at_once = true;
        let before = place.connection(&connection).await.sync_time;
        place.sync(&connection).await.expect("looked at");
        until("all is read once more", async || {
            let found = place.connection(&connection).await;
            assert_ne!(found.state, "NEEDS_ACCESS", "{:?}", found.last_error);
            found.sync_time != before
        })
        .await;
        // Each token that renews serves once, so a second one would have been refused.
        assert_eq!(place.github.town().renewed, round);
    }
}

#[tokio::test]
async fn access_whose_end_is_known_is_renewed_before_it_is_shown() {
    let github = GitHub::start().await;
    github.town().expires_in = Some(10);
    let place = Place::with(Stores::fresh().await, github, ONE).await;

    let connection = place.connect().await.connection;
    place.read(&connection).await;

    let town = place.github.town();
    assert_eq!(town.renewed, 1);
    let shown: Vec<_> = town.seen.iter().filter_map(|(_, shown)| shown.clone()).collect();
    // Whose it is was asked with what was just given.
    assert_eq!(shown.iter().filter(|it| *it == "Bearer hidden-access-1").count(), 1, "{shown:?}");
    assert!(shown.iter().any(|it| it == "Bearer hidden-access-2"), "{shown:?}");
}

#[tokio::test]
async fn a_connection_whose_access_cannot_be_renewed_needs_access_and_says_so() {
    let place = Place::start().await;
    let connection = place.connect().await.connection;
    place.read(&connection).await;

    place.github.town().renewal_refused = true;
    place.github.expire();
    place.sync(&connection).await.expect("looked at");

    until("it needs access", async || place.connection(&connection).await.state == "NEEDS_ACCESS")
        .await;
    let error = place.connection(&connection).await.last_error.expect("an error");
    assert_eq!(error.reason, "NETWORK_ACCESS_REFUSED");
    assert!(!error.message.contains("hidden"), "{}", error.message);

    place.github.town().renewal_refused = false;
    assert_eq!(place.connect().await.state, "ACTIVE");
}

#[tokio::test]
async fn access_goes_to_nobody_but_the_server_of_the_account() {
    for is_page in [false, true] {
        let github = GitHub::start().await;
        let elsewhere = GitHub::start().await;
        // A redirect, and a list that says it goes on there.
        let there = Some(format!("{}/users/ann/repos", elsewhere.url));
        match is_page {
            true => github.town().next_at = there,
            false => github.town().sends_to = there,
        }
        let place = Place::with(Stores::fresh().await, github, ONE).await;
        let connection = place.connect().await.connection;
        place.read(&connection).await;

        let seen = place.github.town().seen.clone();
        assert!(seen.iter().any(|(path, shown)| path == "/repos" && shown.is_some()), "{seen:?}");
        assert!(elsewhere.town().seen.is_empty(), "{:?}", elsewhere.town().seen);
        let error = place.connection(&connection).await.last_error.expect("an error");
        assert_eq!(error.reason, "NETWORK_SENDS_ELSEWHERE");
    }
}

#[tokio::test]
async fn nothing_secret_is_readable_in_the_database() {
    let place = Place::start().await;
    place.connect().await;

    let db = place.world.stores.db().await;
    // A row as text has its bytes as hexadecimal digits.
    let all: String = sqlx::query_scalar(
        r#"
        select concat(
            (select string_agg(it::text, ' ') from connector.credential it),
            (select string_agg(it::text, ' ') from connector.registration it),
            (select string_agg(it::text, ' ') from connector.connection it),
            (select string_agg(it::text, ' ') from connector.task it),
            (select string_agg(it::text, ' ') from connector.validator it),
            (select string_agg(it::text, ' ') from connector.seen it),
            (select string_agg(it::text, ' ') from connector.host it),
            (select string_agg(it::text, ' ') from connector.batch it),
            (select string_agg(it::text, ' ') from connector.outbox it)
        )
        "#,
    )
    .fetch_one(&db)
    .await
    .expect("all there is");

    assert!(all.contains("one") && all.contains("ann"), "it has what is kept");
    let hex: String = "hidden".bytes().map(|byte| format!("{byte:02x}")).collect();
    assert!(!all.contains("hidden") && !all.to_lowercase().contains(&hex));
}

#[tokio::test]
async fn nothing_secret_is_logged_at_any_level() {
    let log = Log::listen();
    let place = Place::start().await;
    let connection = place.connect().await.connection;
    place.read(&connection).await;
    place.github.expire();
    place.sync(&connection).await.expect("looked at");
    until("access is renewed", async || place.github.town().renewed > 0).await;
    place.github.town().renewal_refused = true;
    place.github.expire();
    place.sync(&connection).await.expect("looked at");
    until("it needs access", async || place.connection(&connection).await.state == "NEEDS_ACCESS")
        .await;
    let started = place.start_connection("ann", "TOKEN").await;
    let request = CompleteConnectionRequest {
        attempt: started.attempt,
        secret: "hidden-token-of-nobody".to_owned(),
        ..Default::default()
    };
    let refused = place.complete(request).await.expect_err("refused");
    assert!(!format!("{refused:?}").contains("hidden-"), "{refused:?}");

    let (lines, told) = log.lines();
    assert!(lines > 1_000, "it listens");
    assert!(told.is_empty(), "{told:#?}");
}

#[tokio::test]
async fn a_new_key_seals_anew_what_another_one_sealed_and_without_its_key_nothing_starts() {
    let place = Place::start().await;
    let connection = place.connect().await.connection;
    place.read(&connection).await;
    let before = place.kept().await;
    assert_eq!(before[0].0, "one");
    let Place { world, github, .. } = place;
    let stores = world.stores.clone();
    world.running.stop().await.expect("stopped");

    let host = || Host::new("test").with::<Connector>();
    let mut flags = vec![("server.as_of", crate::world::AS_OF.to_owned())];
    flags.extend(settings(&github, TWO));
    let flags: Vec<(&'static str, &str)> =
        flags.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let refused = host().start(&configuration(&host(), &stores, &flags)).await;
    let error = Chain(&refused.expect_err("it is refused")).to_string();
    assert!(error.contains("lacks the key one") && !error.contains("AQEB"), "{error}");

    let place = Place::with(stores, github, &format!("{TWO} {ONE}")).await;
    until("all is sealed anew", async || place.kept().await.iter().all(|(key, _)| key == "two"))
        .await;
    let Place { world, github, .. } = place;
    let stores = world.stores.clone();
    world.running.stop().await.expect("stopped");

    let place = Place::with(stores, github, TWO).await;
    assert_ne!(place.kept().await, before);
    let before = place.connection(&connection).await.sync_time;
    place.github.town().seen.clear();
    place.sync(&connection).await.expect("looked at");
    until("it is read", async || place.connection(&connection).await.sync_time != before).await;
    let seen = place.github.town().seen.clone();
    assert!(seen.iter().all(|(_, shown)| shown.as_deref() == Some("Bearer hidden-access-1")));
}

#[tokio::test]
async fn a_connector_without_keys_starts_for_dev_alone() {
    let (stores, github) = (Stores::fresh().await, GitHub::start().await);
    let key = "ab".repeat(32);
    let host = || Host::new("test").with::<Connector>();
    let mut settings = settings(&github, "");
    settings.push(("server.dev", "false".to_owned()));
    settings.push(("server.account_key", key.clone()));
    settings.push(("server.token_secret", key));
    let flags: Vec<(&'static str, &str)> =
        settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let refused = host().start(&configuration(&host(), &stores, &flags)).await;
    let error = Chain(&refused.expect_err("it is refused")).to_string();
    assert!(error.contains("connector.token_keys"), "{error}");
}

#[tokio::test]
async fn who_left_is_connected_to_nothing_and_loses_what_was() {
    let place = Place::start().await;
    let connection = place.connect().await.connection;
    place.github.town().tokens.insert("hidden-token".to_owned(), "ann".to_owned());
    let started = place.start_connection("", "TOKEN").await;

    let state = PersonState {
        person_id: ANN.parse().expect("a number"),
        number: 7,
        state: "OPTED_OUT".to_owned(),
        ..PersonState::default()
    };
    let request = ApplyPersonStatesRequest { states: vec![state] };
    let mut people = PersonDataServiceClient::new(link(&place.world.running));
    people.apply_person_states(request).await.expect("applied");

    assert!(place.kept().await.is_empty());
    let request = GetConnectionRequest { connection };
    let gone = place.world.client().get_connection(request).await;
    assert_refused(gone, Code::NotFound, "CONNECTION_UNKNOWN");
    let request = CompleteConnectionRequest {
        attempt: started.attempt,
        secret: "hidden-token".to_owned(),
        ..Default::default()
    };
    assert_refused(place.complete(request).await, Code::NotFound, "PERSON_UNKNOWN");
    assert!(place.kept().await.is_empty());
}

#[tokio::test]
async fn an_account_of_somebody_else_is_not_connected() {
    let place = Place::start().await;
    *place.graph.disputes.lock().expect("not poisoned") = true;
    let started = place.start_connection("ann", "OAUTH").await;
    let (code, state) = place.github.consent(&started.authorization_url, "ann");
    let request =
        CompleteConnectionRequest { attempt: started.attempt, code, state, ..Default::default() };
    assert_refused(place.complete(request).await, Code::AlreadyExists, "ACCOUNT_DISPUTED");
    assert!(place.kept().await.is_empty());
}

#[tokio::test]
async fn an_account_is_connected_without_access_by_what_stands_on_its_page_or_an_operators_word() {
    let place = Place::start().await;
    for (method, linked) in [("CHALLENGE", "github 1 CHALLENGE"), ("OPERATOR", "github 1 OPERATOR")]
    {
        let started = place.start_connection("ann", method).await;
        assert_eq!(started.challenge.is_empty(), method == "OPERATOR");
        let attempt = started.attempt;
        for _ in 0..2 {
            // The same once more links and changes nothing.
            let attempt = attempt.clone();
            let request = CompleteConnectionRequest { attempt, ..Default::default() };
            let connection = place.complete(request).await.expect("connected");
            assert_eq!(connection.method, method);
            assert_eq!(place.graph.linked().last().map(String::as_str), Some(linked));
        }
    }
    let connection = place.connect().await.connection;
    assert_eq!(place.kept().await.len(), 1);
    // Whoever takes the access back by another way of connecting has none kept.
    let started = place.start_connection("ann", "OPERATOR").await;
    let request = CompleteConnectionRequest {
        attempt: started.attempt,
        ..CompleteConnectionRequest::default()
    };
    place.complete(request).await.expect("connected");
    assert!(place.kept().await.is_empty());

    place.connect().await;
    let request = DisconnectRequest { connection, forget: false };
    place.world.client().disconnect(request).await.expect("ended");
    assert!(place.kept().await.is_empty(), "access goes with the connection");
}

#[tokio::test]
async fn what_cannot_be_connected_is_refused_before_anybody_is_asked() {
    let place = Place::start().await;
    let mut client = place.world.client();
    let right = asks("ann", "OAUTH");
    let wrong = [
        StartConnectionRequest { person: "nobody".to_owned(), ..right.clone() },
        StartConnectionRequest { network: "myspace".to_owned(), ..right.clone() },
        StartConnectionRequest { method: "APP_PASSWORD".to_owned(), ..right.clone() },
        StartConnectionRequest { method: "MAGIC".to_owned(), ..right.clone() },
        StartConnectionRequest { redirect_uri: String::new(), ..right.clone() },
        StartConnectionRequest { redirect_uri: "http://ann.example/".to_owned(), ..right.clone() },
        StartConnectionRequest { handle: String::new(), ..asks("", "CHALLENGE") },
    ];
    for request in wrong {
        let refused = client.start_connection(request.clone()).await;
        assert_refused(refused, Code::InvalidArgument, "FIELD_INVALID");
    }
    let request = StartConnectionRequest { person: "7".to_owned(), ..right.clone() };
    let refused = client.start_connection(request).await;
    assert_refused(refused, Code::NotFound, "PERSON_UNKNOWN");
    assert!(place.github.town().seen.iter().all(|(path, _)| path == "/users"));
    let request = StartConnectionRequest { handle: "zoe".to_owned(), ..right };
    let refused = client.start_connection(request).await;
    assert_refused(refused, Code::NotFound, "ACCOUNT_UNKNOWN");
    let networks = client.list_networks(ListNetworksRequest::default()).await.expect("networks");
    assert!(networks.into_inner().networks.iter().any(|it| it.network == "github"));
}
