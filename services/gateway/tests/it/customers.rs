//! Keys of customers: made, shown once, used, changed, rotated and taken back.

use klout_chassis::{Clock, TokenKey, reason};
use klout_proto::{
    json::DESCRIPTORS,
    profile::v1::{ListKeysRequest, key_operator_service_client::KeyOperatorServiceClient},
    score::v1::{
        GetScoreRequest, get_score_request::Subject, score_service_client::ScoreServiceClient,
    },
};
use klout_testkit::{Stores, until};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use time::Duration;
use tonic::{Code, Request, transport::Channel};

use crate::world::{ANN, Answer, World};

const SECRET: &str = "a secret of more than thirty-two characters";

const SCORE: &str = "/v1/people/42/score";

/// A gateway that is open to nobody without a key.
struct Gateway {
    world: World,
    operator: String,
}

impl Gateway {
    async fn start() -> Self {
        Self::start_on(&Stores::fresh().await).await
    }

    async fn start_on(stores: &Stores) -> Self {
        let account_key = "ab".repeat(32);
        let settings = [
            ("server.dev", "false"),
            ("server.token_secret", SECRET),
            ("server.account_key", &account_key),
        ];
        let world = World::start_on(stores, &settings).await;
        Self { world, operator: token("operator") }
    }

    async fn operate(&self, method: Method, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.world.send(method, path, &[("x-api-key", &self.operator)], &body).await
    }

    /// Makes a key: its id, and what the customer shows.
    async fn key(&self, what: &Value) -> (String, String) {
        let made = self.operate(Method::POST, "/v1/keys", what).await;
        assert_eq!(made.status, StatusCode::OK, "{made:?}");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        (text(&made.json["key"]["key"]), text(&made.json["secret"]))
    }

    async fn crm(&self) -> (String, String) {
        self.key(&json!({"name": "crm", "purpose": "crm"})).await
    }

    async fn get(&self, path: &str, key: &str) -> Answer {
        self.world.send(Method::GET, path, &[("x-api-key", key)], "").await
    }

    /// The status that somebody is answered, and the reason.
    async fn told(&self, path: &str, key: &str) -> (u16, String) {
        let answer = self.get(path, key).await;
        let reason = answer.json["reason"].as_str().unwrap_or_default().to_owned();
        (answer.status.as_u16(), reason)
    }

    async fn until_told(&self, key: &str, status: u16, reason: &str) {
        let what = format!("{status} {reason}");
        let expected = (status, reason.to_owned());
        until(&what, async || self.told(SCORE, key).await == expected).await;
    }

    async fn listed(&self, key: &str) -> Value {
        let listed = self.operate(Method::GET, "/v1/keys", &Value::Null).await;
        let keys = listed.json["keys"].as_array().cloned().unwrap_or_default();
        keys.into_iter().find(|it| it["key"] == key).expect("it is listed")
    }
}

fn token(purpose: &str) -> String {
    let key = TokenKey::new(SECRET.as_bytes());
    key.mint("somebody", purpose, Clock::running().now(), Duration::HOUR).expect("a token")
}

fn refused(status: u16, reason: &str) -> (u16, String) {
    (status, reason.to_owned())
}

async fn channel(address: String) -> Channel {
    let endpoint = tonic::transport::Endpoint::from_shared(address).expect("an address");
    endpoint.connect().await.expect("connected")
}

/// The score of somebody over gRPC.
async fn over_grpc(address: String, key: &str) -> tonic::Result<()> {
    let subject = Some(Subject::Person(ANN.to_owned()));
    let mut request = Request::new(GetScoreRequest { subject, ..Default::default() });
    request.metadata_mut().insert("x-api-key", key.parse().expect("a header"));
    ScoreServiceClient::new(channel(address).await).get_score(request).await.map(|_| ())
}

#[tokio::test]
async fn a_key_is_shown_once_and_opens_by_either_header_and_over_grpc() {
    let stores = Stores::fresh().await;
    let gateway = Gateway::start_on(&stores).await;
    let (id, key) = gateway.crm().await;

    assert_eq!(key.split('_').map(str::len).collect::<Vec<_>>(), [5, 24, 64], "{key}");
    assert_eq!(key.split('_').nth(1), Some(id.as_str()));
    for header in [("authorization", format!("Bearer {key}")), ("x-api-key", key.clone())] {
        let headers = [(header.0, header.1.as_str())];
        let answer = gateway.world.send(Method::GET, SCORE, &headers, "").await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }
    over_grpc(gateway.world.url(""), &key).await.expect("answered");

    let secret = key.rsplit('_').next().expect("a secret");
    let listed = gateway.operate(Method::GET, "/v1/keys", &Value::Null).await;
    assert!(!listed.text.contains(secret), "{}", listed.text);
    assert_eq!(listed.json["keys"][0]["secrets"][0]["ending"], secret[60..]);
    let kept: Vec<String> = sqlx::query_scalar("select key_secret::text from gateway.key_secret")
        .fetch_all(&stores.db().await)
        .await
        .expect("secrets");
    assert!(kept.len() == 1 && !kept[0].contains(&secret[..60]), "{kept:?}");
}

#[tokio::test]
async fn nothing_is_open_without_a_key_but_health_and_the_pages() {
    let gateway = Gateway::start().await;
    let services = DESCRIPTORS.services().filter(|it| it.package_name().starts_with("klout."));
    let methods = services.flat_map(|service| {
        let path = |method: &str| format!("/{}/{method}", service.full_name());
        service.methods().map(|method| path(method.name())).collect::<Vec<_>>()
    });
    let grpc = [("content-type", "application/grpc"), ("te", "trailers")];
    let mut count = 0;
    for path in methods {
        let answer = gateway.world.send(Method::POST, &path, &grpc, "").await;
        let status = answer.headers.get("grpc-status").map(String::as_str);
        assert_eq!(status, Some("16"), "{path} {answer:?}");
        count += 1;
    }
    assert!(count > 100, "the contracts were gone through");
    for path in [SCORE, "/v1/people/42", "/v1/models", "/v1/topics", "/v1/keys"] {
        let answer = gateway.world.get(path).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path} {answer:?}");
        assert_eq!(answer.json["reason"], "TOKEN_MISSING");
    }
    for open in ["/healthz", "/people/42", "/style.css"] {
        assert_eq!(gateway.world.get(open).await.status, StatusCode::OK, "{open}");
    }
}

#[tokio::test]
async fn services_hear_whose_key_it_is_and_what_for() {
    let gateway = Gateway::start().await;
    let what = json!({"name": "acme desk", "purpose": "loyalty programme"});
    let (_, key) = gateway.key(&what).await;
    let headers = [("x-api-key", key.as_str()), ("klout-purpose", "operator")];

    let answer = gateway.world.send(Method::GET, SCORE, &headers, "").await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");

    let asked = gateway.world.scoring.asked.lock().expect("not poisoned");
    assert_eq!(asked[0].metadata["klout-caller"], "acme%20desk");
    assert_eq!(asked[0].metadata["klout-purpose"], "loyalty%20programme");
    assert!(!asked[0].metadata.values().any(|value| value.contains(&key)), "{asked:?}");
}

#[tokio::test]
async fn a_wrong_secret_and_an_unknown_id_are_not_told_apart() {
    let gateway = Gateway::start().await;
    let (id, key) = gateway.crm().await;
    let (_, elsewhere) = Gateway::start().await.crm().await;
    let wrong = format!("klout_{id}_{}", "0".repeat(64));
    let unknown = format!("klout_{}_{}", "0".repeat(24), &key[31..]);
    let mut answers = Vec::new();
    for shown in [&wrong, &unknown, &elsewhere, &key[..94].to_owned(), &"klout_".to_owned()] {
        let answer = gateway.get(SCORE, shown).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{answer:?}");
        answers.push(answer.text);
    }
    assert!(answers.iter().all(|text| *text == answers[0]), "{answers:?}");
    assert!(answers[0].contains("TOKEN_INVALID"), "{answers:?}");
    assert!(gateway.world.scoring.asked.lock().expect("not poisoned").is_empty());
}

#[tokio::test]
async fn whoever_guesses_makes_no_load_and_known_keys_stay_valid_while_postgres_is_away() {
    let (stores, postgres) = Stores::fresh().await.with_disturbed_postgres().await;
    let gateway = Gateway::start_on(&stores).await;
    let (_, known) = gateway.crm().await;
    let (_, unused) = gateway.key(&json!({"name": "unused", "purpose": "crm"})).await;
    assert_eq!(gateway.told(SCORE, &known).await.0, 200);

    // Whoever asks Postgres now waits in vain.
    postgres.hang();
    for number in 0..200 {
        let guess = format!("klout_{number:024x}_{}", &known[31..]);
        assert_eq!(gateway.told(SCORE, &guess).await, refused(401, "TOKEN_INVALID"));
    }
    let wrong = format!("{}{}", &known[..31], "0".repeat(64));
    assert_eq!(gateway.told(SCORE, &wrong).await, refused(401, "TOKEN_INVALID"));
    // What was read of it does not hold any more when somebody who was never here is told that keys cannot be read.
    gateway.until_told(&unused, 503, "STORE_UNAVAILABLE").await;
    let answer = gateway.get(SCORE, &unused).await;
    assert_eq!(answer.headers["retry-after"], "1", "{answer:?}");
    for _ in 0..3 {
        gateway.until_told(&unused, 503, "STORE_UNAVAILABLE").await;
        assert_eq!(gateway.told(SCORE, &known).await.0, 200);
    }

    postgres.clear_up();
    gateway.until_told(&unused, 200, "").await;
}

#[tokio::test]
async fn a_key_that_was_taken_back_opens_no_gateway_any_more() {
    let stores = Stores::fresh().await;
    let (gateway, other) = (Gateway::start_on(&stores).await, Gateway::start_on(&stores).await);
    let (id, key) = gateway.crm().await;
    for gateway in [&gateway, &other] {
        assert_eq!(gateway.told(SCORE, &key).await.0, 200);
    }

    let revoke = format!("/v1/keys/{id}/revoke");
    let revoked = gateway.operate(Method::POST, &revoke, &Value::Null).await;
    assert_eq!(revoked.status, StatusCode::OK, "{revoked:?}");
    assert_eq!(revoked.json["secrets"], json!([]));
    assert_eq!(gateway.told(SCORE, &key).await, refused(401, "KEY_REVOKED"), "at once here");
    other.until_told(&key, 401, "KEY_REVOKED").await;

    let again = gateway.operate(Method::POST, &revoke, &Value::Null).await;
    assert_eq!(again.json["revokeTime"], revoked.json["revokeTime"], "it changes nothing");
    for (method, path, body) in [
        (Method::PATCH, format!("/v1/keys/{id}"), json!({"callsPerDay": "1"})),
        (Method::POST, format!("/v1/keys/{id}/rotate"), Value::Null),
    ] {
        let refused = gateway.operate(method, &path, &body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused:?}");
        assert_eq!(refused.json["reason"], "KEY_REVOKED");
    }
    let wrong = format!("{}{}", &key[..31], "0".repeat(64));
    assert_eq!(gateway.told(SCORE, &wrong).await, refused(401, "TOKEN_INVALID"), "no more is told");
}

#[tokio::test]
async fn a_key_ends_when_its_time_has_come() {
    let stores = Stores::fresh().await;
    let gateway = Gateway::start_on(&stores).await;
    let (id, key) = gateway.crm().await;
    assert_eq!(gateway.told(SCORE, &key).await.0, 200);

    sqlx::query("update gateway.key set expire_time = now() - interval '1 second' where key = $1")
        .bind(&id)
        .execute(&stores.db().await)
        .await
        .expect("it expired");
    gateway.until_told(&key, 401, "KEY_EXPIRED").await;
    assert_eq!(gateway.listed(&id).await["secrets"], json!([]), "none is valid");

    let (method, path) = (Method::PATCH, format!("/v1/keys/{id}"));
    let longer = json!({"expireTime": "2100-01-01T00:00:00Z"});
    let answer = gateway.operate(method, &path, &longer).await;
    assert_eq!(answer.json["expireTime"], "2100-01-01T00:00:00Z", "{answer:?}");
    assert_eq!(gateway.told(SCORE, &key).await.0, 200);
}

#[tokio::test]
async fn a_key_that_is_rotated_has_two_secrets_for_a_while_and_no_third() {
    let gateway = Gateway::start().await;
    let (id, old) = gateway.crm().await;
    let rotate = async |overlap: &str| {
        let path = format!("/v1/keys/{id}/rotate{overlap}");
        gateway.operate(Method::POST, &path, &Value::Null).await
    };
    let secret = |answer: &Answer| answer.json["secret"].as_str().expect("a secret").to_owned();

    let rotated = rotate("").await;
    let new = secret(&rotated);
    assert_ne!(new, old);
    let secrets = rotated.json["key"]["secrets"].as_array().expect("secrets").clone();
    assert_eq!(secrets.len(), 2);
    assert_eq!(secrets[0]["ending"], old[old.len() - 4..]);
    assert!(secrets[0]["expireTime"].is_string() && secrets[1]["expireTime"].is_null());
    for key in [&old, &new] {
        assert_eq!(gateway.told(SCORE, key).await.0, 200, "both are valid");
    }
    let third = rotate("").await;
    assert_eq!(third.status, StatusCode::BAD_REQUEST, "{third:?}");
    assert_eq!(third.json["reason"], "KEY_ROTATING");

    let (other, old) = gateway.key(&json!({"name": "leaked", "purpose": "crm"})).await;
    assert_eq!(gateway.told(SCORE, &old).await.0, 200);
    let path = format!("/v1/keys/{other}/rotate?overlap=0s");
    let new = secret(&gateway.operate(Method::POST, &path, &Value::Null).await);
    assert_eq!(gateway.told(SCORE, &old).await, refused(401, "TOKEN_INVALID"), "at once");
    assert_eq!(gateway.told(SCORE, &new).await.0, 200);
    let path = format!("/v1/keys/{other}/rotate?overlap=7776001s");
    let too_long = gateway.operate(Method::POST, &path, &Value::Null).await;
    assert_eq!(too_long.json["metadata"]["field"], "overlap", "{too_long:?}");
}

#[tokio::test]
async fn a_secret_that_leaked_ends_at_once_also_while_two_are_valid() {
    let gateway = Gateway::start().await;
    let (id, first) = gateway.crm().await;
    let rotate = async |overlap: &str| {
        let path = format!("/v1/keys/{id}/rotate?overlap={overlap}");
        gateway.operate(Method::POST, &path, &Value::Null).await
    };
    let secret = |answer: &Answer| answer.json["secret"].as_str().expect("a secret").to_owned();
    let second = secret(&rotate("3600s").await);
    for key in [&first, &second] {
        assert_eq!(gateway.told(SCORE, key).await.0, 200, "both are valid");
    }

    let rotated = rotate("0s").await;
    assert_eq!(rotated.status, StatusCode::OK, "{rotated:?}");
    let third = secret(&rotated);
    for key in [&first, &second] {
        assert_eq!(gateway.told(SCORE, key).await, refused(401, "TOKEN_INVALID"), "at once");
    }
    assert_eq!(gateway.told(SCORE, &third).await.0, 200);
    let secrets = rotated.json["key"]["secrets"].as_array().expect("secrets").clone();
    let [left] = secrets.as_slice() else { panic!("{secrets:?}") };
    assert_eq!(left["ending"], third[third.len() - 4..]);
    assert!(left["expireTime"].is_null(), "{left}");

    // It is as any other key with one secret.
    let fourth = secret(&rotate("3600s").await);
    for key in [&third, &fourth] {
        assert_eq!(gateway.told(SCORE, key).await.0, 200, "both are valid");
    }
}

#[tokio::test]
async fn a_key_calls_what_its_scopes_say_and_no_more() {
    let gateway = Gateway::start().await;
    let (id, key) = gateway.crm().await;

    assert_eq!(gateway.told(SCORE, &key).await.0, 200);
    for (path, scope) in [("/v1/people/42/perks", "perks"), ("/v1/people/42/grants", "perks")] {
        let answer = gateway.get(path, &key).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
        assert_eq!(answer.json["reason"], "SCOPE_MISSING");
        assert_eq!(answer.json["metadata"]["scope"], scope);
    }
    let update = format!("/v1/keys/{id}");
    let scopes = json!({"scopes": {"scopes": ["topics", "perks", "topics"]}});
    let updated = gateway.operate(Method::PATCH, &update, &scopes).await;
    assert_eq!(updated.json["scopes"], json!(["topics", "perks"]), "{updated:?}");
    assert_eq!(gateway.told(SCORE, &key).await, refused(403, "SCOPE_MISSING"));
    let status = over_grpc(gateway.world.url(""), &key).await.expect_err("not in its scopes");
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(reason(&status).as_deref(), Some("SCOPE_MISSING"));
    // A scope opens what its purpose does not close.
    let perks = gateway.told("/v1/people/42/perks", &key).await;
    assert_eq!(perks, refused(403, "PURPOSE_NOT_PERKS"));
    let desk = json!({"name": "desk", "purpose": "check-in", "scopes": ["perks"]});
    let (_, desk) = gateway.key(&desk).await;
    assert_ne!(gateway.told("/v1/people/42/perks", &desk).await.0, 403);
}

#[tokio::test]
async fn customers_keys_are_valid_at_the_gateway_alone() {
    let gateway = Gateway::start().await;
    let (_, key) = gateway.crm().await;
    let behind = format!("http://{}", gateway.world.running.grpc_address);

    let mut request = Request::new(ListKeysRequest::default());
    request.metadata_mut().insert("x-api-key", key.parse().expect("a header"));
    let mut client = KeyOperatorServiceClient::new(channel(behind).await);
    let status = client.list_keys(request).await.expect_err("no token of ours");

    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(reason(&status).as_deref(), Some("TOKEN_INVALID"));
}

#[tokio::test]
async fn operators_alone_have_to_do_with_keys_also_behind_the_gateway() {
    let gateway = Gateway::start().await;
    let (id, key) = gateway.crm().await;
    for shown in [&key, &token("crm"), &token("internal")] {
        for (method, path, body) in [
            (Method::GET, "/v1/keys".to_owned(), ""),
            (Method::POST, "/v1/keys".to_owned(), "{}"),
            (Method::PATCH, format!("/v1/keys/{id}"), "{}"),
            (Method::POST, format!("/v1/keys/{id}/rotate"), ""),
            (Method::POST, format!("/v1/keys/{id}/revoke"), ""),
        ] {
            let answer = gateway.world.send(method, &path, &[("x-api-key", shown)], body).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path} {answer:?}");
            assert_eq!(answer.json["reason"], "PATH_UNKNOWN");
        }
    }
    let behind = format!("http://{}", gateway.world.running.grpc_address);
    let channels = [channel(gateway.world.url("")).await, channel(behind).await];
    for (place, channel) in channels.into_iter().enumerate() {
        let mut client = KeyOperatorServiceClient::new(channel);
        let mut list = async |purpose: &str| {
            let mut request = Request::new(ListKeysRequest::default());
            let token = token(purpose).parse().expect("a header");
            request.metadata_mut().insert("x-api-key", token);
            client.list_keys(request).await
        };
        for purpose in ["crm", "internal"] {
            let status = list(purpose).await.expect_err("not theirs to call");
            assert_eq!(reason(&status).as_deref(), Some("METHOD_UNKNOWN"), "{place} {purpose}");
        }
        let listed = list("operator").await.expect("keys").into_inner();
        assert_eq!(listed.keys.len(), 1);
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_is_refused_and_its_field_named() {
    let gateway = Gateway::start().await;
    let create = async |what: Value| gateway.operate(Method::POST, "/v1/keys", &what).await;
    for (what, field) in [
        (json!({"purpose": "crm"}), "name"),
        (json!({"name": " ", "purpose": "crm"}), "name"),
        (json!({"name": "a".repeat(129), "purpose": "crm"}), "name"),
        (json!({"name": "a\nb", "purpose": "crm"}), "name"),
        (json!({"name": "a"}), "purpose"),
        (json!({"name": "a", "purpose": "operator"}), "purpose"),
        (json!({"name": "a", "purpose": "internal"}), "purpose"),
        (json!({"name": "a", "purpose": "crm", "scopes": ["all"]}), "scopes"),
        (json!({"name": "a", "purpose": "crm", "callsPerSecond": "-1"}), "calls_per_second"),
        (json!({"name": "a", "purpose": "crm", "callsPerDay": "-1"}), "calls_per_day"),
        (
            json!({"name": "a", "purpose": "crm", "expireTime": "2020-01-01T00:00:00Z"}),
            "expire_time",
        ),
    ] {
        let answer = create(what.clone()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what} {answer:?}");
        assert_eq!(answer.json["metadata"]["field"], field, "{what}");
    }
    let answer = create(json!({"name": "a", "purpose": "hiring"})).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
    assert_eq!(answer.json["reason"], "PURPOSE_REFUSED");
    for (id, status, reason) in
        [("crm", 400, "FIELD_INVALID"), ("000000000000000000000000", 404, "KEY_UNKNOWN")]
    {
        for (method, path) in [
            (Method::PATCH, format!("/v1/keys/{id}")),
            (Method::POST, format!("/v1/keys/{id}/rotate")),
            (Method::POST, format!("/v1/keys/{id}/revoke")),
        ] {
            let body = if method == Method::PATCH { json!({}) } else { Value::Null };
            let answer = gateway.operate(method, &path, &body).await;
            assert_eq!((answer.status.as_u16(), &answer.json["reason"]), (status, &reason.into()));
        }
    }
    let listed = gateway.operate(Method::GET, "/v1/keys", &Value::Null).await;
    assert_eq!(listed.json["keys"], json!([]), "none was made");
}

#[tokio::test]
async fn a_name_is_one_keys_until_it_is_taken_back_and_keys_are_listed_by_name() {
    let gateway = Gateway::start().await;
    let (first, _) = gateway.crm().await;
    let again = json!({"name": "crm", "purpose": "research"});
    let answer = gateway.operate(Method::POST, "/v1/keys", &again).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{answer:?}");
    assert_eq!(answer.json["reason"], "KEY_EXISTS");
    gateway.operate(Method::POST, &format!("/v1/keys/{first}/revoke"), &Value::Null).await;
    let (second, _) = gateway.key(&again).await;
    let limits =
        json!({"name": "app", "purpose": "crm", "callsPerSecond": "0", "callsPerDay": "7"});
    let (app, _) = gateway.key(&limits).await;

    let (mut keys, mut page) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/keys?pageSize=1&pageToken={page}");
        let listed = gateway.operate(Method::GET, &path, &Value::Null).await;
        assert_eq!(listed.status, StatusCode::OK, "{listed:?}");
        keys.extend(listed.json["keys"].as_array().cloned().unwrap_or_default());
        page = listed.json["nextPageToken"].as_str().unwrap_or_default().to_owned();
        if page.is_empty() {
            break;
        }
    }
    let ids: Vec<&str> = keys.iter().filter_map(|key| key["key"].as_str()).collect();
    assert_eq!(ids, [app.as_str(), &first, &second], "by name, then by age");
    assert_eq!((&keys[0]["callsPerSecond"], &keys[0]["callsPerDay"]), (&"0".into(), &"7".into()));
    assert_eq!(keys[1]["callsPerSecond"], "100", "as the configuration says");
    let usual = json!(["scores", "people", "topics", "influence", "lookups", "segments"]);
    assert_eq!(keys[1]["scopes"], usual);
    let answer = gateway.operate(Method::GET, "/v1/keys?pageToken=x", &Value::Null).await;
    assert_eq!(answer.json["metadata"]["field"], "page_token", "{answer:?}");
}

#[tokio::test]
async fn it_is_counted_how_often_a_key_is_used() {
    let stores = Stores::fresh().await;
    let gateway = Gateway::start_on(&stores).await;
    let (id, key) = gateway.crm().await;
    assert_eq!(gateway.listed(&id).await["lastUseTime"], Value::Null, "never");
    for _ in 0..5 {
        gateway.told(SCORE, &key).await;
    }
    gateway.told("/v1/people/42/perks", &key).await;
    until("five are listed", async || gateway.listed(&id).await["callsToday"] == "5").await;
    let day = gateway.listed(&id).await["lastUseTime"].as_str().expect("a day").to_owned();
    assert!(day.ends_with("T00:00:00Z"), "{day}");

    gateway.told(SCORE, &key).await;
    gateway.world.running.stop().await.expect("in order");
    let calls: Vec<i64> = sqlx::query_scalar("select calls from gateway.key_usage")
        .fetch_all(&stores.db().await)
        .await
        .expect("counts");
    assert_eq!(calls.iter().sum::<i64>(), 6, "the last one is written down at the end");
}
