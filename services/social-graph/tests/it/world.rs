//! A social-graph that runs, and a scoring and topics that note what they are told.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use klout_chassis::{Host, Link, Running, reason};
use klout_proto::{
    graph::v1::{
        AccountName, CreatePersonRequest, CreatePersonResponse, GetBacklogRequest,
        GetBacklogResponse, LinkedAccount, Membership, Person, account_name::Name,
        graph_service_client::GraphServiceClient,
    },
    score::v1::{
        self as score,
        signal_consumer_service_server::{
            SignalConsumerService as ScoreConsumer, SignalConsumerServiceServer as ScoreServer,
        },
    },
    topic::v1::{
        self as topic,
        signal_consumer_service_server::{
            SignalConsumerService as TopicConsumer, SignalConsumerServiceServer as TopicServer,
        },
        topic_service_server::TopicServiceServer,
    },
};
use klout_social_graph::SocialGraph;
use klout_testkit::{Peer, Stores, link, start, until};
use tonic::{Code, Request, Response, Status, service::Routes};

use crate::peers::Peers;
use crate::topics::Known;

pub(crate) type Client = GraphServiceClient<Link>;

pub(crate) struct World {
    pub(crate) stores: Stores,
    pub(crate) scoring: Told,
    pub(crate) topics: Told,
    /// Everybody who holds something about people.
    pub(crate) peers: Peers,
    pub(crate) running: Running,
    _peer: Peer,
}

/// What a consumer was told, and whether it listens.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) memberships: Arc<Mutex<Vec<Membership>>>,
    pub(crate) refusing: Arc<AtomicBool>,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_on(Stores::fresh().await, Told::default(), Told::default()).await
    }

    /// A world in which it is 2016-07-20, and stays so.
    pub(crate) async fn long_ago(known: Known) -> Self {
        Self::long_ago_on(Stores::fresh().await, known).await
    }

    pub(crate) async fn long_ago_on(stores: Stores, known: Known) -> Self {
        let clock = [("server.as_of", "2016-07-20T12:00:00Z")];
        Self::start_with(stores, Told::default(), Told::default(), known, &clock).await
    }

    pub(crate) async fn start_on(stores: Stores, scoring: Told, topics: Told) -> Self {
        Self::start_with(stores, scoring, topics, Known::default(), &[]).await
    }

    pub(crate) async fn start_on_with(
        stores: Stores,
        scoring: Told,
        topics: Told,
        settings: &[(&'static str, &str)],
    ) -> Self {
        Self::start_with(stores, scoring, topics, Known::default(), settings).await
    }

    pub(crate) async fn start_with(
        stores: Stores,
        scoring: Told,
        topics: Told,
        known: Known,
        more: &[(&'static str, &str)],
    ) -> Self {
        let mut routes = Routes::builder();
        routes
            .add_service(ScoreServer::new(Scoring(scoring.clone())))
            .add_service(TopicServer::new(Topics(topics.clone())))
            .add_service(TopicServiceServer::new(known));
        let peers = Peers::new();
        peers.mount(&mut routes);
        let peer = Peer::serve(routes.routes()).await;
        let mut flags = vec![
            ("links.scoring", peer.address()),
            ("links.topics", peer.address()),
            ("links.connector", peer.address()),
            ("links.perks", peer.address()),
            ("links.gateway", peer.address()),
            ("social_graph.announce_interval", "20ms"),
        ];
        flags.extend(more);
        let running = start(Host::new("test").with::<SocialGraph>(), &stores, &flags).await;
        Self { stores, scoring, topics, peers, running, _peer: peer }
    }

    pub(crate) fn client(&self) -> Client {
        GraphServiceClient::new(link(&self.running))
    }

    /// Waits until everybody was told everything. Returns what scoring was told.
    pub(crate) async fn told(&self) -> Vec<Membership> {
        self.told_but(|backlog| backlog.accounts == 0).await;
        self.scoring.all()
    }

    /// Waits until scoring was told everything.
    pub(crate) async fn scoring_told(&self) -> Vec<Membership> {
        self.told_but(|backlog| backlog.accounts == backlog.accounts_for_topics).await;
        self.scoring.all()
    }

    async fn told_but(&self, is_it: impl Fn(GetBacklogResponse) -> bool) {
        let mut client = self.client();
        until("they were told", async || {
            let backlog = client.get_backlog(GetBacklogRequest {}).await.expect("a backlog");
            is_it(backlog.into_inner())
        })
        .await;
    }
}

impl Told {
    pub(crate) fn all(&self) -> Vec<Membership> {
        self.memberships.lock().expect("not poisoned").clone()
    }

    fn note(&self, memberships: Vec<Membership>) -> Result<(), Status> {
        if self.refusing.load(Ordering::SeqCst) {
            return Err(Status::unavailable("not now"));
        }
        self.memberships.lock().expect("not poisoned").extend(memberships);
        Ok(())
    }
}

/// The played scoring.
struct Scoring(Told);

/// The played topics.
struct Topics(Told);

#[tonic::async_trait]
impl ScoreConsumer for Scoring {
    async fn apply_memberships(
        &self,
        request: Request<score::ApplyMembershipsRequest>,
    ) -> Result<Response<score::ApplyMembershipsResponse>, Status> {
        self.0.note(request.into_inner().memberships)?;
        Ok(Response::new(score::ApplyMembershipsResponse {}))
    }
}

#[tonic::async_trait]
impl TopicConsumer for Topics {
    async fn apply_memberships(
        &self,
        request: Request<topic::ApplyMembershipsRequest>,
    ) -> Result<Response<topic::ApplyMembershipsResponse>, Status> {
        self.0.note(request.into_inner().memberships)?;
        Ok(Response::new(topic::ApplyMembershipsResponse {}))
    }
}

/// An account of bluesky.
pub(crate) fn account(native_id: &str, handle: &str) -> LinkedAccount {
    LinkedAccount {
        network: "bluesky".to_owned(),
        native_id: native_id.to_owned(),
        handle: handle.to_owned(),
        ..Default::default()
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
    Ok(client
        .create_person(CreatePersonRequest { accounts, ..Default::default() })
        .await?
        .into_inner())
}

/// A person who did not exist before.
pub(crate) async fn join(client: &mut Client, accounts: Vec<LinkedAccount>) -> Person {
    let created = create(client, accounts).await.expect("created");
    assert!(created.created);
    created.person.expect("a person")
}

/// What accounts are called, without when and how they were linked.
pub(crate) fn names(accounts: &[LinkedAccount]) -> Vec<LinkedAccount> {
    let accounts = accounts.iter().cloned();
    accounts.map(|it| LinkedAccount { link_time: None, proof: String::new(), ..it }).collect()
}

/// The code and the reason of a refusal.
pub(crate) fn told(status: &Status) -> (Code, String) {
    (status.code(), reason(status).expect("every refusal has a reason"))
}
