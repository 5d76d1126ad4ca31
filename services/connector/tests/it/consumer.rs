//! Consumers that note what they are sent.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use klout_proto::{
    graph::v1::{
        ApplySignalsRequest as GraphRequest, ApplySignalsResponse as GraphResponse,
        signal_consumer_service_server::{
            SignalConsumerService as GraphConsumer, SignalConsumerServiceServer as GraphServer,
        },
    },
    score::v1::{
        ApplyMembershipsRequest, ApplyMembershipsResponse, ApplySignalsRequest,
        ApplySignalsResponse,
        signal_consumer_service_server::{
            SignalConsumerService as ScoreConsumer, SignalConsumerServiceServer as ScoreServer,
        },
    },
    signal::v1::SignalBatch,
    topic::v1::{
        ApplySignalsRequest as TopicRequest, ApplySignalsResponse as TopicResponse,
        signal_consumer_service_server::{
            SignalConsumerService as TopicConsumer, SignalConsumerServiceServer as TopicServer,
        },
    },
};
use klout_testkit::Peer;
use tonic::{Request, Response, Status, service::Routes};

/// Scoring, social-graph and topics at once: what each was sent, and whether they take it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Consumers {
    pub(crate) scoring: Arc<Mutex<Vec<SignalBatch>>>,
    pub(crate) social_graph: Arc<Mutex<Vec<SignalBatch>>>,
    pub(crate) topics: Arc<Mutex<Vec<SignalBatch>>>,
    pub(crate) refusing: Arc<AtomicBool>,
}

impl Consumers {
    pub(crate) async fn serve(&self) -> Peer {
        let routes = Routes::new(ScoreServer::new(self.clone()))
            .add_service(GraphServer::new(self.clone()))
            .add_service(TopicServer::new(self.clone()));
        Peer::serve(routes).await
    }

    pub(crate) fn refuse(&self, refusing: bool) {
        self.refusing.store(refusing, Ordering::SeqCst);
    }

    fn take(
        &self,
        batches: &Mutex<Vec<SignalBatch>>,
        batch: Option<SignalBatch>,
    ) -> Result<(), Status> {
        if self.refusing.load(Ordering::SeqCst) {
            return Err(Status::unavailable("not now"));
        }
        batches.lock().expect("not poisoned").push(batch.expect("a batch"));
        Ok(())
    }
}

#[tonic::async_trait]
impl ScoreConsumer for Consumers {
    async fn apply_signals(
        &self,
        request: Request<ApplySignalsRequest>,
    ) -> Result<Response<ApplySignalsResponse>, Status> {
        self.take(&self.scoring, request.into_inner().batch)?;
        Ok(Response::new(ApplySignalsResponse { repeated: false }))
    }

    async fn apply_memberships(
        &self,
        _: Request<ApplyMembershipsRequest>,
    ) -> Result<Response<ApplyMembershipsResponse>, Status> {
        Err(Status::unimplemented("the connector does not call this"))
    }
}

#[tonic::async_trait]
impl GraphConsumer for Consumers {
    async fn apply_signals(
        &self,
        request: Request<GraphRequest>,
    ) -> Result<Response<GraphResponse>, Status> {
        self.take(&self.social_graph, request.into_inner().batch)?;
        Ok(Response::new(GraphResponse { repeated: false }))
    }
}

#[tonic::async_trait]
impl TopicConsumer for Consumers {
    async fn apply_signals(
        &self,
        request: Request<TopicRequest>,
    ) -> Result<Response<TopicResponse>, Status> {
        self.take(&self.topics, request.into_inner().batch)?;
        Ok(Response::new(TopicResponse { repeated: false }))
    }
}
