//! Tokens of issuers: whose are believed, and whose are not.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Router, routing::get};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use klout_chassis::Clock;
use klout_testkit::until;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

use crate::world::{Answer, World};

/// Made for these tests, and used for nothing else.
const ED: &str = "MC4CAQAwBQYDK2VwBCIEIKQvqrdb3h+lUTVErgujR2csAWZX5p0eFupgEqau3bCq";
const ANOTHER_ED: &str = "MC4CAQAwBQYDK2VwBCIEIJDb7i5kf7Fp/X1k4NZXw9l6aY/QwrhZ3E65h15Ts5V4";
const EC: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg9HTTT90bTMYI01VvIWaJQsyIGrJ4WeY6aFD/6zA9OcehRANCAARsfCDyNpUUAVW5CajxijUA4unXt+tcbsrDpKRjsGvjtvvNcp/w9V4O5yYShC7Y6fnrTDmrLMwWQF3tz42YeB7q";
const RSA: &str = "MIIEpAIBAAKCAQEArfAUTR8C2iyOF2xntfIHVYf3xrsw2DHgMHNg0idzGpApgu3wTV3+sE7JGygjda6C/RhVs5FIKV5hVWfbvEsOZqz3iUHkwYlE8OOiz2EYTc0FWzOiTmaYkkdEfCfmOpYxwGYel8fahkgE/bZvIS0sAer6sZ+W6HWM175CHd0GoYSq0o5QZmc+zvQsX+2ZjN0Q2fsl++i7e9xDyiHJ48ELsIKsI0sZUnUmUL0+rskVZBkZPy3ab2KZGGT/aHvRoMmUKlv2L0H0ofriycrOSHLsWUcJXn84CmP5N3iHHZSW2W3Zms8Uc7PHE7GQo/cjFIbumFhaA6aM+pNGodJWUIU2+wIDAQABAoIBAEZayBNjukceY4EE97QoCCBoBWhsefbQwcJHQP/wNgYmDqxnat4YaXbN/1lNNH6azl/qUmv2FU6qXstpXX99in8sclmh/hHsYKbhJI8mUmrRxVtc+Mcmh4sPaZuglebXrpsIk1JIY9MR2Xb4Ll4og9bowWtMRoGTXps7WUn0B4UX1hcOeHg0sIam5gMk+OOVE7PKrk0CeefCimgimGjkfWGsXr9+Rtg2AxHv3/+SiHJ55jD/PXx3OAUCNsuNbDlGmYxgxQOXkAGycCs3mUgh8fyQ+mMjf7f/ShEwQiBSGUDdAKpzegRuJ7NoHqY7T9L0tsSAMyAXYE/RM1pWNrTEAJECgYEA3A/MtWjhl5gJ4Zrsi9gT2NYqllp23TuZx2ZoEtMLL7ZVhvN6ai4JQ0JqYtZ4NUGaSZfoo070jh2K6TYwIX1pzRHfaOQUxO0bSKZkR7yxc03ozqdNWOXpfmTTaxgWd6PxjiDDJN/uwjOKDLO6FZcDfhpCkLNbtfctNfmNxvG6KQsCgYEAylf17aZtJoI2t9uWevVekN4zYhNOaE8oFgt6Kjk/byrHbQdSa+67sSXKmF2BBY5+g9XJCs13jjIr3wvGhqYJ8NC4X/9dukuv1+Pn94irBfkVFeffmQuQBQw1d+A7kqhBR2bdqwpYSBltt+uQkrlvvcIirDzSwKehWXaSIHxQP9ECgYEArkSIzSR4ee857AIezwPXe8DmStjrBnmbZxAO3NFqK2eORWdtCsbYKP5gd1L2MN55y0vUO/dbrWtxxQtXhD3n2jEMJelxFR3bnGXARhsEv5X0BirxErRHewNndYjGygn3UaFaSEpZrkrYSQTPGSfU6Tjse+C9gNV0ZSjyAJkO3k8CgYEAoUYoeslaWAYTLMm1j71AKUEhPTtcFCF7Ns7hCQRl/enf15Otat9188TGTFjCfDZNujBMM/L+JnTwqK9PBYUTiUAipEj6YIDw36cD/TSN843K85HDks03df58I1ayxLqchReE+E2ffZ/e5me37GommN1CG3vDEtDI9nBeGcxbffECgYBnpqCMw7wvrU9qN2RcJGjP4WCDxqVak9FG/b535qd9RsMPQbBOvfLFFle2SlzinmcpwknCxiDUEzH6TduJfUkCfVFYcCn0tbhxCF4p4ge+d4br/X3BCEgP4kCOcBMam1Ot4kbFpjjTWUq4TWwhtbrFiJM+enLq1DFmtUw28fCLTw==";

const ISSUER: &str = "https://login.acme.example";

const SCORE: &str = "/v1/people/42/score";

/// An identity provider on this machine.
struct Provider {
    keys: Arc<Mutex<Vec<Jwk>>>,
    fetched: Arc<AtomicUsize>,
    address: String,
    _serving: JoinSet<()>,
}

impl Provider {
    async fn start(keys: Vec<Jwk>) -> Self {
        let keys = Arc::new(Mutex::new(keys));
        let fetched = Arc::new(AtomicUsize::new(0));
        let (shown, counted) = (Arc::clone(&keys), Arc::clone(&fetched));
        let answer = move || async move {
            counted.fetch_add(1, Ordering::SeqCst);
            axum::Json(json!({ "keys": *shown.lock().expect("not poisoned") }))
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}/jwks", listener.local_addr().expect("an address"));
        let router = Router::new().route("/jwks", get(answer));
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.expect("served") });
        Self { keys, fetched, address, _serving: serving }
    }

    fn fetched(&self) -> usize {
        self.fetched.load(Ordering::SeqCst)
    }
}

/// A gateway that believes one issuer, whose configuration is said here as TOML.
async fn world(keys: &str, settings: &str) -> World {
    let issuer =
        format!("{{acme={{issuer=\"{ISSUER}\",audience=\"klout\",keys=\"{keys}\",{settings}}}}}");
    let account_key = "ab".repeat(32);
    let secret = "a secret of more than thirty-two characters";
    World::start_with(&[
        ("server.dev", "false"),
        ("server.token_secret", secret),
        ("server.account_key", &account_key),
        ("gateway.issuers", &issuer),
    ])
    .await
}

fn bytes(key: &str) -> Vec<u8> {
    BASE64_STANDARD.decode(key).expect("base64")
}

fn ed(key: &str) -> EncodingKey {
    EncodingKey::from_ed_der(&bytes(key))
}

fn public(key: &EncodingKey, algorithm: Algorithm, kid: &str) -> Jwk {
    let mut jwk = Jwk::from_encoding_key(key, algorithm).expect("a public key");
    jwk.common.key_id = Some(kid.to_owned());
    jwk
}

fn claims() -> Value {
    let now = Clock::running().now().unix_timestamp();
    json!({"iss": ISSUER, "aud": "klout", "sub": "desk 7", "iat": now, "exp": now + 600})
}

fn with(changes: Value) -> Value {
    let mut all = claims();
    let (Value::Object(all_of), Value::Object(changes)) = (&mut all, changes) else {
        panic!("claims are objects")
    };
    for (claim, value) in changes {
        if value.is_null() {
            all_of.remove(&claim);
        } else {
            all_of.insert(claim, value);
        }
    }
    all
}

fn sign(key: &EncodingKey, algorithm: Algorithm, kid: &str, claims: &Value) -> String {
    let header = Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) };
    encode(&header, claims, key).expect("a token")
}

async fn show(world: &World, path: &str, token: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    world.send(Method::GET, path, &[("authorization", &bearer)], "").await
}

async fn told(world: &World, token: &str) -> (u16, String) {
    let answer = show(world, SCORE, token).await;
    (answer.status.as_u16(), answer.json["reason"].as_str().unwrap_or_default().to_owned())
}

fn invalid() -> (u16, String) {
    (401, "TOKEN_INVALID".to_owned())
}

#[tokio::test]
async fn a_token_of_an_issuer_is_a_caller_with_a_purpose_by_each_algorithm() {
    let rsa = EncodingKey::from_rsa_der(&bytes(RSA));
    let ec = EncodingKey::from_ec_der(&bytes(EC));
    let signers = [
        (rsa, Algorithm::RS256, "r"),
        (ec, Algorithm::ES256, "e"),
        (ed(ED), Algorithm::EdDSA, "d"),
    ];
    let keys = signers.iter().map(|(key, algorithm, kid)| public(key, *algorithm, kid)).collect();
    let provider = Provider::start(keys).await;
    let world = world(&provider.address, "purpose=\"loyalty\"").await;

    for (key, algorithm, kid) in &signers {
        let token = sign(key, *algorithm, kid, &claims());
        let answer = show(&world, SCORE, &token).await;
        assert_eq!(answer.status, 200, "{algorithm:?} {answer:?}");
    }
    let audiences = with(json!({"aud": ["somebody else", "klout"]}));
    let token = sign(&signers[2].0, Algorithm::EdDSA, "d", &audiences);
    assert_eq!(told(&world, &token).await.0, 200, "one of its audiences is ours");
    for asked in world.scoring.asked.lock().expect("not poisoned").iter() {
        assert_eq!(asked.metadata["klout-caller"], "acme/desk%207");
        assert_eq!(asked.metadata["klout-purpose"], "loyalty");
    }
}

#[tokio::test]
async fn a_token_that_its_issuer_did_not_sign_for_us_and_for_now_is_refused() {
    let provider = Provider::start(vec![public(&ed(ED), Algorithm::EdDSA, "d")]).await;
    let world = world(&provider.address, "purpose=\"crm\"").await;
    let now = Clock::running().now().unix_timestamp();
    let signed = |claims: Value| sign(&ed(ED), Algorithm::EdDSA, "d", &claims);
    assert_eq!(told(&world, &signed(claims())).await.0, 200, "as it should be");

    for wrong in [
        json!({"iss": "https://login.other.example"}),
        json!({"iss": null}),
        json!({"aud": "somebody else"}),
        json!({"aud": null}),
        json!({"exp": now - 60}),
        json!({"exp": null}),
        json!({"nbf": now + 600}),
        json!({"sub": null}),
        json!({"sub": ""}),
        json!({"sub": 7}),
    ] {
        assert_eq!(told(&world, &signed(with(wrong.clone()))).await, invalid(), "{wrong}");
    }
    let other = sign(&ed(ANOTHER_ED), Algorithm::EdDSA, "d", &claims());
    assert_eq!(told(&world, &other).await, invalid(), "somebody else's key by the same name");
    let changed = signed(claims());
    let mut parts: Vec<&str> = changed.split('.').collect();
    let forged = signed(with(json!({"sub": "the director"})));
    parts[1] = forged.split('.').nth(1).expect("claims");
    assert_eq!(told(&world, &parts.join(".")).await, invalid(), "claims of another token");
}

#[tokio::test]
async fn a_token_does_not_choose_how_it_is_verified() {
    let key = public(&ed(ED), Algorithm::EdDSA, "d");
    let provider = Provider::start(vec![key.clone()]).await;
    let world = world(&provider.address, "purpose=\"crm\"").await;
    let good = sign(&ed(ED), Algorithm::EdDSA, "d", &claims());
    let parts: Vec<&str> = good.split('.').collect();

    // {"alg":"none"}, with and without a signature.
    for unsigned in [
        format!("eyJhbGciOiJub25lIn0.{}.", parts[1]),
        format!("eyJhbGciOiJub25lIn0.{}.{}", parts[1], parts[2]),
        format!("eyJhbGciOiJOb25lIn0.{}.", parts[1]),
    ] {
        assert_eq!(told(&world, &unsigned).await, invalid());
    }
    // Signed with what everybody knows, as if it were a shared secret.
    let public_text =
        serde_json::to_value(&key).expect("a key")["x"].as_str().expect("x").to_owned();
    for secret in [public_text.as_bytes(), b"klout"] {
        let shared = EncodingKey::from_secret(secret);
        let token = sign(&shared, Algorithm::HS256, "d", &claims());
        assert_eq!(told(&world, &token).await, invalid());
    }
    // A key of another kind than the algorithm.
    let rsa = EncodingKey::from_rsa_der(&bytes(RSA));
    assert_eq!(told(&world, &sign(&rsa, Algorithm::RS256, "d", &claims())).await, invalid());
    // Not among the algorithms of the configuration.
    let token = sign(&rsa, Algorithm::PS512, "d", &claims());
    assert_eq!(told(&world, &token).await, invalid());
}

#[tokio::test]
async fn what_a_token_may_do_follows_from_the_configuration_and_its_claims() {
    let provider = Provider::start(vec![public(&ed(ED), Algorithm::EdDSA, "d")]).await;
    let settings = "purpose_claim=\"use\",caller_claim=\"azp\",scope_claim=\"scope\",\
                    scope_prefix=\"klout:\",scopes=[\"scores\",\"topics\"]";
    let world = world(&provider.address, settings).await;
    let show = async |path: &str, changes: Value| {
        let token = sign(&ed(ED), Algorithm::EdDSA, "d", &with(changes));
        let answer = show(&world, path, &token).await;
        (answer.status.as_u16(), answer.json["reason"].as_str().unwrap_or_default().to_owned())
    };
    let claims = |scope: &str, purpose: &str| json!({"azp": "app", "use": purpose, "scope": scope});

    assert_eq!(show(SCORE, claims("openid klout:scores", "research")).await.0, 200);
    let missing = (403, "SCOPE_MISSING".to_owned());
    assert_eq!(show(SCORE, claims("klout:topics scores", "research")).await, missing);
    assert_eq!(show("/v1/people/42/influencers", claims("klout:influence", "crm")).await, missing);
    let refused = (403, "PURPOSE_REFUSED".to_owned());
    assert_eq!(show(SCORE, claims("klout:scores", "hiring")).await, refused);
    for purpose in ["operator", "internal", " "] {
        assert_eq!(show(SCORE, claims("klout:scores", purpose)).await, invalid(), "{purpose}");
    }
    let keys = show("/v1/keys", claims("klout:scores", "crm")).await;
    assert_eq!(keys, (404, "PATH_UNKNOWN".to_owned()));
    let asked = world.scoring.asked.lock().expect("not poisoned");
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].metadata["klout-caller"], "acme/app");
}

#[tokio::test]
async fn however_many_show_unknown_keys_the_issuer_is_asked_once_a_minute() {
    let provider = Provider::start(vec![public(&ed(ED), Algorithm::EdDSA, "d")]).await;
    let world = world(&provider.address, "purpose=\"crm\"").await;
    let good = sign(&ed(ED), Algorithm::EdDSA, "d", &claims());
    assert_eq!(told(&world, &good).await.0, 200);
    assert_eq!(provider.fetched(), 1);

    let shown = (0..100).map(|number| {
        let token = sign(&ed(ED), Algorithm::EdDSA, &format!("unknown {number}"), &claims());
        let world = &world;
        async move { told(world, &token).await }
    });
    for refused in futures::future::join_all(shown).await {
        assert_eq!(refused, invalid());
    }
    assert_eq!(provider.fetched(), 1, "it was asked a moment ago");
    assert_eq!(told(&world, &good).await.0, 200, "and nobody else suffers");
}

#[tokio::test]
async fn keys_may_be_in_a_file_and_an_issuer_without_keys_is_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("acme.json");
    let keys = json!({"keys": [public(&ed(ED), Algorithm::EdDSA, "d")]});
    std::fs::write(&file, keys.to_string()).expect("a file");
    let good = sign(&ed(ED), Algorithm::EdDSA, "d", &claims());
    let nameless = encode(&Header::new(Algorithm::EdDSA), &claims(), &ed(ED)).expect("a token");

    let world_of_file = world(&file.display().to_string(), "purpose=\"crm\"").await;
    until("it is read", async || told(&world_of_file, &good).await.0 == 200).await;
    assert_eq!(told(&world_of_file, &nameless).await.0, 200, "there is only one that it can mean");

    let missing = folder.path().join("nothing.json").display().to_string();
    let world = world(&missing, "purpose=\"crm\"").await;
    let away = (503, "ISSUER_UNAVAILABLE".to_owned());
    assert_eq!(told(&world, &good).await, away);
    assert_eq!(told(&world, "wrong").await, invalid(), "of nobody's");
}

#[tokio::test]
async fn tokens_of_issuers_are_valid_at_the_gateway_alone() {
    let provider = Provider::start(vec![public(&ed(ED), Algorithm::EdDSA, "d")]).await;
    let world = world(&provider.address, "purpose=\"crm\"").await;
    let token = sign(&ed(ED), Algorithm::EdDSA, "d", &claims());
    assert_eq!(told(&world, &token).await.0, 200);
    assert!(!provider.keys.lock().expect("not poisoned").is_empty());

    let behind = format!("http://{}", world.running.grpc_address);
    let endpoint = tonic::transport::Endpoint::from_shared(behind).expect("an address");
    let channel = endpoint.connect().await.expect("connected");
    let mut client =
        klout_proto::profile::v1::key_operator_service_client::KeyOperatorServiceClient::new(
            channel,
        );
    let mut request = tonic::Request::new(klout_proto::profile::v1::ListKeysRequest::default());
    let bearer = format!("Bearer {token}").parse().expect("a header");
    request.metadata_mut().insert("authorization", bearer);
    let refused = client.list_keys(request).await.expect_err("no token of ours");
    assert_eq!(klout_chassis::reason(&refused).as_deref(), Some("TOKEN_INVALID"));
}
