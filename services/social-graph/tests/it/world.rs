//! A social-graph that runs, and a scoring that notes what it is told.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use klout_chassis::{Host, Link, Running, reason};
use klout_proto::{
    graph::v1::{
        AccountName, CreatePersonRequest, CreatePersonResponse, GetBacklogRequest, LinkedAccount,
        Membership, Person, account_name::Name, graph_service_client::GraphServiceClient,
    },
    score::v1::{
        ApplyMembershipsRequest, ApplyMembershipsResponse, ApplySignalsRequest,
        ApplySignalsResponse,
        signal_consumer_service_server::{SignalConsumerService, SignalConsumerServiceServer},
    },
};
use klout_social_graph::SocialGraph;
use klout_testkit::{Peer, Stores, link, start, until};
use tonic::{Code, Request, Response, Status, service::Routes};

pub(crate) type Client = GraphServiceClient<Link>;

pub(crate) struct World {
    pub(crate) stores: Stores,
    pub(crate) scoring: Scoring,
    pub(crate) running: Running,
    _peer: Peer,
}

/// What scoring was told, and whether it listens.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scoring {
    pub(crate) memberships: Arc<Mutex<Vec<Membership>>>,
    pub(crate) refusing: Arc<AtomicBool>,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_on(Stores::fresh().await, Scoring::default()).await
    }

    pub(crate) async fn start_on(stores: Stores, scoring: Scoring) -> Self {
        let peer =
            Peer::serve(Routes::new(SignalConsumerServiceServer::new(scoring.clone()))).await;
        let flags = [("links.scoring", peer.address()), ("social_graph.announce_interval", "20ms")];
        let running = start(Host::new("test").with::<SocialGraph>(), &stores, &flags).await;
        Self { stores, scoring, running, _peer: peer }
    }

    pub(crate) fn client(&self) -> Client {
        GraphServiceClient::new(link(&self.running))
    }

    /// Waits until scoring was told everything.
    pub(crate) async fn told(&self) -> Vec<Membership> {
        let mut client = self.client();
        until("scoring was told", async || {
            let backlog = client.get_backlog(GetBacklogRequest {}).await.expect("a backlog");
            backlog.into_inner().accounts == 0
        })
        .await;
        self.scoring.memberships.lock().expect("not poisoned").clone()
    }
}

#[tonic::async_trait]
impl SignalConsumerService for Scoring {
    async fn apply_signals(
        &self,
        _: Request<ApplySignalsRequest>,
    ) -> Result<Response<ApplySignalsResponse>, Status> {
        Err(Status::unimplemented("social-graph does not call this"))
    }

    async fn apply_memberships(
        &self,
        request: Request<ApplyMembershipsRequest>,
    ) -> Result<Response<ApplyMembershipsResponse>, Status> {
        if self.refusing.load(Ordering::SeqCst) {
            return Err(Status::unavailable("not now"));
        }
        let memberships = request.into_inner().memberships;
        self.memberships.lock().expect("not poisoned").extend(memberships);
        Ok(Response::new(ApplyMembershipsResponse {}))
    }
}

/// An account of bluesky.
pub(crate) fn account(native_id: &str, handle: &str) -> LinkedAccount {
    LinkedAccount {
        network: "bluesky".to_owned(),
        native_id: native_id.to_owned(),
        handle: handle.to_owned(),
    }
}

pub(crate) fn named(name: Name) -> AccountName {
    AccountName { network: "bluesky".to_owned(), name: Some(name) }
}

pub(crate) fn by_handle(handle: &str) -> AccountName {
    named(Name::Handle(handle.to_owned()))
}

pub(crate) fn by_native_id(native_id: &str) -> AccountName {
    named(Name::NativeId(native_id.to_owned()))
}

pub(crate) async fn create(
    client: &mut Client,
    accounts: Vec<LinkedAccount>,
) -> Result<CreatePersonResponse, Status> {
    Ok(client.create_person(CreatePersonRequest { accounts }).await?.into_inner())
}

/// A person who did not exist before.
pub(crate) async fn join(client: &mut Client, accounts: Vec<LinkedAccount>) -> Person {
    let created = create(client, accounts).await.expect("created");
    assert!(created.created);
    created.person.expect("a person")
}

/// The code and the reason of a refusal.
pub(crate) fn told(status: &Status) -> (Code, String) {
    (status.code(), reason(status).expect("every refusal has a reason"))
}
