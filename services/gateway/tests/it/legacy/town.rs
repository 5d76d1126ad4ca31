//! People of 2012, services that are played, and a gateway before them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use klout_chassis::{Clock, Host, Refusal, Running, TokenKey, to_row};
use klout_gateway::Gateway;
use klout_proto::{
    convert,
    graph::v1::{
        AccountName, BatchGetPeopleRequest, BatchGetPeopleResponse, BatchResolvePeopleRequest,
        BatchResolvePeopleResponse, GetPersonRequest, GetPersonResponse, Influence, LinkedAccount,
        ListInfluenceesRequest, ListInfluenceesResponse, ListInfluencersRequest,
        ListInfluencersResponse, Person, ResolveResult,
        account_name::Name,
        graph_service_server::{GraphService, GraphServiceServer},
        resolve_result,
    },
    score::v1::{
        BatchLookupScoresRequest, BatchLookupScoresResponse, GetScoreRequest, GetScoreResponse,
        LookupResult, Score,
        get_score_request::Subject,
        lookup_result, lookup_subject,
        score_service_server::{ScoreService, ScoreServiceServer},
    },
    topic::v1::{
        ListPersonTopicsRequest, ListPersonTopicsResponse, PersonTopic, Topic,
        topic_service_server::{TopicService, TopicServiceServer},
    },
};
use klout_testkit::{Peer, Stores, http_client, start};
use reqwest::{Client, Method};
use time::{Duration, macros::datetime};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tonic::{Code, Request, Response, Status, service::Routes};

const SECRET: &str = "a secret of more than thirty-two characters";

/// Of whom services never answer.
pub(super) const SLOW: &str = "90";

/// At whom services break without a word.
pub(super) const BROKEN: &str = "91";

/// For whom services are away.
pub(super) const AWAY: &str = "92";

/// Id, screen name, network and its id, and the score, of everybody.
const PEOPLE: [(&str, &str, &str, &str, Option<f64>); 8] = [
    ("123456", "alice", "twitter", "42", Some(48.877_138_509_344_47)),
    ("1", "bob", "twitter", "43", Some(84.1)),
    ("2", "carol", "twitter", "44", Some(12.03)),
    // Without evidence.
    ("3", "dave", "twitter", "45", None),
    // Not scored yet.
    ("4", "fay", "twitter", "46", None),
    ("5", "xavier", "x", "47", Some(30.0)),
    ("6", "ivy.example", "bluesky", "did:6", Some(55.0)),
    (SLOW, "slow", "twitter", "90", Some(50.0)),
];

/// A gateway with what was asked of the services behind it.
pub(super) struct Town {
    pub(super) running: Running,
    pub(super) played: Played,
    client: Client,
    _peer: Peer,
}

/// All services in one.
#[derive(Clone, Debug, Default)]
pub(super) struct Played {
    pub(super) asked: Arc<Mutex<Vec<Asked>>>,
}

/// An RPC, for whom it was called, and why.
pub(super) type Asked = (&'static str, String, String);

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HashMap<String, String>,
    pub(super) body: String,
}

impl Town {
    pub(super) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    pub(super) async fn start_with(settings: &[(&'static str, &str)]) -> Self {
        let played = Played::default();
        let routes = Routes::new(ScoreServiceServer::new(played.clone()))
            .add_service(GraphServiceServer::new(played.clone()))
            .add_service(TopicServiceServer::new(played.clone()));
        let peer = Peer::serve(routes).await;
        let key = "ab".repeat(32);
        let mut flags = vec![
            ("links.scoring", peer.address()),
            ("links.social_graph", peer.address()),
            ("links.connector", peer.address()),
            ("links.topics", peer.address()),
            ("server.dev", "false"),
            ("server.token_secret", SECRET),
            ("server.account_key", key.as_str()),
        ];
        flags.extend(settings);
        let host = Host::new("test").with::<Gateway>();
        let running = start(host, &Stores::fresh().await, &flags).await;
        Self { running, played, client: http_client(), _peer: peer }
    }

    pub(super) fn key(&self) -> String {
        token("acme", "crm")
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.http_address.expect("a gateway"))
    }

    /// With a key, after whatever parameters there are.
    pub(super) async fn get(&self, path: &str) -> Answer {
        let joint = if path.contains('?') { '&' } else { '?' };
        self.get_as_is(&format!("{path}{joint}key={}", self.key())).await
    }

    pub(super) async fn get_as_is(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[]).await
    }

    pub(super) async fn post(&self, path: &str, key: &str, body: &str) -> Answer {
        let request = self
            .client
            .post(self.url(path))
            .header("x-api-key", key)
            .header("x-request-id", "test");
        read(request.body(body.to_owned())).await
    }

    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request =
            self.client.request(method, self.url(path)).header("x-request-id", "test");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request).await
    }

    /// What is sent to the port, letter for letter, and everything that comes back until the gateway hangs up.
    pub(super) async fn raw(&self, request: &str) -> (Vec<String>, Vec<u8>) {
        let address = self.running.http_address.expect("a gateway");
        let mut stream = TcpStream::connect(address).await.expect("connected");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.expect("answered");
        let end = bytes.windows(4).position(|it| it == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        (head.split("\r\n").map(str::to_owned).collect(), bytes[end + 4..].to_vec())
    }

    pub(super) fn asked(&self) -> Vec<(&'static str, String, String)> {
        std::mem::take(&mut *self.played.asked.lock().expect("not poisoned"))
    }
}

async fn read(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.expect("the gateway answers");
    let text = |it: &http::HeaderValue| it.to_str().map(str::to_owned);
    let headers = response.headers().iter();
    let headers = headers.filter_map(|(name, value)| Some((name.to_string(), text(value).ok()?)));
    let headers = headers.collect();
    let status = response.status().as_u16();
    Answer { status, headers, body: response.text().await.expect("a whole body") }
}

/// A key that a call shows in its address.
pub(super) fn token(name: &str, purpose: &str) -> String {
    TokenKey::new(SECRET.as_bytes())
        .mint(name, purpose, Clock::running().now(), Duration::HOUR)
        .expect("a token")
}

impl Played {
    fn note<T>(&self, rpc: &'static str, request: &Request<T>) {
        let header = |name: &str| {
            let value = request.metadata().get(name).and_then(|it| it.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let asked = (rpc, header("klout-caller"), header("klout-purpose"));
        self.asked.lock().expect("not poisoned").push(asked);
    }
}

fn score_of(id: &str) -> Option<Score> {
    let (id, ..) = PEOPLE.into_iter().find(|it| it.0 == id)?;
    let points = PEOPLE.into_iter().find(|it| it.0 == id)?.4;
    let state = match (id, points) {
        ("4", _) => "PENDING",
        (_, None) => "UNKNOWN",
        (_, Some(_)) => "KNOWN",
    };
    let alice = |part: f64| (id == "123456").then_some(part);
    Some(Score {
        person: id.to_owned(),
        state: state.to_owned(),
        score: points,
        score_time: Some(convert::timestamp(datetime!(2026-11-26 12:00 UTC))),
        day_change: alice(0.11),
        week_change: alice(0.07),
        month_change: alice(0.19),
        true_reach: alice(1_234.4),
        amplification: alice(31.609),
        network_impact: alice(7.0),
        ..Score::default()
    })
}

fn person_of(id: &str) -> Option<Person> {
    let account = |network: &str, native_id: &str, handle: &str| LinkedAccount {
        network: network.to_owned(),
        native_id: native_id.to_owned(),
        handle: handle.to_owned(),
        ..LinkedAccount::default()
    };
    let (id, handle, network, native_id, _) = PEOPLE.into_iter().find(|it| it.0 == id)?;
    let mut accounts = vec![account(network, native_id, handle)];
    if id == "123456" {
        accounts.insert(0, account("bluesky", "did:1", "alice.example"));
        accounts.push(account("google-plus", "112975106809988327760", "Alice"));
        accounts.push(account("instagram", "77", "alice"));
        accounts.push(account("facebook", "55", "alice"));
    }
    Some(Person { person: id.to_owned(), accounts, ..Person::default() })
}

/// Who owns an account.
fn owner(account: &AccountName) -> Result<String, Status> {
    let owns = |it: &LinkedAccount| {
        it.network == account.network
            && match &account.name {
                Some(Name::Handle(handle)) => it.handle.eq_ignore_ascii_case(handle),
                Some(Name::NativeId(id)) => it.native_id == *id,
                None => false,
            }
    };
    if account.name == Some(Name::Handle("several".to_owned())) {
        let refusal = Refusal::new(Code::FailedPrecondition, "HANDLE_AMBIGUOUS");
        return Err(refusal.into_plain_status("several people are called so"));
    }
    if account.name == Some(Name::Handle("broken".to_owned())) {
        return Err(Refusal::new(Code::Internal, "PEER_FAILED").into_plain_status("oh"));
    }
    let everybody = PEOPLE.into_iter().filter_map(|it| person_of(it.0));
    let mut owners = everybody.filter(|person| person.accounts.iter().any(owns));
    owners.next().map(|it| it.person).ok_or_else(nobody)
}

fn nobody() -> Status {
    let refusal = Refusal::new(Code::NotFound, "PERSON_UNKNOWN").with("person", "whoever");
    refusal.into_plain_status("there is no such person")
}

/// What services say of an id.
async fn there(id: &str) -> Result<(), Status> {
    match id {
        SLOW => std::future::pending().await,
        BROKEN => Err(Status::unknown("secret")),
        AWAY => Err(Refusal::new(Code::Unavailable, "STORE_UNAVAILABLE")
            .retry_after(std::time::Duration::from_millis(200))
            .into_plain_status("not now")),
        id if id.parse::<i64>().is_err() => {
            Err(Refusal::field("person", "is not a number").into_plain_status("not a person"))
        }
        id if score_of(id).is_none() => Err(nobody()),
        _ => Ok(()),
    }
}

#[tonic::async_trait]
impl ScoreService for Played {
    async fn get_score(
        &self,
        request: Request<GetScoreRequest>,
    ) -> Result<Response<GetScoreResponse>, Status> {
        self.note("GetScore", &request);
        let GetScoreRequest { subject, at_time, .. } = request.into_inner();
        let Some(Subject::Person(id)) = subject else { panic!("accounts are looked up") };
        there(&id).await?;
        let mut score = score_of(&id).expect("they are there");
        if let Some(time) = at_time.as_ref().and_then(convert::time) {
            assert_eq!(time, datetime!(2026-11-21 12:00 UTC), "five days before");
            if id != "123456" {
                return Err(Refusal::new(Code::NotFound, "SCORE_NOT_YET").into_plain_status("no"));
            }
            score.score = Some(48.537);
        }
        Ok(Response::new(GetScoreResponse { score: Some(score) }))
    }

    async fn batch_lookup_scores(
        &self,
        request: Request<BatchLookupScoresRequest>,
    ) -> Result<Response<BatchLookupScoresResponse>, Status> {
        self.note("BatchLookupScores", &request);
        let row = |subject: Option<lookup_subject::Subject>| {
            let id = match subject {
                Some(lookup_subject::Subject::Person(id)) => Ok(id),
                Some(lookup_subject::Subject::Account(account)) => owner(&account),
                None => Err(nobody()),
            };
            let score = id.and_then(|id| score_of(&id).ok_or_else(nobody));
            let result = match score {
                Ok(score) => lookup_result::Result::Score(score),
                Err(status) => lookup_result::Result::Status(to_row(&status)),
            };
            LookupResult { result: Some(result) }
        };
        let subjects = request.into_inner().subjects.into_iter();
        let results = subjects.map(|it| row(it.subject)).collect();
        Ok(Response::new(BatchLookupScoresResponse { results }))
    }
}

#[tonic::async_trait]
impl GraphService for Played {
    async fn get_person(
        &self,
        request: Request<GetPersonRequest>,
    ) -> Result<Response<GetPersonResponse>, Status> {
        self.note("GetPerson", &request);
        let id = request.into_inner().person;
        there(&id).await?;
        Ok(Response::new(GetPersonResponse { person: person_of(&id) }))
    }

    async fn batch_get_people(
        &self,
        request: Request<BatchGetPeopleRequest>,
    ) -> Result<Response<BatchGetPeopleResponse>, Status> {
        self.note("BatchGetPeople", &request);
        let people = request.into_inner().people;
        let people = people.iter().rev().filter_map(|it| person_of(it)).collect();
        Ok(Response::new(BatchGetPeopleResponse { people }))
    }

    async fn batch_resolve_people(
        &self,
        request: Request<BatchResolvePeopleRequest>,
    ) -> Result<Response<BatchResolvePeopleResponse>, Status> {
        self.note("BatchResolvePeople", &request);
        let row = |account: AccountName| {
            let result = match owner(&account) {
                Ok(person) => resolve_result::Result::Person(person),
                Err(status) => resolve_result::Result::Status(to_row(&status)),
            };
            ResolveResult { result: Some(result) }
        };
        let results = request.into_inner().accounts.into_iter().map(row).collect();
        Ok(Response::new(BatchResolvePeopleResponse { results }))
    }

    async fn list_influencers(
        &self,
        request: Request<ListInfluencersRequest>,
    ) -> Result<Response<ListInfluencersResponse>, Status> {
        self.note("ListInfluencers", &request);
        let ListInfluencersRequest { person, with_total_size, .. } = request.into_inner();
        there(&person).await?;
        let (people, total) = match person.as_str() {
            // The closest has not the highest score, one has none and one has left since.
            "123456" => (vec!["2", "3", "1", "77"], 15),
            _ => (vec![], 0),
        };
        Ok(Response::new(ListInfluencersResponse {
            influencers: people.into_iter().map(influence).collect(),
            total_size: with_total_size.then_some(total),
            ..Default::default()
        }))
    }

    async fn list_influencees(
        &self,
        request: Request<ListInfluenceesRequest>,
    ) -> Result<Response<ListInfluenceesResponse>, Status> {
        self.note("ListInfluencees", &request);
        let ListInfluenceesRequest { person, with_total_size, .. } = request.into_inner();
        there(&person).await?;
        let (people, total) = match person.as_str() {
            "123456" => (vec!["6"], 138_166),
            "1" => (vec!["5", "6", "2", "1", "123456", "3", "4"], 7),
            _ => (vec![], 0),
        };
        Ok(Response::new(ListInfluenceesResponse {
            influencees: people.into_iter().map(influence).collect(),
            total_size: with_total_size.then_some(total),
            ..Default::default()
        }))
    }
}

fn influence(person: &str) -> Influence {
    Influence { person: person.to_owned(), ..Influence::default() }
}

#[tonic::async_trait]
impl TopicService for Played {
    async fn list_person_topics(
        &self,
        request: Request<ListPersonTopicsRequest>,
    ) -> Result<Response<ListPersonTopicsResponse>, Status> {
        self.note("ListPersonTopics", &request);
        let person = request.into_inner().person;
        there(&person).await?;
        let topic = |id: u64, name: &str, state: &str| PersonTopic {
            topic: Some(Topic {
                topic: id.to_string(),
                slug: name.to_lowercase().replace(' ', "-"),
                display_name: name.to_owned(),
                ..Topic::default()
            }),
            states: vec![state.to_owned()],
            ..PersonTopic::default()
        };
        let topics = match person.as_str() {
            "123456" => vec![
                topic(5_241_585_099_662_481_339, "Music", "earned"),
                topic(u64::MAX, "Board Games", "earned"),
                topic(3, "Tea", "declared"),
            ],
            _ => vec![],
        };
        Ok(Response::new(ListPersonTopicsResponse { topics, ..Default::default() }))
    }
}
