//! A gateway that runs, and services that are played.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt as _, stream};
use klout_chassis::{Host, Refusal, Running};
use klout_gateway::Gateway;
use klout_proto::{
    graph::v1::{
        graph_service_server::GraphServiceServer, plus_k_service_server::PlusKServiceServer,
    },
    score::v1::{
        BatchLookupScoresRequest, BatchLookupScoresResponse, Contest, ContestScoreRequest,
        ContestScoreResponse, ExplainScoreRequest, ExplainScoreResponse, Explanation,
        GetBacklogRequest, GetBacklogResponse, GetScoreRequest, GetScoreResponse,
        ListContestsRequest, ListContestsResponse, ListModelsRequest, ListModelsResponse,
        ListMomentsRequest, ListMomentsResponse, ListScoresRequest, ListScoresResponse,
        ListTopScoresRequest, ListTopScoresResponse, LookupResult, Model, Moment, Score,
        SimulateScoreRequest, SimulateScoreResponse, StartRescoreRequest, StartRescoreResponse,
        WatchScoresRequest, WatchScoresResponse, explain_score_request,
        get_score_request::Subject,
        lookup_result,
        score_service_server::{ScoreService, ScoreServiceServer},
    },
    topic::v1::topic_service_server::TopicServiceServer,
};
use klout_testkit::{Peer, Stores, http_client, start};
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use tonic::{Code, Request, Response, Status, codegen::BoxStream, service::Routes};

use crate::{
    people::{self, DEE, EVE, FRESH, GONE, Graph, KIT, UNSEEN},
    plus_k::PlusKs,
    topics::Topics,
};

/// Whom the played scoring knows.
pub(crate) const ANN: &str = "42";

/// Of whom the played scoring never answers.
pub(crate) const SLOW: &str = "43";

/// At whom the played scoring breaks without a word.
pub(crate) const BROKEN: &str = "44";

pub(crate) struct World {
    pub(crate) scoring: Scoring,
    pub(crate) topics: Topics,
    pub(crate) running: Running,
    pub(crate) client: Client,
    _peer: Peer,
}

/// For whom the played scoring does not trust the gateway.
pub(crate) const DISTRUSTED: &str = "45";

/// What scoring was asked, and whether it answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scoring {
    pub(crate) asked: Arc<Mutex<Vec<Asked>>>,
    pub(crate) down: Arc<AtomicBool>,
    /// Whom it ranks, best first.
    pub(crate) ranked: Arc<Mutex<Vec<&'static str>>>,
    /// How often it was asked for the ranking.
    pub(crate) rankings: Arc<AtomicUsize>,
}

/// A call as it arrived.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    pub(crate) subject: Option<Subject>,
    pub(crate) metadata: HashMap<String, String>,
}

/// A response, read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    pub(crate) async fn start_with(settings: &[(&'static str, &str)]) -> Self {
        Self::start_on(&Stores::fresh().await, settings).await
    }

    /// The same on stores that others use too.
    pub(crate) async fn start_on(stores: &Stores, settings: &[(&'static str, &str)]) -> Self {
        let scoring = Scoring::default();
        let topics = Topics::default();
        let routes = Routes::new(ScoreServiceServer::new(scoring.clone()))
            .add_service(GraphServiceServer::new(Graph))
            .add_service(PlusKServiceServer::new(PlusKs))
            .add_service(TopicServiceServer::new(topics.clone()));
        Self { scoring, topics, ..Self::start_among_on(stores, routes, settings).await }
    }

    /// A gateway among other services than the ones here.
    pub(crate) async fn start_among(routes: Routes, settings: &[(&'static str, &str)]) -> Self {
        Self::start_among_on(&Stores::fresh().await, routes, settings).await
    }

    async fn start_among_on(
        stores: &Stores,
        routes: Routes,
        settings: &[(&'static str, &str)],
    ) -> Self {
        let peer = Peer::serve(routes).await;
        let mut flags = vec![
            ("links.scoring", peer.address()),
            ("links.social_graph", peer.address()),
            ("links.connector", peer.address()),
            ("links.topics", peer.address()),
        ];
        flags.extend(settings);
        let host = Host::new("test").with::<Gateway>();
        let running = start(host, stores, &flags).await;
        let (scoring, topics) = (Scoring::default(), Topics::default());
        Self { scoring, topics, running, client: http_client(), _peer: peer }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.http_address.expect("a gateway"))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "").await
    }

    pub(crate) async fn post(&self, path: &str, body: impl ToString) -> Answer {
        self.send(Method::POST, path, &[], &body.to_string()).await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = self.client.request(method, self.url(path)).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.expect("the gateway answers");
        let headers = response
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
        let headers = headers.collect();
        let status = response.status();
        let text = response.text().await.expect("a whole body");
        let json = serde_json::from_str(&text).unwrap_or_default();
        Answer { status, headers, text, json }
    }
}

#[tonic::async_trait]
impl ScoreService for Scoring {
    async fn get_score(
        &self,
        request: Request<GetScoreRequest>,
    ) -> Result<Response<GetScoreResponse>, Status> {
        if self.down.load(Ordering::SeqCst) {
            return Err(Refusal::new(Code::Unavailable, "STORE_UNAVAILABLE")
                .retry_after(Duration::from_millis(200))
                .into_plain_status("not available right now; try again"));
        }
        let metadata = request.metadata().clone().into_headers();
        let metadata = metadata
            .iter()
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
        let metadata = metadata.collect();
        let GetScoreRequest { subject, at_time, model, .. } = request.into_inner();
        let asked = Asked { subject: subject.clone(), metadata };
        self.asked.lock().expect("not poisoned").push(asked);
        match subject {
            Some(Subject::Person(person)) if person == SLOW => std::future::pending().await,
            Some(Subject::Person(person)) if person == BROKEN => Err(Status::unknown("secret")),
            Some(Subject::Person(person)) if person == DISTRUSTED => {
                Err(Refusal::new(Code::Unauthenticated, "TOKEN_INVALID").into_plain_status("who?"))
            }
            Some(Subject::Person(person)) if [DEE, EVE, KIT, UNSEEN, FRESH].contains(&&*person) => {
                Ok(Response::new(GetScoreResponse { score: Some(people::score(&person, 0)) }))
            }
            Some(Subject::Person(person)) if person != ANN => Err(nobody(&person)),
            Some(Subject::Account(account)) if account.network == "ambiguous" => {
                let refusal = Refusal::new(Code::FailedPrecondition, "HANDLE_AMBIGUOUS")
                    .with("native_ids", "1 2");
                Err(refusal.into_plain_status("several people are called so"))
            }
            Some(_) => {
                let score = Score { score_time: at_time, model, ..score(ANN) };
                Ok(Response::new(GetScoreResponse { score: Some(score) }))
            }
            None => Err(Refusal::field("subject", "is missing").into_plain_status("no subject")),
        }
    }

    async fn batch_lookup_scores(
        &self,
        request: Request<BatchLookupScoresRequest>,
    ) -> Result<Response<BatchLookupScoresResponse>, Status> {
        let found = || LookupResult { result: Some(lookup_result::Result::Score(score(ANN))) };
        let results = request.into_inner().subjects.iter().map(|_| found()).collect();
        Ok(Response::new(BatchLookupScoresResponse { results }))
    }

    async fn list_scores(
        &self,
        request: Request<ListScoresRequest>,
    ) -> Result<Response<ListScoresResponse>, Status> {
        let ListScoresRequest { person, page_size, page_token, start_time, end_time, model } =
            request.into_inner();
        if person == SLOW {
            std::future::pending::<()>().await;
        }
        if person == GONE {
            return Err(nobody(&person));
        }
        if [DEE, EVE, KIT, UNSEEN, FRESH].contains(&&*person) {
            let scores = [0, 1, 4].map(|days_before| people::score(&person, days_before)).to_vec();
            let next_page_token = String::new();
            return Ok(Response::new(ListScoresResponse { scores, next_page_token }));
        }
        // Both ends, for who asks whether they arrived.
        let ends = [start_time, end_time];
        let scores =
            ends.map(|end| Score { score_time: end, model: model.clone(), ..score(&person) });
        let next_page_token = format!("{page_size} after {page_token:?}");
        Ok(Response::new(ListScoresResponse { scores: scores.to_vec(), next_page_token }))
    }

    async fn list_top_scores(
        &self,
        request: Request<ListTopScoresRequest>,
    ) -> Result<Response<ListTopScoresResponse>, Status> {
        self.rankings.fetch_add(1, Ordering::SeqCst);
        let ListTopScoresRequest { page_size, page_token, .. } = request.into_inner();
        let refused = |_| Refusal::field("page_token", "is not ours").into_plain_status("whose?");
        let first = if page_token.is_empty() { 0 } else { page_token.parse().map_err(refused)? };
        let size = usize::try_from(page_size).expect("a size");
        let ranked = self.ranked.lock().expect("not poisoned");
        let page = ranked.iter().skip(first).take(size);
        let scores = page.map(|person| people::score(person, 0)).collect();
        let more = ranked.len() > first + size;
        let next_page_token = if more { (first + size).to_string() } else { String::new() };
        Ok(Response::new(ListTopScoresResponse { scores, next_page_token }))
    }

    /// Says something, and never anything more.
    async fn watch_scores(
        &self,
        _: Request<WatchScoresRequest>,
    ) -> Result<Response<BoxStream<WatchScoresResponse>>, Status> {
        let said = stream::iter([Ok(WatchScoresResponse::default())]);
        Ok(Response::new(Box::pin(said.chain(stream::pending()))))
    }

    async fn explain_score(
        &self,
        request: Request<ExplainScoreRequest>,
    ) -> Result<Response<ExplainScoreResponse>, Status> {
        let ExplainScoreRequest { subject, since_time } = request.into_inner();
        let explanation = match subject {
            Some(explain_score_request::Subject::Person(person)) if person == KIT => {
                std::future::pending().await
            }
            Some(explain_score_request::Subject::Person(person)) => {
                Explanation { since_time, ..people::explanation(&person) }
            }
            Some(explain_score_request::Subject::Account(_)) | None => {
                return Err(nobody("an account"));
            }
        };
        Ok(Response::new(ExplainScoreResponse { explanation: Some(explanation) }))
    }

    /// A point an event.
    async fn simulate_score(
        &self,
        request: Request<SimulateScoreRequest>,
    ) -> Result<Response<SimulateScoreResponse>, Status> {
        let events = request.into_inner().events;
        let change = events.iter().map(|event| f64::from(event.count)).sum();
        let (score, simulated_score) = (Some(score(ANN)), 61.5 + change);
        Ok(Response::new(SimulateScoreResponse { score, simulated_score, change }))
    }

    async fn list_moments(
        &self,
        request: Request<ListMomentsRequest>,
    ) -> Result<Response<ListMomentsResponse>, Status> {
        let ListMomentsRequest { person, page_size, .. } = request.into_inner();
        let moments = vec![Moment { post: format!("of {person}"), ..Moment::default() }];
        let next_page_token = page_size.to_string();
        Ok(Response::new(ListMomentsResponse { moments, next_page_token }))
    }

    async fn list_models(
        &self,
        _: Request<ListModelsRequest>,
    ) -> Result<Response<ListModelsResponse>, Status> {
        let models = vec![Model { name: "test".to_owned(), ..Model::default() }];
        Ok(Response::new(ListModelsResponse { models, next_page_token: String::new() }))
    }

    async fn contest_score(
        &self,
        request: Request<ContestScoreRequest>,
    ) -> Result<Response<ContestScoreResponse>, Status> {
        let ContestScoreRequest { person, reason, .. } = request.into_inner();
        let contest = Contest { person, reason, ..Contest::default() };
        Ok(Response::new(ContestScoreResponse { contest: Some(contest) }))
    }

    async fn list_contests(
        &self,
        request: Request<ListContestsRequest>,
    ) -> Result<Response<ListContestsResponse>, Status> {
        let person = request.into_inner().person;
        let contests = vec![Contest { person, ..Contest::default() }];
        Ok(Response::new(ListContestsResponse { contests, next_page_token: String::new() }))
    }

    async fn start_rescore(
        &self,
        _: Request<StartRescoreRequest>,
    ) -> Result<Response<StartRescoreResponse>, Status> {
        Ok(Response::new(StartRescoreResponse { rescore: None, already_running: true }))
    }

    async fn get_backlog(
        &self,
        _: Request<GetBacklogRequest>,
    ) -> Result<Response<GetBacklogResponse>, Status> {
        Ok(Response::new(GetBacklogResponse { people: 0, percentiles_current: true }))
    }
}

fn score(person: &str) -> Score {
    Score {
        person: person.to_owned(),
        state: "KNOWN".to_owned(),
        score: Some(61.5),
        bucket: "60-69".to_owned(),
        model: "test".to_owned(),
        ..Score::default()
    }
}

fn nobody(person: &str) -> Status {
    Refusal::new(Code::NotFound, "PERSON_UNKNOWN")
        .with("person", person)
        .into_plain_status("there is no such person")
}
