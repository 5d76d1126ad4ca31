//! A gateway that does what a test tells it.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, SystemTime},
};

use hyper_util::rt::TokioIo;
use klout_client::{
    Builder, Client,
    proto::{
        perk::v1::{
            ReserveGrantRequest, ReserveGrantResponse,
            perk_service_server::{PerkService, PerkServiceServer},
        },
        profile::v1::{
            ResolveAndGetScoreRequest, ResolveAndGetScoreResponse,
            lookup_service_server::{LookupService, LookupServiceServer},
        },
        score::v1::{
            BatchLookupScoresRequest, BatchLookupScoresResponse, ContestScoreRequest,
            ContestScoreResponse, GetScoreRequest, GetScoreResponse, LookupResult, Score,
            get_score_request::Subject,
            lookup_result, lookup_subject,
            score_service_server::{ScoreService, ScoreServiceServer},
        },
    },
};
use tokio::{io::DuplexStream, sync::mpsc, task::JoinSet, time::Instant};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{
    Code, Request, Response, Status,
    transport::{Channel, Endpoint, Server},
};
use tonic_types::{ErrorDetails, StatusExt as _};

/// What to do with a call.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Answer,
    /// Answers after so long.
    Late(Duration),
    /// Never answers.
    Hang,
    /// Refuses, with a reason.
    Refuse(Code, &'static str),
    /// Is not available, and says when to come back.
    BusyFor(Duration),
    /// Is not available after so long.
    LateBusy(Duration),
}

/// A call that came.
#[derive(Clone, Debug)]
pub(crate) struct Called {
    pub(crate) rpc: &'static str,
    pub(crate) time: Instant,
    pub(crate) key: String,
    pub(crate) timeout: String,
}

/// The gateway; clones are the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Played(Arc<State>);

#[derive(Debug, Default)]
struct State {
    acts: Mutex<VecDeque<Act>>,
    called: Mutex<Vec<Called>>,
    /// Until when its look-ups may be kept.
    expires: Mutex<Option<SystemTime>>,
    servers: Mutex<JoinSet<()>>,
    /// Connections that fail before one is made.
    broken: Mutex<usize>,
}

impl Played {
    /// One that answers each call, once `acts` were played.
    pub(crate) fn with(acts: impl IntoIterator<Item = Act>) -> Self {
        let played = Self::default();
        played.then(acts);
        played
    }

    pub(crate) fn then(&self, acts: impl IntoIterator<Item = Act>) {
        lock(&self.0.acts).extend(acts);
    }

    pub(crate) fn let_expire(&self, time: SystemTime) {
        *lock(&self.0.expires) = Some(time);
    }

    pub(crate) fn break_connections(&self, count: usize) {
        *lock(&self.0.broken) = count;
    }

    /// The calls that came, in their order.
    pub(crate) fn called(&self) -> Vec<Called> {
        lock(&self.0.called).clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.called().len()
    }

    /// How long after the call before each call came.
    pub(crate) fn pauses(&self) -> Vec<Duration> {
        self.called().windows(2).map(|pair| pair[1].time - pair[0].time).collect()
    }

    /// A client of it, without sockets: time can be held.
    pub(crate) fn client(&self) -> Builder {
        Client::over(self.channel(), self.channel()).key("a key")
    }

    fn channel(&self) -> Channel {
        let (connecting, connections) = mpsc::unbounded_channel::<io::Result<DuplexStream>>();
        let server = Server::builder()
            .add_service(ScoreServiceServer::new(self.clone()))
            .add_service(LookupServiceServer::new(self.clone()))
            .add_service(PerkServiceServer::new(self.clone()))
            .serve_with_incoming(UnboundedReceiverStream::new(connections));
        lock(&self.0.servers).spawn(async move { server.await.expect("it serves") });
        let state = Arc::clone(&self.0);
        let connect = tower::service_fn(move |_| {
            let (ours, theirs) = tokio::io::duplex(64 * 1024);
            let mut broken = lock(&state.broken);
            let connected = if *broken > 0 {
                *broken -= 1;
                Err(io::Error::from(io::ErrorKind::ConnectionRefused))
            } else {
                connecting.send(Ok(theirs)).expect("it serves");
                Ok(TokioIo::new(ours))
            };
            std::future::ready(connected)
        });
        Endpoint::from_static("http://played").connect_with_connector_lazy(connect)
    }

    async fn play<T>(&self, rpc: &'static str, request: &Request<T>) -> Result<(), Status> {
        let text = |name| {
            let value = request.metadata().get(name);
            value.and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned()
        };
        let called = Called {
            rpc,
            time: Instant::now(),
            key: text("x-api-key"),
            timeout: text("grpc-timeout"),
        };
        lock(&self.0.called).push(called);
        let act = lock(&self.0.acts).pop_front().unwrap_or(Act::Answer);
        match act {
            Act::Answer => Ok(()),
            Act::Late(time) => {
                tokio::time::sleep(time).await;
                Ok(())
            }
            Act::Hang => std::future::pending().await,
            Act::Refuse(code, reason) => Err(refused(code, reason, None)),
            Act::BusyFor(time) => Err(refused(Code::Unavailable, "OVERLOADED", Some(time))),
            Act::LateBusy(time) => {
                tokio::time::sleep(time).await;
                Err(refused(Code::Unavailable, "OVERLOADED", None))
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics while holding it")
}

fn refused(code: Code, reason: &str, retry_after: Option<Duration>) -> Status {
    let metadata = [("person".to_owned(), "7".to_owned())];
    let mut details = ErrorDetails::with_error_info(reason, "klout", metadata);
    if retry_after.is_some() {
        details.set_retry_info(retry_after);
    }
    Status::with_error_details(code, "in words", details)
}

fn score(person: &str) -> Score {
    let state = "KNOWN".to_owned();
    Score { person: person.to_owned(), state, score: Some(51.5), ..Default::default() }
}

#[tonic::async_trait]
impl ScoreService for Played {
    async fn get_score(
        &self,
        request: Request<GetScoreRequest>,
    ) -> Result<Response<GetScoreResponse>, Status> {
        self.play("GetScore", &request).await?;
        let person = match request.into_inner().subject {
            Some(Subject::Person(person)) => person,
            Some(Subject::Account(_)) | None => "1".to_owned(),
        };
        Ok(Response::new(GetScoreResponse { score: Some(score(&person)) }))
    }

    async fn batch_lookup_scores(
        &self,
        request: Request<BatchLookupScoresRequest>,
    ) -> Result<Response<BatchLookupScoresResponse>, Status> {
        self.play("BatchLookupScores", &request).await?;
        let rows = request.into_inner().subjects.into_iter().map(|row| {
            let result = match row.subject {
                Some(lookup_subject::Subject::Person(person)) => {
                    lookup_result::Result::Score(score(&person))
                }
                Some(lookup_subject::Subject::Account(_)) | None => {
                    let status = refused(Code::NotFound, "PERSON_UNKNOWN", None);
                    let status = prost::Message::decode(status.details()).expect("a status");
                    lookup_result::Result::Status(status)
                }
            };
            LookupResult { result: Some(result) }
        });
        Ok(Response::new(BatchLookupScoresResponse { results: rows.collect() }))
    }

    async fn contest_score(
        &self,
        request: Request<ContestScoreRequest>,
    ) -> Result<Response<ContestScoreResponse>, Status> {
        self.play("ContestScore", &request).await?;
        Ok(Response::new(ContestScoreResponse::default()))
    }
}

#[tonic::async_trait]
impl LookupService for Played {
    async fn resolve_and_get_score(
        &self,
        request: Request<ResolveAndGetScoreRequest>,
    ) -> Result<Response<ResolveAndGetScoreResponse>, Status> {
        self.play("ResolveAndGetScore", &request).await?;
        let expire_time = lock(&self.0.expires).map(prost_types::Timestamp::from);
        let score = Some(score(""));
        Ok(Response::new(ResolveAndGetScoreResponse { score, expire_time, r#match: None }))
    }
}

#[tonic::async_trait]
impl PerkService for Played {
    async fn reserve_grant(
        &self,
        request: Request<ReserveGrantRequest>,
    ) -> Result<Response<ReserveGrantResponse>, Status> {
        self.play("ReserveGrant", &request).await?;
        Ok(Response::new(ReserveGrantResponse::default()))
    }
}
