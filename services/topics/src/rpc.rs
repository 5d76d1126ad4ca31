//! The gRPC face of topics. One file for each RPC.

mod apply_memberships;
mod apply_signals;
mod batch_get_person_topics;
mod declare_topics;
mod explain_person_topic;
mod get_backlog;
mod get_topic;
mod list_experts;
mod list_person_topics;
mod list_topics;
mod match_text;
mod operator;
mod parse;
mod person_data;
mod restore_topic;
mod show;
mod suggest_content;
mod suggest_topics;
mod veto_topic;

use std::sync::Arc;

use klout_chassis::{Caller, Link, Lookups, page};
use klout_proto::{
    graph::v1::graph_service_client::GraphServiceClient,
    topic::v1::{
        ApplyMembershipsRequest, ApplyMembershipsResponse, ApplySignalsRequest,
        ApplySignalsResponse, BatchGetPersonTopicsRequest, BatchGetPersonTopicsResponse,
        DeclareTopicsRequest, DeclareTopicsResponse, ExplainPersonTopicRequest,
        ExplainPersonTopicResponse, GetBacklogRequest, GetBacklogResponse, GetTopicRequest,
        GetTopicResponse, ListExpertsRequest, ListExpertsResponse, ListPersonTopicsRequest,
        ListPersonTopicsResponse, ListTopicsRequest, ListTopicsResponse, MatchTextRequest,
        MatchTextResponse, RestoreTopicRequest, RestoreTopicResponse, SuggestContentRequest,
        SuggestContentResponse, SuggestTopicsRequest, SuggestTopicsResponse, VetoTopicRequest,
        VetoTopicResponse, signal_consumer_service_server::SignalConsumerService,
        topic_service_server::TopicService,
    },
};
use sqlx::PgPool;
use tokio::sync::Notify;
use tonic::{Request, Response, Status};

pub(crate) use self::{operator::OperatorRpc, person_data::PersonDataRpc};
use crate::{backlog::Backlog, evidence::Gatherer, ontologies::Ontologies, people::Related};

#[derive(Clone, Debug)]
pub(crate) struct TopicRpc {
    pub(crate) db: PgPool,
    pub(crate) ontologies: Ontologies,
    pub(crate) graph: GraphServiceClient<Link>,
    pub(crate) gatherer: Gatherer,
    pub(crate) related: Related,
    pub(crate) backlog: Backlog,
    pub(crate) lookups: Lookups,
    /// Rung when there is something to read.
    pub(crate) posts_changed: Arc<Notify>,
    /// Rung when there is somebody to compute.
    pub(crate) people_changed: Arc<Notify>,
}

#[derive(Clone, Debug)]
pub(crate) struct ConsumerRpc {
    pub(crate) db: PgPool,
    /// Rung when there is something to read.
    pub(crate) posts_changed: Arc<Notify>,
    /// Rung when there is somebody to compute.
    pub(crate) people_changed: Arc<Notify>,
}

// === impl ConsumerRpc ===

impl ConsumerRpc {
    fn evidence_grew(&self) {
        self.posts_changed.notify_one();
        self.people_changed.notify_one();
    }
}

// Decode, call, encode. What a call means is in its own file and returns the service's own `Error`;
// the `?` here is the only place where that becomes a `Status`.
#[tonic::async_trait]
impl SignalConsumerService for ConsumerRpc {
    async fn apply_signals(
        &self,
        request: Request<ApplySignalsRequest>,
    ) -> Result<Response<ApplySignalsResponse>, Status> {
        let response = apply_signals::apply_signals(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn apply_memberships(
        &self,
        request: Request<ApplyMembershipsRequest>,
    ) -> Result<Response<ApplyMembershipsResponse>, Status> {
        let response = apply_memberships::apply_memberships(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }
}

#[tonic::async_trait]
impl TopicService for TopicRpc {
    async fn list_topics(
        &self,
        request: Request<ListTopicsRequest>,
    ) -> Result<Response<ListTopicsResponse>, Status> {
        Ok(Response::new(list_topics::list_topics(self, request.into_inner()).await?))
    }

    async fn get_topic(
        &self,
        request: Request<GetTopicRequest>,
    ) -> Result<Response<GetTopicResponse>, Status> {
        Ok(Response::new(get_topic::get_topic(self, request.into_inner()).await?))
    }

    async fn match_text(
        &self,
        request: Request<MatchTextRequest>,
    ) -> Result<Response<MatchTextResponse>, Status> {
        Ok(Response::new(match_text::match_text(self, request.into_inner()).await?))
    }

    async fn list_person_topics(
        &self,
        request: Request<ListPersonTopicsRequest>,
    ) -> Result<Response<ListPersonTopicsResponse>, Status> {
        let caller = Caller::of(&request);
        let response =
            list_person_topics::list_person_topics(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn batch_get_person_topics(
        &self,
        request: Request<BatchGetPersonTopicsRequest>,
    ) -> Result<Response<BatchGetPersonTopicsResponse>, Status> {
        let request = request.into_inner();
        Ok(Response::new(batch_get_person_topics::batch_get_person_topics(self, request).await?))
    }

    async fn explain_person_topic(
        &self,
        request: Request<ExplainPersonTopicRequest>,
    ) -> Result<Response<ExplainPersonTopicResponse>, Status> {
        let caller = Caller::of(&request);
        let response =
            explain_person_topic::explain_person_topic(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_experts(
        &self,
        request: Request<ListExpertsRequest>,
    ) -> Result<Response<ListExpertsResponse>, Status> {
        let caller = Caller::of(&request);
        let response = list_experts::list_experts(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn declare_topics(
        &self,
        request: Request<DeclareTopicsRequest>,
    ) -> Result<Response<DeclareTopicsResponse>, Status> {
        let caller = Caller::of(&request);
        let response = declare_topics::declare_topics(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn veto_topic(
        &self,
        request: Request<VetoTopicRequest>,
    ) -> Result<Response<VetoTopicResponse>, Status> {
        let purpose = Caller::of(&request).purpose();
        Ok(Response::new(veto_topic::veto_topic(self, purpose, request.into_inner()).await?))
    }

    async fn restore_topic(
        &self,
        request: Request<RestoreTopicRequest>,
    ) -> Result<Response<RestoreTopicResponse>, Status> {
        let purpose = Caller::of(&request).purpose();
        Ok(Response::new(restore_topic::restore_topic(self, purpose, request.into_inner()).await?))
    }

    async fn suggest_topics(
        &self,
        request: Request<SuggestTopicsRequest>,
    ) -> Result<Response<SuggestTopicsResponse>, Status> {
        let caller = Caller::of(&request);
        let response = suggest_topics::suggest_topics(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn suggest_content(
        &self,
        request: Request<SuggestContentRequest>,
    ) -> Result<Response<SuggestContentResponse>, Status> {
        let caller = Caller::of(&request);
        let response =
            suggest_content::suggest_content(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn get_backlog(
        &self,
        _: Request<GetBacklogRequest>,
    ) -> Result<Response<GetBacklogResponse>, Status> {
        Ok(Response::new(get_backlog::get_backlog(self).await?))
    }
}
