//! Two replicas of social-graph on one Postgres, a topics in which somebody is known for what the test says, and a
//! connector that notes what it is told.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use klout_chassis::{Caller, Host, Link, Refusal, Running};
use klout_proto::{
    graph::v1::{
        GivePlusKRequest, GivePlusKResponse, graph_service_client::GraphServiceClient,
        plus_k_service_client::PlusKServiceClient,
    },
    score::v1::signal_consumer_service_server::{
        SignalConsumerService as ScoreConsumer, SignalConsumerServiceServer as ScoreServer,
    },
    signal::v1::{
        BatchIngestSignalsRequest, BatchIngestSignalsResponse, Rejection, Signal,
        signal_service_server::{SignalService, SignalServiceServer},
    },
    topic::v1::{
        self as topic,
        signal_consumer_service_server::{
            SignalConsumerService as TopicConsumer, SignalConsumerServiceServer as TopicServer,
        },
        topic_service_server::{TopicService, TopicServiceServer},
    },
};
use klout_social_graph::SocialGraph;
use klout_testkit::{Peer, Stores, link, start};
use sqlx::PgPool;
use tonic::{Code, Request, Response, Status, service::Routes};

use crate::world::{account, join};

pub(crate) type Client = PlusKServiceClient<Link>;

pub(crate) struct World {
    pub(crate) db: PgPool,
    pub(crate) topics: Topics,
    pub(crate) connector: Connector,
    pub(crate) replicas: Vec<Running>,
    _peer: Peer,
}

/// What members are known for, by person.
#[derive(Clone, Debug, Default)]
pub(crate) struct Topics {
    pub(crate) earned: Arc<Mutex<BTreeMap<String, Vec<&'static str>>>>,
    pub(crate) declared: Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>,
    pub(crate) is_down: Arc<Mutex<bool>>,
}

/// What the connector was told, and which signals it does not take yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connector {
    pub(crate) told: Arc<Mutex<Vec<Signal>>>,
    pub(crate) rejecting: Arc<Mutex<Option<&'static str>>>,
    pub(crate) is_down: Arc<Mutex<bool>>,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with_replicas(1).await
    }

    pub(crate) async fn with_replicas(count: usize) -> Self {
        let (topics, connector) = (Topics::default(), Connector::default());
        let mut routes = Routes::builder();
        routes
            .add_service(ScoreServer::new(Deaf))
            .add_service(TopicServer::new(Deaf))
            .add_service(TopicServiceServer::new(topics.clone()))
            .add_service(SignalServiceServer::new(connector.clone()));
        let peer = Peer::serve(routes.routes()).await;
        let flags = [
            ("links.scoring", peer.address()),
            ("links.topics", peer.address()),
            ("links.connector", peer.address()),
            ("social_graph.announce_interval", "20ms"),
        ];
        let stores = Stores::fresh().await;
        let mut replicas = Vec::new();
        for _ in 0..count {
            replicas.push(start(Host::new("test").with::<SocialGraph>(), &stores, &flags).await);
        }
        Self { db: stores.db().await, topics, connector, replicas, _peer: peer }
    }

    pub(crate) fn client(&self) -> Client {
        self.client_of(0)
    }

    /// A customer's.
    pub(crate) fn client_for(&self, purpose: &str) -> Client {
        let caller = Caller::new("a customer", purpose).expect("a caller");
        PlusKServiceClient::new(link(&self.replicas[0]).on_behalf_of(&caller))
    }

    pub(crate) fn client_of(&self, replica: usize) -> Client {
        PlusKServiceClient::new(link(&self.replicas[replica]))
    }

    /// A new member who is known for hiking and board games.
    pub(crate) async fn member(&self, name: &str) -> String {
        let mut client = GraphServiceClient::new(link(&self.replicas[0]));
        let person = join(&mut client, vec![account(name, name)]).await.person;
        let known = vec!["hiking", "board-games"];
        locked(&self.topics.earned).insert(person.clone(), known);
        person
    }

    pub(crate) async fn set(&self, person: &str, column: &str, value: &str) {
        let person: i64 = person.parse().expect("a number");
        let mut query = sqlx::QueryBuilder::new("update social_graph.person set ");
        query.push(column).push(" = ").push_bind(value).push(" where person_id = ");
        query.push_bind(person).build().execute(&self.db).await.expect("written");
    }

    /// As if everything had happened so much earlier.
    pub(crate) async fn let_pass(&self, interval: &str) {
        let mut query =
            sqlx::QueryBuilder::new("update social_graph.plus_k set give_time = give_time - ");
        query.push_bind(interval).push("::text::interval");
        query.build().execute(&self.db).await.expect("written");
    }
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("not poisoned")
}

pub(crate) fn wish(giver: &str, receiver: &str, topic: &str) -> GivePlusKRequest {
    GivePlusKRequest {
        giver: giver.to_owned(),
        receiver: receiver.to_owned(),
        topic: topic.to_owned(),
        request_id: String::new(),
    }
}

pub(crate) async fn give(
    client: &mut Client,
    request: GivePlusKRequest,
) -> Result<GivePlusKResponse, Status> {
    Ok(client.give_plus_k(request).await?.into_inner())
}

/// Whoever is told of memberships.
struct Deaf;

#[tonic::async_trait]
impl ScoreConsumer for Deaf {
    async fn apply_memberships(
        &self,
        _: Request<klout_proto::score::v1::ApplyMembershipsRequest>,
    ) -> Result<Response<klout_proto::score::v1::ApplyMembershipsResponse>, Status> {
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl TopicConsumer for Deaf {
    async fn apply_memberships(
        &self,
        _: Request<topic::ApplyMembershipsRequest>,
    ) -> Result<Response<topic::ApplyMembershipsResponse>, Status> {
        Ok(Response::new(Default::default()))
    }
}

// === impl Topics ===

/// Topics that there are, with their ids.
const ALL: [(&str, &str); 4] =
    [("hiking", "11"), ("board-games", "12"), ("chess", "13"), ("photography", "14")];

impl Topics {
    fn listen(&self) -> Result<(), Status> {
        if *locked(&self.is_down) { Err(Status::unavailable("not now")) } else { Ok(()) }
    }
}

fn found(text: &str) -> Result<topic::Topic, Status> {
    let unknown = || {
        Refusal::new(Code::NotFound, "TOPIC_UNKNOWN").into_plain_status("there is no such topic")
    };
    let (slug, id) = ALL.into_iter().find(|it| it.0 == text || it.1 == text).ok_or_else(unknown)?;
    Ok(topic::Topic { topic: id.to_owned(), slug: slug.to_owned(), ..Default::default() })
}

#[tonic::async_trait]
impl TopicService for Topics {
    async fn list_person_topics(
        &self,
        request: Request<topic::ListPersonTopicsRequest>,
    ) -> Result<Response<topic::ListPersonTopicsResponse>, Status> {
        self.listen()?;
        let person = request.into_inner().person;
        let earned = locked(&self.earned).get(&person).cloned().unwrap_or_default();
        let declared = locked(&self.declared).get(&person).cloned().unwrap_or_default();
        let earned = earned.into_iter().map(|it| (it.to_owned(), "earned"));
        let declared = declared.into_iter().map(|it| (it, "declared"));
        let topics = earned.chain(declared).map(|(slug, state)| topic::PersonTopic {
            topic: found(&slug).ok(),
            states: vec![state.to_owned()],
            ..Default::default()
        });
        let topics = topics.collect();
        Ok(Response::new(topic::ListPersonTopicsResponse { topics, ..Default::default() }))
    }

    async fn get_topic(
        &self,
        request: Request<topic::GetTopicRequest>,
    ) -> Result<Response<topic::GetTopicResponse>, Status> {
        self.listen()?;
        let topic = Some(found(&request.into_inner().topic)?);
        Ok(Response::new(topic::GetTopicResponse { topic, ..Default::default() }))
    }

    async fn declare_topics(
        &self,
        request: Request<topic::DeclareTopicsRequest>,
    ) -> Result<Response<topic::DeclareTopicsResponse>, Status> {
        self.listen()?;
        let request = request.into_inner();
        assert!(request.add, "nothing that was declared is lost");
        let mut declared = locked(&self.declared);
        let declared = declared.entry(request.person).or_default();
        declared.extend(request.topics.into_iter().map(|it| it.topic));
        Ok(Response::new(topic::DeclareTopicsResponse::default()))
    }
}

// === impl Connector ===

impl Connector {
    pub(crate) fn all(&self) -> Vec<Signal> {
        locked(&self.told).clone()
    }
}

#[tonic::async_trait]
impl SignalService for Connector {
    async fn batch_ingest_signals(
        &self,
        request: Request<BatchIngestSignalsRequest>,
    ) -> Result<Response<BatchIngestSignalsResponse>, Status> {
        if *locked(&self.is_down) {
            return Err(Status::unavailable("not now"));
        }
        let signals = request.into_inner().signals;
        let rejected = match *locked(&self.rejecting) {
            Some(reason) => (0..)
                .zip(&signals)
                .map(|(index, _)| Rejection {
                    index,
                    reason: reason.to_owned(),
                    ..Default::default()
                })
                .collect(),
            None => Vec::new(),
        };
        if rejected.is_empty() {
            locked(&self.told).extend(signals);
        }
        Ok(Response::new(BatchIngestSignalsResponse { rejected, ..Default::default() }))
    }
}
