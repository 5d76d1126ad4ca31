//! A gateway to which customers send files.

use klout_chassis::{Clock, Host, Running, TokenKey};
use klout_gateway::Gateway;
use klout_proto::{
    graph::v1::{
        ApplyPersonStatesRequest, DescribePersonRequest, ForgetPersonRequest, PersonState,
        graph_service_server::GraphServiceServer,
    },
    profile::v1::person_data_service_client::PersonDataServiceClient,
    score::v1::score_service_server::ScoreServiceServer,
};
use klout_testkit::{Peer, Stores, http_client, start, until};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;
use time::Duration;
use tonic::{
    Request,
    service::Routes,
    transport::{Channel, Endpoint},
};

use super::folk::Folk;

pub(super) const SECRET: &str = "a secret of more than thirty-two characters";

pub(super) struct Office {
    pub(super) folk: Folk,
    pub(super) stores: Stores,
    pub(super) db: PgPool,
    pub(super) running: Running,
    client: Client,
    _peer: Peer,
}

/// A response, read.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) text: String,
    pub(super) json: Value,
}

impl Office {
    pub(super) async fn open() -> Self {
        Self::open_with(Stores::fresh().await, Folk::default()).await
    }

    pub(super) async fn open_with(stores: Stores, folk: Folk) -> Self {
        let routes = Routes::new(ScoreServiceServer::new(folk.clone()))
            .add_service(GraphServiceServer::new(folk.clone()));
        let peer = Peer::serve(routes).await;
        let account_key = "ab".repeat(32);
        let flags = [
            ("links.scoring", peer.address()),
            ("links.social_graph", peer.address()),
            ("links.connector", peer.address()),
            ("links.topics", peer.address()),
            ("server.dev", "false"),
            ("server.token_secret", SECRET),
            ("server.account_key", &account_key),
        ];
        let running = start(Host::new("test").with::<Gateway>(), &stores, &flags).await;
        let (db, client) = (stores.db().await, http_client());
        Self { folk, stores, db, running, client, _peer: peer }
    }

    /// The same stores and people after the process has ended.
    pub(super) async fn open_again(self) -> Self {
        self.running.stop().await.expect("in order");
        Self::open_with(self.stores, self.folk).await
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.running.http_address.expect("a gateway"))
    }

    pub(super) async fn send(
        &self,
        key: &str,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let purpose = if key == "operator" { "operator" } else { "crm" };
        let request = self.client.request(method, format!("{}{path}", self.url())).body(body);
        let mut request = request.bearer_auth(token(key, purpose));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.expect("the gateway answers");
        let status = response.status();
        let text = response.text().await.expect("a whole body");
        let json = serde_json::from_str(&text).unwrap_or_default();
        Answer { status, text, json }
    }

    pub(super) async fn get(&self, key: &str, path: &str) -> Answer {
        self.send(key, Method::GET, path, &[], "").await
    }

    pub(super) async fn create(&self, key: &str) -> String {
        let body = json!({}).to_string();
        let answer = self.send(key, Method::POST, "/v1/lookupJobs", &[], body).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.json["job"].as_str().expect("a job").to_owned()
    }

    pub(super) async fn put(
        &self,
        key: &str,
        job: &str,
        part: u32,
        csv: impl Into<reqwest::Body>,
    ) -> Answer {
        let path = format!("/v1/lookupJobs/{job}/parts/{part}");
        self.send(key, Method::PUT, &path, &[("content-type", "text/csv")], csv).await
    }

    pub(super) async fn close(&self, key: &str, job: &str) -> Answer {
        self.send(key, Method::POST, &format!("/v1/lookupJobs/{job}/close"), &[], "").await
    }

    pub(super) async fn job(&self, key: &str, job: &str) -> Answer {
        self.get(key, &format!("/v1/lookupJobs/{job}")).await
    }

    pub(super) async fn until_done(&self, key: &str, job: &str) -> Value {
        until("the job is done", async || self.job(key, job).await.json["state"] == "DONE").await;
        self.job(key, job).await.json
    }

    /// A file of one part, looked up.
    pub(super) async fn look_up(&self, key: &str, csv: &str) -> String {
        let job = self.create(key).await;
        let put = self.put(key, &job, 1, csv.to_owned()).await;
        assert_eq!(put.status, StatusCode::OK, "{put:?}");
        assert_eq!(self.close(key, &job).await.status, StatusCode::OK);
        self.until_done(key, &job).await;
        job
    }

    pub(super) async fn rows(&self, key: &str, job: &str, outcome: &str) -> Vec<String> {
        let answer = self.get(key, &format!("/v1/lookupJobs/{job}/{outcome}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.text.lines().skip(1).map(ToOwned::to_owned).collect()
    }

    pub(super) async fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(self.url()).expect("an address");
        endpoint.connect().await.expect("connected")
    }

    async fn person_data(&self) -> PersonDataServiceClient<Channel> {
        PersonDataServiceClient::new(self.channel().await)
    }

    pub(super) async fn tell(&self, person_id: i64, number: u64, state: &str, into: i64) {
        let state = PersonState {
            person_id,
            number,
            state: state.to_owned(),
            into_person_id: into,
            ..PersonState::default()
        };
        let request = operators(ApplyPersonStatesRequest { states: vec![state] });
        self.person_data().await.apply_person_states(request).await.expect("told");
    }

    pub(super) async fn forget(&self, person_id: i64, state: &str) -> Vec<(String, u64)> {
        let (account_ids, state) = (Vec::new(), state.to_owned());
        let request = operators(ForgetPersonRequest { person_id, account_ids, state });
        let answer = self.person_data().await.forget_person(request).await.expect("forgotten");
        let answer = answer.into_inner();
        assert!(answer.done);
        answer.forgotten.into_iter().map(|it| (it.name, it.count)).collect()
    }

    pub(super) async fn held(&self, person_id: i64) -> Vec<(String, Value)> {
        let request = operators(DescribePersonRequest { person_id, account_ids: Vec::new() });
        let things = self.person_data().await.describe_person(request).await.expect("described");
        let (mut things, mut held) = (things.into_inner(), Vec::new());
        while let Some(thing) = things.message().await.expect("a thing") {
            held.push((thing.name, serde_json::from_str(&thing.json).expect("JSON")));
        }
        held
    }
}

pub(super) fn token(name: &str, purpose: &str) -> String {
    TokenKey::new(SECRET.as_bytes())
        .mint(name, purpose, Clock::running().now(), Duration::HOUR)
        .expect("a token")
}

fn operators<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    let key = token("operator", "operator").parse().expect("a header");
    request.metadata_mut().insert("x-api-key", key);
    request
}
