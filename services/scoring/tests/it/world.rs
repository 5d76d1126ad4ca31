//! A scoring that runs, and a social-graph that is played.

use std::collections::BTreeMap;

use klout_chassis::{Caller, Host, Link, Running, reason};
use klout_model::AccountKey;
use klout_proto::{
    graph::v1::{
        AccountName, BatchCreatePeopleRequest, BatchCreatePeopleResponse,
        BatchGetMembershipsRequest, BatchGetMembershipsResponse, BatchGetPeopleRequest,
        BatchGetPeopleResponse, BatchResolvePeopleRequest, BatchResolvePeopleResponse,
        CreatePersonRequest, CreatePersonResponse, GetBacklogRequest as GraphBacklogRequest,
        GetBacklogResponse as GraphBacklogResponse, GetPersonRequest, GetPersonResponse,
        LinkAccountRequest, LinkAccountResponse, LinkedAccount, Membership, Person,
        RecordLookupsRequest, RecordLookupsResponse, ResolvePersonRequest, ResolvePersonResponse,
        ResolveResult,
        account_name::Name,
        graph_service_server::{GraphService, GraphServiceServer},
        resolve_result,
    },
    revision::Deployment,
    score::v1::{
        ApplyMembershipsRequest, ApplySignalsRequest, GetBacklogRequest, GetRescoreRequest,
        GetScoreRequest, Rescore, Score, StartRescoreRequest, get_score_request::Subject,
        score_operator_service_client::ScoreOperatorServiceClient,
        score_service_client::ScoreServiceClient,
        signal_consumer_service_client::SignalConsumerServiceClient,
    },
    signal::v1::{BatchedInteraction, SignalBatch},
};
use klout_scoring::Scoring;
use klout_testkit::{Looked, Looks, Peer, Stores, link, start, until};
use tonic::{Code, Request, Response, Status, service::Routes};

/// The clock of these tests.
pub(crate) const AS_OF: &str = "2018-06-01T12:00:00Z";

/// Its day, since 1970.
pub(crate) const TODAY: i32 = 17_683;

pub(crate) type Client = ScoreServiceClient<Link>;

pub(crate) struct World {
    pub(crate) stores: Stores,
    pub(crate) running: Running,
    looked: Looked,
    _peer: Peer,
}

/// A social-graph with two members whom scoring was not told of: 71 with an account, 72 without.
#[derive(Clone, Debug)]
struct Graph(Looked);

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_on(Stores::fresh().await).await
    }

    pub(crate) async fn start_on(stores: Stores) -> Self {
        Self::start_with(stores, &[]).await
    }

    pub(crate) async fn start_with(stores: Stores, settings: &[(&'static str, &str)]) -> Self {
        let looked = Looked::default();
        let graph = GraphServiceServer::new(Graph(looked.clone()));
        let peer = Peer::serve(Routes::new(graph)).await;
        let mut flags = vec![
            ("server.as_of", AS_OF),
            ("links.social_graph", peer.address()),
            ("scoring.rescore_interval", "20ms"),
            ("scoring.publish_interval", "20ms"),
        ];
        flags.extend(settings);
        let running = start(Host::new("test").with::<Scoring>(), &stores, &flags).await;
        Self { stores, running, looked, _peer: peer }
    }

    pub(crate) fn client(&self) -> Client {
        ScoreServiceClient::new(link(&self.running))
    }

    pub(crate) fn operator(&self) -> ScoreOperatorServiceClient<Link> {
        ScoreOperatorServiceClient::new(link(&self.running))
    }

    /// A link of calls for somebody.
    pub(crate) fn link_for(&self, caller: &Caller) -> Link {
        link(&self.running).on_behalf_of(caller)
    }

    /// What the log has of a caller: whom they looked at, what they saw, and how often.
    pub(crate) fn looks_of(&self, caller: &Caller) -> Looks {
        self.looked.of(caller.name())
    }

    fn consumer(&self) -> SignalConsumerServiceClient<Link> {
        SignalConsumerServiceClient::new(link(&self.running))
    }

    /// Applies a batch; returns whether it had been applied before.
    pub(crate) async fn apply(&self, batch: SignalBatch) -> Result<bool, Status> {
        let request = ApplySignalsRequest { batch: Some(batch) };
        Ok(self.consumer().apply_signals(request).await?.into_inner().repeated)
    }

    /// Tells that `person` owns `account`.
    pub(crate) async fn own(&self, account: i64, person: i64, revision: u64) {
        let memberships = vec![membership(account, person, revision)];
        let request = ApplyMembershipsRequest { memberships };
        self.consumer().apply_memberships(request).await.expect("applied");
    }

    /// Tells that each of these accounts belongs to a person.
    pub(crate) async fn own_all(&self, accounts: &[(i64, i64)]) {
        for some in accounts.chunks(1_000) {
            let memberships =
                some.iter().map(|(account, person)| membership(*account, *person, 1)).collect();
            let request = ApplyMembershipsRequest { memberships };
            self.consumer().apply_memberships(request).await.expect("applied");
        }
    }

    /// Waits until nothing is left to score.
    pub(crate) async fn scored(&self) {
        let mut client = self.client();
        until("everybody is scored", async || {
            let backlog = client.get_backlog(GetBacklogRequest {}).await.expect("a backlog");
            let backlog = backlog.into_inner();
            backlog.people == 0 && backlog.percentiles_current
        })
        .await;
    }

    /// Asks for a pass that sees everything, and waits until nothing is left to score.
    pub(crate) async fn passed(&self) -> Rescore {
        let mut client = self.client();
        loop {
            let asked = client.start_rescore(StartRescoreRequest::default()).await.expect("asked");
            let asked = asked.into_inner();
            let rescore = asked.rescore.expect("always present").rescore;
            let mut pass = Rescore::default();
            until("the pass is over", async || {
                let request = GetRescoreRequest { rescore: rescore.clone() };
                let found = client.get_rescore(request).await.expect("found").into_inner();
                pass = found.rescore.expect("always present");
                pass.end_time.is_some()
            })
            .await;
            if !asked.already_running {
                self.scored().await;
                return pass;
            }
        }
    }

    pub(crate) async fn score(&self, person: i64) -> Score {
        self.try_score(&person.to_string()).await.expect("a score")
    }

    pub(crate) async fn try_score(&self, person: &str) -> Result<Score, Status> {
        let subject = Some(Subject::Person(person.to_owned()));
        let request = GetScoreRequest { subject, ..Default::default() };
        Ok(self.client().get_score(request).await?.into_inner().score.expect("always present"))
    }
}

fn membership(account: i64, person: i64, revision: u64) -> Membership {
    let network = "bluesky".to_owned();
    Membership {
        account_id: account,
        network,
        person_id: person,
        revision,
        city: String::new(),
        country: String::new(),
    }
}

/// What `--dev` starts with.
pub(crate) fn here() -> Deployment {
    Deployment::of(&AccountKey::new(*b"the well-known key of --dev only").check_value())
}

/// A batch of likes: subject, actor, how often, all of today.
pub(crate) fn likes(id: u8, likes: &[(i64, i64, u32)]) -> SignalBatch {
    let interactions = likes.iter().map(|(subject, actor, count)| BatchedInteraction {
        subject_account_id: *subject,
        actor_account_id: Some(*actor),
        network: "bluesky".to_owned(),
        kind: "like".to_owned(),
        day: TODAY,
        count: *count,
        post_hash: None,
        signal: None,
    });
    SignalBatch {
        batch_id: vec![id; 16],
        interactions: interactions.collect(),
        ..SignalBatch::default()
    }
}

/// The same batch with everything in it taken back, under another id.
pub(crate) fn retracted(id: u8, batch: &SignalBatch) -> SignalBatch {
    SignalBatch {
        retracted_interactions: batch.interactions.clone(),
        retracted_counters: batch.counters.clone(),
        ..likes(id, &[])
    }
}

pub(crate) fn handle(handle: &str) -> AccountName {
    AccountName { network: "bluesky".to_owned(), name: Some(Name::Handle(handle.to_owned())) }
}

/// The code and the reason of a refusal.
pub(crate) fn told(status: &Status) -> (Code, String) {
    (status.code(), reason(status).expect("every refusal has a reason"))
}

/// `person:1` is called `one`; two are called `twin`; else nobody.
fn owner(account: Option<AccountName>) -> Result<String, Status> {
    let name = account.and_then(|account| account.name);
    match name {
        Some(Name::Handle(handle)) if handle == "one" => Ok("1".to_owned()),
        Some(Name::Handle(handle)) if handle == "twin" => {
            let refusal = klout_chassis::Refusal::new(Code::FailedPrecondition, "HANDLE_AMBIGUOUS");
            Err(refusal.into_plain_status("two are called so"))
        }
        _ => {
            let refusal = klout_chassis::Refusal::new(Code::NotFound, "PERSON_UNKNOWN");
            Err(refusal.into_plain_status("nobody is called so"))
        }
    }
}

#[tonic::async_trait]
impl GraphService for Graph {
    async fn batch_get_people(
        &self,
        request: Request<BatchGetPeopleRequest>,
    ) -> Result<Response<BatchGetPeopleResponse>, Status> {
        let account = LinkedAccount {
            network: "bluesky".to_owned(),
            native_id: "did:71".to_owned(),
            handle: "seventy-one".to_owned(),
            ..Default::default()
        };
        let known = BTreeMap::from([("71", vec![account]), ("72", vec![])]);
        let people = request.into_inner().people.into_iter().filter_map(|person| {
            let accounts = known.get(person.as_str())?.clone();
            Some(Person {
                person,
                accounts,
                create_time: None,
                city: String::new(),
                country: String::new(),
                ..Default::default()
            })
        });
        Ok(Response::new(BatchGetPeopleResponse { people: people.collect() }))
    }

    async fn resolve_person(
        &self,
        request: Request<ResolvePersonRequest>,
    ) -> Result<Response<ResolvePersonResponse>, Status> {
        let person = owner(request.into_inner().account)?;
        Ok(Response::new(ResolvePersonResponse { person, ..Default::default() }))
    }

    async fn batch_resolve_people(
        &self,
        request: Request<BatchResolvePeopleRequest>,
    ) -> Result<Response<BatchResolvePeopleResponse>, Status> {
        let results = request.into_inner().accounts.into_iter().map(|account| {
            let result = match owner(Some(account)) {
                Ok(person) => resolve_result::Result::Person(person),
                Err(status) => resolve_result::Result::Status(klout_chassis::to_row(&status)),
            };
            ResolveResult { result: Some(result) }
        });
        Ok(Response::new(BatchResolvePeopleResponse { results: results.collect() }))
    }

    async fn create_person(
        &self,
        _: Request<CreatePersonRequest>,
    ) -> Result<Response<CreatePersonResponse>, Status> {
        Err(Status::unimplemented("scoring does not call this"))
    }

    async fn batch_create_people(
        &self,
        _: Request<BatchCreatePeopleRequest>,
    ) -> Result<Response<BatchCreatePeopleResponse>, Status> {
        Err(Status::unimplemented("scoring does not call this"))
    }

    async fn get_person(
        &self,
        _: Request<GetPersonRequest>,
    ) -> Result<Response<GetPersonResponse>, Status> {
        Err(Status::unimplemented("scoring does not call this"))
    }

    async fn batch_get_memberships(
        &self,
        _: Request<BatchGetMembershipsRequest>,
    ) -> Result<Response<BatchGetMembershipsResponse>, Status> {
        Err(Status::unimplemented("scoring does not call this"))
    }

    async fn link_account(
        &self,
        _: Request<LinkAccountRequest>,
    ) -> Result<Response<LinkAccountResponse>, Status> {
        Err(Status::unimplemented("scoring does not call this"))
    }

    async fn record_lookups(
        &self,
        request: Request<RecordLookupsRequest>,
    ) -> Result<Response<RecordLookupsResponse>, Status> {
        for it in request.into_inner().lookups {
            self.0.note(&it.caller, &it.what, &it.person_ids, &it.counts);
        }
        Ok(Response::new(RecordLookupsResponse {}))
    }

    async fn get_backlog(
        &self,
        _: Request<GraphBacklogRequest>,
    ) -> Result<Response<GraphBacklogResponse>, Status> {
        Err(Status::unimplemented("scoring does not call this"))
    }
}
